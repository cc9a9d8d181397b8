//! Which files, and their texts.

use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use super::diagnostic::Found;
use super::diagnostic::Source;
use super::reach::FilesError;
use super::reach::Reach;

/// The files to read, in order, each once.
///
/// # Errors
/// When a folder can't be read, or holds no YAML file.
pub fn find(paths: &[PathBuf], here: &Path) -> Result<Vec<PathBuf>, FilesError> {
    let mut files: Vec<PathBuf> = Vec::new();
    if paths.is_empty() {
        let usual = here.join("orgform.yaml");
        if usual.is_file() {
            return Ok(vec![PathBuf::from("orgform.yaml")]);
        }
        files = in_folder(here)?
            .iter()
            .filter_map(|path| path.file_name().map(PathBuf::from))
            .collect();
    }
    for path in paths {
        let whole = here.join(path);
        if whole.is_dir() {
            let found = in_folder(&whole)?;
            files.extend(
                found.iter().filter_map(|file| file.file_name().map(|name| path.join(name))),
            );
        } else {
            files.push(path.clone());
        }
    }
    let mut seen = std::collections::HashSet::new();
    files.retain(|file| {
        seen.insert(here.join(file).canonicalize().unwrap_or_else(|_| file.clone()))
    });
    Ok(files)
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, FilesError> {
    let unreadable = |source| FilesError::Unreadable { path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_yaml =
            path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        if is_yaml && path.is_file() {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(FilesError::Nothing { place: folder.to_owned() });
    }
    found.sort();
    Ok(found)
}

/// One file's text; its path is as it was named, seen from `here`. A byte
/// order mark is no part of the text.
///
/// # Errors
/// When it is out of reach, can't be read, is too large, or is no text.
pub fn read(reach: &Reach, path: &Path) -> Result<Source, FilesError> {
    let bytes = reach.read(path)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let byte = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..byte].iter().filter(|byte| **byte == b'\n').count() + 1;
        FilesError::NotUtf8 { path: path.to_owned(), byte, line }
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => Source::new(path, rest),
        None => Source::of(path, text),
    })
}

/// Reads and digests files on as many threads as there are cores; the results
/// are in the order of the files.
pub fn read_in_parallel<T: Send>(
    reach: &Reach,
    files: &[PathBuf],
    digest: impl Fn(&Source) -> Result<T, Found> + Sync,
) -> Vec<Result<Result<T, Found>, FilesError>> {
    let one = |path: &PathBuf| read(reach, path).map(|source| digest(&source));
    if let [only] = files {
        return vec![one(only)];
    }
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(files.len());
    let mut numbered: Vec<(usize, _)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut done = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(path) = files.get(number) else { return done };
                        done.push((number, one(path)));
                    }
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    numbered.sort_by_key(|(number, _)| *number);
    numbered.into_iter().map(|(_, result)| result).collect()
}
