//! Which files may be read: those in the folders that were named on the command line, and
//! nothing that a file or a link in them points to outside.
//!
//! The files may be anybody's, as those of a pull request are, and what is read of one
//! shows in messages. Imports nothing of the crate.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;

/// The largest file that is read.
pub const LARGEST: u64 = 64 * 1024 * 1024;

/// Why a file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// It is not there, or not readable.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is nothing to read.
    #[error("{place}: no YAML file here")]
    Nothing {
        /// Where was looked.
        place: PathBuf,
    },
    /// It is too large.
    #[error(
        "{path}: the file has more than {LARGEST} bytes, and no more are read; cut it into several"
    )]
    TooLarge {
        /// Which one.
        path: PathBuf,
    },
    /// It is in none of the folders that may be read.
    #[error("{path}: the file, or what it links to, is outside of the folder of the files")]
    OutOfReach {
        /// Which one.
        path: PathBuf,
    },
    /// It is a folder, a device or a pipe.
    #[error("{path}: this is no regular file")]
    NotRegular {
        /// Which one.
        path: PathBuf,
    },
    /// It is not text.
    #[error(
        "{path}: the file is not UTF-8: byte {byte} (line {line}) begins no character; save it as UTF-8"
    )]
    NotUtf8 {
        /// Which one.
        path: PathBuf,
        /// Where, counted from 0.
        byte: usize,
        /// On which line, counted from 1.
        line: usize,
    },
}

/// The folder from which files are named, and those below which they may be read.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    here: PathBuf,
    /// With all links resolved.
    folders: Vec<PathBuf>,
}

/// Whether a folder on the way that a path names is a link out of the folder that it is
/// in: it was named by who runs this, and made by anybody. Of an absolute path that is
/// asked of its last folder alone.
fn leads_away(here: &Path, path: &Path) -> bool {
    // Without an end such as `/` or `/.`, behind which a link is its target.
    let path: PathBuf = path.components().collect();
    let path = path.strip_prefix(here).unwrap_or(&path);
    let whole = here.join(path);
    let folders: Vec<&Path> = if path.is_absolute() {
        vec![whole.as_path()]
    } else {
        whole.ancestors().take(path.components().count()).collect()
    };
    folders.into_iter().any(|place| {
        let is_link = std::fs::symlink_metadata(place).is_ok_and(|found| found.is_symlink());
        let inside = || {
            let parent = place.parent()?.canonicalize().ok()?;
            Some(place.canonicalize().ok()?.starts_with(parent))
        };
        is_link && inside() != Some(true)
    })
}

impl Reach {
    /// The folders that `paths` name or in which they are (`here`, where there are none),
    /// and those that were allowed besides.
    pub fn new(here: &Path, paths: &[PathBuf], allowed: &[PathBuf]) -> Self {
        let own = paths.iter().filter(|path| !leads_away(here, path)).map(|path| {
            let whole = here.join(path);
            if whole.is_dir() { whole } else { whole.parent().map(Path::to_owned).unwrap_or(whole) }
        });
        let here_alone = paths.is_empty().then(|| here.to_owned());
        let allowed = allowed.iter().map(|folder| here.join(folder));
        let folders = own.chain(here_alone).chain(allowed);
        let mut folders: Vec<PathBuf> =
            folders.filter_map(|folder| folder.canonicalize().ok()).collect();
        folders.sort();
        folders.dedup();
        Self { here: here.to_owned(), folders }
    }

    /// The folder from which files are named.
    pub fn here(&self) -> &Path {
        &self.here
    }

    /// The bytes of a regular file within reach.
    ///
    /// # Errors
    /// When it is out of reach, no regular file, too large, or can't be read.
    pub fn read(&self, name: &Path) -> Result<Vec<u8>, FilesError> {
        let path = || name.to_owned();
        let unreadable = |source| FilesError::Unreadable { path: path(), source };
        let found = self.here.join(name).canonicalize().map_err(unreadable)?;
        if !self.folders.iter().any(|folder| found.starts_with(folder)) {
            return Err(FilesError::OutOfReach { path: path() });
        }
        // Looked at before it is opened: opening a pipe waits for who writes into it.
        let check = |seen: std::io::Result<std::fs::Metadata>| match seen.map_err(unreadable)? {
            seen if !seen.is_file() => Err(FilesError::NotRegular { path: path() }),
            seen if seen.len() > LARGEST => Err(FilesError::TooLarge { path: path() }),
            _ => Ok(()),
        };
        check(std::fs::metadata(&found))?;
        let file = File::open(&found).map_err(unreadable)?;
        check(file.metadata())?;
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > LARGEST {
            return Err(FilesError::TooLarge { path: path() });
        }
        Ok(bytes)
    }
}
