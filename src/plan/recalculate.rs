//! A group whose members change is waited for until the org has added them up
//! again, though nothing of the group itself changes.

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
pub fn add(input: &Input<'_>, draft: &mut Draft) -> Result<(), String> {
    let is_written = |change: &&Change| {
        let writes = matches!(change.action, Action::Create | Action::Update | Action::Replace);
        let adopts = change.action == Action::Adopt && change.before != change.after;
        (writes || adopts)
            && kinds::of(&change.address).is_some_and(|kind| {
                change.after.as_ref().and_then(|said| kind.grants(said)).is_some()
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
        let Some((members, _)) = kind.combines(&declared.attributes) else { continue };
        if let Some(member) = members.into_iter().find(|member| written.contains(member))
            && input.choice.includes(&declared.address)
        {
            affected.insert(declared.address.clone(), member);
        }
    }
    for (address, member) in affected {
        match draft.changes.binary_search_by(|change| change.address.cmp(&address)) {
            Ok(index) => draft.changes[index].member_changes = Some(member),
            Err(index) => {
                let Some(record) = input.recorded.get(&address)? else { continue };
                let attributes = Some(record.attributes.clone());
                let reason = Reason::MemberChanges { address: member.clone() };
                let change = Change {
                    before: attributes.clone(),
                    after: attributes,
                    protected: record.protected,
                    recorded: Some(Box::new(record)),
                    member_changes: Some(member),
                    ..Change::new(address, Action::Update, reason)
                };
                draft.changes.insert(index, change);
                draft.no_op = draft.no_op.saturating_sub(1);
            }
        }
    }
    Ok(())
}
