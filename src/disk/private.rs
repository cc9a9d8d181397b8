//! Opening, each way, a file that nobody else may have laid there.

use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::Permissions;
use std::io::Read as _;
use std::io::Write as _;
use std::path::Path;

/// Why something that is there is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A link, which may lead anywhere.
    #[error("it is a link, and none is followed here")]
    Link,
    /// A folder, a device or a pipe.
    #[error("it is no regular file")]
    NotRegular,
    /// A file of this user's.
    #[error("it belongs to another user (number {0}), and this run is of user {1}")]
    OtherOwner(u32, u32),
}

impl From<Refused> for std::io::Error {
    fn from(refused: Refused) -> Self {
        Self::other(refused)
    }
}

/// Opens a file for reading.
///
/// # Errors
/// When it can't be, or is refused.
pub fn open(path: &Path) -> std::io::Result<File> {
    checked(path, OpenOptions::new().read(true))
}

/// Opens a file that must be there for writing, without touching it.
///
/// # Errors
/// When it can't be, or is refused.
pub fn look(path: &Path) -> std::io::Result<File> {
    checked(path, OpenOptions::new().write(true))
}

/// Opens a file for reading and adding to it; makes it where there is none.
///
/// # Errors
/// When it can't be, or is refused.
pub fn append(path: &Path) -> std::io::Result<File> {
    let file = checked(path, OpenOptions::new().create(true).read(true).append(true))?;
    has_one_name(&file)?;
    owner_alone(&file)?;
    Ok(file)
}

/// Opens a file for writing, empty.
///
/// # Errors
/// When it can't be, or is refused.
pub fn create(path: &Path) -> std::io::Result<File> {
    // Emptied only once it is sure that it is ours.
    let file = checked(path, OpenOptions::new().create(true).truncate(false).write(true))?;
    has_one_name(&file)?;
    owner_alone(&file)?;
    file.set_len(0)?;
    Ok(file)
}

/// Copies a file to a name that nothing has yet.
///
/// # Errors
/// When it can't be, or something has the name.
pub fn copy_to_new(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut source = open(from)?;
    let mut copy = checked(to, OpenOptions::new().create_new(true).write(true))?;
    std::io::copy(&mut source, &mut copy)?;
    copy.sync_all()
}

/// A second name of a file may be anywhere: what is written here would be written there.
fn has_one_name(file: &File) -> std::io::Result<()> {
    if names_of(&file.metadata()?) == 1 { Ok(()) } else { Err(Refused::NotRegular.into()) }
}

/// Reads a file whole.
///
/// # Errors
/// When it can't be, or is refused.
pub fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Makes a folder, and those that it needs, for their owner alone. One that is there
/// keeps its rights.
///
/// # Errors
/// When it can't be made, is a link, or is another user's.
pub fn folder(path: &Path) -> std::io::Result<()> {
    outer_folder(path)?;
    is_ours(&std::fs::symlink_metadata(path)?)
}

/// The same for a folder that only holds such folders: it may be another user's, as where
/// a container runs in somebody's checkout.
///
/// # Errors
/// When it can't be made, or is a link.
pub fn outer_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)?;
    refuse_link(path)
}

/// Refuses a folder that is a link; one that is not there is well.
///
/// # Errors
/// When it is one.
pub fn refuse_link(path: &Path) -> std::io::Result<()> {
    let is_link = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    if is_link { Err(Refused::Link.into()) } else { Ok(()) }
}

/// Refuses a folder in which something is no file or folder of this user's own: for who
/// opens files in it by itself. One that is not there is well.
///
/// # Errors
/// What is found first.
pub fn check_folder(path: &Path) -> std::io::Result<()> {
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if found.is_symlink() {
        return Err(Refused::Link.into());
    }
    is_ours(&found)?;
    if found.is_dir() {
        for entry in std::fs::read_dir(path)? {
            check_folder(&entry?.path())?;
        }
        return Ok(());
    }
    // A second name of a file may be anywhere.
    if found.is_file() && names_of(&found) == 1 { Ok(()) } else { Err(Refused::NotRegular.into()) }
}

#[cfg(unix)]
fn names_of(found: &std::fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    found.nlink()
}

#[cfg(not(unix))]
fn names_of(_: &std::fs::Metadata) -> u64 {
    1
}

/// Takes a folder and all that is in it away from everybody but its owner; links are
/// left alone. What can't be changed is somebody else's already.
pub fn tighten(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let Ok(found) = std::fs::symlink_metadata(path) else { return };
        let rights = if found.is_dir() { 0o700 } else { 0o600 };
        let is_wider = found.permissions().mode() & 0o077 != 0;
        if is_wider && (found.is_dir() || (found.is_file() && names_of(&found) == 1)) {
            let _ = std::fs::set_permissions(path, Permissions::from_mode(rights));
        }
        if found.is_dir() {
            for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
                tighten(&entry.path());
            }
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// Writes a file whole or not at all, for its owner alone.
///
/// # Errors
/// When it can't be written; what was there is left as it was.
pub fn replace(path: &Path, text: &[u8]) -> std::io::Result<()> {
    put(path, text, None)
}

/// Writes a file that is there whole or not at all, with the rights that it has.
///
/// # Errors
/// When it may not be written or can't be; it is left as it was then.
pub fn rewrite(path: &Path, text: &[u8]) -> std::io::Result<()> {
    // A link stays one: what it points at is written.
    let path = path.canonicalize()?;
    OpenOptions::new().write(true).open(&path)?;
    put(&path, text, Some(std::fs::metadata(&path)?.permissions()))
}

fn put(path: &Path, text: &[u8], rights: Option<Permissions>) -> std::io::Result<()> {
    // A name of its own, so that nothing of somebody else's is written over.
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let beside = Path::new(&beside);
    let mut file = checked(beside, OpenOptions::new().create_new(true).write(true))?;
    let written = file
        .write_all(text)
        .and_then(|()| file.sync_all())
        .and_then(|()| rights.map_or(Ok(()), |rights| std::fs::set_permissions(beside, rights)))
        .and_then(|()| std::fs::rename(beside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(beside);
    }
    written
}

#[cfg(unix)]
fn checked(path: &Path, options: &mut OpenOptions) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;

    // A pipe would wait for somebody at its other end.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.mode(0o600).custom_flags(flags.bits().cast_signed());
    let file = options.open(path).map_err(|error| {
        let is_link = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
        if is_link { Refused::Link.into() } else { error }
    })?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(Refused::NotRegular.into());
    }
    is_ours(&found)?;
    Ok(file)
}

#[cfg(unix)]
fn is_ours(found: &std::fs::Metadata) -> std::io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let ours = rustix::process::geteuid().as_raw();
    if found.uid() == ours {
        return Ok(());
    }
    Err(Refused::OtherOwner(found.uid(), ours).into())
}

#[cfg(not(unix))]
fn is_ours(_: &std::fs::Metadata) -> std::io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn checked(path: &Path, options: &mut OpenOptions) -> std::io::Result<File> {
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(Refused::NotRegular.into());
    }
    Ok(file)
}

/// A file that was there keeps its rights otherwise.
fn owner_alone(file: &File) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::fs::symlink;

    use super::Refused;

    fn mode(path: &std::path::Path) -> u32 {
        std::fs::metadata(path).expect("is there").permissions().mode() & 0o777
    }

    #[test]
    fn nothing_that_somebody_laid_there_is_followed_waited_for_or_written() {
        let place = tempfile::tempdir().expect("a folder");
        let at = |name: &str| place.path().join(name);
        std::fs::write(at("other"), "theirs").expect("writes");
        symlink(at("other"), at("link")).expect("a link");
        symlink(at("absent"), at("dangling")).expect("a link");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            at("fifo"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .expect("a pipe");
        std::fs::create_dir(at("folder")).expect("a folder");
        for (name, why) in [
            ("link", Some(Refused::Link)),
            ("dangling", Some(Refused::Link)),
            ("fifo", Some(Refused::NotRegular)),
            ("folder", None),
            ("/dev/null", Some(Refused::NotRegular)),
        ] {
            let results = [super::open, super::append, super::create].map(|open| open(&at(name)));
            for error in results.into_iter().filter_map(Result::err) {
                let told = error.get_ref().and_then(|error| error.downcast_ref::<Refused>());
                let is_busy = name == "fifo" && told.is_none();
                assert!(is_busy || why.is_none() || told == why.as_ref(), "{name}: {error}");
            }
            assert!(super::append(&at(name)).is_err(), "{name}");
            assert!(super::create(&at(name)).is_err(), "{name}");
        }
        assert_eq!(std::fs::read_to_string(at("other")).expect("reads"), "theirs");
        assert!(!at("absent").exists());
    }

    #[test]
    fn what_is_made_is_for_its_owner_alone() {
        let place = tempfile::tempdir().expect("a folder");
        let at = |name: &str| place.path().join(name);
        super::folder(&at("a/b")).expect("a folder");
        super::create(&at("a/made")).expect("a file");
        std::fs::write(at("a/old"), "x").expect("writes");
        std::fs::set_permissions(at("a/old"), std::fs::Permissions::from_mode(0o644))
            .expect("sets");
        super::append(&at("a/old")).expect("a file");
        super::replace(&at("a/whole"), b"x").expect("a file");
        assert_eq!([mode(&at("a")), mode(&at("a/b"))], [0o700; 2]);
        assert_eq!(["made", "old", "whole"].map(|name| mode(&at("a").join(name))), [0o600; 3]);
        std::fs::write(at("a/b/wide"), "x").expect("writes");
        std::fs::set_permissions(at("a/b"), std::fs::Permissions::from_mode(0o755)).expect("sets");
        super::tighten(&at("a"));
        assert_eq!([mode(&at("a/b")), mode(&at("a/b/wide"))], [0o700, 0o600]);
    }
}
