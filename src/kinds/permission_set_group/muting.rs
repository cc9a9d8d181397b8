//! What a group mutes: a muting permission set, a document of its own that looks
//! like a permission set's and means the reverse (Metadata API Developer Guide,
//! `MutingPermissionSet`).
//!
//! Its attributes are a set's, under `muting.`.

use crate::kinds::access_path::AccessPath;
use crate::kinds::access_path::FieldLevel;
use crate::kinds::access_path::muted;
use crate::kinds::access_path::muting;
use crate::kinds::permission_set::document;
use crate::model::Attributes;
use crate::model::Element;
use crate::model::Observed;
use crate::model::Value;

/// The name of the group's muting set.
pub const NAME: &str = "muting_permission_set";
/// Its label, which is nobody's wish.
pub const LABEL: &str = "muting_label";
const ENDING: &str = "_Muting";
/// The most characters of an API name.
const LONGEST: usize = 80;

/// What is muted, as a set's attributes.
pub fn of(attributes: &Attributes) -> Attributes {
    let mut said = Attributes::new();
    for (path, value) in attributes.iter() {
        if let Some(path) = muted(path) {
            said.set(path.to_owned(), value.clone());
        }
    }
    said
}

/// Adds what is muted to a group's attributes.
pub fn put(said: &Attributes, into: &mut Attributes) {
    for (path, value) in said.iter() {
        into.set(muting(path), value.clone());
    }
}

/// A group's observed attributes, cut to what can be compared with `wanted`: a
/// muting set too may show what some permissions only stand for.
pub fn comparable(observed: &Attributes, wanted: &Attributes) -> Attributes {
    let mut comparable = observed.clone();
    comparable.remove(LABEL);
    comparable.retain(|path, _| muted(path).is_none());
    put(&document::comparable(&of(observed), &of(wanted)), &mut comparable);
    comparable
}

/// The name of a new muting set.
pub fn name_for(group: &str) -> String {
    let kept: String = group.chars().take(LONGEST - ENDING.len()).collect();
    format!("{}{ENDING}", kept.trim_end_matches('_'))
}

/// Whether an element says what is modelled here.
fn is_modelled(name: &str) -> bool {
    matches!(
        name,
        "fullName" | "label" | "userPermissions" | "objectPermissions" | "fieldPermissions"
    )
}

/// What a muting set's document says.
pub fn observe(element: &Element) -> Observed {
    let mut observed = Observed::default();
    let mut muted = Attributes::new();
    let said = document::observe(element);
    for (path, value) in said.attributes.iter() {
        if path == "system_permissions" || AccessPath::object_of(path).is_some() {
            muted.set(path.to_owned(), value.clone());
        }
    }
    // To mute reading mutes editing, whatever the document says of that.
    document::observe_fields(element, ["readable", "editable"], &mut muted);
    put(&muted, &mut observed.attributes);
    let label = element.child_text("label").map(|label| Value::Text(label.to_owned()));
    observed.attributes.set_some(LABEL, label);
    observed.carried =
        element.children.iter().filter(|child| !is_modelled(&child.name)).cloned().collect();
    observed
}

/// The whole document.
pub fn body(
    label: &str,
    after: &Attributes,
    before: Option<&Attributes>,
    carried: &[Element],
) -> Vec<Element> {
    let mut muted = of(after);
    muted.set("label", Value::Text(label.to_owned()));
    let mut body = document::body(&muted, before.map(of).as_ref(), carried);
    for permission in body.iter_mut().filter(|element| element.name == "fieldPermissions") {
        let path = permission.child_text("field").and_then(|field| field.split_once('.'));
        let only_edit = path.is_some_and(|(object, field)| {
            let path = AccessPath::Fields(object, FieldLevel::Edit).to_string();
            muted.names(&path).any(|name| name == field)
        });
        if only_edit {
            let readable = permission.children.iter_mut().filter(|child| child.name == "readable");
            readable.for_each(|child| "false".clone_into(&mut child.text));
        } else if permission.child_is_true("readable") {
            let editable = permission.children.iter_mut().filter(|child| child.name == "editable");
            editable.for_each(|child| "true".clone_into(&mut child.text));
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_muted_reads_as_it_was_written() {
        let mut after = Attributes::new();
        let mut muted = Attributes::new();
        muted.set("system_permissions", Value::set(["ExportReport"]));
        muted.set("objects.Contact", Value::set(["delete"]));
        muted.set("fields.Contact.edit", Value::set(["Phone"]));
        muted.set("fields.Contact.read", Value::set(["Email"]));
        put(&muted, &mut after);
        let body = body("Muted", &after, None, &[]);
        let document = Element::parent("records", body);
        let mut seen = observe(&document).attributes;
        seen.remove(LABEL);
        assert_eq!(seen, after);
    }

    #[test]
    fn the_name_of_a_muting_set_is_never_too_long() {
        assert_eq!(name_for("Sales"), "Sales_Muting");
        let long = "A_".repeat(40);
        assert!(name_for(&long).len() <= LONGEST);
        assert!(!name_for(&long).contains("__"));
    }
}
