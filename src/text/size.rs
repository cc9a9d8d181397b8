//! How many values a text holds, counted before it becomes a tree: a tree takes many times
//! the bytes of its text, and a text of many small values most. Imports nothing.

/// A tag has a name and a few attributes; a long one takes more than linear time to read.
pub const LONGEST_TAG: usize = 4096;

/// Whether a JSON text has no more than so many values.
pub fn has_json_values(text: &str, most: usize) -> bool {
    // A value takes two bytes with what separates it from the next.
    text.len() / 2 <= most || json_values(text) <= most
}

/// The values of a JSON text, or some more.
fn json_values(text: &str) -> usize {
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

/// The elements and attributes of an XML text, or some more; `None` where a tag is longer
/// than any is.
pub fn xml_values(text: &str) -> Option<usize> {
    let mut values = 0;
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
                return None;
            }
            values += tag.bytes().filter(|byte| *byte == b'=').count();
            end
        };
        values += 1;
        rest = &rest[end.unwrap_or(rest.len())..];
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::has_json_values;
    use super::xml_values;

    #[test]
    fn values_are_counted_outside_texts_only() {
        assert!(has_json_values("[0,0,0,0,0,0,0]", 8));
        let text = format!("[\"{}\",0,\"\\\",,,,\"]", ",".repeat(99));
        assert!(has_json_values(&text, 8));
        assert!(!has_json_values(&"[".repeat(99), 8));
        assert!(!has_json_values("[{},{},{},{},{},{},{}]", 8));
    }

    #[test]
    fn elements_attributes_and_long_tags_are_counted() {
        assert_eq!(xml_values("<a><b x='1'/></a>"), Some(4));
        assert_eq!(xml_values("<a><!-- <<<<<<<< ==== --></a>"), Some(3));
        assert_eq!(xml_values(&format!("<a {}/>", " x=''".repeat(999))), None);
        assert_eq!(xml_values(&"<".repeat(9)), Some(1), "an end that never comes");
    }
}
