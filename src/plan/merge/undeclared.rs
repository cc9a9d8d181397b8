//! What is recorded and declared no more, or to be destroyed.

use super::Known;
use super::Merge;
use crate::kinds;
use crate::kinds::as_seen;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Note;
use crate::model::NoteKind;
use crate::model::Observation;
use crate::model::Observed;
use crate::model::Ownership;
use crate::model::PlanMode;
use crate::model::Reason;
use crate::model::Record;
use crate::model::RecordError;
use crate::model::Standing;
use crate::plan::lifecycle;
use crate::plan::notes;
use crate::plan::refresh_only;

impl Merge<'_, '_> {
    /// Recorded, and declared no more (or destroy was asked for).
    pub(super) fn undeclared(&mut self, held: Known<'_>) -> Result<(), RecordError> {
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
        if held.standing == Standing::Retired
            && self.has_left(&address, &record, observation.as_ref())
        {
            if self.input.desired.is_released(&address) {
                self.draft.sync.insert(address, None);
            }
            return Ok(());
        }
        let Some((before, observed)) = self.what_leaves(&address, &record, observation) else {
            return Ok(());
        };
        let (action, reason) = self.how_it_leaves(&address, &record);
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

    /// Whether what we deactivated still is. Who is active again all the same is taken
    /// away by destroy, and by nothing else.
    fn has_left(
        &self,
        address: &Address,
        record: &Record,
        observation: Option<&Observation>,
    ) -> bool {
        let shown = match (observation, self.input.mode) {
            (Some(Observation::Found(observed)), PlanMode::Destroy { .. }) => &observed.attributes,
            _ => &record.attributes,
        };
        kinds::of(address)
            .and_then(kinds::Kind::retirement)
            .is_none_or(|retirement| retirement.has_left(shown))
    }

    /// The attributes of what is to be taken away, and what was observed of it; `None`
    /// where there is nothing to take.
    fn what_leaves(
        &mut self,
        address: &Address,
        record: &Record,
        observation: Option<Observation>,
    ) -> Option<(Attributes, Option<Observed>)> {
        match observation {
            None => Some((record.attributes.clone(), None)),
            Some(Observation::Gone) => {
                if let Some(now) = self.input.observations.renamed.get(address) {
                    self.draft.notes.push(notes::renamed_outside(address, now));
                    return None;
                }
                self.draft.drifted(address, record, None);
                self.draft.sync.insert(address.clone(), None);
                None
            }
            Some(Observation::Found(observed)) => {
                let recorded = &record.attributes;
                let seen = kinds::of(address).map_or_else(Attributes::new, |kind| {
                    as_seen(kind, &observed.attributes, recorded, recorded)
                });
                if seen != record.attributes {
                    self.draft.drifted(address, record, Some(seen.clone()));
                }
                // What the kind left out of the comparison (whether a user is
                // active, say) still matters for taking it away.
                let mut before = observed.attributes.clone();
                before.extend(&seen);
                Some((before, Some(observed)))
            }
        }
    }

    /// Whether it is deleted or only managed no more, and why.
    fn how_it_leaves(&self, address: &Address, record: &Record) -> (Action, Reason) {
        if self.input.desired.is_released(address) {
            return (Action::Release, Reason::ReleaseRequested);
        }
        let (reason, takes_adopted) = match self.input.mode {
            PlanMode::Destroy { include_adopted, .. } => (Reason::Destroy, include_adopted),
            PlanMode::Converge | PlanMode::RefreshOnly => (Reason::NotDeclared, false),
        };
        let is_taken = record.ownership == Ownership::Created || takes_adopted;
        (if is_taken { Action::Delete } else { Action::Release }, reason)
    }
}
