//! What a plan has to say beside its changes.

use super::lookups::Lookups;
use crate::model::Once;
use crate::model::RecordError;
use std::collections::BTreeMap;

use super::Input;
use super::draft::Draft;
use super::exclusive;
use crate::kinds;
use crate::kinds::Scope as _;
use crate::model::Address;
use crate::model::Change;
use crate::model::Note;
use crate::model::NoteKind;
use crate::model::Observed;
use crate::model::PlanMode;
use crate::model::Standing;

/// Adds the notes about undeclared relations and things not known.
///
/// # Errors
/// When the state can't be read.
pub fn add(input: &Input<'_>, draft: &mut Draft) -> Result<(), RecordError> {
    undeclared(input, draft);
    unknown_mail(input, draft);
    idle_renames(input, draft)?;
    remarks(input, draft);
    draft.notes.sort_by(|left, right| {
        left.address.cmp(&right.address).then_with(|| left.text.cmp(&right.text))
    });
    Ok(())
}

/// Grants of sorts that no kind models are kept as they are, and told.
pub fn carried(address: &Address, observed: &Observed, how: &str) -> Note {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for element in &observed.carried {
        *counts.entry(&element.name).or_default() += 1;
    }
    let listed: Vec<String> =
        counts.iter().map(|(name, count)| format!("{name} ({count})")).collect();
    let listed = if listed.is_empty() { "none are left".to_owned() } else { listed.join(", ") };
    let text = format!(
        "grants of sorts that orgform does not manage are {how} and kept as they are: {listed}"
    );
    Note { kind: NoteKind::Undeclared, address: address.clone(), text }
}

/// What somebody renamed in the org is left alone, and told.
pub fn renamed_outside(address: &Address, now: &Address) -> Note {
    let text = format!(
        "somebody renamed it in the org: it is `{}` there now, and is left alone under that name",
        now.name()
    );
    Note { kind: NoteKind::Unknown, address: address.clone(), text }
}

/// Whether user access policies deal in what a change is about: sets, groups of
/// them, queues and public groups that a user holds.
pub fn policies_may_undo(change: &Change) -> bool {
    let is_license = change.address.kind().ends_with("_license_assignment");
    let subject =
        kinds::of(&change.address).and_then(|kind| kind.relation().subject(&change.address));
    !is_license && subject.is_some_and(|subject| subject != change.address)
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
            .filter(|relation| !relation.kind().ends_with("_license_assignment"))
            .filter(|relation| !exclusive::is_taken_off(input, address, relation))
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

/// A mail whose fate is not known is reported, and never sent again unasked.
fn unknown_mail(input: &Input<'_>, draft: &mut Draft) {
    for change in &draft.changes {
        let is_unknown = change
            .recorded
            .iter()
            .flat_map(|record| record.once.values())
            .any(|when| *when == Once::Unknown);
        if is_unknown && input.mode == PlanMode::Converge {
            draft.notes.push(Note {
                kind: NoteKind::Unknown,
                address: change.address.clone(),
                text: "an earlier run ended while the password mail was being sent, so it is not known whether it went out; it is not sent again".to_owned(),
            });
        }
    }
}

/// What a kind has to say of a change beside what it changes.
fn remarks(input: &Input<'_>, draft: &mut Draft) {
    for change in &draft.changes {
        let Some(kind) = kinds::of(&change.address) else { continue };
        for text in kind.feedback().remarks(change, input.catalog) {
            let address = change.address.clone();
            draft.notes.push(Note { kind: NoteKind::Remark, address, text });
        }
    }
}

/// A `was:` that renames nothing is told: a slip in it would make a new thing
/// and take the old one away.
fn idle_renames(input: &Input<'_>, draft: &mut Draft) -> Result<(), RecordError> {
    if input.mode != PlanMode::Converge {
        return Ok(());
    }
    let records = Lookups::new(input.recorded);
    let chosen = input.desired.iter().filter(|declared| input.choice.includes(&declared.address));
    for declared in chosen {
        let Some(was) = &declared.was else { continue };
        let old = Address::new(declared.address.kind(), was);
        let is_recorded = |address: &Address| {
            let record = records.record(address);
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
    records.finish()
}
