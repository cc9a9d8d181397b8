//! The log on disk: lines that are only added, each whole or not at all, and each with a
//! checksum, so that what was acknowledged is known from what is damaged.
//!
//! A line that can't be read is left out and told, the file is set aside as it is, and the
//! lines behind it count all the same.

use std::fmt;
use std::fs::File;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use crate::disk;

/// A log to which lines are added.
#[derive(Debug)]
pub struct Log {
    /// Its file, open for adding.
    pub file: File,
    /// Where it is.
    pub path: PathBuf,
    /// How much of it was written whole.
    pub length: u64,
    /// A write failed and could not be taken back: nothing is written any more.
    pub is_broken: bool,
}

/// What of a log could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// How many lines are none.
    pub lines: usize,
    /// How many could be read.
    pub read: usize,
    /// Where the file is kept as it was.
    pub kept: PathBuf,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lines, read, kept } = self;
        let lines = if *lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") };
        write!(
            f,
            "{lines} of the local org's data can't be read, and what they say is missing; {read} could be. The file is kept as {}.",
            kept.display()
        )
    }
}

/// Bytes of a checksum, in hexadecimal, in front of a line.
const CHECKSUM: usize = 16;

fn checksum(line: &[u8]) -> String {
    let digest = blake3::hash(line).to_hex();
    digest.as_str()[..CHECKSUM].to_owned()
}

/// A line as it stands in the file.
pub fn with_checksum(line: &[u8]) -> Vec<u8> {
    let mut whole = checksum(line).into_bytes();
    whole.push(b' ');
    whole.extend_from_slice(line);
    whole.push(b'\n');
    whole
}

/// What a line of the file says; `None` for one that is damaged. Earlier versions wrote
/// lists without a checksum.
fn said(line: &[u8]) -> Option<&[u8]> {
    if line.starts_with(b"[") {
        return Some(line);
    }
    let (held, rest) = line.split_at_checked(CHECKSUM)?;
    let rest = rest.strip_prefix(b" ")?;
    (checksum(rest).as_bytes() == held).then_some(rest)
}

impl Log {
    /// Opens a log that nobody else holds and hands out what its lines say; what of it
    /// could not be read, and whether it has no line at all.
    ///
    /// # Errors
    /// When it can't be opened or read, or another process holds it.
    pub fn open(
        path: &Path,
        mut take: impl FnMut(&[u8]) -> bool,
    ) -> std::io::Result<(Self, Option<Damage>, usize)> {
        let mut file = disk::append(path)?;
        hold(&file)?;
        let (mut read, mut bad, mut length) = (0, 0, 0);
        let mut lines = BufReader::new(&file);
        let mut line = Vec::new();
        let mut is_ended = true;
        loop {
            line.clear();
            let bytes = lines.read_until(b'\n', &mut line)?;
            if bytes == 0 {
                break;
            }
            length += bytes as u64;
            is_ended = line.pop_if(|last| *last == b'\n').is_some();
            let is_read = said(&line).is_some_and(&mut take);
            *(if is_read { &mut read } else { &mut bad }) += 1;
        }
        drop(lines);
        let damage = match bad {
            0 => None,
            lines => Some(Damage { lines, read, kept: set_aside(path)? }),
        };
        if !is_ended && damage.is_none() {
            file.write_all(b"\n")?;
            length += 1;
        }
        let log = Self { file, path: path.to_owned(), length, is_broken: false };
        Ok((log, damage, read))
    }

    /// Goes on in a file that has just taken the place of this one.
    ///
    /// # Errors
    /// When it can't be opened, or another process holds it.
    pub fn reopened(&self) -> std::io::Result<Self> {
        let file = disk::append(&self.path)?;
        hold(&file)?;
        let length = file.metadata()?.len();
        Ok(Self { file, path: self.path.clone(), length, is_broken: false })
    }

    /// Adds a line, which is on disk when this returns. Where that fails, the file
    /// ends as it ended before, so that later lines don't come after a torn one.
    ///
    /// # Errors
    /// When it can't be written, or an earlier failure could not be taken back.
    pub fn write(&mut self, line: &[u8]) -> std::io::Result<()> {
        if self.is_broken {
            return Err(std::io::Error::other("an earlier write could not be taken back"));
        }
        let line = with_checksum(line);
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => self.length += line.len() as u64,
            Err(_) => self.is_broken = self.file.set_len(self.length).is_err(),
        }
        written
    }
}

fn hold(file: &File) -> std::io::Result<()> {
    file.try_lock().map_err(|error| match error {
        std::fs::TryLockError::WouldBlock => std::io::Error::new(
            std::io::ErrorKind::WouldBlock,
            "another process is using this local org",
        ),
        std::fs::TryLockError::Error(error) => error,
    })
}

/// Keeps a damaged file under another name, beside the one that goes on.
fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let name = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".damaged-{number}"));
        PathBuf::from(name)
    };
    let kept = (1..u32::MAX).map(name).find(|kept| !kept.exists()).unwrap_or_else(|| name(0));
    if std::fs::hard_link(path, &kept).is_err() {
        std::fs::copy(path, &kept)?;
    }
    Ok(kept)
}
