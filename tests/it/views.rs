//! The views of a plan: each whole, and a large plan in each.

use reqwest::Method;
use serde_json::json;

use crate::support::World;
use crate::support::example;

/// A world with something of everything to show.
async fn changed() -> World {
    let world = World::new().await;
    let first = example().replace(
        "users:\n",
        "users:\n  old@coconut.example: { last_name: Old, email: o@coconut.example, profile: Coconut Integration }\n",
    );
    world.converges("set up", &first).await;
    let user = world.id("User", "Username = 'integration@coconut.example'").await;
    let patch = json!({"LastName": "Changed *by* hand"});
    world.call(Method::PATCH, &format!("sobjects/User/{user}"), patch).await;
    let wanted = example()
        .replace("  Coconut_Integration_API_Access:\n", "  Coconut_Access:\n    was: Coconut_Integration_API_Access\n    description: |\n      What it may do,\n      and <b>why</b>\n")
        .replace("      - Coconut_Integration_API_Access", "      - Coconut_Access")
        .replace("      - Access Activities\n", "")
        .replace("users:\n", "users:\n  new@coconut.example: { last_name: New, email: n@coconut.example, profile: Coconut Integration }\n");
    world.write("access.yaml", wanted);
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn each_view_of_a_plan() {
    let world = changed().await;
    world.run(&["plan", "access.yaml", "--out", "p"]).await.succeeds();
    for view in ["full", "summary", "diff"] {
        let ran = world.run(&["show", "p", "--view", view]).await.succeeds();
        insta::assert_snapshot!(view, ran.output);
    }
    let markdown = world.run(&["show", "p", "--markdown"]).await.succeeds();
    insta::assert_snapshot!("markdown", markdown.output);
    let planned = world.run(&["plan", "access.yaml", "--markdown"]).await.succeeds();
    let digest = "The digest of the saved plan is `DIGEST`.\n";
    assert_eq!(planned.output + digest, markdown.output, "a plan and its file read alike");
    let both = world.run(&["plan", "access.yaml", "--markdown", "--json"]).await.fails();
    assert!(both.errors.contains("cannot be used with"), "{}", both.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_ten_thousand_changes_stays_readable_in_each_view() {
    let world = World::new().await;
    let users: String = (0..10_000)
        .map(|n| format!("  u{n:05}@robots.example: {{ last_name: U{n}, email: u@robots.example, profile: Standard User }}\n"))
        .collect();
    world.write("access.yaml", format!("version: 1\nusers:\n{users}"));
    // Ten thousand users have no seats here, which is another matter.
    world.run(&["plan", "access.yaml", "--out", "p"]).await.fails();
    let grouped = world.run(&["show", "p"]).await.succeeds();
    insta::assert_snapshot!("many", grouped.output);
    let summary = world.run(&["show", "p", "--view", "summary"]).await.succeeds();
    assert!(summary.output.lines().count() < 10_020);
    assert!(summary.output.contains("  + user.u09999@robots.example\n"));
    let markdown = world.run(&["show", "p", "--markdown"]).await.succeeds().output;
    assert!(markdown.len() <= 65_000, "{} bytes", markdown.len());
    let cut = markdown.lines().find(|line| line.starts_with("> Cut")).expect("it says so");
    insta::assert_snapshot!(cut, @r"
        > Cut to fit into a comment: 2,180 changes are listed without details, 7,820 are only counted. `orgform show` shows all.
        ");
    assert_eq!(markdown.matches("<details>").count(), markdown.matches("</details>").count());
    assert_eq!(markdown.matches("````").count() % 2, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn markdown_fits_into_a_comment_whatever_there_is_to_say() {
    let seed = orgform::local_org::Seed { seats: Some(-1), ..Default::default() };
    let world = World::with(seed, orgform::local_org::Doubts::default()).await;
    let sets: String = (0..59)
        .map(|n| format!("  A_set_with_a_long_name_{n}: {{ system_permissions: [Modify All Data], objects: {{ Contact: {{ access: all, fields: edit }}, Lead: {{ access: all }} }} }}\n"))
        .collect();
    let users: String = (0..60_usize)
        .map(|n| {
            let held: Vec<String> =
                (0..59).filter(|set| (set + n) % 7 != 0).map(|set| format!("A_set_with_a_long_name_{set}")).collect();
            format!("  u{n}@robots.example: {{ last_name: U, email: u@robots.example, profile: Standard User, permission_sets: [{}] }}\n", held.join(", "))
        })
        .collect();
    world.write("access.yaml", format!("version: 1\npermission_sets:\n{sets}users:\n{users}"));
    let markdown = world.run(&["plan", "access.yaml", "--markdown"]).await.succeeds().output;
    assert!(markdown.len() <= 65_000, "{} bytes", markdown.len());
    assert!(markdown.contains("> Cut to fit into a comment"));
    assert_eq!(markdown.matches("<details>").count(), markdown.matches("</details>").count());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_view_says_that_a_plan_is_partial_and_what_is_only_released() {
    let world = World::new().await;
    world.converges("set up", &example()).await;
    world.write("access.yaml", "version: 1\nrelease: ['permission_set.*', 'user.*']\n");
    for view in ["full", "summary", "diff"] {
        let arguments = ["plan", "access.yaml", "--view", view, "--exclude", "profile.*"];
        let ran = world.run(&arguments).await.succeeds();
        assert!(
            ran.output.contains("This plan is partial: 1 resource was not looked at"),
            "{view}: {}",
            ran.output
        );
        assert!(!ran.output.contains("/dev/null"), "{view}: {}", ran.output);
    }
}
