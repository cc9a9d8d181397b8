//! What user access policies undo: they give and take assignments by themselves,
//! right after a change (Salesforce Help, "User Access Policies").
//!
//! Where a policy is active, what a run gave or took is looked at once more.

use super::EngineError;
use super::observe::observe_some;
use crate::kinds;
use crate::model::Address;
use crate::model::Plan;
use crate::org::Org;

/// A relation that is not as the run left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reverted {
    /// The op that was reverted.
    pub op: usize,
    /// What it is.
    pub address: Address,
    /// It was taken off and is there again; otherwise it was given and is gone.
    pub came_back: bool,
}

/// Looks at the relations of ops that are done.
///
/// # Errors
/// When the org can't be asked.
pub async fn reverted(
    org: &Org,
    plan: &Plan,
    done: &[usize],
) -> Result<Vec<Reverted>, EngineError> {
    let is_relation = |address: &Address| {
        kinds::of(address)
            .and_then(|kind| kind.relation().subject(address))
            .is_some_and(|subject| subject != *address)
    };
    let mut relations: Vec<(usize, Address, bool)> = Vec::new();
    for op in done {
        let held = &plan.ops[*op];
        let (gives, takes) = (held.effect.creates.is_some(), held.effect.forget);
        // What is made anew was taken off before it was given.
        let change = plan.changes.of(&held.address);
        let is_made_anew = takes && change.is_some_and(|change| change.after.is_some());
        if (gives || takes) && !is_made_anew && is_relation(&held.address) {
            relations.push((*op, held.address.clone(), takes));
        }
    }
    if relations.is_empty() {
        return Ok(Vec::new());
    }
    let addresses = relations.iter().map(|(_, address, _)| address.clone());
    let found = observe_some(org, addresses).await?;
    Ok(relations
        .into_iter()
        .filter(|(_, address, was_taken)| found.contains_key(address) == *was_taken)
        .map(|(op, address, came_back)| Reverted { op, address, came_back })
        .collect())
}
