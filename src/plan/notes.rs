//! What a plan has to say beside its changes.

use std::collections::BTreeMap;

use super::Input;
use super::draft::Draft;
use crate::kinds::Scope as _;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::LicenseFact;
use crate::model::Note;
use crate::model::NoteKind;
use crate::model::PlanMode;
use crate::model::Reason;
use crate::model::Standing;

/// Adds the notes about undeclared relations, seats and things not known.
pub fn add(input: &Input<'_>, draft: &mut Draft) {
    undeclared(input, draft);
    seats(input, draft);
    unknown_mail(input, draft);
    idle_renames(input, draft);
    draft.notes.sort_by(|left, right| {
        left.address.cmp(&right.address).then_with(|| left.text.cmp(&right.text))
    });
}

fn undeclared(input: &Input<'_>, draft: &mut Draft) {
    if input.mode != PlanMode::Converge {
        return;
    }
    for (address, relations) in &input.observations.undeclared {
        // Licenses come along with sets by themselves, so that one that nobody
        // declared says nothing.
        let names: Vec<&str> = relations
            .iter()
            .map(|(relation, _)| relation)
            .filter(|relation| relation.kind() == "permission_set_assignment")
            .map(|relation| {
                relation.name().rsplit_once('/').map_or(relation.name(), |(_, name)| name)
            })
            .collect();
        if names.is_empty() {
            continue;
        }
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
    let mut needed: BTreeMap<(bool, String), (u64, usize)> = BTreeMap::new();
    for (index, change) in draft.changes.iter().enumerate() {
        let takes_seat = match change.action {
            Action::Create => true,
            Action::Update => change.reason == Reason::DeactivatedByUs,
            _ => false,
        };
        if !takes_seat {
            continue;
        }
        for (_, address) in change.after.iter().flat_map(Attributes::references) {
            let license = match (change.address.kind(), address.kind()) {
                (_, "permission_set_license") => Some((true, address.name().to_owned())),
                ("user", "profile") => {
                    license_of_profile(input, draft, address).map(|license| (false, license))
                }
                _ => None,
            };
            if let Some(license) = license {
                needed.entry(license).or_insert((0, index)).0 += 1;
            }
        }
    }
    for ((is_set_license, name), (count, first)) in needed {
        let license = if is_set_license {
            input.catalog.permission_set_license(&name)
        } else {
            input.catalog.user_license(&name)
        };
        if let Some(text) = license.and_then(|license| shortage(license, count)) {
            let address = draft.changes[first].address.clone();
            draft.notes.push(Note { kind: NoteKind::Seats, address, text });
        }
    }
}

/// The user license of a profile: planned, recorded or looked up.
fn license_of_profile(input: &Input<'_>, draft: &Draft, profile: &Address) -> Option<String> {
    let of = |attributes: &Attributes| attributes.text("user_license").map(str::to_owned);
    if let Ok(index) = draft.changes.binary_search_by(|change| change.address.cmp(profile)) {
        return draft.changes[index].after.as_ref().and_then(of);
    }
    if let Ok(Some(record)) = input.recorded.get(profile) {
        return of(&record.attributes);
    }
    input.catalog.profile(profile.name()).map(|profile| profile.license.clone())
}

fn shortage(license: &LicenseFact, needed: u64) -> Option<String> {
    if license.total < 0 {
        return None;
    }
    let left = u64::try_from(license.total - license.used).unwrap_or(0);
    (needed > left).then(|| {
        format!(
            "{needed} seats of the license `{}` are needed and {left} of {} are left: the org will refuse {}",
            license.label,
            license.total,
            needed - left
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

/// A `was:` that renames nothing is told: a slip in it would make a new thing
/// and take the old one away.
fn idle_renames(input: &Input<'_>, draft: &mut Draft) {
    if input.mode != PlanMode::Converge {
        return;
    }
    let chosen = input.desired.iter().filter(|declared| input.choice.includes(&declared.address));
    for declared in chosen {
        let Some(was) = &declared.was else { continue };
        let old = Address::new(declared.address.kind(), was);
        let is_recorded = |address: &Address| {
            let record = input.recorded.get(address).ok().flatten();
            record.is_some_and(|record| record.standing == Standing::Live)
        };
        let text = if old == declared.address {
            "`was` names the thing itself, so that nothing is renamed".to_owned()
        } else if input.desired.declared(&old).is_some() {
            format!("`was: {was}` renames nothing, since `{was}` is still declared")
        } else if !is_recorded(&old) && !is_recorded(&declared.address) {
            format!("`was: {was}` renames nothing, since no `{was}` is in use by orgform's record")
        } else {
            continue;
        };
        let address = declared.address.clone();
        draft.notes.push(Note { kind: NoteKind::Unknown, address, text });
    }
}
