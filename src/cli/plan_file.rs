//! Saved plans on disk.

use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;

use super::environment::Environment;
use super::error::CommandError;
use crate::disk;
use crate::plan::ContentDigest;
use crate::plan::PlanKey;
use crate::plan::SavedPlan;
use crate::plan::SavedPlanError;
use crate::plan::SealedPlan;
use crate::state::Store;

/// More bytes than a plan of a million changes has.
const LARGEST: u64 = 4 << 30;
/// As much of a file as tells what it is.
const BEGINNING: u64 = 64;

/// The saved plan among the paths of a command, if there is one.
///
/// # Errors
/// When it stands beside other paths.
pub fn among<'a>(paths: &'a [PathBuf], folder: &Path) -> Result<Option<&'a Path>, CommandError> {
    let Some(found) = paths.iter().find(|path| is_one(&folder.join(path))) else {
        return Ok(None);
    };
    if paths.len() > 1 {
        return Err(CommandError::new(format!(
            "`{}` is a saved plan, and stands beside other paths",
            found.display()
        ))
        .hint("A saved plan is applied alone: `orgform apply FILE`."));
    }
    Ok(Some(found))
}

/// Refuses a saved plan where YAML is read.
///
/// # Errors
/// When one is among the paths.
pub fn refuse(paths: &[PathBuf], folder: &Path) -> Result<(), CommandError> {
    match paths.iter().find(|path| is_one(&folder.join(path))) {
        None => Ok(()),
        Some(found) => Err(CommandError::new(format!(
            "`{}` is a saved plan, not a YAML file",
            found.display()
        ))
        .hint("`orgform show FILE` shows it, `orgform apply FILE` does it.")),
    }
}

fn is_one(path: &Path) -> bool {
    let mut beginning = Vec::new();
    path.is_file()
        && std::fs::File::open(path)
            .and_then(|file| file.take(BEGINNING).read_to_end(&mut beginning))
            .is_ok()
        && SavedPlan::is_one(&beginning)
}

/// Refuses a place that holds something else than a saved plan, before any
/// work is done for it.
///
/// # Errors
/// When a file of another sort would be written over.
pub fn check_place(path: &Path, folder: &Path) -> Result<(), CommandError> {
    let whole = folder.join(path);
    let parent = whole.parent().filter(|parent| !parent.is_dir());
    if parent.is_some() || whole.is_dir() {
        return Err(CommandError::new(format!("`{}` can't be written there", path.display()))
            .hint("--out names a file in a folder that is there."));
    }
    if whole.exists() && !is_one(&whole) {
        return Err(CommandError::new(format!(
            "`{}` is there already and is no saved plan, so that it is not written over",
            path.display()
        ))
        .hint("Give --out another name."));
    }
    Ok(())
}

/// Keeps a plan, sealed by the key of its state; its digest.
///
/// # Errors
/// When the file can't be written.
pub fn write(
    path: &Path,
    folder: &Path,
    saved: &SavedPlan,
    key: &PlanKey,
) -> Result<ContentDigest, CommandError> {
    let (text, digest) = saved.encode(key);
    disk::replace(&folder.join(path), text.as_bytes()).map_err(|error| {
        CommandError::new(format!("the plan can't be kept: {}", disk::describe(path, &error)))
            .hint(disk::advice(&error))
    })?;
    Ok(digest)
}

/// The key by which a state knows its plans; made where there is none yet. Where nothing
/// can be kept, one for this plan alone: it is known by its digest then.
///
/// # Errors
/// When it can't be read or kept.
pub fn key(environment: &Environment, store: &Store) -> Result<PlanKey, CommandError> {
    if let Some(key) = store.plan_key()? {
        return Ok(PlanKey::new(key));
    }
    let mut key = [0; 32];
    for part in key.chunks_mut(8) {
        part.copy_from_slice(&(environment.entropy)().to_le_bytes());
    }
    if !store.is_only_read() {
        store.keep_plan_key(&key)?;
    }
    Ok(PlanKey::new(key))
}

/// Reads a plan.
///
/// # Errors
/// When the file can't be read, or is no plan that this version can use.
pub fn read(path: &Path, folder: &Path) -> Result<SealedPlan, CommandError> {
    let unreadable = |error: std::io::Error| {
        CommandError::new(format!("`{}` can't be read: {error}", path.display()))
            .hint("Name a file that `orgform plan --out FILE` wrote.")
    };
    let whole = folder.join(path);
    if !std::fs::metadata(&whole).map_err(unreadable)?.is_file() {
        return Err(unreadable(std::io::Error::other("it is no regular file")));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(whole).map_err(unreadable)?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(unreadable(std::io::Error::other("it is larger than any plan")));
    }
    let text = String::from_utf8_lossy(&bytes);
    SealedPlan::decode(&text).map_err(|error| {
        let failed = CommandError::new(format!("`{}`: {error}", path.display()));
        failed.hint(match error {
            SavedPlanError::NotAPlan => "Name a file that `orgform plan --out FILE` wrote.",
            SavedPlanError::Newer { .. } => {
                "Use that version of orgform or a later one, or plan again with this one."
            }
            SavedPlanError::Older { .. } => {
                "Plan again with `orgform plan --out FILE`, and review that."
            }
            SavedPlanError::Damaged(_) => "Plan again: a plan is only applied as it was written.",
        })
    })
}
