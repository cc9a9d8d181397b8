//! The files of somebody else: they read nothing outside of their folder, run nothing, and
//! reach nothing but the org that was chosen.

use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use serde_json::Value as Json;
use serde_json::json;

use crate::support::World;

/// Stands in what must not be read.
const SECRET: &str = "S3CRET-OF-THE-RUNNER";

fn with_csv(path: &str) -> String {
    format!(
        "version: 1\nusers:\n  ${{name}}@x.example:\n    for_each: {{ csv: \"{path}\" }}\n    last_name: X\n    email: x@x.example\n    profile: Standard User\n"
    )
}

/// A world with files in a folder of its own, beside which a secret is.
fn world() -> World {
    let world = World::bare();
    world.write("secret.csv", format!("{SECRET}\nx,y,z\n"));
    world.write("files/people.csv", "name\nada\n");
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_csv_file_is_a_regular_one_below_the_folder_of_the_files() {
    let world = world();
    let at = |path: &str| world.path().join("files").join(path);
    symlink(world.path().join("secret.csv"), at("link.csv")).expect("a link");
    symlink(world.path(), at("up")).expect("a link");
    symlink("people.csv", at("near.csv")).expect("a link");
    let fifo = std::process::Command::new("mkfifo").arg(at("fifo.csv")).status();
    assert!(fifo.expect("mkfifo").success());
    std::fs::create_dir(at("folder.csv")).expect("a folder");
    let absolute = world.path().join("secret.csv").display().to_string();
    for (path, told) in [
        ("../secret.csv", "outside of the folder"),
        ("up/secret.csv", "outside of the folder"),
        ("link.csv", "outside of the folder"),
        (absolute.as_str(), "outside of the folder"),
        ("/etc/passwd", "outside of the folder"),
        ("/dev/zero", "outside of the folder"),
        ("/proc/self/environ", "outside of the folder"),
        ("fifo.csv", "no regular file"),
        ("folder.csv", "no regular file"),
        (".", "no regular file"),
        ("absent.csv", "No such file"),
    ] {
        world.write("files/access.yaml", with_csv(path));
        for paths in ["files/access.yaml", "files"] {
            let ran = world.run(&["validate", paths]).await.fails();
            assert!(ran.errors.contains(told), "{path}: {}", ran.whole());
            assert!(!ran.whole().contains(SECRET), "{path}: {}", ran.whole());
        }
    }
    for path in ["people.csv", "near.csv", "./people.csv", "up/files/people.csv"] {
        world.write("files/access.yaml", with_csv(path));
        world.run(&["validate", "files/access.yaml"]).await.succeeds();
    }
    world.write("shared/people.csv", "name\nada\n");
    world.write("files/access.yaml", with_csv("../shared/people.csv"));
    let refused = world.run(&["validate", "files"]).await.fails();
    assert!(refused.errors.contains("--allow-path DIR"), "{}", refused.whole());
    for command in ["validate", "graph"] {
        world.run(&[command, "files", "--allow-path", "shared"]).await.succeeds();
    }
    world.run(&["plan", "files", "--allow-path", "shared"]).await.succeeds();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_a_link_out_of_its_folder_is_not_read() {
    let world = world();
    symlink(world.path().join("secret.csv"), world.path().join("files/a.yaml")).expect("a link");
    world.write("real.yaml", "version: 1\n");
    for command in ["validate", "plan", "apply", "destroy", "graph", "fmt"] {
        for path in ["files", "files/a.yaml"] {
            let mut arguments = vec![command, path];
            arguments.extend(matches!(command, "apply" | "destroy").then_some("--auto-approve"));
            let ran = world.run(&arguments).await.fails();
            assert!(ran.errors.contains("outside of the folder"), "{command}: {}", ran.whole());
            assert!(!ran.whole().contains(SECRET), "{command}: {}", ran.whole());
        }
    }
    symlink("../real.yaml", world.path().join("files/a.yml")).expect("a link");
    std::fs::remove_file(world.path().join("files/a.yaml")).expect("removes");
    world.run(&["validate", "files", "--allow-path", "."]).await.succeeds();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_a_link_out_of_its_place_is_not_read_nor_written() {
    let world = World::bare();
    let yaml = format!("version: 1\n{SECRET}:   1\n");
    let outside = world.write("outside/access.yaml", &yaml);
    std::fs::create_dir(world.path().join("repo")).expect("a folder");
    symlink("../outside", world.path().join("repo/access")).expect("a link");
    for command in ["validate", "plan", "graph", "fmt"] {
        for path in [
            "repo/access",
            "repo/access/",
            "repo/access/.",
            "./repo//access//",
            "repo/../repo/access/",
            "repo/access/access.yaml",
        ] {
            let ran = world.run(&[command, path]).await.fails();
            assert!(ran.errors.contains("outside of the folder"), "{command}: {}", ran.whole());
            assert!(!ran.whole().contains(SECRET), "{command}: {}", ran.whole());
        }
        for path in ["repo/access", "repo/access/", "repo/access/access.yaml"] {
            let absolute = world.path().join(path).display().to_string();
            let ran = world.run(&[command, &absolute]).await.fails();
            assert!(!ran.whole().contains(SECRET), "{command}: {}", ran.whole());
        }
    }
    assert_eq!(std::fs::read_to_string(outside).expect("reads"), yaml);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_that_multiplies_is_bounded() {
    let world = World::bare();
    let sets: Vec<String> = (0..1_000).map(|number| format!("S{number}")).collect();
    let sets = sets.join(", ");
    let user = "last_name: X, email: x@x.example";
    for yaml in [
        format!(
            "personas:\n  P: {{ profile: P, permission_sets: [{sets}] }}\nusers:\n  u${{n}}@x.example: {{ for_each: {{ count: 10000 }}, {user}, persona: P }}\n"
        ),
        format!(
            "users:\n  u${{n}}@x.example: {{ for_each: {{ count: 10000 }}, {user}, profile: P, permission_sets: [{sets}] }}\n"
        ),
    ] {
        world.write("access.yaml", format!("version: 1\n{yaml}"));
        let ran = world.run(&["validate", "access.yaml"]).await.fails();
        assert!(ran.errors.contains("2000000"), "{}", ran.whole());
    }
    let text = "x".repeat(20_000);
    let names = "${b}".repeat(2_000);
    for (yaml, told) in [
        (
            format!(
                "  u${{n}}@x.example: {{ for_each: {{ count: 100000 }}, {user}, profile: P, fields: {{ About__c: \"{text}\" }} }}\n"
            ),
            "the loops make more than",
        ),
        (
            format!(
                "  u@x.example: {{ for_each: [{{ b: \"{text}\" }}], {user}, profile: P, fields: {{ About__c: \"{names}\" }} }}\n"
            ),
            "filled in, this text has more than",
        ),
    ] {
        world.write("access.yaml", format!("version: 1\nusers:\n{yaml}"));
        let ran = world.run(&["validate", "access.yaml"]).await.fails();
        assert!(ran.errors.contains(told), "{}", &ran.errors[..ran.errors.len().min(2_000)]);
    }
    let rows: String = (0..150_000).map(|number| format!("u{number}\n")).collect();
    world.write("people.csv", format!("name\n{rows}"));
    world.write("access.yaml", with_csv("people.csv"));
    let ran = world.run(&["validate", "access.yaml"]).await.fails();
    assert!(ran.errors.contains("more rows than the 100000"), "{}", ran.whole());
}

/// Documents that put a text at each place where the schema takes one.
fn leaves(schema: &Json, node: &Json, text: &str, depth: usize) -> Vec<Json> {
    if depth > 8 {
        return Vec::new();
    }
    if let Some(name) = node["$ref"].as_str() {
        let at = name.trim_start_matches('#');
        return leaves(schema, schema.pointer(at).expect("a definition"), text, depth + 1);
    }
    let mut found = Vec::new();
    for list in ["anyOf", "oneOf", "allOf"] {
        for one in node[list].as_array().into_iter().flatten() {
            found.extend(leaves(schema, one, text, depth + 1));
        }
    }
    let takes = |kind: &str| {
        node["type"] == json!(kind)
            || node["type"].as_array().is_some_and(|kinds| kinds.contains(&json!(kind)))
    };
    if takes("string") {
        found.push(json!(text));
    }
    if takes("array") {
        let items = leaves(schema, &node["items"], text, depth + 1);
        found.extend(items.into_iter().map(|item| json!([item])));
    }
    if node["additionalProperties"].is_object() {
        let values = leaves(schema, &node["additionalProperties"], text, depth + 1);
        found.extend(values.into_iter().map(|value| json!({"Contact": value})));
    }
    for (name, property) in node["properties"].as_object().into_iter().flatten() {
        for value in leaves(schema, property, text, depth + 1) {
            found.push(json!({ name: value }));
        }
    }
    found
}

/// What an entry needs besides.
fn whole(section: &str, mut entry: Json) -> Json {
    let needed = match section {
        "users" => json!({"last_name": "X", "email": "x@x.example", "profile": "Standard User"}),
        "profiles" => json!({"clone_from": "Standard User"}),
        "permission_sets" | "permission_set_groups" => json!({"label": "X"}),
        _ => json!({}),
    };
    if let (Json::Object(entry), Json::Object(needed)) = (&mut entry, needed) {
        for (key, value) in needed {
            entry.entry(key).or_insert(value);
        }
    }
    entry
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_of_a_file_reads_runs_or_reaches_anything() {
    let world = World::new().await;
    let secret = world.write("secret.txt", format!("{SECRET}: [\n"));
    std::fs::create_dir(world.path().join("files")).expect("a folder");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("does not wait");
    let url = format!("http://{}/x", listener.local_addr().expect("an address"));
    let schema: Json =
        serde_json::from_str(&world.run(&["schema"]).await.succeeds().output).expect("a schema");
    let elsewhere = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&elsewhere);
    let origin = format!("{}/", world.org().instance_url);
    let world = world.over(crate::answers::watching(move |request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let is_own = request.url.starts_with(&origin);
        if !is_own || body.contains(SECRET) || request.url.contains(SECRET) {
            seen.fetch_add(1, Ordering::Relaxed);
        }
    }));
    let run = "$(touch ran)`touch ran`|touch ran;touch ran";
    let mut count = 0;
    for text in
        ["../secret.txt", &secret.display().to_string(), &url, run, "!include ../secret.txt"]
    {
        for (section, node) in schema["properties"].as_object().expect("sections") {
            let entries = leaves(&schema, node, text, 0);
            for entry in entries {
                let entry = match entry.get("Contact") {
                    Some(entry) => {
                        let name = match section.as_str() {
                            "users" => "x@x.example",
                            _ => "X",
                        };
                        json!({ name: whole(section, entry.clone()) })
                    }
                    None => entry,
                };
                let document = json!({"version": 1, section: entry});
                world.write("files/access.yaml", document.to_string());
                let arguments: &[&str] = if count % 10 == 0 {
                    &["plan", "files"]
                } else {
                    &["plan", "files", "--refresh=false"]
                };
                let ran = world.run(arguments).await;
                assert!(!ran.whole().contains(SECRET), "{document}: {}", ran.whole());
                count += 1;
            }
        }
    }
    assert!(count > 300, "{count} documents");
    assert_eq!(elsewhere.load(Ordering::Relaxed), 0, "calls elsewhere or with the secret");
    assert!(listener.accept().is_err(), "a connection elsewhere");
    for folder in [world.path().to_owned(), world.path().join("files")] {
        assert!(!folder.join("ran").exists(), "something ran");
    }
}
