//! What a run came to, in numbers.

use std::collections::HashSet;

use crate::engine::Outcome;
use crate::model::Action;
use crate::model::Address;
use crate::model::Plan;
use crate::model::PlanMode;
use crate::model::Summary;

/// What a run did, over all its plans.
#[derive(Debug, Default)]
pub struct Report {
    /// Resources by what was done with them.
    pub done: Summary,
    /// Ops that failed.
    pub failed: usize,
    /// Ops that were left out.
    pub skipped: usize,
    /// Resources of which the org did not keep all that was sent.
    pub kept_less: usize,
    /// Mails of which it is not known whether they went out.
    pub unknown: usize,
    /// Whether the user stopped it.
    pub interrupted: bool,
    /// Records brought up to date where that was all that was asked for.
    pub taken_over: usize,
}

impl Report {
    /// Adds what applying one plan came to.
    pub(super) fn add(&mut self, plan: &Plan, outcome: &Outcome) {
        let open: HashSet<&Address> = outcome
            .failures
            .iter()
            .map(|failure| &failure.address)
            .chain(outcome.skipped.iter().map(|skipped| &skipped.address))
            .chain(&outcome.unknown)
            .collect();
        let adopted: HashSet<&Address> = outcome.adopted.iter().collect();
        for change in plan.changes.iter().filter(|change| !open.contains(&change.address)) {
            // What was there when it was to be made was not made.
            let is_adopted = adopted.contains(&change.address);
            self.done.count(if is_adopted { Action::Adopt } else { change.action });
        }
        self.done.no_op = plan.summary.no_op;
        if plan.mode == PlanMode::RefreshOnly {
            self.taken_over = plan.sync.len();
            self.done.no_op = 0;
        }
        self.failed = outcome.failures.len();
        self.skipped = outcome.skipped.len();
        self.kept_less = outcome.kept_less.len();
        self.unknown += outcome.unknown.len();
        self.interrupted = outcome.interrupted;
    }

    /// Whether everything was done.
    pub fn is_complete(&self) -> bool {
        self.failed == 0
            && self.skipped == 0
            && self.kept_less == 0
            && self.unknown == 0
            && !self.interrupted
    }
}
