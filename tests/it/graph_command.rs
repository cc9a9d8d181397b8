//! `orgform graph`.

use crate::support::World;
use crate::support::example;

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_of_the_example_is_the_same_each_time_and_asks_no_org() {
    let world = World::bare();
    world.write("access.yaml", example());
    let first = world.run(&["graph", "access.yaml"]).await.succeeds();
    let second = world.run(&["graph", "access.yaml"]).await.succeeds();
    assert_eq!(first.output, second.output);
    assert!(!world.path().join("state").exists(), "a graph writes nothing");
    insta::assert_snapshot!(first.output);
}
