//! Personas and `for_each`: many users from few lines, taken away and brought
//! back.

use crate::support::World;
use crate::support::schema_of;

fn example(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    std::fs::read_to_string(path).expect("the example")
}

const ACTIVE: &str =
    "SELECT Id, Username FROM User WHERE IsActive = true AND Username LIKE '%coconut.example'";

#[tokio::test(flavor = "multi_thread")]
async fn fifty_test_users_are_made_taken_down_and_the_same_ones_brought_back() {
    let world = World::new().await;
    world.write("test-users.csv", example("test-users.csv"));
    let yaml = example("test-users.yaml");
    let applied = world.converges("fifty", &yaml).await;
    assert!(applied.output.contains("118 created"), "{}", applied.output);
    let mut first = world.query(ACTIVE).await;
    assert_eq!(first.len(), 50);
    world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    assert!(world.query(ACTIVE).await.is_empty());
    world.pass_hours(7 * 24);
    world.converges("a week later", &yaml).await;
    let mut again = world.query(ACTIVE).await;
    let id = |row: &serde_json::Value| row["Id"].as_str().unwrap_or_default().to_owned();
    first.sort_by_key(id);
    again.sort_by_key(id);
    assert_eq!(first, again, "the same ones");
    let katherine = world.query("SELECT Title, TimeZoneSidKey, UserPermissionsMarketingUser FROM User WHERE FirstName = 'Katherine'").await;
    assert_eq!(katherine[0]["Title"], "Analyst, senior");
    assert_eq!(katherine[0]["TimeZoneSidKey"], "Europe/Berlin");
    assert_eq!(katherine[0]["UserPermissionsMarketingUser"], true);
    // One row less in the file is one user less.
    let fewer = example("test-users.csv").replace("alan.turing,Alan,Turing,Tester\n", "");
    world.write("test-users.csv", fewer.replace('\n', "\r\n"));
    let applied = world.converges("one less", &yaml).await;
    assert!(applied.output.contains("2 deleted"), "{}", applied.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_user_says_itself_counts_more_than_its_persona() {
    let world = World::new().await;
    let yaml = "version: 1
personas:
  p: { profile: Standard User, title: Tester, permission_sets: [A], fields: { City: Bonn } }
permission_sets: { A: {}, B: {} }
users:
  ${value}@coconut.example:
    for_each: [one, two]
    last_name: ${value}
    email: ${value}@coconut.example
    persona: p
    title: Boss
    permission_sets: [{ name: A, expires: 2026-12-31 }, B]
";
    let applied = world.converges("own words", yaml).await;
    insta::assert_snapshot!("persona_and_own", applied.output);
    let validator = schema_of("orgform.schema.json");
    let read: serde_json::Value = serde_yaml::from_str(yaml).expect("YAML");
    assert!(validator.is_valid(&read), "{:?}", validator.iter_errors(&read).next());
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_in_loops_and_personas_are_shown_at_their_places() {
    let world = World::new().await;
    world.write("bad.csv", "name,mail\none\n");
    world.write(
        "access.yaml",
        "version: 1
personas:
  p: { profile: Standard User, last_name: X }
users:
  a-${m}@coconut.example:
    for_each: { count: 2 }
    last_name: A
    email: a@coconut.example
    profile: Standard User
  b-${n}@coconut.example:
    for_each: { count: many }
    last_name: B
    email: b@coconut.example
    profile: Standard User
  c@coconut.example:
    for_each: { csv: nowhere.csv }
    last_name: C
    email: c@coconut.example
    profile: Standard User
  d@coconut.example:
    for_each: { csv: bad.csv }
    last_name: D
    email: d@coconut.example
    profile: Standard User
  ${value}@coconut.example:
    for_each: [One, two]
    last_name: E
    email: e@coconut.example
    profile: Standard User
  f-${n}@coconut.example:
    for_each: { count: 3 }
    last_nam: F
    email: f${n}
    profile: Standard User
",
    );
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    insta::assert_snapshot!("loops_refused", refused.errors);
    world.write(
        "access.yaml",
        "version: 1
personas:
  tester: { title: Tester }
users:
  a@coconut.example: { last_name: A, email: a@coconut.example, persona: testr }
  b@coconut.example: { last_name: B, email: b@coconut.example, persona: tester }
  c-${n}@coconut.example:
    for_each: { count: 2 }
    last_name: C
    email: c@coconut.example
    profile: Nobodys
",
    );
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    insta::assert_snapshot!("personas_refused", refused.errors);
    let world = World::new().await;
    world.write(
        "access.yaml",
        "version: 1
users:
  c-${n}@coconut.example:
    for_each: { count: 2 }
    last_name: C
    email: c@coconut.example
    profile: Nobodys
",
    );
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    insta::assert_snapshot!("loop_in_org_refused", refused.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_that_leave_while_their_profile_is_renamed_do_not_keep_it_for_ever() {
    let world = World::new().await;
    let first = "version: 1
profiles: { P: { clone_from: Standard User, tabs: { standard-Lead: hidden } } }
users:
  q${n}@x.example: { for_each: { count: 3 }, last_name: Q, email: q@x.example, profile: P }
";
    world.converges("made", first).await;
    world.converges("without tabs", &first.replace(", tabs: { standard-Lead: hidden }", "")).await;
    let renamed = "version: 1
profiles: { P2: { was: P, clone_from: Standard User } }
users:
  r1@x.example: { was: q1@x.example, last_name: Q, email: q@x.example, profile: P2 }
";
    world.converges_with("renamed", renamed, "5").await;
    world.converges("all gone", "version: 1\n").await;
    assert!(world.query("SELECT Id FROM Profile WHERE Name = 'P2'").await.is_empty());
}
