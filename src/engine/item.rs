//! An op of a call under way, with what earlier attempts at it told.

use std::sync::Arc;

use super::cause::Cause;
use super::prepare::Prepared;
use super::report::Report;
use crate::org::OrgError;

/// An op of a call, with why an earlier attempt told nothing.
#[derive(Clone, Debug)]
pub struct Item {
    /// What is sent.
    pub prepared: Prepared,
    /// What came of it before, where that is not known.
    pub unknown: Option<Arc<OrgError>>,
}

impl Item {
    /// An op that was not tried yet.
    pub fn new(prepared: Prepared) -> Self {
        Self { prepared, unknown: None }
    }

    /// Its place in the plan.
    pub fn op(&self) -> usize {
        self.prepared.op
    }

    /// It is not done by this attempt. One before of which nothing is known may do it
    /// yet, so that its intent stays open whatever came of this one.
    pub fn failed(&self, cause: Cause, report: &mut Report) {
        report.failed(self.op(), cause);
        if self.unknown.is_some() {
            report.open.push(self.op());
        }
    }

    /// An error of this attempt, which says nothing of one before.
    pub fn cause(&self, error: OrgError) -> Cause {
        let is_answer = matches!(error, OrgError::Refused { .. }) && !error.is_unknown();
        match &self.unknown {
            Some(earlier) if !is_answer => {
                Cause::Unknown { error: Arc::clone(earlier), look_up: Some(Arc::new(error)) }
            }
            _ => Cause::of(error),
        }
    }
}
