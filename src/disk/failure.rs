//! What went wrong with a file, in words: what is full, what is not allowed, where.

use std::io::ErrorKind;
use std::path::Path;

use super::private::Refused;

/// A failure with the place where it happened, as a fragment.
pub fn describe(path: &Path, error: &std::io::Error) -> String {
    let place = path.display();
    match error.kind() {
        ErrorKind::StorageFull => match free(path) {
            Some(free) => format!("the disk is full: {free} are free where {place} is"),
            None => format!("the disk is full where {place} is"),
        },
        ErrorKind::QuotaExceeded => {
            format!("the space that this user may take is used up where {place} is")
        }
        ErrorKind::FileTooLarge => format!("{place} would be larger than a file may be here"),
        ErrorKind::ReadOnlyFilesystem => format!("nothing can be written where {place} is"),
        ErrorKind::PermissionDenied => format!("{place} is not for this user: {error}"),
        _ => format!("{place}: {error}"),
    }
}

/// What to do about it, as a whole sentence. Never to move or delete anything: a state
/// that is elsewhere is one that is lost.
pub fn advice(error: &std::io::Error) -> &'static str {
    let refused = error.get_ref().and_then(|error| error.downcast_ref::<Refused>());
    match refused {
        Some(Refused::OtherOwner(..)) => {
            return "Run as the user whom it belongs to, or let it belong to this one (`chown`).";
        }
        Some(Refused::Link | Refused::NotRegular) => {
            return "Nothing of orgform's is one: find out who put it there.";
        }
        None => {}
    }
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "Make room and run the same command again: what was done is recorded, and nothing was sent that could not be written down first."
        }
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            "Let this user write there, and run the same command again."
        }
        _ => "Look at what is there, and run the same command again.",
    }
}

#[cfg(unix)]
fn free(path: &Path) -> Option<String> {
    let folder = path.ancestors().find(|place| place.is_dir())?;
    let found = rustix::fs::statvfs(folder).ok()?;
    let bytes = found.f_bavail.saturating_mul(found.f_frsize);
    Some(match bytes {
        0..1_048_576 => format!("{} KiB", bytes >> 10),
        1_048_576..1_073_741_824 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    })
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use std::io::Error;
    use std::io::ErrorKind;
    use std::path::Path;

    use super::advice;
    use super::describe;

    #[test]
    fn a_full_disk_is_called_one_with_its_place() {
        let text = describe(Path::new("/tmp/state.log"), &Error::from(ErrorKind::StorageFull));
        assert!(text.starts_with("the disk is full"), "{text}");
        assert!(text.contains("/tmp/state.log"), "{text}");
        for kind in [
            ErrorKind::StorageFull,
            ErrorKind::QuotaExceeded,
            ErrorKind::ReadOnlyFilesystem,
            ErrorKind::PermissionDenied,
            ErrorKind::NotFound,
        ] {
            let error = Error::from(kind);
            assert!(describe(Path::new("/x"), &error).contains("/x"), "{error}");
            for word in ["remove", "delete", "move", "another folder"] {
                assert!(!advice(&error).to_lowercase().contains(word), "{error}");
            }
        }
    }
}
