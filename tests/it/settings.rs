//! Settings beside permissions: apps, tabs, record types and the like, of sets as
//! a whole and of profiles as an overlay; and what only some orgs get.

use orgform::local_org::Doubts;
use orgform::local_org::Seed;

use crate::support::World;

pub fn world_with(seed: &str) -> impl Future<Output = World> {
    let (mut made, mut doubts) = (Seed::default(), Doubts::default());
    for setting in seed.split(',').filter(|setting| !setting.is_empty()) {
        orgform::local_org::set(&mut made, &mut doubts, setting).expect("a setting");
    }
    World::with(made, doubts)
}

const SET: &str = "version: 1
permission_sets:
  S:
    apps: [standard__LightningSales]
    tabs: { standard-Lead: visible, standard-Account: available }
    apex_classes: [CoconutApi, CoconutSync]
    visualforce_pages: [CoconutSetup]
    custom_permissions: [Coconut_Admin]
    custom_metadata_types: [Coconut_Setting__mdt]
    custom_settings: [Coconut_Options__c]
    external_credential_principals: [Coconut_Api-Integration]
    external_data_sources: [Coconut_Archive]
    flows: [Coconut_Onboarding]
    record_types: { Lead: [Webinar] }
    activation_required: true
";

#[tokio::test(flavor = "multi_thread")]
async fn each_section_of_a_set_is_given_changed_and_taken_away() {
    for merges in ["", ",sets_are_replaced=false"] {
        let world = world_with(&format!("record_types=Lead.Webinar+Lead.Trade_Show{merges}")).await;
        let applied = world.converges("all sections", SET).await;
        if merges.is_empty() {
            insta::assert_snapshot!("set_sections", applied.output);
        }
        let changed = SET
            .replace("standard-Lead: visible, ", "standard-Lead: available, ")
            .replace("[CoconutApi, CoconutSync]", "[CoconutSync]")
            .replace("Lead: [Webinar]", "Lead: [trade show]")
            .replace("    activation_required: true\n", "");
        world.converges("some changed", &changed).await;
        world.converges("all taken out", "version: 1\npermission_sets:\n  S: {}\n").await;
    }
}

const PROFILE: &str = "version: 1
profiles:
  P:
    clone_from: Minimum Access - API Only Integrations
    apps: [Coconut, standard__LightningSales]
    default_app: Coconut
    tabs: { standard-Lead: visible, standard-Account: available, standard-Contact: hidden }
    apex_classes: [CoconutApi]
    visualforce_pages: [CoconutSetup]
    custom_permissions: [Coconut_Admin]
    flows: [Coconut_Onboarding]
    record_types:
      Lead: { assigned: [Webinar, Trade_Show], default: Webinar }
    login_hours: { monday: 8-18, sunday: none }
    login_ip_ranges: [203.0.113.0-203.0.113.255, 198.51.100.7]
";

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_a_profile_are_an_overlay_that_is_switched_off_again() {
    let world = world_with("record_types=Lead.Webinar+Lead.Trade_Show+Contact.Vendor").await;
    let applied = world.converges("all settings", PROFILE).await;
    insta::assert_snapshot!("profile_settings", applied.output);
    // What somebody set by hand and no file declares is nobody's business.
    let by_hand = "<classAccesses><apexClass>CoconutSync</apexClass><enabled>true</enabled></classAccesses><recordTypeVisibilities><default>true</default><recordType>Contact.Vendor</recordType><visible>true</visible></recordTypeVisibilities>";
    world.overlay("Profile", "P", by_hand).await;
    world.is_settled("set by hand beside").await;
    let changed = PROFILE
        .replace("apps: [Coconut, ", "apps: [")
        .replace("default_app: Coconut", "default_app: standard__LightningSales")
        .replace("default: Webinar", "default: Trade_Show")
        .replace("    apex_classes: [CoconutApi]\n", "")
        .replace("monday: 8-18", "monday: 9:00-17:00");
    world.converges("changed", &changed).await;
    let drifted = "<flowAccesses><enabled>false</enabled><flow>Coconut_Onboarding</flow></flowAccesses><tabVisibilities><tab>standard-Lead</tab><visibility>Hidden</visibility></tabVisibilities>";
    world.overlay("Profile", "P", drifted).await;
    let planned = world.run(&["plan", "access.yaml"]).await.succeeds();
    insta::assert_snapshot!("profile_drift", planned.output);
    world.converges("put right", &changed).await;
    let bare =
        "version: 1\nprofiles:\n  P: { clone_from: Minimum Access - API Only Integrations }\n";
    let applied = world.converges("all taken out", bare).await;
    insta::assert_snapshot!("profile_bare", applied.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn record_types_that_are_not_there_or_not_assigned_are_refused_with_their_place() {
    let world = world_with("record_types=Lead.Webinar").await;
    world.write(
        "access.yaml",
        "version: 1
profiles:
  P:
    clone_from: Minimum Access - API Only Integrations
    record_types:
      Lead: { assigned: [Webinr], default: Webinar }
      Account: { assigned: [person account] }
permission_sets:
  S:
    license: Nonsense
    record_types: { Contact: [Vendor] }
",
    );
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    insta::assert_snapshot!("record_types_refused", refused.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_runs_the_plan_is_not_shut_out_by_login_hours() {
    let world = World::new().await;
    let yaml = "version: 1
profiles:
  System Administrator:
    clone_from: Standard User
    login_hours: { monday: 8-18 }
";
    world.write("access.yaml", yaml);
    let refused = world.run(&["apply", "access.yaml", "--auto-approve"]).await.fails();
    insta::assert_snapshot!("own_login_hours", refused.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn sections_that_no_kind_models_survive_and_are_told() {
    let world = World::new().await;
    let yaml = "version: 1\npermission_sets:\n  S: { system_permissions: [View Setup and Configuration] }\n";
    world.converges("made", yaml).await;
    let more = "<agentAccesses><agentName>Helper</agentName><enabled>true</enabled></agentAccesses><label>S</label><userPermissions><enabled>true</enabled><name>ViewSetup</name></userPermissions><userPermissions><enabled>true</enabled><name>ViewRoles</name></userPermissions>";
    world.overlay("PermissionSet", "S", more).await;
    let planned = world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await.succeeds();
    assert!(planned.output.contains("agentAccesses (1)"), "{}", planned.output);
    let applied = world.converges("changed", &yaml.replace("S: {", "S: { label: Other,")).await;
    assert!(applied.output.contains("1 updated"), "{}", applied.output);
    std::fs::remove_dir_all(world.path().join("state")).expect("the state is lost");
    let adopted = world.run(&["apply", "access.yaml", "--auto-approve"]).await.succeeds();
    assert!(adopted.output.contains("agentAccesses (1)"), "it is still there: {}", adopted.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_sandboxes_or_production_is_declared_there_alone() {
    let yaml = "version: 1
permission_sets:
  Everywhere: {}
  Tests: { when: [sandbox] }
  Live: { when: [production] }
";
    for (seed, there, elsewhere) in [("", "Live", "Tests"), ("sandbox=true", "Tests", "Live")] {
        let world = world_with(seed).await;
        let applied = world.converges("conditions", yaml).await;
        assert!(applied.output.contains(there), "{}", applied.output);
        assert!(!applied.output.contains(elsewhere), "{}", applied.output);
        let all = yaml.replace(" when: [sandbox] ", "").replace(" when: [production] ", "");
        world.converges("for all", &all).await;
        let back = world.converges("for some again", yaml).await;
        assert!(back.output.contains("1 deleted"), "{}", back.output);
    }
}

const LICENSED: &str = "version: 1
profiles:
  Robots: { clone_from: Minimum Access - API Only Integrations }
permission_sets:
  S: { system_permissions: [Modify All Data], license: Salesforce API Integration }
users:
  one@robots.example:
    last_name: One
    email: robots@robots.example
    profile: Robots
    permission_sets: [S]
";

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_carries_a_license_brings_it_and_is_made_anew_for_another() {
    let world = World::new().await;
    world.converges("licensed", LICENSED).await;
    let held = "SELECT Id FROM PermissionSetLicenseAssign";
    assert_eq!(world.query(held).await.len(), 1, "the license came with the set");
    let undeclared = LICENSED.replace(", license: Salesforce API Integration", "");
    let left = world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await.succeeds();
    assert!(left.output.contains("No changes."), "{}", left.output);
    world.converges("said no more", &undeclared).await;
    let other = LICENSED
        .replace("license: Salesforce API Integration", "license: Salesforce Integration")
        .replace(
            "    permission_sets",
            "    permission_set_licenses: [SalesforceAPIIntegrationPsl]\n    permission_sets",
        );
    let applied = world.converges("another license", &other).await;
    insta::assert_snapshot!("license_changed", applied.output);
    // What orgform did not make is not made anew.
    std::fs::remove_dir_all(world.path().join("state")).expect("the state is lost");
    world.run(&["apply", "access.yaml", "--auto-approve"]).await.succeeds();
    world.write("access.yaml", LICENSED);
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    insta::assert_snapshot!("license_not_ours", refused.errors);
}

const ALL_FIELDS: &str = "version: 1
permission_sets:
  S:
    objects:
      Lead: { fields: edit }
      Event: { fields: edit }
";

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_keeps_no_edit_is_learned_and_never_asked_for_again() {
    let world = world_with("read_only_fields=Lead.Title").await;
    let applied = world.converges("every field", ALL_FIELDS).await;
    assert!(applied.output.contains("Planned again with that:"), "{}", applied.output);
    assert!(applied.output.contains("Apply complete"), "{}", applied.output);
    world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    world.pass_hours(30);
    let again = world.converges("asked anew a day later", ALL_FIELDS).await;
    assert!(!again.output.contains("Planned again"), "{}", again.output);
    world.write(
        "access.yaml",
        ALL_FIELDS.replace("Lead: { fields: edit }", "Lead: { fields: { Title: edit } }"),
    );
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    assert!(refused.errors.contains("can be read but never edited"), "{}", refused.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_the_running_user_does_not_see_stop_a_plan_for_every_field() {
    let world = world_with("unseen_fields=Lead.Phone+Lead.Website").await;
    world.write("access.yaml", ALL_FIELDS);
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    insta::assert_snapshot!("fields_unseen", refused.errors);
    let named = ALL_FIELDS.replace("Lead: { fields: edit }", "Lead: { fields: { Phone: edit } }");
    world.converges("named", &named).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_custom_field_of_activities_shows_on_events_and_tasks_and_is_no_drift() {
    let world = world_with("custom_fields=Event.Region__c:picklist").await;
    world.converges("on events", ALL_FIELDS).await;
    let both = format!("{ALL_FIELDS}      Task: {{ fields: {{ Region__c: read }} }}\n");
    let both = both.replace("Event: { fields: edit }", "Event: { fields: { Region__c: read } }");
    world.converges("on both", &both).await;
    world.converges("on neither", "version: 1\npermission_sets:\n  S: {}\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_org_takes_and_does_not_keep_is_told_and_no_success() {
    let world = world_with("forgotten_section=customPermissions").await;
    let yaml = "version: 1\npermission_sets:\n  S: { custom_permissions: [Coconut_Admin], flows: [Coconut_Onboarding] }\n";
    world.write("access.yaml", yaml);
    let applied = world.run(&["apply", "access.yaml", "--auto-approve"]).await.fails();
    insta::assert_snapshot!("kept_less", applied.whole());
    let events = world.run(&["apply", "access.yaml", "--auto-approve", "--json"]).await.fails();
    let schema = crate::support::schema_of("events.schema.json");
    let events: Vec<serde_json::Value> =
        events.output.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(events.iter().any(|event| event["type"] == "kept_less"), "{events:?}");
    for event in events {
        assert!(schema.is_valid(&event), "{event}");
    }
}
