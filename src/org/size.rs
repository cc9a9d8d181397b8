//! How large an answer may be, held before it is read: a tree of values takes many times
//! the bytes of its text. Imports how texts are measured.

use crate::text::size;
use crate::text::size::OddXml;

/// As much as an answer may have that is not what its call's contract says: Salesforce's
/// reasons, or a page of something on the way.
const MOST_OF_AN_ERROR: usize = 1 << 20;

/// How many bytes of an answer are read, before anybody knows what is in them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bound {
    /// The status of what is asked for.
    pub status: u16,
    /// So many bytes, unzipped, where it has that status; far fewer otherwise.
    pub bytes: usize,
}

impl Bound {
    /// As many bytes as an answer of this status may have.
    pub fn of(self, status: u16) -> usize {
        if status == self.status { self.bytes } else { MOST_OF_AN_ERROR.min(self.bytes) }
    }
}

/// How large an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Bytes, unzipped.
    pub bytes: usize,
    /// Values of JSON, or elements and attributes of XML.
    pub values: usize,
}

/// What an answer has too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// More bytes than this.
    #[error("more than {}", of_bytes(*.0))]
    Bytes(usize),
    /// More values than this.
    #[error("more than {0} values")]
    Values(usize),
    /// A form that no envelope has.
    #[error("{0}")]
    Odd(OddXml),
    /// More pages than the rows that it has can fill.
    #[error("more pages than its {0} rows fill")]
    Pages(u64),
    /// More rows than it says that there are, or than any answer has.
    #[error("more than {0} rows")]
    Rows(u64),
}

fn of_bytes(bytes: usize) -> String {
    match (bytes >> 20, bytes >> 10) {
        (0, 0) => format!("{bytes} bytes"),
        (0, kib) => format!("{kib} KiB"),
        (mib, _) => format!("{mib} MiB"),
    }
}

impl Size {
    /// So many MiB and values.
    pub const fn new(mib: usize, values: usize) -> Self {
        Self { bytes: mib << 20, values }
    }

    /// Whether a JSON text has no more values.
    ///
    /// # Errors
    /// When it has more.
    pub fn holds_json(&self, text: &str) -> Result<(), TooLarge> {
        if size::has_json_values(text, self.values) {
            return Ok(());
        }
        Err(TooLarge::Values(self.values))
    }

    /// Whether an XML text has no more elements and attributes, and is of a form that is
    /// read.
    ///
    /// # Errors
    /// When it has.
    pub fn holds_xml(&self, text: &str) -> Result<(), TooLarge> {
        let found = size::xml_values(text).map_err(TooLarge::Odd)?;
        if found > self.values { Err(TooLarge::Values(self.values)) } else { Ok(()) }
    }
}

/// More rows than any question of ours has: they are about users, sets and what is
/// assigned of them.
pub const MOST_ROWS: u64 = 5_000_000;

/// More rows than are kept of a question whose answer is held whole.
pub const MOST_KEPT: u64 = 20_000;

/// As many pages as rows can fill: Salesforce's pages have 2,000 rows, and not below 200
/// where rows are wide (SOQL and SOSL Reference, "Change the Batch Size in Queries"); a
/// few that are shorter are borne.
pub const fn most_pages(rows: u64) -> u64 {
    10 + rows / 100
}

#[cfg(test)]
mod tests {
    use super::most_pages;

    #[test]
    fn pages_follow_the_rows() {
        assert_eq!((most_pages(0), most_pages(2_000), most_pages(1_000_000)), (10, 30, 10_010));
    }
}
