//! What orgform keeps is for its owner alone, and nothing that somebody else laid in its
//! place is followed or written to.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;

use crate::support::World;
use crate::support::example;

const APPLY: [&str; 3] = ["apply", "access.yaml", "--auto-approve"];

fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn is_private(path: &Path) {
    let mode = std::fs::metadata(path).expect("is there").permissions().mode() & 0o777;
    let wanted = if path.is_dir() { 0o700 } else { 0o600 };
    assert_eq!(mode, wanted, "{mode:o} {}", path.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_kept_is_for_its_owner_alone() {
    let world = World::bare();
    world.write("access.yaml", example());
    world.run(&["plan", "access.yaml", "--out", "saved.plan"]).await.succeeds();
    let mut arguments = APPLY.to_vec();
    arguments.extend(["--json-into", "events.jsonl"]);
    world.run(&arguments).await.succeeds();
    let state = world.path().join("state");
    let found = below(&state);
    assert!(found.len() > 8, "{found:?}");
    for path in &found {
        is_private(path);
    }
    for file in ["saved.plan", "events.jsonl"] {
        is_private(&world.path().join(file));
    }
    // What an older version wrote is taken back from the others.
    for path in &found {
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("sets");
    }
    world.run(&["plan", "access.yaml"]).await.succeeds();
    let orgs = std::fs::read_dir(&state).expect("a folder").map(|entry| entry.expect("one").path());
    for folder in orgs.filter(|path| !path.ends_with("local-org")) {
        for path in below(&folder) {
            is_private(&path);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_laid_in_the_place_of_a_file_is_not_followed() {
    for name in ["lock", "lock.json", "state.log", "state.json", "state.json.new"] {
        for is_link in [true, false] {
            let world = World::new().await;
            world.write("access.yaml", example());
            std::fs::create_dir_all(world.state()).expect("a folder");
            let victim = world.write("victim", "precious");
            let place = world.state().join(name);
            if is_link {
                symlink(&victim, &place).expect("a link");
            } else {
                let made = std::process::Command::new("mkfifo").arg(&place).status();
                assert!(made.expect("mkfifo").success());
            }
            let ran = world.run(&APPLY).await.fails();
            let told = ["it is a link", "no regular file", "No such device"];
            let is_reported = told.iter().any(|told| ran.errors.contains(told));
            assert!(is_reported, "{name}: {}", ran.whole());
            assert!(ran.errors.contains(name), "{name}: {}", ran.whole());
            let precious = std::fs::read_to_string(&victim).expect("reads");
            assert_eq!(precious, "precious", "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_and_lists_of_requests_go_into_no_link_device_or_pipe() {
    let world = World::new().await;
    world.write("access.yaml", example());
    let victim = world.write("victim", "");
    symlink(&victim, world.path().join("link")).expect("a link");
    let made = std::process::Command::new("mkfifo").arg(world.path().join("pipe")).status();
    assert!(made.expect("mkfifo").success());
    for place in ["link", "pipe", "/dev/null"] {
        let mut arguments = APPLY.to_vec();
        arguments.extend(["--json-into", place]);
        let ran = world.run(&arguments).await.fails();
        assert!(ran.errors.contains("can't be written"), "{place}: {}", ran.whole());
        let ran = world.run(&["org", "serve", "--request-log", place]).await.fails();
        assert!(ran.errors.contains("can't be written"), "{place}: {}", ran.whole());
    }
    assert_eq!(std::fs::read_to_string(victim).expect("reads"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cache_is_opened_only_where_all_in_it_is_ours() {
    for (name, is_folder) in
        [("cache.sled/db", false), ("cache.sled/conf", false), ("cache.sled", true)]
    {
        let world = World::new().await;
        world.write("access.yaml", example());
        world.run(&APPLY).await.succeeds();
        let place = world.state().join(name);
        let victim = world.write("victim/file", "precious");
        let target = if is_folder {
            std::fs::remove_dir_all(&place).expect("removes");
            world.path().join("victim")
        } else {
            std::fs::remove_file(&place).expect("removes");
            victim.clone()
        };
        symlink(&target, &place).expect("a link");
        let ran = world.run(&["plan", "access.yaml"]).await.fails();
        assert!(ran.errors.contains("it is a link"), "{name}: {}", ran.whole());
        if !is_folder {
            std::fs::remove_file(&place).expect("removes");
            std::fs::hard_link(&victim, &place).expect("a second name");
            let ran = world.run(&["plan", "access.yaml"]).await.fails();
            assert!(ran.errors.contains("no regular file"), "{name}: {}", ran.whole());
        }
        assert_eq!(std::fs::read_to_string(&victim).expect("reads"), "precious", "{name}");
        assert_eq!(below(&world.path().join("victim")).len(), 2, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_name_of_a_file_is_not_written_to() {
    for name in ["lock", "lock.json", "state.log", "state.json.new"] {
        let world = World::new().await;
        world.write("access.yaml", example());
        std::fs::create_dir_all(world.state()).expect("a folder");
        let victim = world.write("victim", "precious");
        std::fs::set_permissions(&victim, std::fs::Permissions::from_mode(0o644)).expect("sets");
        std::fs::hard_link(&victim, world.state().join(name)).expect("a second name");
        world.run(&APPLY).await.fails();
        assert_eq!(std::fs::read_to_string(&victim).expect("reads"), "precious", "{name}");
        let mode = std::fs::metadata(&victim).expect("is there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o644, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_a_state_that_is_a_link_is_not_followed() {
    let world = World::new().await;
    world.write("access.yaml", example());
    std::fs::create_dir(world.path().join("victim")).expect("a folder");
    for place in [world.path().join("state"), world.state()] {
        let _ = std::fs::remove_dir_all(world.path().join("state"));
        std::fs::create_dir_all(place.parent().expect("a folder")).expect("a folder");
        symlink(world.path().join("victim"), &place).expect("a link");
        let ran = world.run(&APPLY).await.fails();
        assert!(ran.errors.contains("it is a link"), "{}", ran.whole());
        assert_eq!(below(&world.path().join("victim")).len(), 1, "{}", place.display());
        std::fs::remove_file(&place).expect("removes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_user_is_refused() {
    let world = World::new().await;
    world.write("access.yaml", example());
    world.run(&APPLY).await.succeeds();
    let log = world.state().join("state.log");
    // Only root can give files away.
    if std::os::unix::fs::chown(&log, Some(12_345), None).is_err() {
        return;
    }
    let ran = world.run(&APPLY).await.fails();
    assert!(ran.errors.contains("belongs to another user (number 12345)"), "{}", ran.whole());
    assert!(ran.errors.contains("chown"), "{}", ran.whole());
    assert_eq!(std::fs::metadata(&log).expect("is there").uid(), 12_345);
    // The folder around it may be somebody's whose checkout this is.
    std::os::unix::fs::chown(&log, Some(0), None).expect("gives it back");
    std::os::unix::fs::chown(world.path().join("state"), Some(12_345), None).expect("gives it");
    world.run(&APPLY).await.succeeds();
}
