//! What can go wrong with a call, typed by Salesforce's codes.

use std::fmt;

use crate::model::SalesforceId;

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
    /// A refusal, its text made readable in a terminal.
    pub fn new(code: &str, message: &str, fields: Vec<String>) -> Self {
        let message = message.replace("<br>", " ").replace("<br/>", " ");
        // An answer from outside may hold anything: no control characters
        // reach a terminal.
        let message = message
            .chars()
            .map(
                |character| {
                    if character.is_control() && character != '\n' { ' ' } else { character }
                },
            )
            .collect();
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

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message.trim())?;
        if !self.fields.is_empty() {
            write!(f, " [{}]", self.fields.join(", "))?;
        }
        Ok(())
    }
}

/// Why a call failed as a whole.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OrgError {
    /// The org could not be reached: nothing was sent.
    #[error("{call}: the org can't be reached: {reason}")]
    Unreachable {
        /// Method and path.
        call: String,
        /// What the network said.
        reason: String,
    },
    /// The connection broke while the call was under way: whether the org did
    /// what was asked is not known.
    #[error("{call}: the connection broke before the answer came: {reason}")]
    Unanswered {
        /// Method and path.
        call: String,
        /// What the network said.
        reason: String,
    },
    /// The token is not, or no longer, valid.
    #[error("{call}: the org does not accept the session: {refusal}")]
    Session {
        /// Method and path.
        call: String,
        /// Salesforce's words.
        refusal: Refusal,
    },
    /// The day's calls are used up.
    #[error("{call}: the org's API calls for today are used up: {refusal}")]
    DailyLimit {
        /// Method and path.
        call: String,
        /// Salesforce's words.
        refusal: Refusal,
    },
    /// The org refused the call.
    #[error("{call}: {refusal}{}", request_id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default())]
    Refused {
        /// Method and path.
        call: String,
        /// The HTTP status.
        status: u16,
        /// Salesforce's words.
        refusal: Refusal,
        /// Salesforce's request id, for their support.
        request_id: Option<String>,
    },
    /// The answer is not what Salesforce's documents say.
    #[error("{call}: the answer can't be understood: {reason}")]
    Unexpected {
        /// Method and path.
        call: String,
        /// What was wrong with it.
        reason: String,
    },
}

impl OrgError {
    /// Whether it is not known if the org did what was asked.
    pub fn is_unanswered(&self) -> bool {
        match self {
            Self::Unanswered { .. } | Self::Unexpected { .. } => true,
            Self::Refused { status, .. } => matches!(status, 500 | 502 | 504),
            _ => false,
        }
    }

    /// Whether no further call can succeed.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Session { .. } | Self::DailyLimit { .. })
    }

    /// Salesforce's refusal, when it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Session { refusal, .. }
            | Self::DailyLimit { refusal, .. }
            | Self::Refused { refusal, .. } => Some(refusal),
            _ => None,
        }
    }
}

/// What became of one record.
pub type RecordOutcome = Result<Option<SalesforceId>, Refusal>;
