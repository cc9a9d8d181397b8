//! Profiles: made nearly empty, never deleted while a user has one (Object
//! Reference, `Profile`; Salesforce Help, "Delete Profiles").

use serde_json::Value as Json;

use super::Org;
use super::licenses;
use super::prerequisites;
use super::require;
use crate::local_org::error::ApiError;
use crate::local_org::store::Row;

fn check_name(org: &Org, row: &Row, id: Option<&str>) -> Result<(), ApiError> {
    let Some(name) = row.get("Name").and_then(Json::as_str) else { return Ok(()) };
    let is_taken =
        org.store.ids_by("Profile", "Name", name).iter().any(|holder| Some(holder.as_str()) != id);
    if is_taken {
        return Err(ApiError::new(
            "FIELD_INTEGRITY_EXCEPTION",
            "The profile name is already in use",
        )
        .field("Name"));
    }
    Ok(())
}

/// The id of the set that a profile owns.
pub fn owned_set(org: &Org, profile: &str) -> Option<String> {
    org.store.ids_by("PermissionSet", "ProfileId", profile).into_iter().next()
}

pub fn insert(org: &mut Org, mut row: Row) -> Result<String, ApiError> {
    require(&row, &["Name", "UserLicenseId"])?;
    check_name(org, &row, None)?;
    let license = row.get("UserLicenseId").and_then(Json::as_str).unwrap_or_default().to_owned();
    if org.store.get("UserLicense", &license).is_none() {
        return Err(ApiError::new(
            "INVALID_CROSS_REFERENCE_KEY",
            format!("User License ID: id value of incorrect type: {license}"),
        )
        .field("UserLicenseId"));
    }
    // It starts empty apart from what the license requires.
    if org.text("UserLicense", &license, "Name") == Some(licenses::INTEGRATION) {
        for name in ["ApiEnabled", "ApiUserOnly"] {
            row.insert(format!("Permissions{name}"), Json::Bool(true));
        }
    }
    prerequisites::check_row(org, &row)?;
    row.insert("UserType".to_owned(), Json::String("Standard".to_owned()));
    Ok(create(org, row, true))
}

/// Stores a profile and the set that it owns.
pub fn create(org: &mut Org, row: Row, is_custom: bool) -> String {
    let mut set = Row::new();
    for (field, value) in &row {
        if field.starts_with("Permissions") || field == "Description" {
            set.insert(field.clone(), value.clone());
        }
    }
    let id = org.store_new("Profile", row);
    set.insert("Name".to_owned(), Json::String(format!("X{id}")));
    set.insert("Label".to_owned(), Json::String(id.clone()));
    set.insert("ProfileId".to_owned(), Json::String(id.clone()));
    set.insert("IsOwnedByProfile".to_owned(), Json::Bool(true));
    set.insert("IsCustom".to_owned(), Json::Bool(is_custom));
    set.insert("Type".to_owned(), Json::String("Profile".to_owned()));
    org.store_new("PermissionSet", set);
    id
}

pub fn update(org: &mut Org, id: &str, changes: Row) -> Result<(), ApiError> {
    check_name(org, &changes, Some(id))?;
    let renames_standard = changes.contains_key("Name") && !is_custom(org, id);
    if renames_standard {
        return Err(ApiError::new(
            "INSUFFICIENT_ACCESS_OR_READONLY",
            "insufficient access rights on object id",
        ));
    }
    let mut row = org.store.get("Profile", id).cloned().unwrap_or_default();
    row.extend(changes.clone());
    prerequisites::check_row(org, &row)?;
    org.store_changed("Profile", row);
    if let Some(set) = owned_set(org, id) {
        let mut row = org.store.get("PermissionSet", &set).cloned().unwrap_or_default();
        row.extend(changes.into_iter().filter(|(field, _)| field.starts_with("Permissions")));
        org.store_changed("PermissionSet", row);
    }
    Ok(())
}

/// Whether a profile was made in this org.
pub fn is_custom(org: &Org, profile: &str) -> bool {
    owned_set(org, profile)
        .and_then(|set| org.store.get("PermissionSet", &set))
        .is_some_and(|set| set.get("IsCustom") == Some(&Json::Bool(true)))
}

pub fn delete(org: &mut Org, id: &str) -> Result<(), ApiError> {
    if !is_custom(org, id) {
        return Err(ApiError::new(
            "INSUFFICIENT_ACCESS_OR_READONLY",
            "insufficient access rights on object id",
        ));
    }
    if org.store.count_by("User", "ProfileId", id) > 0 {
        return Err(ApiError::new(
            "DELETE_FAILED",
            "You can't delete a profile that's assigned to a user, even if the user is inactive.",
        ));
    }
    if let Some(set) = owned_set(org, id) {
        super::sets::delete_with_children(org, &set);
    }
    org.store.delete("Profile", id);
    Ok(())
}
