//! Folders of each kept format: each is opened, planned with nothing to do, and
//! destroyed.

use std::path::Path;
use std::path::PathBuf;

use crate::support::World;
use crate::support::copy;

fn folders() -> Vec<PathBuf> {
    let formats = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(formats)
        .expect("the folders")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

fn world_of(folder: &Path, which: &str) -> World {
    let world = World::bare();
    copy(&folder.join(which), world.path());
    world
}

/// The file in which the state of the one org is, by name.
fn state_file(world: &World, name: &str) -> PathBuf {
    let states = std::fs::read_dir(world.path().join("state")).expect("the states");
    let folder = states
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("00D")))
        .expect("a state");
    folder.join(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_format_is_opened_planned_and_destroyed() {
    for folder in folders() {
        let what = folder.display().to_string();
        let world = world_of(&folder, "whole");
        let planned = world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await;
        assert_eq!(planned.code, 0, "{what}: {}", planned.whole());
        let base = std::fs::read_to_string(state_file(&world, "state.json")).expect("the base");
        assert!(base.contains("\"format_version\": 2"), "{what}: {base}");
        let destroyed = world.run(&["destroy", "access.yaml", "--auto-approve"]).await;
        assert_eq!(destroyed.code, 0, "{what}: {}", destroyed.whole());
        assert!(destroyed.output.contains("9 taken away"), "{what}: {}", destroyed.output);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_were_left_open_are_found_and_ours() {
    for folder in folders() {
        let what = folder.display().to_string();
        let world = world_of(&folder, "cut");
        let applied = world.run(&["apply", "access.yaml", "--auto-approve"]).await;
        assert_eq!(applied.code, 0, "{what}: {}", applied.whole());
        assert!(applied.output.contains("it is recorded now"), "{what}: {}", applied.output);
        let destroyed = world.run(&["destroy", "access.yaml", "--auto-approve"]).await;
        assert!(destroyed.output.contains("9 taken away"), "{what}: {}", destroyed.output);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_format_needs_its_cache() {
    for folder in folders() {
        let what = folder.display().to_string();
        let world = world_of(&folder, "whole");
        std::fs::remove_dir_all(state_file(&world, "cache.sled")).expect("the cache");
        let destroyed = world.run(&["destroy", "access.yaml", "--auto-approve"]).await;
        assert_eq!(destroyed.code, 0, "{what}: {}", destroyed.whole());
        assert!(destroyed.output.contains("9 taken away"), "{what}: {}", destroyed.output);
    }
}
