//! `exclusive:` of a user: what it holds of a sort and no file declares is taken
//! off it.
//!
//! It is about relations alone. A license that came along with a set is the
//! platform's, and stays while the set does.

use crate::model::RecordError;
use std::collections::HashMap;

use super::Input;
use super::draft::Draft;
use crate::kinds;
use crate::kinds::Scope as _;
use crate::model::Action;
use crate::model::Address;
use crate::model::Change;
use crate::model::Note;
use crate::model::NoteKind;
use crate::model::PlanMode;
use crate::model::Reason;

/// Whether what is not declared of a user is taken off it.
pub fn is_taken_off(input: &Input<'_>, user: &Address, relation: &Address) -> bool {
    let declared = input.desired.declared(user);
    input.mode == PlanMode::Converge
        && input.choice.includes(relation)
        && declared.is_some_and(|user| user.lifecycle.exclusive.contains(relation.kind()))
}

/// Adds the changes that take it off.
///
/// # Errors
/// When the state can't be read.
pub fn add(input: &Input<'_>, draft: &mut Draft) -> Result<(), RecordError> {
    let mut declared_sets: Option<HashMap<Address, Vec<Address>>> = None;
    let mut added = Vec::new();
    for (user, relations) in &input.observations.undeclared {
        for (address, observed) in relations {
            if !is_taken_off(input, user, address) {
                continue;
            }
            if let Some(policies) = input.catalog.came_back.get(address).is() {
                let text = format!(
                    "it came back by itself when it was last taken off, and is left alone: look at the user access policies {}, or declare it",
                    policies.join(", ")
                );
                draft.notes.push(Note {
                    kind: NoteKind::Undeclared,
                    address: address.clone(),
                    text,
                });
                continue;
            }
            if let Some(license) = observed.attributes.reference("permission_set_license") {
                let sets = declared_sets.get_or_insert_with(|| sets_by_user(input));
                if let Some(sets) = sets.get(user)
                    && carries(input, sets, license.name())?
                {
                    continue;
                }
            }
            added.push(Change {
                before: Some(observed.attributes.clone()),
                observed: Some(Box::new(observed.clone())),
                ..Change::new(address.clone(), Action::Delete, Reason::Exclusive)
            });
        }
    }
    draft.changes.extend(added);
    Ok(())
}

/// The sets that each user is to hold.
fn sets_by_user(input: &Input<'_>) -> HashMap<Address, Vec<Address>> {
    let mut sets: HashMap<Address, Vec<Address>> = HashMap::new();
    for declared in input.desired.iter() {
        let joins =
            kinds::of(&declared.address).and_then(|kind| kind.relation().joins(&declared.address));
        if let Some((user, set)) = joins {
            sets.entry(user).or_default().push(set);
        }
    }
    sets
}

/// Whether one of these sets carries the license.
fn carries(input: &Input<'_>, sets: &[Address], license: &str) -> Result<bool, RecordError> {
    for set in sets {
        let recorded = input.recorded.get(set)?;
        let carried = recorded.as_ref().and_then(|record| record.attributes.text("license"));
        let written = input.desired.declared(set).and_then(|set| set.attributes.text("license"));
        let written = written.map(kinds::set_license_name);
        if [carried, written].into_iter().flatten().any(|name| name == license) {
            return Ok(true);
        }
    }
    Ok(false)
}
