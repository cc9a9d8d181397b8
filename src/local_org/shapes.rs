//! Which elements a metadata document may have, and of which types, from the
//! shipped table: what a deploy or a call answers when a file has another.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::schema::is_with_view_all_fields;
use super::xml::Node;

const TABLE: &str = include_str!("../data/metadata_shapes.tsv");

/// The namespace of metadata.
pub const METADATA: &str = "http://soap.sforce.com/2006/04/metadata";

struct Element {
    kind: &'static str,
    is_required: bool,
}

type Shapes = HashMap<&'static str, Vec<(&'static str, Element)>>;

fn shapes() -> &'static Shapes {
    static PARSED: OnceLock<Shapes> = OnceLock::new();
    PARSED.get_or_init(|| {
        let mut shapes = Shapes::new();
        let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        for line in lines {
            let mut parts = line.split('\t');
            let (Some(owner), Some(name), Some(kind)) = (parts.next(), parts.next(), parts.next())
            else {
                continue;
            };
            let element = Element { kind, is_required: parts.next() == Some("1") };
            shapes.entry(owner).or_default().push((name, element));
        }
        shapes
    })
}

/// What is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// In the words of the platform, where they are known.
    pub message: String,
    /// Line and column.
    pub place: (u32, u32),
}

/// Checks a document of a type against the elements that its version has.
///
/// # Errors
/// The first element that does not belong there, is no value of its type, or
/// is missing.
pub fn check(document: &Node, metadata_type: &str, version: &str) -> Result<(), Misfit> {
    let Some(shape) = shapes().get(metadata_type) else { return Ok(()) };
    for child in &document.children {
        let element = shape.iter().find(|(name, _)| *name == child.name);
        let is_too_young = child.name == "viewAllFields" && !is_with_view_all_fields(version);
        let Some((_, element)) = element.filter(|_| !is_too_young) else {
            let message = format!(
                "Element {{{METADATA}}}{} invalid at this location in type {metadata_type}",
                child.name
            );
            return Err(Misfit { message, place: child.place });
        };
        check_value(child, element.kind, version)?;
    }
    let is_there = |name: &str| document.children.iter().any(|child| child.name == name);
    // A document's own label is asked for with a message of its own.
    let is_own = |name: &str| matches!(name, "label" | "fullName");
    let missing = shape
        .iter()
        .find(|(name, element)| element.is_required && !is_own(name) && !is_there(name));
    match missing {
        Some((name, _)) => Err(Misfit {
            message: format!("Required field is missing: {name}"),
            place: document.place,
        }),
        None => Ok(()),
    }
}

fn check_value(node: &Node, kind: &str, version: &str) -> Result<(), Misfit> {
    let text = node.text.trim();
    let fits = match kind {
        "boolean" => matches!(text, "true" | "false"),
        "int" => text.parse::<i32>().is_ok(),
        "string" => true,
        list if list.starts_with('=') => list[1..].split('|').any(|value| value == text),
        complex => return check(node, complex, version),
    };
    if fits {
        return Ok(());
    }
    let kind = if kind.starts_with('=') { "enum" } else { kind };
    let message = format!("'{text}' is not a valid value for the {kind} {}", node.name);
    Err(Misfit { message, place: node.place })
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::local_org::xml::Node;

    fn refusal(text: &str, version: &str) -> String {
        let document = Node::parse(text).expect("a document");
        check(&document, "PermissionSet", version).expect_err("does not fit").message
    }

    const OPEN: &str = "<PermissionSet><label>A</label><objectPermissions><allowCreate>false</allowCreate><allowDelete>false</allowDelete><allowEdit>false</allowEdit><allowRead>true</allowRead><modifyAllRecords>false</modifyAllRecords><object>Lead</object><viewAllFields>true</viewAllFields><viewAllRecords>false</viewAllRecords></objectPermissions></PermissionSet>";

    #[test]
    fn view_all_fields_belongs_to_63_and_later_only() {
        check(&Node::parse(OPEN).expect("a document"), "PermissionSet", "63.0").expect("fits");
        assert_eq!(
            refusal(OPEN, "62.0"),
            "Element {http://soap.sforce.com/2006/04/metadata}viewAllFields invalid at this location in type PermissionSetObjectPermissions"
        );
    }

    #[test]
    fn what_is_no_element_or_no_value_is_named() {
        assert_eq!(
            refusal("<PermissionSet><loginHours/></PermissionSet>", "66.0"),
            "Element {http://soap.sforce.com/2006/04/metadata}loginHours invalid at this location in type PermissionSet"
        );
        assert_eq!(
            refusal(
                "<PermissionSet><hasActivationRequired>maybe</hasActivationRequired></PermissionSet>",
                "66.0"
            ),
            "'maybe' is not a valid value for the boolean hasActivationRequired"
        );
        assert_eq!(
            refusal(
                "<PermissionSet><userPermissions><name>X</name></userPermissions></PermissionSet>",
                "66.0"
            ),
            "Required field is missing: enabled"
        );
    }
}
