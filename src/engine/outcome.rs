//! What applying a plan came to.

use super::cause::Cause;
use crate::facts::Fact;
use crate::model::Address;
use crate::model::StepName;
use crate::org::OrgError;

/// An op that is not done, or not known to be.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The resource.
    pub address: Address,
    /// Which step.
    pub step: StepName,
    /// Why.
    pub cause: Cause,
}

/// An op that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The resource.
    pub address: Address,
    /// Which step.
    pub step: StepName,
    /// What it waited for; itself when the run stopped before it.
    pub because: Address,
}

/// What applying a plan came to.
#[derive(Debug, Default)]
#[must_use = "failures are in here"]
pub struct Outcome {
    /// Ops that failed, but for the mails of which nothing is known.
    pub failures: Vec<Failure>,
    /// Ops that were left out.
    pub skipped: Vec<Skipped>,
    /// What rejections taught: facts that are new in the catalog.
    pub learned: Vec<Fact>,
    /// What was there already when it was to be made, and was adopted.
    pub adopted: Vec<Address>,
    /// What the org did not keep as it was sent.
    pub kept_less: Vec<Address>,
    /// One-shot things of which it is not known whether they happened.
    pub unknown: Vec<Address>,
    /// Why no further call was made.
    pub fatal: Option<OrgError>,
    /// Whether the user stopped it.
    pub interrupted: bool,
    /// Whether calls under way were given up for that.
    pub cut_off: bool,
}

impl Outcome {
    /// Whether everything was done.
    pub fn is_complete(&self) -> bool {
        self.failures.is_empty()
            && self.skipped.is_empty()
            && self.kept_less.is_empty()
            && self.unknown.is_empty()
            && self.fatal.is_none()
            && !self.interrupted
    }
}
