//! A metadata document as a neutral tree: what XML carries, without XML.

use serde::Deserialize;
use serde::Serialize;

/// An element of a metadata document: either text or children.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Element {
    /// Its name, without namespace.
    pub name: String,
    /// Its text; empty when it has children.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Its children, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Element>,
}

impl Element {
    /// An element with text.
    pub fn text(name: &str, text: impl Into<String>) -> Self {
        Self { name: name.to_owned(), text: text.into(), children: Vec::new() }
    }

    /// An element with children.
    pub fn parent(name: &str, children: Vec<Element>) -> Self {
        Self { name: name.to_owned(), text: String::new(), children }
    }

    /// The text of the first child of that name.
    pub fn child_text(&self, name: &str) -> Option<&str> {
        self.children.iter().find(|child| child.name == name).map(|child| child.text.as_str())
    }

    /// Whether the first child of that name says `true`. Absent is false.
    pub fn child_is_true(&self, name: &str) -> bool {
        self.child_text(name) == Some("true")
    }

    /// The children of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }
}
