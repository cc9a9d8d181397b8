//! The order edges between ops of different changes, each with its reason.
//!
//! Creates, moves and deletes of one plan are one graph. Everything here is
//! linear in the number of references, through indexes by address.

use std::collections::HashMap;

use super::steps::DraftOp;
use crate::kinds;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Op;
use crate::model::OpIndex;
use crate::model::OrderEdge;
use crate::model::OrderReason;

/// Joins the ops in order.
pub fn join(changes: &[Change], mut drafts: Vec<DraftOp>) -> Vec<Op> {
    let mut edges: Vec<(usize, OrderEdge)> = Vec::new();
    {
        let joiner = Joiner::new(changes, &drafts);
        for (index, change) in changes.iter().enumerate() {
            joiner.requires(change, &mut edges);
            joiner.leaves_before(index, change, &mut edges);
            joiner.licenses_before_sets(change, &mut edges);
        }
        joiner.mail_last(&mut edges);
    }
    for (op, edge) in edges {
        if op != edge.op as usize {
            drafts[op].op.after.push(edge);
        }
    }
    let mut ops: Vec<Op> = drafts
        .into_iter()
        .map(|mut draft| {
            draft.op.after.sort_by_key(|edge| edge.op);
            draft.op.after.dedup_by_key(|edge| edge.op);
            draft.op.after.shrink_to_fit();
            draft.op
        })
        .collect();
    ops.shrink_to_fit();
    ops
}

struct Joiner<'a> {
    drafts: &'a [DraftOp],
    by_address: HashMap<&'a Address, &'a Change>,
    /// Changes whose thing refers, before the plan, to an address.
    dependents: HashMap<&'a Address, Vec<usize>>,
    changes: &'a [Change],
    /// Changes by kind and subject.
    about: HashMap<(&'a str, &'a Address), Vec<usize>>,
}

fn first(change: &Change) -> Option<usize> {
    change.ops.first().map(|op| *op as usize)
}

impl<'a> Joiner<'a> {
    fn new(changes: &'a [Change], drafts: &'a [DraftOp]) -> Self {
        let mut joiner = Self {
            drafts,
            by_address: HashMap::with_capacity(changes.len()),
            dependents: HashMap::new(),
            changes,
            about: HashMap::new(),
        };
        for (index, change) in changes.iter().enumerate() {
            joiner.by_address.insert(&change.address, change);
            for (_, address) in change.before.iter().flat_map(Attributes::references) {
                joiner.dependents.entry(address).or_default().push(index);
            }
        }
        for (index, change) in changes.iter().enumerate() {
            if let Some(op) = first(change)
                && let Some(subject) = &drafts[op].op.subject
            {
                joiner.about.entry((change.address.kind(), subject)).or_default().push(index);
            }
        }
        joiner
    }

    /// The last op of a change that others may wait for: mail is waited for by
    /// nobody.
    fn settled(&self, change: &Change) -> Option<OpIndex> {
        change.ops.iter().rev().copied().find(|op| !self.drafts[*op as usize].last)
    }

    /// The first op that makes or changes a thing that will be there.
    fn makes(&self, change: &Change) -> Option<usize> {
        change.ops.iter().map(|op| *op as usize).find(|op| !self.drafts[*op].takes_away)
    }

    /// The first op that takes a thing away, or the old one of it.
    fn leaves(&self, change: &Change) -> Option<usize> {
        first(change).filter(|op| self.drafts[*op].takes_away)
    }

    /// The op after which a change no longer stands in the way of what it
    /// referred to.
    fn has_left(&self, change: &Change) -> Option<OpIndex> {
        let left = change.ops.iter().rev().copied().find(|op| self.drafts[*op as usize].takes_away);
        left.or_else(|| self.settled(change))
    }

    /// The op after which a change no longer stands in the way of one thing: that
    /// which puts another in its place, where there is one.
    fn has_left_from(&self, change: &Change, thing: &Address) -> Option<OpIndex> {
        let paths: Vec<&str> = change
            .before
            .iter()
            .flat_map(Attributes::references)
            .filter(|(_, referred)| *referred == thing)
            .map(|(path, _)| path)
            .collect();
        let moves = change.ops.iter().copied().find(|op| {
            let confirmed = &self.drafts[*op as usize].op.effect.confirm;
            self.drafts[*op as usize].takes_away
                && paths.iter().any(|path| confirmed.reference(path).is_some_and(|to| to != thing))
        });
        moves.or_else(|| self.has_left(change))
    }

    /// What is made or changed waits for what it will refer to.
    fn requires(&self, change: &Change, edges: &mut Vec<(usize, OrderEdge)>) {
        let (Some(op), Some(after)) = (self.makes(change), &change.after) else { return };
        for (_, address) in after.references() {
            if let Some(referred) = self.by_address.get(address)
                && referred.after.is_some()
                && let Some(settled) = self.settled(referred)
            {
                edges.push((op, OrderEdge { op: settled, reason: OrderReason::Requires }));
            }
        }
    }

    /// What is taken away waits until all that uses it has left.
    fn leaves_before(&self, index: usize, change: &Change, edges: &mut Vec<(usize, OrderEdge)>) {
        let Some(op) = self.leaves(change) else { return };
        for dependent in self.dependents.get(&change.address).into_iter().flatten() {
            if *dependent != index
                && let Some(left) = self.has_left_from(&self.changes[*dependent], &change.address)
            {
                edges.push((op, OrderEdge { op: left, reason: OrderReason::LeavesBefore }));
            }
        }
    }

    /// A user's licenses come before its sets, and leave after them.
    fn licenses_before_sets(&self, change: &Change, edges: &mut Vec<(usize, OrderEdge)>) {
        let (Some(kind), Some(op)) = (kinds::of(&change.address), first(change)) else { return };
        let Some(subject) = &self.drafts[op].op.subject else { return };
        for earlier in kind.relation().follows() {
            for other in self.about.get(&(earlier.as_str(), subject)).into_iter().flatten() {
                let other = &self.changes[*other];
                let reason = OrderReason::LicenseBeforeSet;
                if let (Some(op), Some(_), Some(settled)) =
                    (self.makes(change), self.makes(other), self.settled(other))
                {
                    edges.push((op, OrderEdge { op: settled, reason }));
                }
                // What may leave along is given again once the other has left.
                let after = self
                    .leaves(other)
                    .or_else(|| self.makes(other).filter(|_| other.may_leave_with.is_some()));
                if let (Some(_), Some(other), Some(left)) =
                    (self.leaves(change), after, self.has_left(change))
                {
                    edges.push((other, OrderEdge { op: left, reason }));
                }
            }
        }
    }

    /// Mail waits for everything else about its user.
    fn mail_last(&self, edges: &mut Vec<(usize, OrderEdge)>) {
        let mails: Vec<usize> = (0..self.drafts.len()).filter(|op| self.drafts[*op].last).collect();
        if mails.is_empty() {
            return;
        }
        let mut about: HashMap<&Address, Vec<OpIndex>> = HashMap::new();
        for (number, draft) in self.drafts.iter().enumerate().filter(|(_, draft)| !draft.last) {
            if let Some(subject) = &draft.op.subject {
                about
                    .entry(subject)
                    .or_default()
                    .push(OpIndex::try_from(number).unwrap_or(OpIndex::MAX));
            }
        }
        for mail in mails {
            let Some(subject) = &self.drafts[mail].op.subject else { continue };
            for op in about.get(subject).into_iter().flatten() {
                edges.push((mail, OrderEdge { op: *op, reason: OrderReason::MailLast }));
            }
        }
    }
}
