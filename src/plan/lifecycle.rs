//! `lifecycle:` of an entry: what is never taken away, and what is left as it
//! is once the thing is there.

use super::Input;
use crate::kinds;
use crate::kinds::Kind;
use crate::kinds::Scope as _;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Declared;
use crate::model::PlanMode;
use crate::model::Problem;
use crate::model::Record;
use crate::model::RecordError;

/// Whether a thing may not be taken away: the files say so, or said so when
/// they were last applied. What belongs to a user
/// who stays for that reason stays with it.
///
/// # Errors
/// When the state can't be read.
pub fn is_protected(
    input: &Input<'_>,
    address: &Address,
    record: &Record,
) -> Result<bool, RecordError> {
    let says = |address: &Address| {
        input.desired.declared(address).map(|held| held.lifecycle.prevent_destroy)
    };
    if says(address) == Some(true) || record.protected {
        return Ok(true);
    }
    let Some(subject) = kinds::of(address).and_then(|kind| kind.relation().subject(address)) else {
        return Ok(false);
    };
    let stays_declared = input.mode == PlanMode::Converge && says(&subject).is_some();
    if subject == *address || stays_declared || input.desired.is_released(&subject) {
        return Ok(false);
    }
    let recorded = input.recorded.get(&subject)?;
    Ok(says(&subject) == Some(true) || recorded.is_some_and(|record| record.protected))
}

/// What is protected is not made anew either.
pub fn never_replaced(kind: &dyn Kind, declared: &Declared) -> Problem {
    Problem::at(
        declared,
        kind.place(&declared.address, "lifecycle"),
        "it is to be replaced, and `prevent_destroy` protects it",
    )
    .hint("take `prevent_destroy` out and apply that first")
}

/// What is ignored is wanted as it is.
pub fn leave_ignored(
    kind: &dyn Kind,
    declared: &Declared,
    current: &Attributes,
    wanted: &mut Attributes,
) {
    let words = &declared.lifecycle.ignore_changes;
    if words.is_empty() {
        return;
    }
    let is_ignored =
        |path: &str| words.iter().any(|word| kind.lifecycle_rules().ignores(word, path));
    wanted.retain(|path, _| !is_ignored(path));
    for (path, value) in current.iter().filter(|(path, _)| is_ignored(path)) {
        wanted.set(path.to_owned(), value.clone());
    }
}
