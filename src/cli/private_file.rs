//! Files that only their owner may read: they hold usernames and addresses.

use std::fs::File;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

/// Opens a file for writing, empty.
///
/// # Errors
/// When it can't be made or written.
pub fn create(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        // A file that was there keeps its rights otherwise.
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Writes a file whole or not at all.
///
/// # Errors
/// When it can't be written; what was there is left as it was.
pub fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let beside = Path::new(&beside);
    let written = create(beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(beside, path)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(beside);
    }
    written
}
