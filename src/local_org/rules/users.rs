//! Users: unique names, seats, and never a delete (Object Reference, `User`).

use super::Org;
use super::licenses;
use super::require;
use crate::local_org::error::ApiError;
use crate::local_org::row::Cell;
use crate::local_org::row::Row;
use crate::local_org::schema::Field;

const REQUIRED: [&str; 9] = [
    "Username",
    "LastName",
    "Email",
    "Alias",
    "TimeZoneSidKey",
    "LocaleSidKey",
    "EmailEncodingKey",
    "LanguageLocaleKey",
    "ProfileId",
];

/// Fields that no two users share, with the refusal of a second one.
const UNIQUE: [(&str, &str, &str); 3] = [
    (
        "Username",
        "DUPLICATE_USERNAME",
        "Duplicate Username.<br>The username already exists in this or another Salesforce organization. Usernames must be unique across all Salesforce organizations. To resolve, use a different username (it doesn't need to match the user's email address).",
    ),
    (
        "CommunityNickname",
        "DUPLICATE_COMM_NICKNAME",
        "Duplicate Nickname.<br>Another user has already selected this nickname.<br>Please select another.",
    ),
    (
        "FederationIdentifier",
        "DUPLICATE_VALUE",
        "This Federation ID is already in use. Use a different Federation ID.",
    ),
];

fn is_email(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && domain.contains('.')
            && domain.split('.').all(|label| !label.is_empty())
            && !text.contains(char::is_whitespace)
    })
}

fn own_fields(org: &Org) -> impl Iterator<Item = &Field> {
    org.schema.object("User").into_iter().flat_map(|user| &user.fields)
}

fn check(org: &Org, row: &Row, id: Option<&str>) -> Result<(), ApiError> {
    if let Some(username) = row.text("Username")
        && !is_email(username)
    {
        return Err(ApiError::new(
                "FIELD_INTEGRITY_EXCEPTION",
                "Username must be in the form of an email address (for example, john@acme.com): Username",
            )
            .field("Username"));
    }
    if let Some(email) = row.text("Email")
        && !is_email(email)
    {
        return Err(ApiError::new(
            "INVALID_EMAIL_ADDRESS",
            format!("Email: invalid email address: {email}"),
        )
        .field("Email"));
    }
    for (field, code, message) in UNIQUE {
        let Some(value) = row.text(field) else { continue };
        let mut holders = org.store.by("User", field, value);
        if holders.any(|holder| holder.text("Id") != id) {
            return Err(ApiError::new(code, message).field(field));
        }
    }
    for field in own_fields(org) {
        let is_locale = field.name == "LocaleSidKey";
        if field.values.is_empty() && !is_locale {
            continue;
        }
        let Some(value) = row.text(&field.name) else { continue };
        let is_value = |value: &str| {
            if is_locale {
                value.starts_with(|first: char| first.is_ascii_lowercase())
            } else {
                field.values.iter().any(|held| held == value)
            }
        };
        if !value.split(';').all(is_value) {
            return Err(ApiError::new(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                format!("{}: bad value for restricted picklist field: {value}", field.label),
            )
            .field(&field.name));
        }
    }
    for (field, object) in [("UserRoleId", "UserRole"), ("ManagerId", "User")] {
        if let Some(id) = row.text(field)
            && org.store.get(object, id).is_none()
        {
            return Err(ApiError::new(
                "INVALID_CROSS_REFERENCE_KEY",
                format!("{field}: id value of incorrect type: {id}"),
            )
            .field(field));
        }
    }
    if row.text("StateCode").is_some() && row.text("CountryCode").is_none() && id.is_none() {
        return Err(ApiError::new(
            "FIELD_INTEGRITY_EXCEPTION",
            "A country/territory must be specified before specifying a state value for field: State/Province",
        )
        .field("State"));
    }
    if row.text("Title") == Some("Refused") {
        match org.user_rule.as_deref() {
            Some("validation") => {
                return Err(ApiError::new(
                    "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                    "Titles have to come from HR",
                )
                .field("Title"));
            }
            Some("trigger") => {
                return Err(ApiError::new(
                    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                    "UserTrigger: execution of BeforeInsert\n\ncaused by: System.NullPointerException: Attempt to de-reference a null object\n\nTrigger.UserTrigger: line 7, column 1",
                ));
            }
            _ => {}
        }
    }
    if let Some(profile) = row.text("ProfileId")
        && org.store.get("Profile", profile).is_none()
    {
        return Err(ApiError::new(
            "INVALID_CROSS_REFERENCE_KEY",
            format!("Profile ID: id value of incorrect type: {profile}"),
        )
        .field("ProfileId"));
    }
    Ok(())
}

pub fn insert(org: &mut Org, mut row: Row) -> Result<String, ApiError> {
    require(&row, &REQUIRED)?;
    let own: Vec<&str> = own_fields(org)
        .filter(|field| field.name.ends_with("__c") && !field.nillable)
        .map(|field| field.name.as_str())
        .collect();
    require(&row, &own)?;
    check(org, &row, None)?;
    let profile = row.text("ProfileId").unwrap_or_default().to_owned();
    let is_active = row.get("IsActive").and_then(Cell::as_bool).unwrap_or(true);
    row.set("IsActive", is_active);
    if is_active {
        licenses::take_user_seat(org, &profile)?;
    }
    if row.text("CommunityNickname").is_none() {
        let local = row.text("Username").unwrap_or_default().split('@').next().unwrap_or_default();
        let mut nickname: String = local.chars().take(30).collect();
        let mut number = 1;
        while org.store.count_by("User", "CommunityNickname", &nickname) > 0 {
            nickname = format!("{}{number}", local.chars().take(30).collect::<String>());
            number += 1;
        }
        row.set("CommunityNickname", nickname);
    }
    set_name(&mut row);
    row.set("UserType", "Standard");
    let id = org.store_new("User", row);
    hold_profile_set(org, &id, &profile);
    if org.doubts.login_rows {
        let mut login = Row::new();
        login.set("UserId", &id);
        login.set("IsFrozen", false);
        login.set("IsPasswordLocked", false);
        org.store_new("UserLogin", login);
    }
    Ok(id)
}

/// Every user has one assignment for the set that its profile owns.
fn hold_profile_set(org: &mut Org, user: &str, profile: &str) {
    let Some(set) = org.store.ids_by("PermissionSet", "ProfileId", profile).into_iter().next()
    else {
        return;
    };
    let mut row = Row::new();
    row.set("AssigneeId", user);
    row.set("PermissionSetId", set);
    row.set("IsActive", true);
    org.store_new("PermissionSetAssignment", row);
}

fn set_name(row: &mut Row) {
    let first = row.text("FirstName").map(str::to_owned);
    let last = row.text("LastName").unwrap_or_default().to_owned();
    let name = first.map_or_else(|| last.clone(), |first| format!("{first} {last}"));
    row.set("Name", name);
}

pub fn update(org: &mut Org, id: &str, mut changes: Row) -> Result<(), ApiError> {
    check(org, &changes, Some(id))?;
    if org.doubts.email_changes_wait {
        changes.remove("Email");
    }
    let before = org.store.get("User", id).cloned().unwrap_or_default();
    let mut row = before.clone();
    row.extend(changes);
    require(&row, &REQUIRED)?;
    set_name(&mut row);
    let active = |row: &Row| row.get("IsActive").and_then(Cell::as_bool).unwrap_or(false);
    let (was_active, is_active) = (active(&before), active(&row));
    if was_active && !is_active {
        if id == org.running_user {
            return Err(ApiError::new(
                "FIELD_INTEGRITY_EXCEPTION",
                "You can't deactivate yourself.",
            )
            .field("IsActive"));
        }
        if org.workflow_user.is_some() && row.text("Username") == org.workflow_user.as_deref() {
            return Err(ApiError::new(
                "FIELD_INTEGRITY_EXCEPTION",
                "This user can't be deactivated because it is the default workflow user.",
            )
            .field("IsActive"));
        }
        if licenses::is_last_admin(org, id) {
            return Err(ApiError::new(
                "FIELD_INTEGRITY_EXCEPTION",
                "At least one active user must have the Modify All Data permission.",
            )
            .field("IsActive"));
        }
    }
    let old_profile = before.text("ProfileId").unwrap_or_default().to_owned();
    let profile = row.text("ProfileId").unwrap_or_default().to_owned();
    let new_seat = !was_active
        || licenses::license_of_profile(org, &old_profile)
            != licenses::license_of_profile(org, &profile);
    if is_active && new_seat {
        licenses::take_user_seat(org, &profile)?;
    }
    org.store_changed("User", row);
    if old_profile != profile {
        let held: Vec<String> = org
            .store
            .by("PermissionSetAssignment", "AssigneeId", id)
            .filter(|assignment| {
                assignment
                    .text("PermissionSetId")
                    .and_then(|set| org.store.get("PermissionSet", set))
                    .is_some_and(|set| set.is_on("IsOwnedByProfile"))
            })
            .filter_map(|assignment| assignment.text("Id").map(str::to_owned))
            .collect();
        for assignment in held {
            org.store.delete("PermissionSetAssignment", &assignment);
        }
        hold_profile_set(org, id, &profile);
    }
    Ok(())
}

pub fn update_login(org: &mut Org, id: &str, changes: Row) -> Result<(), ApiError> {
    let mut row = org.store.get("UserLogin", id).cloned().unwrap_or_default();
    if changes.is_on("IsPasswordLocked") {
        return Err(ApiError::new(
            "FIELD_INTEGRITY_EXCEPTION",
            "IsPasswordLocked can only be set to false",
        )
        .field("IsPasswordLocked"));
    }
    let freezes = changes.is_on("IsFrozen");
    if freezes && row.text("UserId") == Some(org.running_user.as_str()) {
        return Err(ApiError::new("FIELD_INTEGRITY_EXCEPTION", "You can't freeze yourself.")
            .field("IsFrozen"));
    }
    row.extend(changes);
    org.store_changed("UserLogin", row);
    Ok(())
}

/// Sets a password. It is not kept: nobody signs in with one here.
///
/// # Errors
/// `INVALID_NEW_PASSWORD`, in the words of the default policy.
pub fn set_password(org: &mut Org, id: &str, new: &str) -> Result<(), ApiError> {
    let mut user = org.store.get("User", id).cloned().ok_or_else(ApiError::not_found)?;
    if new.chars().count() < 8 {
        return Err(ApiError::new(
            "INVALID_NEW_PASSWORD",
            "Your password must be at least 8 characters long",
        ));
    }
    user.set("LastPasswordChangeDate", &org.now);
    org.store_changed("User", user);
    Ok(())
}
