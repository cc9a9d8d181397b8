//! Why a state can't be used.

use std::path::Path;
use std::path::PathBuf;

/// What went wrong, and where.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A file or folder can't be read or written.
    #[error("{path}: {source}")]
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
    /// It is damaged, and so is what could rebuild it.
    #[error("{path}: it is damaged: {reason}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// In which way.
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
}

impl StateError {
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(super) fn damaged(path: &Path, reason: impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.to_string() }
    }
}
