//! Invariants that every finished plan holds, checked in the product.
//!
//! A plan that breaks one is a bug of ours: it is shown and never applied.

use std::collections::HashMap;
use std::collections::HashSet;
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
use crate::model::Reason;
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
    let takes_adopted = matches!(plan.mode, PlanMode::Destroy { include_adopted: true, .. });
    for change in &plan.changes {
        let is_ours =
            change.recorded.as_ref().is_some_and(|record| record.ownership == Ownership::Created);
        let is_asked_for = takes_adopted || change.reason == Reason::Exclusive;
        if change.action == Action::Delete && !is_ours && !is_asked_for {
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
    let mut seen: HashSet<OpIndex> = HashSet::new();
    let mut open: Vec<usize> = vec![op];
    while let Some(here) = open.pop() {
        // Nearly always a direct edge, so that the walk ends at once.
        if plan.ops[here].after.iter().any(|edge| is_it(edge.op as usize)) {
            return true;
        }
        for edge in &plan.ops[here].after {
            if seen.insert(edge.op) {
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
    // What each delete waits for directly, so that one with many users is
    // looked through once.
    let mut direct: HashSet<(usize, &Address)> = HashSet::new();
    for (number, op) in plan.ops.iter().enumerate() {
        if op.effect.forget {
            deletes.insert(&op.address, number);
            direct
                .extend(op.after.iter().map(|edge| (number, &plan.ops[edge.op as usize].address)));
        }
    }
    let remade: HashSet<&Address> = plan
        .changes
        .iter()
        .filter(|change| change.action == Action::Replace)
        .map(|change| &change.address)
        .collect();
    let mut while_used = |thing: &Address, user: &Address| {
        violations.push(Violation::DeletedWhileUsed { thing: thing.clone(), user: user.clone() });
    };
    for change in &plan.changes {
        for (_, used) in change.before.iter().flat_map(Attributes::references) {
            let Some(delete) = deletes.get(used).copied() else { continue };
            let leaves = |other: usize| plan.ops[other].address == change.address;
            let is_well = *used == change.address
                || direct.contains(&(delete, &change.address))
                || waits_for(plan, delete, &leaves);
            if !is_well {
                while_used(used, &change.address);
            }
        }
        for (_, wanted) in change.after.iter().flat_map(Attributes::references) {
            // What is made anew is there again; that its id comes first is
            // held by another rule.
            if deletes.contains_key(wanted) && !remade.contains(wanted) {
                while_used(wanted, &change.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Violation;
    use super::audit;
    use crate::model::Action;
    use crate::model::Address;
    use crate::model::ApiCallEstimate;
    use crate::model::Change;
    use crate::model::FieldValue;
    use crate::model::IdReference;
    use crate::model::Op;
    use crate::model::OrderEdge;
    use crate::model::OrderReason;
    use crate::model::Ownership;
    use crate::model::Plan;
    use crate::model::PlanMode;
    use crate::model::Reason;
    use crate::model::Record;
    use crate::model::RecordEffect;
    use crate::model::SalesforceId;
    use crate::model::StepName;
    use crate::model::Summary;
    use crate::model::Value;
    use crate::model::Write;

    fn id() -> SalesforceId {
        SalesforceId::parse("00D000000000001").expect("an id")
    }

    fn change(address: &Address, action: Action, ops: Vec<u32>) -> Change {
        Change {
            ops,
            recorded: Some(Box::new(Record::new(Ownership::Created))),
            ..Change::new(address.clone(), action, Reason::Destroy)
        }
    }

    fn delete(address: &Address, after: &[u32]) -> Op {
        Op {
            address: address.clone(),
            step: StepName::Delete,
            write: Write::Delete { object: "X".into(), id: IdReference::Known(id()) },
            after: after
                .iter()
                .map(|op| OrderEdge { op: *op, reason: OrderReason::Step })
                .collect(),
            subject: None,
            lane: None,
            effect: RecordEffect { forget: true, ..RecordEffect::default() },
        }
    }

    fn plan(changes: Vec<Change>, ops: Vec<Op>) -> Plan {
        let mut summary = Summary::default();
        for change in &changes {
            summary.count(change.action);
        }
        Plan {
            mode: PlanMode::Destroy { include_adopted: false, rename_usernames: false },
            org_id: id(),
            changes: changes.into(),
            ops,
            sync: std::collections::BTreeMap::new(),
            drift: std::collections::BTreeMap::new(),
            notes: Vec::new(),
            findings: Vec::new(),
            access: Vec::new(),
            existing: std::collections::BTreeMap::new(),
            partial: None,
            summary,
            api_calls: ApiCallEstimate::default(),
        }
    }

    #[test]
    fn ops_that_wait_for_each_other_are_found() {
        let (a, b) = (Address::new("profile", "A"), Address::new("profile", "B"));
        let changes =
            vec![change(&a, Action::Delete, vec![0]), change(&b, Action::Delete, vec![1])];
        let sound = plan(changes.clone(), vec![delete(&a, &[]), delete(&b, &[0])]);
        assert_eq!(audit(&sound), []);
        let circular = plan(changes, vec![delete(&a, &[1]), delete(&b, &[0])]);
        assert!(
            matches!(audit(&circular).as_slice(), [Violation::Cycle(steps)] if steps.len() == 2)
        );
    }

    #[test]
    fn what_was_adopted_is_never_deleted() {
        let a = Address::new("profile", "A");
        let mut adopted = change(&a, Action::Delete, vec![0]);
        adopted.recorded = Some(Box::new(Record::new(Ownership::Adopted)));
        let found = audit(&plan(vec![adopted], vec![delete(&a, &[])]));
        assert_eq!(found, [Violation::DeletesAdopted(a)]);
    }

    #[test]
    fn a_user_is_never_deleted() {
        let user = Address::new("user", "a@b.example");
        let found =
            audit(&plan(vec![change(&user, Action::Delete, vec![0])], vec![delete(&user, &[])]));
        assert_eq!(found, [Violation::DeletesRetirable(user)]);
    }

    #[test]
    fn a_thing_is_not_deleted_before_what_uses_it_has_left() {
        let (set, held) = (
            Address::new("permission_set", "S"),
            Address::new("permission_set_assignment", "a@b.example/S"),
        );
        let mut assignment = change(&held, Action::Delete, vec![1]);
        assignment.before =
            Some([("permission_set", Value::Reference(set.clone()))].into_iter().collect());
        let changes = vec![change(&set, Action::Delete, vec![0]), assignment];
        let unordered = plan(changes.clone(), vec![delete(&set, &[]), delete(&held, &[])]);
        assert_eq!(
            audit(&unordered),
            [Violation::DeletedWhileUsed { thing: set.clone(), user: held.clone() }]
        );
        let ordered = plan(changes, vec![delete(&set, &[1]), delete(&held, &[])]);
        assert_eq!(audit(&ordered), []);
    }

    #[test]
    fn an_id_that_nothing_makes_is_found() {
        let (a, b) = (Address::new("user", "a@b.example"), Address::new("profile", "B"));
        let mut op = delete(&a, &[]);
        op.effect.forget = false;
        op.write = Write::Insert {
            object: "User".into(),
            fields: vec![("ProfileId".into(), FieldValue::Id(IdReference::Of(b.clone())))],
        };
        let found = audit(&plan(vec![change(&a, Action::Create, vec![0])], vec![op]));
        assert_eq!(found, [Violation::IdNeverMade { of: a, needs: b }]);
    }

    #[test]
    fn stray_ops_and_wrong_sums_are_found() {
        let a = Address::new("profile", "A");
        let mut wrong = plan(vec![change(&a, Action::Delete, vec![])], vec![delete(&a, &[])]);
        wrong.summary.create = 7;
        assert_eq!(audit(&wrong), [Violation::WrongSummary, Violation::StrayOp(a)]);
    }
}
