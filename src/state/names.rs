//! What is recorded, by name alone and without the lock: for completion on the
//! command line, which must be quick and never stands in a run's way.

use std::path::Path;

use super::base::Base;
use crate::disk;
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
        let base = disk::read(&folder.path().join("state.json")).ok();
        let base = base.and_then(|bytes| serde_json::from_slice::<Base>(&bytes).ok());
        if let Some(base) = base.filter(|base| base.org_id == org_id) {
            addresses.extend(base.resources.into_keys());
        }
        addresses.extend(set_since(&folder.path().join("state.log")));
    }
    addresses.sort();
    addresses.dedup();
    addresses.truncate(most);
    addresses
}

/// What the lines of a log set, whoever checks them.
fn set_since(log: &Path) -> Vec<Address> {
    let mut addresses = Vec::new();
    for line in disk::read(log).unwrap_or_default().split(|byte| *byte == b'\n') {
        let Ok(line) = serde_json::from_slice::<serde_json::Value>(line) else { continue };
        let set = line.get("entry").unwrap_or(&line).get("set").and_then(|set| set.as_object());
        let names = set.into_iter().flat_map(|set| set.keys());
        addresses.extend(names.filter_map(|name| Address::parse(name)));
    }
    addresses
}
