//! Assignments of sets and of permission set licenses.

use super::Org;
use super::groups;
use super::licenses;
use super::require;
use crate::local_org::error::ApiError;
use crate::local_org::row::Row;

fn check_reference(org: &Org, row: &Row, field: &str, object: &str) -> Result<(), ApiError> {
    let id = row.text_or_empty(field);
    if org.store.get(object, id).is_some() {
        return Ok(());
    }
    Err(ApiError::new(
        "INVALID_CROSS_REFERENCE_KEY",
        format!("{field}: id value of incorrect type: {id}"),
    )
    .field(field))
}

pub fn insert_set(org: &mut Org, mut row: Row) -> Result<String, ApiError> {
    let group = row.text_or_empty("PermissionSetGroupId").to_owned();
    if !group.is_empty() {
        check_reference(org, &row, "PermissionSetGroupId", "PermissionSetGroup")?;
        groups::check_status(org, &group)?;
        // The row shows the set that the org works out for the group.
        let set = groups::aggregate(org, &group).unwrap_or_default();
        row.set("PermissionSetId", set);
    }
    require(&row, &["AssigneeId", "PermissionSetId"])?;
    check_reference(org, &row, "AssigneeId", "User")?;
    check_reference(org, &row, "PermissionSetId", "PermissionSet")?;
    let (user, set) = (
        row.text_or_empty("AssigneeId").to_owned(),
        row.text_or_empty("PermissionSetId").to_owned(),
    );
    // A user has the set of its profile and of no other.
    let is_owned =
        org.store.get("PermissionSet", &set).is_some_and(|row| row.is_on("IsOwnedByProfile"));
    if is_owned {
        return Err(ApiError::new(
            "FIELD_INTEGRITY_EXCEPTION",
            "You can't assign a permission set that is owned by a profile.",
        )
        .field("PermissionSetId"));
    }
    let is_held = org
        .store
        .by("PermissionSetAssignment", "AssigneeId", &user)
        .any(|held| held.text_or_empty("PermissionSetId") == set);
    if is_held {
        return Err(ApiError::new(
            "DUPLICATE_VALUE",
            format!("Duplicate PermissionSetAssignment. Assignee: {user}; Permission Set: {set}"),
        )
        .field("AssigneeId")
        .field("PermissionSetId"));
    }
    // A set that carries a permission set license brings it along (Salesforce
    // Help, "Permission Set Licenses and Permission Sets").
    for held in groups::members(org, &group).iter().chain([&set]) {
        if let Some(license) = org.text("PermissionSet", held, "LicenseId").map(str::to_owned)
            && license.starts_with("0PL")
            && !licenses::holds_set_license(org, &user, &license)
        {
            licenses::take_set_license_seat(org, &license)?;
            let mut assignment = Row::new();
            assignment.set("AssigneeId", &user);
            assignment.set("PermissionSetLicenseId", license);
            org.store_new("PermissionSetLicenseAssign", assignment);
        }
        licenses::check_package(org, &user, held)?;
    }
    if let Some(permission) = licenses::not_allowed(org, &user, &set) {
        let label = org.text("PermissionSet", &set, "Label").unwrap_or_default();
        let name = org.text("User", &user, "Name").unwrap_or_default();
        return Err(ApiError::new(
            "FIELD_INTEGRITY_EXCEPTION",
            format!("Can't assign permission set {label} to user {name}. The user license doesn't allow the permission: {permission}"),
        )
        .field("PermissionSetId"));
    }
    row.set("IsActive", true);
    Ok(org.store_new("PermissionSetAssignment", row))
}

pub fn delete_set(org: &mut Org, id: &str) -> Result<(), ApiError> {
    let row = org.store.get("PermissionSetAssignment", id).cloned().unwrap_or_default();
    let (user, set) = (
        row.text_or_empty("AssigneeId").to_owned(),
        row.text_or_empty("PermissionSetId").to_owned(),
    );
    let held = org.store.get("PermissionSet", &set).cloned().unwrap_or_default();
    if held.is_on("IsOwnedByProfile") {
        return Err(ApiError::new(
            "INSUFFICIENT_ACCESS_OR_READONLY",
            "insufficient access rights on object id",
        ));
    }
    org.store.delete("PermissionSetAssignment", id);
    // The license leaves with the set "in most cases" (Salesforce Help,
    // "Remove Permission Set Licenses"): always where the set carries it; for
    // one that was assigned by hand, real orgs may go either way.
    let carried = held.text("LicenseId").filter(|id| id.starts_with("0PL"));
    let license = match carried {
        Some(license) => Some(license.to_owned()),
        None if org.doubts.sets_take_their_license_along => {
            licenses::set_license_id(org, licenses::INTEGRATION_PSL)
        }
        None => None,
    };
    if let Some(license) = license
        && !needs_license(org, &user, &license)
    {
        let ids: Vec<String> = org
            .store
            .by("PermissionSetLicenseAssign", "AssigneeId", &user)
            .filter(|held| held.text_or_empty("PermissionSetLicenseId") == license)
            .map(|held| held.text_or_empty("Id").to_owned())
            .collect();
        for id in ids {
            org.store.delete("PermissionSetLicenseAssign", &id);
        }
    }
    Ok(())
}

/// Whether a set that a user holds needs a permission set license.
fn needs_license(org: &Org, user: &str, license: &str) -> bool {
    let is_integration = org.text("PermissionSetLicense", license, "DeveloperName")
        == Some(licenses::INTEGRATION_PSL)
        && licenses::license_of_user(org, user).as_deref() == Some(licenses::INTEGRATION);
    org.store.by("PermissionSetAssignment", "AssigneeId", user).any(|assignment| {
        let set = assignment.text_or_empty("PermissionSetId");
        let row = org.store.get("PermissionSet", set);
        let is_owned = row.is_some_and(|row| row.is_on("IsOwnedByProfile"));
        let carries = row.and_then(|row| row.text("LicenseId")) == Some(license);
        !is_owned
            && (carries || (is_integration && licenses::beyond_integration(org, set).is_some()))
    })
}

pub fn insert_license(org: &mut Org, row: Row) -> Result<String, ApiError> {
    require(&row, &["AssigneeId", "PermissionSetLicenseId"])?;
    check_reference(org, &row, "AssigneeId", "User")?;
    check_reference(org, &row, "PermissionSetLicenseId", "PermissionSetLicense")?;
    let (user, license) = (
        row.text_or_empty("AssigneeId").to_owned(),
        row.text_or_empty("PermissionSetLicenseId").to_owned(),
    );
    let held = org
        .store
        .by("PermissionSetLicenseAssign", "AssigneeId", &user)
        .find(|held| held.text_or_empty("PermissionSetLicenseId") == license);
    if let Some(held) = held {
        return Err(ApiError::new(
            "DUPLICATE_VALUE",
            format!(
                "duplicate value found: AssigneeId duplicates value on record with id: {}",
                held.text_or_empty("Id")
            ),
        ));
    }
    licenses::take_set_license_seat(org, &license)?;
    Ok(org.store_new("PermissionSetLicenseAssign", row))
}

pub fn delete_license(org: &mut Org, id: &str) -> Result<(), ApiError> {
    let row = org.store.get("PermissionSetLicenseAssign", id).cloned().unwrap_or_default();
    let (user, license) =
        (row.text_or_empty("AssigneeId"), row.text_or_empty("PermissionSetLicenseId"));
    if needs_license(org, user, license) {
        return Err(ApiError::new(
            "FIELD_INTEGRITY_EXCEPTION",
            "The permission set license can't be removed while a permission set that the user holds needs it.",
        ));
    }
    org.store.delete("PermissionSetLicenseAssign", id);
    Ok(())
}

/// Whether the active user access policy does that with the set of a row.
fn policy_is(org: &Org, what: &str, row: &Row) -> bool {
    let name = org.text("PermissionSet", row.text_or_empty("PermissionSetId"), "Name");
    let policy = org.access_policy.as_ref().and_then(|policy| policy.split_once(':'));
    policy.is_some_and(|(does, set)| does == what && Some(set) == name)
}

/// A user access policy gives a set again that was taken off.
pub fn policy_grants(org: &mut Org, mut row: Row) -> Result<(), ApiError> {
    if policy_is(org, "grant", &row) {
        row.remove("Id");
        insert_set(org, row)?;
    }
    Ok(())
}

/// A user access policy takes a set off that was given.
pub fn policy_revokes(org: &mut Org, id: &str) -> Result<(), ApiError> {
    let row = org.store.get("PermissionSetAssignment", id).cloned().unwrap_or_default();
    if policy_is(org, "revoke", &row) { delete_set(org, id) } else { Ok(()) }
}
