//! What the org allows, and what follows from it by itself.
//!
//! One file per group of objects. Each rule that says no carries Salesforce's
//! code, and its text where a real one is known.

mod assignments;
mod child_permissions;
mod contents;
mod deploy;
mod entity_access;
mod files;
mod groups;
mod licenses;
mod locks;
mod metadata;
mod nodes;
mod prerequisites;
mod profile_document;
mod profiles;
mod retrieve;
mod rights;
mod sections;
mod set_document;
mod sets;
mod users;
mod virtual_rows;

use std::sync::Arc;

use serde_json::Map;
use serde_json::Value as Json;

use super::error::ApiError;
use super::ids::normal_id;
use super::options::Doubts;
use super::options::Recalculation;
use super::row::Row;
use super::schema::Field;
use super::schema::Object;
use super::schema::Schema;
use super::schema::VIEW_ALL_FIELDS;
use super::schema::is_with_view_all_fields;
use super::store::Store;

pub use deploy::DeployOptions;
pub use deploy::cancel as cancel_deploy;
pub use deploy::deploy;
pub use deploy::deploy_validated;
pub use deploy::status as deploy_status;
pub use entity_access::seed as seed_entities;
pub use files::FileType;
pub use files::TYPES as FILE_TYPES;
pub use files::properties as file_properties;
pub use groups::advance_recalculations;
pub use licenses::count_seats;
pub use locks::Locks;
pub use locks::lock_keys;
pub use metadata::DocumentOutcome;
pub use metadata::Intent;
pub use metadata::delete_documents;
pub use metadata::read_documents;
pub use metadata::rename_document;
pub use metadata::rows_of;
pub use metadata::write_documents;
pub use prerequisites::dependency_rows;
pub use profiles::create as new_profile;
pub use profiles::owned_set as profile_set;
pub use retrieve::retrieve;
pub use retrieve::status as retrieve_status;
pub use rights::check_password as check_password_right;
pub use rights::may;
pub use rights::show as show_rights;
pub use sections::Entries;
pub use sections::store as store_sections;
pub use sets::full_name as set_full_name;
pub use sets::new_set_row;
pub use users::set_password;
pub use virtual_rows::further_rows;

/// Fields as a client writes them.
pub type Fields = Map<String, Json>;

/// Texts as a client would write them.
fn written<const N: usize>(fields: [(&str, &str); N]) -> Fields {
    fields.into_iter().map(|(name, text)| (name.to_owned(), Json::from(text))).collect()
}

/// The org as the rules see it.
#[derive(Debug)]
pub struct Org {
    /// The data.
    pub store: Store,
    /// The objects.
    pub schema: Arc<Schema>,
    /// Which way the doubtful behaviours go.
    pub doubts: Doubts,
    /// What the org itself says no to when a user is saved.
    pub user_rule: Option<String>,
    /// How groups are worked out.
    pub recalculation: Recalculation,
    /// What an active user access policy does: `grant:SET` or `revoke:SET`.
    pub access_policy: Option<String>,
    /// The user that can't be deactivated.
    pub workflow_user: Option<String>,
    /// The user whose token is used.
    pub running_user: String,
    /// The time of the call, as the platform writes it.
    pub now: String,
    /// The API version of the call, such as `63.0`.
    pub version: String,
    /// What other calls hold.
    pub locks: Locks,
}

impl Org {
    /// A text field of a row.
    pub fn text<'a>(&'a self, object: &str, id: &str, field: &str) -> Option<&'a str> {
        self.store.get(object, id)?.text(field)
    }

    /// Sets the fields that the platform fills on each write.
    fn stamp(&self, object: &Object, row: &mut Row, is_new: bool) {
        let stamps = [
            ("CreatedDate", &self.now, true),
            ("CreatedById", &self.running_user, true),
            ("LastModifiedDate", &self.now, false),
            ("LastModifiedById", &self.running_user, false),
            ("SystemModstamp", &self.now, false),
        ];
        for (field, value, only_new) in stamps {
            if object.field(field).is_some() && (is_new || !only_new) {
                row.set(field, value);
            }
        }
    }

    /// Stores a new row: gives it its id and stamps.
    pub fn store_new(&mut self, object: &str, mut row: Row) -> String {
        let schema = Arc::clone(&self.schema);
        let Some(object) = schema.object(object) else { return String::new() };
        let id = self.store.new_id(object.prefix);
        row.set("Id", &id);
        self.stamp(object, &mut row, true);
        self.store.put(object.name, row);
        id
    }

    /// Stores a changed row.
    pub fn store_changed(&mut self, object: &str, mut row: Row) {
        let schema = Arc::clone(&self.schema);
        let Some(object) = schema.object(object) else { return };
        self.stamp(object, &mut row, false);
        self.store.put(object.name, row);
    }
}

/// Inserts a record.
pub fn insert(org: &mut Org, object: &str, fields: &Fields) -> Result<String, ApiError> {
    let schema = Arc::clone(&org.schema);
    let object = schema.object(object).ok_or_else(|| ApiError::unknown_object(object))?;
    if !object.createable {
        return Err(ApiError::new(
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            format!("entity type cannot be inserted: {}", object.name),
        ));
    }
    rights::check(org, object.name)?;
    let row = checked(org, object, fields, true)?;
    org.locks.check(object.name, &row)?;
    match object.name {
        "User" => users::insert(org, row),
        "Profile" => profiles::insert(org, row),
        "PermissionSet" => sets::insert(org, row),
        "PermissionSetAssignment" => {
            let id = assignments::insert_set(org, row)?;
            assignments::policy_revokes(org, &id)?;
            Ok(id)
        }
        "PermissionSetLicenseAssign" => assignments::insert_license(org, row),
        "UserPackageLicense" => licenses::insert_package_license(org, row),
        "GroupMember" => groups::insert_member(org, row),
        "SetupEntityAccess" => entity_access::insert(org, &row),
        "ObjectPermissions" | "FieldPermissions" => {
            child_permissions::insert(org, object.name, row)
        }
        "PermissionSetGroup" => groups::insert_group(org, &row),
        "PermissionSetGroupComponent" => groups::insert_component(org, &row),
        _ => Ok(org.store_new(object.name, row)),
    }
}

/// Updates a record.
pub fn update(org: &mut Org, object: &str, id: &str, fields: &Fields) -> Result<(), ApiError> {
    let schema = Arc::clone(&org.schema);
    let object = schema.object(object).ok_or_else(|| ApiError::unknown_object(object))?;
    if !object.updateable {
        return Err(ApiError::new(
            "INVALID_TYPE_FOR_OPERATION",
            format!("entity type cannot be updated: {}", object.name),
        ));
    }
    rights::check(org, object.name)?;
    let id = existing(org, object, id)?;
    let changes = checked(org, object, fields, false)?;
    org.locks.check(object.name, org.store.get(object.name, &id).unwrap_or(&changes))?;
    match object.name {
        "User" => users::update(org, &id, changes),
        "UserLogin" => users::update_login(org, &id, changes),
        "Profile" => profiles::update(org, &id, changes),
        "PermissionSet" => sets::update(org, &id, changes),
        "ObjectPermissions" | "FieldPermissions" => {
            child_permissions::update(org, object.name, &id, changes)
        }
        _ => {
            let mut row = org.store.get(object.name, &id).cloned().unwrap_or_default();
            row.extend(changes);
            org.store_changed(object.name, row);
            Ok(())
        }
    }
}

/// Deletes a record.
pub fn delete(org: &mut Org, object: &str, id: &str) -> Result<(), ApiError> {
    let schema = Arc::clone(&org.schema);
    let object = schema.object(object).ok_or_else(|| ApiError::unknown_object(object))?;
    if !object.deletable {
        return Err(ApiError::new(
            "INVALID_TYPE_FOR_OPERATION",
            format!("entity type cannot be deleted: {}", object.name),
        ));
    }
    rights::check(org, object.name)?;
    let id = existing(org, object, id)?;
    org.locks.check(object.name, org.store.get(object.name, &id).unwrap_or(&Row::new()))?;
    match object.name {
        "SetupEntityAccess" => entity_access::delete(org, &id),
        "Profile" => profiles::delete(org, &id),
        "MutingPermissionSet" => groups::delete_muting(org, &id),
        "PermissionSet" => sets::delete(org, &id),
        "PermissionSetGroup" => groups::delete_group(org, &id),
        "PermissionSetGroupComponent" => {
            groups::delete_component(org, &id);
            Ok(())
        }
        "ObjectPermissions" | "FieldPermissions" => {
            child_permissions::delete(org, object.name, &id)
        }
        "PermissionSetAssignment" => {
            let row = org.store.get("PermissionSetAssignment", &id).cloned().unwrap_or_default();
            assignments::delete_set(org, &id)?;
            assignments::policy_grants(org, row)
        }
        "PermissionSetLicenseAssign" => assignments::delete_license(org, &id),
        _ => {
            org.store.delete(object.name, &id);
            Ok(())
        }
    }
}

/// The id of a row that is there.
fn existing(org: &Org, object: &Object, id: &str) -> Result<String, ApiError> {
    let normal = normal_id(id);
    if !id.starts_with(object.prefix) || normal.len() != 18 {
        return Err(ApiError::new("MALFORMED_ID", format!("malformed id {id}")).status(404));
    }
    if org.store.get(object.name, &normal).is_none() {
        return Err(ApiError::new("ENTITY_IS_DELETED", "entity is deleted").status(404));
    }
    Ok(normal)
}

/// Checks names, types, lengths and whether a field may be written at all.
fn checked(org: &Org, object: &Object, fields: &Fields, is_insert: bool) -> Result<Row, ApiError> {
    let mut row = Row::new();
    for (name, value) in fields {
        if name == "attributes" || (!is_insert && name.eq_ignore_ascii_case("Id")) {
            continue;
        }
        let field = object
            .field(name)
            .filter(|field| field.name != VIEW_ALL_FIELDS || is_with_view_all_fields(&org.version));
        let Some(field) = field else {
            return Err(ApiError::new(
                "INVALID_FIELD",
                format!("No such column '{name}' on sobject of type {}", object.name),
            ));
        };
        let is_writable = if is_insert { field.createable } else { field.updateable };
        if !is_writable {
            return Err(ApiError::new(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                format!(
                    "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.",
                    field.name
                ),
            )
            .field(&field.name));
        }
        let value = match (field.kind.as_str(), value) {
            (_, Json::Null) => Json::Null,
            ("boolean", Json::Bool(flag)) => Json::Bool(*flag),
            ("boolean", Json::String(text)) if text == "true" || text == "false" => {
                Json::Bool(text == "true")
            }
            ("reference", Json::String(id)) => Json::String(normal_id(id)),
            ("boolean" | "reference", other) => return Err(no_value(field, other)),
            ("datetime", Json::String(text)) if !text.is_empty() => {
                Json::String(moment(text).ok_or_else(|| no_value(field, value))?)
            }
            (_, Json::String(text)) => {
                let length = text.chars().count();
                if field.length > 0 && length > field.length {
                    return Err(ApiError::new(
                        "STRING_TOO_LONG",
                        format!(
                            "{}: data value too large: {text} (max length={})",
                            field.label, field.length
                        ),
                    )
                    .field(&field.name));
                }
                // What XML can't carry is not kept.
                let kept: String = text
                    .chars()
                    .filter(|character| !character.is_control() || "\t\n\r".contains(*character))
                    .collect();
                if kept.trim().is_empty() {
                    Json::Null
                } else {
                    Json::String(kept.trim().to_owned())
                }
            }
            (_, other) => other.clone(),
        };
        row.set(&field.name, value);
    }
    Ok(row)
}

fn no_value(field: &Field, value: &Json) -> ApiError {
    let message = format!("Cannot deserialize instance of {} from value {value}", field.kind);
    ApiError::new("JSON_PARSER_ERROR", message).field(&field.name)
}

/// A time as the platform keeps it; a day by itself begins at midnight.
fn moment(text: &str) -> Option<String> {
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        _ => match text.split_at_checked(text.len().checked_sub(5)?) {
            Some((time, offset)) if offset.starts_with(['+', '-']) => {
                format!("{time}{}:{}", offset.get(..3)?, offset.get(3..)?)
            }
            _ => text.to_owned(),
        },
    };
    let time: jiff::Timestamp = whole.parse().ok()?;
    Some(crate::local_org::timestamp(time.as_second()))
}

/// Refuses a row that lacks one of these fields.
fn require(row: &Row, fields: &[&str]) -> Result<(), ApiError> {
    let missing: Vec<&str> = fields.iter().copied().filter(|field| row.lacks(field)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut error = ApiError::new(
        "REQUIRED_FIELD_MISSING",
        format!("Required fields are missing: [{}]", missing.join(", ")),
    );
    error.fields = missing.into_iter().map(str::to_owned).collect();
    Err(error)
}
