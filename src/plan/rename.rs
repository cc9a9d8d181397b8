//! `was: OLD`: the same thing under a new name, and what is named after it.

use crate::model::KindName;
use crate::model::RecordError;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Input;
use crate::kinds;
use crate::kinds::Kind;
use crate::kinds::Scope as _;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Declared;
use crate::model::Observation;
use crate::model::PlanMode;
use crate::model::Problem;
use crate::model::Record;
use crate::model::RecordMove;
use crate::model::Standing;
use crate::model::Value;

/// The records that have a new address in this plan.
#[derive(Debug, Default)]
pub struct Renames {
    /// New address to old address and record.
    pub moved: BTreeMap<Address, (Address, Record)>,
    /// Old addresses, which no longer count as recorded.
    pub left: BTreeSet<Address>,
    /// For each thing that is renamed itself, by new address: all records that
    /// change with it.
    pub moves: BTreeMap<Address, Vec<RecordMove>>,
    /// What is renamed itself, old and new.
    pairs: Vec<(Address, Address)>,
}

impl Renames {
    /// The name that a thing will have.
    pub fn new_name<'a>(&'a self, kind: KindName, name: &'a str) -> &'a str {
        let renamed = |(old, _): &&(Address, Address)| old.kind() == kind && old.name() == name;
        self.pairs.iter().find(renamed).map_or(name, |(_, new)| new.name())
    }

    /// The same attributes with references to the new names.
    fn renamed(&self, attributes: &Attributes) -> Attributes {
        let mut renamed = attributes.clone();
        for (path, address) in attributes.references() {
            if let Some((old, new)) = self.pairs.iter().find(|(old, _)| old == address) {
                // One of several references stands under the name of what it refers to.
                let section = path.strip_suffix(old.name()).filter(|path| path.ends_with('.'));
                let now = section
                    .map_or_else(|| path.to_owned(), |section| format!("{section}{}", new.name()));
                renamed.remove(path);
                renamed.set(now, Value::Reference(new.clone()));
            }
        }
        renamed
    }

    /// What was seen, as it reads once the new names hold.
    pub fn of(&self, observation: Observation) -> Observation {
        match observation {
            Observation::Found(mut observed) if !self.pairs.is_empty() => {
                observed.attributes = self.renamed(&observed.attributes);
                Observation::Found(observed)
            }
            other => other,
        }
    }
}

/// What somebody renamed in the org is neither made a second time nor taken for
/// another: the file has to say what it is.
pub fn outside(kind: &dyn Kind, declared: &Declared, now: &Address) -> Problem {
    Problem::at(
        declared,
        kind.place(&declared.address, "").itself(),
        format!("somebody renamed it in the org: it is `{}` there now", now.name()),
    )
    .hint(format!(
        "declare it as `{}` with `was: {}`, or give it its name back in the org",
        now.name(),
        declared.address.name()
    ))
}

/// Finds what is renamed: declared with `was:`, recorded under the old name
/// and not under the new one. Costs nothing when no file says `was:`.
pub fn find(input: &Input<'_>) -> Result<Renames, RecordError> {
    let mut renames = Renames::default();
    if input.mode != PlanMode::Converge {
        return Ok(renames);
    }
    let mut own_records = BTreeMap::new();
    for declared in input.desired.iter() {
        let Some(was) = &declared.was else { continue };
        let old = Address::new(declared.address.kind(), was);
        if !input.choice.includes(&declared.address) || !input.choice.looks_at(&old) {
            continue;
        }
        let is_taken = input.desired.declared(&old).is_some() || old == declared.address;
        if is_taken || input.recorded.get(&declared.address)?.is_some() {
            continue;
        }
        if let Some(record) = input.recorded.get(&old)?
            && record.standing == Standing::Live
        {
            renames.pairs.push((old.clone(), declared.address.clone()));
            own_records.insert(old, (declared.address.clone(), record));
        }
    }
    if renames.pairs.is_empty() {
        return Ok(renames);
    }
    for (old, (new, record)) in own_records {
        renames.moved(old, new.clone(), record, new);
    }
    for stored in input.recorded.stream() {
        let stored = stored?;
        let Some(kind) = kinds::of(&stored.address) else { continue };
        if renames.left.contains(&stored.address) {
            continue;
        }
        let mut address = stored.address.clone();
        let mut cause = None;
        for (from, to) in &renames.pairs {
            if let Some(renamed) = kind.relation().renamed(&address, from, to) {
                address = renamed;
                cause = Some(to.clone());
            }
        }
        let record = (stored.decode)()?;
        for (_, referred) in record.attributes.references() {
            if let Some((_, to)) = renames.pairs.iter().find(|(from, _)| from == referred) {
                cause = Some(to.clone());
            }
        }
        if let Some(to) = cause {
            renames.moved(stored.address, address, record, to);
        }
    }
    Ok(renames)
}

impl Renames {
    fn moved(&mut self, old: Address, new: Address, mut record: Record, cause: Address) {
        record.attributes = self.renamed(&record.attributes);
        self.left.insert(old.clone());
        self.moves.entry(cause).or_default().push(RecordMove {
            from: old.clone(),
            to: new.clone(),
            attributes: record.attributes.clone(),
        });
        self.moved.insert(new, (old, record));
    }
}
