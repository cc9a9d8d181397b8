//! What applying a plan came to.

use crate::model::Address;
use crate::model::Fact;
use crate::org::OrgError;

/// An op that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The resource.
    pub address: Address,
    /// Which step.
    pub step: String,
    /// Why.
    pub reason: String,
}

/// An op that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The resource.
    pub address: Address,
    /// Which step.
    pub step: String,
    /// What it waited for; itself when the run stopped before it.
    pub because: Address,
}

/// What applying a plan came to.
#[derive(Debug, Default)]
#[must_use = "failures are in here"]
pub struct Outcome {
    /// Ops that failed.
    pub failures: Vec<Failure>,
    /// Ops that were left out.
    pub skipped: Vec<Skipped>,
    /// What rejections taught: facts that are new in the catalog.
    pub learned: Vec<Fact>,
    /// What the org did not keep as it was sent.
    pub kept_less: Vec<Address>,
    /// One-shot things of which it is not known whether they happened.
    pub unknown: Vec<Address>,
    /// Why no further call was made.
    pub fatal: Option<OrgError>,
    /// Whether the user stopped it.
    pub interrupted: bool,
}

impl Outcome {
    /// Whether everything was done.
    pub fn is_complete(&self) -> bool {
        self.failures.is_empty()
            && self.skipped.is_empty()
            && self.kept_less.is_empty()
            && self.fatal.is_none()
            && !self.interrupted
    }
}
