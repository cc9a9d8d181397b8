//! What is recorded, by name alone and without the lock: for completion on the
//! command line, which must be quick and never stands in a run's way.

use std::path::Path;

use super::snapshot::Snapshot;
use crate::model::Address;

/// A larger copy takes too long while somebody waits for a completion.
const LARGEST: u64 = 16 * 1024 * 1024;

/// The addresses of all states below a folder, at most so many. What can't be
/// read is left out.
pub fn recorded_addresses(states: &Path, most: usize) -> Vec<Address> {
    let mut addresses = Vec::new();
    for folder in std::fs::read_dir(states).into_iter().flatten().flatten() {
        let Ok(org_id) = folder.file_name().into_string() else { continue };
        let size = std::fs::metadata(folder.path().join("state.json")).map_or(0, |file| file.len());
        if size == 0 || size > LARGEST {
            continue;
        }
        if let Ok(Some(contents)) = Snapshot::of(&folder.path()).read(&org_id) {
            addresses.extend(contents.resources.into_keys());
        }
    }
    addresses.sort();
    addresses.dedup();
    addresses.truncate(most);
    addresses
}
