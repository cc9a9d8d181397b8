//! The state of one org as a run uses it: the log behind, a cache in header.
//!
//! A change counts once its entry is in the log; only then the cache follows. Commands
//! that only read take no lock and open no cache: base and log are enough.

use crate::model::RecordError;
use crate::model::UnixSeconds;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;

use super::backend::Backend;
use super::base::FORMAT_VERSION;
use super::base::Header;
use super::cache::Cache;
use super::cache::StoredFact;
use super::contents::Contents;
use super::contents::OpenIntents;
use super::damage::Diagnosis;
use super::entries::Intent;
use super::entries::Settlement;
use super::error::StateError;
use super::folder::Folder;
use super::folder::sync_folder;
use super::lock::Holder;
use super::lock::Lock;
use super::log_line::DeployBegun;
use super::log_line::Entry;
use super::log_line::Settled;
use super::mark;
use super::mark::Mark;
use super::opening::caught_up;
use super::opening::checked;
use super::opening::in_doubt;
use super::opening::of_format_1;
use super::opening::read_whole;
use super::plan_key;
use crate::disk;
use crate::model::Address;
use crate::model::Record;
use crate::model::RecordStream;
use crate::model::Recorded;
use crate::model::SalesforceId;
use crate::model::StoredRecord;

/// The state of one org.
pub struct Store {
    folder: PathBuf,
    backend: Box<dyn Backend>,
    records: Records,
    header: Header,
    open: OpenIntents,
    notices: Vec<String>,
    lock: Option<Lock>,
}

/// Where records are looked up.
enum Records {
    /// The cache follows the log.
    Cached(Box<Cache>),
    /// All of them, for a run that only reads.
    Held(BTreeMap<Address, Record>),
}

impl Store {
    /// Opens the state of an org below `root`, or begins it.
    ///
    /// `lineage` names a state that begins now.
    ///
    /// # Errors
    /// When another run holds it, a file can't be used, it is of a newer version, or it
    /// is damaged.
    pub async fn open(
        root: &Path,
        org_id: &SalesforceId,
        holder: &Holder,
        lineage: &str,
    ) -> Result<Self, StateError> {
        let folder = root.join(org_id.as_str());
        let is_new = !folder.exists();
        disk::outer_folder(root).map_err(StateError::io(root))?;
        disk::folder(&folder).map_err(StateError::io(&folder))?;
        disk::tighten(&folder);
        let lock = Lock::take(&folder, holder)?;
        if is_new {
            sync_folder(&folder)?;
        }
        let mut backend = Folder::of(&folder);
        let opened = backend.open().await?;
        let mut cache = Cache::open(&folder, org_id)?;
        let mut header = match opened.header.clone() {
            Some(header) => checked(header, org_id, &folder)?,
            None if opened.damages.is_empty() => Header {
                format_version: FORMAT_VERSION,
                org_id: org_id.to_string(),
                lineage: lineage.to_owned(),
                serial: 0,
                next_intent: 0,
            },
            None => return Err(in_doubt(opened.damages, &cache, &BTreeMap::new())),
        };
        let is_of_format_1 = opened.header.is_some() && header.format_version < 2;
        let open = if is_of_format_1 {
            let contents = of_format_1(&folder, &backend, &mut cache).await?;
            header = contents.header;
            // The cache holds what is open there in format 1: it stays until the base does.
            let records = contents.resources.iter();
            let records = records.map(|(address, record)| Ok((address.clone(), record.clone())));
            backend.compact(&header, contents.open.all(), Box::new(records)).await?;
            let records = contents.resources.iter();
            cache.rebuild(&header.org_id, &header.lineage, header.serial, records)?;
            contents.open
        } else {
            let open = caught_up(&folder, &backend, &opened, &mut header, &mut cache).await?;
            backend.cut_torn_end(&header.lineage)?;
            open
        };
        let backend: Box<dyn Backend> = Box::new(backend);
        let (records, lock) = (Records::Cached(Box::new(cache)), Some(lock));
        let notices = Vec::new();
        let mut store = Self { folder, backend, records, header, open, notices, lock };
        if opened.header.is_none() {
            // The log needs a base to stand on.
            store.compact().await?;
        }
        Ok(store)
    }

    /// Reads the state of an org without a lock and without writing anything; an empty
    /// one where there is none.
    ///
    /// # Errors
    /// When a file can't be read, it is of a newer version, or it is damaged.
    pub async fn read(root: &Path, org_id: &SalesforceId) -> Result<Self, StateError> {
        /// A run that compacts the log meanwhile is waited out.
        const TRIES: usize = 4;
        for place in [root.to_owned(), root.join(org_id.as_str())] {
            disk::refuse_link(&place).map_err(StateError::io(&place))?;
        }
        let folder = root.join(org_id.as_str());
        let mut backend = Folder::of(&folder);
        let mut tries = 0;
        let contents = loop {
            tries += 1;
            let opened = backend.open().await?;
            let read = read_whole(&folder, &backend, &opened, org_id).await;
            let (contents, damages) = match read {
                Ok(read) => read,
                Err(StateError::Damaged { .. }) if tries < TRIES => continue,
                Err(error) => return Err(error),
            };
            if damages.is_empty() {
                break contents;
            }
            if tries >= TRIES {
                let diagnosis = Box::new(Diagnosis { damages, in_doubt: Vec::new() });
                return Err(StateError::Damaged { diagnosis });
            }
        };
        let Contents { header, resources, open } = contents;
        Ok(Self {
            folder,
            backend: Box::new(backend),
            records: Records::Held(resources),
            header,
            open,
            notices: Vec::new(),
            lock: None,
        })
    }

    /// Whether changes are only looked at: nothing is written down.
    pub fn is_only_read(&self) -> bool {
        self.lock.is_none()
    }

    /// Leaves the calls that are open to another run, where this one only reads.
    pub fn leave_open_calls(&mut self) {
        if self.is_only_read() {
            self.open = OpenIntents::default();
        }
    }

    /// What happened on opening that the user should know.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Says something that the user should know.
    pub fn notice(&mut self, notice: impl Into<String>) {
        self.notices.push(notice.into());
    }

    /// The last entry of the log.
    pub fn serial(&self) -> u64 {
        self.header.serial
    }

    /// The state's name: what was begun anew has another one.
    pub fn lineage(&self) -> &str {
        &self.header.lineage
    }

    /// The key by which saved plans of this state are known; `None` where none was made.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn plan_key(&self) -> Result<Option<[u8; 32]>, StateError> {
        plan_key::read(&self.folder)
    }

    /// Keeps a key for saved plans.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn keep_plan_key(&self, key: &[u8; 32]) -> Result<(), StateError> {
        plan_key::keep(&self.folder, key)
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        match &self.records {
            Records::Cached(cache) => cache.is_empty(),
            Records::Held(held) => held.is_empty(),
        }
    }

    /// Calls of which it is not known yet what became of them.
    pub fn open_intents(&self) -> &[Intent] {
        self.open.all()
    }

    /// One of them.
    pub fn open_intent(&self, number: u64) -> Option<&Intent> {
        self.open.get(number)
    }

    /// Writes down what is about to be sent, durably, and returns its numbers.
    ///
    /// # Errors
    /// When the disk refuses; nothing may be sent then.
    pub async fn begin(&mut self, mut intents: Vec<Intent>) -> Result<Range<u64>, StateError> {
        let first = self.header.next_intent;
        let numbers = first..first + intents.len() as u64;
        for (number, intent) in numbers.clone().zip(&mut intents) {
            intent.number = number;
        }
        self.header.next_intent = numbers.end;
        self.append(Entry { begin: intents, ..Entry::default() }).await?;
        Ok(numbers)
    }

    /// Writes down what became known, durably.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn finish(&mut self, settlements: &[Settlement]) -> Result<(), StateError> {
        let mut entry = Entry::default();
        for settlement in settlements {
            if let (Some(intent), Some(id)) = (settlement.intent, &settlement.deploy) {
                entry.deploy.push(DeployBegun { intent, id: id.clone() });
            }
            if let Some(intent) = settlement.intent.filter(|_| !settlement.ops.is_empty()) {
                entry.settle.push(Settled { intent, ops: settlement.ops.clone() });
                // What earlier calls were to make of the same is known by that too.
                for change in &settlement.changes {
                    for (intent, place) in self.open.making(change.address(), intent) {
                        entry.settle.push(Settled { intent, ops: vec![place] });
                    }
                }
            }
            for change in &settlement.changes {
                entry.change(change.clone());
            }
        }
        self.append(entry).await
    }

    async fn append(&mut self, mut entry: Entry) -> Result<(), StateError> {
        if entry == Entry::default() {
            return Ok(());
        }
        entry.serial = self.header.serial + 1;
        match &mut self.records {
            Records::Cached(cache) => {
                self.backend.append(&entry, &self.header.lineage).await?;
                self.header.serial = entry.serial;
                self.open.take(&entry);
                cache.take(&entry)
            }
            // What a run that only reads finds out it finds out for itself.
            Records::Held(held) => {
                self.open.take(&entry);
                for address in &entry.forget {
                    held.remove(address);
                }
                held.extend(entry.set);
                Ok(())
            }
        }
    }

    /// What is remembered of the org. Facts of another API version are left out.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn facts(&self, api_version: &str) -> Result<Vec<StoredFact>, StateError> {
        match &self.records {
            Records::Cached(cache) => cache.facts(api_version),
            Records::Held(_) => Ok(Vec::new()),
        }
    }

    /// Remembers facts with their answers, both as JSON. They are a cache: losing them costs calls and no more.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep_facts(
        &mut self,
        facts: impl Iterator<Item = (String, String)>,
        now: UnixSeconds,
        api_version: &str,
    ) -> Result<(), StateError> {
        match &mut self.records {
            Records::Cached(cache) => cache.keep_facts(facts, now, api_version),
            Records::Held(_) => Ok(()),
        }
    }

    /// Forgets all facts: something that the org said is no longer so.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn forget_facts(&mut self) -> Result<(), StateError> {
        match &mut self.records {
            Records::Cached(cache) => cache.forget_facts(),
            Records::Held(_) => Ok(()),
        }
    }

    /// Ends a run: a log that has outgrown the base is compacted, and the cache is
    /// closed in peace.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn close(&mut self) -> Result<(), StateError> {
        if self.is_only_read() {
            return Ok(());
        }
        if self.backend.has_outgrown() {
            self.compact().await?;
        }
        let Records::Cached(cache) = &mut self.records else { return Ok(()) };
        cache.close(self.open.all(), self.header.next_intent)?;
        let Header { lineage, serial, .. } = self.header.clone();
        mark::leave(&self.folder, &Mark { lineage, serial });
        Ok(())
    }

    async fn compact(&mut self) -> Result<(), StateError> {
        let Records::Cached(cache) = &self.records else { return Err(StateError::OnlyRead) };
        self.header.format_version = FORMAT_VERSION;
        let records = Box::new(cache.records());
        self.backend.compact(&self.header, self.open.all(), records).await?;
        Ok(())
    }
}

impl Recorded for Store {
    fn stream(&self) -> RecordStream<'_> {
        match &self.records {
            Records::Cached(cache) => cache.stream(),
            Records::Held(held) => Box::new(held.iter().map(|(address, record)| {
                Ok(StoredRecord {
                    address: address.clone(),
                    digest: record.attributes.digest(),
                    standing: record.standing,
                    protected: record.protected,
                    decode: Box::new(move || Ok(record.clone())),
                })
            })),
        }
    }

    fn get(&self, address: &Address) -> Result<Option<Record>, RecordError> {
        match &self.records {
            Records::Cached(cache) => cache.get(address),
            Records::Held(held) => Ok(held.get(address).cloned()),
        }
    }
}
