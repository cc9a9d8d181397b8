//! What rows say, family by family: each answer as the state keeps it.

use serde_json::Value as Json;
use serde_json::json;

use super::access_policies::AccessPolicies;
use super::family::Family;
use super::organization::Organization;
use super::package::Package;
use super::permission_set_group::PermissionSetGroup;
use super::permission_set_group_holders::PermissionSetGroupHolders;
use super::permission_set_holders::PermissionSetHolders;
use super::permission_set_license::PermissionSetLicense;
use super::profile_holders::ProfileHolders;
use super::profiles_of_license::ProfilesOfLicense;
use super::public_group::PublicGroup;
use super::queue::Queue;
use super::record_types::RecordTypes;
use super::rights::Rights;
use super::role::Role;
use super::testing::asked;
use super::user::User;
use super::user_licenses::UserLicenses;

/// What a family makes of these rows, of which it is asked for these names.
fn of<F: Family<Key = String>>(names: &[&str], rows: Json) -> Vec<String> {
    let mut asked = asked::<F>(names.iter().copied());
    assert!(!asked.questions(0).is_empty() && asked.questions(1).is_empty(), "one round");
    asked.rows(0, rows);
    asked.kept()
}

/// What a family of one fact makes of these rows.
fn of_org<F: Family<Key = ()>>(rows: Json) -> Vec<String> {
    let mut asked = asked::<F>([()]);
    assert!(!asked.questions(0).is_empty() && asked.questions(1).is_empty(), "one round");
    asked.rows(0, rows);
    asked.kept()
}

#[test]
fn groups_of_both_sorts_come_together_and_are_told_apart() {
    let rows = json!([
        {"Id": "00G000000000001", "DeveloperName": "Support", "Name": "Help", "Type": "Queue"},
        {"Id": "00G000000000002", "DeveloperName": "Sales", "Name": "Help", "Type": "Regular"},
    ]);
    assert_eq!(
        of::<Queue>(&["help", "Sales"], rows.clone()),
        [
            r#""Support" {"permission_sets":[{"id":"00G000000000001EAA","name":"Support","label":"Help"}]}"#,
            r#""help" {"permission_sets":[{"id":"00G000000000001EAA","name":"Support","label":"Help"}]}"#,
        ]
    );
    assert_eq!(
        of::<PublicGroup>(&["Sales"], rows),
        [
            r#""Sales" {"permission_sets":[{"id":"00G000000000002EAA","name":"Sales","label":"Help"}]}"#
        ]
    );
}

#[test]
fn a_role_and_a_group_of_sets_are_found_by_name_and_by_label() {
    let role = json!([{"Id": "00E000000000001", "DeveloperName": "CEO", "Name": "Chief"}]);
    assert_eq!(of::<Role>(&["chief"], role).len(), 2);
    let group = json!([{
        "Id": "0PG000000000001", "DeveloperName": "All", "NamespacePrefix": "coconut",
        "MasterLabel": "Everything",
    }]);
    let told = of::<PermissionSetGroup>(&["Everything"], group);
    assert_eq!(told.len(), 2);
    assert!(told[0].contains(r#""name":"coconut__All""#), "{told:?}");
}

#[test]
fn holders_are_known_by_username_in_small_letters_and_by_group() {
    let rows = json!([
        {"Assignee": {"Username": "One@x.example"}, "PermissionSet": {"Name": "Robots"}},
        {"PermissionSetGroup": {"DeveloperName": "All"}, "PermissionSet": {"Name": "robots"}},
        {"PermissionSet": {"Name": "Robots"}},
    ]);
    assert_eq!(
        of::<PermissionSetHolders>(&["Robots"], rows),
        [r#""Robots" {"holders":{"usernames":["one@x.example"],"groups":["All"]}}"#]
    );
    let rows = json!([
        {"Assignee": {"Username": "One@x.example"}, "PermissionSetGroup": {"DeveloperName": "All"}},
    ]);
    assert_eq!(
        of::<PermissionSetGroupHolders>(&["All"], rows),
        [r#""All" {"holders":{"usernames":["one@x.example"]}}"#]
    );
    let rows = json!([{"Username": "One@x.example", "Profile": {"Name": "Robots"}}]);
    assert_eq!(
        of::<ProfileHolders>(&["Robots"], rows),
        [r#""Robots" {"holders":{"usernames":["one@x.example"]}}"#]
    );
}

#[test]
fn licenses_tell_their_seats_by_every_name_that_was_asked() {
    let row = json!([{
        "Id": "0PL000000000001", "DeveloperName": "ApiPsl", "MasterLabel": "API",
        "Status": "Active", "TotalLicenses": 5, "UsedLicenses": 2, "ExpirationDate": "2027-01-31",
    }]);
    let told = of::<PermissionSetLicense>(&["api"], row);
    let fact = r#"{"license":{"id":"0PL000000000001GAA","name":"ApiPsl","label":"API","status":"Active","total":5,"used":2,"expires":"2027-01-31"}}"#;
    assert_eq!(told, [format!("\"ApiPsl\" {fact}"), format!("\"api\" {fact}")]);
    let row = json!([{"Id": "100000000000001", "Name": "Salesforce", "MasterLabel": "Salesforce"}]);
    assert_eq!(
        of_org::<UserLicenses>(row),
        [
            r#"() {"licenses":[{"id":"100000000000001AAA","name":"Salesforce","label":"Salesforce","status":"","total":0,"used":0}]}"#
        ]
    );
    let row = json!([{"NamespacePrefix": "coconut", "AllowedLicenses": 3, "UsedLicenses": 1}]);
    assert_eq!(
        of::<Package>(&["coconut", "other"], row),
        [
            r#""coconut" {"package":{"id":null,"allowed":3,"used":1,"status":"Active","expires":null}}"#
        ]
    );
}

#[test]
fn users_profiles_and_record_types_are_read_and_rows_that_say_too_little_left_out() {
    let rows = json!([
        {"Id": "005000000000001", "Username": "One@x.example"},
        {"Id": "no id", "Username": "two@x.example"},
        {"Id": "005000000000003"},
    ]);
    assert_eq!(
        of::<User>(&["one@x.example"], rows),
        [r#""one@x.example" {"user":"005000000000001AAA"}"#]
    );
    let profile = json!({
        "Id": "00e000000000001", "Name": "Robots", "UserLicenseId": "100000000000001",
        "UserLicense": {"Name": "Salesforce"},
    });
    let rows = json!([profile, {"Id": "00e000000000002", "Name": "Odd"}]);
    assert_eq!(
        of::<ProfilesOfLicense>(&["Salesforce"], rows),
        [
            r#""Salesforce" {"profiles":[{"id":"00e000000000001AAA","name":"Robots","license_id":"100000000000001AAA","license":"Salesforce"}]}"#
        ]
    );
    let rows = json!([
        {"SobjectType": "Account", "DeveloperName": "Retail", "Name": "Retail", "IsActive": false},
        {"SobjectType": "Contact", "DeveloperName": "Other", "Name": "Other"},
    ]);
    assert_eq!(
        of::<RecordTypes>(&["account"], rows),
        [r#""account" {"record_types":[{"name":"Retail","label":"Retail","is_active":false}]}"#]
    );
}

#[test]
fn the_org_tells_what_it_is_and_what_the_tokens_user_may_do() {
    let row = json!({
        "Id": "00D000000000001", "Name": "Coconut", "OrganizationType": "Enterprise Edition",
        "IsSandbox": true, "TimeZoneSidKey": "Europe/Berlin", "DefaultLocaleSidKey": "de_DE",
        "LanguageLocaleKey": "de",
    });
    assert_eq!(
        of_org::<Organization>(json!([row])),
        [
            r#"() {"organization":{"id":"00D000000000001EAA","name":"Coconut","edition":"Enterprise Edition","is_sandbox":true,"time_zone":"Europe/Berlin","locale":"de_DE","language":"de"}}"#
        ]
    );
    assert!(of_org::<Organization>(json!([{"Id": "00D000000000001"}])).is_empty());
    let row = json!({"PermissionsManageUsers": true, "PermissionsViewSetup": false});
    assert_eq!(of_org::<Rights>(json!([row])), [r#"() {"rights":["ManageUsers"]}"#]);
    let rows = json!([{"MasterLabel": "Sales"}, {"MasterLabel": null}]);
    assert_eq!(of_org::<AccessPolicies>(rows), [r#"() {"access_policies":["Sales"]}"#]);
}
