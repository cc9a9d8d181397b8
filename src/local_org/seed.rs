//! What a new org starts with: the licenses, profiles and packages of a new
//! Enterprise Edition org, and an admin.

use serde_json::Value as Json;
use serde_json::json;

use super::options::Seed;
use super::row::Row;
use super::row::row;
use super::rules::Entries;
use super::rules::Fields;
use super::rules::Org;
use super::rules::new_set_row;

/// The admin's username.
pub const ADMIN: &str = "admin@local.orgform.example";

/// User licenses: name, seats, definition key. Five Salesforce Integration seats come with an
/// Enterprise Edition org.
const USER_LICENSES: [(&str, i64, &str); 5] = [
    ("Salesforce", 100, "SFDC"),
    ("Salesforce Platform", 50, "AUL"),
    ("Salesforce Integration", 5, "INTEGRATION"),
    ("Customer Community", 10, "PID_Customer_Community"),
    ("Identity", 100, "PID_IDENTITY"),
];

/// Permission set licenses: developer name, label, seats.
const SET_LICENSES: [(&str, &str, i64); 3] = [
    ("SalesforceAPIIntegrationPsl", "Salesforce API Integration", 5),
    ("IdentityConnect", "Identity Connect", 0),
    ("SalesConsoleUser", "Sales Console User", 10),
];

/// What an admin whose language is German sees.
const GERMAN: [(&str, &str); 8] = [
    ("Customer Community User", "Customer Community-Benutzer"),
    ("Minimum Access - API Only Integrations", "Minimaler Zugriff – Nur-API-Integrationen"),
    ("Minimum Access - Salesforce", "Minimaler Zugriff – Salesforce"),
    ("Read Only", "Schreibgeschützt"),
    ("Salesforce API Integration", "Salesforce-API-Integration"),
    ("Standard Platform User", "Standardplattformbenutzer"),
    ("Standard User", "Standardbenutzer"),
    ("System Administrator", "Systemadministrator"),
];

/// Standard profiles: name, user license, system permissions.
const PROFILES: [(&str, &str, &[&str]); 7] = [
    ("System Administrator", "Salesforce", &[]),
    ("Standard User", "Salesforce", &["ApiEnabled", "ChatterInternalUser", "RunReports"]),
    ("Minimum Access - Salesforce", "Salesforce", &["ChatterInternalUser"]),
    ("Read Only", "Salesforce", &["ApiEnabled", "ChatterInternalUser"]),
    ("Customer Community User", "Customer Community", &["ChatterInternalUser"]),
    ("Standard Platform User", "Salesforce Platform", &["ApiEnabled", "ChatterInternalUser"]),
    (
        "Minimum Access - API Only Integrations",
        "Salesforce Integration",
        &["ApiEnabled", "ApiUserOnly", "ChatterInternalUser"],
    ),
];

/// What the admin's profile holds beside what Modify All Data needs.
const ADMIN_PERMISSIONS: [&str; 23] = [
    "ActivitiesAccess",
    "ApiEnabled",
    "AssignPermissionSets",
    "AuthorApex",
    "ChatterInternalUser",
    "CustomizeApplication",
    "DelegatedTwoFactor",
    "FreezeUsers",
    "ManageInternalUsers",
    "ManageIpAddresses",
    "ManageLoginAccessPolicies",
    "ManagePackageLicenses",
    "ManagePasswordPolicies",
    "ManageProfilesPermissionsets",
    "ManageRoles",
    "ManageSharing",
    "ManageUsers",
    "ModifyAllData",
    "ResetPasswords",
    "ViewAllProfiles",
    "ViewAllUsers",
    "ViewRoles",
    "ViewSetup",
];

/// Fills an empty org.
pub fn seed(org: &mut Org, org_id: &str, seed: &Seed) {
    let mut organization = row(json!({
        "Id": org_id,
        "Name": "Local org",
        "OrganizationType": "Enterprise Edition",
        "IsSandbox": seed.sandbox,
        "DefaultLocaleSidKey": "en_US",
        "TimeZoneSidKey": "America/Los_Angeles",
        "LanguageLocaleKey": "en_US",
        "InstanceName": "LOCAL",
    }));
    if let Some(day) = &seed.trial_ends {
        let ends = format!("{day}T00:00:00.000+0000");
        organization.set("TrialExpirationDate", ends);
    }
    organization.set("CreatedDate", &org.now);
    org.store.put("Organization", organization);

    let seats = |usual: i64| seed.seats.unwrap_or(usual);
    let mut licenses = std::collections::HashMap::new();
    let lacks = |license: &str| seed.without_licenses.iter().any(|name| name == license);
    for (name, usual, key) in USER_LICENSES.into_iter().filter(|(name, ..)| !lacks(name)) {
        let total = match seed.seats {
            Some(negative) if negative < 0 => -1,
            _ if name == "Salesforce Integration" => seats(usual),
            _ => usual.max(i64::from(seed.users) + 10),
        };
        let row = row(json!({
            "Name": name,
            "MasterLabel": name,
            "LicenseDefinitionKey": key,
            "Status": "Active",
            "TotalLicenses": total,
            "UsedLicenses": 0,
        }));
        licenses.insert(name, org.store_new("UserLicense", row));
    }
    for (name, label, usual) in SET_LICENSES.into_iter().filter(|(name, ..)| !lacks(name)) {
        let german = GERMAN.iter().find(|(english, _)| seed.german && *english == label);
        let label = german.map_or(label, |(_, german)| german);
        let row = row(json!({
            "DeveloperName": name,
            "MasterLabel": label,
            "PermissionSetLicenseKey": name,
            "Language": "en_US",
            "Status": "Active",
            "TotalLicenses": seats(usual),
            "UsedLicenses": 0,
            "ExpirationDate": seed.licenses_expire,
        }));
        org.store_new("PermissionSetLicense", row);
    }
    let mut profiles = std::collections::HashMap::new();
    for (name, license, permissions) in PROFILES.into_iter().filter(|held| !lacks(held.1)) {
        let mut row = row(json!({"Name": name, "UserType": "Standard"}));
        if seed.german {
            // The full name in metadata is the same in every language.
            let full_name = match name {
                "System Administrator" => "Admin",
                "Standard User" => "Standard",
                "Read Only" => "ReadOnly",
                "Standard Platform User" => "StandardAul",
                name => name,
            };
            let shown = GERMAN.iter().find(|(english, _)| *english == name);
            row.set("FullName", full_name);
            row.set("Name", shown.map_or(name, |(_, german)| german));
        }
        row.set("UserLicenseId", licenses.get(license));
        let is_admin = name == "System Administrator";
        let granted: Vec<String> = if is_admin {
            ADMIN_PERMISSIONS.iter().map(|name| (*name).to_owned()).chain(all_data()).collect()
        } else {
            permissions.iter().map(|name| (*name).to_owned()).collect()
        };
        for permission in granted {
            row.set(&format!("Permissions{permission}"), true);
        }
        profiles.insert(name, super::rules::new_profile(org, row, false));
    }

    seed_record_types(org, seed);
    for (label, name) in [("CEO", "CEO"), ("Sales Director", "Sales_Director")] {
        org.store_new("UserRole", row(json!({"Name": label, "DeveloperName": name})));
    }
    if let Some(policy) = &seed.access_policy {
        let label = policy.replace([':', '_'], " ");
        let name = policy.replace(':', "_");
        let policy = json!({"DeveloperName": name, "MasterLabel": label, "Status": "Active"});
        org.store_new("UserAccessPolicy", row(policy));
    }
    for (sort, names) in [("Queue", &seed.queues), ("Regular", &seed.public_groups)] {
        for name in names {
            let label = name.replace('_', " ");
            let row = row(json!({"Name": label, "DeveloperName": name, "Type": sort}));
            org.store_new("Group", row);
        }
    }
    // An API-only profile opens with the app of all tabs (seen in a profile
    // retrieved from a real org).
    let api_only = profiles.get("Minimum Access - API Only Integrations");
    seed_app(org, api_only.map(String::as_str));

    let user = |username: &str, last_name: &str, alias: &str, profile: Option<&String>| {
        json!({
            "Username": username,
            "LastName": last_name,
            "Email": username,
            "Alias": alias,
            "TimeZoneSidKey": "America/Los_Angeles",
            "LocaleSidKey": "en_US",
            "EmailEncodingKey": "UTF-8",
            "LanguageLocaleKey": "en_US",
            "ProfileId": profile,
        })
    };
    // Whoever was there before a field was required has something in it.
    let asked_for: Vec<String> = org
        .schema
        .object("User")
        .into_iter()
        .flat_map(|user| &user.fields)
        .filter(|field| field.name.ends_with("__c") && !field.nillable)
        .map(|field| field.name.clone())
        .collect();
    let user = |username: &str, last_name: &str, alias: &str, profile: Option<&String>| {
        let mut fields = Fields::new();
        if let Json::Object(usual) = user(username, last_name, alias, profile) {
            fields.extend(usual);
        }
        fields.extend(asked_for.iter().map(|field| (field.clone(), json!("Unknown"))));
        fields
    };
    let admin = user(ADMIN, "Admin", "admin", profiles.get("System Administrator"));
    if let Ok(id) = super::rules::insert(org, "User", &admin) {
        org.running_user = id;
    }
    for number in 1..=seed.users {
        let username = format!("user{number}@local.orgform.example");
        let row = user(
            &username,
            &format!("User {number}"),
            &format!("user{}", number % 10_000),
            profiles.get("Standard User"),
        );
        // A sandbox has the addresses that it was copied with out of order.
        let mut row = row;
        if seed.sandbox {
            row.insert("Email".to_owned(), json!(format!("{username}.invalid")));
        }
        // Seats were counted for them, so that none is refused.
        let _ = super::rules::insert(org, "User", &row);
    }
    seed_package(org, seed.package_seats);
    for lacking in &seed.admin_lacks {
        withdraw_from_admin(org, profiles.get("System Administrator"), lacking);
    }
}

/// The record types that the org has from the start.
fn seed_record_types(org: &mut Org, seed: &Seed) {
    let mut names: Vec<(&str, &str, bool)> = Vec::new();
    if seed.person_accounts {
        let person = seed.person_record_type.as_str();
        let person = if person.is_empty() { "PersonAccount" } else { person };
        names.push(("Account", "Business_Account", false));
        names.push(("Account", person, true));
    }
    let further = seed.record_types.iter().filter_map(|name| name.split_once('.'));
    names.extend(further.map(|(object, name)| (object, name, false)));
    for (object_name, name, is_person) in names {
        let label = if is_person { "Person Account".to_owned() } else { name.replace('_', " ") };
        let mut row = row(json!({
            "Name": label,
            "DeveloperName": name,
            "SobjectType": object_name,
            "IsActive": true,
        }));
        if seed.person_accounts {
            row.set("IsPersonType", is_person);
        }
        org.store_new("RecordType", row);
    }
}

fn seed_app(org: &mut Org, profile: Option<&str>) {
    let Some(set) =
        profile.and_then(|profile| org.store.ids_by("PermissionSet", "ProfileId", profile).pop())
    else {
        return;
    };
    let said = [("application", "standard__AllTabSet"), ("default", "true"), ("visible", "true")];
    let said = said.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let key = ("applicationVisibilities".to_owned(), "standard__AllTabSet".to_owned());
    super::rules::store_sections(org, &set, &Entries::from([(key, said)]));
}

/// Takes a system permission out of the admin's profile and its set.
fn withdraw_from_admin(org: &mut Org, profile: Option<&String>, permission: &str) {
    let Some(profile) = profile else { return };
    let mut rows: Vec<(&str, Row)> = Vec::new();
    rows.extend(org.store.get("Profile", profile).map(|row| ("Profile", row.clone())));
    let sets = org.store.all("PermissionSet");
    let owned = sets.filter(|set| set.text("ProfileId") == Some(profile));
    rows.extend(owned.map(|set| ("PermissionSet", set.clone())));
    for (object, mut row) in rows {
        row.set(&format!("Permissions{permission}"), false);
        org.store_changed(object, row);
    }
}

/// What Modify All Data needs, so that the admin's own profile is sound.
fn all_data() -> Vec<String> {
    include_str!("../data/prerequisites.tsv")
        .lines()
        .find_map(|line| line.strip_prefix("ModifyAllData\t"))
        .into_iter()
        .flat_map(|needed| needed.split(','))
        .map(str::to_owned)
        .collect()
}

/// The managed package `coconut`, with its packaged set.
fn seed_package(org: &mut Org, seats: Option<i64>) {
    let license = row(json!({
        "NamespacePrefix": "coconut",
        "Status": "Active",
        "AllowedLicenses": seats.unwrap_or(-1),
        "UsedLicenses": 0,
        "IsProvisioned": true,
    }));
    org.store_new("PackageLicense", license);
    let mut set = new_set_row("Coconut_Integration_Config", "Coconut Integration Config");
    set.set("NamespacePrefix", "coconut");
    let id = org.store_new("PermissionSet", set);
    let permission = row(json!({
        "ParentId": id,
        "SobjectType": "coconut__Appointment__c",
        "PermissionsRead": true,
        "PermissionsCreate": true,
        "PermissionsEdit": true,
        "PermissionsDelete": false,
        "PermissionsViewAllRecords": false,
        "PermissionsModifyAllRecords": false,
        "PermissionsViewAllFields": false,
    }));
    org.store_new("ObjectPermissions", permission);
}
