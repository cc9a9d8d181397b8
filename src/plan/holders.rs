//! What somebody outside the plan still holds is kept, and said so; and it is
//! not made anew under their feet.

use crate::model::KindName;
use crate::model::RecordError;
use crate::text::words;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;

use super::Input;
use super::PlanError;
use super::draft::Draft;
use super::rename::Renames;
use crate::kinds;
use crate::kinds::Holding;
use crate::kinds::Scope as _;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Note;
use crate::model::NoteKind;
use crate::model::Problem;
use crate::model::Recorded;
use crate::model::Standing;

/// How many holders a note names before it only counts.
const NAMED: usize = 5;
/// The kind that holds sets as members.
const GROUP: KindName = KindName::PERMISSION_SET_GROUP;

/// Takes out of the plan the deletion of what others hold; adds the moves of
/// users that we deactivated and that still stand on a profile to delete.
///
/// # Errors
/// When something is to be made anew that others hold.
pub fn keep_what_is_held(
    input: &Input<'_>,
    renames: &Renames,
    draft: &mut Draft,
) -> Result<(), PlanError> {
    let mut problems = Vec::new();
    let mut kept: BTreeMap<Address, Vec<String>> = BTreeMap::new();
    let mut moved: BTreeSet<Address> = BTreeSet::new();
    let mut wanted: HashMap<&Address, &Address> = HashMap::new();
    for change in &draft.changes {
        for (_, referred) in change.after.iter().flat_map(Attributes::references) {
            wanted.entry(referred).or_insert(&change.address);
        }
    }
    for change in &draft.changes {
        if !matches!(change.action, Action::Delete | Action::Replace) {
            continue;
        }
        let Some(kind) = kinds::of(&change.address) else { continue };
        let holding = kind.granting().holders(&change.address, input.catalog);
        let Some(Holding { holders, held_by }) = holding else { continue };
        let holders = holders.is().cloned().unwrap_or_default();
        let wanted_by =
            wanted.get(&change.address).copied().filter(|_| change.action == Action::Delete);
        let mut others: Vec<String> = wanted_by.iter().map(ToString::to_string).collect();
        let mut retired = Vec::new();
        for username in &holders.usernames {
            let username = renames.new_name(KindName::USER, username);
            let holder = held_by(&change.address, username);
            if leaves(draft, &holder, &change.address) || wanted_by == Some(&holder) {
                continue;
            }
            if is_retired(input.recorded, &holder).map_err(PlanError::State)? {
                retired.push(holder);
            } else {
                others.push(username.to_owned());
            }
        }
        for group in &holders.groups {
            let group = Address::new(GROUP, renames.new_name(GROUP, group));
            if !leaves(draft, &group, &change.address) && wanted_by != Some(&group) {
                others.push(group.to_string());
            }
        }
        if change.action == Action::Replace {
            if !others.is_empty() {
                problems.push(held_by_others(input, change, &others));
            }
        } else if others.is_empty() {
            moved.extend(retired);
        } else {
            kept.insert(change.address.clone(), others);
        }
    }
    keep_members(draft, &mut kept);
    draft.changes.retain(|change| !kept.contains_key(&change.address));
    for (address, holders) in kept {
        let text = format!(
            "kept, since {} still {} it",
            words::few(&holders, NAMED),
            words::agreeing(holders.len(), "holds", "hold")
        );
        draft.notes.push(Note { kind: NoteKind::Kept, address, text });
    }
    add_moves(input, draft, moved).map_err(PlanError::State)?;
    if problems.is_empty() { Ok(()) } else { Err(PlanError::Problems(problems)) }
}

/// A group that stays keeps its members: the org deletes no set that is one.
fn keep_members(draft: &Draft, kept: &mut BTreeMap<Address, Vec<String>>) {
    let stays =
        |change: &&Change| kept.contains_key(&change.address) || change.action == Action::Release;
    let mut members: BTreeMap<Address, Vec<String>> = BTreeMap::new();
    for change in draft.changes.iter().filter(stays) {
        let combined = kinds::of(&change.address)
            .and_then(|kind| kind.granting().combines(change.before.as_ref()?))
            .map_or_else(Vec::new, |(members, _)| members);
        for member in combined {
            members.entry(member).or_default().push(change.address.to_string());
        }
    }
    for change in draft.changes.iter().filter(|change| change.action == Action::Delete) {
        if let Some(groups) = members.remove(&change.address) {
            kept.entry(change.address.clone()).or_default().extend(groups);
        }
    }
}

fn held_by_others(input: &Input<'_>, change: &Change, others: &[String]) -> Problem {
    let address = &change.address;
    let message = format!(
        "it can't be replaced while {} still {} it",
        words::few(others, NAMED),
        words::agreeing(others.len(), "holds", "hold")
    );
    let problem = match input.desired.declared(address).zip(kinds::of(address)) {
        Some((declared, kind)) => Problem::at(declared, kind.place(address, "").itself(), message),
        None => Problem::new(address, message),
    };
    problem.hint("declare it for them too, so that it is given back, or take it off them")
}

/// Whether the plan takes `thing` off `holder`.
fn leaves(draft: &Draft, holder: &Address, thing: &Address) -> bool {
    let Some(change) = draft.changes.of(holder) else { return false };
    match change.action {
        Action::Delete | Action::Replace => true,
        Action::Release => false,
        _ => change.after.as_ref().is_some_and(|after| {
            let still_refers = after.references().any(|(_, referred)| referred == thing);
            !still_refers
        }),
    }
}

fn is_retired(recorded: &dyn Recorded, holder: &Address) -> Result<bool, RecordError> {
    let record = recorded.get(holder)?;
    Ok(record.is_some_and(|record| record.standing == Standing::Retired))
}

/// A retired user is no longer planned for, but for the move off a profile.
fn add_moves(
    input: &Input<'_>,
    draft: &mut Draft,
    moved: BTreeSet<Address>,
) -> Result<(), RecordError> {
    let mut moves = Vec::new();
    for address in moved {
        let Some(record) = input.recorded.get(&address)? else { continue };
        moves.push(Change {
            before: Some(record.attributes.clone()),
            recorded: Some(Box::new(record)),
            ..Change::new(address, Action::Delete, crate::model::Reason::NotDeclared)
        });
    }
    draft.changes.extend(moves);
    Ok(())
}
