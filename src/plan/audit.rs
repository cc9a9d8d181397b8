//! Invariants that every finished plan holds, checked in the product.
//!
//! A plan that breaks one is a bug of ours: it is shown and never applied.

use std::collections::HashMap;
use std::fmt;

use crate::graph::Order;
use crate::kinds;
use crate::kinds::Removal;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::IdReference;
use crate::model::OpIndex;
use crate::model::Ownership;
use crate::model::Plan;
use crate::model::PlanMode;
use crate::model::Summary;
use crate::model::Write;

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Ops wait for each other.
    Cycle(Vec<String>),
    /// An op belongs to no change, or to one about something else.
    StrayOp(Address),
    /// An op needs an id that nothing before it makes.
    IdNeverMade {
        /// The op's resource.
        of: Address,
        /// What it refers to.
        needs: Address,
    },
    /// Something is deleted that we did not create.
    DeletesAdopted(Address),
    /// A thing is deleted that the platform can only retire.
    DeletesRetirable(Address),
    /// A thing is deleted before something that uses it has left.
    DeletedWhileUsed {
        /// The thing.
        thing: Address,
        /// What uses it.
        user: Address,
    },
    /// Changes are not in the order of addresses, each once.
    Unordered(Address),
    /// The summary does not count what is there.
    WrongSummary,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cycle(steps) => write!(f, "ops wait for each other: {}", steps.join(" -> ")),
            Self::StrayOp(address) => write!(f, "an op on {address} belongs to no change"),
            Self::IdNeverMade { of, needs } => {
                write!(f, "{of} needs the id of {needs}, which nothing before it makes")
            }
            Self::DeletesAdopted(address) => {
                write!(f, "{address} was adopted and would be deleted")
            }
            Self::DeletesRetirable(address) => {
                write!(f, "{address} can only be deactivated and would be deleted")
            }
            Self::DeletedWhileUsed { thing, user } => {
                write!(f, "{thing} would be deleted while {user} still uses it")
            }
            Self::Unordered(address) => write!(f, "{address} is out of order"),
            Self::WrongSummary => write!(f, "the summary does not count the changes"),
        }
    }
}

/// All that a plan breaks; nothing for a sound plan.
pub fn audit(plan: &Plan) -> Vec<Violation> {
    let mut violations = Vec::new();
    changes_are_ordered_and_counted(plan, &mut violations);
    ops_belong_to_their_change(plan, &mut violations);
    only_ours_is_deleted(plan, &mut violations);
    let mut order = Order::new(plan.ops.len());
    for (number, op) in plan.ops.iter().enumerate() {
        for edge in &op.after {
            order.before(edge.op as usize, number);
        }
    }
    match order.sort() {
        Err(cycle) => violations.push(Violation::Cycle(
            cycle
                .into_iter()
                .map(|op| format!("{} {}", plan.ops[op].step, plan.ops[op].address))
                .collect(),
        )),
        Ok(_) => {
            ids_are_made_before(plan, &mut violations);
            nothing_is_deleted_while_used(plan, &mut violations);
        }
    }
    violations
}

fn changes_are_ordered_and_counted(plan: &Plan, violations: &mut Vec<Violation>) {
    let mut summary = Summary { no_op: plan.summary.no_op, ..Summary::default() };
    for change in &plan.changes {
        summary.count(change.action);
    }
    if summary != plan.summary {
        violations.push(Violation::WrongSummary);
    }
    for pair in plan.changes.windows(2) {
        if pair[0].address >= pair[1].address {
            violations.push(Violation::Unordered(pair[1].address.clone()));
        }
    }
}

fn ops_belong_to_their_change(plan: &Plan, violations: &mut Vec<Violation>) {
    let mut claimed = vec![false; plan.ops.len()];
    for change in &plan.changes {
        for op in &change.ops {
            match plan.ops.get(*op as usize) {
                Some(held) if held.address == change.address => claimed[*op as usize] = true,
                _ => violations.push(Violation::StrayOp(change.address.clone())),
            }
        }
    }
    for (op, is_claimed) in plan.ops.iter().zip(claimed) {
        if !is_claimed {
            violations.push(Violation::StrayOp(op.address.clone()));
        }
    }
}

fn only_ours_is_deleted(plan: &Plan, violations: &mut Vec<Violation>) {
    let takes_adopted = matches!(plan.mode, PlanMode::Destroy { include_adopted: true });
    for change in &plan.changes {
        let is_ours =
            change.recorded.as_ref().is_some_and(|record| record.ownership == Ownership::Created);
        if change.action == Action::Delete && !is_ours && !takes_adopted {
            violations.push(Violation::DeletesAdopted(change.address.clone()));
        }
        if change.action == Action::Release && !change.ops.is_empty() {
            violations.push(Violation::DeletesAdopted(change.address.clone()));
        }
    }
    for op in &plan.ops {
        let deletes = matches!(op.write, Write::Delete { .. } | Write::DeleteDocument { .. });
        let retires = kinds::of(&op.address).is_some_and(|kind| kind.removal() == Removal::Retires);
        if deletes && retires {
            violations.push(Violation::DeletesRetirable(op.address.clone()));
        }
    }
}

/// Whether `op` waits, directly or not, for an op that `is_it` accepts.
fn waits_for(plan: &Plan, op: usize, is_it: &dyn Fn(usize) -> bool) -> bool {
    let mut seen: Vec<OpIndex> = Vec::new();
    let mut open: Vec<usize> = vec![op];
    while let Some(here) = open.pop() {
        // Nearly always a direct edge, so that the walk ends at once.
        if plan.ops[here].after.iter().any(|edge| is_it(edge.op as usize)) {
            return true;
        }
        for edge in &plan.ops[here].after {
            if !seen.contains(&edge.op) {
                seen.push(edge.op);
                open.push(edge.op as usize);
            }
        }
    }
    false
}

fn ids_are_made_before(plan: &Plan, violations: &mut Vec<Violation>) {
    for (number, op) in plan.ops.iter().enumerate() {
        for id in op.write.ids() {
            let IdReference::Of(address) = id else { continue };
            let makes = |other: usize| {
                plan.ops[other].address == *address && plan.ops[other].effect.creates.is_some()
            };
            if !waits_for(plan, number, &makes) {
                violations.push(Violation::IdNeverMade {
                    of: op.address.clone(),
                    needs: address.clone(),
                });
            }
        }
    }
}

fn nothing_is_deleted_while_used(plan: &Plan, violations: &mut Vec<Violation>) {
    let mut deletes: HashMap<&Address, usize> = HashMap::new();
    for (number, op) in plan.ops.iter().enumerate() {
        if op.effect.forget {
            deletes.insert(&op.address, number);
        }
    }
    for change in &plan.changes {
        for (_, used) in change.before.iter().flat_map(Attributes::references) {
            let Some(delete) = deletes.get(used).copied() else { continue };
            let leaves = |other: usize| plan.ops[other].address == change.address;
            if *used != change.address && !waits_for(plan, delete, &leaves) {
                violations.push(Violation::DeletedWhileUsed {
                    thing: used.clone(),
                    user: change.address.clone(),
                });
            }
        }
    }
}
