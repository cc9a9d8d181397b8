//! Behaviours of the platform of which only a real org can tell: the main job
//! must be done whichever way they go.

use orgform::local_org::Doubts;
use orgform::local_org::Seed;

use crate::support::World;
use crate::support::example;

async fn the_main_job_is_done(what: &str, doubts: Doubts) {
    let world = World::with(Seed::default(), doubts).await;
    world.converges(what, &example()).await;
    let changed = example()
        .replace("      - Access Activities\n", "")
        .replace("      Event: { fields: edit }\n", "");
    world.converges(&format!("{what}, something taken out"), &changed).await;
    let destroyed = world.run(&["destroy", "access.yaml", "--auto-approve"]).await;
    assert_eq!(destroyed.code, 0, "{what}, destroyed: {}", destroyed.whole());
    assert!(
        world.query("SELECT Id FROM Profile WHERE Name = 'Coconut Integration'").await.is_empty(),
        "{what}"
    );
    assert_eq!(world.query("SELECT Id FROM User WHERE IsActive = true").await.len(), 1, "{what}");
    world.converges(&format!("{what}, after destroy"), &example()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_rest_inserts_no_profile_soap_does() {
    the_main_job_is_done(
        "no REST insert",
        Doubts { rest_inserts_profiles: false, ..Doubts::default() },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_login_row_comes_only_with_the_first_login_destroy_does_without() {
    the_main_job_is_done("no login rows", Doubts { login_rows: false, ..Doubts::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_license_leaves_with_its_set_destroy_takes_gone_for_done() {
    the_main_job_is_done(
        "the license leaves by itself",
        Doubts { sets_take_their_license_along: true, ..Doubts::default() },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_dependencies_are_complete_nothing_changes() {
    the_main_job_is_done(
        "all dependencies",
        Doubts { dependencies_of_all_data: true, ..Doubts::default() },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_describe_hides_a_permission_it_is_written_all_the_same() {
    the_main_job_is_done(
        "not described",
        Doubts { uninstalled_apps_described: false, ..Doubts::default() },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_sets_are_merged_the_main_job_is_done_too() {
    the_main_job_is_done("sets merge", Doubts { sets_are_replaced: false, ..Doubts::default() })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prerequisite_that_only_a_rejection_tells_is_learned_and_kept() {
    let world =
        World::with(Seed::default(), Doubts { hidden_dependency: true, ..Doubts::default() }).await;
    let yaml = "version: 1\npermission_sets:\n  S: { system_permissions: [Run Reports] }\n";
    let applied = world.converges("learned", yaml).await;
    assert!(
        applied.output.contains("Permission RunReports depends on permission(s)"),
        "{}",
        applied.output
    );
    assert!(applied.output.contains("Planned again with that:"), "{}", applied.output);
    assert!(
        applied.output.contains("(required by RunReports, as a refusal of the org taught)"),
        "{}",
        applied.output
    );
    assert!(applied.output.contains("Apply complete: 1 created."), "{}", applied.output);
    world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    let again = world.converges("known from the start", yaml).await;
    assert!(!again.output.contains("Planned again"), "it is remembered: {}", again.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_that_this_org_does_not_know_is_left_out_of_what_another_implies() {
    let world =
        World::with(Seed::default(), Doubts { networks_known: false, ..Doubts::default() }).await;
    let applied = world.converges("the example", &example()).await;
    assert!(
        applied.output.contains("Unknown user permission: ManageNetworks"),
        "{}",
        applied.output
    );
    assert!(
        applied.output.contains("Modify All Data (ModifyAllData) (+34 it requires)"),
        "{}",
        applied.output
    );
    let named = example().replace("Access Activities", "ManageNetworks");
    world.write("access.yaml", named);
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    assert!(
        refused.errors.contains("this org has no system permission `ManageNetworks`"),
        "{}",
        refused.errors
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_license_that_is_still_declared_is_given_again_when_it_may_leave_with_a_set() {
    for along in [false, true] {
        let doubts = Doubts { sets_take_their_license_along: along, ..Doubts::default() };
        let world = World::with(Seed::default(), doubts).await;
        world.converges("all", &example()).await;
        let fewer = example()
            .replace("      - Coconut_Integration_API_Access\n", "")
            .replace("      # Comes with the package.\n", "");
        let applied = world.converges("a set less", &fewer).await;
        assert!(applied.output.contains("assign again done"), "{}", applied.output);
        let held = "SELECT Id FROM PermissionSetLicenseAssign";
        assert_eq!(world.query(held).await.len(), 1, "the license is there ({along})");
        world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
        assert!(world.query(held).await.is_empty(), "it was ours to take away ({along})");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_admin_reads_german_english_names_hold_and_german_ones_too() {
    let german = || async {
        let seed = Seed { german: true, person_accounts: true, ..Seed::default() };
        World::with(seed, Doubts::default()).await
    };
    let world = german().await;
    let applied = world.converges("English names", &example()).await;
    assert!(
        applied.output.contains("Minimum Access - API Only Integrations"),
        "{}",
        applied.output
    );
    let destroyed = world.run(&["destroy", "access.yaml", "--auto-approve"]).await;
    assert_eq!(destroyed.code, 0, "{}", destroyed.whole());
    let user = &world
        .query("SELECT Profile.Name FROM User WHERE Username = 'integration@coconut.example'")
        .await[0];
    assert_eq!(user["Profile"]["Name"], "Minimaler Zugriff – Nur-API-Integrationen");
    world.converges("after destroy", &example()).await;

    let users = "version: 1
users:
  one@coconut.example: { last_name: One, email: o@coconut.example, profile: Standard User }
";
    world.converges("a standard profile in English", users).await;
    world.converges("in German", &users.replace("Standard User", "Standardbenutzer")).await;

    let world = german().await;
    let words = example()
        .replace(
            "Minimum Access - API Only Integrations",
            "Minimaler Zugriff – Nur-API-Integrationen",
        )
        .replace("- Modify All Data", "- Alle Daten modifizieren")
        .replace("- Access Activities", "- Auf Aktivitäten zugreifen")
        .replace("- Salesforce API Integration", "- Salesforce-API-Integration");
    let applied = world.converges("German names", &words).await;
    assert!(applied.output.contains("ModifyAllData"), "{}", applied.output);
}
