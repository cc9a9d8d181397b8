//! What can be wrong with the files of a state, as data: what is damaged, and what
//! ownership is in doubt by that.

use std::fmt;
use std::path::PathBuf;

use crate::model::Address;

/// Where a state's files are not what they were when they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Which file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub what: DamageKind,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DamageKind {
    /// The base is there and can't be read.
    #[error("it can't be read: {0}")]
    BaseUnreadable(String),
    /// The base's content is not what was written.
    #[error("its checksum does not fit its content")]
    BaseChecksum,
    /// It is not there, and other files say that there was one.
    #[error("it is missing, and other files of this state are there")]
    BaseMissing,
    /// A line of the log is none, and others follow it.
    #[error("line {line}, after entry {after}: {reason}")]
    BadLine {
        /// Which line, counted from 1.
        line: usize,
        /// The last entry before it.
        after: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// Entries are missing.
    #[error("entries {} to {} are missing", after + 1, found - 1)]
    Gap {
        /// The last entry before them.
        after: u64,
        /// The first entry behind them.
        found: u64,
    },
    /// Something else knows of later entries.
    #[error(
        "it ends with entry {last}, and {witness} knows of entry {known}: an older copy was put back, or its end is damaged"
    )]
    Older {
        /// The last entry that can be read.
        last: u64,
        /// The last entry that was written.
        known: u64,
        /// Who knows.
        witness: &'static str,
    },
    /// The numbers of entries are at their end.
    #[error("its serial {0} is no number that orgform gives")]
    SerialAtEnd(u64),
    /// It follows another state than the base's.
    #[error("it belongs to another state of this org: a folder was put together from two")]
    OtherLineage,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.what)
    }
}

/// All that is wrong, and what follows from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnosis {
    /// What is damaged.
    pub damages: Vec<Damage>,
    /// Resources of which it is in doubt whether orgform made them: the cache or a
    /// backup knows them otherwise than what can be read.
    pub in_doubt: Vec<Address>,
}

impl Diagnosis {
    /// Whether all is well.
    pub fn is_well(&self) -> bool {
        self.damages.is_empty()
    }
}
