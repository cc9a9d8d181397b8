//! Files that only their owner may read: they hold usernames and addresses.

use std::fs::File;
use std::fs::OpenOptions;
use std::fs::Permissions;
use std::io::Write as _;
use std::path::Path;

/// Opens a file for writing, empty. A device or a pipe is written to as it is.
///
/// # Errors
/// When it can't be made or written.
pub fn create(path: &Path) -> std::io::Result<File> {
    open(path, OpenOptions::new().create(true).truncate(true))
}

fn open(path: &Path, options: &mut OpenOptions) -> std::io::Result<File> {
    options.write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let file = options.open(path)?;
    #[cfg(unix)]
    if file.metadata()?.is_file() {
        // A file that was there keeps its rights otherwise.
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Writes a file whole or not at all, for its owner alone.
///
/// # Errors
/// When it can't be written; what was there is left as it was.
pub fn write(path: &Path, text: &str) -> std::io::Result<()> {
    replace(path, text, None)
}

/// Writes a file that is there whole or not at all, with the rights that it has.
///
/// # Errors
/// When it may not be written or can't be; it is left as it was then.
pub fn rewrite(path: &Path, text: &str) -> std::io::Result<()> {
    // A link stays one: what it points at is written.
    let path = path.canonicalize()?;
    OpenOptions::new().write(true).open(&path)?;
    replace(&path, text, Some(std::fs::metadata(&path)?.permissions()))
}

fn replace(path: &Path, text: &str, rights: Option<Permissions>) -> std::io::Result<()> {
    // A name of its own, so that nothing of somebody else's is written over.
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let beside = Path::new(&beside);
    let mut file = open(beside, OpenOptions::new().create_new(true))?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| rights.map_or(Ok(()), |rights| std::fs::set_permissions(beside, rights)))
        .and_then(|()| std::fs::rename(beside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(beside);
    }
    written
}
