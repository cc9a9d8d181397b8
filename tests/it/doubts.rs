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
