//! How many values a text holds, counted before it becomes a tree: a tree takes many times
//! the bytes of its text, and a text of many small values most. Imports nothing.

/// A tag has a name and a few attributes; a long one takes more than linear time to read.
pub const LONGEST_TAG: usize = 4096;
/// Each name with a prefix is looked for in all namespaces that are in scope.
const MOST_NAMESPACES: usize = 100;
/// Elements stand in each other no deeper.
const DEEPEST: usize = 256;

/// Why an XML text is not read: it is of a form that no answer and no file has, and that
/// takes more than linear time or memory to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OddXml {
    /// A tag that goes on and on.
    #[error("a tag of more than {LONGEST_TAG} bytes")]
    LongTag,
    /// Namespaces without end.
    #[error("more than {MOST_NAMESPACES} namespaces")]
    Namespaces,
    /// Elements in elements without end.
    #[error("elements that stand more than {DEEPEST} deep in each other")]
    Depth,
    /// A document type or an instruction, which nothing documents.
    #[error("a document type or a processing instruction")]
    Instruction,
}

/// Whether a JSON text has no more than so many values.
pub fn has_json_values(text: &str, most: usize) -> bool {
    // No byte counts as more than four.
    text.len() <= most / 4 || json_values(text) <= most
}

/// The values of a JSON text, or some more. A list and an object with something in them
/// take as much as several values do: they have room for more.
fn json_values(text: &str) -> usize {
    let mut is_in_text = false;
    let mut is_escaped = false;
    let mut values = 1;
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_in_text => is_escaped = true,
            b'"' => is_in_text = !is_in_text,
            // A key takes as much as a value.
            b',' | b':' if !is_in_text => values += 1,
            b'[' if !is_in_text => values += 4,
            b'{' if !is_in_text => values += 6,
            _ => {}
        }
    }
    values
}

/// The elements and attributes of an XML text, or some more. What begins and does not end
/// is not counted: no parser goes on behind it.
///
/// # Errors
/// When it is of a form that is not read.
pub fn xml_values(text: &str) -> Result<usize, OddXml> {
    let (mut values, mut namespaces, mut depth) = (0, 0, 0_usize);
    let mut rest = text;
    let mut is_first = true;
    while let Some(start) = rest.find('<') {
        rest = &rest[start..];
        let length = if let Some(comment) = rest.strip_prefix("<!--") {
            // `<!-->` begins one and does not end it.
            comment.find("-->").map(|end| end + 7)
        } else if rest.starts_with("<![CDATA[") {
            rest.find("]]>").map(|end| end + 3)
        } else if rest.starts_with("<?xml ") && is_first {
            rest.find("?>").map(|end| end + 2)
        } else if rest.starts_with("<?") || rest.starts_with("<!") {
            return Err(OddXml::Instruction);
        } else if let Some(tag) = tag(rest)? {
            values += 1 + tag.matches('=').count();
            namespaces += tag.matches("xmlns").count();
            match (tag.starts_with("</"), tag.ends_with("/>")) {
                (true, _) => depth = depth.saturating_sub(1),
                (false, true) => {}
                (false, false) => depth += 1,
            }
            if namespaces > MOST_NAMESPACES {
                return Err(OddXml::Namespaces);
            }
            if depth > DEEPEST {
                return Err(OddXml::Depth);
            }
            Some(tag.len())
        } else {
            None
        };
        is_first = false;
        let Some(length) = length else { break };
        rest = &rest[length..];
    }
    Ok(values)
}

/// The tag with which a text begins, if it ends. What stands in quotes does not end it.
fn tag(text: &str) -> Result<Option<&str>, OddXml> {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        if at > LONGEST_TAG {
            return Err(OddXml::LongTag);
        }
        match (quote, byte) {
            (Some(open), byte) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'>') => return Ok(Some(&text[..=at])),
            (None, _) => {}
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::OddXml;
    use super::has_json_values;
    use super::xml_values;

    #[test]
    fn values_are_counted_outside_texts_only() {
        assert!(has_json_values("[0,0,0,0,0,0,0]", 11));
        let text = format!("[\"{}\",0,\"\\\",,,,\"]", ",".repeat(99));
        assert!(has_json_values(&text, 8));
        assert!(!has_json_values(&"[".repeat(99), 8));
        assert!(!has_json_values("[{},{},{},{},{},{},{}]", 20));
    }

    #[test]
    fn elements_and_attributes_are_counted_wherever_they_hide() {
        for (text, values) in [
            ("<?xml version='1.0'?><a><b x='1'/></a>", Ok(4)),
            ("<a><!-- <<<<<<<< ==== --><![CDATA[<<]]></a>", Ok(2)),
            ("<a z='>' b='' c=''/>", Ok(4)),
            ("<a><!--> <![CDATA[ --><b/></a>", Ok(3)),
            ("<a><?p > <!-- ?><b/></a>", Err(OddXml::Instruction)),
            ("<!DOCTYPE a><a/>", Err(OddXml::Instruction)),
            ("<a", Ok(0)),
            ("<a><!-- <b/>", Ok(1)),
        ] {
            assert_eq!(xml_values(text), values, "{text}");
        }
        let many = |part: &str| part.repeat(999);
        assert_eq!(xml_values(&format!("<a {}/>", many(" x=''"))), Err(OddXml::LongTag));
        assert_eq!(xml_values(&format!("<a z='>' {}/>", many(" x=''"))), Err(OddXml::LongTag));
        assert_eq!(xml_values(&many("<a xmlns:b='c'/>")), Err(OddXml::Namespaces));
        assert_eq!(xml_values(&many("<a>")), Err(OddXml::Depth));
    }
}
