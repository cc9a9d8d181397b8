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
use super::files::FileType;
use super::groups;
use super::prerequisites;
use super::profiles;
use super::rights;
use super::sections;
use super::sets;
use crate::local_org::error::ApiError;
use crate::local_org::shapes;
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

/// What a call means to do with what is there, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// It must not be there.
    Create,
    /// It must be there.
    Update,
    /// Either.
    Upsert,
}

impl Intent {
    /// Whether what is not there is made.
    pub fn may_create(self) -> bool {
        self != Self::Update
    }
}

/// Creates, replaces or overlays documents, each on its own.
///
/// # Errors
/// When the type is none of access.
pub fn write_documents(
    org: &mut Org,
    metadata_type: &str,
    documents: &[Node],
    intent: Intent,
) -> Result<Vec<DocumentOutcome>, ApiError> {
    if FileType::named(metadata_type).is_none() {
        return Err(unknown_type(metadata_type));
    }
    Ok(documents
        .iter()
        .map(|document| {
            let full_name = text(document, "fullName").unwrap_or_default().to_owned();
            let fits = shapes::check(document, metadata_type, &org.version)
                .map_err(|misfit| ApiError::new("INVALID_CROSS_REFERENCE_KEY", misfit.message));
            let written = fits
                .and_then(|()| write_document(org, metadata_type, &full_name, document, intent));
            let (created, error) = match written {
                Ok(created) => (created, None),
                Err(error) => (false, Some(error)),
            };
            DocumentOutcome { full_name, created, error }
        })
        .collect())
}

/// Writes one document; whether it was made. Where it is refused, nothing of
/// it is left.
///
/// # Errors
/// As the document, or who sends it, is refused.
pub fn write_document(
    org: &mut Org,
    metadata_type: &str,
    full_name: &str,
    document: &Node,
    intent: Intent,
) -> Result<bool, ApiError> {
    let write = match metadata_type {
        "MutingPermissionSet" => groups::write_muting,
        "PermissionSet" => write_set,
        "PermissionSetGroup" => groups::write_group,
        "Profile" => write_profile,
        other => return Err(unknown_type(other)),
    };
    rights::check(org, "metadata")?;
    let is_there = id_of(org, metadata_type, full_name).is_some();
    if intent == Intent::Create && is_there {
        return Err(ApiError::new(
            "DUPLICATE_DEVELOPER_NAME",
            "The name you specified is already in use. Please specify a unique name.",
        )
        .field("fullName"));
    }
    let savepoint = org.store.savepoint();
    let written = write(org, full_name, document, intent.may_create());
    if written.is_err() {
        org.store.roll_back(savepoint);
    }
    written
}

/// The id of what a type has under a full name.
pub fn id_of(org: &Org, metadata_type: &str, full_name: &str) -> Option<String> {
    match metadata_type {
        "Profile" => profile_named(org, full_name),
        "PermissionSet" => set_named(org, full_name),
        group => groups::id_of(org, group, full_name),
    }
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

/// Makes a profile of a document: it starts with all that a base profile of
/// its license has, which since version 60 is "Minimum Access - Salesforce"
/// (Metadata API Developer Guide, `Profile`).
fn create_profile(org: &mut Org, full_name: &str, document: &Node) -> Result<String, ApiError> {
    let is_new = org.version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    let base = if is_new.is_none_or(|major| major >= 60) {
        "Minimum Access - Salesforce"
    } else {
        "Standard User"
    };
    let base = org.store.ids_by("Profile", "Name", base).into_iter().next().unwrap_or_default();
    let base_license = org.text("Profile", &base, "UserLicenseId").unwrap_or_default().to_owned();
    let license = match text(document, "userLicense") {
        None => base_license.clone(),
        Some(name) => org
            .store
            .all("UserLicense")
            .find(|row| row_text(row, "Name") == name)
            .map(|row| row_text(row, "Id").to_owned())
            .ok_or_else(|| {
                let message = format!("In field: userLicense - no UserLicense named {name} found");
                ApiError::new("INVALID_CROSS_REFERENCE_KEY", message)
            })?,
    };
    let mut row = Row::new();
    row.insert("Name".to_owned(), Json::String(unescape(full_name)));
    row.insert("UserLicenseId".to_owned(), Json::String(license.clone()));
    let id = super::insert(org, "Profile", &row)?;
    if license == base_license
        && let (Some(from), Some(to)) =
            (profiles::owned_set(org, &base), profiles::owned_set(org, &id))
    {
        let contents = stored_contents(org, &from);
        store_contents(org, &to, &contents);
    }
    Ok(id)
}

fn write_profile(
    org: &mut Org,
    full_name: &str,
    document: &Node,
    may_create: bool,
) -> Result<bool, ApiError> {
    let (id, created) = match profile_named(org, full_name) {
        Some(id) => (id, false),
        None if may_create => (create_profile(org, full_name, document)?, true),
        None => return Err(no_such("Profile", full_name)),
    };
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
    Ok(created)
}

/// The full name of a profile: a standard one's own, or its name with some
/// characters written as `%` and two digits (file names of real retrieves).
fn profile_full_name(row: &Row) -> String {
    let held = row_text(row, "FullName");
    if !held.is_empty() {
        return held.to_owned();
    }
    let name = row_text(row, "Name");
    if let Some((full_name, _)) = STANDARD.iter().find(|(_, standard)| *standard == name) {
        return (*full_name).to_owned();
    }
    name.chars()
        .map(|character| {
            let is_plain = !character.is_ascii()
                || character.is_ascii_alphanumeric()
                || " _-.,".contains(character);
            if is_plain { character.to_string() } else { format!("%{:02X}", u32::from(character)) }
        })
        .collect()
}

/// Full names and rows of what there is of a type; nothing of a type that is
/// none of access.
pub fn rows_of<'a>(org: &'a Org, metadata_type: &str) -> Vec<(String, &'a Row)> {
    let (object, full_name): (&str, fn(&Row) -> String) = match metadata_type {
        "Profile" => ("Profile", profile_full_name),
        "PermissionSet" => ("PermissionSet", sets::full_name),
        "MutingPermissionSet" => ("MutingPermissionSet", groups::full_name),
        "PermissionSetGroup" => ("PermissionSetGroup", groups::full_name),
        _ => return Vec::new(),
    };
    org.store
        .all(object)
        .filter(|row| row.get("IsOwnedByProfile").is_none_or(|owned| *owned == Json::Bool(false)))
        .filter(|row| row.get("PermissionSetGroupId").is_none_or(Json::is_null))
        .map(|row| (full_name(row), row))
        .collect()
}

/// The document of a type under a full name.
pub fn document(org: &Org, metadata_type: &str, full_name: &str) -> Option<Node> {
    match metadata_type {
        "PermissionSet" => set_named(org, full_name).map(|id| set_document(org, full_name, &id)),
        "Profile" => {
            profile_named(org, full_name).and_then(|id| profile_document(org, full_name, &id))
        }
        "MutingPermissionSet" => groups::muting_document(org, full_name),
        "PermissionSetGroup" => groups::group_document(org, full_name),
        _ => None,
    }
}

/// Reads documents; one that is not there is `None`.
///
/// # Errors
/// When the type is none of access.
pub fn read_documents(
    org: &Org,
    metadata_type: &str,
    full_names: &[String],
) -> Result<Vec<Option<Node>>, ApiError> {
    if FileType::named(metadata_type).is_none() {
        return Err(unknown_type(metadata_type));
    }
    Ok(full_names.iter().map(|full_name| document(org, metadata_type, full_name)).collect())
}

/// The set of a full name: one of this org, or a package's with its
/// namespace in front.
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
///
/// # Errors
/// When the type is none of access.
pub fn delete_documents(
    org: &mut Org,
    metadata_type: &str,
    full_names: &[String],
) -> Result<Vec<DocumentOutcome>, ApiError> {
    if FileType::named(metadata_type).is_none() {
        return Err(unknown_type(metadata_type));
    }
    Ok(full_names
        .iter()
        .map(|full_name| DocumentOutcome {
            full_name: full_name.clone(),
            created: false,
            error: delete_document(org, metadata_type, full_name).err(),
        })
        .collect())
}

/// Deletes one document. Where that is refused, nothing is changed.
///
/// # Errors
/// When it is not there, or in use.
pub fn delete_document(
    org: &mut Org,
    metadata_type: &str,
    full_name: &str,
) -> Result<(), ApiError> {
    let id =
        id_of(org, metadata_type, full_name).ok_or_else(|| no_such(metadata_type, full_name))?;
    let savepoint = org.store.savepoint();
    let deleted = super::delete(org, metadata_type, &id);
    if deleted.is_err() {
        org.store.roll_back(savepoint);
    }
    deleted
}

/// Gives a document another full name.
///
/// # Errors
/// When it is not there, or the name is taken.
pub fn rename_document(
    org: &mut Org,
    metadata_type: &str,
    from: &str,
    to: &str,
) -> Result<(), ApiError> {
    if FileType::named(metadata_type).is_none() {
        return Err(unknown_type(metadata_type));
    }
    let id = id_of(org, metadata_type, from).ok_or_else(|| no_such(metadata_type, from))?;
    let (field, name) = match metadata_type {
        "Profile" => ("Name", unescape(to)),
        "PermissionSet" => ("Name", to.to_owned()),
        _ => ("DeveloperName", to.to_owned()),
    };
    let mut row = Row::new();
    row.insert(field.to_owned(), Json::String(name));
    super::update(org, metadata_type, &id, &row)
}
