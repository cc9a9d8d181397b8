//! Large files, well or not: they take at most ten times their size in memory, what is wrong
//! is told where it stands, and as much of it as anybody reads.

use std::path::PathBuf;

use orgform::config;
use orgform::config::ConfigError;
use orgform::config::Reach;

use crate::support::World;

const SIZE: usize = 3 << 20;

/// A text of that size: a beginning, and lines made of numbers.
fn text(begin: &str, line: impl Fn(usize) -> String, end: &str) -> String {
    let mut text = begin.to_owned();
    for number in 0.. {
        if text.len() >= SIZE {
            break;
        }
        text.push_str(&line(number));
    }
    text + end
}

fn user(number: usize) -> String {
    format!(
        "  qa-user-{number}@coconut.example:\n    first_name: Quality\n    last_name: Assurance {number}\n    email: qa-{number}@mail.coconut.example\n    profile: Minimum Access - Salesforce\n    permission_sets: [Coconut_Access, Other_{}]\n",
        number % 50
    )
}

/// Reads a text as a file; what it came to, and the bytes that were held at once for each
/// byte of it.
fn read(text: &str) -> (Result<usize, ConfigError>, f64) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.yaml"), text).expect("writes");
    let paths = [PathBuf::from("a.yaml")];
    let reach = Reach::new(folder.path(), &paths, &[]);
    let mut result = None;
    let held = allocation_counter::measure(|| {
        result = Some(config::load(&paths, &reach).map(|config| config.declared.len()));
    });
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    let ratio = held.bytes_max as f64 / text.len() as f64;
    (result.expect("it ran"), ratio)
}

#[test]
fn a_file_takes_at_most_ten_times_its_size() {
    let same = |part: &'static str| move |_: usize| part.to_owned();
    for (what, text) in [
        ("users", text("version: 1\nusers:\n", user, "")),
        (
            "users in braces",
            text(
                "version: 1\nusers: {",
                |n| {
                    format!(
                        "\"u{n}@x.example\": {{\"last_name\": \"Assurance\", \"email\": \"u{n}@x.example\", \"profile\": \"Standard User\"}},\n"
                    )
                },
                "}\n",
            ),
        ),
        ("unknown sections", text("version: 1\n", |n| format!("unknown{n}: 1\n"), "")),
        (
            "unknown keys of one",
            text("version: 1\nusers:\n  a@x.example:\n", |n| format!("    unknown{n}: 1\n"), ""),
        ),
        (
            "unknown keys of each",
            text(
                "version: 1\nusers:\n",
                |n| {
                    format!(
                        "  u{n}@x.example: {{ last_name: X, email: u@x.example, profile: P, foo: 1 }}\n"
                    )
                },
                "",
            ),
        ),
        ("the same again", text("version: 1\nusers:\n", |_| user(0), "")),
        ("small values", text("version: 1\nrelease: [", same("a,"), "]\n")),
        ("small texts", text("version: 1\nrelease: [", same("\"\","), "]\n")),
        ("small maps", text("version: 1\nusers: {", |n| format!("{n}: {{}},"), "}\n")),
        ("anchors", text("version: 1\nusers: {", |n| format!("&a{n} u{n}: *a{n},"), "}\n")),
        ("comments", text("version: 1\n", same("#\n"), "")),
        ("one line", text("version: 1\nx: \"", same("aaaaaaaa"), "\"\n")),
        ("a text of lines", text("version: 1\nx: |\n", same("  \n"), "")),
        ("no YAML", text("version: 1\nusers:\n", user, "  {\n")),
        (
            "letters of others",
            text(
                "version: 1\npermission_sets:\n",
                |n| format!("  S{n}: {{ label: \"権限セット\", description: \"説明 {n}\" }}\n"),
                "",
            ),
        ),
    ] {
        let (_, ratio) = read(&text);
        assert!(ratio <= 10.0, "{what}: {ratio:.1} times its size");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_far_down_is_told_where_it_stands() {
    let world = World::bare();
    let yaml = text("version: 1\nusers:\n", user, "");
    let users = yaml.matches("first_name").count();
    let lines = yaml.lines().count();
    let release = "release: [user.gone@x.example]\n";
    world.write("access.yaml", format!("{yaml}{release}"));
    let ran = world.run(&["validate", "access.yaml"]).await.succeeds();
    assert!(ran.output.contains(&format!("{} resources", users * 3)), "{}", ran.output);
    let wrong = format!("{yaml}  z@x.example:\n    last_nam: Z\n{release}unknown: 1\n");
    world.write("access.yaml", wrong);
    let ran = world.run(&["validate", "access.yaml"]).await.fails();
    for place in [(lines + 2, 5), (lines + 4, 1)].map(|(line, column)| format!("{line}:{column}")) {
        assert!(ran.errors.contains(&format!("access.yaml:{place}")), "{place}: {}", ran.errors);
    }
    assert!(ran.errors.contains("did you mean `last_name`?"), "{}", ran.errors);
    // The same user in two pieces, a section twice, and no version.
    world.write("access.yaml", format!("{yaml}{}", user(0)));
    let ran = world.run(&["validate", "access.yaml"]).await.fails();
    assert!(
        ran.errors.contains("user.qa-user-0@coconut.example is declared twice"),
        "{}",
        ran.errors
    );
    assert!(ran.errors.contains("access.yaml:3:3"), "{}", ran.errors);
    world.write("access.yaml", format!("{yaml}users: {{}}\n"));
    let ran = world.run(&["validate", "access.yaml"]).await.fails();
    assert!(ran.errors.contains("`users` stands here twice"), "{}", ran.errors);
    world.write("access.yaml", yaml.replacen("version: 1\n", "", 1));
    let ran = world.run(&["validate", "access.yaml"]).await.fails();
    assert!(ran.errors.contains("does not say `version: 1`"), "{}", ran.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_told_up_to_a_number_and_counted_beyond() {
    let world = World::bare();
    let yaml = text("version: 1\n", |n| format!("unknown{n}: 1\n"), "");
    let count = yaml.lines().count() - 1;
    world.write("access.yaml", yaml);
    let ran = world.run(&["validate", "access.yaml", "--json"]).await.fails();
    let told: serde_json::Value = serde_json::from_str(&ran.output).expect("JSON");
    assert_eq!(told["diagnostics"].as_array().map(Vec::len), Some(100));
    assert_eq!(told["more"], count - 100);
}
