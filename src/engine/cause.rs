//! Why an op is not done, as a type that reaches whoever is told.
//!
//! Decisions are made on these and on Salesforce's codes, never on their texts.

use std::sync::Arc;

use crate::model::Address;
use crate::org::OrgError;
use crate::org::Refused;

/// Why an op is not done, or why it is not known whether it is.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Cause {
    /// The org refused it: nothing of it happened.
    #[error("{0}")]
    Refused(Refused),
    /// It was sent, and nothing tells what became of it.
    #[error("it is not known whether the org did it: {error}{}", second(look_up.as_deref()))]
    Unknown {
        /// Why its call told nothing.
        #[source]
        error: Arc<OrgError>,
        /// Why looking for it told nothing either.
        look_up: Option<Arc<OrgError>>,
    },
    /// It was not sent.
    #[error(transparent)]
    NotSent(NotSent),
    /// The org did not come to it in the time that was given.
    #[error(
        "it is still {seen} after {seconds} s: apply again later, or with a longer `--wait`, and look at {look_at}"
    )]
    WaitedInVain {
        /// How far the org was.
        seen: String,
        /// How long was waited, in seconds.
        seconds: u64,
        /// What to look at, as a fragment.
        look_at: String,
    },
    /// The org ended it without coming to what is waited for.
    #[error("it is {seen}, so that it will not be {until}: look at {look_at}")]
    CameToNothing {
        /// What the org says of it.
        seen: String,
        /// What was waited for.
        until: String,
        /// What to look at, as a fragment.
        look_at: String,
    },
    /// The run was ended while its call was under way.
    #[error(
        "the run was ended while its call was under way: the next run asks the org what became of it"
    )]
    CutOff,
    /// The run was asked to stop before it was sent.
    #[error("it was not sent, since the run was asked to stop")]
    Stopped,
}

/// Why an op was not sent.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotSent {
    /// It needs an id that is not known.
    #[error("the id of {0} is not known")]
    IdUnknown(Address),
    /// The org could not be reached, or could not be asked how far it is.
    #[error("{0}")]
    Failed(#[source] Arc<OrgError>),
    /// The org takes no further call.
    #[error("not sent, since the org takes no further call")]
    NoFurtherCall,
}

fn second(look_up: Option<&OrgError>) -> String {
    look_up.map(|error| format!("; and looking it up failed: {error}")).unwrap_or_default()
}

impl Cause {
    /// What a call's error says of the ops that it held.
    pub fn of(error: OrgError) -> Self {
        match error {
            OrgError::Stopped { .. } => Self::Stopped,
            error if error.is_unknown() => Self::unknown(error),
            OrgError::Refused { refused, .. }
            | OrgError::Session { refused, .. }
            | OrgError::DailyLimit { refused, .. } => Self::Refused(refused),
            error => Self::NotSent(NotSent::Failed(Arc::new(error))),
        }
    }

    /// An outcome that no answer tells.
    pub fn unknown(error: OrgError) -> Self {
        Self::Unknown { error: Arc::new(error), look_up: None }
    }

    /// Whether it is still to be found out what became of it.
    pub fn leaves_open(&self) -> bool {
        matches!(self, Self::Unknown { .. } | Self::CutOff | Self::WaitedInVain { .. })
    }

    /// Whether it was sent and nothing tells what became of it.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. } | Self::CutOff)
    }

    /// Salesforce's refusal, where it is one.
    pub fn refused(&self) -> Option<&Refused> {
        match self {
            Self::Refused(refused) => Some(refused),
            _ => None,
        }
    }

    /// Salesforce's id of the request, where there was an answer with one.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Refused(refused) => refused.request_id.as_deref(),
            Self::Unknown { error, .. } | Self::NotSent(NotSent::Failed(error)) => {
                error.request_id()
            }
            _ => None,
        }
    }

    /// Its name for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Unknown { .. } => "unknown",
            Self::NotSent(_) => "not_sent",
            Self::WaitedInVain { .. } => "waited_in_vain",
            Self::CameToNothing { .. } => "came_to_nothing",
            Self::CutOff => "cut_off",
            Self::Stopped => "stopped",
        }
    }
}
