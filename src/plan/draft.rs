//! A plan in the making.

use crate::model::Action;
use crate::model::Changes;
use crate::model::Reason;
use crate::model::RecordError;
use crate::model::Recorded;
use std::collections::BTreeMap;

use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Note;
use crate::model::Record;

/// What the steps of the planner add to.
#[derive(Debug, Default)]
pub struct Draft {
    /// Changes, in the order of addresses.
    pub changes: Changes,
    /// How many things are as declared.
    pub no_op: u64,
    /// Records to correct without a call.
    pub sync: BTreeMap<Address, Option<Record>>,
    /// What was changed outside.
    pub drift: BTreeMap<Address, (Attributes, Option<Attributes>)>,
    /// How many resources of each kind are in use before the plan.
    pub existing: BTreeMap<String, u64>,
    /// What else there is to say.
    pub notes: Vec<Note>,
}

impl Draft {
    /// Counts a resource that is in use.
    pub fn count_existing(&mut self, kind: &str) {
        match self.existing.get_mut(kind) {
            Some(count) => *count += 1,
            None => {
                self.existing.insert(kind.to_string(), 1);
            }
        }
    }

    /// The change of a thing, to be added to: the one that is planned, or an update that
    /// leaves it as it is recorded; `None` where nothing is.
    ///
    /// # Errors
    /// When the state can't be read.
    pub fn change_of(
        &mut self,
        address: &Address,
        reason: Reason,
        recorded: &dyn Recorded,
    ) -> Result<Option<&mut Change>, RecordError> {
        if self.changes.of(address).is_none() {
            let Some(record) = recorded.get(address)? else { return Ok(None) };
            let attributes = Some(record.attributes.clone());
            self.changes.insert(Change {
                before: attributes.clone(),
                after: attributes,
                protected: record.protected,
                recorded: Some(Box::new(record)),
                ..Change::new(address.clone(), Action::Update, reason)
            });
            self.no_op = self.no_op.saturating_sub(1);
        }
        Ok(self.changes.of_mut(address))
    }

    /// Takes note of what was changed outside.
    pub fn drifted(&mut self, address: &Address, record: &Record, seen: Option<Attributes>) {
        self.drift.insert(address.clone(), (record.attributes.clone(), seen));
    }
}
