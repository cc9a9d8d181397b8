//! The merge of two ordered streams, declared and recorded.
//!
//! Equal pairs are counted and dropped at once, most of them by the digest in
//! header of the record, so that what is held follows what differs. What the
//! refresh observed is consulted by address; it holds only differences too.

use crate::model::RecordError;
use std::collections::BTreeSet;

use super::Desired;
use super::Input;
use super::PlanError;
use super::draft::Draft;
use super::lifecycle;
use super::notes;
use super::refresh_only;
use super::rename;
use super::rename::Renames;
use crate::kinds;
use crate::kinds::Kind;
use crate::kinds::Resolved;
use crate::kinds::Scope as _;
use crate::kinds::as_found;
use crate::kinds::as_seen;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Declared;
use crate::model::Digest;
use crate::model::Note;
use crate::model::NoteKind;
use crate::model::Observation;
use crate::model::Observed;
use crate::model::Ownership;
use crate::model::PlanMode;
use crate::model::Problem;
use crate::model::Reason;
use crate::model::Record;
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

    fn declared(
        &mut self,
        declared: &Declared,
        held: Option<Known<'_>>,
    ) -> Result<(), RecordError> {
        let Some(kind) = kinds::of(&declared.address) else { return Ok(()) };
        let resolved = match kind.resolve(declared, self.input.desired, self.input.catalog) {
            Ok(resolved) => resolved,
            Err(problems) => {
                self.problems.extend(problems);
                return Ok(());
            }
        };
        let Some(held) = held else {
            self.unrecorded(kind, declared, resolved);
            return Ok(());
        };
        let observed_as = match &held.was {
            // Somebody gave it its new name already.
            Some(was)
                if matches!(self.observation(was), Some(Observation::Gone))
                    && matches!(self.observation(&held.address), Some(Observation::Found(_))) =>
            {
                &held.address
            }
            Some(was) => was,
            None => &held.address,
        };
        let observation = self.observation(observed_as).cloned().map(|seen| self.renames.of(seen));
        let is_renamed_itself = held.was.is_some() && declared.was.is_some();
        let is_equal = observation.is_none()
            && !is_renamed_itself
            && self.replaces(kind, &declared.address).is_none()
            && held.standing == Standing::Live
            && held.protected == declared.lifecycle.prevent_destroy
            && held.digest == resolved.attributes.digest();
        if is_equal {
            self.draft.no_op += 1;
            return Ok(());
        }
        let was = held.was.clone().filter(|_| is_renamed_itself);
        let is_moved = held.was.is_some();
        let record = (held.decode)()?;
        let observation = match observation {
            Some(Observation::Gone) if is_moved => Some(self.under_another_name(&record)),
            other => other,
        };
        self.differing(kind, declared, resolved, record, was, observation);
        Ok(())
    }

    /// A thing that is named after two others, of which one has its new name
    /// already and the other not, is found by its id.
    fn under_another_name(&self, record: &Record) -> Observation {
        let observations = self.input.observations;
        let relations = observations.undeclared.values().flatten().map(|(_, observed)| observed);
        let found =
            relations.chain(observations.differing.values().filter_map(|seen| match seen {
                Observation::Found(observed) => Some(observed),
                Observation::Gone => None,
            }));
        let same =
            found.into_iter().find(|observed| observed.id.is_some() && observed.id == record.id);
        same.map_or(Observation::Gone, |observed| {
            self.renames.of(Observation::Found(observed.clone()))
        })
    }

    /// Declared, and the state does not know it.
    fn unrecorded(&mut self, kind: &dyn Kind, declared: &Declared, resolved: Resolved) {
        let observed = match self.observation(&declared.address) {
            Some(Observation::Found(observed)) => Some(observed.clone()),
            _ => None,
        };
        let (action, reason, before) = match &observed {
            Some(observed) => {
                self.note_left_alone(kind, &declared.address, observed, &resolved.attributes);
                if !observed.carried.is_empty() {
                    self.draft.notes.push(notes::carried(
                        &declared.address,
                        observed,
                        "not declared",
                    ));
                }
                let wanted = &resolved.attributes;
                let before = as_found(kind, &observed.attributes, wanted, wanted);
                (Action::Adopt, Reason::FoundInOrg, Some(before))
            }
            None => (Action::Create, Reason::NotInOrg, None),
        };
        if action == Action::Adopt {
            self.draft.count_existing(kind.name().as_str());
        }
        let mut after = resolved.attributes.into_owned();
        if let Some(before) = &before {
            self.problems.extend(kind.feedback().invisible(declared, before, self.input.catalog));
            kind.lifecycle_rules().inherit(&mut after, before);
            if let Some(path) = kind.replacement().unchangeable(before, &after) {
                self.problems.push(unchangeable_in_place(kind, declared, path, Some(before)));
                return;
            }
            lifecycle::leave_ignored(kind, declared, before, &mut after);
        }
        self.draft.changes.insert(Change {
            before,
            after: Some(after),
            defaults: kind.defaults(declared, self.input.desired, self.input.catalog),
            implied: resolved.implied,
            protected: declared.lifecycle.prevent_destroy,
            observed: observed.map(Box::new),
            ..Change::new(declared.address.clone(), action, reason)
        });
    }

    /// Declared and recorded, and something differs.
    fn differing(
        &mut self,
        kind: &dyn Kind,
        declared: &Declared,
        resolved: Resolved<'_>,
        record: Record,
        was: Option<Address>,
        observation: Option<Observation>,
    ) {
        let mut after = resolved.attributes.into_owned();
        kind.lifecycle_rules().inherit(&mut after, &record.attributes);
        let mut transient = Vec::new();
        let is_there = observation != Some(Observation::Gone);
        let is_retired = record.standing == Standing::Retired && is_there;
        if is_retired {
            let managed = after.clone();
            if let Some(retirement) = kind.retirement() {
                retirement.revive(&mut after);
            }
            transient = after
                .iter()
                .filter(|(path, _)| managed.get(path).is_none())
                .map(|(path, _)| path.to_owned().into())
                .collect();
        }

        let wanted = kind.comparison().ever_wanted(&record.attributes, &after);
        let (before, observed) = match observation {
            None => (Some(record.attributes.clone()), None),
            Some(Observation::Gone) => {
                if let Some(now) = self.input.observations.renamed.get(&declared.address) {
                    self.problems.push(rename::outside(kind, declared, now));
                    return;
                }
                self.draft.drifted(&declared.address, &record, None);
                (None, None)
            }
            Some(Observation::Found(observed)) => {
                if observed.carried != record.carried {
                    self.draft.notes.push(notes::carried(
                        &declared.address,
                        &observed,
                        "changed outside orgform",
                    ));
                }
                if !is_retired {
                    self.note_left_alone(kind, &declared.address, &observed, &wanted);
                }
                let recorded = &record.attributes;
                let seen = as_seen(kind, &observed.attributes, &wanted, recorded);
                let mut as_recorded = as_seen(kind, &observed.attributes, recorded, recorded);
                lifecycle::leave_ignored(kind, declared, recorded, &mut as_recorded);
                if as_recorded != record.attributes {
                    self.draft.drifted(&declared.address, &record, Some(as_recorded));
                }
                (Some(seen), Some(observed))
            }
        };

        if let Some(before) = &before {
            self.problems.extend(kind.feedback().invisible(declared, before, self.input.catalog));
            lifecycle::leave_ignored(kind, declared, before, &mut after);
        }
        // What is declared no more and left as it is in the org is no change.
        let before = before.map(|mut before: Attributes| {
            before.retain(|path, _| {
                is_retired
                    || after.get(path).is_some()
                    || !kind.lifecycle_rules().is_left_when_undeclared(path)
            });
            before
        });
        let mut replaced = self.replaces(kind, &declared.address).filter(|_| before.is_some());
        let unchangeable =
            before.as_ref().and_then(|before| kind.replacement().unchangeable(before, &after));
        if let Some(path) = unchangeable.filter(|_| replaced.is_none()) {
            if record.ownership != Ownership::Created {
                self.problems.push(unchangeable_in_place(kind, declared, path, before.as_ref()));
                return;
            }
            replaced = Some(Reason::LicenseChanged);
        }
        if !is_retired && was.is_none() && replaced.is_none() && before.as_ref() == Some(&after) {
            let mut corrected = record.clone();
            if let Some(observed) = &observed {
                corrected.take_over(observed);
            }
            corrected.attributes = after;
            corrected.protected = declared.lifecycle.prevent_destroy;
            if corrected != record {
                self.draft.sync.insert(declared.address.clone(), Some(corrected));
            }
            self.draft.no_op += 1;
            return;
        }
        let (action, reason) = match (&before, was) {
            (None, _) => (Action::Create, Reason::RemovedOutside),
            (Some(_), was) if replaced.is_some() => {
                let reason = replaced.unwrap_or(Reason::ReplaceRequested);
                if was.is_some() {
                    self.problems.push(renamed_and_replaced(kind, declared));
                    return;
                }
                self.replaced.insert(declared.address.clone());
                (Action::Replace, reason)
            }
            (Some(_), Some(from)) => (Action::Update, Reason::Renamed { from }),
            (Some(_), None) if is_retired => (Action::Update, Reason::DeactivatedByUs),
            (Some(before), None) if is_incomplete(kind, before, &after) => {
                (Action::Update, Reason::Incomplete)
            }
            (Some(_), None) => (Action::Update, Reason::Differs),
        };
        if action == Action::Replace && (declared.lifecycle.prevent_destroy || record.protected) {
            self.problems.push(lifecycle::never_replaced(kind, declared));
            return;
        }
        self.draft.changes.insert(Change {
            before,
            after: Some(after),
            defaults: kind.defaults(declared, self.input.desired, self.input.catalog),
            implied: resolved.implied,
            transient,
            protected: declared.lifecycle.prevent_destroy,
            recorded: Some(Box::new(record)),
            observed: observed.map(Box::new),
            ..Change::new(declared.address.clone(), action, reason)
        });
    }

    /// Recorded, and declared no more (or destroy was asked for).
    fn undeclared(&mut self, held: Known<'_>) -> Result<(), RecordError> {
        if kinds::of(&held.address).is_none() {
            return Err(RecordError::UnknownKind(held.address));
        }
        let observation =
            self.observation(&held.address).cloned().map(|seen| self.renames.of(seen));
        let address = held.address;
        if self.input.mode == PlanMode::RefreshOnly && observation.is_none() {
            self.draft.no_op += 1;
            return Ok(());
        }
        let record = (held.decode)()?;
        if self.input.mode == PlanMode::RefreshOnly {
            let renamed = self.input.observations.renamed.get(&address);
            refresh_only::take_in(self.draft, address, record, observation, renamed);
            return Ok(());
        }
        let kind = kinds::of(&address);
        // Who is active again all the same is taken away by destroy, and by
        // nothing else.
        let shown = match (&observation, self.input.mode) {
            (Some(Observation::Found(observed)), PlanMode::Destroy { .. }) => &observed.attributes,
            _ => &record.attributes,
        };
        let has_left = kind
            .and_then(kinds::Kind::retirement)
            .is_none_or(|retirement| retirement.has_left(shown));
        if held.standing == Standing::Retired && has_left {
            if self.input.desired.is_released(&address) {
                self.draft.sync.insert(address, None);
            }
            return Ok(());
        }
        let (before, observed) = match observation {
            None => (record.attributes.clone(), None),
            Some(Observation::Gone) => {
                if let Some(now) = self.input.observations.renamed.get(&address) {
                    self.draft.notes.push(notes::renamed_outside(&address, now));
                    return Ok(());
                }
                self.draft.drifted(&address, &record, None);
                self.draft.sync.insert(address, None);
                return Ok(());
            }
            Some(Observation::Found(observed)) => {
                let seen = kind.map_or_else(Attributes::new, |kind| {
                    as_seen(kind, &observed.attributes, &record.attributes, &record.attributes)
                });
                if seen != record.attributes {
                    self.draft.drifted(&address, &record, Some(seen.clone()));
                }
                // What the kind left out of the comparison (whether a user is
                // active, say) still matters for taking it away.
                let mut before = observed.attributes.clone();
                before.extend(&seen);
                (before, Some(observed))
            }
        };
        let (reason, takes_adopted) = match self.input.mode {
            PlanMode::Destroy { include_adopted, .. } => (Reason::Destroy, include_adopted),
            PlanMode::Converge | PlanMode::RefreshOnly => (Reason::NotDeclared, false),
        };
        let (action, reason) = if self.input.desired.is_released(&address) {
            (Action::Release, Reason::ReleaseRequested)
        } else if record.ownership == Ownership::Created || takes_adopted {
            (Action::Delete, reason)
        } else {
            (Action::Release, reason)
        };
        if action == Action::Delete && lifecycle::is_protected(self.input, &address, &record)? {
            self.draft.notes.push(Note {
                kind: NoteKind::Protected,
                address,
                text: "kept, since `prevent_destroy` protects it".to_owned(),
            });
            return Ok(());
        }
        self.draft.changes.insert(Change {
            before: Some(before),
            recorded: Some(Box::new(record)),
            observed: observed.map(Box::new),
            ..Change::new(address, action, reason)
        });
        Ok(())
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

/// What orgform did not make, it does not delete to make it anew.
fn unchangeable_in_place(
    kind: &dyn Kind,
    declared: &Declared,
    path: &str,
    before: Option<&Attributes>,
) -> Problem {
    let has = match before.and_then(|before| before.text(path)) {
        Some(value) => format!("it has `{value}`"),
        None => "it has none".to_owned(),
    };
    Problem::at(
        declared,
        kind.place(&declared.address, path),
        format!(
            "its `{path}` can't be changed once it is there, and orgform did not make it: {has}"
        ),
    )
    .hint("take the line out, or declare it under another name")
}

fn renamed_and_replaced(kind: &dyn Kind, declared: &Declared) -> Problem {
    Problem::at(
        declared,
        kind.place(&declared.address, "was"),
        "it can't be renamed and made anew in one go",
    )
    .hint("apply the new name first")
}

/// Whether a milestone of the kind is missing and nothing else differs.
fn is_incomplete(kind: &dyn Kind, before: &Attributes, after: &Attributes) -> bool {
    let mut reached = before.clone();
    for path in kind.comparison().milestones() {
        reached.set_some(*path, after.get(path).cloned());
    }
    reached == *after
}
