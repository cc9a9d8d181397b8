//! The base: the state as people read, compare and back it up. All records up to one
//! serial and the calls that are open there, in JSON, with a checksum at its end.
//!
//! It is written as a stream, so that its cost in memory does not grow with the state.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Deserialize;
use serde::Serialize;

use super::entries::Intent;
use super::error::StateError;
use crate::model::Address;
use crate::model::Record;

/// The format version of base and log.
pub const FORMAT_VERSION: u64 = 2;
/// A serial beyond this was not given by counting.
pub const LAST_SERIAL: u64 = 1 << 53;
/// As much of a base as has all but its records.
pub const HEADER_BYTES: usize = 4096;
/// What stands in front of the checksum, which covers all before it.
const SUM: &str = ",\n  \"sum\": \"";

/// A base's header: what precedes its records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The format version.
    pub format_version: u64,
    /// The org's id.
    pub org_id: String,
    /// Tells states of one org apart that began anew.
    pub lineage: String,
    /// The last entry of the log that it holds.
    pub serial: u64,
    /// The number of the next intent.
    #[serde(default)]
    pub next_intent: u64,
}

/// A whole base.
#[derive(Clone, Debug, Deserialize)]
pub struct Base {
    /// The format version.
    pub format_version: u64,
    /// The org's id.
    pub org_id: String,
    /// Tells states of one org apart that began anew.
    pub lineage: String,
    /// The last entry of the log that it holds.
    pub serial: u64,
    /// The number of the next intent.
    #[serde(default)]
    pub next_intent: u64,
    /// All records.
    pub resources: BTreeMap<Address, Record>,
    /// Calls of which it is not known yet what became of them.
    #[serde(default)]
    pub open: Vec<Intent>,
}

impl Base {
    /// What stands in header.
    pub fn header(&self) -> Header {
        Header {
            format_version: self.format_version,
            org_id: self.org_id.clone(),
            lineage: self.lineage.clone(),
            serial: self.serial,
            next_intent: self.next_intent,
        }
    }
}

/// Reads the header of a base from its beginning; `None` where there is none.
pub fn read_header(beginning: &[u8]) -> Option<Header> {
    let text = &beginning[..beginning.len().min(HEADER_BYTES)];
    let end = find(text, b"\"resources\"")?;
    let mut header = text[..end].to_vec();
    while header.last().is_some_and(|last| last.is_ascii_whitespace() || *last == b',') {
        header.pop();
    }
    header.push(b'}');
    serde_json::from_slice(&header).ok()
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// Whether a base's checksum fits its content; a base of format 1 has none.
pub fn is_whole(bytes: &[u8]) -> bool {
    let Some(end) = bytes.windows(SUM.len()).rposition(|window| window == SUM.as_bytes()) else {
        return read_header(bytes).is_some_and(|header| header.format_version < 2);
    };
    let (content, rest) = bytes.split_at(end);
    let told = rest.get(SUM.len()..).and_then(|rest| rest.strip_suffix(b"\"\n}\n"));
    told == Some(blake3::hash(content).to_hex().as_bytes())
}

/// Writes a base.
///
/// # Errors
/// When it can't be written, or a record can't be read.
pub fn write(
    to: &mut impl Write,
    header: &Header,
    open: &[Intent],
    records: impl Iterator<Item = Result<(Address, Record), StateError>>,
    failed: impl Fn(std::io::Error) -> StateError,
) -> Result<(), StateError> {
    let mut writer = Summed { to, hasher: blake3::Hasher::new() };
    let text = |value: &str| serde_json::to_string(value).unwrap_or_default();
    let Header { format_version, org_id, lineage, serial, next_intent } = header;
    write!(
        writer,
        "{{\n  \"format_version\": {format_version},\n  \"org_id\": {},\n  \"lineage\": {},\n  \"serial\": {serial},\n  \"next_intent\": {next_intent},\n  \"resources\": {{",
        text(org_id),
        text(lineage),
    )
    .map_err(&failed)?;
    let mut separator = "\n";
    for record in records {
        let (address, record) = record?;
        // A record is made of texts, flags and lists: it always encodes.
        let record = serde_json::to_string(&record).unwrap_or_default();
        write!(writer, "{separator}    {}: {record}", text(&address.text())).map_err(&failed)?;
        separator = ",\n";
    }
    write!(writer, "\n  }},\n  \"open\": [").map_err(&failed)?;
    let mut separator = "\n";
    for intent in open {
        let intent = serde_json::to_string(intent).unwrap_or_default();
        write!(writer, "{separator}    {intent}").map_err(&failed)?;
        separator = ",\n";
    }
    write!(writer, "\n  ]").map_err(&failed)?;
    let sum = writer.hasher.finalize().to_hex();
    write!(writer.to, "{SUM}{sum}\"\n}}\n").map_err(&failed)
}

/// Adds up what is written.
struct Summed<'a, W> {
    to: &'a mut W,
    hasher: blake3::Hasher,
}

impl<W: Write> Write for Summed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::Base;
    use super::Header;
    use super::is_whole;
    use super::read_header;
    use super::write;
    use crate::model::Address;
    use crate::model::Ownership;
    use crate::model::Record;
    use crate::state::StateError;

    #[test]
    fn a_base_survives_and_any_other_byte_is_seen() {
        let header = Header {
            format_version: 2,
            org_id: "00D".to_owned(),
            lineage: "L".to_owned(),
            serial: 9,
            next_intent: 4,
        };
        let record = || (Address::new("user", "a@b.example"), Record::new(Ownership::Created));
        let mut bytes = Vec::new();
        let failed = |error| panic!("{error}");
        let records = std::iter::once(Ok::<_, StateError>(record()));
        write(&mut bytes, &header, &[], records, failed).expect("is written");
        assert!(is_whole(&bytes));
        assert_eq!(read_header(&bytes), Some(header.clone()));
        let base: Base = serde_json::from_slice(&bytes).expect("a base");
        assert_eq!((base.header(), base.resources.len()), (header, 1));
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            assert!(!is_whole(&damaged), "byte {place}");
        }
    }
}
