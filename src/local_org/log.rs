//! The log on disk: lines that are only added, each whole or not at all.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

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

impl Log {
    /// Adds a line, which is on disk when this returns. Where that fails, the file
    /// ends as it ended before, so that later lines don't come after a torn one.
    ///
    /// # Errors
    /// When it can't be written, or an earlier failure could not be taken back.
    pub fn write(&mut self, line: &[u8]) -> std::io::Result<()> {
        if self.is_broken {
            return Err(std::io::Error::other("an earlier write could not be taken back"));
        }
        let written = self.file.write_all(line).and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => self.length += line.len() as u64,
            Err(_) => self.is_broken = self.file.set_len(self.length).is_err(),
        }
        written
    }
}
