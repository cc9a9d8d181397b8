//! Small readers and makers of elements, which the documents share.

use crate::local_org::error::ApiError;
use crate::local_org::xml::Node;

/// Whether an element says true.
pub fn is_true(node: &Node, name: &str) -> bool {
    node.child(name).is_some_and(|child| child.text.trim() == "true")
}

/// The text of an element.
pub fn text<'a>(node: &'a Node, name: &str) -> Option<&'a str> {
    node.child(name).map(|child| child.text.trim())
}

/// An element that says true or false.
pub fn flag(name: &str, on: bool) -> Node {
    Node::text(name, if on { "true" } else { "false" })
}

/// The refusal of a document that is about what is not there.
pub fn no_such(kind: &str, name: &str) -> ApiError {
    ApiError::new(
        "INVALID_CROSS_REFERENCE_KEY",
        format!("In field: fullName - no {kind} named {name} found"),
    )
}

/// A document, its elements in the order of the WSDL: that of their names.
pub fn whole(full_name: &str, mut children: Vec<Node>) -> Node {
    children.sort_by(|left, right| left.name.cmp(&right.name));
    children.insert(0, Node::text("fullName", full_name));
    Node::parent("records", children)
}
