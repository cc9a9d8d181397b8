//! What is declared: made, taken over, changed, made anew, or as it should be.

use super::Known;
use super::Merge;
use crate::kinds;
use crate::kinds::Kind;
use crate::kinds::Resolved;
use crate::kinds::as_found;
use crate::kinds::as_seen;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Declared;
use crate::model::Observation;
use crate::model::Observed;
use crate::model::Ownership;
use crate::model::Path;
use crate::model::Problem;
use crate::model::Reason;
use crate::model::Record;
use crate::model::RecordError;
use crate::model::Standing;
use crate::plan::lifecycle;
use crate::plan::notes;
use crate::plan::rename;

/// A thing that is declared and recorded.
struct Pair<'a> {
    kind: &'a dyn Kind,
    declared: &'a Declared,
    record: Record,
    /// The name that it is recorded under, where it is to be renamed.
    was: Option<Address>,
}

impl Merge<'_, '_> {
    pub(super) fn declared(
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
        self.differing(Pair { kind, declared, record, was }, resolved, observation);
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
                self.problems.push(unchangeable_in_place(kind, declared, path, before));
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
        pair: Pair<'_>,
        resolved: Resolved<'_>,
        observation: Option<Observation>,
    ) {
        let Pair { kind, declared, record, .. } = &pair;
        let mut after = resolved.attributes.into_owned();
        kind.lifecycle_rules().inherit(&mut after, &record.attributes);
        let is_there = observation != Some(Observation::Gone);
        let is_retired = record.standing == Standing::Retired && is_there;
        let transient = if is_retired { revive(*kind, &mut after) } else { Vec::new() };
        let wanted = kind.comparison().ever_wanted(&record.attributes, &after);
        let Some((before, observed)) = self.as_it_is(&pair, &wanted, is_retired, observation)
        else {
            return;
        };
        if let Some(before) = &before {
            self.problems.extend(kind.feedback().invisible(declared, before, self.input.catalog));
            lifecycle::leave_ignored(*kind, declared, before, &mut after);
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
        let why = self.replacing(&pair, before.as_ref(), &after).and_then(|replaced| {
            let is_same = before.as_ref() == Some(&after);
            if !is_retired && pair.was.is_none() && replaced.is_none() && is_same {
                return Ok(None);
            }
            why(&pair, before.as_ref(), &after, is_retired, replaced).map(Some)
        });
        let (action, reason) = match why {
            Ok(Some(why)) => why,
            Ok(None) => return self.equal_after_all(pair, after, observed.as_ref()),
            Err(problem) => return self.problems.push(problem),
        };
        if action == Action::Replace {
            self.replaced.insert(declared.address.clone());
            if declared.lifecycle.prevent_destroy || record.protected {
                return self.problems.push(lifecycle::never_replaced(*kind, declared));
            }
        }
        let mut change = Change {
            before,
            after: Some(after),
            defaults: kind.defaults(declared, self.input.desired, self.input.catalog),
            implied: resolved.implied,
            transient,
            protected: declared.lifecycle.prevent_destroy,
            observed: observed.map(Box::new),
            ..Change::new(declared.address.clone(), action, reason)
        };
        change.recorded = Some(Box::new(pair.record));
        self.draft.changes.insert(change);
    }

    /// The attributes that a recorded thing has now, and what of it was observed to be
    /// different; `None` where somebody renamed it, which is a problem.
    fn as_it_is(
        &mut self,
        pair: &Pair<'_>,
        wanted: &Attributes,
        is_retired: bool,
        observation: Option<Observation>,
    ) -> Option<(Option<Attributes>, Option<Observed>)> {
        let Pair { kind, declared, record, .. } = pair;
        let observed = match observation {
            None => return Some((Some(record.attributes.clone()), None)),
            Some(Observation::Gone) => {
                if let Some(now) = self.input.observations.renamed.get(&declared.address) {
                    self.problems.push(rename::outside(*kind, declared, now));
                    return None;
                }
                self.draft.drifted(&declared.address, record, None);
                return Some((None, None));
            }
            Some(Observation::Found(observed)) => observed,
        };
        if observed.carried != record.carried {
            let changed = notes::carried(&declared.address, &observed, "changed outside orgform");
            self.draft.notes.push(changed);
        }
        if !is_retired {
            self.note_left_alone(*kind, &declared.address, &observed, wanted);
        }
        let recorded = &record.attributes;
        let seen = as_seen(*kind, &observed.attributes, wanted, recorded);
        let mut as_recorded = as_seen(*kind, &observed.attributes, recorded, recorded);
        lifecycle::leave_ignored(*kind, declared, recorded, &mut as_recorded);
        if as_recorded != record.attributes {
            self.draft.drifted(&declared.address, record, Some(as_recorded));
        }
        Some((Some(seen), Some(observed)))
    }

    /// Why a thing that is there is to be made anew, where it is.
    ///
    /// # Errors
    /// When it would have to be, and is not ours.
    fn replacing(
        &self,
        pair: &Pair<'_>,
        before: Option<&Attributes>,
        after: &Attributes,
    ) -> Result<Option<Reason>, Problem> {
        let Pair { kind, declared, record, .. } = pair;
        let Some(before) = before else { return Ok(None) };
        if let Some(reason) = self.replaces(*kind, &declared.address) {
            return Ok(Some(reason));
        }
        match kind.replacement().unchangeable(before, after) {
            Some(path) if record.ownership != Ownership::Created => {
                Err(unchangeable_in_place(*kind, declared, path, before))
            }
            Some(_) => Ok(Some(Reason::LicenseChanged)),
            None => Ok(None),
        }
    }

    /// Nothing is to be written; the record may still be behind.
    fn equal_after_all(&mut self, pair: Pair<'_>, after: Attributes, observed: Option<&Observed>) {
        let mut corrected = pair.record.clone();
        if let Some(observed) = observed {
            corrected.take_over(observed);
        }
        corrected.attributes = after;
        corrected.protected = pair.declared.lifecycle.prevent_destroy;
        if corrected != pair.record {
            self.draft.sync.insert(pair.declared.address.clone(), Some(corrected));
        }
        self.draft.no_op += 1;
    }
}

/// Wants who was deactivated by us in use again; the paths that only this wants.
fn revive(kind: &dyn Kind, after: &mut Attributes) -> Vec<Path> {
    let managed = after.clone();
    if let Some(retirement) = kind.retirement() {
        retirement.revive(after);
    }
    let revived = after.iter().filter(|(path, _)| managed.get(path).is_none());
    revived.map(|(path, _)| path.to_owned().into()).collect()
}

/// What is done with a thing that differs, and why.
fn why(
    pair: &Pair<'_>,
    before: Option<&Attributes>,
    after: &Attributes,
    is_retired: bool,
    replaced: Option<Reason>,
) -> Result<(Action, Reason), Problem> {
    let Some(before) = before else { return Ok((Action::Create, Reason::RemovedOutside)) };
    Ok(match (replaced, &pair.was) {
        (Some(_), Some(_)) => return Err(renamed_and_replaced(pair.kind, pair.declared)),
        (Some(reason), None) => (Action::Replace, reason),
        (None, Some(from)) => (Action::Update, Reason::Renamed { from: from.clone() }),
        (None, None) if is_retired => (Action::Update, Reason::DeactivatedByUs),
        (None, None) if is_incomplete(pair.kind, before, after) => {
            (Action::Update, Reason::Incomplete)
        }
        (None, None) => (Action::Update, Reason::Differs),
    })
}

/// Whether a milestone of the kind is missing and nothing else differs.
fn is_incomplete(kind: &dyn Kind, before: &Attributes, after: &Attributes) -> bool {
    let mut reached = before.clone();
    for path in kind.comparison().milestones() {
        reached.set_some(*path, after.get(path).cloned());
    }
    reached == *after
}

/// What orgform did not make, it does not delete to make it anew.
fn unchangeable_in_place(
    kind: &dyn Kind,
    declared: &Declared,
    path: &str,
    before: &Attributes,
) -> Problem {
    let has = match before.text(path) {
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
