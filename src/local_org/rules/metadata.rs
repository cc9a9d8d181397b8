//! Profiles and permission sets as metadata: a set is replaced as a whole, a
//! profile is overlaid (Metadata API Developer Guide, `PermissionSet` and
//! `Profile`).

use serde_json::Value as Json;

use super::Org;
use super::contents::content_nodes;
use super::contents::flag;
use super::contents::granted;
use super::contents::read_contents;
use super::contents::row_text;
use super::contents::store_contents;
use super::contents::stored_contents;
use super::contents::text;
use super::groups;
use super::prerequisites;
use super::profiles;
use super::rights;
use super::sections;
use super::sets;
use crate::local_org::error::ApiError;
use crate::local_org::store::Row;
use crate::local_org::xml::Node;

/// What became of one document.
#[derive(Debug)]
pub struct DocumentOutcome {
    /// Its full name.
    pub full_name: String,
    /// Whether it was made.
    pub created: bool,
    /// Why not.
    pub error: Option<ApiError>,
}

/// Creates, replaces or overlays documents, each on its own.
pub fn write_documents(
    org: &mut Org,
    metadata_type: &str,
    documents: &[Node],
    may_create: bool,
) -> Result<Vec<DocumentOutcome>, ApiError> {
    let write = match metadata_type {
        "MutingPermissionSet" => groups::write_muting,
        "PermissionSet" => write_set,
        "PermissionSetGroup" => groups::write_group,
        "Profile" => write_profile,
        other => return Err(unknown_type(other)),
    };
    Ok(documents
        .iter()
        .map(|document| {
            let full_name = text(document, "fullName").unwrap_or_default().to_owned();
            let savepoint = org.store.savepoint();
            if let Err(error) = rights::check(org, "metadata") {
                return DocumentOutcome { full_name, created: false, error: Some(error) };
            }
            let (created, error) = match write(org, &full_name, document, may_create) {
                Ok(created) => (created, None),
                Err(error) => {
                    org.store.roll_back(savepoint);
                    (false, Some(error))
                }
            };
            DocumentOutcome { full_name, created, error }
        })
        .collect())
}

fn unknown_type(name: &str) -> ApiError {
    ApiError::new(
        "INVALID_TYPE",
        format!("This type of metadata is not available for this organization: {name}"),
    )
}

pub fn no_such(kind: &str, name: &str) -> ApiError {
    ApiError::new(
        "INVALID_CROSS_REFERENCE_KEY",
        format!("In field: fullName - no {kind} named {name} found"),
    )
}

fn write_set(
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
        None => (
            super::insert(org, "PermissionSet", &{
                let mut row = Row::new();
                row.insert("Name".to_owned(), Json::String(full_name.to_owned()));
                row.insert("Label".to_owned(), Json::String(label.to_owned()));
                row
            })?,
            true,
        ),
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
        row.insert("Label".to_owned(), Json::String(label.to_owned()));
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
            row.insert("Description".to_owned(), Json::String(description.to_owned()));
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
            let held = row_text(&row, "LicenseId");
            if !created && held != id {
                return Err(ApiError::new(
                    "FIELD_INTEGRITY_EXCEPTION",
                    "You can't change the license of a permission set",
                )
                .field("license"));
            }
            row.insert("LicenseId".to_owned(), Json::String(id));
        }
        None if !created
            && org.doubts.sets_are_replaced
            && !row_text(&row, "LicenseId").is_empty() =>
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
            row.insert("HasActivationRequired".to_owned(), Json::Bool(on));
        }
        None if org.doubts.sets_are_replaced => {
            row.insert("HasActivationRequired".to_owned(), Json::Bool(false));
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
    let named = |object: &str, fields: &[&str]| {
        org.store
            .all(object)
            .find(|row| fields.iter().any(|field| row_text(row, field).eq_ignore_ascii_case(name)))
            .map(|row| row_text(row, "Id").to_owned())
    };
    named("PermissionSetLicense", &["DeveloperName", "MasterLabel"])
        .or_else(|| named("UserLicense", &["Name"]))
}

/// Standard profiles that metadata names otherwise than Setup (metadata of real
/// orgs in public repositories).
const STANDARD: [(&str, &str); 4] = [
    ("Admin", "System Administrator"),
    ("ReadOnly", "Read Only"),
    ("Standard", "Standard User"),
    ("StandardAul", "Standard Platform User"),
];

fn profile_named(org: &Org, full_name: &str) -> Option<String> {
    // A standard profile keeps its full name, whatever language it is shown in.
    let by_full_name = org
        .store
        .all("Profile")
        .find(|row| row_text(row, "FullName") == full_name)
        .map(|row| row_text(row, "Id").to_owned());
    if by_full_name.is_some() {
        return by_full_name;
    }
    let standard = STANDARD.iter().find(|(name, _)| *name == full_name);
    let name = standard.map_or_else(|| unescape(full_name), |(_, name)| (*name).to_owned());
    org.store.ids_by("Profile", "Name", &name).into_iter().next()
}

/// A profile's name from its full name: `%2F` is a slash.
fn unescape(full_name: &str) -> String {
    let bytes = full_name.as_bytes();
    let mut name = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while place < bytes.len() {
        let code =
            full_name.get(place + 1..place + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(code) if bytes[place] == b'%' => {
                name.push(code);
                place += 3;
            }
            _ => {
                name.push(bytes[place]);
                place += 1;
            }
        }
    }
    String::from_utf8_lossy(&name).into_owned()
}

fn write_profile(
    org: &mut Org,
    full_name: &str,
    document: &Node,
    _: bool,
) -> Result<bool, ApiError> {
    // Making a profile through metadata would fill it from "Minimum Access -
    // Salesforce"; nobody who knows that does it, and this org refuses.
    let id = profile_named(org, full_name).ok_or_else(|| no_such("Profile", full_name))?;
    let set = profiles::owned_set(org, &id).ok_or_else(|| no_such("Profile", full_name))?;
    let overlay = read_contents(org, document)?;
    let mut contents = stored_contents(org, &set);
    contents.system.extend(overlay.system);
    contents.objects.extend(overlay.objects);
    contents.fields.extend(overlay.fields);
    sections::overlay(&mut contents.sections, overlay.sections)?;
    prerequisites::check(&granted(&contents), &org.doubts)?;
    store_contents(org, &set, &contents);
    let mut row = org.store.get("Profile", &id).cloned().unwrap_or_default();
    for (name, on) in &contents.system {
        row.insert(format!("Permissions{name}"), Json::Bool(*on));
    }
    if let Some(description) = text(document, "description") {
        row.insert("Description".to_owned(), Json::String(description.to_owned()));
    }
    org.store_changed("Profile", row);
    Ok(false)
}

/// Full names and ids of what there is of a type.
pub fn list_documents(org: &Org, metadata_type: &str) -> Result<Vec<(String, String)>, ApiError> {
    let name = |row: &Row| match metadata_type {
        "Profile" => {
            let held = row_text(row, "FullName");
            let name = row_text(row, "Name");
            let standard = STANDARD.iter().find(|(_, standard)| *standard == name);
            match standard {
                _ if !held.is_empty() => held.to_owned(),
                Some((full_name, _)) => (*full_name).to_owned(),
                None => name.to_owned(),
            }
        }
        _ => row_text(row, "Name").to_owned(),
    };
    let object = match metadata_type {
        "Profile" | "PermissionSet" => metadata_type,
        "MutingPermissionSet" | "PermissionSetGroup" => {
            return Ok(groups::list(org, metadata_type));
        }
        other => return Err(unknown_type(other)),
    };
    let rows = org
        .store
        .all(object)
        .filter(|row| row.get("IsOwnedByProfile").is_none_or(|owned| *owned == Json::Bool(false)))
        .filter(|row| row.get("PermissionSetGroupId").is_none_or(Json::is_null));
    Ok(rows.map(|row| (name(row), row_text(row, "Id").to_owned())).collect())
}

/// Reads documents; one that is not there is `None`.
pub fn read_documents(
    org: &Org,
    metadata_type: &str,
    full_names: &[String],
) -> Result<Vec<Option<Node>>, ApiError> {
    full_names
        .iter()
        .map(|full_name| match metadata_type {
            "PermissionSet" => {
                Ok(set_named(org, full_name).map(|id| set_document(org, full_name, &id)))
            }
            "Profile" => {
                Ok(profile_named(org, full_name)
                    .and_then(|id| profile_document(org, full_name, &id)))
            }
            "MutingPermissionSet" => Ok(groups::muting_document(org, full_name)),
            "PermissionSetGroup" => Ok(groups::group_document(org, full_name)),
            other => Err(unknown_type(other)),
        })
        .collect()
}

pub fn set_named(org: &Org, full_name: &str) -> Option<String> {
    if let Some((namespace, name)) = full_name.split_once("__") {
        return org
            .store
            .by("PermissionSet", "Name", name)
            .find(|row| row_text(row, "NamespacePrefix") == namespace)
            .map(|row| row_text(row, "Id").to_owned());
    }
    sets::own_set(org, full_name)
}

fn set_document(org: &Org, full_name: &str, id: &str) -> Node {
    let row = org.store.get("PermissionSet", id).cloned().unwrap_or_default();
    let contents = stored_contents(org, id);
    let (fields, objects, system) = content_nodes(org, &contents);
    let mut children = sections::nodes(&contents.sections);
    let description = row_text(&row, "Description");
    if !description.is_empty() {
        children.push(Node::text("description", description));
    }
    children.extend(fields);
    children.push(flag(
        "hasActivationRequired",
        row.get("HasActivationRequired") == Some(&Json::Bool(true)),
    ));
    children.push(Node::text("label", row_text(&row, "Label")));
    let license = row_text(&row, "LicenseId");
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

/// A document, its elements in the order of the WSDL: that of their names.
pub fn whole(full_name: &str, mut children: Vec<Node>) -> Node {
    children.sort_by(|left, right| left.name.cmp(&right.name));
    children.insert(0, Node::text("fullName", full_name));
    Node::parent("records", children)
}

fn profile_document(org: &Org, full_name: &str, id: &str) -> Option<Node> {
    let row = org.store.get("Profile", id)?.clone();
    let set = profiles::owned_set(org, id)?;
    let contents = stored_contents(org, &set);
    let (fields, objects, system) = content_nodes(org, &contents);
    let mut children = sections::profile_nodes(org, contents.sections);
    children.push(flag("custom", profiles::is_custom(org, id)));
    let description = row_text(&row, "Description");
    if !description.is_empty() {
        children.push(Node::text("description", description));
    }
    children.extend(fields);
    children.extend(objects);
    if let Some(name) = org.text("UserLicense", row_text(&row, "UserLicenseId"), "Name") {
        children.push(Node::text("userLicense", name));
    }
    children.extend(system);
    Some(whole(full_name, children))
}

/// Deletes documents, each on its own.
pub fn delete_documents(
    org: &mut Org,
    metadata_type: &str,
    full_names: &[String],
) -> Result<Vec<DocumentOutcome>, ApiError> {
    let object = match metadata_type {
        "MutingPermissionSet" | "PermissionSet" | "PermissionSetGroup" | "Profile" => metadata_type,
        other => return Err(unknown_type(other)),
    };
    Ok(full_names
        .iter()
        .map(|full_name| {
            let id = match object {
                "Profile" => profile_named(org, full_name),
                "PermissionSet" => set_named(org, full_name),
                group => groups::id_of(org, group, full_name),
            };
            let savepoint = org.store.savepoint();
            let result = match id {
                Some(id) => super::delete(org, object, &id),
                None => Err(no_such(metadata_type, full_name)),
            };
            if result.is_err() {
                org.store.roll_back(savepoint);
            }
            DocumentOutcome { full_name: full_name.clone(), created: false, error: result.err() }
        })
        .collect())
}
