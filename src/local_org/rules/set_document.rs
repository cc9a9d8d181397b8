//! A permission set as a document: replaced as a whole (Metadata API Developer
//! Guide, `PermissionSet`).

use super::Org;
use super::contents::content_nodes;
use super::contents::granted;
use super::contents::read_contents;
use super::contents::store_contents;
use super::contents::stored_contents;
use super::groups;
use super::nodes::flag;
use super::nodes::no_such;
use super::nodes::text;
use super::nodes::whole;
use super::prerequisites;
use super::sections;
use super::sets;
use crate::local_org::error::ApiError;
use crate::local_org::xml::Node;

/// Creates a set or replaces it with what a document says; whether it was made.
///
/// # Errors
/// As the document is refused.
pub fn write(
    org: &mut Org,
    full_name: &str,
    document: &Node,
    may_create: bool,
) -> Result<bool, ApiError> {
    let existing = sets::own_set(org, full_name);
    let label = text(document, "label").unwrap_or_default();
    if label.is_empty() && (existing.is_none() || org.doubts.sets_are_replaced) {
        return Err(ApiError::new("REQUIRED_FIELD_MISSING", "Required field is missing: label")
            .field("label"));
    }
    let mut contents = read_contents(org, document)?;
    let (id, created) = match existing {
        Some(id) => (id, false),
        None if !may_create => return Err(no_such("PermissionSet", full_name)),
        None => {
            let fields = super::written([("Name", full_name), ("Label", label)]);
            (super::insert(org, "PermissionSet", &fields)?, true)
        }
    };
    if !created && !org.doubts.sets_are_replaced {
        let mut merged = stored_contents(org, &id);
        merged.system.extend(contents.system);
        merged.objects.extend(contents.objects);
        merged.fields.extend(contents.fields);
        merged.sections.extend(contents.sections);
        contents = merged;
    }
    contents.sections.retain(|(section, _), entry| {
        sections::is_on(section, entry) && org.doubts.forgotten_section.as_ref() != Some(section)
    });
    prerequisites::check(&granted(&contents), &org.doubts)?;
    let mut row = org.store.get("PermissionSet", &id).cloned().unwrap_or_default();
    if !label.is_empty() {
        row.set("Label", label);
    }
    match text(document, "description").filter(|text| !text.is_empty()) {
        Some(description) if description.chars().count() > 255 => {
            return Err(ApiError::new(
                "STRING_TOO_LONG",
                "Description: data value too large (max length=255)",
            )
            .field("description"));
        }
        Some(description) => {
            row.set("Description", description);
        }
        None if org.doubts.sets_are_replaced || document.child("description").is_some() => {
            row.remove("Description");
        }
        None => {}
    }
    let license = text(document, "license").filter(|name| !name.is_empty());
    match license {
        Some(name) => {
            let id = license_named(org, name).ok_or_else(|| {
                ApiError::new(
                    "INVALID_CROSS_REFERENCE_KEY",
                    format!("In field: license - no License named {name} found"),
                )
            })?;
            let held = row.text_or_empty("LicenseId");
            if !created && held != id {
                return Err(ApiError::new(
                    "FIELD_INTEGRITY_EXCEPTION",
                    "You can't change the license of a permission set",
                )
                .field("license"));
            }
            row.set("LicenseId", id);
        }
        None if !created
            && org.doubts.sets_are_replaced
            && !row.text_or_empty("LicenseId").is_empty() =>
        {
            return Err(ApiError::new(
                "FIELD_INTEGRITY_EXCEPTION",
                "You can't change the license of a permission set",
            )
            .field("license"));
        }
        None => {}
    }
    match sections::says(document, "hasActivationRequired") {
        Some(on) => {
            row.set("HasActivationRequired", on);
        }
        None if org.doubts.sets_are_replaced => {
            row.set("HasActivationRequired", false);
        }
        None => {}
    }
    org.store_changed("PermissionSet", row);
    store_contents(org, &id, &contents);
    groups::outdate_groups_of(org, &id);
    Ok(created)
}

/// The id of a license by the name that metadata has for it.
fn license_named(org: &Org, name: &str) -> Option<String> {
    let of = |object: &str, fields: &[&str]| {
        org.store
            .all(object)
            .find(|row| {
                fields.iter().any(|field| row.text_or_empty(field).eq_ignore_ascii_case(name))
            })
            .map(|row| row.text_or_empty("Id").to_owned())
    };
    of("PermissionSetLicense", &["DeveloperName", "MasterLabel"])
        .or_else(|| of("UserLicense", &["Name"]))
}

/// The set of a full name: one of this org, or a package's with its
/// namespace in front.
pub fn named(org: &Org, full_name: &str) -> Option<String> {
    if let Some((namespace, name)) = full_name.split_once("__") {
        return org
            .store
            .by("PermissionSet", "Name", name)
            .find(|row| row.text_or_empty("NamespacePrefix") == namespace)
            .map(|row| row.text_or_empty("Id").to_owned());
    }
    sets::own_set(org, full_name)
}

/// The document of a set.
pub fn read(org: &Org, full_name: &str, id: &str) -> Node {
    let row = org.store.get("PermissionSet", id).cloned().unwrap_or_default();
    let contents = stored_contents(org, id);
    let (fields, objects, system) = content_nodes(org, &contents);
    let mut children = sections::nodes(&contents.sections);
    let description = row.text_or_empty("Description");
    if !description.is_empty() {
        children.push(Node::text("description", description));
    }
    children.extend(fields);
    children.push(flag("hasActivationRequired", row.is_on("HasActivationRequired")));
    children.push(Node::text("label", row.text_or_empty("Label")));
    let license = row.text_or_empty("LicenseId");
    if let Some(name) = org
        .text("PermissionSetLicense", license, "DeveloperName")
        .or_else(|| org.text("UserLicense", license, "Name"))
    {
        children.push(Node::text("license", name));
    }
    children.extend(objects);
    children.extend(system);
    whole(full_name, children)
}
