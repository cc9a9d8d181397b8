//! What an answered op does to the state.

use crate::kinds;
use crate::kinds::Removal;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Observed;
use crate::model::Once;
use crate::model::Op;
use crate::model::Ownership;
use crate::model::Reason;
use crate::model::Record;
use crate::model::RecordError;
use crate::model::SalesforceId;
use crate::model::Standing;
use crate::model::UnixSeconds;
use crate::model::Value;
use crate::state::RecordChange;

/// What an answer said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Confirmed {
    /// The id of what was made.
    pub id: Option<SalesforceId>,
    /// What the org kept of a document, read back.
    pub read_back: Option<Observed>,
    /// It was there already, so that it is not ours to remove.
    pub was_there: bool,
    /// It is not known whether a one-shot thing happened.
    pub unknown: bool,
}

/// The changes to the state when `op` is done. `recorded` gives what stands there;
///
/// # Errors
/// When the state can't be read.
pub fn record_changes(
    op: &Op,
    confirmed: &Confirmed,
    recorded: &dyn Fn(&Address) -> Result<Option<Record>, RecordError>,
    now: UnixSeconds,
) -> Result<Vec<RecordChange>, RecordError> {
    let effect = &op.effect;
    if effect.forget {
        let mut changes = vec![RecordChange::Forget(op.address.clone())];
        // It may stand in the state under the name that it had.
        changes.extend(effect.moves.iter().map(|moved| RecordChange::Forget(moved.from.clone())));
        return Ok(changes);
    }
    let mut changes = Vec::new();
    // What is made now has no record yet that counts.
    let makes_anew = effect.creates.is_some() && effect.moves.is_empty();
    let mut current = if makes_anew { None } else { recorded(&op.address)? };
    for moved in &effect.moves {
        let Some(mut record) = recorded(&moved.from)? else { continue };
        if moved.from == moved.to {
            // Other ops may have confirmed more of it by now.
            let moved_references: Vec<&str> =
                moved.attributes.references().map(|(path, _)| path).collect();
            record.attributes.retain(|path, value| {
                !matches!(value, Value::Reference(_)) || moved_references.contains(&path)
            });
            for (path, referred) in moved.attributes.references() {
                record.attributes.set(path.to_owned(), Value::Reference(referred.clone()));
            }
        } else {
            record.attributes = moved.attributes.clone();
            changes.push(RecordChange::Forget(moved.from.clone()));
        }
        if moved.to == op.address {
            current = Some(record);
        } else {
            changes.push(RecordChange::Put(moved.to.clone(), record));
        }
    }
    if current.is_none() && effect.creates.is_none() && effect.confirm.is_empty() {
        // A step before the one that makes the thing: there is nothing to record yet.
        return Ok(changes);
    }
    let mut record = match (effect.creates, current) {
        (Some(ownership), _) => {
            Record::new(if confirmed.was_there { Ownership::Adopted } else { ownership })
        }
        (None, Some(record)) => record,
        (None, None) => Record::new(Ownership::Adopted),
    };
    record.attributes.extend(&effect.confirm);
    for path in &effect.withdraw {
        record.attributes.remove(path);
    }
    if let Some(standing) = effect.standing {
        record.standing = standing;
    }
    if let Some(protected) = effect.protects {
        record.protected = protected;
    }
    // Only what makes the thing answers with the thing's own id.
    let makes = effect.creates.is_some() || effect.gives_again;
    if let Some(id) = confirmed.id.as_ref().filter(|_| makes) {
        record.id = Some(id.clone());
    }
    if let Some(once) = &effect.once {
        let when = if confirmed.unknown { Once::Unknown } else { Once::At(now) };
        record.once.insert(once.clone(), when);
    }
    if let Some(observed) = &confirmed.read_back {
        record.take_over(observed);
        if let Some(kind) = kinds::of(&op.address) {
            record.attributes = kind.comparison().comparable(&observed.attributes, &effect.confirm);
        }
    }
    changes.push(RecordChange::Put(op.address.clone(), record));
    Ok(changes)
}

/// What the state says of a change before its first op: what was observed,
/// or, where nothing is to be written, what it comes to.
pub fn before_ops(change: &Change) -> Option<RecordChange> {
    let is_state_only = change.ops.is_empty();
    match (&change.after, is_state_only) {
        (None, true) => return Some(without_call(change)),
        (None, false) => {}
        (Some(_), _) if !change.exists() => return None,
        (Some(_), _) => {}
    }
    let is_renamed = matches!(change.reason, Reason::Renamed { .. });
    if is_renamed || (change.observed.is_none() && !is_state_only) {
        return None;
    }
    let recorded = change.recorded.as_deref().cloned();
    let mut record = recorded.unwrap_or_else(|| Record::new(Ownership::Adopted));
    if let Some(observed) = &change.observed {
        record.take_over(observed);
    }
    if is_state_only {
        record.protected = change.protected;
    }
    if is_state_only && change.reason == Reason::DeactivatedByUs {
        // Somebody brought it back already.
        record.standing = Standing::Live;
    }
    record.attributes =
        if is_state_only { change.managed_after().unwrap_or_default() } else { restricted(change) };
    Some(RecordChange::Put(change.address.clone(), record))
}

/// A thing that is taken away without a call: released, or, if it is one that
/// can only be retired and is so already, remembered as that.
fn without_call(change: &Change) -> RecordChange {
    let retires = kinds::of(&change.address).is_some_and(|kind| kind.removal() == Removal::Retires);
    match &change.recorded {
        Some(record) if retires && change.action == Action::Delete => {
            let mut record = record.clone();
            record.standing = Standing::Retired;
            record.attributes.extend(change.before.as_ref().unwrap_or(&Attributes::new()));
            RecordChange::Put(change.address.clone(), *record)
        }
        _ => RecordChange::Forget(change.address.clone()),
    }
}

/// What was seen of a change's thing, without what is not managed.
fn restricted(change: &Change) -> Attributes {
    let mut attributes = change.before.clone().unwrap_or_default();
    if let Some(record) = &change.recorded {
        let after = change.after.as_ref();
        attributes.retain(|path, _| {
            record.attributes.get(path).is_some()
                || after.is_some_and(|after| after.get(path).is_some())
        });
    }
    attributes
}

/// The address of the resource whose id an op makes.
pub fn made_by(op: &Op) -> Option<&Address> {
    op.effect.creates.map(|_| &op.address)
}
