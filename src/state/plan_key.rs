//! The key by which a state knows saved plans that were made with it, in a file of its own:
//! never in the base, the log or what is exported, so that who gets one of those can't
//! forge a plan. Imports how private files are opened.

use std::path::Path;

use super::error::StateError;
use crate::disk;

/// As many bytes as it has.
const LENGTH: usize = 32;

/// The key of a state's folder; `None` where there is none.
///
/// # Errors
/// When it can't be read, or is no key.
pub fn read(folder: &Path) -> Result<Option<[u8; LENGTH]>, StateError> {
    let path = folder.join("plan.key");
    match disk::read(&path) {
        Ok(bytes) => {
            let key = bytes.try_into();
            key.map(Some).map_err(|_| StateError::io(&path)(std::io::Error::other("it is no key")))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StateError::io(&path)(error)),
    }
}

/// Keeps a key.
///
/// # Errors
/// When it can't be written.
pub fn keep(folder: &Path, key: &[u8; LENGTH]) -> Result<(), StateError> {
    let path = folder.join("plan.key");
    disk::replace(&path, key).map_err(StateError::io(&path))
}
