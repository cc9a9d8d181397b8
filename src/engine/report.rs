//! What became of the ops of a call.

use super::effect::Confirmed;
use crate::org::OrgError;

/// What became of an op.
#[derive(Clone, Debug)]
pub enum OpResult {
    /// It is done.
    Done(Confirmed),
    /// It is not done yet: what the org does by itself takes time, and says this.
    Waiting(String),
    /// It is not done, and why, in Salesforce's words where they are.
    Failed(String),
}

/// What became of a batch.
#[derive(Debug)]
pub struct Report {
    /// Op by op.
    pub results: Vec<(usize, OpResult)>,
    /// Why no further call can succeed.
    pub fatal: Option<OrgError>,
}
