//! What can go wrong with a call, typed by Salesforce's codes.

use std::fmt;

use super::size::TooLarge;
use super::wire::WireError;
use crate::model::SalesforceId;
use crate::text::shown;

/// Salesforce's own refusal: a code, a sentence, the fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code, for example `DUPLICATE_USERNAME`. Texts differ between orgs
    /// and languages; decisions are made on codes.
    pub code: String,
    /// The sentence, as the org says it; HTML line breaks made spaces.
    pub message: String,
    /// The fields it is about.
    pub fields: Vec<String>,
}

impl Refusal {
    /// A refusal, its text in lines.
    pub fn new(code: &str, message: &str, fields: Vec<String>) -> Self {
        let message = message.replace("<br>", " ").replace("<br/>", " ").replace('\r', "");
        Self { code: code.to_owned(), message, fields }
    }

    /// Whether the thing is there already.
    pub fn is_duplicate(&self) -> bool {
        self.code == "DUPLICATE_VALUE"
    }

    /// Whether the thing to delete is gone already.
    pub fn is_already_gone(&self) -> bool {
        matches!(
            self.code.as_str(),
            "ENTITY_IS_DELETED" | "NOT_FOUND" | "INVALID_CROSS_REFERENCE_KEY"
        )
    }

    /// Whether the same write may pass in a moment.
    pub fn is_contention(&self) -> bool {
        self.code == "UNABLE_TO_LOCK_ROW"
    }
}

/// As it is shown: what an answer holds that a terminal would obey stands as its number.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", shown::line(&self.code), shown::block(self.message.trim()))?;
        if !self.fields.is_empty() {
            write!(f, " [{}]", shown::line(&self.fields.join(", ")))?;
        }
        Ok(())
    }
}

/// The refusal of one record, document or call: all that Salesforce said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    first: Refusal,
    others: Vec<Refusal>,
    /// Salesforce's id of the request, for their support.
    pub request_id: Option<String>,
}

impl Refused {
    /// A refusal for one reason.
    pub fn new(refusal: Refusal) -> Self {
        Self { first: refusal, others: Vec::new(), request_id: None }
    }

    /// A refusal for several; `None` where there is none.
    pub fn of(refusals: Vec<Refusal>) -> Option<Self> {
        let mut refusals = refusals.into_iter();
        let first = refusals.next()?;
        Some(Self { first, others: refusals.collect(), request_id: None })
    }

    /// What is said where the org refuses without a reason.
    pub fn without_reason() -> Self {
        Self::new(Refusal::new("UNKNOWN_EXCEPTION", "the org gave no reason", Vec::new()))
    }

    /// The same with the id of its request.
    #[must_use]
    pub fn in_request(mut self, id: Option<String>) -> Self {
        self.request_id = self.request_id.or(id);
        self
    }

    /// The first reason, which the others follow from as a rule.
    pub fn first(&self) -> &Refusal {
        &self.first
    }

    /// All reasons.
    pub fn all(&self) -> impl Iterator<Item = &Refusal> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Whether all reasons are of a sort: only then may it be taken for that.
    pub fn is_wholly(&self, sort: impl Fn(&Refusal) -> bool) -> bool {
        self.all().all(sort)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        for other in &self.others {
            write!(f, "; {other}")?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {})", shown::line(id)),
            None => Ok(()),
        }
    }
}

/// Why a call failed as a whole.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OrgError {
    /// The org could not be reached: nothing was sent.
    #[error("{call}: the org can't be reached: {}", source.reason())]
    Unreachable {
        /// Method and path.
        call: String,
        /// What the network said.
        source: WireError,
    },
    /// The connection broke while the call was under way: whether the org did
    /// what was asked is not known.
    #[error("{call}: the connection broke before the answer came: {}", source.reason())]
    Unanswered {
        /// Method and path.
        call: String,
        /// What the network said.
        source: WireError,
    },
    /// The token is not, or no longer, valid.
    #[error("{call}: the org does not accept the session: {refused}")]
    Session {
        /// Method and path.
        call: String,
        /// Salesforce's words.
        refused: Refused,
    },
    /// The day's calls are used up.
    #[error("{call}: the org's API calls for today are used up: {refused}")]
    DailyLimit {
        /// Method and path.
        call: String,
        /// Salesforce's words.
        refused: Refused,
    },
    /// The org refused the call.
    #[error("{call}: {refused}")]
    Refused {
        /// Method and path.
        call: String,
        /// The HTTP status.
        status: u16,
        /// Salesforce's words.
        refused: Refused,
    },
    /// The answer is not what Salesforce's documents say: what the org did is not
    /// known.
    #[error("{call}: the answer can't be understood: {reason}")]
    Unexpected {
        /// Method and path.
        call: String,
        /// The HTTP status, where that was what was wrong.
        status: Option<u16>,
        /// What was wrong with it.
        reason: String,
        /// Salesforce's id of the request, where it has one.
        request_id: Option<String>,
    },
    /// The answer is larger than such a call's may be, and was not read: what the org did
    /// is not known.
    #[error("{call}: the answer is not read: it has {excess}, and no {name} call has")]
    TooLarge {
        /// Method and path.
        call: String,
        /// What kind of call it is.
        name: &'static str,
        /// What it has too much of.
        excess: TooLarge,
    },
    /// It was not sent, since the run was asked to stop before.
    #[error("{call}: not sent, since the run was stopped")]
    Stopped {
        /// Method and path.
        call: String,
    },
}

impl Refused {
    /// The same with other words.
    fn map_words(&mut self, change: &impl Fn(&str) -> String) {
        for refusal in std::iter::once(&mut self.first).chain(&mut self.others) {
            refusal.code = change(&refusal.code);
            refusal.message = change(&refusal.message);
            refusal.fields.iter_mut().for_each(|field| *field = change(field));
        }
    }
}

impl OrgError {
    /// The same with other words of the org's.
    #[must_use]
    pub(super) fn map_words(mut self, change: impl Fn(&str) -> String) -> Self {
        match &mut self {
            Self::Session { refused, .. }
            | Self::DailyLimit { refused, .. }
            | Self::Refused { refused, .. } => refused.map_words(&change),
            Self::Unexpected { reason, .. } => *reason = change(reason),
            _ => {}
        }
        self
    }

    /// An answer whose content is not what the documents say.
    pub(super) fn unexpected(call: impl Into<String>, reason: impl Into<String>) -> Self {
        let (call, reason) = (call.into(), reason.into());
        Self::Unexpected { call, status: None, reason, request_id: None }
    }

    /// Whether it is not known if the org did what was asked. It is known of a call
    /// that was never sent, of one that Salesforce refused for a reason of the
    /// caller's (a status of 400 and above in its own words), and of one that it did
    /// not take up (its own code for that). Anything else may have been done.
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Session { .. }
            | Self::DailyLimit { .. }
            | Self::Stopped { .. } => false,
            Self::Unanswered { .. } | Self::Unexpected { .. } | Self::TooLarge { .. } => true,
            Self::Refused { status, .. } => {
                !self.is_crowded() && (*status >= 500 || matches!(status, 408 | 420 | 429))
            }
        }
    }

    /// Whether the org had too much to do to take the call up (REST API Developer
    /// Guide, "Limits": the code of concurrent requests).
    pub fn is_crowded(&self) -> bool {
        matches!(self, Self::Refused { refused, .. }
            if refused.is_wholly(|refusal| refusal.code == "REQUEST_LIMIT_EXCEEDED"))
    }

    /// Whether no further call can succeed.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Session { .. } | Self::DailyLimit { .. })
    }

    /// Salesforce's refusal, when it is one.
    pub fn refused(&self) -> Option<&Refused> {
        match self {
            Self::Session { refused, .. }
            | Self::DailyLimit { refused, .. }
            | Self::Refused { refused, .. } => Some(refused),
            _ => None,
        }
    }

    /// Salesforce's id of the request, where it answered with one.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Unexpected { request_id, .. } => request_id.as_deref(),
            other => other.refused()?.request_id.as_deref(),
        }
    }
}

/// What became of one record.
pub type RecordOutcome = Result<Option<SalesforceId>, Refused>;
