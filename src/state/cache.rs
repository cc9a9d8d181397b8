//! The cache in front of the log: all records in sled, found by address and read in
//! order without holding them, and what the org offers.
//!
//! It may be deleted at any time, and tells no truth of its own: it holds the state up
//! to one serial, and what came later is read from the log. Nothing in it is synced
//! while a run goes on. So a mark says whether it was closed in peace; without one it is
//! made anew, since sled after a power failure may be anything.

use crate::model::RecordError;
use crate::model::UnixSeconds;
use std::borrow::Cow;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use serde_json::value::RawValue;
use sled::Transactional as _;
use sled::transaction::TransactionError;
use sled::transaction::TransactionResult;

use super::codec;
use super::entries::Intent;
use super::error::StateError;
use super::folder::sync_folder;
use super::format_1;
use super::log_line::Entry;
use super::open::OpenFailure;
use super::open::open_guarded;
use super::split_value::head;
use super::split_value::whole;
use super::split_value::write_value;
use crate::disk;
use crate::model::Address;
use crate::model::Record;
use crate::model::RecordStream;
use crate::model::SalesforceId;
use crate::model::StoredRecord;

/// The format version of the trees.
const FORMAT_VERSION: u64 = 2;
const META: &[u8] = b"meta";
/// Tells the trees apart in the keys of further chunks.
const RECORDS: u8 = b'r';
const CATALOG: u8 = b'c';
const INTENTS: u8 = b'i';
/// Where the open intents stand among the settings.
const OPEN: &[u8] = b"open";
/// So many records are written in one transaction while it is made anew.
const CHUNK: usize = 500;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Meta {
    format_version: u64,
    org_id: String,
    lineage: String,
    serial: u64,
    /// The number of the next intent, as of the last close.
    next_intent: u64,
}

/// What is remembered of an org. The state does not read it: what facts are and say is
/// the business of who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFact {
    /// The fact, as JSON.
    pub fact: String,
    /// Its answer, as JSON.
    pub answer: String,
    /// When it was asked, in seconds since 1970.
    pub at: UnixSeconds,
}

#[derive(Serialize, Deserialize)]
struct KeptFact<'a> {
    at: UnixSeconds,
    #[serde(borrow)]
    api_version: Cow<'a, str>,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// An open cache.
pub struct Cache {
    path: PathBuf,
    db: sled::Db,
    records: sled::Tree,
    chunks: sled::Tree,
    catalog: sled::Tree,
    settings: sled::Tree,
    meta: Option<Meta>,
    /// Whether something was written that is not synced.
    is_dirty: bool,
    /// Whether its serial is further than what is written of it.
    is_behind: bool,
    /// What a cache of format 1 held.
    pub of_format_1: Option<format_1::Cached>,
}

impl Cache {
    /// Opens the cache of a folder. One that can't be read, or was not closed in peace,
    /// is moved out of the way or emptied: it is made anew from the log.
    ///
    /// # Errors
    /// When another process holds it, the disk refuses, or it is of a newer version.
    pub fn open(folder: &Path, org_id: &SalesforceId) -> Result<Self, StateError> {
        let path = folder.join("cache.sled");
        // sled follows whatever it finds there.
        disk::check_folder(&path).map_err(StateError::io(&path))?;
        let refused = |failure| match failure {
            OpenFailure::Held => {
                StateError::Locked { holder: "a process that took no lock".to_owned() }
            }
            OpenFailure::Io(source) => StateError::Io { path: path.clone(), source },
            OpenFailure::Broken(reason) => StateError::unusable(&path, reason),
        };
        let db = match open_guarded(&path) {
            Ok(db) => db,
            Err(OpenFailure::Broken(_)) => {
                remove(&path)?;
                open_guarded(&path).map_err(refused)?
            }
            Err(failure) => return Err(refused(failure)),
        };
        let is_clean = mark_of(&path).exists();
        let mut cache = Self::over(path.clone(), db)?;
        let held = cache.read_meta();
        if let Some(found) = held.as_ref().map(|meta| meta.format_version) {
            if found > FORMAT_VERSION {
                return Err(StateError::Newer { path, found, known: FORMAT_VERSION });
            }
            if found == 1 {
                cache.of_format_1 = format_1::read_cache(&cache.db, org_id.as_str());
            }
        }
        cache.meta = held.filter(|meta| {
            is_clean && meta.format_version == FORMAT_VERSION && meta.org_id == org_id.as_str()
        });
        Ok(cache)
    }

    fn over(path: PathBuf, db: sled::Db) -> Result<Self, StateError> {
        let tree =
            |name: &str| db.open_tree(name).map_err(|error| StateError::of_sled(&path, error));
        Ok(Self {
            records: tree("records")?,
            chunks: tree("parts")?,
            catalog: tree("catalog")?,
            settings: tree("meta")?,
            db,
            path,
            meta: None,
            is_dirty: false,
            is_behind: false,
            of_format_1: None,
        })
    }

    fn read_meta(&self) -> Option<Meta> {
        serde_json::from_slice(&self.settings.get(META).ok()??).ok()
    }

    /// The state's name and the serial up to which it holds it; `None` where it holds
    /// nothing that can be relied on.
    pub fn holds(&self) -> Option<(&str, u64)> {
        self.meta.as_ref().map(|meta| (meta.lineage.as_str(), meta.serial))
    }

    /// The calls that were open when it was closed, and the number of the next intent;
    /// `None` where it can't tell.
    pub fn open_intents(&self) -> Option<(Vec<Intent>, u64)> {
        let meta = self.meta.as_ref()?;
        let value = self.settings.get(OPEN).ok()??;
        let bytes = whole(&self.chunks, INTENTS, OPEN, &value).ok()?;
        Some((serde_json::from_slice(&bytes).ok()?, meta.next_intent))
    }

    /// Makes it anew: it holds these records up to that serial. What the org offers
    /// goes, but for a cache that was sound.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn rebuild<'a>(
        &mut self,
        org_id: &str,
        lineage: &str,
        serial: u64,
        records: impl Iterator<Item = (&'a Address, &'a Record)>,
    ) -> Result<(), StateError> {
        self.touch()?;
        let was_sound = self.meta.is_some();
        let failed = |error: sled::Error| StateError::of_sled(&self.path, error);
        self.records.clear().map_err(failed)?;
        self.settings.clear().map_err(failed)?;
        self.db.drop_tree("journal").map_err(failed)?;
        if !was_sound {
            self.catalog.clear().map_err(failed)?;
            self.chunks.clear().map_err(failed)?;
        }
        let mut some = Vec::with_capacity(CHUNK);
        for (address, record) in records {
            some.push((address, Some(codec::encode(record))));
            if some.len() == CHUNK {
                self.transact(&some, None)?;
                some.clear();
            }
        }
        let meta = Meta {
            format_version: FORMAT_VERSION,
            org_id: org_id.to_owned(),
            lineage: lineage.to_owned(),
            serial,
            next_intent: 0,
        };
        // Only now is it as far as the log: one that is cut off is begun again.
        self.transact(&some, Some(&meta))?;
        self.meta = Some(meta);
        Ok(())
    }

    /// Takes in an entry of the log.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn take(&mut self, entry: &Entry) -> Result<(), StateError> {
        let Some(mut meta) = self.meta.clone() else { return Ok(()) };
        meta.serial = entry.serial;
        if entry.set.is_empty() && entry.forget.is_empty() {
            // Written down with the next records, or at the end.
            self.meta = Some(meta);
            self.is_behind = true;
            return Ok(());
        }
        self.touch()?;
        let set = entry.set.iter().map(|(address, record)| (address, Some(codec::encode(record))));
        let forget = entry.forget.iter().map(|address| (address, None));
        let changes: Vec<(&Address, Option<Vec<u8>>)> = forget.chain(set).collect();
        self.transact(&changes, Some(&meta))?;
        self.meta = Some(meta);
        self.is_behind = false;
        Ok(())
    }

    fn transact(
        &self,
        changes: &[(&Address, Option<Vec<u8>>)],
        meta: Option<&Meta>,
    ) -> Result<(), StateError> {
        // A meta record is made of texts and numbers: it always encodes.
        let meta = meta.map(|meta| serde_json::to_vec(meta).unwrap_or_default());
        let result: TransactionResult<(), ()> = (&self.records, &self.chunks, &self.settings)
            .transaction(|(records, chunks, settings)| {
                for (address, value) in changes {
                    write_value(records, chunks, RECORDS, address.key(), value.as_deref())?;
                }
                if let Some(meta) = &meta {
                    settings.insert(META, meta.as_slice())?;
                }
                Ok(())
            });
        result.map_err(|error| of_transaction(&self.path, error))
    }

    /// Before the first write of a run the mark goes, for good.
    fn touch(&mut self) -> Result<(), StateError> {
        if self.is_dirty {
            return Ok(());
        }
        self.is_dirty = true;
        let mark = mark_of(&self.path);
        match std::fs::remove_file(&mark) {
            Ok(()) => sync_folder(&mark),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(StateError::io(&mark)(error)),
        }
    }

    /// Closes it in peace: what it holds is on the device, and marked as that. The calls
    /// that are open are kept with it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn close(&mut self, open: &[Intent], next_intent: u64) -> Result<(), StateError> {
        if !self.is_dirty && !self.is_behind {
            return Ok(());
        }
        self.touch()?;
        // Intents are made of texts, numbers and lists: they always encode.
        let open = serde_json::to_vec(open).unwrap_or_default();
        if let Some(meta) = &mut self.meta {
            meta.next_intent = next_intent;
            let meta = serde_json::to_vec(meta).unwrap_or_default();
            let result: TransactionResult<(), ()> =
                (&self.settings, &self.chunks).transaction(|(settings, chunks)| {
                    settings.insert(META, meta.as_slice())?;
                    write_value(settings, chunks, INTENTS, OPEN, Some(&open))
                });
            result.map_err(|error| of_transaction(&self.path, error))?;
        }
        self.is_behind = false;
        self.db.flush().map_err(|error| StateError::of_sled(&self.path, error))?;
        let file = self.path.join("db");
        // sled's own flush does not sync to the device.
        File::open(&file).and_then(|file| file.sync_all()).map_err(StateError::io(&file))?;
        let mark = mark_of(&self.path);
        disk::create(&mark).map_err(StateError::io(&mark))?;
        disk::tighten(&self.path);
        self.is_dirty = false;
        Ok(())
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// All records, in the order of their addresses.
    pub fn stream(&self) -> RecordStream<'_> {
        Box::new(self.records.iter().map(|entry| {
            let (key, value) = entry.map_err(|error| RecordError::Refused(error.to_string()))?;
            let address = Address::from_key(&key).ok_or(RecordError::NoAddress)?;
            let (_, first) = head(&value).ok_or(RecordError::CutShort)?;
            let codec::Header { digest, standing, protected } = codec::header(first)?;
            let chunks = &self.chunks;
            let decode = move || codec::decode(&whole(chunks, RECORDS, &key, &value)?);
            Ok(StoredRecord { address, digest, standing, protected, decode: Box::new(decode) })
        }))
    }

    /// All records, decoded.
    pub fn records(&self) -> impl Iterator<Item = Result<(Address, Record), StateError>> + '_ {
        self.records.iter().map(|entry| {
            let unusable = |error: RecordError| StateError::unusable(&self.path, error.to_string());
            let (key, value) = entry.map_err(|error| StateError::of_sled(&self.path, error))?;
            let address =
                Address::from_key(&key).ok_or_else(|| unusable(RecordError::NoAddress))?;
            let bytes = whole(&self.chunks, RECORDS, &key, &value).map_err(unusable)?;
            Ok((address, codec::decode(&bytes).map_err(unusable)?))
        })
    }

    /// One record.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn get(&self, address: &Address) -> Result<Option<Record>, RecordError> {
        let Some(value) = self
            .records
            .get(address.key())
            .map_err(|error| RecordError::Refused(error.to_string()))?
        else {
            return Ok(None);
        };
        codec::decode(&whole(&self.chunks, RECORDS, address.key(), &value)?).map(Some)
    }

    /// What is remembered of the org. Facts of another API version are left out.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn facts(&self, api_version: &str) -> Result<Vec<StoredFact>, StateError> {
        let mut facts = Vec::new();
        for entry in &self.catalog {
            let (key, value) = entry.map_err(|error| StateError::of_sled(&self.path, error))?;
            let Ok(bytes) = whole(&self.chunks, CATALOG, &key, &value) else { continue };
            // A fact that this version can't read is asked for again.
            let Ok(kept) = serde_json::from_slice::<KeptFact<'_>>(&bytes) else { continue };
            if kept.api_version == api_version {
                let fact = String::from_utf8_lossy(&key).into_owned();
                facts.push(StoredFact { fact, answer: kept.value.get().to_owned(), at: kept.at });
            }
        }
        Ok(facts)
    }

    /// Remembers facts.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep_facts(
        &mut self,
        facts: impl Iterator<Item = (String, String)>,
        now: UnixSeconds,
        api_version: &str,
    ) -> Result<(), StateError> {
        let mut entries = Vec::new();
        for (fact, answer) in facts {
            let Ok(value) = serde_json::from_str::<&RawValue>(&answer) else { continue };
            let kept = KeptFact { at: now, api_version: api_version.into(), value };
            // A number, a text and JSON always encode.
            let kept = serde_json::to_vec(&kept).unwrap_or_default();
            entries.push((fact.into_bytes(), Some(kept)));
        }
        self.write_facts(&entries)
    }

    /// Forgets what is remembered of the org: it proved to be wrong.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn forget_facts(&mut self) -> Result<(), StateError> {
        let keys: Result<Vec<_>, sled::Error> =
            self.catalog.iter().keys().map(|key| Ok((key?.to_vec(), None))).collect();
        self.write_facts(&keys.map_err(|error| StateError::of_sled(&self.path, error))?)
    }

    fn write_facts(&mut self, entries: &[(Vec<u8>, Option<Vec<u8>>)]) -> Result<(), StateError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.touch()?;
        let result: TransactionResult<(), ()> =
            (&self.catalog, &self.chunks).transaction(|(catalog, chunks)| {
                for (key, value) in entries {
                    write_value(catalog, chunks, CATALOG, key, value.as_deref())?;
                }
                Ok(())
            });
        result.map_err(|error| of_transaction(&self.path, error))
    }
}

fn of_transaction(path: &Path, error: TransactionError<()>) -> StateError {
    match error {
        TransactionError::Storage(error) => StateError::of_sled(path, error),
        TransactionError::Abort(()) => StateError::unusable(path, "a write was given up"),
    }
}

/// The file that says that a cache was closed in peace.
fn mark_of(path: &Path) -> PathBuf {
    path.join("clean")
}

fn remove(path: &Path) -> Result<(), StateError> {
    let removed =
        if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StateError::io(path)(error))
        }
        _ => Ok(()),
    }
}
