//! What became of the ops of a call.

use super::cause::Cause;
use super::effect::Confirmed;
use crate::org::OrgError;

/// What became of an op.
#[derive(Clone, Debug)]
pub enum OpResult {
    /// It is done.
    Done(Confirmed),
    /// It is not done yet: what the org does by itself takes time, and says this.
    Waiting(String),
    /// It is not done, or not known to be.
    Failed(Cause),
}

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Report {
    /// Op by op.
    pub results: Vec<(usize, OpResult)>,
    /// Ops that were sent again, since no answer told what became of them.
    pub repeated: Vec<usize>,
    /// Ops whose intents stay open whatever their results say: an attempt before, of
    /// which nothing is known, may still do them.
    pub open: Vec<usize>,
    /// Why no further call can succeed.
    pub fatal: Option<OrgError>,
}

impl Report {
    /// An op is done.
    pub fn done(&mut self, op: usize, confirmed: Confirmed) {
        self.results.push((op, OpResult::Done(confirmed)));
    }

    /// An op is not done, or not known to be.
    pub fn failed(&mut self, op: usize, cause: Cause) {
        self.results.push((op, OpResult::Failed(cause)));
    }
}
