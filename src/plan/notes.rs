//! What a plan has to say beside its changes.

use std::collections::BTreeMap;

use super::Input;
use super::draft::Draft;
use crate::model::Action;
use crate::model::Fact;
use crate::model::FactValue;
use crate::model::LicenseFact;
use crate::model::Note;
use crate::model::NoteKind;
use crate::model::PlanMode;
use crate::model::Value;

/// Adds the notes about undeclared relations, seats and things not known.
pub fn add(input: &Input<'_>, draft: &mut Draft) {
    undeclared(input, draft);
    seats(input, draft);
    unknown_mail(input, draft);
    draft.notes.sort_by(|left, right| {
        left.address.cmp(&right.address).then_with(|| left.text.cmp(&right.text))
    });
}

fn undeclared(input: &Input<'_>, draft: &mut Draft) {
    if input.mode != PlanMode::Converge {
        return;
    }
    for (address, relations) in &input.observations.undeclared {
        let names: Vec<&str> = relations
            .iter()
            .map(|relation| relation.name().rsplit_once('/').map_or(relation.name(), |(_, name)| name))
            .collect();
        let text = if let [only] = names.as_slice() {
            format!("1 assignment on this user is not declared and is left alone: {only}")
        } else {
            format!(
                "{} assignments on this user are not declared and are left alone: {}",
                names.len(),
                names.join(", ")
            )
        };
        draft.notes.push(Note { kind: NoteKind::Undeclared, address: address.clone(), text });
    }
}

/// Compares the license seats that the plan takes with those that are left.
fn seats(input: &Input<'_>, draft: &mut Draft) {
    let mut needed: BTreeMap<&str, (u64, usize)> = BTreeMap::new();
    for (index, change) in draft.changes.iter().enumerate() {
        if change.action != Action::Create {
            continue;
        }
        for (_, value) in change.after.iter().flat_map(|after| after.iter()) {
            if let Value::Reference(address) = value
                && address.kind() == "permission_set_license"
            {
                needed.entry(address.name()).or_insert((0, index)).0 += 1;
            }
        }
    }
    for (name, (count, first)) in needed {
        let fact = Fact::PermissionSetLicense(name.to_owned());
        let Some(FactValue::License(license)) = input.catalog.get(&fact) else { continue };
        if let Some(text) = shortage(license, count) {
            let address = draft.changes[first].address.clone();
            draft.notes.push(Note { kind: NoteKind::Seats, address, text });
        }
    }
}

fn shortage(license: &LicenseFact, needed: u64) -> Option<String> {
    if license.total < 0 {
        return None;
    }
    let left = u64::try_from(license.total - license.used).unwrap_or(0);
    (needed > left).then(|| {
        format!(
            "{needed} seats of the license `{}` are needed and {left} of {} are left: the org will refuse the rest",
            license.label, license.total
        )
    })
}

/// A mail whose fate is not known is told, and never sent again unasked.
fn unknown_mail(input: &Input<'_>, draft: &mut Draft) {
    for change in &draft.changes {
        let is_unknown = change
            .recorded
            .iter()
            .flat_map(|record| record.once.values())
            .any(|when| when == "unknown");
        if is_unknown && input.mode == PlanMode::Converge {
            draft.notes.push(Note {
                kind: NoteKind::Unknown,
                address: change.address.clone(),
                text: "an earlier run ended while the password mail was being sent, so it is not known whether it went out; it is not sent again".to_owned(),
            });
        }
    }
}
