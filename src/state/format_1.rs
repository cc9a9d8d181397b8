//! Format 1, which is only read: a log of lines without checksums, and a journal that
//! stood in sled alone.

use crate::model::UnixSeconds;
use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::backend::Entries;
use super::entries::Intent;
use super::error::StateError;
use super::log_line::Entry;
use super::split_value::whole;
use crate::disk;
use crate::model::Address;
use crate::model::Op;
use crate::model::Record;

/// How the keys of the journal's further chunks begin.
const JOURNAL: u8 = b'j';
const META: &[u8] = b"meta";

#[derive(Debug, Deserialize)]
struct Line {
    serial: u64,
    #[serde(default)]
    set: BTreeMap<Address, Record>,
    #[serde(default)]
    forget: Vec<Address>,
}

#[derive(Debug, Deserialize)]
struct Meta {
    format_version: u64,
    org_id: String,
    serial: u64,
}

#[derive(Debug, Deserialize)]
struct Announced {
    run: String,
    ops: Vec<Op>,
}

/// The entries of a log behind a serial. A line that is none was torn by a failure;
/// those behind it are whole.
///
/// # Errors
/// When it can't be read.
pub fn read_log(path: &Path, behind: u64) -> Result<Entries, StateError> {
    let mut read = Entries::default();
    let log = match disk::read(path) {
        Ok(log) => log,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(read),
        Err(error) => return Err(StateError::io(path)(error)),
    };
    let mut last = behind;
    for line in log.split(|byte| *byte == b'\n') {
        let Ok(line) = serde_json::from_slice::<Line>(line) else { continue };
        if line.serial <= last {
            continue;
        }
        let Line { serial, set, forget } = line;
        last = serial;
        read.entries.push(Entry { serial, set, forget, ..Entry::default() });
    }
    Ok(read)
}

/// What the cache of format 1 holds that the files beside it may not.
#[derive(Debug, Default)]
pub struct Cached {
    /// The last commit that it holds.
    pub serial: u64,
    /// Its records, as bytes of the layout that is still in use.
    pub records: BTreeMap<Address, Record>,
    /// Calls that no answer closed.
    pub open: Vec<Intent>,
}

/// Reads a cache of format 1; `None` where it is none.
pub fn read_cache(db: &sled::Db, org_id: &str) -> Option<Cached> {
    let settings = db.open_tree("meta").ok()?;
    let meta: Meta = serde_json::from_slice(&settings.get(META).ok()??).ok()?;
    if meta.format_version != 1 || meta.org_id != org_id {
        return None;
    }
    let (records, parts) = (db.open_tree("records").ok()?, db.open_tree("parts").ok()?);
    let mut cached = Cached { serial: meta.serial, ..Cached::default() };
    for entry in &records {
        let (key, value) = entry.ok()?;
        let bytes = whole(&parts, b'r', &key, &value).ok()?;
        let record = super::codec::decode(&bytes).ok()?;
        cached.records.insert(Address::from_key(&key)?, record);
    }
    for entry in &db.open_tree("journal").ok()? {
        let (key, value) = entry.ok()?;
        let bytes = whole(&parts, JOURNAL, &key, &value).ok()?;
        let Announced { run, ops } = serde_json::from_slice(&bytes).ok()?;
        // When it was written is not told: what is not there by now never comes.
        let number = u64::from_be_bytes(key.get(..8)?.try_into().ok()?);
        cached.open.push(Intent { number, ..Intent::new(&run, UnixSeconds::default(), ops) });
    }
    Some(cached)
}
