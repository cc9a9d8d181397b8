//! A state in a folder: `state.json` (the base), `state.log` (entries since), and two
//! backups of both.
//!
//! A crash may come between any two steps. At no moment is there less than one whole
//! state on disk, and entries that the base holds already are skipped by their serial.

use std::fs::File;
use std::io::BufWriter;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use super::backend::Backend;
use super::backend::Doing;
use super::backend::Entries;
use super::backend::Opened;
use super::backend::Records;
use super::backend::Version;
use super::base;
use super::base::Base;
use super::base::FORMAT_VERSION;
use super::base::Header;
use super::base::LAST_SERIAL;
use super::damage::Damage;
use super::damage::DamageKind;
use super::entries::Intent;
use super::error::StateError;
use super::log_line::BadLine;
use super::log_line::Entry;
use crate::disk;

/// The log may be this long before it is compared with the base.
const LOG_FLOOR: u64 = 64 * 1024;
/// As much of the log's end as is looked at first for its last line.
const END: u64 = 64 * 1024;
/// The numbers of the backups, the youngest first.
const BACKUPS: [&str; 2] = ["1", "2"];

/// The files of one state.
#[derive(Debug)]
pub struct Folder {
    base: PathBuf,
    log: PathBuf,
    file: Option<File>,
    log_bytes: u64,
    base_bytes: Option<u64>,
}

impl Folder {
    /// The files of a folder; nothing is read yet.
    pub fn of(folder: &Path) -> Self {
        let (base, log) = (folder.join("state.json"), folder.join("state.log"));
        Self { base, log, file: None, log_bytes: 0, base_bytes: None }
    }

    fn look(&mut self) -> Result<Opened, StateError> {
        let mut opened = Opened::default();
        let mut damages = Vec::new();
        let mut damaged = |file: &Path, what: DamageKind| {
            damages.push(Damage { file: file.to_owned(), what });
        };
        self.log_bytes = length(&self.log)?.unwrap_or(0);
        self.base_bytes = length(&self.base)?;
        match read_beginning(&self.base)? {
            None if self.log_bytes > 0 || self.was_begun() => {
                damaged(&self.base, DamageKind::BaseMissing);
            }
            None => return Ok(opened),
            Some(beginning) => match base::read_header(&beginning) {
                None => damaged(
                    &self.base,
                    DamageKind::BaseUnreadable("it does not begin as a state does".to_owned()),
                ),
                Some(header) => {
                    if header.format_version > FORMAT_VERSION {
                        return Err(StateError::Newer {
                            path: self.base.clone(),
                            found: header.format_version,
                            known: FORMAT_VERSION,
                        });
                    }
                    if header.serial >= LAST_SERIAL {
                        damaged(&self.base, DamageKind::SerialAtEnd(header.serial));
                    }
                    opened.last = header.serial;
                    opened.header = Some(header);
                }
            },
        }
        if let Some(header) = opened.header.as_ref().filter(|header| header.format_version >= 2) {
            match self.last_line(&header.lineage)? {
                LastLine::None => {}
                LastLine::Entry(serial) if serial >= LAST_SERIAL => {
                    damaged(&self.log, DamageKind::SerialAtEnd(serial));
                }
                LastLine::Entry(serial) => opened.last = opened.last.max(serial),
                LastLine::NoneReadable => {
                    // Whoever reads it whole says what is wrong with it.
                    let read = Self::read(&self.log, 0, &header.lineage)?;
                    damages.extend(read.damages);
                    let last = read.entries.last().map_or(0, |entry| entry.serial);
                    opened.last = opened.last.max(last);
                }
            }
        }
        opened.damages = damages;
        Ok(opened)
    }

    /// Whether other files say that a state was begun here.
    fn was_begun(&self) -> bool {
        let beside = |name: &str| self.base.with_file_name(name);
        let cache = beside("cache.sled").join("clean");
        let others = [beside("last.json"), backup_of(&self.base, BACKUPS[0]), cache];
        others.iter().any(|path| path.exists())
    }

    /// The serial of the log's last whole line.
    fn last_line(&self, lineage: &str) -> Result<LastLine, StateError> {
        if self.log_bytes == 0 {
            return Ok(LastLine::None);
        }
        let failed = StateError::io(&self.log);
        let mut end = END;
        let mut file = match disk::open(&self.log) {
            Ok(file) => file,
            Err(error) => return Err(failed(error)),
        };
        loop {
            let start = self.log_bytes.saturating_sub(end);
            let mut part = Vec::new();
            file.seek(SeekFrom::Start(start)).map_err(StateError::io(&self.log))?;
            (&mut file).take(end).read_to_end(&mut part).map_err(StateError::io(&self.log))?;
            let mut lines = part.split(|byte| *byte == b'\n').rev();
            // At most one line is torn: the last.
            let mut torn = 0;
            while let Some(line) = lines.next() {
                let is_cut = lines.clone().next().is_none() && start > 0;
                if line.is_empty() {
                    continue;
                }
                if is_cut {
                    break;
                }
                match Entry::read(line, lineage) {
                    Ok(entry) => return Ok(LastLine::Entry(entry.serial)),
                    Err(BadLine::Format1) => return Ok(LastLine::None),
                    Err(_) => torn += 1,
                }
                if torn > 1 {
                    return Ok(LastLine::NoneReadable);
                }
            }
            if start == 0 {
                // A log that was begun by a write which never became whole.
                return Ok(if torn > 0 { LastLine::NoneReadable } else { LastLine::None });
            }
            end *= 8;
        }
    }

    /// Reads the entries of a log behind a serial, and says what is wrong with it.
    fn read(path: &Path, behind: u64, lineage: &str) -> Result<Entries, StateError> {
        let mut read = Entries::default();
        let bytes = match disk::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(read),
            Err(error) => return Err(StateError::io(path)(error)),
        };
        let mut damaged =
            |what: DamageKind| read.damages.push(Damage { file: path.to_owned(), what });
        let lines: Vec<(usize, &[u8])> = bytes
            .split(|byte| *byte == b'\n')
            .enumerate()
            .filter(|(_, line)| !line.is_empty())
            .collect();
        let mut last: Option<u64> = None;
        let mut is_bad = false;
        for (place, (number, line)) in lines.iter().enumerate() {
            let after = last.unwrap_or(behind);
            match Entry::read(line, lineage) {
                Ok(entry) if entry.serial >= LAST_SERIAL => {
                    damaged(DamageKind::SerialAtEnd(entry.serial));
                }
                // The base holds it already.
                Ok(entry) if entry.serial <= behind => last = Some(entry.serial),
                Ok(entry) => {
                    // What lies behind a bad line is missing by that line.
                    if entry.serial != after.max(behind) + 1 && !is_bad {
                        damaged(DamageKind::Gap { after: after.max(behind), found: entry.serial });
                    }
                    is_bad = false;
                    last = Some(entry.serial);
                    read.entries.push(entry);
                }
                Err(BadLine::Format1) => {}
                // A run syncs each line before the next: only the last may be torn.
                Err(_) if place + 1 == lines.len() => {}
                Err(error) => {
                    let (line, reason) = (number + 1, error.to_string());
                    damaged(DamageKind::BadLine { line, after, reason });
                    is_bad = true;
                }
            }
        }
        Ok(read)
    }

    /// Cuts a torn last line off for good, so that a second one can't come behind it.
    ///
    /// # Errors
    /// When the log can't be written.
    pub fn cut_torn_end(&self, lineage: &str) -> Result<(), StateError> {
        if self.log_bytes == 0 {
            return Ok(());
        }
        let (mut file, _) = open_log(&self.log)?;
        if cut_torn_line(&mut file, &self.log, lineage)? != self.log_bytes {
            file.sync_data().map_err(StateError::io(&self.log))?;
        }
        Ok(())
    }

    fn add(&mut self, entry: &Entry, lineage: &str) -> Result<(), StateError> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let (mut file, is_new) = open_log(&self.log)?;
                let before = file.metadata().map_err(StateError::io(&self.log))?.len();
                self.log_bytes = cut_torn_line(&mut file, &self.log, lineage)?;
                if self.log_bytes != before {
                    // Or else the old end could come back behind the new line.
                    file.sync_data().map_err(StateError::io(&self.log))?;
                }
                if is_new {
                    sync_folder(&self.log)?;
                }
                self.file.insert(file)
            }
        };
        let line = entry.line(lineage);
        let written = file.write_all(&line).and_then(|()| file.sync_data());
        if let Err(error) = written {
            // Half a line is taken back, so that nothing is written behind it.
            let _ = file.set_len(self.log_bytes);
            self.file = None;
            return Err(StateError::io(&self.log)(error));
        }
        self.log_bytes += line.len() as u64;
        Ok(())
    }

    fn rewrite(
        &mut self,
        header: &Header,
        open: &[Intent],
        records: Records<'_>,
    ) -> Result<(), StateError> {
        let temporary = self.write_aside(header, open, records)?;
        self.keep_backups()?;
        self.put_in_place(&temporary)?;
        if self.log.exists() {
            let kept = backup_of(&self.log, BACKUPS[0]);
            std::fs::rename(&self.log, &kept).map_err(StateError::io(&self.log))?;
        }
        self.log_bytes = 0;
        Ok(())
    }

    /// Writes a base beside the one that is there, durably; where it is.
    fn write_aside(
        &mut self,
        header: &Header,
        open: &[Intent],
        records: Records<'_>,
    ) -> Result<PathBuf, StateError> {
        let temporary = self.base.with_extension("json.new");
        let failed = StateError::io(&temporary);
        let file = disk::create(&temporary).map_err(failed)?;
        let mut writer = BufWriter::with_capacity(1 << 16, file);
        let failed = |error| StateError::io(&temporary)(error);
        base::write(&mut writer, header, open, records, failed)?;
        let file = writer.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        self.base_bytes = Some(file.metadata().map_err(failed)?.len());
        Ok(temporary)
    }

    /// Makes a base that was written aside the base, for good: only then may the log go.
    /// Entries that the base holds are skipped by their serial, so that a failure between
    /// the steps does no harm.
    fn put_in_place(&mut self, temporary: &Path) -> Result<(), StateError> {
        std::fs::rename(temporary, &self.base).map_err(StateError::io(&self.base))?;
        self.file = None;
        sync_folder(&self.base)
    }

    /// Puts another base in the place of one that is damaged, of which copies are kept
    /// elsewhere: the backups stay as they are.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn replace(
        &mut self,
        header: &Header,
        open: &[Intent],
        records: Records<'_>,
    ) -> Result<(), StateError> {
        let temporary = self.write_aside(header, open, records)?;
        self.put_in_place(&temporary)?;
        match std::fs::remove_file(&self.log) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StateError::io(&self.log)(error))
            }
            _ => sync_folder(&self.log),
        }
    }

    /// Moves base and log on to the backups; the base stays where it is until a new one
    /// takes its place.
    fn keep_backups(&self) -> Result<(), StateError> {
        if !self.base.exists() {
            return Ok(());
        }
        let [younger, older] = BACKUPS;
        for file in [&self.base, &self.log] {
            let (from, to) = (backup_of(file, younger), backup_of(file, older));
            // A backup whose log is gone would be taken for a whole one.
            let _ = std::fs::remove_file(&to);
            match std::fs::rename(&from, &to) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(StateError::io(&from)(error)),
            }
        }
        let kept = backup_of(&self.base, younger);
        if std::fs::hard_link(&self.base, &kept).is_err() {
            disk::copy_to_new(&self.base, &kept).map_err(StateError::io(&kept))?;
        }
        Ok(())
    }
}

/// What the end of a log shows.
enum LastLine {
    /// There is no line.
    None,
    /// The last whole line has this serial.
    Entry(u64),
    /// More than the last line is none.
    NoneReadable,
}

impl Backend for Folder {
    fn open(&mut self) -> Doing<'_, Opened> {
        Box::pin(async { self.look() })
    }

    fn base(&self) -> Doing<'_, Option<Base>> {
        Box::pin(async { read_base(&self.base) })
    }

    fn read_from<'a>(&'a self, serial: u64, lineage: &'a str) -> Doing<'a, Entries> {
        Box::pin(async move { Self::read(&self.log, serial.saturating_sub(1), lineage) })
    }

    fn append<'a>(&'a mut self, entry: &'a Entry, lineage: &'a str) -> Doing<'a, ()> {
        Box::pin(async move { self.add(entry, lineage) })
    }

    fn has_outgrown(&self) -> bool {
        self.base_bytes.is_none_or(|base| self.log_bytes > LOG_FLOOR.max(base))
    }

    fn compact<'a>(
        &'a mut self,
        header: &'a Header,
        open: &'a [Intent],
        records: Records<'a>,
    ) -> Doing<'a, ()> {
        Box::pin(async move { self.rewrite(header, open, records) })
    }

    fn history(&self) -> Doing<'_, Vec<Version>> {
        Box::pin(async {
            let mut versions = Vec::new();
            for name in BACKUPS {
                if let Ok(Some((base, entries))) = self.kept(name) {
                    let last = entries.entries.last().map_or(base.serial, |entry| entry.serial);
                    let file = backup_of(&self.base, name);
                    let resources = base.resources.len();
                    versions.push(Version { name: name.to_owned(), file, serial: last, resources });
                }
            }
            Ok(versions)
        })
    }

    fn version<'a>(&'a self, name: &'a str) -> Doing<'a, Option<(Base, Entries)>> {
        Box::pin(async move { self.kept(name) })
    }
}

impl Folder {
    fn kept(&self, name: &str) -> Result<Option<(Base, Entries)>, StateError> {
        let Some(base) = read_base(&backup_of(&self.base, name))? else { return Ok(None) };
        let log = backup_of(&self.log, name);
        let entries = if base.format_version < 2 {
            super::format_1::read_log(&log, base.serial)?
        } else {
            Self::read(&log, base.serial, &base.lineage)?
        };
        Ok(Some((base, entries)))
    }
}

fn backup_of(file: &Path, name: &str) -> PathBuf {
    let mut backup = file.as_os_str().to_owned();
    backup.push(".");
    backup.push(name);
    PathBuf::from(backup)
}

fn length(path: &Path) -> Result<Option<u64>, StateError> {
    match disk::open(path).and_then(|file| file.metadata()) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StateError::io(path)(error)),
    }
}

fn read_beginning(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    let file = match disk::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StateError::io(path)(error)),
    };
    let mut beginning = Vec::new();
    file.take(base::HEADER_BYTES as u64)
        .read_to_end(&mut beginning)
        .map_err(StateError::io(path))?;
    Ok(Some(beginning))
}

/// Reads a base whole and holds it against its checksum.
fn read_base(path: &Path) -> Result<Option<Base>, StateError> {
    let bytes = match disk::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StateError::io(path)(error)),
    };
    let damaged = |what: DamageKind| StateError::Damaged {
        diagnosis: Box::new(super::damage::Diagnosis {
            damages: vec![Damage { file: path.to_owned(), what }],
            in_doubt: Vec::new(),
        }),
    };
    let unreadable =
        |error: serde_json::Error| damaged(DamageKind::BaseUnreadable(error.to_string()));
    let base: Base = serde_json::from_slice(&bytes).map_err(unreadable)?;
    if base.format_version > FORMAT_VERSION {
        return Err(StateError::Newer {
            path: path.to_owned(),
            found: base.format_version,
            known: FORMAT_VERSION,
        });
    }
    if !base::is_whole(&bytes) {
        return Err(damaged(DamageKind::BaseChecksum));
    }
    Ok(Some(base))
}

/// Opens the log for appending; whether it was made just now.
fn open_log(path: &Path) -> Result<(File, bool), StateError> {
    let is_new = !path.exists();
    Ok((disk::append(path).map_err(StateError::io(path))?, is_new))
}

/// Cuts a torn last line off, so that no line is written behind half a one; the length
/// that is left.
fn cut_torn_line(file: &mut File, path: &Path, lineage: &str) -> Result<u64, StateError> {
    let length = file.metadata().map_err(StateError::io(path))?.len();
    let mut end = END;
    loop {
        let start = length.saturating_sub(end);
        let mut part = Vec::new();
        file.seek(SeekFrom::Start(start)).map_err(StateError::io(path))?;
        file.take(end).read_to_end(&mut part).map_err(StateError::io(path))?;
        // The last line, with its end where it has one.
        let body = part.strip_suffix(b"\n").unwrap_or(&part);
        let last = body.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if last == 0 && start > 0 {
            end *= 8;
            continue;
        }
        let is_ended = part.len() > body.len();
        if part.is_empty() {
            return Ok(length);
        }
        if Entry::read(&body[last..], lineage).is_ok() {
            if !is_ended {
                // All of it is there but its end.
                file.write_all(b"\n").map_err(StateError::io(path))?;
            }
            return Ok(length + u64::from(!is_ended));
        }
        let kept = start + last as u64;
        file.set_len(kept).map_err(StateError::io(path))?;
        return Ok(kept);
    }
}

/// Makes the entry of a file in its folder durable. Not every system can.
pub fn sync_folder(path: &Path) -> Result<(), StateError> {
    if cfg!(unix)
        && let Some(folder) = path.parent()
    {
        let handle = File::open(folder).map_err(StateError::io(folder))?;
        handle.sync_all().map_err(StateError::io(folder))?;
    }
    Ok(())
}
