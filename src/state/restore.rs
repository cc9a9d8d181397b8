//! Looking at a state whole, and going back to one that is sound: to what can still be
//! read, to a backup, or to what the cache knows.
//!
//! Which of them is right only a person can say, so that nothing is chosen here. The
//! damaged files are moved aside, never removed.

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use super::backend::Backend;
use super::base::FORMAT_VERSION;
use super::base::Header;
use super::cache::Cache;
use super::contents::Contents;
use super::contents::OpenIntents;
use super::damage::Damage;
use super::damage::DamageKind;
use super::damage::Diagnosis;
use super::error::StateError;
use super::folder::Folder;
use super::folder::sync_folder;
use super::lock::Holder;
use super::lock::Lock;
use super::mark;
use super::mark::Mark;
use super::opening::read_whole;
use super::store::Store;
use crate::disk;
use crate::model::Address;
use crate::model::Record;
use crate::model::Recorded as _;
use crate::model::SalesforceId;

/// What a state can be restored from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What it is called on the command line.
    pub name: String,
    /// What it is, as a fragment.
    pub what: String,
    /// The last entry that it holds.
    pub serial: u64,
    /// How many resources it has.
    pub resources: usize,
}

/// What a look at a whole state found.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The last entry that can be read.
    pub serial: u64,
    /// How many resources there are.
    pub resources: usize,
    /// How many calls are open.
    pub open: usize,
    /// What is damaged, and what is in doubt by that.
    pub diagnosis: Diagnosis,
    /// What it can be restored from.
    pub sources: Vec<Source>,
}

/// A source with what it holds.
struct Found {
    source: Source,
    contents: Contents,
}

/// Reads a state whole and says what is wrong with it; `None` where there is none.
///
/// # Errors
/// When a file can't be read, or it is of a newer version.
pub async fn check(root: &Path, org_id: &SalesforceId) -> Result<Option<Checked>, StateError> {
    let folder = root.join(org_id.as_str());
    if !folder.is_dir() {
        return Ok(None);
    }
    // Beside a run that writes, the cache goes on between two looks, and the log is
    // read as whoever only reads it does.
    let held = Lock::hold(&folder);
    if held.is_none() && Store::read(root, org_id).await.is_ok() {
        return beside_a_run(root, org_id).await.map(Some);
    }
    let (readable, damages, found) = look(&folder, org_id, held.is_some()).await?;
    let (serial, resources) = (readable.header.serial, readable.resources.len());
    let open = readable.open.all().len();
    let in_doubt = if damages.is_empty() { Vec::new() } else { in_doubt(&readable, &found) };
    let diagnosis = Diagnosis { damages, in_doubt };
    let sources = found.into_iter().map(|found| found.source).collect();
    Ok(Some(Checked { serial, resources, open, diagnosis, sources }))
}

/// What can be said of a state that another run writes.
async fn beside_a_run(root: &Path, org_id: &SalesforceId) -> Result<Checked, StateError> {
    let store = Store::read(root, org_id).await?;
    Ok(Checked {
        serial: store.serial(),
        resources: store.stream().count(),
        open: store.open_intents().len(),
        diagnosis: Diagnosis::default(),
        sources: Vec::new(),
    })
}

/// What a state can be restored from, the one with the latest entry first.
///
/// # Errors
/// When a file can't be read, or it is of a newer version.
pub async fn sources(root: &Path, org_id: &SalesforceId) -> Result<Vec<Source>, StateError> {
    let folder = root.join(org_id.as_str());
    let held = Lock::hold(&folder);
    let (_, _, found) = look(&folder, org_id, held.is_some()).await?;
    Ok(found.into_iter().map(|found| found.source).collect())
}

/// Makes one of its sources the state again; where the files that were there are now.
/// `None` when there is no such source.
///
/// # Errors
/// When another run holds the state, or a file can't be written.
pub async fn restore(
    root: &Path,
    org_id: &SalesforceId,
    holder: &Holder,
    name: &str,
) -> Result<Option<Vec<PathBuf>>, StateError> {
    let folder = root.join(org_id.as_str());
    let _lock = Lock::take(&folder, holder)?;
    let (readable, _, found) = look(&folder, org_id, true).await?;
    let known = found.iter().map(|found| found.source.serial);
    let latest = known.chain([readable.header.serial]).max().unwrap_or(0);
    let latest = latest.max(mark::read(&folder).map_or(0, |mark| mark.serial));
    let Some(chosen) = found.into_iter().find(|found| found.source.name == name) else {
        return Ok(None);
    };
    let mut aside = Vec::new();
    for file in ["state.json", "state.log"] {
        let from = folder.join(file);
        if from.exists() {
            let to = free_name(&folder, file);
            // At no moment is there less than what there was.
            disk::copy_to_new(&from, &to).map_err(StateError::io(&to))?;
            aside.push(to);
        }
    }
    sync_folder(&folder.join("state.json"))?;
    let Contents { header, resources, open } = chosen.contents;
    // Nothing that was there before is later than it.
    let serial = latest.saturating_add(1);
    let header = Header { format_version: FORMAT_VERSION, serial, ..header };
    let mut backend = Folder::of(&folder);
    let records: Vec<(Address, Record)> = resources.into_iter().collect();
    let records = Box::new(records.into_iter().map(Ok));
    backend.replace(&header, open.all(), records)?;
    mark::leave(&folder, &Mark { lineage: header.lineage, serial });
    Ok(Some(aside))
}

fn free_name(folder: &Path, file: &str) -> PathBuf {
    let names = (1..).map(|number| folder.join(format!("{file}.damaged-{number}")));
    names
        .into_iter()
        .find(|path| std::fs::symlink_metadata(path).is_err())
        .unwrap_or_else(|| folder.join(file))
}

/// What can be read, what is damaged, and all sources.
async fn look(
    folder: &Path,
    org_id: &SalesforceId,
    may_look_at_cache: bool,
) -> Result<(Contents, Vec<Damage>, Vec<Found>), StateError> {
    let mut backend = Folder::of(folder);
    let opened = backend.open().await?;
    let (readable, mut damages) = read_whole(folder, &backend, &opened, org_id).await?;
    let mut found = Vec::new();
    let source = |name: &str, what: String, contents: &Contents| Source {
        name: name.to_owned(),
        what,
        serial: contents.header.serial,
        resources: contents.resources.len(),
    };
    if opened.header.is_some() || !readable.resources.is_empty() {
        let what = "what can be read of state.json and state.log".to_owned();
        let source = source("readable", what, &readable);
        found.push(Found { source, contents: readable.clone() });
    }
    for version in backend.history().await? {
        let Some((base, entries)) = backend.version(&version.name).await? else { continue };
        let contents = Contents::of(base, entries.entries);
        let what = format!("the backup {}", version.file.display());
        found.push(Found { source: source(&version.name, what, &contents), contents });
    }
    if may_look_at_cache && let Some(contents) = of_cache(folder, org_id, &readable.header) {
        let last = readable.header.serial;
        let known = contents.header.serial;
        let is_reported = |damage: &Damage| matches!(damage.what, DamageKind::Older { .. });
        if known > last && contents.header.lineage == readable.header.lineage {
            damages.retain(|damage| !is_reported(damage));
            let what = DamageKind::Older { last, known, witness: "the cache" };
            damages.push(Damage { file: folder.join("state.log"), what });
        }
        let source = source("cache", "what the cache knows".to_owned(), &contents);
        found.push(Found { source, contents });
    }
    // Of two that go as far, the one that was not damaged comes first.
    let order = |found: &Found| (found.source.serial, found.source.name != "readable");
    found.sort_by_key(|found| std::cmp::Reverse(order(found)));
    Ok((readable, damages, found))
}

/// What the cache holds, where it can be opened and relied on.
fn of_cache(folder: &Path, org_id: &SalesforceId, header: &Header) -> Option<Contents> {
    if !folder.join("cache.sled").is_dir() {
        return None;
    }
    let cache = Cache::open(folder, org_id).ok()?;
    let (lineage, serial) = cache.holds()?;
    let (open, next_intent) = cache.open_intents()?;
    let header = Header { lineage: lineage.to_owned(), serial, next_intent, ..header.clone() };
    let resources = cache.records().collect::<Result<_, _>>().ok()?;
    Some(Contents { header, resources, open: OpenIntents::new(open) })
}

/// Resources that some source knows otherwise than what can be read.
fn in_doubt(readable: &Contents, found: &[Found]) -> Vec<Address> {
    let mut in_doubt = BTreeSet::new();
    for contents in found.iter().map(|found| &found.contents) {
        for (address, record) in &contents.resources {
            let held = readable.resources.get(address);
            if held.is_none_or(|held| held.ownership != record.ownership) {
                in_doubt.insert(address.clone());
            }
        }
    }
    in_doubt.into_iter().collect()
}
