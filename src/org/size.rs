//! How large an answer may be, held before it is read: a tree of values takes many times
//! the bytes of its text. Imports nothing.

/// As much as an answer may have that is not what its call's contract says: Salesforce's
/// reasons, or a page of something on the way.
const MOST_OF_AN_ERROR: usize = 1 << 20;

/// A tag of an envelope has a name and a few attributes.
const LONGEST_TAG: usize = 4096;

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
    /// A tag that no envelope has.
    #[error("a tag of more than {LONGEST_TAG} bytes")]
    Tag,
    /// More pages than the rows that it has can fill.
    #[error("more pages than its {0} rows fill")]
    Pages(u64),
    /// More rows than it says that there are.
    #[error("more rows than the {0} that it says there are")]
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
        // A value takes two bytes with what separates it from the next.
        if text.len() / 2 <= self.values || values_of_json(text) <= self.values {
            return Ok(());
        }
        Err(TooLarge::Values(self.values))
    }

    /// Whether an XML text has no more elements and attributes, and no tag that takes
    /// long to read.
    ///
    /// # Errors
    /// When it has.
    pub fn holds_xml(&self, text: &str) -> Result<(), TooLarge> {
        let mut found = 0;
        let mut rest = text;
        while let Some(start) = rest.find('<') {
            rest = &rest[start..];
            let end = if rest.starts_with("<!--") {
                rest.find("-->")
            } else if rest.starts_with("<![CDATA[") {
                rest.find("]]>")
            } else {
                let end = rest.find('>');
                let tag = &rest[..end.unwrap_or(rest.len())];
                if tag.len() > LONGEST_TAG {
                    return Err(TooLarge::Tag);
                }
                found += tag.bytes().filter(|byte| *byte == b'=').count();
                end
            };
            found += 1;
            rest = &rest[end.unwrap_or(rest.len())..];
        }
        if found > self.values { Err(TooLarge::Values(self.values)) } else { Ok(()) }
    }
}

/// The values of a JSON text, or some more.
fn values_of_json(text: &str) -> usize {
    let mut is_in_text = false;
    let mut is_escaped = false;
    let mut values = 1;
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_in_text => is_escaped = true,
            b'"' => is_in_text = !is_in_text,
            b',' | b'[' | b'{' if !is_in_text => values += 1,
            _ => {}
        }
    }
    values
}

/// As many pages as rows can fill: Salesforce's pages have 2,000 rows, and not below 200
/// where rows are wide (SOQL and SOSL Reference, "Change the Batch Size in Queries"); a
/// few that are shorter are borne.
pub const fn most_pages(rows: u64) -> u64 {
    10 + rows / 100
}

#[cfg(test)]
mod tests {
    use super::Size;
    use super::TooLarge;
    use super::most_pages;

    #[test]
    fn values_are_counted_outside_texts_only() {
        let size = Size { bytes: 0, values: 8 };
        assert_eq!(size.holds_json("[0,0,0,0,0,0,0]"), Ok(()));
        let text = format!("[\"{}\",0,\"\\\",,,,\"]", ",".repeat(99));
        assert_eq!(size.holds_json(&text), Ok(()));
        assert_eq!(size.holds_json(&"[".repeat(99)), Err(TooLarge::Values(8)));
        assert_eq!(size.holds_json("[{},{},{},{},{},{},{}]"), Err(TooLarge::Values(8)));
    }

    #[test]
    fn elements_attributes_and_long_tags_are_counted() {
        let size = Size { bytes: 0, values: 4 };
        assert_eq!(size.holds_xml("<a><b x='1'/></a>"), Ok(()));
        assert_eq!(size.holds_xml("<a><!-- <<<<<<<< ==== --></a>"), Ok(()));
        assert_eq!(size.holds_xml("<a><b/><b/><b/></a>"), Err(TooLarge::Values(4)));
        assert_eq!(size.holds_xml(&format!("<a {}/>", " x=''".repeat(999))), Err(TooLarge::Tag));
        assert_eq!(size.holds_xml(&"<".repeat(9)), Ok(()), "an end that never comes");
    }

    #[test]
    fn pages_follow_the_rows() {
        assert_eq!((most_pages(0), most_pages(2_000), most_pages(1_000_000)), (10, 30, 10_010));
    }
}
