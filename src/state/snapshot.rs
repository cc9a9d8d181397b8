//! The state as people read, compare and back it up: `state.json`, a whole
//! copy, and `state.log`, what changed since. With the two, a damaged sled
//! loses nothing.
//!
//! A commit appends one line, so that its cost does not grow with the state;
//! the copy is rewritten only when the log has outgrown it.

use std::collections::BTreeMap;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::BufReader;
use std::io::BufWriter;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use super::entries::RecordChange;
use super::error::StateError;
use crate::model::Address;
use crate::model::Record;

/// The format version of both files.
pub const FORMAT_VERSION: u64 = 1;
/// The log may be this long before it is compared with the copy.
const LOG_FLOOR: u64 = 64 * 1024;
/// As much of a file's start or end as is looked at for a serial.
const ENDS: u64 = 4 * 1024 * 1024;

#[derive(Debug, Serialize, Deserialize)]
struct Base {
    format_version: u64,
    org_id: String,
    lineage: String,
    serial: u64,
    resources: BTreeMap<Address, Record>,
}

#[derive(Debug, Deserialize)]
struct Line {
    serial: u64,
    #[serde(default)]
    set: BTreeMap<Address, Record>,
    #[serde(default)]
    forget: Vec<Address>,
}

/// A line as it is written.
#[derive(Serialize)]
struct Written<'a> {
    serial: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    set: BTreeMap<&'a Address, &'a Record>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    forget: Vec<&'a Address>,
}

/// What the files hold together.
#[derive(Debug)]
pub struct Contents {
    /// Tells states of one org apart that began anew.
    pub lineage: String,
    /// Counts commits.
    pub serial: u64,
    /// All records.
    pub resources: BTreeMap<Address, Record>,
}

/// The two files of a folder.
#[derive(Debug)]
pub struct Snapshot {
    base: PathBuf,
    path: PathBuf,
    log: Option<File>,
    log_bytes: u64,
}

impl Snapshot {
    /// The files of a folder; nothing is read yet.
    pub fn of(folder: &Path) -> Self {
        Self {
            base: folder.join("state.json"),
            path: folder.join("state.log"),
            log: None,
            log_bytes: 0,
        }
    }

    /// Reads both files; `None` when there is no copy yet.
    ///
    /// # Errors
    /// When the copy is newer, another org's, or no state. A torn last line of
    /// the log is what a power failure leaves, and is left out.
    pub fn read(&self, org_id: &str) -> Result<Option<Contents>, StateError> {
        let file = match File::open(&self.base) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StateError::Io { path: self.base.clone(), source }),
        };
        let base: Base = serde_json::from_reader(BufReader::new(file))
            .map_err(|error| StateError::damaged(&self.base, error))?;
        if base.format_version > FORMAT_VERSION {
            return Err(StateError::Newer {
                path: self.base.clone(),
                found: base.format_version,
                known: FORMAT_VERSION,
            });
        }
        if base.org_id != org_id {
            return Err(StateError::OtherOrg {
                path: self.base.clone(),
                found: base.org_id,
                wanted: org_id.to_owned(),
            });
        }
        let mut contents =
            Contents { lineage: base.lineage, serial: base.serial, resources: base.resources };
        let log = match std::fs::read(&self.path) {
            Ok(log) => log,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Some(contents));
            }
            Err(source) => return Err(StateError::Io { path: self.path.clone(), source }),
        };
        // A line that is none was torn by a failure; those after it are whole.
        for line in log.split(|byte| *byte == b'\n') {
            let Ok(line) = serde_json::from_slice::<Line>(line) else { continue };
            if line.serial <= contents.serial {
                continue;
            }
            contents.serial = line.serial;
            for address in line.forget {
                contents.resources.remove(&address);
            }
            contents.resources.extend(line.set);
        }
        Ok(Some(contents))
    }

    /// The serial of the last commit that the two files hold, without reading
    /// them whole; `None` when there is no copy.
    pub fn last_serial(&self) -> Option<u64> {
        let read = |path: &Path, from_end: bool| -> Option<Vec<u8>> {
            let mut file = File::open(path).ok()?;
            let length = file.metadata().ok()?.len();
            let start = if from_end { length.saturating_sub(ENDS) } else { 0 };
            file.seek(SeekFrom::Start(start)).ok()?;
            let mut part = Vec::new();
            file.take(ENDS).read_to_end(&mut part).ok()?;
            Some(part)
        };
        let number_after = |text: &[u8], key: &[u8]| -> Option<u64> {
            let at = text.windows(key.len()).position(|window| window == key)? + key.len();
            let digits: Vec<u8> = text[at..]
                .iter()
                .copied()
                .skip_while(|byte| *byte == b' ')
                .take_while(u8::is_ascii_digit)
                .collect();
            std::str::from_utf8(&digits).ok()?.parse().ok()
        };
        let base = number_after(&read(&self.base, false)?, b"\"serial\":")?;
        let log = read(&self.path, true).unwrap_or_default();
        let last = log
            .split(|byte| *byte == b'\n')
            .filter(|line| line.starts_with(b"{\"serial\":"))
            .filter_map(|line| number_after(line, b"\"serial\":"))
            .max();
        Some(last.unwrap_or(0).max(base))
    }

    /// Appends one commit. It is on disk after [`Snapshot::sync`].
    ///
    /// # Errors
    /// When the log can't be written.
    pub fn append<'a>(
        &mut self,
        serial: u64,
        changes: impl Iterator<Item = &'a RecordChange>,
    ) -> Result<(), StateError> {
        let (mut set, mut forget) = (BTreeMap::new(), Vec::new());
        for change in changes {
            match change {
                RecordChange::Put(address, record) => {
                    set.insert(address, record);
                }
                RecordChange::Forget(address) => {
                    set.remove(address);
                    forget.push(address);
                }
            }
        }
        let log = match &mut self.log {
            Some(log) => log,
            None => {
                let file = OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(&self.path)
                    .map_err(StateError::io(&self.path))?;
                self.log_bytes = file.metadata().map_err(StateError::io(&self.path))?.len();
                let log = self.log.insert(file);
                if self.log_bytes > 0 {
                    // The last line may be torn: what comes next begins anew.
                    log.write_all(b"\n").map_err(StateError::io(&self.path))?;
                    self.log_bytes += 1;
                }
                log
            }
        };
        let mut line = serde_json::to_vec(&Written { serial, set, forget })
            .map_err(|error| StateError::damaged(&self.path, error))?;
        line.push(b'\n');
        log.write_all(&line).map_err(StateError::io(&self.path))?;
        self.log_bytes += line.len() as u64;
        Ok(())
    }

    /// Makes what was appended durable, and tells whether the log has outgrown
    /// the copy, or there is no copy yet.
    ///
    /// # Errors
    /// When the log can't be synced.
    pub fn sync(&mut self) -> Result<bool, StateError> {
        let Some(log) = &self.log else { return Ok(false) };
        log.sync_data().map_err(StateError::io(&self.path))?;
        let base = std::fs::metadata(&self.base).map(|base| base.len()).ok();
        Ok(base.is_none_or(|base| self.log_bytes > LOG_FLOOR.max(base)))
    }

    /// Rewrites the copy and empties the log: at no moment is there less than
    /// one whole state on disk.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn rewrite(
        &mut self,
        org_id: &str,
        lineage: &str,
        serial: u64,
        records: impl Iterator<Item = Result<(Address, Record), StateError>>,
    ) -> Result<(), StateError> {
        let temporary = self.base.with_extension("json.new");
        let failed = |path: &Path| StateError::io(path);
        let file = File::create(&temporary).map_err(failed(&temporary))?;
        let mut writer = BufWriter::new(file);
        let text = |value: &str| serde_json::to_string(value).unwrap_or_default();
        write!(
            writer,
            "{{\n  \"format_version\": {FORMAT_VERSION},\n  \"org_id\": {},\n  \"lineage\": {},\n  \"serial\": {serial},\n  \"resources\": {{",
            text(org_id),
            text(lineage),
        )
        .map_err(failed(&temporary))?;
        let mut separator = "\n";
        for record in records {
            let (address, record) = record?;
            let record = serde_json::to_string(&record)
                .map_err(|error| StateError::damaged(&temporary, error))?;
            write!(writer, "{separator}    {}: {record}", text(&address.to_string()))
                .map_err(failed(&temporary))?;
            separator = ",\n";
        }
        write!(writer, "\n  }}\n}}\n").map_err(failed(&temporary))?;
        let file = writer.into_inner().map_err(|error| StateError::Io {
            path: temporary.clone(),
            source: error.into_error(),
        })?;
        file.sync_all().map_err(failed(&temporary))?;
        std::fs::rename(&temporary, &self.base).map_err(failed(&self.base))?;
        sync_folder(&self.base)?;
        // Lines of the log that the copy holds are skipped by their serial, so
        // that a failure between the two steps does no harm.
        self.log = None;
        let log = File::create(&self.path).map_err(failed(&self.path))?;
        log.sync_all().map_err(failed(&self.path))?;
        self.log_bytes = 0;
        Ok(())
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
