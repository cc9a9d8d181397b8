//! sled made durable, and the few ways in which the house uses it.
//!
//! sled's own flush does not sync to the device; measured under a modelled
//! power loss it lost acknowledged writes, and did not once its file was
//! synced after each flush. So a commit here is: one transaction over the
//! trees that it touches, flush, sync. Opening happens under a guard, since a damaged sled
//! may panic; it is then moved aside and rebuilt from the snapshot.

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use sled::Transactional as _;
use sled::transaction::TransactionResult;

use super::codec;
use super::entries::Closed;
use super::entries::Intent;
use super::entries::RecordChange;
use super::error::StateError;
use super::lock::Holder;
use super::lock::Lock;
use super::open::OpenFailure;
use super::open::open_guarded;
use super::parts::head;
use super::parts::whole;
use super::parts::write_value;
use super::snapshot::Snapshot;
use super::snapshot::sync_folder;
use crate::model::Address;
use crate::model::Fact;
use crate::model::FactValue;
use crate::model::Record;
use crate::model::RecordStream;
use crate::model::Recorded;
use crate::model::SalesforceId;
use crate::model::StoredRecord;

/// The format version of the trees.
const FORMAT_VERSION: u64 = 1;
const META: &[u8] = b"meta";
/// Tells the trees apart in the keys of further parts.
const RECORDS: u8 = b'r';
const CATALOG: u8 = b'c';
const JOURNAL: u8 = b'j';

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Meta {
    format_version: u64,
    org_id: String,
    lineage: String,
    serial: u64,
    next_intent: u64,
}

#[derive(Serialize, Deserialize)]
struct KeptFact {
    at: i64,
    api_version: String,
    value: FactValue,
}

/// The state of one org, held by this run alone.
pub struct Store {
    folder: PathBuf,
    db: sled::Db,
    records: sled::Tree,
    parts: sled::Tree,
    catalog: sled::Tree,
    journal: sled::Tree,
    settings: sled::Tree,
    file: File,
    meta: Meta,
    snapshot: Snapshot,
    notices: Vec<String>,
    must_rewrite: bool,
    _lock: Lock,
}

impl Store {
    /// Opens the state of an org below `root`, or begins it.
    ///
    /// `lineage` names a state that begins now; `now` goes into the name under
    /// which a damaged cache is kept.
    ///
    /// # Errors
    /// When another run holds it, a file can't be used, or it is of a newer
    /// version.
    pub fn open(
        root: &Path,
        org_id: &SalesforceId,
        holder: &Holder,
        lineage: &str,
        now: i64,
    ) -> Result<Self, StateError> {
        let folder = root.join(org_id.as_str());
        let is_new = !folder.exists();
        std::fs::create_dir_all(&folder).map_err(StateError::io(&folder))?;
        let lock = Lock::take(&folder, holder)?;
        let snapshot = Snapshot::of(&folder);
        let path = folder.join("cache.sled");
        let mut notices = Vec::new();
        let had_cache = path.exists();
        let refused = |failure| match failure {
            OpenFailure::Held => {
                StateError::Locked { holder: "a process that took no lock".to_owned() }
            }
            OpenFailure::Io(source) => StateError::Io { path: path.clone(), source },
            OpenFailure::Broken(reason) => StateError::damaged(&path, reason),
        };
        let db = match open_guarded(&path) {
            Ok(db) => db,
            Err(OpenFailure::Broken(reason)) => {
                let aside = folder.join(format!("cache.sled.broken-{now}"));
                std::fs::rename(&path, &aside).map_err(StateError::io(&path))?;
                notices.push(format!(
                    "The cache of the state was damaged ({reason}). It was moved to {} and rebuilt from state.json and state.log.",
                    aside.display()
                ));
                open_guarded(&path).map_err(refused)?
            }
            Err(failure) => return Err(refused(failure)),
        };
        if !had_cache {
            sync_folder(&path.join("db"))?;
            sync_folder(&path)?;
        }
        if is_new {
            sync_folder(&folder)?;
        }
        let tree =
            |name: &str| db.open_tree(name).map_err(|error| StateError::damaged(&path, error));
        let file_path = path.join("db");
        let mut store = Self {
            records: tree("records")?,
            parts: tree("parts")?,
            catalog: tree("catalog")?,
            journal: tree("journal")?,
            settings: tree("meta")?,
            file: File::open(&file_path).map_err(StateError::io(&file_path))?,
            db,
            meta: Meta {
                format_version: FORMAT_VERSION,
                org_id: org_id.to_string(),
                lineage: lineage.to_owned(),
                serial: 0,
                next_intent: 0,
            },
            folder,
            snapshot,
            notices,
            must_rewrite: false,
            _lock: lock,
        };
        store.start()?;
        Ok(store)
    }

    /// Reads the meta record and, where sled is behind the snapshot, rebuilds.
    fn start(&mut self) -> Result<(), StateError> {
        let path = self.folder.join("cache.sled");
        let held = self.settings.get(META).map_err(|error| StateError::damaged(&path, error))?;
        let is_empty = held.is_none();
        if let Some(bytes) = held {
            let meta: Meta = serde_json::from_slice(&bytes)
                .map_err(|error| StateError::damaged(&path, error))?;
            if meta.format_version > FORMAT_VERSION {
                return Err(StateError::Newer {
                    path,
                    found: meta.format_version,
                    known: FORMAT_VERSION,
                });
            }
            if meta.org_id != self.meta.org_id {
                return Err(StateError::OtherOrg {
                    path,
                    found: meta.org_id,
                    wanted: self.meta.org_id.clone(),
                });
            }
            self.meta = meta;
        }
        let last = self.snapshot.last_serial();
        if !is_empty && last.is_none_or(|last| last <= self.meta.serial) {
            // A copy that is behind, or missing, is made whole at the end.
            self.must_rewrite = last != Some(self.meta.serial);
            return Ok(());
        }
        let Some(contents) = self.snapshot.read(&self.meta.org_id)? else {
            // The copy begins with the state, so that the log has something to
            // stand on.
            let nothing = std::iter::empty();
            let (org_id, lineage) = (self.meta.org_id.clone(), self.meta.lineage.clone());
            return self.snapshot.rewrite(&org_id, &lineage, self.meta.serial, nothing);
        };
        if self.notices.is_empty() && (contents.serial > 0 || !is_empty) {
            self.notices.push(
                "The cache of the state was missing or behind. It was rebuilt from state.json and state.log.".to_owned(),
            );
        }
        let stale: Vec<Address> = self
            .records
            .iter()
            .keys()
            .filter_map(|key| Address::from_key(&key.ok()?))
            .filter(|address| !contents.resources.contains_key(address))
            .collect();
        let changes: Vec<RecordChange> = contents
            .resources
            .into_iter()
            .map(|(address, record)| RecordChange::Put(address, record))
            .chain(stale.into_iter().map(RecordChange::Forget))
            .collect();
        self.meta.lineage = contents.lineage;
        for some in changes.chunks(500) {
            self.transact(some.iter(), &[], &[])?;
        }
        // Only now is it as far as the copy: a rebuild that is cut off is
        // begun again.
        self.meta.serial = contents.serial;
        self.transact([].iter(), &[], &[])?;
        self.sync()
    }

    /// What happened on opening that the user should know.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Writes changes to records, durably.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn commit(&mut self, changes: &[RecordChange]) -> Result<(), StateError> {
        self.write(changes.iter(), &[], &[])
    }

    /// Writes down what is about to be sent, durably, and returns its numbers.
    ///
    /// # Errors
    /// When the disk refuses; nothing may be sent then.
    pub fn begin(&mut self, intents: &[Intent]) -> Result<Range<u64>, StateError> {
        let first = self.meta.next_intent;
        self.meta.next_intent += intents.len() as u64;
        let sequences = first..self.meta.next_intent;
        let begun = sequences.clone().zip(intents).map(|(sequence, intent)| {
            let bytes = serde_json::to_vec(intent);
            Ok((sequence, bytes.map_err(|error| StateError::damaged(&self.folder, error))?))
        });
        let begun: Vec<(u64, Vec<u8>)> = begun.collect::<Result<_, StateError>>()?;
        self.write([].iter(), &[], &begun)?;
        Ok(sequences)
    }

    /// Closes intents together with what became of them, durably.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(&mut self, closed: &[Closed]) -> Result<(), StateError> {
        let finished: Vec<u64> = closed.iter().filter_map(|closed| closed.sequence).collect();
        self.write(closed.iter().flat_map(|closed| &closed.changes), &finished, &[])
    }

    fn write<'a>(
        &mut self,
        changes: impl Iterator<Item = &'a RecordChange> + Clone,
        finished: &[u64],
        begun: &[(u64, Vec<u8>)],
    ) -> Result<(), StateError> {
        let has_changes = changes.clone().next().is_some();
        if !has_changes && finished.is_empty() && begun.is_empty() {
            return Ok(());
        }
        self.meta.serial += u64::from(has_changes);
        self.transact(changes.clone(), begun, finished)?;
        self.sync()?;
        if has_changes { self.snapshot.append(self.meta.serial, changes) } else { Ok(()) }
    }

    /// Intents that no answer closed: their run ended in the middle of a call.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub fn open_intents(&self) -> Result<Vec<Intent>, StateError> {
        let mut intents = Vec::new();
        for entry in &self.journal {
            let (key, value) = entry.map_err(|error| StateError::damaged(&self.folder, error))?;
            let bytes = self
                .whole(JOURNAL, &key, &value)
                .map_err(|reason| StateError::damaged(&self.folder, reason))?;
            let mut intent: Intent = serde_json::from_slice(&bytes)
                .map_err(|error| StateError::damaged(&self.folder, error))?;
            let mut number = [0; 8];
            number.copy_from_slice(&key[..8]);
            intent.sequence = u64::from_be_bytes(number);
            intents.push(intent);
        }
        Ok(intents)
    }

    /// What is remembered of the org, with when it was asked (seconds since
    /// 1970). Facts of another API version are left out.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn facts(&self, api_version: &str) -> Result<Vec<(Fact, FactValue, i64)>, StateError> {
        let mut facts = Vec::new();
        for entry in &self.catalog {
            let (key, value) = entry.map_err(|error| StateError::damaged(&self.folder, error))?;
            let Ok(bytes) = self.whole(CATALOG, &key, &value) else { continue };
            // A fact that this version can't read is asked for again.
            let (Ok(fact), Ok(kept)) =
                (serde_json::from_slice::<Fact>(&key), serde_json::from_slice::<KeptFact>(&bytes))
            else {
                continue;
            };
            if kept.api_version == api_version {
                facts.push((fact, kept.value, kept.at));
            }
        }
        Ok(facts)
    }

    /// Remembers facts. They are a cache: synced with the next commit.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep_facts<'a>(
        &mut self,
        facts: impl Iterator<Item = (&'a Fact, &'a FactValue)>,
        now: i64,
        api_version: &str,
    ) -> Result<(), StateError> {
        let mut entries = Vec::new();
        for (fact, value) in facts {
            let kept =
                KeptFact { at: now, api_version: api_version.to_owned(), value: value.clone() };
            if let (Ok(key), Ok(bytes)) = (serde_json::to_vec(fact), serde_json::to_vec(&kept)) {
                entries.push((key, Some(bytes)));
            }
        }
        self.write_facts(&entries)
    }

    fn write_facts(&self, entries: &[(Vec<u8>, Option<Vec<u8>>)]) -> Result<(), StateError> {
        let result: TransactionResult<(), ()> =
            (&self.catalog, &self.parts).transaction(|(catalog, parts)| {
                for (key, value) in entries {
                    write_value(catalog, parts, CATALOG, key, value.as_deref())?;
                }
                Ok(())
            });
        result.map_err(|error| StateError::damaged(&self.folder, format!("{error:?}")))
    }

    /// Forgets all facts: something that the org said is no longer so.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn forget_facts(&mut self) -> Result<(), StateError> {
        let keys: Result<Vec<_>, _> =
            self.catalog.iter().keys().map(|key| key.map(|key| (key.to_vec(), None))).collect();
        self.write_facts(&keys.map_err(|error| StateError::damaged(&self.folder, error))?)
    }

    /// Ends a run: the log is made durable, and the copy rewritten when the
    /// log has outgrown it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn close(&mut self) -> Result<(), StateError> {
        self.db.flush().map_err(|error| StateError::damaged(&self.folder, error))?;
        let has_outgrown = self.snapshot.sync()?;
        if !has_outgrown && !self.must_rewrite {
            return Ok(());
        }
        let (records, parts, folder) = (&self.records, &self.parts, &self.folder);
        let all = records.iter().map(|entry| {
            let damaged = |reason: String| StateError::damaged(folder, reason);
            let (key, value) = entry.map_err(|error| damaged(error.to_string()))?;
            let address =
                Address::from_key(&key).ok_or_else(|| damaged("a key is no address".to_owned()))?;
            let bytes = whole(parts, RECORDS, &key, &value).map_err(damaged)?;
            Ok((address, codec::decode(&bytes).map_err(damaged)?))
        });
        self.snapshot.rewrite(&self.meta.org_id, &self.meta.lineage, self.meta.serial, all)
    }

    /// One transaction over all trees but the catalog.
    fn transact<'a>(
        &self,
        changes: impl Iterator<Item = &'a RecordChange>,
        begin: &[(u64, Vec<u8>)],
        finish: &[u64],
    ) -> Result<(), StateError> {
        let meta = serde_json::to_vec(&self.meta)
            .map_err(|error| StateError::damaged(&self.folder, error))?;
        let encoded: Vec<(&Address, Option<Vec<u8>>)> = changes
            .map(|change| match change {
                RecordChange::Put(address, record) => (address, Some(codec::encode(record))),
                RecordChange::Forget(address) => (address, None),
            })
            .collect();
        let result: TransactionResult<(), ()> =
            (&self.records, &self.parts, &self.journal, &self.settings).transaction(
                |(records, parts, journal, settings)| {
                    for (address, value) in &encoded {
                        write_value(records, parts, RECORDS, address.key(), value.as_deref())?;
                    }
                    for (sequence, bytes) in begin {
                        write_value(journal, parts, JOURNAL, &sequence.to_be_bytes(), Some(bytes))?;
                    }
                    for sequence in finish {
                        write_value(journal, parts, JOURNAL, &sequence.to_be_bytes(), None)?;
                    }
                    settings.insert(META, meta.as_slice())?;
                    Ok(())
                },
            );
        result.map_err(|error| StateError::damaged(&self.folder, format!("{error:?}")))
    }

    /// Brings all that was written to the device.
    fn sync(&self) -> Result<(), StateError> {
        self.db.flush().map_err(|error| StateError::damaged(&self.folder, error))?;
        self.file.sync_all().map_err(StateError::io(&self.folder))
    }

    fn whole(&self, tree: u8, key: &[u8], value: &[u8]) -> Result<Vec<u8>, String> {
        whole(&self.parts, tree, key, value)
    }
}

impl Recorded for Store {
    fn stream(&self) -> RecordStream<'_> {
        Box::new(self.records.iter().map(|entry| {
            let (key, value) = entry.map_err(|error| error.to_string())?;
            let address = Address::from_key(&key).ok_or("a key is no address")?;
            let (_, first) = head(&value).ok_or("a record is cut short")?;
            let codec::Front { digest, standing, protected } = codec::front(first)?;
            let parts = &self.parts;
            let decode = move || codec::decode(&whole(parts, RECORDS, &key, &value)?);
            Ok(StoredRecord { address, digest, standing, protected, decode: Box::new(decode) })
        }))
    }

    fn get(&self, address: &Address) -> Result<Option<Record>, String> {
        let Some(value) = self.records.get(address.key()).map_err(|error| error.to_string())?
        else {
            return Ok(None);
        };
        codec::decode(&self.whole(RECORDS, address.key(), &value)?).map(Some)
    }
}
