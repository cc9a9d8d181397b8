//! XML as the local org reads and writes it: names without prefixes, text,
//! children, and where an element stood.

use quick_xml::Writer;
use quick_xml::events::BytesEnd;
use quick_xml::events::BytesStart;
use quick_xml::events::BytesText;
use quick_xml::events::Event;
use serde_json::Value as Json;

use crate::text::size::xml_values;

/// An element. One is like another whatever their places.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// Its local name.
    pub name: String,
    /// Its own text.
    pub text: String,
    /// Its children.
    pub children: Vec<Node>,
    /// `xsi:type`, without prefix.
    pub xsi_type: Option<String>,
    /// Line and column where it begins, in what was read; 0 in what was made.
    pub place: (u32, u32),
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.text == other.text
            && self.xsi_type == other.xsi_type
            && self.children == other.children
    }
}

/// A text that is no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoDocument {
    /// What is wrong with it.
    pub message: String,
    /// Line and column.
    pub place: (u32, u32),
}

/// What metadata files begin with.
pub const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// More than any file of access has.
const MOST_VALUES: usize = 1_000_000;
/// Deeper nesting than any document of access has.
const DEEPEST: usize = 64;
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

impl Node {
    /// An element with text.
    pub fn text(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: text.to_owned(), ..Self::default() }
    }

    /// An element with children.
    pub fn parent(name: &str, children: Vec<Node>) -> Self {
        Self { name: name.to_owned(), children, ..Self::default() }
    }

    /// The first child of a name, in any case.
    pub fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|child| child.name.eq_ignore_ascii_case(name))
    }

    /// The children of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> {
        self.children.iter().filter(move |child| child.name.eq_ignore_ascii_case(name))
    }

    /// The elements of a value: a list is repeated, what is null is left out,
    /// an object's keys are children in their order.
    pub fn of_json(name: &str, value: &Json) -> Vec<Self> {
        match value {
            Json::Null => Vec::new(),
            Json::Array(items) => items.iter().flat_map(|item| Self::of_json(name, item)).collect(),
            Json::Object(fields) => vec![Self::parent(
                name,
                fields.iter().flat_map(|(name, value)| Self::of_json(name, value)).collect(),
            )],
            Json::String(text) => vec![Self::text(name, text)],
            other => vec![Self::text(name, &other.to_string())],
        }
    }

    /// Reads a document.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, NoDocument> {
        let odd = |message: String| NoDocument { message, place: (1, 1) };
        let values = xml_values(text).map_err(|error| odd(format!("the document has {error}")))?;
        if values > MOST_VALUES {
            return Err(odd(format!(
                "the document has more than {MOST_VALUES} elements and attributes"
            )));
        }
        let document = roxmltree::Document::parse(text).map_err(|error| {
            let place = error.pos();
            NoDocument { message: error.to_string(), place: (place.row, place.col) }
        })?;
        // Elements come in the order of the text, so that lines are counted once.
        let mut lines = Lines { text, at: 0, line: 1, column: 1 };
        Self::read(document.root_element(), 0, &mut lines)
    }

    fn read(
        element: roxmltree::Node<'_, '_>,
        depth: usize,
        lines: &mut Lines<'_>,
    ) -> Result<Self, NoDocument> {
        let place = lines.place(element.range().start);
        if depth > DEEPEST {
            let message = "the document is nested too deeply".to_owned();
            return Err(NoDocument { message, place });
        }
        let xsi_type = element
            .attribute((XSI, "type"))
            .map(|name| name.rsplit(':').next().unwrap_or(name).to_owned());
        let mut node =
            Self { name: element.tag_name().name().to_owned(), xsi_type, place, ..Self::default() };
        for child in element.children() {
            if child.is_element() {
                node.children.push(Self::read(child, depth + 1, lines)?);
            } else if let Some(text) = child.text().filter(|_| child.is_text()) {
                node.text.push_str(text);
            }
        }
        Ok(node)
    }

    /// The document as a metadata file has it: its element in the namespace,
    /// four spaces a level.
    pub fn to_file(&self, namespace: &str) -> String {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 4);
        let mut start = BytesStart::new(self.name.as_str());
        start.push_attribute(("xmlns", namespace));
        // Writing to memory does not fail.
        let _ = writer.write_event(Event::Start(start));
        for child in &self.children {
            let _ = child.write(&mut writer);
        }
        let _ = writer.write_event(Event::End(BytesEnd::new(self.name.as_str())));
        let text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
        format!("{DECLARATION}\n{text}\n")
    }

    /// Writes it.
    pub fn write(&self, into: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
        let mut start = BytesStart::new(self.name.as_str());
        if let Some(name) = &self.xsi_type {
            if name == "nil" {
                start.push_attribute(("xsi:nil", "true"));
            } else {
                start.push_attribute(("xsi:type", name.as_str()));
            }
        }
        into.write_event(Event::Start(start))?;
        if !self.text.is_empty() {
            into.write_event(Event::Text(BytesText::new(&self.text)))?;
        }
        for child in &self.children {
            child.write(into)?;
        }
        into.write_event(Event::End(BytesEnd::new(self.name.as_str())))
    }
}

/// Turns offsets that only grow into lines and columns.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    column: u32,
}

impl Lines<'_> {
    fn place(&mut self, offset: usize) -> (u32, u32) {
        for character in self.text.get(self.at..offset).unwrap_or_default().chars() {
            if character == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.at = offset;
        (self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::Node;

    #[test]
    fn a_file_has_four_spaces_a_level_and_escapes_what_it_must() {
        let set = Node::parent(
            "PermissionSet",
            vec![
                Node::text("label", "A & B"),
                Node::parent("userPermissions", vec![Node::text("enabled", "true")]),
            ],
        );
        assert_eq!(
            set.to_file("urn:x"),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PermissionSet xmlns=\"urn:x\">\n    <label>A &amp; B</label>\n    <userPermissions>\n        <enabled>true</enabled>\n    </userPermissions>\n</PermissionSet>\n"
        );
    }

    #[test]
    fn an_element_knows_its_line_and_column() {
        let read = Node::parse("<a>\n  <b/>\n  <c><d/></c>\n</a>").expect("a document");
        assert_eq!(read.children[1].children[0].place, (3, 6));
    }
}
