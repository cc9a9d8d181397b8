//! What performs: it reads what kinds ask for, packs a plan's ops into calls,
//! and writes to the state what the answers confirm.
//!
//! Nothing is decided here that a plan decides. Left to the engine are packing,
//! the order of independent ops, pace and retry. Imports `model`, `kinds`,
//! `graph`, `org`, `state` and a table of `data`.

mod apply;
mod call;
mod cause;
mod deploying;
mod effect;
mod flight;
mod grants;
mod inquire;
mod item;
mod mails;
mod observe;
mod outcome;
mod pieces;
mod policies;
mod prepare;
mod questions;
mod queue;
mod recovery;
mod refresh;
mod report;
mod run;
mod sent;
mod settle;
mod targets;
#[cfg(test)]
mod testing;
mod wait;

use crate::model::Address;
use crate::model::RecordError;
use crate::model::StepName;
use crate::org::OrgError;
use crate::state::StateError;

pub use apply::ApplyOptions;
pub use apply::Stops;
pub use apply::apply;
pub use cause::Cause;
pub use cause::NotSent;
pub use effect::Confirmed;
pub use effect::before_ops;
pub use effect::record_changes;
pub use grants::SeenUser;
pub use grants::look_at_user;
pub use grants::recall_user;
pub use inquire::calls_left;
pub use inquire::inquire;
pub use inquire::sees;
pub use mails::mailed_before;
pub use observe::ask_facts;
pub use outcome::Failure;
pub use outcome::Outcome;
pub use outcome::Skipped;
pub use recovery::Recovered;
pub use recovery::UnknownMail;
pub use recovery::acknowledge;
pub use recovery::recover;
pub use refresh::Refreshing;
pub use refresh::refresh;

/// Why the engine stops as a whole.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The org refused, or could not be reached.
    #[error(transparent)]
    Org(#[from] OrgError),
    /// The state can't be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// A record can't be read.
    #[error("the state can't be read: {0}")]
    Record(RecordError),
    /// The token is for another org than the state.
    #[error("the org says that it is {found}, and its token says {wanted}")]
    OtherOrg {
        /// What the org said.
        found: String,
        /// What the token said.
        wanted: String,
    },
}

/// What happens while a plan is applied.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A call leaves.
    Sending {
        /// What it does: `insert User`.
        what: String,
        /// The ops that it holds: resource and step.
        ops: Vec<(&'a Address, StepName)>,
    },
    /// An op is done.
    Done {
        /// The resource.
        address: &'a Address,
        /// Which step.
        step: StepName,
    },
    /// An op is done, and the org did not keep all that was sent.
    KeptLess {
        /// The resource.
        address: &'a Address,
        /// Which step.
        step: StepName,
        /// What it did not keep.
        what: &'a str,
    },
    /// An op failed.
    Failed {
        /// The resource.
        address: &'a Address,
        /// Which step.
        step: StepName,
        /// Why.
        cause: &'a Cause,
    },
    /// The user wants to stop: so many calls under way are waited for.
    Stopping {
        /// How many.
        calls: usize,
    },
    /// An op was sent again, since no answer told what became of it and the org was
    /// read without finding it done.
    Repeated {
        /// The resource.
        address: &'a Address,
        /// Which step.
        step: StepName,
    },
    /// What an op was to make was there already, made by somebody else: it is adopted.
    Adopted {
        /// The resource.
        address: &'a Address,
        /// Which step.
        step: StepName,
    },
    /// Of something that is done once nothing tells whether it happened. It is not
    /// repeated.
    Unknown {
        /// The resource.
        address: &'a Address,
        /// Which step.
        step: StepName,
        /// Why.
        cause: &'a Cause,
    },
    /// An op is left out, since another failed.
    Skipped {
        /// The resource.
        address: &'a Address,
        /// Which step.
        step: StepName,
        /// What it waited for.
        because: &'a Address,
    },
}

/// Is told what happens.
pub trait Progress: Sync {
    /// Something happened.
    fn on(&self, event: &Event<'_>);

    /// Nothing more happens for now: what was told is to be shown.
    fn flush(&self);
}
