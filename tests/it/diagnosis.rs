//! What helps to write files and command lines: validate, fmt, schema,
//! completions and the manual's pages.

use proptest::prelude::*;
use proptest::test_runner::Config;

use orgform::config::Source;
use orgform::config::both_readings;
use orgform::config::format;

use crate::properties::a_file;
use crate::support::World;
use crate::support::example;
use crate::support::schema_of;

const WRONG: &str = "version: 1
profiles:
  Robots: { clone_from: Standard User, licence: x }
users:
  One@robots.example: { last_name: 7, email: r }
";

#[tokio::test(flavor = "multi_thread")]
async fn validate_says_what_is_wrong_to_people_programs_and_code_hosts() {
    let world = World::bare();
    world.write("access.yaml", example());
    let well = world.run(&["validate", "access.yaml"]).await.succeeds();
    insta::assert_snapshot!(well.whole(), @r"
        1 file with 6 resources: nothing is wrong in them. What only the org can know, `orgform plan` checks.
        --- exit code 0
        ");
    assert!(!world.path().join("state").exists(), "it asks no org and keeps nothing");
    let validator = schema_of("diagnostics.schema.json");
    world.write("wrong.yaml", WRONG);
    for (file, code) in [("access.yaml", 0), ("wrong.yaml", 1)] {
        let ran = world.run(&["validate", file, "--json"]).await;
        assert_eq!(ran.code, code, "{}", ran.whole());
        let document: serde_json::Value = serde_json::from_str(&ran.output).expect("JSON");
        let errors: Vec<String> =
            validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        insta::assert_snapshot!(
            format!("json_{code}"),
            serde_json::to_string_pretty(&document).expect("JSON")
        );
    }
    let text = world.run(&["validate", "wrong.yaml"]).await.fails();
    insta::assert_snapshot!("wrong", text.whole());
    let sarif = world.run(&["validate", "wrong.yaml", "--sarif"]).await.fails();
    let log: serde_json::Value = serde_json::from_str(&sarif.output).expect("JSON");
    insta::assert_snapshot!("sarif", serde_json::to_string_pretty(&log).expect("JSON"));
    let nothing = world.run(&["validate", "nothing.yaml", "--json"]).await.fails();
    assert!(nothing.errors.contains("nothing.yaml"), "{}", nothing.whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn fmt_touches_white_space_alone_and_says_which_files() {
    let world = World::bare();
    let untidy = "# top\nversion: 1   \n\n\n\nusers:\n    a@b.example:   # why\n        last_name: A\n        email: a@b.example\n        profile: Standard User\n        permission_sets:\n        - One\n";
    world.write("untidy.yaml", untidy);
    world.write("tidy.yaml", "version: 1\n");
    let check = world.run(&["fmt", ".", "--check"]).await.fails();
    assert_eq!(check.output, "./untidy.yaml\n");
    let diff = world.run(&["fmt", "untidy.yaml", "--check", "--diff"]).await.fails();
    insta::assert_snapshot!("fmt_diff", diff.whole());
    let read = |name: &str| std::fs::read_to_string(world.path().join(name)).expect("a file");
    assert_eq!(read("untidy.yaml"), untidy, "a check writes nothing");
    world.run(&["fmt", "."]).await.succeeds();
    insta::assert_snapshot!("fmt", read("untidy.yaml"));
    let again = world.run(&["fmt", ".", "--check"]).await.succeeds();
    assert_eq!(again.output, "");
    world.types(untidy);
    let piped = world.run(&["fmt", "-"]).await.succeeds();
    assert_eq!(piped.output, read("untidy.yaml"));
    world.write("broken.yaml", "a: [1\n");
    let broken = world.run(&["fmt", "."]).await.fails();
    insta::assert_snapshot!("fmt_broken", broken.whole());
}

#[test]
fn the_example_is_laid_out_as_fmt_does_it() {
    let source = Source::new("example", &example());
    assert_eq!(format(&source).expect("a good file"), example());
}

/// A file with more spaces a level, trailing spaces and blank lines.
fn untidied(text: &str, step: usize, blank: usize) -> String {
    text.lines()
        .map(|line| {
            let indent = line.len() - line.trim_start_matches(' ').len();
            let rest = line.trim_start_matches(' ');
            format!("{}{rest}   \n{}", " ".repeat(indent / 2 * step), "\n".repeat(blank))
        })
        .collect()
}

proptest! {
    #![proptest_config(Config { cases: 300, ..Config::default() })]

    /// However a file is laid out, fmt changes nothing of what it says, and the
    /// second time nothing at all.
    #[test]
    fn fmt_keeps_what_a_file_says(file in a_file(), step in 1_usize..6, blank in 0_usize..3) {
        let text = untidied(&file.yaml(false), step, blank);
        let formatted = format(&Source::new("x.yaml", &text)).expect("it can be laid out");
        let said = |text: &str| both_readings(text).1.map_err(|found| format!("{found:?}"));
        prop_assert_eq!(said(&text), said(&formatted));
        let again = format(&Source::new("x.yaml", &formatted)).expect("it can be laid out");
        prop_assert_eq!(&again, &formatted);
    }

    /// Whatever the text is, it is laid out to the same or refused.
    #[test]
    fn fmt_never_changes_or_loses_anything(text in "[a-c#:|>\"' \n{}\\[\\],-]{0,80}") {
        if let Ok(formatted) = format(&Source::new("x.yaml", &text)) {
            let words = |text: &str| -> Vec<String> {
                text.split_whitespace().map(str::to_owned).collect()
            };
            prop_assert_eq!(words(&text), words(&formatted));
            prop_assert!(format(&Source::new("x.yaml", &formatted)).is_ok());
        }
    }

    /// What orgform reads, its schema takes.
    #[test]
    fn the_schema_takes_every_good_file(file in a_file()) {
        let document: serde_json::Value =
            serde_yaml::from_str(&file.yaml(false)).expect("YAML");
        let validator = schema_of("orgform.schema.json");
        let errors: Vec<String> =
            validator.iter_errors(&document).map(|error| error.to_string()).collect();
        prop_assert!(errors.is_empty(), "{:?}", errors);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_schema_is_the_one_that_is_printed_and_finds_mistakes() {
    let world = World::bare();
    let printed = world.run(&["schema"]).await.succeeds();
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas/orgform.schema.json");
    let published = std::fs::read_to_string(path).expect("the schema");
    assert!(printed.output == published, "the schema is behind: write it with `orgform schema`");
    let validator = schema_of("orgform.schema.json");
    let good: serde_json::Value = serde_yaml::from_str(&example()).expect("YAML");
    assert!(validator.is_valid(&good));
    let wrong: serde_json::Value = serde_yaml::from_str(WRONG).expect("YAML");
    let errors: Vec<String> =
        validator.iter_errors(&wrong).map(|error| error.to_string()).collect();
    assert!(errors.iter().any(|error| error.contains("licence")), "{errors:?}");
    assert!(errors.iter().any(|error| error.contains("7 is not of type")), "{errors:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn shells_complete_options_addresses_users_and_orgs() {
    let world = World::new().await;
    world.converges("set up", &example()).await;
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = world.run(&["completions", shell]).await.succeeds();
        assert!(script.output.contains("ORGFORM_COMPLETE"), "{shell}: {}", script.output);
    }
    let unknown = world.run(&["completions", "cmd"]).await.fails();
    assert!(unknown.errors.contains("There is for bash"), "{}", unknown.errors);
    world.set("ORGFORM_COMPLETE", "fish");
    let completed = async |line: &[&str]| -> String {
        let arguments = [&["--", "orgform"][..], line].concat();
        world.run(&arguments).await.succeeds().output
    };
    let addresses = completed(&["plan", "--target", "profile"]).await;
    assert_eq!(addresses.trim(), "profile.Coconut Integration");
    assert!(
        completed(&["state", "show", "user"]).await.contains("user.integration@coconut.example")
    );
    assert!(completed(&["explain", "user", ""]).await.contains("integration@coconut.example"));
    assert!(completed(&["plan", "--org", ""]).await.contains("local"));
    assert!(completed(&["plan", "--detailed"]).await.contains("--detailed-exitcode"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manual_has_a_page_for_each_command() {
    let world = World::bare();
    let ran = world.run(&["man", "pages"]).await.succeeds();
    assert_eq!(ran.output, "24 pages are in pages.\n");
    let page = std::fs::read_to_string(world.path().join("pages/orgform-plan.1")).expect("a page");
    assert!(page.contains(".TH orgform-plan 1") && page.contains("detailed\\-exitcode"), "{page}");
}

/// The YAML of a page, block by block; what has an ellipsis is no whole file.
fn yaml_of(page: &str) -> Vec<String> {
    let blocks = page.split("```yaml\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    blocks.filter(|block| block.contains("version: 1")).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_pages_show_is_a_good_file() {
    let world = World::bare();
    for page in [include_str!("../../README.md"), include_str!("../../docs/file.md")] {
        for block in yaml_of(page) {
            world.write("access.yaml", block);
            world.run(&["validate", "access.yaml"]).await.succeeds();
        }
    }
}
