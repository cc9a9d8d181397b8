//! XML as the local org reads and writes it: names without prefixes, text,
//! children.

use quick_xml::Writer;
use quick_xml::events::BytesEnd;
use quick_xml::events::BytesStart;
use quick_xml::events::BytesText;
use quick_xml::events::Event;

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Its local name.
    pub name: String,
    /// Its own text.
    pub text: String,
    /// Its children.
    pub children: Vec<Node>,
    /// `xsi:type`, without prefix.
    pub xsi_type: Option<String>,
}

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

    /// Reads a document.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document = roxmltree::Document::parse(text).map_err(|error| error.to_string())?;
        Self::read(document.root_element(), 0)
    }

    fn read(element: roxmltree::Node<'_, '_>, depth: usize) -> Result<Self, String> {
        if depth > DEEPEST {
            return Err("the document is nested too deeply".to_owned());
        }
        let xsi_type = element
            .attribute((XSI, "type"))
            .map(|name| name.rsplit(':').next().unwrap_or(name).to_owned());
        let mut node =
            Self { name: element.tag_name().name().to_owned(), xsi_type, ..Self::default() };
        for child in element.children() {
            if child.is_element() {
                node.children.push(Self::read(child, depth + 1)?);
            } else if let Some(text) = child.text().filter(|_| child.is_text()) {
                node.text.push_str(text);
            }
        }
        Ok(node)
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
