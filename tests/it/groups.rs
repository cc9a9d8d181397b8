//! Permission set groups: members, muting, the wait until the org has added them
//! up, and what it gives to their users.

use reqwest::Method;
use serde_json::json;

use crate::settings::world_with;

const GROUP: &str = "version: 1
permission_sets:
  Reader:
    objects: { Contact: { access: [read], fields: { Email: read } } }
  Writer:
    system_permissions: [Run Reports, Export Reports]
    objects: { Contact: { access: [read, create, edit, delete], fields: { Email: edit, Phone: edit } } }
permission_set_groups:
  Sales:
    label: Sales people
    description: What sales people share
    permission_sets: [Reader, Writer, coconut__Coconut_Integration_Config]
    muting:
      system_permissions: [Export Reports]
      objects:
        Contact: { access: [delete], fields: { Phone: edit } }
users:
  one@coconut.example:
    last_name: One
    email: one@coconut.example
    profile: Standard User
    permission_set_groups: [Sales]
";

const HELD: &str = "SELECT PermissionsRunReports, PermissionsExportReport FROM PermissionSet WHERE PermissionSetGroupId != null";

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_made_waited_for_assigned_changed_and_taken_away() {
    let world = world_with("recalculation_calls=2").await;
    let applied = world.converges("made", GROUP).await;
    insta::assert_snapshot!("group", applied.output);
    let held = &world.query(HELD).await[0];
    assert_eq!(held["PermissionsRunReports"], json!(true));
    assert_eq!(held["PermissionsExportReport"], json!(false));
    let field = &world.query("SELECT PermissionsRead, PermissionsEdit FROM FieldPermissions WHERE Field = 'Contact.Phone' AND Parent.PermissionSetGroupId != null").await[0];
    assert_eq!(field["PermissionsEdit"], json!(false));
    assert_eq!(field["PermissionsRead"], json!(true));

    let changed = GROUP
        .replace("[Reader, Writer, coconut__Coconut_Integration_Config]", "[Writer]")
        .replace("      system_permissions: [Export Reports]\n", "")
        .replace(
            "Phone: edit } } }\npermission_set_groups",
            "Phone: read } } }\npermission_set_groups",
        );
    let applied = world.converges("changed", &changed).await;
    insta::assert_snapshot!("group_changed", applied.output);
    assert_eq!(world.query(HELD).await[0]["PermissionsExportReport"], json!(true));

    let no_muting = changed.replace(
        "    muting:\n      objects:\n        Contact: { access: [delete], fields: { Phone: edit } }\n",
        "",
    );
    world.converges("nothing muted", &no_muting).await;
    let rights = "SELECT PermissionsDelete FROM ObjectPermissions WHERE SobjectType = 'Contact' AND Parent.PermissionSetGroupId != null";
    assert_eq!(world.query(rights).await[0]["PermissionsDelete"], json!(true));

    let gone = "version: 1\n";
    world.converges("taken away", gone).await;
    for object in ["PermissionSetGroup", "MutingPermissionSet", "PermissionSetGroupComponent"] {
        assert!(world.query(&format!("SELECT Id FROM {object}")).await.is_empty(), "{object}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_changes_alone_is_waited_for_too() {
    let world = world_with("recalculation_calls=2").await;
    world.converges("made", GROUP).await;
    let changed = GROUP.replace("[Run Reports, Export Reports]", "[Export Reports]");
    let applied = world.converges("a member changes", &changed).await;
    insta::assert_snapshot!("group_member_changes", applied.output);
    assert_eq!(world.query(HELD).await[0]["PermissionsRunReports"], json!(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_fails_names_its_members_and_its_users_do_not_get_it() {
    let world = world_with("recalculation_fails_for=Reader").await;
    world.write("access.yaml", GROUP);
    let failed =
        world.run(&["apply", "access.yaml", "--auto-approve", "--parallelism", "1"]).await.fails();
    insta::assert_snapshot!("group_fails", failed.whole());
    let again =
        world.run(&["apply", "access.yaml", "--auto-approve", "--parallelism", "1"]).await.fails();
    assert!(again.whole().contains("recalculate failed"), "{}", again.whole());
    world.converges("without that member", &GROUP.replace("[Reader, Writer,", "[Writer,")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_takes_too_long_is_told_and_goes_on_next_time() {
    let world = world_with("recalculation_calls=5").await;
    world.write("access.yaml", GROUP);
    let late = world
        .run(&["apply", "access.yaml", "--auto-approve", "--parallelism", "1", "--wait", "0"])
        .await
        .fails();
    insta::assert_snapshot!("group_late", late.whole());
    world.converges("later", GROUP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_there_is_adopted_and_one_that_is_not_declared_is_assigned() {
    let world = world_with("recalculation_calls=1").await;
    world.converges("made", GROUP).await;
    // Another folder of files, and a state that knows nothing.
    std::fs::remove_dir_all(world.state()).expect("the state is there");
    let other = GROUP
        .replace("Sales people", "Sales folk")
        .replace("Phone: edit } }\nusers", "Email: edit } }\nusers");
    world.write("access.yaml", &other);
    let refused = world.run(&["plan", "access.yaml"]).await;
    insta::assert_snapshot!("group_adopted", refused.whole());
    world.run(&["apply", "access.yaml", "--auto-approve", "--allow-loss"]).await.succeeds();
    world.is_settled("adopted").await;
    assert_eq!(world.query("SELECT Id FROM MutingPermissionSet").await.len(), 1);

    let by_label = "version: 1
users:
  two@coconut.example:
    last_name: Two
    email: two@coconut.example
    profile: Standard User
    permission_set_groups:
      - { name: Sales folk, expires: 2030-01-31 }
";
    world.write("other.yaml", by_label);
    let args = ["apply", "other.yaml", "--auto-approve", "--state-dir", "other-state"];
    let applied = world.run(&args).await.succeeds();
    insta::assert_snapshot!("group_by_label", applied.output);
    let explained = world
        .run(&["explain", "user", "two@coconut.example", "--state-dir", "other-state"])
        .await
        .succeeds();
    assert!(explained.output.contains("permission set group Sales"), "{}", explained.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_group_is_told_at_its_line() {
    let world = world_with("").await;
    let yaml = GROUP
        .replace("Writer, coconut", "Writr, coconut")
        .replace("[Export Reports]\n      objects", "[Exprt Reports]\n      objects")
        .replace("Phone: edit } }\nusers", "Fone: edit } }\nusers")
        .replace("groups: [Sales]", "groups: [Sails]");
    world.write("access.yaml", yaml);
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    insta::assert_snapshot!("group_mistakes", refused.whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_somebody_else_holds_is_kept_and_a_member_is_not_deleted_before_it_leaves() {
    let world = world_with("").await;
    world.converges("made", GROUP).await;
    let admin = world.id("User", "Alias = 'admin'").await;
    let group = world.id("PermissionSetGroup", "DeveloperName = 'Sales'").await;
    let row = json!({"AssigneeId": admin, "PermissionSetGroupId": group});
    world.call(Method::POST, "sobjects/PermissionSetAssignment", row).await;
    let destroyed =
        world.run(&["destroy", "access.yaml", "--auto-approve", "--parallelism", "1"]).await;
    insta::assert_snapshot!("group_kept", destroyed.whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_license_does_not_allow_is_found_in_the_members_of_a_group_too() {
    let world = world_with("").await;
    let yaml = GROUP.replace("profile: Standard User", "profile: Robots").replace(
        "permission_sets:\n  Reader",
        "profiles: { Robots: { clone_from: Minimum Access - API Only Integrations } }\npermission_sets:\n  Reader",
    );
    world.write("access.yaml", &yaml);
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    assert!(refused.whole().contains("does not allow read on Account"), "{}", refused.whole());
    let licensed = yaml.replace(
        "    permission_set_groups: [Sales]",
        "    permission_set_licenses: [Salesforce API Integration]\n    permission_set_groups: [Sales]",
    );
    world.converges("with the license", &licensed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_made_anew_with_its_group_and_what_holds_that() {
    let world = world_with("").await;
    world.converges("made", GROUP).await;
    let licensed = GROUP.replace("  Writer:\n", "  Writer:\n    license: Sales Console User\n");
    let applied = world.converges("another license", &licensed).await;
    assert!(applied.output.contains("(remade with permission_set.Writer)"), "{}", applied.output);
    assert!(applied.output.contains("(remade with permission_set_group.Sales)"));
    let held = "SELECT Id FROM PermissionSetAssignment WHERE PermissionSetGroupId != null";
    assert_eq!(world.query(held).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_their_members_can_be_renamed() {
    let world = world_with("").await;
    world.converges("made", GROUP).await;
    let renamed = GROUP
        .replace("  Writer:\n", "  Author:\n    was: Writer\n")
        .replace("Reader, Writer,", "Reader, Author,")
        .replace("  Sales:\n", "  Selling:\n    was: Sales\n")
        .replace("groups: [Sales]", "groups: [Selling]");
    let applied = world.converges("renamed", &renamed).await;
    insta::assert_snapshot!("group_renamed", applied.output);
    assert_eq!(world.query("SELECT Id FROM PermissionSetGroup").await.len(), 1);
    world.id("PermissionSetGroup", "DeveloperName = 'Selling'").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_stays_with_a_group_that_is_protected_or_declared_elsewhere() {
    let world = world_with("").await;
    let protected = GROUP.replace(
        "    label: Sales people\n",
        "    label: Sales people\n    lifecycle: { prevent_destroy: true }\n",
    );
    world.converges("made", &protected).await;
    let destroyed = world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    let kept = "permission_set.Writer: kept, since permission_set_group.Sales still";
    assert!(destroyed.output.contains(kept), "{}", destroyed.output);

    let world = world_with("").await;
    let (ours, theirs) = GROUP.split_once("permission_set_groups:").expect("both");
    world.converges("ours", ours).await;
    let group = format!(
        "version: 1\npermission_set_groups:{}",
        theirs.split("users:").next().expect("a group")
    );
    world.write("theirs.yaml", group);
    let arguments = ["apply", "theirs.yaml", "--auto-approve", "--state-dir", "theirs"];
    world.run(&arguments).await.succeeds();
    let destroyed = world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    assert!(destroyed.output.contains(kept), "{}", destroyed.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn adopting_a_group_takes_no_member_out_unasked() {
    let world = world_with("").await;
    world.converges("made", GROUP).await;
    std::fs::remove_dir_all(world.state()).expect("the state is there");
    world.write("access.yaml", GROUP.replace("[Reader, Writer,", "[Writer,"));
    let refused = world.run(&["apply", "access.yaml", "--auto-approve"]).await.fails();
    assert!(
        refused.whole().contains("among them Reader of permission_set_group.Sales"),
        "{}",
        refused.whole()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_something_muted_is_muted_with_it() {
    let world = world_with("").await;
    let yaml = GROUP.replace(
        "access: [read, create, edit, delete]",
        "access: [read, create, edit, delete, view_all, modify_all]",
    );
    let applied = world.converges("made", &yaml).await;
    assert!(
        applied.output.contains("+ muting.objects.Contact: delete, modify_all"),
        "{}",
        applied.output
    );
    let explained =
        world.run(&["explain", "user", "one@coconut.example", "--object", "Contact"]).await;
    assert!(!explained.output.contains("delete"), "{}", explained.output);
}
