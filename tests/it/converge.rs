//! The converge test: small steps in a list, each applied and then planned
//! again, which must find nothing to do. Against an org over HTTP.

use reqwest::Method;
use serde_json::json;

use orgform::local_org::Doubts;
use orgform::local_org::Seed;

use crate::support::World;
use crate::support::example;

const BASE: &str = "version: 1
profiles:
  Robots: { clone_from: Minimum Access - API Only Integrations }
permission_sets:
  Robot_Access:
    label: Robot Access
    system_permissions: [View Setup and Configuration]
users:
  one@robots.example:
    last_name: One
    email: robots@robots.example
    profile: Robots
    permission_set_licenses: [Salesforce API Integration]
    permission_sets: [Robot_Access]
";

/// The base with some of its text replaced.
fn with(pairs: &[(&str, &str)]) -> String {
    let mut yaml = BASE.to_owned();
    for (old, new) in pairs {
        assert!(yaml.contains(old), "the base says `{old}`");
        yaml = yaml.replace(old, new);
    }
    yaml
}

const SECOND_USER: &str = "users:
  two@robots.example:
    last_name: Two
    first_name: Robot
    email: robots@robots.example
    profile: Robots
    alias: two
    time_zone: Europe/Berlin
    permission_set_licenses: [SalesforceAPIIntegrationPsl]
    permission_sets: [Robot_Access]
";

#[tokio::test(flavor = "multi_thread")]
async fn every_small_step_converges_in_one_apply() {
    let world = World::new().await;
    let steps: Vec<(&str, String)> = vec![
        ("create", BASE.to_owned()),
        ("change a label", with(&[("label: Robot Access", "label: Robots' <Access> & more")])),
        ("change it back", BASE.to_owned()),
        (
            "describe",
            with(&[(
                "    label: Robot Access\n",
                "    label: Robot Access\n    description: What robots may do\n",
            )]),
        ),
        ("take the description out", BASE.to_owned()),
        (
            "add a permission with prerequisites",
            with(&[(
                "[View Setup and Configuration]",
                "[View Setup and Configuration, Modify All Data]",
            )]),
        ),
        ("take it out again", BASE.to_owned()),
        (
            "add object and field permissions",
            with(&[(
                "    system_permissions",
                "    objects:\n      Contact: { access: [read, edit], fields: { Phone: edit, Email: read } }\n      Lead: { access: all, fields: read }\n    system_permissions",
            )]),
        ),
        (
            "change them",
            with(&[(
                "    system_permissions",
                "    objects:\n      Contact: { access: [read], fields: edit }\n    system_permissions",
            )]),
        ),
        ("take them out", BASE.to_owned()),
        ("add a user", with(&[("users:\n", SECOND_USER)])),
        (
            "change the user",
            with(&[
                ("users:\n", SECOND_USER),
                ("last_name: Two", "last_name: Zwei"),
                ("alias: two", "alias: zwei"),
            ]),
        ),
        (
            "remove an assignment",
            with(&[
                ("users:\n", SECOND_USER),
                ("    permission_sets: [Robot_Access]\n  one@", "  one@"),
            ]),
        ),
        ("remove the user", BASE.to_owned()),
        ("bring the user back", with(&[("users:\n", SECOND_USER)])),
        ("remove it once more", BASE.to_owned()),
        (
            "rename the set",
            with(&[
                ("  Robot_Access:\n", "  Robot_Rights:\n    was: Robot_Access\n"),
                ("permission_sets: [Robot_Access]", "permission_sets: [Robot_Rights]"),
            ]),
        ),
        (
            "forget that it was renamed",
            with(&[
                ("  Robot_Access:\n", "  Robot_Rights:\n"),
                ("permission_sets: [Robot_Access]", "permission_sets: [Robot_Rights]"),
            ]),
        ),
        (
            "rename the user and the profile at once",
            with(&[
                ("  Robot_Access:\n", "  Robot_Rights:\n"),
                ("permission_sets: [Robot_Access]", "permission_sets: [Robot_Rights]"),
                ("  one@robots.example:\n", "  uno@robots.example:\n    was: one@robots.example\n"),
                ("  Robots: {", "  Machines: { was: Robots,"),
                ("profile: Robots", "profile: Machines"),
            ]),
        ),
        (
            "a new profile and set, the old ones taken away",
            with(&[
                ("Robots: {", "Engines: {"),
                ("profile: Robots", "profile: Engines"),
                ("one@robots", "uno@robots"),
            ]),
        ),
    ];
    for (what, yaml) in steps {
        let applied = world.converges(what, &yaml).await;
        let did_nothing = applied.output.contains("No changes.");
        assert_eq!(did_nothing, what == "forget that it was renamed", "{what}: {}", applied.output);
    }
    let destroyed = world.run(&["destroy", "access.yaml", "--auto-approve"]).await;
    assert_eq!(destroyed.code, 0, "{}", destroyed.whole());
    let left = world.query("SELECT Username FROM User WHERE IsActive = true").await;
    assert_eq!(left.len(), 1, "only the admin is active: {left:?}");
    assert!(
        world
            .query("SELECT Id FROM Profile WHERE Name IN ('Robots','Machines','Engines')")
            .await
            .is_empty()
    );
    assert!(world.query("SELECT Id FROM PermissionSet WHERE Name LIKE 'Robot%'").await.is_empty());
    world.converges("create after destroy", &with(&[("one@robots", "uno@robots")])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_is_applied_destroyed_and_applied_again() {
    let world = World::new().await;
    world.converges("the example", &example()).await;
    let mails =
        "SELECT LastPasswordChangeDate FROM User WHERE Username = 'integration@coconut.example'";
    assert!(
        world.query(mails).await[0]["LastPasswordChangeDate"].is_string(),
        "the link was mailed"
    );
    world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    let user = &world.query("SELECT IsActive, Profile.Name FROM User WHERE Username = 'integration@coconut.example'").await[0];
    assert_eq!(user["IsActive"], json!(false));
    assert_eq!(user["Profile"]["Name"], json!("Minimum Access - API Only Integrations"));
    let again = world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    assert!(again.output.contains("Nothing to destroy."), "{}", again.output);
    let back = world.converges("the example once more", &example()).await;
    assert!(
        !back.output.contains("password mail"),
        "a user that comes back gets no new mail: {}",
        back.output
    );
    let user = &world.query("SELECT IsActive, Profile.Name FROM User WHERE Username = 'integration@coconut.example'").await[0];
    assert_eq!(user["IsActive"], json!(true));
    assert_eq!(user["Profile"]["Name"], json!("Coconut Integration"));
    let frozen = world.query("SELECT IsFrozen FROM UserLogin WHERE IsFrozen = true").await;
    assert!(frozen.is_empty(), "nobody is left frozen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_right_org_made_by_hand_is_adopted_and_mended_and_survives_destroy() {
    let world = World::new().await;
    let license = world.id("UserLicense", "Name = 'Salesforce Integration'").await;
    world
        .call(Method::POST, "sobjects/Profile", json!({"Name": "Robots", "UserLicenseId": license}))
        .await;
    world
        .call(
            Method::POST,
            "sobjects/PermissionSet",
            json!({"Name": "Robot_Access", "Label": "Some label", "PermissionsViewRoles": true, "PermissionsRunReports": true}),
        )
        .await;
    world.write("access.yaml", BASE);
    let refused = world.run(&["apply", "access.yaml", "--auto-approve"]).await.fails();
    assert!(
        refused.errors.contains("--allow-loss"),
        "Run Reports would be lost: {}",
        refused.errors
    );
    let applied =
        world.run(&["apply", "access.yaml", "--auto-approve", "--allow-loss"]).await.succeeds();
    assert!(applied.output.contains("2 adopted, 3 created"), "{}", applied.output);
    world.is_settled("adopted").await;
    world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    assert_eq!(world.query("SELECT Id FROM Profile WHERE Name = 'Robots'").await.len(), 1);
    assert_eq!(
        world.query("SELECT Id FROM PermissionSet WHERE Name = 'Robot_Access'").await.len(),
        1
    );
    let user =
        &world.query("SELECT IsActive FROM User WHERE Username = 'one@robots.example'").await[0];
    assert_eq!(user["IsActive"], json!(false), "the user was ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_outside_is_shown_and_put_right() {
    let world = World::new().await;
    world.converges("create", BASE).await;
    let set = world.id("PermissionSet", "Name = 'Robot_Access'").await;
    world
        .call(Method::PATCH, &format!("sobjects/PermissionSet/{set}"), json!({"Label": "Hacked"}))
        .await;
    let assignment =
        world.id("PermissionSetAssignment", &format!("PermissionSetId = '{set}'")).await;
    world
        .call(
            Method::DELETE,
            &format!("sobjects/PermissionSetAssignment/{assignment}"),
            json!(null),
        )
        .await;
    let planned = world.run(&["plan", "access.yaml"]).await.succeeds();
    assert!(planned.output.contains("Changed outside orgform"), "{}", planned.output);
    assert!(planned.output.contains("\"Hacked\" -> \"Robot Access\""), "{}", planned.output);
    assert!(planned.output.contains("removed from the org outside orgform"), "{}", planned.output);
    world.converges("put right", BASE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_somebody_else_deactivated_is_shown_and_left_so() {
    let world = World::new().await;
    world.converges("create", BASE).await;
    let user = world.id("User", "Username = 'one@robots.example'").await;
    world.call(Method::PATCH, &format!("sobjects/User/{user}"), json!({"IsActive": false})).await;
    let planned = world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await.succeeds();
    assert!(planned.output.contains("inactive in the org and is left so"), "{}", planned.output);
    let active = with(&[("    profile: Robots\n", "    profile: Robots\n    active: true\n")]);
    world.converges("say active: true", &active).await;
    let row =
        &world.query("SELECT IsActive FROM User WHERE Username = 'one@robots.example'").await[0];
    assert_eq!(row["IsActive"], json!(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_hold_is_kept_and_they_are_named() {
    let world = World::new().await;
    world.converges("create", BASE).await;
    let (set, profile) = (
        world.id("PermissionSet", "Name = 'Robot_Access'").await,
        world.id("Profile", "Name = 'Robots'").await,
    );
    let other = world
        .call(
            Method::POST,
            "sobjects/User",
            json!({"Username": "other@robots.example", "LastName": "Other", "Email": "o@robots.example", "Alias": "other",
                "TimeZoneSidKey": "GMT", "LocaleSidKey": "en_US", "EmailEncodingKey": "UTF-8", "LanguageLocaleKey": "en_US",
                "ProfileId": profile}),
        )
        .await;
    let psl =
        world.id("PermissionSetLicense", "DeveloperName = 'SalesforceAPIIntegrationPsl'").await;
    world
        .call(
            Method::POST,
            "sobjects/PermissionSetLicenseAssign",
            json!({"AssigneeId": other["id"], "PermissionSetLicenseId": psl}),
        )
        .await;
    world
        .call(
            Method::POST,
            "sobjects/PermissionSetAssignment",
            json!({"AssigneeId": other["id"], "PermissionSetId": set}),
        )
        .await;
    let destroyed = world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    assert_eq!(
        destroyed.output.matches("kept, since other@robots.example").count(),
        2,
        "{}",
        destroyed.output
    );
    assert_eq!(world.query("SELECT Id FROM Profile WHERE Name = 'Robots'").await.len(), 1);
    assert_eq!(
        world.query("SELECT Id FROM PermissionSet WHERE Name = 'Robot_Access'").await.len(),
        1
    );
    world
        .call(
            Method::PATCH,
            &format!("sobjects/User/{}", other["id"].as_str().expect("an id")),
            json!({"ProfileId": world.id("Profile", "Name = 'Minimum Access - API Only Integrations'").await}),
        )
        .await;
    let assignment =
        world.id("PermissionSetAssignment", &format!("PermissionSetId = '{set}'")).await;
    world
        .call(
            Method::DELETE,
            &format!("sobjects/PermissionSetAssignment/{assignment}"),
            json!(null),
        )
        .await;
    world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    assert!(
        world.query("SELECT Id FROM Profile WHERE Name = 'Robots'").await.is_empty(),
        "freed, it goes"
    );
    assert!(
        world.query("SELECT Id FROM PermissionSet WHERE Name = 'Robot_Access'").await.is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_made_by_hand_is_noted_and_left_alone() {
    let world = World::new().await;
    world.converges("create", BASE).await;
    let user = world.id("User", "Username = 'one@robots.example'").await;
    let set = world.id("PermissionSet", "Name = 'Coconut_Integration_Config'").await;
    world
        .call(
            Method::POST,
            "sobjects/PermissionSetAssignment",
            json!({"AssigneeId": user, "PermissionSetId": set}),
        )
        .await;
    let planned = world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await.succeeds();
    assert!(
        planned.output.contains("1 assignment on this user is not declared"),
        "{}",
        planned.output
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_state_converges_by_adoption_and_makes_nothing_twice() {
    let world = World::new().await;
    world.converges("create", &example()).await;
    std::fs::remove_dir_all(world.path().join("state")).expect("the state is lost");
    let applied = world.run(&["apply", "access.yaml", "--auto-approve"]).await.succeeds();
    assert!(applied.output.contains("Nothing is recorded of this org"), "{}", applied.output);
    assert!(applied.output.contains("6 adopted"), "{}", applied.output);
    assert!(!applied.output.contains("password mail"), "{}", applied.output);
    world.is_settled("adopted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_could_not_be_sent_stays_in_the_plan() {
    let world = World::new().await;
    world.converges("create", BASE).await;
    let mail =
        with(&[("    profile: Robots\n", "    profile: Robots\n    password: email_reset_link\n")]);
    let user = world.id("User", "Username = 'one@robots.example'").await;
    world.call(Method::PATCH, &format!("sobjects/User/{user}"), json!({"IsActive": false})).await;
    world.write("access.yaml", &mail);
    let failed = world.run(&["apply", "access.yaml", "--auto-approve"]).await.fails();
    assert!(failed.output.contains("password mail failed"), "{}", failed.output);
    world.call(Method::PATCH, &format!("sobjects/User/{user}"), json!({"IsActive": true})).await;
    let sent = world.converges("send it", &mail).await;
    assert!(sent.output.contains("password mail done"), "{}", sent.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_user_no_longer_declares_is_left_as_it_is_and_is_no_change() {
    let world = World::new().await;
    let more = with(&[(
        "    last_name: One\n",
        "    last_name: One\n    first_name: Robot\n    alias: rob\n    time_zone: Europe/Berlin\n",
    )]);
    world.converges("with more", &more).await;
    world.write(
        "access.yaml",
        with(&[("    last_name: One\n", "    last_name: One\n    first_name: Robot\n")]),
    );
    let planned = world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await.succeeds();
    assert!(planned.output.contains("No changes."), "{}", planned.output);
    world.converges("a first name is taken away", BASE).await;
    let row = &world.query("SELECT FirstName, Alias, TimeZoneSidKey FROM User WHERE Username = 'one@robots.example'").await[0];
    assert_eq!(
        (&row["FirstName"], &row["Alias"], &row["TimeZoneSidKey"]),
        (&json!(null), &json!("rob"), &json!("Europe/Berlin"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_the_org_spells_in_another_case_are_the_same_names() {
    let world = World::new().await;
    let license = world.id("UserLicense", "Name = 'Salesforce Integration'").await;
    world
        .call(Method::POST, "sobjects/Profile", json!({"Name": "ROBOTS", "UserLicenseId": license}))
        .await;
    world
        .call(
            Method::POST,
            "sobjects/PermissionSet",
            json!({"Name": "robot_access", "Label": "Robot Access"}),
        )
        .await;
    let other_case =
        with(&[("clone_from: Minimum Access - API Only", "clone_from: minimum access - api only")]);
    let applied = world.converges("adopt", &other_case).await;
    assert!(applied.output.contains("2 adopted, 3 created"), "{}", applied.output);
    assert_eq!(world.query("SELECT Id FROM Profile WHERE Name = 'Robots'").await.len(), 1);
    let destroyed = world
        .run(&["destroy", "access.yaml", "--auto-approve", "--include-adopted"])
        .await
        .succeeds();
    assert!(destroyed.output.contains("5 taken away"), "{}", destroyed.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_was_that_renames_nothing_is_told() {
    let world = World::new().await;
    world.converges("create", BASE).await;
    world.write(
        "access.yaml",
        with(&[
            ("  Robot_Access:\n", "  Robot_Rights:\n    was: Robot_Acces\n"),
            ("[Robot_Access]", "[Robot_Rights]"),
        ]),
    );
    let planned = world.run(&["plan", "access.yaml"]).await.succeeds();
    assert!(planned.output.contains("`was: Robot_Acces` renames nothing"), "{}", planned.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_brought_back_by_hand_after_destroy_is_managed_again() {
    let world = World::new().await;
    world.converges("create", BASE).await;
    world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    let user = world.id("User", "Username = 'one@robots.example'").await;
    world.call(Method::PATCH, &format!("sobjects/User/{user}"), json!({"IsActive": true})).await;
    let login = world.id("UserLogin", &format!("UserId = '{user}'")).await;
    world
        .call(Method::PATCH, &format!("sobjects/UserLogin/{login}"), json!({"IsFrozen": false}))
        .await;
    world.converges("after it came back by hand", BASE).await;
    world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    assert_eq!(
        world.query("SELECT Id FROM User WHERE IsActive = true").await.len(),
        1,
        "it is still ours"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn destroy_of_an_inactive_user_is_done_once_and_remembered() {
    let world = World::new().await;
    let inactive = with(&[("    profile: Robots\n", "    profile: Robots\n    active: false\n")]);
    world.converges("create", &inactive).await;
    world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    let again = world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    assert!(again.output.contains("Nothing to destroy."), "{}", again.output);
    let listed = world.run(&["state", "list"]).await.succeeds();
    assert!(listed.output.contains("user.one@robots.example  (deactivated)"), "{}", listed.output);
    world.converges("bring it back active", BASE).await;
    let row =
        &world.query("SELECT IsActive FROM User WHERE Username = 'one@robots.example'").await[0];
    assert_eq!(row["IsActive"], json!(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn active_true_also_unfreezes() {
    let world = World::new().await;
    world.converges("create", BASE).await;
    let user = world.id("User", "Username = 'one@robots.example'").await;
    let login = world.id("UserLogin", &format!("UserId = '{user}'")).await;
    world
        .call(Method::PATCH, &format!("sobjects/UserLogin/{login}"), json!({"IsFrozen": true}))
        .await;
    let planned = world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await.succeeds();
    assert!(planned.output.contains("is frozen in the org and is left so"), "{}", planned.output);
    world
        .converges(
            "say active: true",
            &with(&[("    profile: Robots\n", "    profile: Robots\n    active: true\n")]),
        )
        .await;
    assert!(world.query("SELECT Id FROM UserLogin WHERE IsFrozen = true").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_a_deleted_profile_move_to_one_that_is_not_ours() {
    let world = World::new().await;
    let two = "version: 1
profiles:
  Apples: { clone_from: Standard Platform User }
  Bananas: { clone_from: Standard Platform User }
users:
  a@fruit.example: { last_name: A, email: f@fruit.example, profile: Apples }
  b@fruit.example: { last_name: B, email: f@fruit.example, profile: Bananas }
";
    world.converges("two profiles", two).await;
    let one = two.replace("  Apples: { clone_from: Standard Platform User }\n", "");
    let one = one.replace(
        "  a@fruit.example: { last_name: A, email: f@fruit.example, profile: Apples }\n",
        "",
    );
    world.converges("one profile", &one).await;
    let row =
        &world.query("SELECT Profile.Name FROM User WHERE Username = 'a@fruit.example'").await[0];
    assert_eq!(row["Profile"]["Name"], json!("Standard Platform User"));
    world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_declared_no_more_and_still_used_by_the_file_is_kept() {
    let world = World::new().await;
    world.converges("create", BASE).await;
    let only_used = "version: 1
users:
  two@robots.example:
    last_name: Two
    email: robots@robots.example
    profile: Robots
    permission_set_licenses: [Salesforce API Integration]
    permission_sets: [Robot_Access]
";
    world.write("access.yaml", only_used);
    let applied = world.run(&["apply", "access.yaml", "--auto-approve"]).await.succeeds();
    assert_eq!(applied.output.matches("kept, since").count(), 2, "{}", applied.output);
    assert_eq!(world.query("SELECT Id FROM PermissionSetAssignment WHERE Assignee.Username = 'two@robots.example' AND PermissionSet.Name = 'Robot_Access'").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_there_yesterday_is_looked_for_again_and_what_was_is_for_a_day() {
    let world = World::new().await;
    let yaml = "version: 1\nprofiles:\n  Copy: { clone_from: By Hand }\n";
    world.write("access.yaml", yaml);
    world.run(&["plan", "access.yaml"]).await.fails();
    let license = world.id("UserLicense", "Name = 'Salesforce Platform'").await;
    world
        .call(
            Method::POST,
            "sobjects/Profile",
            json!({"Name": "By Hand", "UserLicenseId": license}),
        )
        .await;
    let planned = world.run(&["plan", "access.yaml"]).await.succeeds();
    assert!(planned.output.contains("Salesforce Platform"), "{}", planned.output);
    for _ in 0..3 {
        world.pass_hours(20);
        world.run(&["plan", "access.yaml"]).await.succeeds();
    }
    let profile = world.id("Profile", "Name = 'By Hand'").await;
    world.call(Method::DELETE, &format!("sobjects/Profile/{profile}"), json!(null)).await;
    world.pass_hours(25);
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    assert!(refused.errors.contains("neither declared nor in this org"), "{}", refused.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_starts_with_what_its_base_holds_whatever_the_base_is_called() {
    let world = World::new().await;
    let license = world.id("UserLicense", "Name = 'Salesforce'").await;
    world
        .call(
            Method::POST,
            "sobjects/Profile",
            json!({"Name": "50%25 / Base & <more>", "UserLicenseId": license, "PermissionsRunReports": true}),
        )
        .await;
    world
        .converges(
            "clone",
            "version: 1\nprofiles:\n  A / B: { clone_from: '50%25 / Base & <more>' }\n  Plain: { clone_from: Standard User }\n",
        )
        .await;
    for name in ["A / B", "Plain"] {
        let row = &world
            .query(&format!("SELECT PermissionsRunReports FROM Profile WHERE Name = '{name}'"))
            .await[0];
        assert_eq!(row["PermissionsRunReports"], json!(true), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_names_and_labels_stay_what_they_are() {
    let world = World::new().await;
    let yaml = "version: 1
permission_sets:
  Odd: { label: \"<Odd> & 'quoted' \\\\ ünï 😀\" , description: \"' OR Name != '\" }
users:
  o'neil/x@robots.example:
    last_name: \"O'Neil \\\\ <b>\"
    email: r@robots.example
    profile: Standard User
    permission_sets: [Odd, Coconut Integration Config]
";
    world.converges("odd names", yaml).await;
    let row = &world.query("SELECT Label FROM PermissionSet WHERE Name = 'Odd'").await[0];
    assert_eq!(row["Label"], json!("<Odd> & 'quoted' \\ ünï 😀"));
    std::fs::remove_dir_all(world.path().join("state")).expect("the state is lost");
    let applied = world.run(&["apply", "access.yaml", "--auto-approve"]).await.succeeds();
    assert!(applied.output.contains("4 adopted"), "found by its label too: {}", applied.output);
    assert!(!applied.output.contains("not declared"), "{}", applied.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_that_somebody_did_already_is_taken_over() {
    let world = World::new().await;
    world.converges("create", BASE).await;
    let user = world.id("User", "Username = 'one@robots.example'").await;
    world
        .call(
            Method::PATCH,
            &format!("sobjects/User/{user}"),
            json!({"Username": "uno@robots.example"}),
        )
        .await;
    world
        .converges(
            "renamed",
            &with(&[(
                "  one@robots.example:\n",
                "  uno@robots.example:\n    was: one@robots.example\n",
            )]),
        )
        .await;
    assert_eq!(world.query("SELECT Id FROM User WHERE Profile.Name = 'Robots'").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn view_all_data_opens_every_object_and_is_no_drift() {
    let world = World::new().await;
    world
        .converges(
            "view all data",
            "version: 1\npermission_sets:\n  Viewer:\n    system_permissions: [View All Data]\n    objects: { Contact: { access: [edit] } }\n",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_was_there_is_not_ours_even_when_nobody_looked_first() {
    let world = World::new().await;
    world.converges("create", BASE).await;
    world
        .call(Method::POST, "sobjects/PermissionSet", json!({"Name": "Theirs", "Label": "Theirs"}))
        .await;
    world.write(
        "access.yaml",
        with(&[("permission_sets:\n  Robot", "permission_sets:\n  Theirs: {}\n  Robot")]),
    );
    world.run(&["apply", "access.yaml", "--auto-approve", "--refresh=false"]).await.succeeds();
    world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    assert_eq!(world.query("SELECT Id FROM PermissionSet WHERE Name = 'Theirs'").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_users_that_come_back_keep_their_own_ids() {
    let world = World::new().await;
    let two = with(&[("users:\n", SECOND_USER)]);
    world.converges("create", &two).await;
    world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    world.converges("bring them back", &two).await;
    let shown = world.run(&["state", "show", "user.two@robots.example"]).await.succeeds();
    let own = world.id("User", "Username = 'two@robots.example'").await;
    assert!(shown.output.contains(&format!("id: {own}")), "{}", shown.output);
    let more = two.replace(
        "permission_sets: [Robot_Access]",
        "permission_sets: [Robot_Access, coconut__Coconut_Integration_Config]",
    );
    world.converges("one assignment more", &more).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn destroy_takes_away_what_is_there_whatever_a_was_says() {
    let world = World::new().await;
    world.converges("create", BASE).await;
    world.write(
        "access.yaml",
        with(&[
            ("  Robot_Access:\n", "  Robot_Rights:\n    was: Robot_Access\n"),
            ("[Robot_Access]", "[Robot_Rights]"),
        ]),
    );
    world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    assert!(world.query("SELECT Id FROM PermissionSet WHERE Name LIKE 'Robot%'").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_of_user_and_set_of_which_one_is_done_already_loses_no_assignment() {
    for by_hand in ["set", "user"] {
        let world = World::new().await;
        world.converges("create", BASE).await;
        if by_hand == "set" {
            let set = world.id("PermissionSet", "Name = 'Robot_Access'").await;
            world
                .call(
                    Method::PATCH,
                    &format!("sobjects/PermissionSet/{set}"),
                    json!({"Name": "Robot_Rights"}),
                )
                .await;
        } else {
            let user = world.id("User", "Username = 'one@robots.example'").await;
            world
                .call(
                    Method::PATCH,
                    &format!("sobjects/User/{user}"),
                    json!({"Username": "uno@robots.example"}),
                )
                .await;
        }
        let renamed = with(&[
            ("  Robot_Access:\n", "  Robot_Rights:\n    was: Robot_Access\n"),
            ("[Robot_Access]", "[Robot_Rights]"),
            ("  one@robots.example:\n", "  uno@robots.example:\n    was: one@robots.example\n"),
        ]);
        world.converges(by_hand, &renamed).await;
        let destroyed = world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
        assert!(destroyed.output.contains("5 taken away"), "{by_hand}: {}", destroyed.output);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn renames_and_removals_in_one_file_come_to_rest_in_one_apply() {
    let world = World::new().await;
    let before = "version: 1
profiles:
  PA: { clone_from: Standard User }
  PB: { clone_from: Standard User }
permission_sets:
  SA: {}
  SB: {}
users:
  ua@x.example: { last_name: A, email: a@x.example, profile: PA, permission_sets: [SA, SB] }
  ub@x.example: { last_name: B, email: b@x.example, profile: PB, permission_sets: [SB] }
";
    world.converges("before", before).await;
    let after = "version: 1
profiles:
  PN: { was: PA, clone_from: Standard User }
permission_sets:
  SN: { was: SA }
users:
  un@x.example: { was: ua@x.example, last_name: A, email: a@x.example, profile: PN, permission_sets: [SN] }
  um@x.example: { was: ub@x.example, last_name: B, email: b@x.example, profile: PN }
";
    let applied = world.converges("after", after).await;
    assert!(!applied.output.contains("kept, since"), "{}", applied.output);
    assert!(!applied.output.contains("Changed outside"), "{}", applied.output);
    let listed = world.run(&["state", "list"]).await.succeeds();
    assert_eq!(listed.output.lines().count(), 5, "{}", listed.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn destroy_also_takes_away_who_was_brought_back_by_hand() {
    let world = World::new().await;
    world.converges("create", BASE).await;
    world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    let user = world.id("User", "Username = 'one@robots.example'").await;
    world.call(Method::PATCH, &format!("sobjects/User/{user}"), json!({"IsActive": true})).await;
    world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    assert_eq!(world.query("SELECT Id FROM User WHERE IsActive = true").await.len(), 1);
    let again = world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    assert!(again.output.contains("Nothing to destroy."), "{}", again.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_was_made_anew_by_hand_is_found_by_its_new_id() {
    let world = World::new().await;
    let set = json!({"Name": "By_Hand", "Label": "By Hand"});
    let id = world.call(Method::POST, "sobjects/PermissionSet", set.clone()).await["id"].clone();
    let yaml = "version: 1\nusers:\n  a@x.example: { last_name: A, email: a@x.example, profile: Standard User, permission_sets: [By_Hand] }\n";
    world.converges("assigned", yaml).await;
    let assignment = world.id("PermissionSetAssignment", "PermissionSet.Name = 'By_Hand'").await;
    world
        .call(
            Method::DELETE,
            &format!("sobjects/PermissionSetAssignment/{assignment}"),
            json!(null),
        )
        .await;
    world
        .call(
            Method::DELETE,
            &format!("sobjects/PermissionSet/{}", id.as_str().expect("an id")),
            json!(null),
        )
        .await;
    world.call(Method::POST, "sobjects/PermissionSet", set).await;
    world.converges("assigned anew", yaml).await;
}

const PERSON_ACCOUNTS: &str = "version: 1
profiles:
  Robots:
    clone_from: Minimum Access - API Only Integrations
    if_person_accounts:
      record_types:
        Account:
          assigned: [person account]
          default: person account
          person_account_default: person account
permission_sets:
  Robot_Access:
    system_permissions: [View Setup and Configuration]
    if_person_accounts:
      record_types: { Account: [person account] }
      objects:
        Account: { access: [read, create, edit], fields: edit }
";

#[tokio::test(flavor = "multi_thread")]
async fn one_file_serves_orgs_with_and_without_person_accounts() {
    let without = World::new().await;
    let applied = without.converges("without person accounts", PERSON_ACCOUNTS).await;
    assert!(!applied.output.contains("PersonAccount"), "{}", applied.output);
    for (name, shown) in [("PersonAccount", false), ("ER_Individual", true)] {
        let seed =
            Seed { person_accounts: true, person_record_type: name.to_owned(), ..Seed::default() };
        let doubts = Doubts { person_default_shown: shown, ..Doubts::default() };
        let world = World::with(seed, doubts).await;
        let applied = world.converges("with person accounts", PERSON_ACCOUNTS).await;
        let full_name = format!("PersonAccount.{name}");
        assert!(applied.output.contains(&full_name), "{}", applied.output);
        assert!(applied.output.contains("PersonBirthdate"), "{}", applied.output);
        let business = PERSON_ACCOUNTS
            .replace("assigned: [person account]", "assigned: [person account, Business Account]")
            .replace(
                "default: person account\n          p",
                "default: Business_Account\n          p",
            );
        world.converges("the default moves", &business).await;
        world.converges("and back", PERSON_ACCOUNTS).await;
        let nothing = "version: 1\nprofiles:\n  Robots: { clone_from: Minimum Access - API Only Integrations }\n";
        world.converges("taken out", nothing).await;
    }
}
