//! The stream of events, held against its own published schema; and the
//! scripts that somebody who comes from Terraform writes.

use reqwest::Method;
use serde_json::Value as Json;
use serde_json::json;

use crate::support::World;
use crate::support::example;
use crate::support::schema_of;

fn events(text: &str) -> Vec<Json> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_as_its_schema_says() {
    let world = World::new().await;
    world.write("access.yaml", example());
    let arguments = ["apply", "access.yaml", "--auto-approve", "--json", "--parallelism", "1"];
    let applied = world.run(&arguments).await.succeeds();
    let failing = example().replace("coconut__Coconut_Integration_Config", "Missing");
    world.write("access.yaml", failing);
    let refused = world.run(&arguments).await.fails();
    world.write("access.yaml", example());
    let user = world.id("User", "Username = 'integration@coconut.example'").await;
    world.call(Method::PATCH, &format!("sobjects/User/{user}"), json!({"LastName": "X"})).await;
    world.stops();
    let stopped = world.run(&arguments).await;
    let destroyed =
        world.run(&["destroy", "access.yaml", "--auto-approve", "--json"]).await.succeeds();
    let seats: String = (0..7)
        .map(|n| format!("  u{n}@robots.example: {{ last_name: U{n}, email: u@robots.example, profile: Minimum Access - API Only Integrations, permission_sets: [S] }}\n"))
        .collect();
    world.write("access.yaml", format!("version: 1\npermission_sets:\n  S: {{}}\nusers:\n{seats}"));
    let checked = world.run(&arguments).await.fails();
    let incomplete = world.run(&[&arguments[..], &["--skip-preflight"]].concat()).await.fails();
    let validator = schema_of("events.schema.json");
    let mut types = std::collections::BTreeSet::new();
    for ran in [&applied, &refused, &stopped, &destroyed, &checked, &incomplete] {
        let events = events(&ran.output);
        assert_eq!(events.first().expect("events")["type"], "version");
        assert_eq!(events.last().expect("events")["type"], "summary");
        for event in events {
            let errors: Vec<String> =
                validator.iter_errors(&event).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{event}: {errors:?}");
            types.insert(event["type"].as_str().expect("a type").to_owned());
        }
    }
    let all: Vec<&str> = types.iter().map(String::as_str).collect();
    assert_eq!(
        all,
        [
            "access_change",
            "done",
            "drift",
            "failed",
            "finding",
            "note",
            "plan",
            "planned_change",
            "progress",
            "skipped",
            "start",
            "stopping",
            "summary",
            "version"
        ]
    );
    assert!(events(&refused.output).last().expect("events")["error"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_can_go_to_a_file_while_a_person_reads_along() {
    let world = World::new().await;
    world.write("access.yaml", example());
    let arguments = ["apply", "access.yaml", "--auto-approve", "--json-into", "events.jsonl"];
    let ran = world.run(&arguments).await.succeeds();
    assert!(ran.output.contains("Apply complete: 6 created."), "{}", ran.output);
    let text = std::fs::read_to_string(world.path().join("events.jsonl")).expect("the file");
    let kinds: Vec<String> = events(&text)
        .iter()
        .map(|event| event["type"].as_str().expect("a type").to_owned())
        .collect();
    let count = |kind: &str| kinds.iter().filter(|held| *held == kind).count();
    assert_eq!((count("planned_change"), count("start"), count("done")), (6, 8, 8));
    assert_eq!(kinds.last().map(String::as_str), Some("summary"));
    world.write("precious.yaml", "version: 1\n");
    let other = ["apply", "access.yaml", "--auto-approve", "--json-into", "precious.yaml"];
    let ran = world.run(&other).await.fails();
    assert!(
        ran.errors.contains("holds no events, so that it is not written over"),
        "{}",
        ran.errors
    );
    let unwritable = ["apply", "access.yaml", "--auto-approve", "--json-into", "no/such/folder"];
    let ran = world.run(&unwritable).await.fails();
    assert!(ran.errors.contains("the events can't be written: no/such/folder"), "{}", ran.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_document_is_as_its_schema_says() {
    let world = World::new().await;
    world.converges("set up", &example()).await;
    let user = world.id("User", "Username = 'integration@coconut.example'").await;
    world.call(Method::PATCH, &format!("sobjects/User/{user}"), json!({"LastName": "X"})).await;
    let changed = example().replace("users:\n", "users:\n  new@coconut.example: { last_name: New, email: n@coconut.example, profile: Coconut Integration }\n");
    world.write("access.yaml", changed);
    let validator = schema_of("plan.schema.json");
    for arguments in [
        &["plan", "access.yaml", "--json"][..],
        &["plan", "access.yaml", "--json", "--destroy"],
        &["plan", "access.yaml", "--json", "--refresh-only"],
        &["plan", "access.yaml", "--json", "--target", "user.new*"],
    ] {
        let ran = world.run(arguments).await.succeeds();
        let document: Json = serde_json::from_str(&ran.output).expect("JSON");
        let errors: Vec<String> =
            validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{arguments:?}: {errors:?}");
    }
}

/// `plan --out p && apply p`, `plan --detailed-exitcode`, `show --json p`.
#[tokio::test(flavor = "multi_thread")]
async fn the_scripts_of_a_terraform_user_work() {
    let world = World::new().await;
    world.write("orgform.yaml", example());
    let exit_code = |ran: crate::support::Ran| ran.code;
    assert_eq!(exit_code(world.run(&["plan", "--detailed-exitcode", "--out", "p"]).await), 2);
    let shown = world.run(&["show", "--json", "p"]).await.succeeds();
    let document: Json = serde_json::from_str(&shown.output).expect("JSON");
    let created = document["changes"].as_array().expect("changes").iter();
    assert_eq!(created.filter(|change| change["action"] == "create").count(), 6);
    world.run(&["apply", "p"]).await.succeeds();
    assert_eq!(exit_code(world.run(&["plan", "--detailed-exitcode"]).await), 0);
    // Drift that the files put right is a change, drift in what they leave
    // alone is none; with --refresh-only each drift counts.
    let user = world.id("User", "Username = 'integration@coconut.example'").await;
    let path = format!("sobjects/User/{user}");
    world.call(Method::PATCH, &path, json!({"LastName": "X"})).await;
    assert_eq!(exit_code(world.run(&["plan", "--detailed-exitcode"]).await), 2);
    world
        .write("orgform.yaml", example().replace("last_name: Coconut Integration", "last_name: X"));
    let drifted = world.run(&["plan", "--detailed-exitcode"]).await.succeeds();
    assert!(drifted.output.contains("Changed outside orgform"), "{}", drifted.output);
    let refresh = ["plan", "--detailed-exitcode", "--refresh-only"];
    assert_eq!(exit_code(world.run(&refresh).await), 2);
    world.run(&["apply", "--refresh-only", "--auto-approve"]).await.succeeds();
    assert_eq!(exit_code(world.run(&refresh).await), 0);
}
