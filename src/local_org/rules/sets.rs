//! Permission sets and the rows below them, as the data API writes them.

use super::Org;
use super::groups;
use super::prerequisites;
use super::require;
use crate::local_org::error::ApiError;
use crate::local_org::row::Row;

fn is_api_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && !name.ends_with('_')
        && !name.contains("__")
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

/// A set of this org, without its contents.
pub fn new_set_row(name: &str, label: &str) -> Row {
    let mut row = Row::new();
    row.set("Name", name);
    row.set("Label", label);
    row.set("IsCustom", true);
    row.set("IsOwnedByProfile", false);
    row.set("HasActivationRequired", false);
    row.set("Type", "Regular");
    row
}

/// The full name of a set: a package's has its namespace in front.
pub fn full_name(row: &Row) -> String {
    match row.text_or_empty("NamespacePrefix") {
        "" => row.text_or_empty("Name").to_owned(),
        namespace => format!("{namespace}__{}", row.text_or_empty("Name")),
    }
}

/// The set of this org (no package's, no profile's) that has a name.
pub fn own_set(org: &Org, name: &str) -> Option<String> {
    org.store
        .by("PermissionSet", "Name", name)
        .find(|row| row.lacks("NamespacePrefix"))
        .map(|row| row.text_or_empty("Id").to_owned())
}

fn check(org: &Org, row: &Row, id: Option<&str>) -> Result<(), ApiError> {
    let name = row.text_or_empty("Name");
    if !name.is_empty() {
        if !is_api_name(name) {
            return Err(ApiError::new(
                "INVALID_FIELD",
                "The API Name can only contain underscores and alphanumeric characters. It must be unique, begin with a letter, not include spaces, not end with an underscore, and not contain two consecutive underscores.",
            )
            .field("Name"));
        }
        if own_set(org, name).is_some_and(|holder| Some(holder.as_str()) != id) {
            return Err(ApiError::new(
                "DUPLICATE_DEVELOPER_NAME",
                "The name you specified is already in use. Please specify a unique name.",
            )
            .field("Name"));
        }
    }
    let license = row.text_or_empty("LicenseId");
    if !license.is_empty()
        && org.store.get("PermissionSetLicense", license).is_none()
        && org.store.get("UserLicense", license).is_none()
    {
        return Err(ApiError::new(
            "INVALID_CROSS_REFERENCE_KEY",
            format!("License ID: id value of incorrect type: {license}"),
        )
        .field("LicenseId"));
    }
    prerequisites::check_row(org, row)
}

/// Refuses a change of a set that belongs to a profile or a package.
pub fn refuse_foreign(org: &Org, id: &str) -> Result<(), ApiError> {
    let row = org.store.get("PermissionSet", id).cloned().unwrap_or_default();
    if row.is_on("IsOwnedByProfile") {
        return Err(ApiError::new(
            "INSUFFICIENT_ACCESS_OR_READONLY",
            "insufficient access rights on object id",
        ));
    }
    if !row.text_or_empty("NamespacePrefix").is_empty() {
        return Err(ApiError::new(
            "CANNOT_MODIFY_MANAGED_OBJECT",
            "Cannot modify managed object: entity=PermissionSet",
        ));
    }
    Ok(())
}

pub fn insert(org: &mut Org, row: Row) -> Result<String, ApiError> {
    require(&row, &["Name", "Label"])?;
    let mut whole = new_set_row("", "");
    whole.extend(row);
    check(org, &whole, None)?;
    Ok(org.store_new("PermissionSet", whole))
}

pub fn update(org: &mut Org, id: &str, changes: Row) -> Result<(), ApiError> {
    refuse_foreign(org, id)?;
    let mut row = org.store.get("PermissionSet", id).cloned().unwrap_or_default();
    row.extend(changes);
    require(&row, &["Name", "Label"])?;
    check(org, &row, Some(id))?;
    org.store_changed("PermissionSet", row);
    Ok(())
}

pub fn delete(org: &mut Org, id: &str) -> Result<(), ApiError> {
    let row = org.store.get("PermissionSet", id).cloned().unwrap_or_default();
    if !row.text_or_empty("NamespacePrefix").is_empty() {
        return Err(ApiError::new(
            "CANNOT_DELETE_MANAGED_OBJECT",
            "Cannot delete managed object: entity=PermissionSet",
        ));
    }
    refuse_foreign(org, id)?;
    if org.store.count_by("PermissionSetAssignment", "PermissionSetId", id) > 0 {
        return Err(ApiError::new(
            "DELETE_FAILED",
            "Permission sets cannot be deleted if assigned to users.",
        ));
    }
    if groups::is_member(org, id) {
        return Err(ApiError::new(
            "DELETE_FAILED",
            "Permission sets cannot be deleted if they are in a permission set group.",
        ));
    }
    delete_with_children(org, id);
    Ok(())
}

/// Deletes a set and the rows below it.
pub fn delete_with_children(org: &mut Org, id: &str) {
    for object in ["ObjectPermissions", "FieldPermissions"] {
        for child in org.store.ids_by(object, "ParentId", id) {
            org.store.delete(object, &child);
        }
    }
    for access in org.store.ids_by("SetupEntityAccess", "ParentId", id) {
        org.store.delete("SetupEntityAccess", &access);
    }
    super::sections::remove(org, id);
    org.store.delete("PermissionSet", id);
}
