//! Profiles and permission sets as metadata: a set is replaced as a whole, a
//! profile is overlaid (Metadata API Developer Guide, `PermissionSet` and
//! `Profile`).

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::Org;
use super::prerequisites;
use super::prerequisites::Granted;
use super::profiles;
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

/// Object permissions: metadata element, data field, verb of dependencies.
const OBJECT_FLAGS: [(&str, &str, &str); 7] = [
    ("allowCreate", "PermissionsCreate", "create"),
    ("allowDelete", "PermissionsDelete", "delete"),
    ("allowEdit", "PermissionsEdit", "update"),
    ("allowRead", "PermissionsRead", "read"),
    ("modifyAllRecords", "PermissionsModifyAllRecords", "modifyAllRecords"),
    ("viewAllFields", "PermissionsViewAllFields", "viewAllFields"),
    ("viewAllRecords", "PermissionsViewAllRecords", "viewAllRecords"),
];

/// What a document grants, by permission, object and field.
#[derive(Debug, Default)]
struct Contents {
    system: BTreeMap<String, bool>,
    objects: BTreeMap<String, [bool; 7]>,
    fields: BTreeMap<String, (bool, bool)>,
}

fn is_true(node: &Node, name: &str) -> bool {
    node.child(name).is_some_and(|child| child.text.trim() == "true")
}

fn text<'a>(node: &'a Node, name: &str) -> Option<&'a str> {
    node.child(name).map(|child| child.text.trim())
}

fn row_text<'a>(row: &'a Row, field: &str) -> &'a str {
    row.get(field).and_then(Json::as_str).unwrap_or_default()
}

fn read_contents(org: &Org, document: &Node) -> Result<Contents, ApiError> {
    let invalid = |message: String| ApiError::new("INVALID_CROSS_REFERENCE_KEY", message);
    let mut contents = Contents::default();
    for permission in document.all("userPermissions") {
        let name = text(permission, "name").unwrap_or_default();
        let is_off = !org.doubts.networks_known && name == prerequisites::UNKNOWN_WITHOUT_NETWORKS;
        if is_off || !org.schema.knows_permission(name) {
            return Err(invalid(format!("Unknown user permission: {name}")));
        }
        contents.system.insert(name.to_owned(), is_true(permission, "enabled"));
    }
    for permission in document.all("objectPermissions") {
        let name = text(permission, "object").unwrap_or_default();
        let known = org.schema.object(name).filter(|object| !object.is_setup);
        if known.is_none() {
            return Err(invalid(format!("In field: field - no CustomObject named {name} found")));
        }
        if matches!(name, "Event" | "Task") {
            // Activities have no object permissions of their own.
            return Err(invalid(format!("In field: object - no CustomObject named {name} found")));
        }
        let flags = OBJECT_FLAGS.map(|(element, _, _)| is_true(permission, element));
        contents.objects.insert(name.to_owned(), flags);
    }
    for permission in document.all("fieldPermissions") {
        let name = text(permission, "field").unwrap_or_default();
        let field = name
            .split_once('.')
            .and_then(|(object, field)| org.schema.object(object)?.field(field));
        match field {
            None => {
                return Err(invalid(format!(
                    "In field: field - no CustomField named {name} found"
                )));
            }
            Some(field) if field.compound.is_some() => {
                return Err(invalid(format!(
                    "In field: field - no CustomField named {name} found"
                )));
            }
            Some(field) if !field.permissionable => {
                return Err(ApiError::new(
                    "FIELD_INTEGRITY_EXCEPTION",
                    format!("You cannot deploy to a required field: {name}"),
                ));
            }
            Some(_) => {}
        }
        // Editing a field that can't be edited is accepted and not kept.
        let editable = is_true(permission, "editable") && !org.schema.is_never_editable(name);
        contents
            .fields
            .insert(name.to_owned(), (is_true(permission, "readable") || editable, editable));
    }
    Ok(contents)
}

fn stored_contents(org: &Org, set: &str) -> Contents {
    let mut contents = Contents::default();
    if let Some(row) = org.store.get("PermissionSet", set) {
        for (field, value) in row {
            if let Some(name) = field.strip_prefix("Permissions")
                && *value == Json::Bool(true)
            {
                contents.system.insert(name.to_owned(), true);
            }
        }
    }
    let flag = |row: &Row, field: &str| row.get(field) == Some(&Json::Bool(true));
    for row in org.store.by("ObjectPermissions", "ParentId", set) {
        let flags = OBJECT_FLAGS.map(|(_, field, _)| flag(row, field));
        contents.objects.insert(row_text(row, "SobjectType").to_owned(), flags);
    }
    for row in org.store.by("FieldPermissions", "ParentId", set) {
        let flags = (flag(row, "PermissionsRead"), flag(row, "PermissionsEdit"));
        contents.fields.insert(row_text(row, "Field").to_owned(), flags);
    }
    contents
}

fn granted(contents: &Contents) -> Granted {
    let mut granted: Granted =
        contents.system.iter().filter(|(_, on)| **on).map(|(name, _)| name.clone()).collect();
    for (object, flags) in &contents.objects {
        for ((_, _, verb), on) in OBJECT_FLAGS.iter().zip(flags) {
            if *on {
                granted.insert(format!("{object}<{verb}>"));
            }
        }
    }
    granted
}

fn store_contents(org: &mut Org, set: &str, contents: &Contents) {
    let mut row = org.store.get("PermissionSet", set).cloned().unwrap_or_default();
    let stale: Vec<String> =
        row.keys().filter(|field| field.starts_with("Permissions")).cloned().collect();
    for field in stale {
        row.remove(&field);
    }
    for (name, _) in contents.system.iter().filter(|(_, on)| **on) {
        row.insert(format!("Permissions{name}"), Json::Bool(true));
    }
    org.store_changed("PermissionSet", row);
    for object in ["ObjectPermissions", "FieldPermissions"] {
        for child in org.store.ids_by(object, "ParentId", set) {
            org.store.delete(object, &child);
        }
    }
    for (object, flags) in contents.objects.iter().filter(|(_, flags)| flags.contains(&true)) {
        let mut row = Row::new();
        row.insert("ParentId".to_owned(), Json::String(set.to_owned()));
        row.insert("SobjectType".to_owned(), Json::String(object.clone()));
        for ((_, field, _), on) in OBJECT_FLAGS.iter().zip(flags) {
            row.insert((*field).to_owned(), Json::Bool(*on));
        }
        org.store_new("ObjectPermissions", row);
    }
    for (field, (read, edit)) in contents.fields.iter().filter(|(_, (read, _))| *read) {
        let mut row = Row::new();
        row.insert("ParentId".to_owned(), Json::String(set.to_owned()));
        let object = field.split('.').next().unwrap_or_default();
        row.insert("SobjectType".to_owned(), Json::String(object.to_owned()));
        row.insert("Field".to_owned(), Json::String(field.clone()));
        row.insert("PermissionsRead".to_owned(), Json::Bool(*read));
        row.insert("PermissionsEdit".to_owned(), Json::Bool(*edit));
        org.store_new("FieldPermissions", row);
    }
}

/// Creates, replaces or overlays documents, each on its own.
pub fn write_documents(
    org: &mut Org,
    metadata_type: &str,
    documents: &[Node],
    may_create: bool,
) -> Result<Vec<DocumentOutcome>, ApiError> {
    let write = match metadata_type {
        "PermissionSet" => write_set,
        "Profile" => write_profile,
        other => return Err(unknown_type(other)),
    };
    Ok(documents
        .iter()
        .map(|document| {
            let full_name = text(document, "fullName").unwrap_or_default().to_owned();
            let savepoint = org.store.savepoint();
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

fn no_such(kind: &str, name: &str) -> ApiError {
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
        contents = merged;
    }
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
    org.store_changed("PermissionSet", row);
    store_contents(org, &id, &contents);
    Ok(created)
}

fn profile_named(org: &Org, full_name: &str) -> Option<String> {
    let name = unescape(full_name);
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
            other => Err(unknown_type(other)),
        })
        .collect()
}

fn set_named(org: &Org, full_name: &str) -> Option<String> {
    if let Some((namespace, name)) = full_name.split_once("__") {
        return org
            .store
            .by("PermissionSet", "Name", name)
            .find(|row| row_text(row, "NamespacePrefix") == namespace)
            .map(|row| row_text(row, "Id").to_owned());
    }
    sets::own_set(org, full_name)
}

fn flag(name: &str, on: bool) -> Node {
    Node::text(name, if on { "true" } else { "false" })
}

fn content_nodes(org: &Org, contents: &Contents) -> (Vec<Node>, Vec<Node>, Vec<Node>) {
    let fields = contents
        .fields
        .iter()
        .filter(|(_, (read, _))| *read)
        .map(|(field, (read, edit))| {
            Node::parent(
                "fieldPermissions",
                vec![flag("editable", *edit), Node::text("field", field), flag("readable", *read)],
            )
        })
        .collect();
    // With Modify All Data every object shows as open, but for View All Fields.
    let all_data = contents.system.get("ModifyAllData") == Some(&true);
    let views_all = contents.system.get("ViewAllData") == Some(&true);
    let is_opened = |element: &str| match element {
        "allowRead" | "viewAllRecords" => all_data || views_all,
        "viewAllFields" => false,
        _ => all_data,
    };
    let mut shown = contents.objects.clone();
    if all_data || views_all {
        for object in org
            .schema
            .objects()
            .filter(|object| !object.is_setup && !matches!(object.name, "Event" | "Task"))
        {
            let flags = shown.entry(object.name.to_owned()).or_default();
            for ((element, _, _), on) in OBJECT_FLAGS.iter().zip(flags.iter_mut()) {
                *on |= is_opened(element);
            }
        }
    }
    let objects = shown
        .iter()
        .filter(|(_, flags)| flags.contains(&true))
        .map(|(object, flags)| {
            let mut children: Vec<Node> = OBJECT_FLAGS
                .iter()
                .zip(flags)
                .map(|((element, _, _), on)| flag(element, *on))
                .collect();
            children.push(Node::text("object", object));
            children.sort_by(|left, right| left.name.cmp(&right.name));
            Node::parent("objectPermissions", children)
        })
        .collect();
    let system = contents
        .system
        .iter()
        .filter(|(_, on)| **on)
        .map(|(name, _)| {
            Node::parent("userPermissions", vec![flag("enabled", true), Node::text("name", name)])
        })
        .collect();
    (fields, objects, system)
}

fn set_document(org: &Org, full_name: &str, id: &str) -> Node {
    let row = org.store.get("PermissionSet", id).cloned().unwrap_or_default();
    let (fields, objects, system) = content_nodes(org, &stored_contents(org, id));
    let mut children = vec![Node::text("fullName", full_name)];
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
    Node::parent("records", children)
}

fn profile_document(org: &Org, full_name: &str, id: &str) -> Option<Node> {
    let row = org.store.get("Profile", id)?.clone();
    let set = profiles::owned_set(org, id)?;
    let (fields, objects, system) = content_nodes(org, &stored_contents(org, &set));
    let mut children = vec![Node::text("fullName", full_name)];
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
    Some(Node::parent("records", children))
}

/// Deletes documents, each on its own.
pub fn delete_documents(
    org: &mut Org,
    metadata_type: &str,
    full_names: &[String],
) -> Result<Vec<DocumentOutcome>, ApiError> {
    let object = match metadata_type {
        "PermissionSet" => "PermissionSet",
        "Profile" => "Profile",
        other => return Err(unknown_type(other)),
    };
    Ok(full_names
        .iter()
        .map(|full_name| {
            let id = if object == "Profile" {
                profile_named(org, full_name)
            } else {
                set_named(org, full_name)
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
