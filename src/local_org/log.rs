//! The log on disk: lines that are only added, each whole or not at all, and each with its
//! number and a checksum, so that what was acknowledged is known from what is damaged or
//! missing.
//!
//! A line that can't be read is left out and told, the file is set aside as it is, and the
//! lines behind it count all the same.

use crate::text::words::counted;
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
    /// The number of its last line.
    pub last: u64,
    /// A write failed and could not be taken back: nothing is written any more.
    pub is_broken: bool,
    /// Whether it lets another have the file.
    is_ended: bool,
}

/// What of a log could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// How many lines are missing or none.
    pub lines: u64,
    /// How many could be read.
    pub read: u64,
    /// Where the file is kept as it was.
    pub kept: PathBuf,
    /// Whether it is the file's last line alone, which has no end: a write that was cut off.
    pub is_torn_end: bool,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lines, read, kept, .. } = self;
        let lines = counted(*lines, "line");
        write!(
            f,
            "{lines} of the local org's data can't be read or is missing; {read} could be read. The file is kept as {}.",
            kept.display()
        )
    }
}

/// No more lines than this can be missing in one place.
const FARTHEST: u64 = 1 << 32;
/// Bytes of a checksum, in hexadecimal, in front of a line.
const CHECKSUM: usize = 16;

fn checksum(number: u64, line: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&number.to_le_bytes()).update(line);
    hasher.finalize().to_hex().as_str()[..CHECKSUM].to_owned()
}

/// A line as it stands in the file.
pub fn numbered(number: u64, line: &[u8]) -> Vec<u8> {
    let mut whole = format!("{number} {} ", checksum(number, line)).into_bytes();
    whole.extend_from_slice(line);
    whole.push(b'\n');
    whole
}

/// What a line of the file says, with its number; `None` for one that is damaged. Earlier
/// versions wrote lists and nothing else.
fn said(line: &[u8]) -> Option<(Option<u64>, &[u8])> {
    if line.starts_with(b"[") {
        return Some((None, line));
    }
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    let number = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
    let (held, rest) = (parts.next()?, parts.next()?);
    (checksum(number, rest).as_bytes() == held).then_some((Some(number), rest))
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
    ) -> std::io::Result<(Self, Option<Damage>, u64)> {
        let mut file = disk::append(path)?;
        hold(&file)?;
        let (mut read, mut bad, mut last, mut length) = (0, 0, 0, 0);
        let mut lines = BufReader::new(&file);
        let mut line = Vec::new();
        let (mut is_ended, mut damaged, mut is_numbered) = (true, 0, false);
        loop {
            line.clear();
            let bytes = lines.read_until(b'\n', &mut line)?;
            if bytes == 0 {
                break;
            }
            length += bytes as u64;
            is_ended = line.pop_if(|last| *last == b'\n').is_some();
            if line.is_empty() {
                continue;
            }
            // Each has the number after the last one's; those that are missing are known
            // by the next. One of an earlier place was put there by somebody.
            let is_next = |number: &Option<u64>| match number {
                Some(number) => *number > last && *number - last < FARTHEST,
                None => !is_numbered,
            };
            match said(&line).filter(|(number, said)| is_next(number) && take(said)) {
                Some((number, _)) => {
                    is_numbered |= number.is_some();
                    let number = number.unwrap_or(last + 1);
                    bad += number - last - 1;
                    last = number;
                    read += 1;
                }
                None => damaged += 1,
            }
        }
        drop(lines);
        let damage = match (bad, damaged) {
            (0, 0) => None,
            (lines, _) => Some(Damage {
                lines: lines.max(1),
                read,
                kept: set_aside(path)?,
                is_torn_end: (bad, damaged, is_ended) == (0, 1, false),
            }),
        };
        if !is_ended && damage.is_none() {
            file.write_all(b"\n")?;
            length += 1;
        }
        let log =
            Self { file, path: path.to_owned(), length, last, is_broken: false, is_ended: false };
        Ok((log, damage, read))
    }

    /// Goes on in a file of so many lines that has just taken the place of this one.
    ///
    /// # Errors
    /// When it can't be opened, or another process holds it.
    pub fn reopened(&self, last: u64) -> std::io::Result<Self> {
        let file = disk::append(&self.path)?;
        hold(&file)?;
        let length = file.metadata()?.len();
        Ok(Self { file, path: self.path.clone(), length, last, is_broken: false, is_ended: false })
    }

    /// Adds a line, which is on disk when this returns. Where that fails, the file
    /// ends as it ended before, so that later lines don't come after a torn one.
    ///
    /// # Errors
    /// When it can't be written, or an earlier failure could not be taken back.
    pub fn write(&mut self, line: &[u8]) -> std::io::Result<()> {
        if self.is_ended {
            return Err(std::io::Error::other("the local org has ended"));
        }
        if self.is_broken {
            return Err(std::io::Error::other("an earlier write could not be taken back"));
        }
        let line = numbered(self.last + 1, line);
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => {
                self.length += line.len() as u64;
                self.last += 1;
            }
            Err(_) => self.is_broken = self.file.set_len(self.length).is_err(),
        }
        written
    }
}

impl Log {
    /// Lets go of the file: another may hold it from here on, and nothing is added to it
    /// by this one.
    pub fn end(&mut self) {
        self.is_ended = true;
        let _ = self.file.unlock();
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
    let kept = (1..u32::MAX)
        .map(name)
        .find(|kept| std::fs::symlink_metadata(kept).is_err())
        .unwrap_or_else(|| name(0));
    disk::copy_to_new(path, &kept)?;
    Ok(kept)
}
