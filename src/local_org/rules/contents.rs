//! What a set or a profile grants: read from a document, kept as rows, and shown
//! in a document again.

use std::collections::BTreeMap;

use super::Org;
use super::entity_access;
use super::nodes::flag;
use super::nodes::is_true;
use super::nodes::text;
use super::prerequisites;
use super::prerequisites::Granted;
use super::sections;
use super::sections::Entries;
use crate::local_org::error::ApiError;
use crate::local_org::row::Cell;
use crate::local_org::row::Row;
use crate::local_org::schema::is_with_view_all_fields;
use crate::local_org::xml::Node;

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
pub struct Contents {
    /// System permissions by name.
    pub system: BTreeMap<String, bool>,
    /// Object permissions in the order of the flags, by object.
    pub objects: BTreeMap<String, [bool; 7]>,
    /// Whether a field may be read and edited, by `Object.Field`.
    pub fields: BTreeMap<String, (bool, bool)>,
    /// All else, by section and name.
    pub sections: Entries,
}

/// What a document grants.
///
/// # Errors
/// When it names what the org does not have, or what can't be granted.
pub fn read_contents(org: &Org, document: &Node) -> Result<Contents, ApiError> {
    let invalid = |message: String| ApiError::new("INVALID_CROSS_REFERENCE_KEY", message);
    let mut contents = Contents { sections: sections::read(org, document)?, ..Contents::default() };
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
    mirror_activities(&mut contents);
    Ok(contents)
}

/// Custom fields of activities are one for events and tasks.
fn mirror_activities(contents: &mut Contents) {
    let twins: Vec<(String, (bool, bool))> = contents
        .fields
        .iter()
        .filter(|(name, _)| name.ends_with("__c"))
        .filter_map(|(name, flags)| {
            let twin = match name.split_once('.')? {
                ("Event", field) => format!("Task.{field}"),
                ("Task", field) => format!("Event.{field}"),
                _ => return None,
            };
            Some((twin, *flags))
        })
        .collect();
    for (twin, flags) in twins {
        contents.fields.entry(twin).or_insert(flags);
    }
}

/// Where a set is kept; one that mutes is no permission set.
fn table_of(set: &str) -> &'static str {
    if set.starts_with("0QM") { "MutingPermissionSet" } else { "PermissionSet" }
}

/// What a set grants now.
pub fn stored_contents(org: &Org, set: &str) -> Contents {
    let mut contents = Contents { sections: sections::stored(org, set), ..Contents::default() };
    if let Some(row) = org.store.get(table_of(set), set) {
        for (field, value) in row.iter() {
            if let Some(name) = field.strip_prefix("Permissions")
                && *value == Cell::Flag(true)
            {
                contents.system.insert(name.to_owned(), true);
            }
        }
    }
    let flag = |row: &Row, field: &str| row.is_on(field);
    for row in org.store.by("ObjectPermissions", "ParentId", set) {
        let flags = OBJECT_FLAGS.map(|(_, field, _)| flag(row, field));
        contents.objects.insert(row.text_or_empty("SobjectType").to_owned(), flags);
    }
    for row in org.store.by("FieldPermissions", "ParentId", set) {
        let flags = (flag(row, "PermissionsRead"), flag(row, "PermissionsEdit"));
        contents.fields.insert(row.text_or_empty("Field").to_owned(), flags);
    }
    contents
}

/// The same as the rules about prerequisites see it.
pub fn granted(contents: &Contents) -> Granted {
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

/// Makes this all that a set grants.
pub fn store_contents(org: &mut Org, set: &str, contents: &Contents) {
    let mut row = org.store.get(table_of(set), set).cloned().unwrap_or_default();
    row.retain(|field| !field.starts_with("Permissions"));
    for (name, _) in contents.system.iter().filter(|(_, on)| **on) {
        row.set(&format!("Permissions{name}"), true);
    }
    org.store_changed(table_of(set), row);
    sections::store(org, set, &contents.sections);
    entity_access::follow_document(org, set);
    for object in ["ObjectPermissions", "FieldPermissions"] {
        for child in org.store.ids_by(object, "ParentId", set) {
            org.store.delete(object, &child);
        }
    }
    for (object, flags) in contents.objects.iter().filter(|(_, flags)| flags.contains(&true)) {
        let mut row = Row::new();
        row.set("ParentId", set);
        row.set("SobjectType", object);
        for ((_, field, _), on) in OBJECT_FLAGS.iter().zip(flags) {
            row.set(field, *on);
        }
        org.store_new("ObjectPermissions", row);
    }
    for (field, (read, edit)) in contents.fields.iter().filter(|(_, (read, edit))| *read || *edit) {
        let mut row = Row::new();
        row.set("ParentId", set);
        let object = field.split('.').next().unwrap_or_default();
        row.set("SobjectType", object);
        row.set("Field", field);
        row.set("PermissionsRead", *read);
        row.set("PermissionsEdit", *edit);
        org.store_new("FieldPermissions", row);
    }
}

/// Field, object and system permissions as a document shows them.
pub fn content_nodes(org: &Org, contents: &Contents) -> (Vec<Node>, Vec<Node>, Vec<Node>) {
    let fields = contents
        .fields
        .iter()
        .filter(|(_, (read, edit))| *read || *edit)
        .map(|(field, (read, edit))| {
            Node::parent(
                "fieldPermissions",
                vec![flag("editable", *edit), Node::text("field", field), flag("readable", *read)],
            )
        })
        .collect();
    let has_view_all_fields = is_with_view_all_fields(&org.version);
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
                .filter(|((element, _, _), _)| *element != "viewAllFields" || has_view_all_fields)
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
