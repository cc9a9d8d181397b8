//! One run at a time: a lock of the operating system, which dies with its
//! process, and beside it who holds it.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::error::StateError;
use crate::disk;

/// So often a lock is tried for, with a pause before each further time.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(50);

/// Who holds a state, for the message to a second run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub process: u32,
    /// The machine, as far as it is known.
    pub machine: String,
    /// The command.
    pub command: String,
    /// Since when, in words.
    pub since: String,
}

/// A held lock; it is given up when this is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a folder.
    ///
    /// # Errors
    /// When another run holds it, naming it.
    pub fn take(folder: &Path, holder: &Holder) -> Result<Self, StateError> {
        let path = folder.join("lock");
        let about = folder.join("lock.json");
        let file = disk::append(&path).map_err(StateError::io(&path))?;
        let mut tries = 0;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                // A look at the state holds it for a moment.
                Err(std::fs::TryLockError::WouldBlock) if tries < TRIES => {
                    tries += 1;
                    std::thread::sleep(PAUSE);
                }
                Err(std::fs::TryLockError::WouldBlock) => {
                    return Err(StateError::Locked { holder: read_holder(&about) });
                }
                Err(std::fs::TryLockError::Error(source)) => {
                    return Err(StateError::Io { path, source });
                }
            }
        }
        let text = serde_json::to_string(holder).unwrap_or_default();
        disk::create(&about)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(StateError::io(&about))?;
        Ok(Self { _file: file })
    }
}

impl Lock {
    /// Takes the lock of a folder without saying so, for a look; `None` where another run
    /// holds it or nothing can be written there.
    pub fn hold(folder: &Path) -> Option<Self> {
        let file = disk::look(&folder.join("lock")).ok()?;
        file.try_lock().ok()?;
        Some(Self { _file: file })
    }
}

fn read_holder(about: &Path) -> String {
    let held = disk::read(about).ok().and_then(|text| serde_json::from_slice(&text).ok());
    match held {
        Some(Holder { process, machine, command, since }) => {
            format!("`orgform {command}`, process {process} on {machine}, since {since}")
        }
        None => "it did not say who it is".to_owned(),
    }
}
