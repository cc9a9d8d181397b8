//! A group whose members change is waited for until the org has added them up
//! again, though nothing of the group itself changes.

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
    let is_written = |change: &&Change| {
        let writes = matches!(change.action, Action::Create | Action::Update | Action::Replace);
        let adopts = change.action == Action::Adopt && change.before != change.after;
        (writes || adopts)
            && kinds::of(&change.address).is_some_and(|kind| {
                change.after.as_ref().and_then(|said| kind.granting().grants(said)).is_some()
            })
    };
    if input.mode != PlanMode::Converge {
        return Ok(());
    }
    let written: BTreeSet<Address> =
        draft.changes.iter().filter(is_written).map(|change| change.address.clone()).collect();
    if written.is_empty() {
        return Ok(());
    }
    let mut affected: BTreeMap<Address, Address> = BTreeMap::new();
    for declared in input.desired.iter() {
        let Some(kind) = kinds::of(&declared.address) else { continue };
        let Some((members, _)) = kind.granting().combines(&declared.attributes) else { continue };
        if let Some(member) = members.into_iter().find(|member| written.contains(member))
            && input.choice.includes(&declared.address)
        {
            affected.insert(declared.address.clone(), member);
        }
    }
    for (address, member) in affected {
        let reason = Reason::MemberChanges { address: member.clone() };
        if let Some(change) = draft.change_of(&address, reason, input.recorded)? {
            change.member_changes = Some(member);
        }
    }
    Ok(())
}
