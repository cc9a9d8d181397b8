//! Damaged states: each is told with what is in doubt, none is skipped or adopted
//! silently, and each can be settled.

use std::path::PathBuf;

use crate::support::World;
use crate::support::example;

const APPLY: [&str; 3] = ["apply", "access.yaml", "--auto-approve"];
const DESTROY: [&str; 3] = ["destroy", "access.yaml", "--auto-approve"];

/// A world whose state has some entries in its log.
async fn written() -> World {
    let world = World::new().await;
    world.converges("create", &example()).await;
    world
}

fn log(world: &World) -> PathBuf {
    world.state().join("state.log")
}

fn lines(world: &World) -> Vec<String> {
    let text = std::fs::read_to_string(log(world)).expect("the log");
    text.lines().map(str::to_owned).collect()
}

fn write_lines(world: &World, lines: &[String]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(log(world), text).expect("the log");
}

fn without_cache(world: &World) {
    let _ = std::fs::remove_dir_all(world.state().join("cache.sled"));
}

/// Nothing is done, and what is wrong is said: by all commands alike.
async fn is_reported(world: &World, what: &str, words: &str) {
    for arguments in [&APPLY[..], &DESTROY[..], &["plan", "access.yaml"], &["state", "list"]] {
        let refused = world.run(arguments).await;
        assert_eq!(refused.code, 1, "{what}: {}", refused.whole());
        assert!(
            refused.errors.contains("the state of this org is damaged"),
            "{what}: {}",
            refused.whole()
        );
        assert!(refused.errors.contains(words), "{what}: {}", refused.whole());
        assert!(refused.errors.contains("orgform state restore"), "{what}: {}", refused.whole());
    }
    let checked = world.run(&["state", "check"]).await;
    assert_eq!(checked.code, 1, "{what}: {}", checked.whole());
    assert!(checked.output.contains(words), "{what}: {}", checked.whole());
    let users = world.query("SELECT Id FROM User WHERE IsActive = true").await;
    assert_eq!(users.len(), 2, "{what}: nothing was changed");
}

/// Restored from there, all that orgform made is known to be its own.
async fn is_restored(world: &World, what: &str, from: &str) {
    let restored = world.run(&["state", "restore", "--from", from]).await;
    assert_eq!(restored.code, 0, "{what}: {}", restored.whole());
    world.run(&["state", "check"]).await.succeeds();
    world.is_settled(what).await;
    let destroyed = world.run(&DESTROY).await;
    assert!(destroyed.output.contains("6 taken away"), "{what}: {}", destroyed.whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_line_in_the_middle_is_told_and_the_cache_knows_better() {
    let world = written().await;
    let mut all = lines(&world);
    let middle = all.len() / 2;
    all[middle] = all[middle].replacen("serial", "sErial", 1);
    write_lines(&world, &all);
    // What the cache holds is right: the log is only needed where there is none.
    world.is_settled("with the cache").await;
    let checked = world.run(&["state", "check"]).await.fails();
    assert!(checked.output.contains("checksum"), "{}", checked.output);
    is_restored(&world, "bad line", "cache").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_cache_a_bad_line_stops_all() {
    let world = written().await;
    let mut all = lines(&world);
    let middle = all.len() / 2;
    all[middle].truncate(20);
    write_lines(&world, &all);
    without_cache(&world);
    is_reported(&world, "bad line", "it is no line of a log").await;
    let restored = world.run(&["state", "restore", "--from", "readable"]).await.succeeds();
    assert!(restored.output.contains("state.log.damaged-1"), "{}", restored.output);
    world.run(&["state", "check"]).await.succeeds();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_told() {
    let world = written().await;
    let mut all = lines(&world);
    all.remove(all.len() / 2);
    write_lines(&world, &all);
    without_cache(&world);
    is_reported(&world, "gap", "are missing").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_that_is_gone_or_is_none_is_told() {
    for (what, text) in
        [("gone", None), ("none", Some("{}")), ("cut", Some("{\n  \"format_version\": 2,"))]
    {
        let world = written().await;
        let base = world.state().join("state.json");
        match text {
            None => std::fs::remove_file(&base).expect("the base"),
            Some(text) => std::fs::write(&base, text).expect("the base"),
        }
        let words = if text.is_none() { "it is missing" } else { "can't be read" };
        is_reported(&world, what, words).await;
        is_restored(&world, what, "cache").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_that_was_put_back_is_told_with_what_is_in_doubt() {
    for keeps_cache in [true, false] {
        let world = World::new().await;
        let less = example().replace("      - coconut__Coconut_Integration_Config\n", "");
        world.converges("create", &less).await;
        let older = lines(&world);
        world.converges("one more", &example()).await;
        write_lines(&world, &older);
        if !keeps_cache {
            without_cache(&world);
        }
        let what = format!("older copy, cache {keeps_cache}");
        is_reported(&world, &what, "an older copy was put back").await;
        if keeps_cache {
            let refused = world.run(&APPLY).await;
            let doubt = "In doubt: permission_set_assignment.integration@coconut.example/coconut__Coconut_Integration_Config";
            assert!(refused.errors.contains(doubt), "{}", refused.errors);
            is_restored(&world, &what, "cache").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serial_that_nobody_counted_is_told_and_no_panic() {
    let world = written().await;
    let base = world.state().join("state.json");
    let text = std::fs::read_to_string(&base).expect("the base");
    for serial in ["18446744073709551615", "9007199254740993"] {
        std::fs::write(&base, text.replacen("\"serial\": 0", &format!("\"serial\": {serial}"), 1))
            .expect("the base");
        is_reported(&world, serial, "no number that orgform gives").await;
    }
    std::fs::write(&base, text.replacen("\"serial\": 0", "\"serial\": 99999999999999999999999", 1))
        .expect("the base");
    is_reported(&world, "no number", "can't be read").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_end_is_no_damage() {
    for torn in ["", "{\"sum\":\"00", "\0\0\0\0\0", "garbage\n"] {
        let world = written().await;
        let mut text = std::fs::read(log(&world)).expect("the log");
        text.extend_from_slice(torn.as_bytes());
        std::fs::write(log(&world), text).expect("the log");
        without_cache(&world);
        world.is_settled(torn).await;
        let more = example().replace("users:\n", "users:\n  late@robots.example: { last_name: Late, email: l@robots.example, profile: Standard User }\n");
        world.converges("one more", &more).await;
        without_cache(&world);
        world.run(&["state", "check"]).await.succeeds();
        let destroyed = world.run(&DESTROY).await.succeeds();
        assert!(destroyed.output.contains("7 taken away"), "{torn:?}: {}", destroyed.output);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_backups_of_the_base_are_kept_and_can_be_gone_back_to() {
    let world = World::new().await;
    let sets = |count: usize| -> String {
        let sets: String = (0..count)
            .map(|n| format!("  S{n}: {{ label: Set {n}, description: {} }}\n", "x".repeat(200)))
            .collect();
        format!("version: 1\npermission_sets:\n{sets}")
    };
    // Each outgrows the base before.
    for count in [120, 400, 1000] {
        world.write("access.yaml", sets(count));
        world.run(&APPLY).await.succeeds();
    }
    for file in ["state.json.1", "state.json.2"] {
        assert!(world.state().join(file).is_file(), "{file}");
    }
    std::fs::write(world.state().join("state.json"), "no state").expect("the base");
    without_cache(&world);
    let checked = world.run(&["state", "check"]).await.fails();
    assert!(checked.output.contains("permission_set.S999"), "{}", checked.output);
    world.run(&["state", "restore", "--from", "1"]).await.succeeds();
    let planned = world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await;
    assert_eq!(planned.code, 0, "backup and its log are the whole state: {}", planned.whole());
    let listed = world.run(&["state", "list"]).await.succeeds();
    assert_eq!(listed.output.lines().count(), 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_older_state_mails_nobody_again() {
    let world = written().await;
    let all = lines(&world);
    // As it was when the user was there, and its mail was not.
    let before: Vec<String> =
        all.iter().take_while(|line| !line.contains("password_email\":\"1")).cloned().collect();
    assert!(before.len() < all.len() && before.iter().any(|line| line.contains("\"user.")));
    write_lines(&world, &before);
    without_cache(&world);
    std::fs::remove_file(world.state().join("last.json")).expect("the mark");
    world.pass_hours(1);
    let applied = world.run(&APPLY).await;
    assert!(!applied.output.contains("password mail done"), "{}", applied.whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_question_to_what_to_go_back_is_asked_on_a_terminal() {
    let world = written().await;
    std::fs::remove_file(world.state().join("state.json")).expect("the base");
    let refused = world.run(&["state", "restore"]).await.fails();
    assert!(refused.errors.contains("nobody can be asked"), "{}", refused.errors);
    let unknown = world.run(&["state", "restore", "--from", "7"]).await.fails();
    assert!(unknown.errors.contains("there is no `7`"), "{}", unknown.errors);
    world.types("no idea\n");
    let left = world.run(&["state", "restore"]).await.succeeds();
    assert!(left.output.contains("Nothing was changed"), "{}", left.output);
    world.types("cache\n");
    world.run(&["state", "restore"]).await.succeeds();
    world.is_settled("restored").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_that_is_gone_without_a_log_is_told_too() {
    let world = written().await;
    // As after a compaction: all is in the base.
    std::fs::remove_file(world.state().join("state.json")).expect("the base");
    std::fs::remove_file(log(&world)).expect("the log");
    is_reported(&world, "both gone", "it is missing").await;
    is_restored(&world, "both gone", "cache").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_whole_is_enough_to_go_back_to() {
    let world = written().await;
    std::fs::remove_file(world.state().join("state.json")).expect("the base");
    without_cache(&world);
    is_reported(&world, "base and cache gone", "it is missing").await;
    is_restored(&world, "base and cache gone", "readable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_line_that_lacks_only_its_end_counts() {
    let world = written().await;
    let before = lines(&world).len();
    let text = std::fs::read(log(&world)).expect("the log");
    std::fs::write(log(&world), text.strip_suffix(b"\n").expect("an end")).expect("the log");
    let more = example().replace("users:\n", "users:\n  late@robots.example: { last_name: Late, email: l@robots.example, profile: Standard User }\n");
    world.converges("one more", &more).await;
    assert!(lines(&world).len() > before, "no entry is lost");
    without_cache(&world);
    world.run(&["state", "check"]).await.succeeds();
    let destroyed = world.run(&DESTROY).await.succeeds();
    assert!(destroyed.output.contains("7 taken away"), "{}", destroyed.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_that_nobody_left_says_nothing() {
    let world = written().await;
    let mark = world.state().join("last.json");
    let text = std::fs::read_to_string(&mark).expect("the mark");
    let serial = text.split("\"serial\":").nth(1).expect("a serial").trim_end_matches('}');
    std::fs::write(&mark, text.replace(serial, "18446744073709551615")).expect("the mark");
    world.is_settled("a mark of no meaning").await;
    world.run(&["state", "check"]).await.succeeds();
}
