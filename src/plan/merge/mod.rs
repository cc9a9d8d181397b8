//! The merge of two ordered streams, declared and recorded.
//!
//! Equal pairs are counted and dropped at once, most of them by the digest in
//! the header of the record, so that what is held follows what differs. What the
//! refresh observed is consulted by address; it holds only differences too.

mod declared;
#[cfg(test)]
mod tests;
mod undeclared;

use std::collections::BTreeSet;

use super::Desired;
use super::Input;
use super::PlanError;
use super::draft::Draft;
use super::rename::Renames;
use crate::kinds::Kind;
use crate::kinds::Scope as _;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Declared;
use crate::model::Digest;
use crate::model::Note;
use crate::model::NoteKind;
use crate::model::Observation;
use crate::model::Observed;
use crate::model::PlanMode;
use crate::model::Problem;
use crate::model::Reason;
use crate::model::Record;
use crate::model::RecordError;
use crate::model::Standing;

/// A record on its way through the merge: decoded only when it must be.
struct Known<'a> {
    address: Address,
    /// The address it is observed under, where it is renamed.
    was: Option<Address>,
    digest: Digest,
    standing: Standing,
    protected: bool,
    decode: Box<dyn FnOnce() -> Result<Record, RecordError> + 'a>,
}

/// Merges; refused declarations are all collected before the error.
pub fn merge(input: &Input<'_>, renames: &Renames, draft: &mut Draft) -> Result<(), PlanError> {
    let recorded = known(input, renames).peekable();
    let nothing = Desired::default();
    let desired = match input.mode {
        PlanMode::Converge => input.desired,
        PlanMode::Destroy { .. } | PlanMode::RefreshOnly => &nothing,
    };
    let mut merge =
        Merge { input, renames, draft, problems: Vec::new(), replaced: BTreeSet::new() };
    let mut declared = desired.iter().peekable();
    let mut recorded = recorded;
    loop {
        let order = match (declared.peek(), recorded.peek()) {
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (_, Some(Err(error))) => return Err(PlanError::State(error.clone())),
            (None, Some(Ok(_))) => std::cmp::Ordering::Greater,
            (Some(wanted), Some(Ok(known))) => wanted.address.cmp(&known.address),
        };
        let wanted = if order.is_le() { declared.next() } else { None };
        let held = if order.is_ge() { recorded.next().transpose() } else { Ok(None) };
        merge.pair(wanted, held.map_err(PlanError::State)?).map_err(PlanError::State)?;
    }
    if merge.problems.is_empty() { Ok(()) } else { Err(PlanError::Problems(merge.problems)) }
}

/// The recorded stream with renamed records at their new place.
fn known<'a>(
    input: &'a Input<'a>,
    renames: &'a Renames,
) -> impl Iterator<Item = Result<Known<'a>, RecordError>> {
    let mut stored = input
        .recorded
        .stream()
        .filter(|stored| {
            stored.as_ref().map_or(true, |stored| !renames.left.contains(&stored.address))
        })
        .peekable();
    let mut moved = renames.moved.iter().peekable();
    std::iter::from_fn(move || {
        let take_moved = match (stored.peek(), moved.peek()) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(Err(_)), Some(_)) => false,
            (Some(Ok(stored)), Some((address, _))) => **address < stored.address,
        };
        if take_moved {
            let (address, (was, record)) = moved.next()?;
            return Some(Ok(Known {
                address: address.clone(),
                was: Some(was.clone()),
                digest: record.attributes.digest(),
                standing: record.standing,
                protected: record.protected,
                decode: Box::new(move || Ok(record.clone())),
            }));
        }
        Some(stored.next()?.map(|stored| Known {
            address: stored.address,
            was: None,
            digest: stored.digest,
            standing: stored.standing,
            protected: stored.protected,
            decode: stored.decode,
        }))
    })
}

struct Merge<'a, 'b> {
    input: &'a Input<'a>,
    renames: &'a Renames,
    draft: &'b mut Draft,
    problems: Vec<Problem>,
    /// What is made anew; what belongs to it comes later in the merge.
    replaced: BTreeSet<Address>,
}

impl Merge<'_, '_> {
    fn pair(
        &mut self,
        wanted: Option<&Declared>,
        held: Option<Known<'_>>,
    ) -> Result<(), RecordError> {
        if let Some(known) = held.as_ref().filter(|known| known.standing == Standing::Live) {
            self.draft.count_existing(known.address.kind());
        }
        let address =
            wanted.map(|declared| &declared.address).or(held.as_ref().map(|known| &known.address));
        if address.is_some_and(|address| !self.input.choice.includes(address)) {
            return Ok(());
        }
        match (wanted, held) {
            (Some(declared), held) => self.declared(declared, held),
            (None, Some(held)) => self.undeclared(held),
            (None, None) => Ok(()),
        }
    }

    /// Why a thing is made anew, when it is: it was asked for, or what it gives is.
    fn replaces(&self, kind: &dyn Kind, address: &Address) -> Option<Reason> {
        match self.input.choice.replaces(address) {
            Some(None) => return Some(Reason::ReplaceRequested),
            Some(Some(address)) => return Some(Reason::RemadeWith { address: address.clone() }),
            None if self.replaced.is_empty() => return None,
            None => {}
        }
        let joined = kind.relation().joins(address).map(|(_, thing)| thing);
        let combined = self
            .input
            .desired
            .declared(address)
            .and_then(|declared| kind.granting().combines(&declared.attributes))
            .map_or_else(Vec::new, |(members, _)| members);
        let thing =
            joined.into_iter().chain(combined).find(|thing| self.replaced.contains(thing))?;
        Some(Reason::RemadeWith { address: thing })
    }

    fn observation(&self, address: &Address) -> Option<&Observation> {
        self.input.observations.differing.get(address)
    }

    fn note_left_alone(
        &mut self,
        kind: &dyn Kind,
        address: &Address,
        observed: &Observed,
        wanted: &Attributes,
    ) {
        if let Some(text) = kind.comparison().left_alone(&observed.attributes, wanted) {
            self.draft.notes.push(Note {
                kind: NoteKind::LeftAlone,
                address: address.clone(),
                text,
            });
        }
    }
}
