//! Saved plans: exactly what was shown is sent, and only while it holds.

use reqwest::Method;
use serde_json::json;

use crate::support::World;
use crate::support::example;

const USERS: &str = "version: 1
permission_sets:
  Robot_Access: { label: Robot Access, objects: { Contact: { access: [read], fields: edit } } }
users:
  one@robots.example: { last_name: One, email: r@robots.example, profile: Minimum Access - API Only Integrations, permission_set_licenses: [Salesforce API Integration], permission_sets: [Robot_Access] }
  two@robots.example: { last_name: Two, email: r@robots.example, profile: Minimum Access - API Only Integrations, permission_set_licenses: [Salesforce API Integration] }
";

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_is_shown_and_done_as_it_was_shown() {
    let world = World::new().await;
    world.write("access.yaml", example());
    let planned = world.run(&["plan", "access.yaml", "--out", "p"]).await.succeeds();
    assert!(planned.output.contains("Kept in p: `orgform apply p` does exactly this."));
    insta::assert_snapshot!("show", world.run(&["show", "p"]).await.succeeds().whole());
    let shown = world.run(&["show", "--json", "p"]).await.succeeds();
    let json = world.run(&["plan", "access.yaml", "--json"]).await.succeeds();
    let [mut shown, json] = [shown, json]
        .map(|ran| serde_json::from_str::<serde_json::Value>(&ran.output).expect("JSON"));
    assert!(shown["saved"]["digest"].is_string(), "by which it is applied elsewhere");
    shown.as_object_mut().expect("a document").remove("saved");
    assert_eq!(shown, json, "show --json is what plan --json says");
    // The files are not needed any more.
    world.write("access.yaml", "version: 2");
    let arguments = ["apply", "p", "--parallelism", "1"];
    insta::assert_snapshot!("applied", world.run(&arguments).await.succeeds().whole());
    world.write("access.yaml", example());
    world.is_settled("after a saved plan").await;
    insta::assert_snapshot!(world.run(&arguments).await.fails().whole(), @r"
        Org: http://ORG (00D0004ZfBMilRgEUJ)
        --- standard error
        Error: there is nothing left to do for this plan
          It was applied already, or the org came to be so by other means.
        --- exit code 1
        ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_is_only_for_its_owner_and_holds_no_secret() {
    let world = World::new().await;
    world.write("access.yaml", example());
    world.write("p", "{\"format\":\"orgform plan\"} an old one");
    world.run(&["plan", "access.yaml", "--out", "p"]).await.succeeds();
    let text = std::fs::read_to_string(world.path().join("p")).expect("the plan");
    let token = world.org().access_token.clone();
    assert!(!text.contains(&token) && !text.contains(token.split('!').nth(1).expect("a token")));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = std::fs::metadata(world.path().join("p")).expect("the plan");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_goes_stale_by_what_it_used_and_by_nothing_else() {
    let world = World::new().await;
    world.converges("set up", USERS).await;
    world.write("access.yaml", USERS.replace("last_name: One", "last_name: Uno"));
    world.run(&["plan", "access.yaml", "--out", "p"]).await.succeeds();
    // Another user, another apply, other fields of the same user.
    let two = world.id("User", "Username = 'two@robots.example'").await;
    world.call(Method::PATCH, &format!("sobjects/User/{two}"), json!({"LastName": "Zwei"})).await;
    world.write("other.yaml", format!("{USERS}  new@robots.example: {{ last_name: New, email: r@robots.example, profile: Minimum Access - API Only Integrations }}\n"));
    world.run(&["apply", "other.yaml", "--auto-approve"]).await.succeeds();
    let one = world.id("User", "Username = 'one@robots.example'").await;
    world
        .call(
            Method::PATCH,
            &format!("sobjects/User/{one}"),
            json!({"TimeZoneSidKey": "Asia/Tokyo"}),
        )
        .await;
    let ran = world.run(&["apply", "p"]).await.succeeds();
    assert!(ran.output.contains("1 updated"), "{}", ran.whole());
    assert_eq!(world.query("SELECT Id FROM User WHERE LastName = 'Uno'").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_plan_says_what_changed_and_does_nothing() {
    let world = World::new().await;
    world.converges("set up", USERS).await;
    let wanted = USERS
        .replace("last_name: One", "last_name: Uno")
        .replace("label: Robot Access", "label: Robots")
        .replace("last_name: Two,", "last_name: Two, permission_sets: [Robot_Access],");
    world.write("access.yaml", wanted);
    world.run(&["plan", "access.yaml", "--out", "p"]).await.succeeds();
    let one = world.id("User", "Username = 'one@robots.example'").await;
    world.call(Method::PATCH, &format!("sobjects/User/{one}"), json!({"LastName": "Eins"})).await;
    let ran = world.run(&["apply", "p"]).await.fails();
    insta::assert_snapshot!(ran.whole(), @r#"
        Org: http://ORG (00D0004ZfBMilRgEUJ)
        --- standard error
        Error: the saved plan is stale: what it was made from has changed since, so that nothing was done
          user.one@robots.example: it was changed since. last_name: "One" when planned, "Eins" now
          Plan again with `orgform plan --out FILE`, and review that.
        --- exit code 1
        "#);
    assert!(world.query("SELECT Id FROM User WHERE LastName = 'Uno'").await.is_empty());
    assert!(world.query("SELECT Id FROM PermissionSet WHERE Label = 'Robots'").await.is_empty());

    // Done by hand meanwhile: the whole plan, and not only a part of it.
    world.write("access.yaml", USERS.replace("last_name: Two", "last_name: Zwei"));
    world.run(&["plan", "access.yaml", "--out", "p", "--target", "user.two*"]).await.succeeds();
    let two = world.id("User", "Username = 'two@robots.example'").await;
    world.call(Method::PATCH, &format!("sobjects/User/{two}"), json!({"LastName": "Zwei"})).await;
    insta::assert_snapshot!(world.run(&["apply", "p"]).await.fails().whole(), @r"
        Org: http://ORG (00D0004ZfBMilRgEUJ)
        --- standard error
        Error: there is nothing left to do for this plan
          It was applied already, or the org came to be so by other means.
        --- exit code 1
        ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_rename_looks_at_what_it_renames() {
    let world = World::new().await;
    world.converges("set up", USERS).await;
    let set = world.id("PermissionSet", "Name = 'Robot_Access'").await;
    let describe = async |text: &str| {
        let path = format!("sobjects/PermissionSet/{set}");
        world.call(Method::PATCH, &path, json!({"Description": text})).await;
    };
    let renamed = USERS
        .replace("  Robot_Access: {", "  Robot_Rights: { was: Robot_Access,")
        .replace("[Robot_Access]", "[Robot_Rights]");
    world.write("access.yaml", &renamed);
    world.run(&["plan", "access.yaml", "--out", "p"]).await.succeeds();
    describe("by hand").await;
    let stale = world.run(&["apply", "p"]).await.fails();
    assert!(
        stale.errors.contains("description: nothing when planned, \"by hand\" now"),
        "{}",
        stale.whole()
    );
    // What was there when it was planned is no reason to refuse it.
    world.run(&["plan", "access.yaml", "--out", "p"]).await.succeeds();
    world.run(&["apply", "p"]).await.succeeds();
    world.is_settled("renamed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_is_checked_with_what_holds_when_it_is_applied() {
    let seed = orgform::local_org::Seed { seats: Some(-1), ..Default::default() };
    let world = World::with(seed, orgform::local_org::Doubts::default()).await;
    let users = |range: std::ops::Range<usize>| -> String {
        let users: String = range
            .map(|n| format!("  u{n:02}@robots.example: {{ last_name: U, email: u@robots.example, profile: Standard User }}\n"))
            .collect();
        format!("version: 1\nusers:\n{users}")
    };
    world.converges("fourteen", &users(0..14)).await;
    world.write("access.yaml", users(4..14));
    world.run(&["plan", "access.yaml", "--out", "p"]).await.succeeds();
    world.write("access.yaml", users(0..10));
    world.run(&["apply", "access.yaml", "--auto-approve"]).await.succeeds();
    let refused = world.run(&["apply", "p"]).await.fails();
    assert!(refused.errors.contains("--allow-removals 4"), "{}", refused.whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_refers_to_what_is_gone_is_stale() {
    let world = World::new().await;
    world.converges("set up", USERS).await;
    let wanted =
        USERS.replace("last_name: Two,", "last_name: Two, permission_sets: [Robot_Access],");
    world.write("access.yaml", wanted);
    world.run(&["plan", "access.yaml", "--out", "p"]).await.succeeds();
    let held = world.id("PermissionSetAssignment", "PermissionSet.Name = 'Robot_Access'").await;
    let delete =
        |path: String| world.call(Method::DELETE, Box::leak(path.into_boxed_str()), json!(null));
    delete(format!("sobjects/PermissionSetAssignment/{held}")).await;
    let set = world.id("PermissionSet", "Name = 'Robot_Access'").await;
    delete(format!("sobjects/PermissionSet/{set}")).await;
    insta::assert_snapshot!(world.run(&["apply", "p"]).await.fails().whole(), @r"
        Org: http://ORG (00D0004ZfBMilRgEUJ)
        --- standard error
        Error: the saved plan is stale: what it was made from has changed since, so that nothing was done
          permission_set.Robot_Access: the plan refers to it, and it is gone from the org
          Plan again with `orgform plan --out FILE`, and review that.
        --- exit code 1
        ");
}

#[tokio::test(flavor = "multi_thread")]
async fn destroy_and_refresh_only_can_be_saved_too() {
    let world = World::new().await;
    world.converges("set up", USERS).await;
    let one = world.id("User", "Username = 'one@robots.example'").await;
    world.call(Method::PATCH, &format!("sobjects/User/{one}"), json!({"LastName": "Eins"})).await;
    let saved =
        world.run(&["plan", "access.yaml", "--refresh-only", "--out", "p"]).await.succeeds();
    insta::assert_snapshot!("refresh_only", saved.whole());
    world.run(&["apply", "p"]).await.succeeds();
    assert_eq!(world.query("SELECT Id FROM User WHERE LastName = 'Eins'").await.len(), 1);
    let shown = world.run(&["state", "show", "user.one@robots.example"]).await.succeeds();
    assert!(shown.output.contains("last_name: \"Eins\""), "{}", shown.output);

    world.run(&["plan", "--destroy", "--out", "p"]).await.succeeds();
    world.run(&["apply", "p"]).await.succeeds();
    assert!(
        world.query("SELECT Id FROM PermissionSet WHERE Name = 'Robot_Access'").await.is_empty()
    );
    let left = world.run(&["plan", "--destroy", "--detailed-exitcode"]).await.succeeds();
    assert!(left.output.contains("Nothing to destroy."), "{}", left.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_plan_of_this_org_and_version_is_refused_with_what_to_do() {
    let world = World::new().await;
    world.write("access.yaml", example());
    world.run(&["plan", "access.yaml", "--out", "p"]).await.succeeds();
    let text = std::fs::read_to_string(world.path().join("p")).expect("the plan");
    world.write("newer", text.replacen("\"format_version\":3", "\"format_version\":9", 1));
    world.write("changed", text.replacen("salesforce-admin@", "somebody-else@", 1));
    let org = &world.org().org_id;
    let mut transcript = String::new();
    for arguments in [
        &["apply", "newer"][..],
        &["show", "changed"],
        &["show", "access.yaml"],
        &["show", "nothing"],
        &["plan", "p"],
        &["apply", "p", "access.yaml"],
        &["apply", "p", "--target", "user.*"],
        &["plan", "access.yaml", "--out", "access.yaml"],
        &["apply", "p", "--org", "local"],
    ] {
        transcript.push_str(&format!("$ orgform {}\n", arguments.join(" ")));
        transcript.push_str(&world.run(arguments).await.fails().whole());
    }
    let local = without_org_ids(&transcript, org);
    insta::assert_snapshot!("refused", local);
    assert_eq!(world.query("SELECT Id FROM User").await.len(), 1, "nothing was done");
}

/// A plan that version 0.1.0 wrote, as it lies in somebody's pipeline.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_format_1_is_refused_with_what_to_do() {
    let world = World::bare();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/plan-1.saved");
    world.write("p", std::fs::read(path).expect("the plan"));
    let refused = world.run(&["apply", "p"]).await.fails();
    insta::assert_snapshot!(refused.errors, @r"
    Error: `p`: it is a saved plan of format 1, written by orgform 0.1.0; this version applies format 3
      Plan again with `orgform plan --out FILE`, and review that.
    ");
}

/// A plan's file with other content and the head that fits it, but for the seal.
fn forged(text: &str, from: &str, to: &str) -> String {
    let (head, body) = text.split_once('\n').expect("two lines");
    let body = body.replace(from, to);
    let mut head: serde_json::Value = serde_json::from_str(head).expect("a head");
    head["digest"] = json!(blake3::hash(body.trim_end().as_bytes()).to_hex().as_str());
    format!("{head}\n{body}")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_can_write_the_file_and_not_read_the_state_forges_nothing() {
    let world = World::new().await;
    world.write("access.yaml", USERS);
    world.run(&["plan", "access.yaml", "--out", "p"]).await.succeeds();
    let text = std::fs::read_to_string(world.path().join("p")).expect("the plan");
    let wrong = forged(&text, "Robot Access", "Evil Access");
    world.write("p", &wrong);
    let shown = world.run(&["show", "p"]).await.succeeds();
    assert!(shown.output.contains("Evil Access"), "it is only looked at: {}", shown.whole());
    let refused = world.run(&["apply", "p"]).await.fails();
    assert!(refused.errors.contains("was changed since"), "{}", refused.whole());
    // The digest that was shown is of another content, and one that is no digest of any.
    let head: serde_json::Value =
        serde_json::from_str(text.lines().next().expect("a head")).expect("JSON");
    let digest = head["digest"].as_str().expect("a digest");
    let refused = world.run(&["apply", "p", "--digest", digest]).await.fails();
    assert!(refused.errors.contains("is not the one of that digest"), "{}", refused.whole());
    let refused = world.run(&["apply", "p", "--digest", "1234"]).await.fails();
    assert!(refused.errors.contains("64 hexadecimal digits"), "{}", refused.whole());
    assert!(
        world.query("SELECT Id FROM PermissionSet WHERE Label = 'Evil Access'").await.is_empty()
    );
    world.write("p", &text);
    world.run(&["apply", "p"]).await.succeeds();
    let refused = world.run(&["apply", "access.yaml", "--digest", digest]).await.fails();
    assert!(refused.errors.contains("no saved plan is given"), "{}", refused.whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_without_the_state_applies_by_the_digest() {
    let world = World::new().await;
    world.write("access.yaml", USERS);
    let planned = world.run(&["plan", "access.yaml", "--out", "p", "--json"]).await.succeeds();
    let document: serde_json::Value = serde_json::from_str(&planned.output).expect("JSON");
    let text = std::fs::read_to_string(world.path().join("p")).expect("the plan");
    let head: serde_json::Value =
        serde_json::from_str(text.lines().next().expect("a head")).expect("JSON");
    let digest = head["digest"].as_str().expect("a digest");
    assert_eq!(document["saved"]["file"], "p");
    assert!(planned.output.contains("\"digest\":\""), "{}", planned.output);
    let refused = world.run(&["apply", "p", "--state-dir", "other"]).await.fails();
    assert!(refused.errors.contains("--digest HEX"), "{}", refused.whole());
    world.run(&["apply", "p", "--state-dir", "other", "--digest", digest]).await.succeeds();
    // A state that knows other things is not the one that the plan was made with.
    let stale = ["apply", "p", "--state-dir", "other", "--digest", digest];
    let refused = world.run(&stale).await.fails();
    assert!(refused.errors.contains("another state of this org"), "{}", refused.whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_plans_is_in_its_file_alone() {
    let world = World::new().await;
    world.write("access.yaml", USERS);
    world.run(&["plan", "access.yaml", "--out", "p"]).await.succeeds();
    let key = std::fs::read(world.state().join("plan.key")).expect("the key");
    assert_eq!(key.len(), 32);
    world.run(&["apply", "p"]).await.succeeds();
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    for entry in std::fs::read_dir(world.state()).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() || path.ends_with("plan.key") {
            continue;
        }
        let bytes = std::fs::read(&path).expect("reads");
        let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        assert!(!holds(&key) && !holds(hex.as_bytes()), "{}", path.display());
    }
    let again = world.run(&["plan", "access.yaml", "--out", "q"]).await;
    assert_eq!(again.code, 0);
    assert_eq!(std::fs::read(world.state().join("plan.key")).expect("the key"), key);
}

/// Other orgs' ids differ from run to run.
fn without_org_ids(text: &str, own: &str) -> String {
    let mut redacted = text.replace(own, "OWN-ORG");
    while let Some(at) = redacted.find("00D") {
        redacted.replace_range(at..at + 18, "OTHER-ORG");
    }
    if let Some(at) = redacted.find("http://127.0.0.1:") {
        let end = redacted[at..].find([')', ' ', '\n']).map_or(redacted.len(), |end| at + end);
        redacted.replace_range(at..end, "http://LOCAL");
    }
    redacted
}
