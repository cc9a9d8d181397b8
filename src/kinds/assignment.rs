//! What the kinds that join a user to something else have in common.

use super::Step;
use super::StepContext;
use crate::model::Address;
use crate::model::Change;
use crate::model::FieldValue;
use crate::model::IdReference;
use crate::model::Ownership;
use crate::model::Problem;
use crate::model::RecordEffect;
use crate::model::Write;

/// The two halves of an assignment's name: the username, and what it holds.
pub fn halves(address: &Address) -> (&str, &str) {
    // A username may hold a slash before its `@`; what it holds may anywhere.
    let name = address.name();
    let at = name.find('@').unwrap_or(0);
    match name[at..].find('/') {
        Some(slash) => (&name[..at + slash], &name[at + slash + 1..]),
        None => (name, ""),
    }
}

/// The steps of a row that joins two others: it is made or taken off, never
/// changed.
pub fn assignment_steps(
    change: &Change,
    context: &dyn StepContext,
    object: &'static str,
    joins: &[(&'static str, &'static str)],
) -> Result<Vec<Step>, Problem> {
    let problem = |message: String| Problem {
        address: change.address.clone(),
        place: None,
        file: 0,
        message,
        hint: Some("run plan again; the state may be behind the org".to_owned()),
    };
    let Some(after) = &change.after else {
        let Some(id) = change.id() else {
            return Err(problem("the assignment to take off has no known id".to_owned()));
        };
        return Ok(vec![Step::new(
            "unassign",
            Write::Delete { object: object.into(), id: IdReference::Known(id.clone()) },
            RecordEffect { forget: true, ..RecordEffect::default() },
        )]);
    };
    if change.exists() && change.may_leave_with.is_none() {
        return Ok(Vec::new());
    }
    let mut fields = Vec::new();
    for (field, path) in joins {
        let Some(address) = after.reference(path) else {
            return Err(problem(format!("it has no `{path}`")));
        };
        let Some(id) = context.id(address) else {
            return Err(problem(format!("the id of {address} is not known")));
        };
        fields.push(((*field).into(), FieldValue::Id(id)));
    }
    // What is given again may be there still: then the org says so.
    let is_new = !change.exists();
    Ok(vec![Step::new(
        if is_new { "assign" } else { "assign again" },
        Write::Insert { object: object.into(), fields },
        RecordEffect {
            confirm: after.clone(),
            creates: is_new.then_some(Ownership::Created),
            gives_again: !is_new,
            ..RecordEffect::default()
        },
    )])
}
