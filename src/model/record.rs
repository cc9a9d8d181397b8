//! What the state says we made or took over.

use super::UnixSeconds;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use super::Address;
use super::Attributes;
use super::Digest;
use super::Element;
use super::Observed;
use super::SalesforceId;

/// Whether we may take a thing away again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    /// We created it: destroy removes or deactivates it.
    Created,
    /// It was there before: destroy only releases it.
    Adopted,
}

/// Whether a recorded thing is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Managed and in use.
    #[default]
    Live,
    /// We deactivated it, since the platform never deletes it (a user).
    Retired,
}

/// One recorded resource: what the last confirmed writes or reads left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The record's id in this org; a half-made document may have none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<SalesforceId>,
    /// The id of the row that goes with it in another object (a user's
    /// `UserLogin`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub companion_id: Option<SalesforceId>,
    /// Whether it is ours to remove.
    pub ownership: Ownership,
    /// Whether it is in use.
    #[serde(default, skip_serializing_if = "is_live")]
    pub standing: Standing,
    /// Whether it was declared with `prevent_destroy` when last applied.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protected: bool,
    /// The attributes confirmed so far.
    pub attributes: Attributes,
    /// One-shot things done, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub once: BTreeMap<String, Once>,
    /// Sections of its metadata that no kind models, to be sent back unchanged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carried: Vec<Element>,
}

/// When a one-shot thing was done. In a state it is a text: the seconds, or `unknown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Once {
    /// Then.
    At(UnixSeconds),
    /// A run ended before the answer came, so that it may have been done or not.
    Unknown,
}

const UNKNOWN: &str = "unknown";

impl From<Once> for String {
    fn from(once: Once) -> Self {
        match once {
            Once::At(at) => at.to_string(),
            Once::Unknown => UNKNOWN.to_owned(),
        }
    }
}

impl TryFrom<String> for Once {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == UNKNOWN {
            return Ok(Self::Unknown);
        }
        text.parse().map(|seconds| Self::At(UnixSeconds(seconds)))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_live(standing: &Standing) -> bool {
    *standing == Standing::Live
}

impl Record {
    /// A record without attributes.
    pub fn new(ownership: Ownership) -> Self {
        Self {
            id: None,
            companion_id: None,
            ownership,
            standing: Standing::Live,
            protected: false,
            attributes: Attributes::new(),
            once: BTreeMap::new(),
            carried: Vec::new(),
        }
    }
}

/// Why a record can't be read from the state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Whoever stores it refused, in its own words.
    #[error("{0}")]
    Refused(String),
    /// It is shorter than any record.
    #[error("a record is cut short")]
    CutShort,
    /// It was written by a version that lays records out otherwise.
    #[error("a record has layout {found}, and this version knows {known}")]
    Layout {
        /// Its layout.
        found: u8,
        /// The layout of this version.
        known: u8,
    },
    /// A part of it is not there.
    #[error("a chunk of a value is missing")]
    ChunkMissing,
    /// What it is stored under is no address.
    #[error("a key is no address")]
    NoAddress,
    /// Its bytes are no record: what stands where in them.
    #[error("{0}")]
    Unreadable(String),
    /// It is of a kind that a newer version wrote.
    #[error("it holds {0}, a kind that this version does not know; use the version that wrote it")]
    UnknownKind(Address),
    /// It was there a moment ago.
    #[error("{0} is no longer in the state")]
    Gone(Address),
}

/// A record as it streams out of the state: decoded only when asked.
pub struct StoredRecord<'a> {
    /// Its address.
    pub address: Address,
    /// The digest of its attributes.
    pub digest: Digest,
    /// Whether it is in use.
    pub standing: Standing,
    /// Whether it is protected from being taken away.
    pub protected: bool,
    /// Decodes the rest.
    pub decode: Box<dyn FnOnce() -> Result<Record, RecordError> + 'a>,
}

/// A stream of records in the order of their addresses.
pub type RecordStream<'a> = Box<dyn Iterator<Item = Result<StoredRecord<'a>, RecordError>> + 'a>;

/// What the planner may ask of the state.
pub trait Recorded {
    /// All records, in the order of their addresses.
    fn stream(&self) -> RecordStream<'_>;

    /// One record.
    ///
    /// # Errors
    /// When the state can't be read.
    fn get(&self, address: &Address) -> Result<Option<Record>, RecordError>;
}

impl Record {
    /// Takes ids and carried sections from what the org shows.
    pub fn take_over(&mut self, observed: &Observed) {
        if observed.id.is_some() {
            self.id.clone_from(&observed.id);
        }
        if observed.companion_id.is_some() {
            self.companion_id.clone_from(&observed.companion_id);
        }
        self.carried.clone_from(&observed.carried);
    }
}
