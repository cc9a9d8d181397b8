//! The vendor's manual, each step of it: on an empty org, and on one where the
//! first half was made by hand and half right; with person accounts and without.

use reqwest::Method;
use serde_json::json;

use crate::settings::world_with;
use crate::support::World;
use crate::support::example;

const ACCOUNT: &str = "SELECT PermissionsViewAllFields FROM ObjectPermissions WHERE SobjectType = 'Account' AND Parent.Name = 'Coconut_Integration_API_Access'";

/// All that the manual asks for is there, once.
async fn is_done(world: &World, has_person_accounts: bool) {
    for (object, condition) in [
        ("Profile", "Name = 'Coconut Integration' AND UserLicense.Name = 'Salesforce Integration'"),
        (
            "PermissionSet",
            "Name = 'Coconut_Integration_API_Access' AND PermissionsActivitiesAccess = true AND PermissionsCanApproveUninstalledApps = true AND PermissionsModifyAllData = true",
        ),
        ("User", "LastName = 'Coconut Integration' AND Profile.Name = 'Coconut Integration'"),
        ("PermissionSetLicenseAssign", "Assignee.LastName = 'Coconut Integration'"),
    ] {
        world.id(object, condition).await;
    }
    let held = "SELECT Id FROM PermissionSetAssignment WHERE Assignee.LastName = 'Coconut Integration' AND PermissionSet.IsOwnedByProfile = false";
    assert_eq!(world.query(held).await.len(), 2);
    let account = world.query(ACCOUNT).await;
    let is_open = account.first().map(|row| row["PermissionsViewAllFields"].clone());
    assert_eq!(is_open.unwrap_or_default() == json!(true), has_person_accounts);
    for object in ["Contact", "Lead", "Event"] {
        let fields = format!(
            "SELECT Id FROM FieldPermissions WHERE SobjectType = '{object}' AND PermissionsEdit = true AND Parent.Name = 'Coconut_Integration_API_Access'"
        );
        assert!(!world.query(&fields).await.is_empty(), "{object}");
    }
}

/// Steps 1 to 3 of the manual, with a few of the mistakes that people make.
async fn half_by_hand(world: &World) {
    let license = world.id("UserLicense", "Name = 'Salesforce Integration'").await;
    let profile = json!({"Name": "Coconut Integration", "UserLicenseId": license});
    world.call(Method::POST, "sobjects/Profile", profile).await;
    let profile = world.id("Profile", "Name = 'Coconut Integration'").await;
    let set = json!({"Name": "Coconut_Integration_API_Access", "Label": "Coconut access"});
    world.call(Method::POST, "sobjects/PermissionSet", set).await;
    world
        .overlay(
            "PermissionSet",
            "Coconut_Integration_API_Access",
            "<fieldPermissions><editable>false</editable><field>Contact.Phone</field><readable>true</readable></fieldPermissions><label>Coconut access</label><objectPermissions><allowCreate>false</allowCreate><allowDelete>false</allowDelete><allowEdit>false</allowEdit><allowRead>true</allowRead><modifyAllRecords>false</modifyAllRecords><object>Account</object><viewAllFields>true</viewAllFields><viewAllRecords>false</viewAllRecords></objectPermissions><objectPermissions><allowCreate>false</allowCreate><allowDelete>false</allowDelete><allowEdit>true</allowEdit><allowRead>true</allowRead><modifyAllRecords>false</modifyAllRecords><object>Contact</object><viewAllFields>false</viewAllFields><viewAllRecords>false</viewAllRecords></objectPermissions><userPermissions><enabled>true</enabled><name>ActivitiesAccess</name></userPermissions><userPermissions><enabled>true</enabled><name>ManagePackageLicenses</name></userPermissions>",
        )
        .await;
    let user = json!({
        "Username": "integration@coconut.example", "LastName": "Coconut", "Email": "old@coconut.example",
        "Alias": "coconut", "TimeZoneSidKey": "America/Los_Angeles", "LocaleSidKey": "en_US",
        "EmailEncodingKey": "UTF-8", "LanguageLocaleKey": "en_US", "ProfileId": profile,
    });
    world.call(Method::POST, "sobjects/User", user).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manual_on_an_empty_org() {
    let world = world_with("").await;
    world.converges("the example", &example()).await;
    is_done(&world, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manual_on_an_empty_org_with_person_accounts() {
    let world = world_with("person_accounts=true,person_record_type=Private_Person").await;
    world.converges("the example", &example()).await;
    is_done(&world, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manual_where_its_first_half_was_made_by_hand() {
    for has_person_accounts in [false, true] {
        let seed = if has_person_accounts { "person_accounts=true" } else { "" };
        let world = world_with(seed).await;
        half_by_hand(&world).await;
        world.write("access.yaml", example());
        let planned = world.run(&["plan", "access.yaml"]).await;
        insta::assert_snapshot!(format!("half_{has_person_accounts}"), planned.whole());
        let refused = world.run(&["apply", "access.yaml", "--auto-approve"]).await.fails();
        assert!(refused.whole().contains("--allow-loss"), "{}", refused.whole());
        world.run(&["apply", "access.yaml", "--auto-approve", "--allow-loss"]).await.succeeds();
        world.is_settled("mended").await;
        is_done(&world, has_person_accounts).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_org_without_the_licenses_says_so_at_their_lines() {
    for (name, seed) in [
        ("no_user_license", "without_licenses=Salesforce Integration"),
        ("no_set_license", "without_licenses=SalesforceAPIIntegrationPsl"),
    ] {
        let world = world_with(seed).await;
        world.write("access.yaml", example());
        let refused = world.run(&["apply", "access.yaml", "--auto-approve"]).await.fails();
        insta::assert_snapshot!(name, refused.whole());
    }
}

/// A text without the breaks and spaces of its layout.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The table of the docs is read, and each cell held against what it is about.
#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_the_manual_is_true() {
    let world = world_with("person_accounts=true").await;
    world.write("access.yaml", example());
    let plan = world.run(&["plan", "access.yaml", "--view", "full"]).await.succeeds().output;
    // What something follows from stands between an element and the next.
    let plan = flat(&plan);
    let run = world.run(&["apply", "access.yaml", "--auto-approve", "--json"]).await.succeeds();
    let sources: String = std::fs::read_dir("tests/it")
        .expect("the tests")
        .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok())
        .collect();
    let said = flat(&example());
    let mut rows = 0;
    for line in include_str!("../../docs/manual.md").lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        if cells[0] == "in Setup" || cells[0].starts_with("---") {
            continue;
        }
        rows += 1;
        assert_eq!(cells.len(), 5, "{line}");
        assert!(!cells.iter().any(|cell| cell.is_empty()), "{line}");
        let code = |cell: &str| cell.trim_matches('`').to_owned();
        assert!(said.contains(&code(cells[1])), "YAML of {line}");
        assert!(plan.contains(&code(cells[2])), "plan of {line}");
        assert!(run.output.contains(&format!("\"call\":\"{}\"", code(cells[3]))), "{line}");
        assert!(sources.contains(&format!("fn {}()", code(cells[4]))), "test of {line}");
    }
    assert!(rows > 30, "{rows} rows");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_data_needs_a_set_of_the_license_the_org_says_so_and_the_license_helps() {
    let world = world_with("all_data_without_set_license=false").await;
    world.write("access.yaml", example());
    let arguments = ["apply", "access.yaml", "--auto-approve", "--parallelism", "1"];
    let refused = world.run(&arguments).await.fails().whole();
    let words = "The user license doesn't allow the permission: Modify All Data";
    assert!(refused.contains(words), "{refused}");
    let licensed = example().replace(
        "    label: Coconut Integration API Access\n",
        "    label: Coconut Integration API Access\n    license: Salesforce API Integration\n",
    );
    world.converges("for the license", &licensed).await;
    is_done(&world, false).await;
}
