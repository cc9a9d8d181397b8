//! Licenses: seats, and what each lets a user hold.

use super::Org;
use crate::local_org::error::ApiError;
use crate::local_org::row::Cell;
use crate::local_org::row::Row;

/// The user license that starts with next to nothing; the permission set
/// license below opens it (Salesforce Help, "Give Integration Users API Only
/// Access").
pub const INTEGRATION: &str = "Salesforce Integration";
/// Lets a Salesforce Integration user hold what sets grant.
pub const INTEGRATION_PSL: &str = "SalesforceAPIIntegrationPsl";
/// What the Salesforce Integration license allows by itself (seen in real
/// orgs' API-only profiles).
pub const INTEGRATION_ALLOWS: [&str; 3] = ["ApiEnabled", "ApiUserOnly", "ChatterInternalUser"];

fn number(row: &Row, field: &str) -> i64 {
    row.number(field).unwrap_or(0)
}

/// The id of a profile's user license.
pub fn license_of_profile(org: &Org, profile: &str) -> Option<String> {
    org.text("Profile", profile, "UserLicenseId").map(str::to_owned)
}

/// The name of a user's license.
pub fn license_of_user(org: &Org, user: &str) -> Option<String> {
    let profile = org.text("User", user, "ProfileId")?;
    let license = license_of_profile(org, profile)?;
    org.text("UserLicense", &license, "Name").map(str::to_owned)
}

/// How many active users hold a user license.
pub fn used_user_seats(org: &Org, license: &str) -> i64 {
    let profiles = org.store.ids_by("Profile", "UserLicenseId", license);
    profiles.iter().map(|profile| org.store.active_users(profile)).sum()
}

/// Refuses a user beyond the license's seats.
pub fn take_user_seat(org: &mut Org, profile: &str) -> Result<(), ApiError> {
    let Some(license) = license_of_profile(org, profile) else { return Ok(()) };
    let total =
        org.store.get("UserLicense", &license).map_or(0, |row| number(row, "TotalLicenses"));
    if total >= 0 && used_user_seats(org, &license) >= total {
        return Err(ApiError::new("LICENSE_LIMIT_EXCEEDED", "License Limit Exceeded"));
    }
    Ok(())
}

/// Refuses an assignment beyond the permission set license's seats.
pub fn take_set_license_seat(org: &mut Org, license: &str) -> Result<(), ApiError> {
    let total = org
        .store
        .get("PermissionSetLicense", license)
        .map_or(0, |row| number(row, "TotalLicenses"));
    let used = org.store.count_by("PermissionSetLicenseAssign", "PermissionSetLicenseId", license);
    if total >= 0 && i64::try_from(used).unwrap_or(i64::MAX) >= total {
        return Err(ApiError::new("LICENSE_LIMIT_EXCEEDED", "License Limit Exceeded"));
    }
    Ok(())
}

/// Whether this is the only active user with Modify All Data.
pub fn is_last_admin(org: &Org, user: &str) -> bool {
    let has = |id: &str| {
        org.store.by("PermissionSetAssignment", "AssigneeId", id).any(|assignment| {
            assignment
                .text("PermissionSetId")
                .and_then(|set| org.store.get("PermissionSet", set))
                .is_some_and(|set| set.is_on("PermissionsModifyAllData"))
        })
    };
    if !has(user) {
        return false;
    }
    let is_another_active =
        |id: &str| id != user && org.store.get("User", id).is_some_and(|row| row.is_on("IsActive"));
    !org.store
        .all("PermissionSet")
        .filter(|set| set.is_on("PermissionsModifyAllData"))
        .filter_map(|set| set.text("Id"))
        .flat_map(|set| org.store.by("PermissionSetAssignment", "PermissionSetId", set))
        .filter_map(|assignment| assignment.text("AssigneeId"))
        .any(is_another_active)
}

/// Whether a user holds a permission set license.
pub fn holds_set_license(org: &Org, user: &str, license: &str) -> bool {
    org.store
        .by("PermissionSetLicenseAssign", "AssigneeId", user)
        .any(|held| held.text("PermissionSetLicenseId") == Some(license))
}

/// The id of a permission set license by developer name.
pub fn set_license_id(org: &Org, developer_name: &str) -> Option<String> {
    org.store
        .all("PermissionSetLicense")
        .find(|row| row.text("DeveloperName") == Some(developer_name))
        .and_then(|row| row.text("Id"))
        .map(str::to_owned)
}

/// The first permission of a set that a user's licenses don't allow, in the
/// words of the refusal.
pub fn not_allowed(org: &Org, user: &str, set: &str) -> Option<String> {
    if license_of_user(org, user).as_deref() != Some(INTEGRATION) {
        return None;
    }
    let opened = set_license_id(org, INTEGRATION_PSL)
        .is_some_and(|license| holds_set_license(org, user, &license));
    if !opened {
        return beyond_integration(org, set);
    }
    let row = org.store.get("PermissionSet", set)?;
    let gives_all = row.is_on("PermissionsModifyAllData");
    let carries = row.get("LicenseId").is_some_and(|license| !license.is_null());
    let is_refused = gives_all && !carries && !org.doubts.all_data_without_set_license;
    is_refused.then(|| "Modify All Data".to_owned())
}

/// The first permission of a set that the Salesforce Integration license does
/// not allow by itself: an object permission if there is one.
pub fn beyond_integration(org: &Org, set: &str) -> Option<String> {
    let mut objects: Vec<(&str, &str)> = org
        .store
        .by("ObjectPermissions", "ParentId", set)
        .filter_map(|row| Some((row.text("SobjectType")?, "Read")))
        .collect();
    objects.sort_unstable();
    if let Some((object, verb)) = objects.first() {
        return Some(format!("{verb} {object}s"));
    }
    let row = org.store.get("PermissionSet", set)?;
    row.iter()
        .filter(|(_, value)| **value == Cell::Flag(true))
        .filter_map(|(field, _)| field.strip_prefix("Permissions"))
        .find(|name| !INTEGRATION_ALLOWS.contains(name))
        .map(|name| {
            let field = format!("Permissions{name}");
            org.schema
                .object("PermissionSet")
                .and_then(|object| object.field(&field))
                .map_or_else(|| name.to_owned(), |field| field.label.clone())
        })
}

/// The package license that a packaged set needs for each user; `None` for a
/// set of no package, or of one with a site license.
fn package_license(org: &Org, set: &str) -> Option<(String, i64)> {
    let namespace = org.text("PermissionSet", set, "NamespacePrefix")?;
    let package = org
        .store
        .all("PackageLicense")
        .find(|row| row.text("NamespacePrefix") == Some(namespace))?;
    let allowed = number(package, "AllowedLicenses");
    (allowed >= 0).then(|| (row_id(package), allowed))
}

fn row_id(row: &Row) -> String {
    row.text("Id").unwrap_or_default().to_owned()
}

fn holds_package(org: &Org, user: &str, package: &str) -> bool {
    org.store
        .by("UserPackageLicense", "UserId", user)
        .any(|held| held.text("PackageLicenseId") == Some(package))
}

fn used_package_seats(org: &Org, package: &str) -> usize {
    org.store.count_by("UserPackageLicense", "PackageLicenseId", package)
}

/// Refuses a packaged set to a user without a license of its package.
///
/// # Errors
/// `PACKAGE_LICENSE_REQUIRED`.
pub fn check_package(org: &Org, user: &str, set: &str) -> Result<(), ApiError> {
    match package_license(org, set) {
        Some((package, _)) if !holds_package(org, user, &package) => Err(ApiError::new(
            "PACKAGE_LICENSE_REQUIRED",
            "The user needs a license of the package that the permission set belongs to",
        )),
        _ => Ok(()),
    }
}

/// Gives a user a license of a package.
///
/// # Errors
/// When no seat is left.
pub fn insert_package_license(org: &mut Org, row: Row) -> Result<String, ApiError> {
    let package = row.text("PackageLicenseId").unwrap_or_default();
    let user = row.text("UserId").unwrap_or_default();
    if holds_package(org, user, package) {
        return Err(ApiError::new("DUPLICATE_VALUE", "duplicate value found: PackageLicenseId"));
    }
    let allowed =
        org.store.get("PackageLicense", package).map_or(-1, |row| number(row, "AllowedLicenses"));
    let used = used_package_seats(org, package);
    if allowed >= 0 && i64::try_from(used).unwrap_or(i64::MAX) >= allowed {
        return Err(ApiError::new("LICENSE_LIMIT_EXCEEDED", "License Limit Exceeded"));
    }
    Ok(org.store_new("UserPackageLicense", row))
}

/// Brings the counts of taken seats up to date, which queries show.
pub fn count_seats(org: &mut Org) {
    let ids = |object: &str| -> Vec<String> {
        org.store.all(object).filter_map(|row| row.text("Id").map(str::to_owned)).collect()
    };
    let (user_licenses, set_licenses) = (ids("UserLicense"), ids("PermissionSetLicense"));
    let packages = ids("PackageLicense");
    for license in user_licenses {
        let used = used_user_seats(org, &license);
        org.store.set_computed("UserLicense", &license, "UsedLicenses", used);
    }
    for package in packages {
        let used = used_package_seats(org, &package);
        org.store.set_computed("PackageLicense", &package, "UsedLicenses", used);
    }
    for license in set_licenses {
        let used =
            org.store.count_by("PermissionSetLicenseAssign", "PermissionSetLicenseId", &license);
        org.store.set_computed("PermissionSetLicense", &license, "UsedLicenses", used);
    }
}
