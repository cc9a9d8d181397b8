//! Whole outputs of the commands, as a person or a program gets them.

use crate::support::World;
use crate::support::example;

#[tokio::test(flavor = "multi_thread")]
async fn golden_plan_of_the_example() {
    let world = World::new().await;
    world.write("access.yaml", example());
    insta::assert_snapshot!(
        "plan_text",
        world.run(&["plan", "access.yaml"]).await.succeeds().whole()
    );
    let json = world.run(&["plan", "access.yaml", "--json"]).await.succeeds();
    let document: serde_json::Value =
        serde_json::from_str(&json.output).expect("one JSON document");
    insta::assert_snapshot!("plan_json", serde_json::to_string_pretty(&document).expect("JSON"));
    let changes = world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await;
    assert_eq!(changes.code, 2, "changes are present");
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_plan_state_and_destroy_as_they_print() {
    let world = World::new().await;
    world.write("access.yaml", example());
    insta::assert_snapshot!(
        "apply",
        world
            .run(&["apply", "access.yaml", "--auto-approve", "--parallelism", "1"])
            .await
            .succeeds()
            .whole()
    );
    insta::assert_snapshot!(world.run(&["plan", "access.yaml"]).await.succeeds().whole(), @r"
        Org: http://ORG (00D0004ZfBMilRgEUJ)

        No changes. 6 resources are as declared.
        Planned in N s, 3 API calls (N of 100,000 left today).
        --- exit code 0
        ");
    insta::assert_snapshot!(world.run(&["plan", "access.yaml", "--refresh=false"]).await.succeeds().whole(), @r"
        Org: http://ORG (00D0004ZfBMilRgEUJ)

        No changes. 6 resources are as declared.
        Planned in N s, no API call.
        --- exit code 0
        ");
    insta::assert_snapshot!("state_list", world.run(&["state", "list"]).await.succeeds().whole());
    insta::assert_snapshot!(
        "state_show",
        world.run(&["state", "show", "user.integration@coconut.example"]).await.succeeds().whole()
    );
    insta::assert_snapshot!(world.run(&["state", "show", "user.integration"]).await.fails().whole(), @r"
        --- standard error
        Error: nothing is recorded of user.integration
          Did you mean `user.integration@coconut.example`?
        --- exit code 1
        ");
    let changed = example()
        .replace("label: Coconut Integration API Access", "label: Coconut Access")
        .replace("      - Access Activities\n", "      - Run Reports\n      - Manage Users\n")
        .replace(
            "      Lead: { access: all, fields: edit }\n",
            "      Lead: { access: [read], fields: { Phone: read } }\n",
        );
    world.write("access.yaml", changed);
    insta::assert_snapshot!(
        "plan_changed",
        world.run(&["plan", "access.yaml"]).await.succeeds().whole()
    );
    insta::assert_snapshot!(
        "destroy",
        world
            .run(&["destroy", "access.yaml", "--auto-approve", "--parallelism", "1"])
            .await
            .succeeds()
            .whole()
    );
    insta::assert_snapshot!(
        "plan_after_destroy",
        world.run(&["plan", "access.yaml"]).await.succeeds().whole()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_and_destroy_in_json_are_one_event_a_line() {
    let world = World::new().await;
    world.write("access.yaml", example());
    for command in ["apply", "destroy"] {
        // With several calls at once, how many ops share one is chance.
        let arguments = [command, "access.yaml", "--auto-approve", "--json", "--parallelism", "1"];
        let ran = world.run(&arguments).await.succeeds();
        let events: Vec<serde_json::Value> =
            ran.output.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let last = events.last().expect("events");
        assert_eq!(last["type"], "summary");
        assert_eq!(last["failed"], 0);
        let done = events.iter().filter(|event| event["type"] == "done").count();
        assert_eq!(done, 8, "{command}");
        assert!(last["api_calls"]["total"].as_u64().expect("a number") <= 14, "{command}: {last}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_plan_takes_at_most_five_calls_and_one_from_the_state_none() {
    let world = World::new().await;
    world.write("access.yaml", example());
    world.run(&["apply", "access.yaml", "--auto-approve", "--parallelism", "1"]).await.succeeds();
    let used = |ran: &crate::support::Ran| -> u64 {
        let line = ran.output.lines().last().expect("a line").to_owned();
        let words: Vec<&str> = line.split(' ').collect();
        let place = words.iter().position(|word| *word == "API").expect("calls are told");
        words[place - 1].parse().expect("a number of calls")
    };
    let second = world.run(&["plan", "access.yaml"]).await.succeeds();
    assert!(used(&second) <= 5, "{}", second.output);
    let cached = world.run(&["plan", "access.yaml", "--refresh=false"]).await.succeeds();
    assert!(cached.output.contains("no API call"), "{}", cached.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_asks_and_takes_only_yes_for_a_yes() {
    let world = World::new().await;
    world.write("access.yaml", example());
    let refused = world.run(&["apply", "access.yaml"]).await.fails();
    assert!(refused.errors.contains("no terminal to ask on"), "{}", refused.errors);
    for answer in ["no\n", "y\n", "", "YES\n"] {
        world.types(answer);
        let ran = world.run(&["apply", "access.yaml"]).await.fails();
        assert!(ran.output.contains("Apply cancelled; nothing was changed."), "{}", ran.whole());
    }
    assert!(
        world.query("SELECT Id FROM Profile WHERE Name = 'Coconut Integration'").await.is_empty()
    );
    world.types("yes\n");
    world.run(&["apply", "access.yaml"]).await.succeeds();
    world.is_settled("after a yes").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn independent_branches_go_on_and_what_depends_on_a_failure_says_why() {
    let world = World::new().await;
    let seats: String = (0..7)
        .map(|n| format!("  u{n}@robots.example: {{ last_name: U{n}, email: u@robots.example, profile: Robots, permission_sets: [S] }}\n"))
        .collect();
    let yaml = format!(
        "version: 1\nprofiles:\n  Robots: {{ clone_from: Minimum Access - API Only Integrations }}\npermission_sets:\n  S: {{}}\nusers:\n{seats}"
    );
    world.write("access.yaml", &yaml);
    let ran = world
        .run(&["apply", "access.yaml", "--auto-approve", "--parallelism", "1", "--skip-preflight"])
        .await
        .fails();
    insta::assert_snapshot!("seats_used_up", ran.whole());
    assert_eq!(world.query("SELECT Id FROM User WHERE Profile.Name = 'Robots'").await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_finishes_what_is_under_way_and_the_next_goes_on() {
    let world = World::new().await;
    world.write("access.yaml", example());
    world.stops();
    let arguments = ["apply", "access.yaml", "--auto-approve", "--parallelism", "1"];
    insta::assert_snapshot!("stopped", world.run(&arguments).await.fails().whole());
    let listed = world.run(&["state", "list"]).await.succeeds();
    assert_eq!(
        listed.output.lines().count(),
        1,
        "what was under way is recorded: {}",
        listed.output
    );
    world.converges("go on", &example()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn which_org_is_meant_is_never_guessed() {
    let world = World::bare();
    world.write("access.yaml", example());
    insta::assert_snapshot!(world.run(&["plan", "access.yaml", "--org", "prod"]).await.fails().whole(), @r"
        --- standard error
        Error: there is no org `prod`
          `--org local` is the local org inside orgform.
          For a real org, set SF_ACCESS_TOKEN and SF_INSTANCE_URL and leave --org out.
        --- exit code 1
        ");
    world.set("SF_ACCESS_TOKEN", "00D000000000001!AQEAQ");
    insta::assert_snapshot!(world.run(&["plan", "access.yaml"]).await.fails().whole(), @r"
        --- standard error
        Error: SF_ACCESS_TOKEN is set, and SF_INSTANCE_URL is not
          Set it to the org's My Domain, for example https://coconut.my.salesforce.com.
          For the local org, unset SF_ACCESS_TOKEN or add `--org local`.
        --- exit code 1
        ");
    world.set("SF_INSTANCE_URL", "http://coconut.my.salesforce.com");
    insta::assert_snapshot!(world.run(&["plan", "access.yaml"]).await.fails().whole(), @r"
        --- standard error
        Error: SF_INSTANCE_URL does not begin with https://, and a token is only sent over https
          It looks like https://coconut.my.salesforce.com.
        --- exit code 1
        ");
    world.set("SF_INSTANCE_URL", "http://127.0.0.1:9");
    world.set("SF_ACCESS_TOKEN", "[REDACTED] Use 'sf org auth show-access-token' to view");
    insta::assert_snapshot!(world.run(&["plan", "access.yaml"]).await.fails().whole(), @r"
        --- standard error
        Error: the access token is no Salesforce session: it does not begin with an org's id
          A token looks like `00D...!AQ...`; a redacted one from `sf org display` does not work, `sf org auth show-access-token` shows it.
        --- exit code 1
        ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_expired_says_how_to_get_a_new_one() {
    let world = World::new().await;
    world.write("access.yaml", example());
    let token = format!("{}x", world.org().access_token);
    world.set("SF_ACCESS_TOKEN", &token);
    insta::assert_snapshot!(world.run(&["plan", "access.yaml"]).await.fails().whole(), @r"
        --- standard error
        Error: POST /services/data/v63.0/composite: the org does not accept the session: INVALID_SESSION_ID: Session expired or invalid
          Get a new token, for example with `sf org auth show-access-token`, and set SF_ACCESS_TOKEN to it.
        --- exit code 1
        ");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_help_of_every_command() {
    let world = World::bare();
    let mut text = String::new();
    for command in [
        &["--help"][..],
        &["plan", "--help"],
        &["apply", "--help"],
        &["destroy", "--help"],
        &["show", "--help"],
        &["validate", "--help"],
        &["fmt", "--help"],
        &["schema", "--help"],
        &["explain", "user", "--help"],
        &["graph", "--help"],
        &["completions", "--help"],
        &["man", "--help"],
        &["state", "--help"],
        &["state", "list", "--help"],
        &["state", "show", "--help"],
        &["org", "--help"],
        &["org", "serve", "--help"],
    ] {
        text.push_str(&format!("$ orgform {}\n", command.join(" ")));
        text.push_str(&world.run(command).await.succeeds().output);
        text.push('\n');
    }
    insta::assert_snapshot!("help", text);
}

#[tokio::test(flavor = "multi_thread")]
async fn org_serve_says_in_one_line_how_it_is_reached_and_other_runs_reach_it() {
    use std::io::BufRead as _;
    let world = World::bare();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_orgform"))
        .args(["org", "serve", "--data", "org", "--seed-org", "users=3,seats=7"])
        .current_dir(world.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    std::io::BufReader::new(child.stdout.take().expect("its output"))
        .read_line(&mut line)
        .expect("a line");
    let ready: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    world.set("SF_INSTANCE_URL", ready["instance_url"].as_str().expect("a URL"));
    world.set("SF_ACCESS_TOKEN", ready["access_token"].as_str().expect("a token"));
    world.write("access.yaml", example());
    let applied = world.run(&["apply", "access.yaml", "--auto-approve"]).await;
    child.kill().expect("it is ended");
    child.wait().expect("it ends");
    assert_eq!(applied.code, 0, "{}", applied.whole());
}
