//! Who worked on a state last, and how far it was then: beside the lock, so that an
//! older copy that was put back is noticed.
//!
//! It is no part of the state, and need not be there.

use std::io::Write as _;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;

use super::base::LAST_SERIAL;
use crate::disk;

/// How far a state was when a run was done with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The state's name.
    pub lineage: String,
    /// Its last entry.
    pub serial: u64,
}

/// What a folder's mark says; `None` where there is none that can be read.
pub fn read(folder: &Path) -> Option<Mark> {
    let mark: Mark = serde_json::from_slice(&disk::read(&folder.join("last.json")).ok()?).ok()?;
    // A number that nobody counted says nothing.
    Some(mark).filter(|mark| mark.serial < LAST_SERIAL)
}

/// Leaves a mark. Where that fails, nothing is lost but the notice.
pub fn leave(folder: &Path, mark: &Mark) {
    if read(folder).as_ref() == Some(mark) {
        return;
    }
    // A mark is made of a text and a number: it always encodes.
    let text = serde_json::to_vec(mark).unwrap_or_default();
    let temporary = folder.join("last.json.new");
    if disk::create(&temporary).and_then(|mut file| file.write_all(&text)).is_ok() {
        let _ = std::fs::rename(&temporary, folder.join("last.json"));
    }
}
