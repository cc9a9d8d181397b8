//! Opening a state: the cache is brought up to the log, an older format is taken over,
//! and what is damaged is found.

use std::collections::BTreeMap;
use std::path::Path;

use super::backend::Backend;
use super::backend::Opened;
use super::base::Base;
use super::base::FORMAT_VERSION;
use super::base::Header;
use super::cache::Cache;
use super::contents::Contents;
use super::contents::OpenIntents;
use super::damage::Damage;
use super::damage::DamageKind;
use super::damage::Diagnosis;
use super::error::StateError;
use super::format_1;
use super::log_line::Entry;
use super::mark;
use crate::model::Address;
use crate::model::Record;
use crate::model::SalesforceId;

/// The header of a base, if it is of this org.
pub fn checked(header: Header, org_id: &SalesforceId, folder: &Path) -> Result<Header, StateError> {
    if header.org_id == org_id.as_str() {
        return Ok(header);
    }
    let (found, wanted) = (header.org_id, org_id.to_string());
    Err(StateError::OtherOrg { path: folder.join("state.json"), found, wanted })
}

/// Brings the cache up to the log: what came behind it is read, and where it can't be
/// relied on it is made anew. What is open is known by that too.
pub async fn caught_up(
    folder: &Path,
    backend: &dyn Backend,
    opened: &Opened,
    header: &mut Header,
    cache: &mut Cache,
) -> Result<OpenIntents, StateError> {
    let mut damages = opened.damages.clone();
    let held = cache.holds().filter(|(lineage, _)| *lineage == header.lineage);
    let held = held.map(|(_, serial)| serial);
    let last = opened.last.max(header.serial);
    let mut older = |known: u64, witness: &'static str| {
        let what = DamageKind::Older { last, known, witness };
        damages.push(Damage { file: folder.join("state.log"), what });
    };
    if let Some(known) = held.filter(|known| *known > last) {
        older(known, "the cache");
    } else if let Some(mark) = mark::read(folder).filter(|mark| mark.lineage == header.lineage)
        && mark.serial > last
    {
        older(mark.serial, "the mark of the last run");
    }
    if damages.is_empty()
        && let Some((open, next_intent)) = held.and_then(|_| cache.open_intents())
        && let Some(entries) = behind(backend, header, held.unwrap_or(0), last).await?
    {
        let mut open = OpenIntents::new(open);
        let numbers = entries.iter().flat_map(|entry| &entry.begin);
        let next = numbers.map(|intent| intent.number + 1).max().unwrap_or(0);
        header.next_intent = next_intent.max(next);
        for entry in &entries {
            cache.take(entry)?;
            open.take(entry);
        }
        header.serial = last;
        return Ok(open);
    }
    let (contents, found) = read_behind(backend, header).await?;
    damages.extend(found);
    if !damages.is_empty() {
        return Err(in_doubt(damages, cache, &contents.resources));
    }
    *header = contents.header;
    if cache
        .holds()
        .is_none_or(|(lineage, serial)| lineage != header.lineage || serial != header.serial)
    {
        let records = contents.resources.iter();
        cache.rebuild(&header.org_id, &header.lineage, header.serial, records)?;
    }
    Ok(contents.open)
}

/// The entries that a cache lacks; `None` where they can't all be read.
async fn behind(
    backend: &dyn Backend,
    header: &Header,
    held: u64,
    last: u64,
) -> Result<Option<Vec<Entry>>, StateError> {
    if held == last {
        return Ok(Some(Vec::new()));
    }
    // The base may hold some of them already.
    if header.serial > held {
        return Ok(None);
    }
    let read = backend.read_from(held + 1, &header.lineage).await?;
    let is_whole = read.damages.is_empty() && read.entries.len() as u64 == last - held;
    Ok(is_whole.then_some(read.entries))
}

/// Base and log whole, with what is damaged.
async fn read_behind(
    backend: &dyn Backend,
    header: &Header,
) -> Result<(Contents, Vec<Damage>), StateError> {
    let empty = || Base {
        format_version: FORMAT_VERSION,
        org_id: header.org_id.clone(),
        lineage: header.lineage.clone(),
        serial: 0,
        next_intent: 0,
        resources: BTreeMap::new(),
        open: Vec::new(),
    };
    let mut damages = Vec::new();
    let base = match backend.base().await {
        Ok(base) => base.unwrap_or_else(empty),
        Err(StateError::Damaged { diagnosis }) => {
            damages.extend(diagnosis.damages);
            empty()
        }
        Err(error) => return Err(error),
    };
    let read = backend.read_from(base.serial + 1, &header.lineage).await?;
    damages.extend(read.damages);
    Ok((Contents::of(base, read.entries), damages))
}

/// A whole state for a run that only reads, with what is damaged.
pub async fn read_whole(
    folder: &Path,
    backend: &dyn Backend,
    opened: &Opened,
    org_id: &SalesforceId,
) -> Result<(Contents, Vec<Damage>), StateError> {
    let header = match opened.header.clone() {
        Some(header) => checked(header, org_id, folder)?,
        None => Header {
            format_version: FORMAT_VERSION,
            org_id: org_id.to_string(),
            // The log may be whole without its base, and reads by its state's name.
            lineage: mark::read(folder).map(|mark| mark.lineage).unwrap_or_default(),
            serial: 0,
            next_intent: 0,
        },
    };
    if opened.header.is_none() && header.lineage.is_empty() {
        let empty = Contents { header, resources: BTreeMap::new(), open: OpenIntents::default() };
        return Ok((empty, opened.damages.clone()));
    }
    if header.format_version < 2 && opened.header.is_some() {
        let base = backend.base().await?;
        let base = base.ok_or(StateError::OnlyRead)?;
        let read = format_1::read_log(&folder.join("state.log"), base.serial)?;
        return Ok((Contents::of(base, read.entries), opened.damages.clone()));
    }
    let (contents, mut damages) = read_behind(backend, &header).await?;
    let found = opened.damages.iter().filter(|damage| !damages.contains(damage));
    let found: Vec<Damage> = found.cloned().collect();
    damages.extend(found);
    let last = contents.header.serial;
    if let Some(mark) = mark::read(folder)
        && mark.lineage == header.lineage
        && mark.serial > last
    {
        let (known, witness) = (mark.serial, "the mark of the last run");
        let what = DamageKind::Older { last, known, witness };
        damages.push(Damage { file: folder.join("state.log"), what });
    }
    Ok((contents, damages))
}

/// A state of format 1 as one of format 2: what its cache knows further than its files
/// counts, and calls that it left open stay so.
pub async fn of_format_1(
    folder: &Path,
    backend: &dyn Backend,
    cache: &mut Cache,
) -> Result<Contents, StateError> {
    let base = backend.base().await?.ok_or(StateError::OnlyRead)?;
    let read = format_1::read_log(&folder.join("state.log"), base.serial)?;
    let mut contents = Contents::of(base, read.entries);
    if let Some(cached) = cache.of_format_1.take() {
        if cached.serial >= contents.header.serial {
            contents.header.serial = cached.serial;
            contents.resources = cached.records;
        }
        let numbers = cached.open.iter().map(|intent| intent.number + 1);
        contents.header.next_intent = numbers.max().unwrap_or(0);
        contents.open = OpenIntents::new(cached.open);
    }
    contents.header.format_version = FORMAT_VERSION;
    Ok(contents)
}

/// The error of a damaged state: what is damaged, and which resources the cache knows
/// otherwise than what can be read.
pub fn in_doubt(
    damages: Vec<Damage>,
    cache: &Cache,
    readable: &BTreeMap<Address, Record>,
) -> StateError {
    let known = if cache.holds().is_some() { Some(cache.records()) } else { None };
    let mut in_doubt = Vec::new();
    for (address, record) in known.into_iter().flatten().flatten() {
        if readable.get(&address).is_none_or(|held| held.ownership != record.ownership) {
            in_doubt.push(address);
        }
    }
    StateError::Damaged { diagnosis: Box::new(Diagnosis { damages, in_doubt }) }
}
