//! `orgform graph`, in each language, alone and coloured by a plan.

use crate::support::World;
use crate::support::example;

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_of_the_example_is_the_same_each_time_and_asks_no_org() {
    let world = World::bare();
    world.write("access.yaml", example());
    for format in ["dot", "mermaid", "svg"] {
        let arguments = ["graph", "access.yaml", "--format", format];
        let first = world.run(&arguments).await.succeeds();
        let second = world.run(&arguments).await.succeeds();
        assert_eq!(first.output, second.output);
        insta::assert_snapshot!(format, first.output);
    }
    assert!(!world.path().join("state").exists(), "a graph writes nothing");
}

fn team(users: usize) -> String {
    let users: String = (0..users)
        .map(|n| {
            let set = if n % 3 == 0 { "Readers, Writers" } else { "Readers" };
            format!("  u{n}@robots.example: {{ last_name: \"U<{n}>\", email: u@robots.example, profile: Robots, permission_sets: [{set}] }}\n")
        })
        .collect();
    format!(
        "version: 1\nprofiles:\n  Robots: {{ clone_from: Minimum Access - Salesforce }}\npermission_sets:\n  Readers: {{}}\n  Writers: {{}}\nusers:\n{users}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_users_are_drawn_as_groups_and_a_plan_gives_colours() {
    let seed = orgform::local_org::Seed { seats: Some(-1), ..Default::default() };
    let world = World::with(seed, orgform::local_org::Doubts::default()).await;
    world.converges("the first", &team(20)).await;
    let more = team(100)
        .replace("  u1@robots", "  v1@robots")
        .replace("Writers: {}", "Writers: { label: W }");
    world.write("access.yaml", more);
    world.run(&["plan", "access.yaml", "--out", "p"]).await.succeeds();
    for format in ["dot", "mermaid", "svg"] {
        let arguments = ["graph", "access.yaml", "--format", format, "--plan", "p"];
        let drawn = world.run(&arguments).await.succeeds();
        insta::assert_snapshot!(format!("{format}_of_a_team"), drawn.output);
        if format == "svg" {
            roxmltree::Document::parse(&drawn.output).expect("well-formed XML");
        }
    }
    let wrong = world.run(&["graph", "access.yaml", "--plan", "access.yaml"]).await.fails();
    assert!(wrong.errors.contains("it is no saved plan"), "{}", wrong.errors);
}
