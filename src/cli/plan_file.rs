//! Saved plans on disk.

use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;

use super::error::CommandError;
use crate::disk;
use crate::plan::SavedPlan;
use crate::plan::SavedPlanError;

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

/// Keeps a plan.
///
/// # Errors
/// When the file can't be written.
pub fn write(path: &Path, folder: &Path, saved: &SavedPlan) -> Result<(), CommandError> {
    disk::replace(&folder.join(path), saved.encode().as_bytes()).map_err(|error| {
        CommandError::new(format!("the plan can't be kept: {}", disk::told(path, &error)))
            .hint(disk::advice(&error))
    })
}

/// Reads a plan.
///
/// # Errors
/// When the file can't be read, or is no plan that this version can use.
pub fn read(path: &Path, folder: &Path) -> Result<SavedPlan, CommandError> {
    let unreadable = |error: std::io::Error| {
        CommandError::new(format!("`{}` can't be read: {error}", path.display()))
            .hint("Name a file that `orgform plan --out FILE` wrote.")
    };
    let bytes = std::fs::read(folder.join(path)).map_err(unreadable)?;
    let text = String::from_utf8_lossy(&bytes);
    SavedPlan::decode(&text).map_err(|error| {
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
