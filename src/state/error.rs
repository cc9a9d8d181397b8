//! Why a state can't be used.

use std::path::Path;
use std::path::PathBuf;

use super::damage::Diagnosis;
use crate::disk;

/// What went wrong, and where.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A file or folder can't be read or written.
    #[error("{}", disk::describe(path, source))]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another run holds it.
    #[error("the state of this org is held by another run: {holder}")]
    Locked {
        /// Who, since when, doing what.
        holder: String,
    },
    /// It was written by a newer version.
    #[error("{path}: it has format version {found}, and this version knows up to {known}")]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format version.
        found: u64,
        /// Ours.
        known: u64,
    },
    /// It is damaged, so that it is in doubt what orgform made.
    #[error("the state is damaged")]
    Damaged {
        /// In which way, and what is in doubt.
        diagnosis: Box<Diagnosis>,
    },
    /// The cache can't be used, for a reason of sled's.
    #[error("{path}: it can't be used: {reason}")]
    Cache {
        /// Its folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It is another org's.
    #[error("{path}: it is the state of org {found}, not of {wanted}")]
    OtherOrg {
        /// Which file.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: String,
    },
    /// It is only read, since it can't be locked.
    #[error("the state is only read in this run, and was to be changed")]
    OnlyRead,
}

impl StateError {
    pub(super) fn io(path: &Path) -> impl Fn(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path: path.clone(), source }
    }

    /// A failure of the cache; what the disk refuses is that.
    pub(super) fn of_sled(path: &Path, error: sled::Error) -> Self {
        match error {
            sled::Error::Io(source) => Self::io(path)(source),
            other => Self::unusable(path, other),
        }
    }

    pub(super) fn unusable(path: &Path, reason: impl ToString) -> Self {
        Self::Cache { path: path.to_owned(), reason: reason.to_string() }
    }

    /// Whether it says that nothing can be written there.
    pub fn is_read_only(&self) -> bool {
        let kinds = [std::io::ErrorKind::PermissionDenied, std::io::ErrorKind::ReadOnlyFilesystem];
        matches!(self, Self::Io { source, .. } if kinds.contains(&source.kind()))
    }
}
