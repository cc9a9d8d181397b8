//! What the token's user may do, and what each write needs.
//!
//! The permissions are those that Salesforce Help names for the tasks in Setup
//! ("Permissions for User Management", "Manage Profiles and Permission Sets").

use serde_json::Value as Json;

use super::Org;
use crate::local_org::error::ApiError;
use crate::local_org::row::Row;

/// Whether the running user holds a system permission, by profile or set.
pub fn may(org: &Org, permission: &str) -> bool {
    // While it is filled the org has nobody to ask for.
    if org.running_user.is_empty() {
        return true;
    }
    let field = format!("Permissions{permission}");
    org.store.by("PermissionSetAssignment", "AssigneeId", &org.running_user).any(|assignment| {
        assignment
            .text("PermissionSetId")
            .and_then(|set| org.store.get("PermissionSet", set))
            .is_some_and(|set| set.is_on(&field))
    })
}

/// Refuses a write that the running user lacks the permission for.
///
/// # Errors
/// `INSUFFICIENT_ACCESS_OR_READONLY`, in the words of the platform.
pub fn check(org: &Org, object: &str) -> Result<(), ApiError> {
    let one_of: &[&str] = match object {
        "User" | "PermissionSetLicenseAssign" => &["ManageUsers", "ManageInternalUsers"],
        "UserPackageLicense" => &["ManagePackageLicenses"],
        "Group" | "GroupMember" | "QueueSobject" => &["ManageUsers"],
        "UserRole" => &["ManageRoles"],
        "UserLogin" => &["FreezeUsers", "ManageUsers"],
        "MutingPermissionSet"
        | "Profile"
        | "PermissionSet"
        | "PermissionSetGroup"
        | "ObjectPermissions"
        | "FieldPermissions"
        | "PermissionSetGroupComponent"
        | "SetupEntityAccess" => &["ManageProfilesPermissionsets"],
        "PermissionSetAssignment" => &["AssignPermissionSets"],
        "password" => &["ResetPasswords", "ManageUsers"],
        "metadata" => &["ModifyMetadata", "ModifyAllData"],
        other if org.schema.object(other).is_some_and(|object| object.is_setup) => {
            &["CustomizeApplication"]
        }
        _ => return Ok(()),
    };
    if one_of.iter().any(|permission| may(org, permission)) {
        return Ok(());
    }
    Err(ApiError::new("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id"))
}

/// Refuses to touch another user's password without the permission; one's own
/// is free.
///
/// # Errors
/// As [`check`].
pub fn check_password(org: &Org, user: &str) -> Result<(), ApiError> {
    if user == org.running_user { Ok(()) } else { check(org, "password") }
}

/// Brings the one row of `UserPermissionAccess` up to date, which queries show.
pub fn show(org: &mut Org) {
    const TABLE: &str = "UserPermissionAccess";
    let held = org.store.all(TABLE).next().and_then(|row| row.text("Id").map(str::to_owned));
    let id = held.unwrap_or_else(|| org.store_new(TABLE, Row::new()));
    let names: Vec<String> = org
        .schema
        .object(TABLE)
        .into_iter()
        .flat_map(|object| object.fields.iter())
        .filter_map(|field| field.name.strip_prefix("Permissions").map(str::to_owned))
        .collect();
    for name in names {
        let has = may(org, &name);
        org.store.set_computed(TABLE, &id, &format!("Permissions{name}"), Json::Bool(has));
    }
}
