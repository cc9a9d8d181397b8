//! What may leave by itself along with something that the plan takes away is
//! given again in the same plan.
//!
//! Removing a permission set takes along the license that the user had for it, in
//! most cases (Salesforce Help, "Remove Permission Set Licenses"): one that the
//! files still declare would be gone after the run, and what needs it refused in
//! the middle of it.

use crate::model::KindName;
use crate::model::RecordError;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Input;
use super::draft::Draft;
use crate::kinds;
use crate::model::Action;
use crate::model::Address;
use crate::model::Change;
use crate::model::PlanMode;
use crate::model::Reason;

/// Adds such changes, or the remark to those that are there.
///
/// # Errors
/// When the state can't be read.
pub fn add(input: &Input<'_>, draft: &mut Draft) -> Result<(), RecordError> {
    if input.mode != PlanMode::Converge {
        return Ok(());
    }
    let taken = taken_away(input, draft)?;
    if taken.is_empty() {
        return Ok(());
    }
    let mut again: BTreeMap<Address, Address> = BTreeMap::new();
    for declared in input.desired.iter() {
        let Some(kind) = kinds::of(&declared.address) else { continue };
        let subject = kind.relation().subject(&declared.address);
        let Some(things) = subject.and_then(|subject| taken.get(&(subject, kind.name()))) else {
            continue;
        };
        let along = things.iter().find(|(_, carried)| {
            kind.relation().may_leave_along(&declared.address, carried.as_deref())
        });
        if let Some((with, _)) = along.filter(|_| input.choice.includes(&declared.address)) {
            again.insert(declared.address.clone(), with.clone());
        }
    }
    for (address, with) in again {
        let reason = Reason::MayLeaveWith { address: with.clone() };
        if let Some(change) = draft.change_of(&address, reason, input.recorded)?
            && matches!(change.action, Action::Adopt | Action::Update)
        {
            change.may_leave_with = Some(with);
        }
    }
    Ok(())
}

/// Assignments that are taken off, each with the license that its thing carries,
/// by user and by the kinds that come before them.
type Taken = BTreeMap<(Address, KindName), BTreeSet<(Address, Option<String>)>>;

fn taken_away(input: &Input<'_>, draft: &Draft) -> Result<Taken, RecordError> {
    let mut taken = Taken::new();
    let leaves = |change: &&Change| matches!(change.action, Action::Delete | Action::Replace);
    for change in draft.changes.iter().filter(leaves) {
        let Some(kind) = kinds::of(&change.address) else { continue };
        let Some((user, thing)) = kind.relation().joins(&change.address) else { continue };
        let before = match draft.changes.of(&thing) {
            Some(change) => change.before.clone(),
            None => input.recorded.get(&thing)?.map(|record| record.attributes),
        };
        let carried = before.and_then(|held| held.text("license").map(str::to_owned));
        for earlier in kind.relation().follows() {
            let things = taken.entry((user.clone(), *earlier)).or_default();
            things.insert((change.address.clone(), carried.clone()));
        }
    }
    Ok(taken)
}
