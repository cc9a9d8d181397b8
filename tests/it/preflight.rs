//! What a plan is checked for before the first write, and the guards: each
//! refusal as the person reads it who gets it.

use orgform::local_org::Doubts;
use orgform::local_org::Seed;

use crate::support::Ran;
use crate::support::World;
use crate::support::example;

const BASE: &str = "Minimum Access - API Only Integrations";

async fn with_seed(seed: Seed) -> World {
    World::with(seed, Doubts::default()).await
}

/// Users in a file, each with the same assignments.
fn users(count: usize, rest: &str) -> String {
    (0..count)
        .map(|n| format!("  u{n}@robots.example: {{ last_name: U{n}, email: u@robots.example, profile: {BASE}{rest} }}\n"))
        .collect()
}

async fn planned(world: &World, yaml: &str) -> Ran {
    world.write("access.yaml", yaml);
    world.run(&["plan", "access.yaml"]).await
}

/// Nothing was written.
async fn is_untouched(world: &World, users: usize) {
    assert_eq!(world.query("SELECT Id FROM User").await.len(), users);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_few_seats_are_told_at_their_line_before_anything_is_written() {
    let world = World::new().await;
    let rest = ", permission_set_licenses: [Salesforce API Integration]";
    let yaml = format!("version: 1\nusers:\n{}", users(7, rest));
    let plan = planned(&world, &yaml).await.fails();
    insta::assert_snapshot!("seats_plan", plan.whole());
    let apply = world.run(&["apply", "access.yaml", "--auto-approve"]).await.fails();
    assert!(apply.errors.contains("2 checks before the first write failed; nothing was changed"));
    is_untouched(&world, 1).await;
    // Who knows better goes on, and the org has the last word.
    let arguments = ["apply", "access.yaml", "--auto-approve", "--skip-preflight"];
    let skipped = world.run(&arguments).await.fails();
    assert!(skipped.output.contains("LICENSE_LIMIT_EXCEEDED"), "{}", skipped.whole());
    is_untouched(&world, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_that_the_plan_itself_frees_are_a_warning() {
    let world = World::new().await;
    let mut yaml = format!("version: 1\nusers:\n{}", users(5, ""));
    world.converges("five", &yaml).await;
    yaml = yaml.replace("  u0@robots", "  u9@robots");
    world.write("access.yaml", &yaml);
    insta::assert_snapshot!(
        "seats_freed",
        world.run(&["plan", "access.yaml"]).await.succeeds().whole()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_license_does_not_allow_is_told_with_what_opens_it() {
    let world = World::new().await;
    let yaml = format!(
        "version: 1\npermission_sets:\n  S: {{ objects: {{ Contact: {{ access: [read] }} }} }}\nusers:\n{}",
        users(2, ", permission_sets: [S]")
    );
    insta::assert_snapshot!("license_allows", planned(&world, &yaml).await.fails().whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_license_that_expired_and_a_package_by_the_seat_are_told() {
    let world = with_seed(Seed {
        licenses_expire: Some("2026-11-30".to_owned()),
        package_seats: Some(3),
        ..Seed::default()
    })
    .await;
    insta::assert_snapshot!("license_expired", planned(&world, &example()).await.fails().whole());
    let yaml =
        example().replace("coconut__Coconut_Integration_Config", "coconut__Other, mango__Config");
    insta::assert_snapshot!("package_sets_missing", planned(&world, &yaml).await.fails().whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_that_the_user_of_the_token_lacks_are_named_and_only_those_needed() {
    let lacks = ["ManageUsers", "ManageInternalUsers", "ResetPasswords", "FreezeUsers"];
    let seed =
        Seed { admin_lacks: lacks.iter().map(ToString::to_string).collect(), ..Seed::default() };
    let world = with_seed(seed).await;
    insta::assert_snapshot!("rights", planned(&world, &example()).await.fails().whole());
    let sets = "version: 1\npermission_sets:\n  S: { system_permissions: [Run Reports] }\n";
    let only_sets = planned(&world, sets).await.succeeds();
    assert!(!only_sets.output.contains("lacks the permission"), "{}", only_sets.output);
    // The org says the same when the check is skipped.
    world.write("access.yaml", format!("version: 1\nusers:\n{}", users(1, "")));
    let skipped =
        world.run(&["apply", "access.yaml", "--auto-approve", "--skip-preflight"]).await.fails();
    assert!(skipped.output.contains("INSUFFICIENT_ACCESS_OR_READONLY"), "{}", skipped.whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_runs_it_never_loses_its_own_access_nor_the_org_its_last_administrator() {
    let world = World::new().await;
    let admin = |rest: &str| {
        format!(
            "version: 1\nusers:\n  admin@local.orgform.example: {{ last_name: Admin, email: admin@local.orgform.example, {rest} }}\n"
        )
    };
    let moved = admin("profile: Standard User");
    insta::assert_snapshot!("own_access", planned(&world, &moved).await.fails().whole());
    let inactive = admin("profile: System Administrator, active: false");
    world.write("access.yaml", &inactive);
    // Neither flag helps.
    let arguments = ["apply", "access.yaml", "--auto-approve", "--skip-preflight"];
    insta::assert_snapshot!("last_administrator", world.run(&arguments).await.fails().whole());
    is_untouched(&world, 1).await;
    let renamed = admin("profile: System Administrator");
    world.converges("no loss", &renamed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_way_around_leads_to_the_own_access() {
    let world = World::new().await;
    let yaml = "version: 1
permission_sets:
  Own: { system_permissions: [Manage Users] }
users:
  admin@local.orgform.example: { last_name: Admin, email: admin@local.orgform.example, profile: System Administrator, permission_sets: [Own] }
";
    world.converges("a set of the own user", yaml).await;
    // Neither without a look at the org nor under a new name.
    for (changed, refresh) in [
        (yaml.replace("[Manage Users]", "[]"), "false"),
        (yaml.replace(", permission_sets: [Own]", ""), "false"),
        (
            yaml.replace(
                "  Own: { system_permissions: [Manage Users]",
                "  New: { was: Own, system_permissions: []",
            )
            .replace("[Own]", "[New]"),
            "true",
        ),
    ] {
        world.write("access.yaml", changed);
        let arguments = ["apply", "access.yaml", "--auto-approve", "--refresh", refresh];
        let ran = world.run(&arguments).await.fails();
        assert!(
            ran.errors.contains("the plan is run by admin@local.orgform.example"),
            "{}",
            ran.whole()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_share_is_only_taken_away_or_changed_when_a_flag_names_the_number() {
    let world = with_seed(Seed { seats: Some(-1), ..Seed::default() }).await;
    let twelve = format!("version: 1\nusers:\n{}", users(12, ""));
    world.converges("twelve", &twelve).await;
    let eight =
        format!("version: 1\nusers:\n{}", users(8, "").replace("last_name: U", "last_name: V"));
    world.write("access.yaml", &eight);
    let plan = world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await;
    assert_eq!(plan.code, 2, "a guard is for apply: {}", plan.whole());
    let apply = ["apply", "access.yaml", "--auto-approve"];
    insta::assert_snapshot!("shares", world.run(&apply).await.fails().whole());
    let few = [&apply[..], &["--allow-removals", "3", "--allow-updates", "8"]].concat();
    let refused = world.run(&few).await.fails();
    assert!(refused.errors.contains("--allow-removals 4"), "{}", refused.errors);
    let enough = [&apply[..], &["--allow-removals", "4", "--allow-updates", "8"]].concat();
    world.run(&enough).await.succeeds();
    // Below ten, and by name, no guard stands in the way; destroy asks by itself.
    let six =
        format!("version: 1\nusers:\n{}", users(4, "").replace("last_name: U", "last_name: V"));
    world.converges("from eight to four", &six).await;
    world.run(&["destroy", "--auto-approve"]).await.succeeds();
}

#[tokio::test(flavor = "multi_thread")]
async fn with_profile_filtering_what_is_not_seen_is_not_taken_for_missing() {
    let doubts = Doubts { profile_filtering: true, ..Doubts::default() };
    let seed = Seed { admin_lacks: vec!["ViewAllProfiles".to_owned()], ..Seed::default() };
    let world = World::with(seed, doubts.clone()).await;
    insta::assert_snapshot!(planned(&world, &example()).await.fails().whole(), @r"
        --- standard error
        Error: the org shows the token's user no profile but its own, so that it can't be told which profiles there are: Profile Filtering is on
          Give that user the permission View All Profiles, or use the token of one that has it.
        --- exit code 1
        ");
    let world = World::with(Seed::default(), doubts).await;
    world.converges("who may see all profiles", &example()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_calls_than_are_left_today_are_told_before_the_first_write() {
    let world = with_seed(Seed { calls_today: 99_990, ..Seed::default() }).await;
    insta::assert_snapshot!("calls_left", planned(&world, &example()).await.fails().whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_that_adopting_would_take_away_are_told_and_need_a_flag_where_nobody_is_asked() {
    let world = World::new().await;
    let set =
        "version: 1\npermission_sets:\n  S: { system_permissions: [Run Reports, Manage Users] }\n";
    world.converges("made", set).await;
    // Another machine, which knows nothing of it.
    std::fs::remove_dir_all(world.path().join("state")).expect("the state");
    let less = set.replace(", Manage Users", "");
    insta::assert_snapshot!("losses_plan", planned(&world, &less).await.succeeds().whole());
    let arguments = ["apply", "access.yaml", "--auto-approve"];
    let refused = world.run(&arguments).await.fails();
    insta::assert_snapshot!("losses_refused", refused.errors);
    world.run(&["plan", "access.yaml", "--out", "p"]).await.succeeds();
    let saved = world.run(&["apply", "p"]).await.fails();
    assert!(saved.errors.contains("--allow-loss"), "{}", saved.whole());
    // Who is asked decides; and a flag does.
    world.types("no\n");
    world.run(&["apply", "access.yaml"]).await.fails();
    world.run(&["apply", "p", "--allow-loss"]).await.succeeds();
    world.is_settled("after the loss").await;
}
