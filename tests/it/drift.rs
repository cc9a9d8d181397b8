//! What somebody changed in the org behind orgform's back: told apart from our
//! own changes, only where it touches what is managed, and taken in on request.

use reqwest::Method;
use serde_json::json;

use crate::support::World;

const BASE: &str = "version: 1
permission_sets:
  A: { system_permissions: [Run Reports] }
  B: {}
users:
  one@robots.example: { last_name: One, email: r@robots.example, profile: Standard User, permission_sets: [A] }
  two@robots.example: { last_name: Two, email: r@robots.example, profile: Standard User, permission_sets: [A] }
";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_outside_is_told_by_kind_and_noise_is_not() {
    let world = World::new().await;
    world.converges("set up", BASE).await;
    let patch = async |object: &str, id: &str, fields: serde_json::Value| {
        world.call(Method::PATCH, &format!("sobjects/{object}/{id}"), fields).await
    };
    let one = world.id("User", "Username = 'one@robots.example'").await;
    let two = world.id("User", "Username = 'two@robots.example'").await;
    // Nobody manages time zones here.
    patch("User", &one, json!({"TimeZoneSidKey": "Asia/Tokyo"})).await;
    patch("User", &two, json!({"LastName": "Zwei"})).await;
    let set = world.id("PermissionSet", "Name = 'A'").await;
    patch("PermissionSet", &set, json!({"PermissionsViewSetup": true, "HasActivationRequired": true, "PermissionsViewRoles": true})).await;
    let held = world
        .id("PermissionSetAssignment", "PermissionSet.Name = 'A' AND Assignee.LastName = 'One'")
        .await;
    let path = format!("sobjects/PermissionSetAssignment/{held}");
    world.call(Method::DELETE, &path, serde_json::Value::Null).await;
    let other = world.id("PermissionSet", "Name = 'B'").await;
    let assignment = json!({"AssigneeId": two, "PermissionSetId": other});
    world.call(Method::POST, "sobjects/PermissionSetAssignment", assignment).await;
    let plan = world.run(&["plan", "access.yaml"]).await.succeeds();
    insta::assert_snapshot!("drift", plan.whole());

    let refresh = ["plan", "access.yaml", "--refresh-only"];
    insta::assert_snapshot!("refresh_only", world.run(&refresh).await.succeeds().whole());
    world.types("no\n");
    let no = world.run(&["apply", "access.yaml", "--refresh-only"]).await.fails();
    assert!(no.output.contains("Take over cancelled; nothing was changed."), "{}", no.whole());
    world.types("yes\n");
    let taken = world.run(&["apply", "access.yaml", "--refresh-only"]).await.succeeds();
    insta::assert_snapshot!("refresh_only_applied", taken.whole());
    // The org was not touched, and the drift is no drift any more.
    assert_eq!(world.query("SELECT Id FROM User WHERE LastName = 'Zwei'").await.len(), 1);
    let plan = world.run(&["plan", "access.yaml"]).await.succeeds();
    assert!(!plan.output.contains("Changed outside"), "{}", plan.output);
    insta::assert_snapshot!("after_refresh_only", plan.whole());
    world.converges("as declared again", BASE).await;
}

/// Nothing is made a second time because somebody renamed the first.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_renamed_in_the_org_is_told_by_its_new_name() {
    let world = World::new().await;
    world.converges("set up", BASE).await;
    let one = world.id("User", "Username = 'one@robots.example'").await;
    let renamed = json!({"Username": "evil@robots.example"});
    world.call(Method::PATCH, &format!("sobjects/User/{one}"), renamed).await;
    insta::assert_snapshot!(
        "renamed_user",
        world.run(&["plan", "access.yaml"]).await.fails().whole()
    );
    let gone = BASE.lines().filter(|line| !line.contains("one@")).map(|line| format!("{line}\n"));
    world.write("gone.yaml", gone.collect::<String>());
    let plan = world.run(&["plan", "gone.yaml"]).await.succeeds();
    assert!(plan.output.contains("`evil@robots.example` there now"), "{}", plan.output);
    let followed = BASE
        .replace("  one@robots.example: {", "  evil@robots.example: { was: one@robots.example,");
    world.converges("the file follows", &followed).await;
    assert_eq!(world.query("SELECT Id FROM User").await.len(), 3, "nobody was made anew");
}
