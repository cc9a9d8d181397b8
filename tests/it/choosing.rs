//! Choosing a part: targets, exclusions, what is made anew; what is let go and
//! what is protected.

use reqwest::Method;
use serde_json::json;

use crate::support::World;

const BASE: &str = "version: 1
profiles:
  Robots: { clone_from: Minimum Access - API Only Integrations }
permission_sets:
  A: {}
  B: {}
users:
  one@robots.example: { last_name: One, email: r@robots.example, profile: Robots, permission_set_licenses: [Salesforce API Integration], permission_sets: [A, B] }
  two@robots.example: { last_name: Two, email: r@robots.example, profile: Robots, permission_sets: [B] }
";

#[tokio::test(flavor = "multi_thread")]
async fn a_target_brings_along_what_it_depends_on_and_says_that_the_plan_is_partial() {
    let world = World::new().await;
    world.write("access.yaml", BASE);
    let arguments =
        ["apply", "access.yaml", "--auto-approve", "--parallelism", "1", "--target", "*.one@*/A"];
    insta::assert_snapshot!("target", world.run(&arguments).await.succeeds().whole());
    let listed = world.run(&["state", "list"]).await.succeeds();
    insta::assert_snapshot!(listed.output, @r"
        permission_set.A
        permission_set_assignment.one@robots.example/A
        permission_set_license_assignment.one@robots.example/SalesforceAPIIntegrationPsl
        profile.Robots
        user.one@robots.example
        ");
    let arguments = ["plan", "access.yaml", "--detailed-exitcode", "--target", "*.one@*/A"];
    assert_eq!(world.run(&arguments).await.code, 0, "what was chosen is settled");
    world.converges("the rest", BASE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exclusion_leaves_out_what_depends_on_it() {
    let world = World::new().await;
    world.write("access.yaml", BASE);
    let arguments = ["apply", "access.yaml", "--auto-approve", "--exclude", "permission_set.B"];
    world.run(&arguments).await.succeeds();
    let listed = world.run(&["state", "list"]).await.succeeds();
    insta::assert_snapshot!(listed.output, @r"
        permission_set.A
        permission_set_assignment.one@robots.example/A
        permission_set_license_assignment.one@robots.example/SalesforceAPIIntegrationPsl
        profile.Robots
        user.one@robots.example
        user.two@robots.example
        ");
    world.converges("the rest", BASE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_can_be_destroyed_with_all_that_uses_it() {
    let world = World::new().await;
    world.converges("set up", BASE).await;
    world
        .run(&["destroy", "access.yaml", "--auto-approve", "--target", "permission_set.B"])
        .await
        .succeeds();
    let listed = world.run(&["state", "list"]).await.succeeds();
    insta::assert_snapshot!(listed.output, @r"
        permission_set.A
        permission_set_assignment.one@robots.example/A
        permission_set_license_assignment.one@robots.example/SalesforceAPIIntegrationPsl
        profile.Robots
        user.one@robots.example
        user.two@robots.example
        ");
    world
        .run(&["destroy", "--auto-approve", "--exclude", "user.two@robots.example"])
        .await
        .succeeds();
    let listed = world.run(&["state", "list"]).await.succeeds();
    insta::assert_snapshot!(listed.output, @r"
        profile.Robots
        user.one@robots.example  (deactivated)
        user.two@robots.example
        ");
    world.converges("all again", BASE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_is_made_anew_with_its_assignments() {
    let world = World::new().await;
    world.converges("set up", BASE).await;
    let before = world.id("PermissionSet", "Name = 'B'").await;
    world.write("access.yaml", BASE);
    let arguments = [
        "apply",
        "access.yaml",
        "--auto-approve",
        "--parallelism",
        "1",
        "--replace",
        "permission_set.B",
    ];
    insta::assert_snapshot!("replace", world.run(&arguments).await.succeeds().whole());
    assert_ne!(before, world.id("PermissionSet", "Name = 'B'").await);
    world.is_settled("after it was replaced").await;
    let assignments =
        world.query("SELECT Id FROM PermissionSetAssignment WHERE PermissionSet.Name = 'B'").await;
    assert_eq!(assignments.len(), 2);

    // Somebody else holds it.
    let user = world.id("User", "Username LIKE 'admin%'").await;
    let set = world.id("PermissionSet", "Name = 'B'").await;
    world
        .call(
            Method::POST,
            "sobjects/PermissionSetAssignment",
            json!({"AssigneeId": user, "PermissionSetId": set}),
        )
        .await;
    insta::assert_snapshot!("replace_held", world.run(&arguments).await.fails().whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_chosen_is_refused_with_what_to_do() {
    let world = World::new().await;
    world.converges("set up", BASE).await;
    let mut transcript = String::new();
    for arguments in [
        &["--target", "user.one@robot.example"][..],
        &["--exclude", "queue.*"],
        &["--target", " "],
        &["--replace", "user.one@robots.example"],
        &["--replace", "profile.*"],
        &["--refresh-only", "--replace", "permission_set.B"],
    ] {
        transcript.push_str(&format!("$ orgform plan access.yaml {}\n", arguments.join(" ")));
        let all: Vec<&str> = ["plan", "access.yaml"].iter().chain(arguments).copied().collect();
        transcript.push_str(&world.run(&all).await.fails().whole());
    }
    insta::assert_snapshot!("choices_refused", transcript);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_released_is_no_longer_managed_and_not_touched() {
    let world = World::new().await;
    world.converges("set up", BASE).await;
    let without_one: String = BASE
        .lines()
        .filter(|line| !line.contains("one@") && !line.contains("  A:"))
        .map(|line| format!("{line}\n"))
        .collect();
    let released = format!("{without_one}release: [user.one@robots.example, permission_set.A]\n");
    world.write("access.yaml", &released);
    let arguments = ["apply", "access.yaml", "--auto-approve", "--parallelism", "1"];
    insta::assert_snapshot!("release", world.run(&arguments).await.succeeds().whole());
    world.is_settled("after the release").await;
    let one = "Assignee.Username = 'one@robots.example' AND PermissionSet.IsOwnedByProfile = false";
    let held = format!("SELECT Id FROM PermissionSetAssignment WHERE {one}");
    assert_eq!(world.query(&held).await.len(), 2);
    world.write("access.yaml", format!("{BASE}release: [user.one@robots.example, usr.x]\n"));
    let both = world.run(&["plan", "access.yaml"]).await.fails();
    insta::assert_snapshot!("release_not_understood", both.whole());
    world.write("access.yaml", format!("{BASE}release: [user.one@robots.example]\n"));
    let both = world.run(&["plan", "access.yaml"]).await.fails();
    insta::assert_snapshot!("release_and_declared", both.whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_protected_is_skipped_and_reported_and_the_rest_goes_on() {
    let world = World::new().await;
    let protected = BASE
        .replace("last_name: One,", "last_name: One, lifecycle: { prevent_destroy: true },")
        .replace("A: {}", "A: { lifecycle: { prevent_destroy: true } }");
    world.converges("protect", &protected).await;
    // Without any file the state knows it.
    std::fs::remove_file(world.path().join("access.yaml")).expect("is there");
    let arguments = ["destroy", "--auto-approve", "--parallelism", "1"];
    insta::assert_snapshot!("protected_destroy", world.run(&arguments).await.succeeds().whole());
    let listed = world.run(&["state", "list"]).await.succeeds();
    insta::assert_snapshot!("protected_left", listed.output);
    world.write("access.yaml", &protected);
    let arguments = ["plan", "access.yaml", "--replace", "permission_set.A"];
    insta::assert_snapshot!("protected_replace", world.run(&arguments).await.fails().whole());
    // Taken out of the file it stays too, until the protection is taken off.
    world.converges("all again", &protected).await;
    let gone = BASE.replace("  A: {}\n", "").replace("[A, B]", "[B]");
    world.converges("out of the file", &gone).await;
    assert_eq!(world.query("SELECT Id FROM PermissionSet WHERE Name = 'A'").await.len(), 1);
    // Taken out of the file, and not applied yet, it protects still.
    world.write("access.yaml", BASE);
    let still = world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    assert!(still.output.contains("permission_set.A: kept, since `prevent_destroy`"));
    world.converges("unprotected", BASE).await;
    world.converges("out of the file again", &gone).await;
    assert!(world.query("SELECT Id FROM PermissionSet WHERE Name = 'A'").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn ignored_changes_are_set_at_creation_and_left_as_they_are_afterwards() {
    let world = World::new().await;
    let ignoring = BASE
        .replace(
            "last_name: One,",
            "last_name: One, lifecycle: { ignore_changes: [last_name, email] },",
        )
        .replace(
            "A: {}",
            "A: { system_permissions: [ApiEnabled], objects: { Contact: { access: [read], fields: { Phone: read } } }, lifecycle: { ignore_changes: [objects.Contact] } }",
        );
    world.converges("create", &ignoring).await;
    let one = world.id("User", "Username = 'one@robots.example'").await;
    let patch = json!({"LastName": "Eins", "Alias": "eins"});
    world.call(Method::PATCH, &format!("sobjects/User/{one}"), patch).await;
    let wished = ignoring
        .replace("last_name: One,", "last_name: Uno, alias: uno,")
        .replace("access: [read], fields: { Phone: read }", "access: [read, edit]")
        .replace("[ApiEnabled]", "[ApiEnabled, RunReports]");
    world.write("access.yaml", &wished);
    let arguments = ["apply", "access.yaml", "--auto-approve", "--parallelism", "1"];
    insta::assert_snapshot!("ignored", world.run(&arguments).await.succeeds().whole());
    world.is_settled("after the rest was changed").await;
    assert_eq!(
        world.query("SELECT Id FROM User WHERE LastName = 'Eins' AND Alias = 'uno'").await.len(),
        1
    );
    world.write("access.yaml", wished.replace("[last_name, email]", "[last_nam, email]"));
    insta::assert_snapshot!(
        "ignored_not_understood",
        world.run(&["plan", "access.yaml"]).await.fails().whole()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exclusion_of_what_is_renamed_leaves_the_old_one_alone() {
    let world = World::new().await;
    world.converges("set up", BASE).await;
    let renamed = BASE
        .replace("  B: {}", "  C: { was: B }")
        .replace("[A, B]", "[A, C]")
        .replace("[B]", "[C]")
        .replace("  two@robots", "  zwei@robots")
        .replace("last_name: Two,", "was: two@robots.example, last_name: Two,");
    world.write("access.yaml", &renamed);
    for excluded in
        ["permission_set.C", "permission_set.B", "user.two*", "user.zwei*", "profile.Robots"]
    {
        let planned = world.run(&["plan", "access.yaml", "--exclude", excluded]).await.succeeds();
        assert!(
            !planned.output.contains("to delete") && !planned.output.contains("will be deleted"),
            "{excluded}: {}",
            planned.output
        );
    }
    world.converges("renamed after all", &renamed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_excluded_user_keeps_what_belongs_to_it_when_the_rest_is_destroyed() {
    let world = World::new().await;
    world.converges("set up", BASE).await;
    world.run(&["destroy", "--auto-approve", "--exclude", "user.one@*"]).await.succeeds();
    let listed = world.run(&["state", "list"]).await.succeeds();
    insta::assert_snapshot!("destroy_exclude_user", listed.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rejection_teaches_does_not_make_anything_anew_twice() {
    let doubts = orgform::local_org::Doubts { hidden_dependency: true, ..Default::default() };
    let world = World::with(orgform::local_org::Seed::default(), doubts).await;
    world.converges("set up", BASE).await;
    let taught = BASE
        .replace("  A: {}", "  A: {}\n  T: { system_permissions: [Run Reports] }")
        .replace("permission_sets: [B] }", "permission_sets: [] }");
    world.write("access.yaml", taught);
    let applied = world
        .run(&[
            "apply",
            "access.yaml",
            "--auto-approve",
            "--replace",
            "permission_set.B",
            "--target",
            "permission_set.?",
            "--target",
            "permission_set_assignment.*",
        ])
        .await
        .succeeds();
    assert!(applied.output.contains("Planned again with that"), "{}", applied.output);
    assert_eq!(applied.output.matches("permission_set.B: delete done").count(), 1);
    let last = applied.output.lines().last().expect("a summary");
    assert!(last.starts_with("Apply complete"), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_half_made_anew_is_finished_by_the_next_run() {
    let world = World::new().await;
    world.converges("set up", BASE).await;
    for _ in 0..2 {
        // Stopped as early as can be: what was under way is taken away already.
        world.stops();
        let arguments = ["apply", "access.yaml", "--auto-approve", "--replace", "permission_set.B"];
        world.run(&arguments).await;
        world.converges("go on", BASE).await;
        let held = "SELECT Id FROM PermissionSetAssignment WHERE PermissionSet.Name = 'B'";
        assert_eq!(world.query(held).await.len(), 2);
    }
}
