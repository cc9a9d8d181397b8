//! One line of the log: an entry with its serial, and a checksum over both, the
//! state's name among what it covers, so that no line of another state passes.
//!
//! A run appends one line a turn and syncs it before the next, so that only the last
//! line of a log can be torn. A line that is none and has others behind it was damaged.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use super::entries::Intent;
use super::entries::RecordChange;
use crate::model::Address;
use crate::model::Record;
use crate::model::SalesforceId;

/// How every line begins; the checksum follows.
const HEAD: &str = "{\"sum\":\"";
/// How the lines of format 1 begin. A base of format 2 holds what they say.
const HEAD_OF_FORMAT_1: &[u8] = b"{\"serial\":";
/// What stands between the checksum and the entry.
const MIDDLE: &str = "\",\"entry\":";
/// Characters of a checksum.
const SUM: usize = 16;

/// One entry of the log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Entries are numbered without a gap.
    pub serial: u64,
    /// Calls that are about to leave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub begin: Vec<Intent>,
    /// Deploys that were begun.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deploy: Vec<DeployBegun>,
    /// Ops of which it is known what became of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settle: Vec<Settled>,
    /// Records as they read now.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<Address, Record>,
    /// Records that are no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forget: Vec<Address>,
}

/// A deploy that was begun for an intent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeployBegun {
    /// The intent.
    pub intent: u64,
    /// The deploy.
    pub id: SalesforceId,
}

/// Ops of an intent of which it is known what became of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settled {
    /// The intent.
    pub intent: u64,
    /// Their places in it.
    pub ops: Vec<u32>,
}

impl Entry {
    /// Takes in a change to a record; a later one counts.
    pub fn change(&mut self, change: RecordChange) {
        match change {
            RecordChange::Put(address, record) => {
                self.forget.retain(|held| *held != address);
                self.set.insert(address, record);
            }
            RecordChange::Forget(address) => {
                self.set.remove(&address);
                if !self.forget.contains(&address) {
                    self.forget.push(address);
                }
            }
        }
    }

    /// The line, with its end.
    pub fn line(&self, lineage: &str) -> Vec<u8> {
        // An entry is made of texts, numbers and lists: it always encodes.
        let entry = serde_json::to_vec(self).unwrap_or_default();
        let mut line = Vec::with_capacity(entry.len() + 64);
        line.extend_from_slice(HEAD.as_bytes());
        line.extend_from_slice(checksum(lineage, &entry).as_bytes());
        line.extend_from_slice(MIDDLE.as_bytes());
        line.extend_from_slice(&entry);
        line.extend_from_slice(b"}\n");
        line
    }

    /// Reads a line without its end.
    ///
    /// # Errors
    /// What is wrong with it, as a fragment.
    pub fn read(line: &[u8], lineage: &str) -> Result<Self, BadLine> {
        if line.starts_with(HEAD_OF_FORMAT_1) {
            return Err(BadLine::Format1);
        }
        let rest = line.strip_prefix(HEAD.as_bytes()).ok_or(BadLine::NoLine)?;
        let (sum, rest) = rest.split_at_checked(SUM).ok_or(BadLine::NoLine)?;
        let rest = rest.strip_prefix(MIDDLE.as_bytes()).ok_or(BadLine::NoLine)?;
        let entry = rest.strip_suffix(b"}").ok_or(BadLine::NoLine)?;
        if checksum(lineage, entry).as_bytes() != sum {
            return Err(BadLine::Checksum);
        }
        serde_json::from_slice(entry).map_err(|error| BadLine::Entry(error.to_string()))
    }
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    /// It is of format 1, so that the base holds it already.
    #[error("it is of format 1")]
    Format1,
    /// It does not look like one.
    #[error("it is no line of a log")]
    NoLine,
    /// Its content is not what was written, or it is of another state.
    #[error("its checksum does not fit its content")]
    Checksum,
    /// It is whole and can't be read.
    #[error("its entry can't be read: {0}")]
    Entry(String),
}

fn checksum(lineage: &str, entry: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(lineage.as_bytes());
    hasher.update(&[0]);
    hasher.update(entry);
    hasher.finalize().to_hex()[..SUM].to_owned()
}

#[cfg(test)]
mod tests {
    use super::BadLine;
    use super::Entry;
    use crate::model::Address;
    use crate::model::Ownership;
    use crate::model::Record;

    fn entry() -> Entry {
        let mut entry = Entry { serial: 7, ..Entry::default() };
        entry.set.insert(Address::new("user", "a@b.example"), Record::new(Ownership::Created));
        entry
    }

    #[test]
    fn a_line_survives_and_any_other_byte_is_seen() {
        let line = entry().line("L");
        let line = line.strip_suffix(b"\n").expect("an end");
        assert_eq!(Entry::read(line, "L"), Ok(entry()));
        assert_eq!(Entry::read(line, "other"), Err(BadLine::Checksum));
        for place in 0..line.len() {
            let mut damaged = line.to_vec();
            damaged[place] ^= 1;
            assert!(Entry::read(&damaged, "L").is_err(), "byte {place}");
            assert!(Entry::read(&line[..place], "L").is_err(), "cut at {place}");
        }
    }
}
