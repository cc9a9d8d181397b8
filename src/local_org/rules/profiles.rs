//! Profiles: made nearly empty, never deleted while a user has one (Object
//! Reference, `Profile`; Salesforce Help, "Delete Profiles").

use super::Org;
use super::licenses;
use super::prerequisites;
use super::require;
use crate::local_org::error::ApiError;
use crate::local_org::row::Row;

fn check_name(org: &Org, row: &Row, id: Option<&str>) -> Result<(), ApiError> {
    let Some(name) = row.text("Name") else { return Ok(()) };
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
    let license = row.text("UserLicenseId").unwrap_or_default().to_owned();
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
            row.set(&format!("Permissions{name}"), true);
        }
    }
    prerequisites::check_row(org, &row)?;
    row.set("UserType", "Standard");
    Ok(create(org, row, true))
}

/// Stores a profile and the set that it owns.
pub fn create(org: &mut Org, row: Row, is_custom: bool) -> String {
    let mut set = Row::new();
    for (field, value) in row.iter() {
        if field.starts_with("Permissions") || field == "Description" {
            set.set(field, value.clone());
        }
    }
    let id = org.store_new("Profile", row);
    set.set("Name", format!("X{id}"));
    set.set("Label", &id);
    set.set("ProfileId", &id);
    set.set("IsOwnedByProfile", true);
    set.set("IsCustom", is_custom);
    set.set("Type", "Profile");
    org.store_new("PermissionSet", set);
    id
}

pub fn update(org: &mut Org, id: &str, mut changes: Row) -> Result<(), ApiError> {
    check_name(org, &changes, Some(id))?;
    let renames_standard = changes.get("Name").is_some() && !is_custom(org, id);
    if renames_standard {
        return Err(ApiError::new(
            "INSUFFICIENT_ACCESS_OR_READONLY",
            "insufficient access rights on object id",
        ));
    }
    let mut row = org.store.get("Profile", id).cloned().unwrap_or_default();
    row.extend(changes.clone());
    changes.retain(|field| field.starts_with("Permissions"));
    prerequisites::check_row(org, &row)?;
    org.store_changed("Profile", row);
    if let Some(set) = owned_set(org, id) {
        let mut row = org.store.get("PermissionSet", &set).cloned().unwrap_or_default();
        row.extend(changes);
        org.store_changed("PermissionSet", row);
    }
    Ok(())
}

/// Whether a profile was made in this org.
pub fn is_custom(org: &Org, profile: &str) -> bool {
    owned_set(org, profile)
        .and_then(|set| org.store.get("PermissionSet", &set))
        .is_some_and(|set| set.is_on("IsCustom"))
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
