//! What base and log come to together: records and open intents up to one serial.
//!
//! Pure: it reads nothing itself.

use std::collections::BTreeMap;

use super::base::Base;
use super::base::Header;
use super::entries::Intent;
use super::log_line::Entry;
use crate::model::Address;
use crate::model::Record;

/// Calls of which it is not known yet what became of them.
#[derive(Clone, Debug, Default)]
pub struct OpenIntents {
    open: Vec<Intent>,
}

impl OpenIntents {
    /// Those that a base holds.
    pub fn new(open: Vec<Intent>) -> Self {
        Self { open }
    }

    /// All of them, in the order in which they were announced.
    pub fn all(&self) -> &[Intent] {
        &self.open
    }

    /// One of them.
    pub fn get(&self, number: u64) -> Option<&Intent> {
        self.open.iter().find(|intent| intent.number == number)
    }

    /// Takes in what an entry says of them.
    pub fn take(&mut self, entry: &Entry) {
        self.open.extend(entry.begin.iter().cloned());
        for begun in &entry.deploy {
            if let Some(intent) = self.open.iter_mut().find(|held| held.number == begun.intent) {
                intent.deploys.push(begun.id.clone());
            }
        }
        for settled in &entry.settle {
            if let Some(intent) = self.open.iter_mut().find(|held| held.number == settled.intent) {
                intent.settled.extend(&settled.ops);
            }
        }
        if !entry.settle.is_empty() {
            self.open.retain(|intent| intent.open_ops().next().is_some());
        }
    }

    /// Open ops of earlier intents than one that were to make a resource: once it is known
    /// what became of the resource by that one, they are settled too. A later one may be
    /// on its way by then.
    pub fn making<'a>(
        &'a self,
        address: &'a Address,
        before: u64,
    ) -> impl Iterator<Item = (u64, u32)> + 'a {
        let others = self.open.iter().filter(move |intent| intent.number < before);
        others.flat_map(move |intent| {
            intent
                .open_ops()
                .filter(move |(_, op)| op.effect.creates.is_some() && op.address == *address)
                .map(move |(place, _)| (intent.number, place))
        })
    }
}

/// A whole state.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The header of its base, its serial that of the last entry.
    pub header: Header,
    /// All records.
    pub resources: BTreeMap<Address, Record>,
    /// Open calls.
    pub open: OpenIntents,
}

impl Contents {
    /// What a base and the entries behind it come to.
    pub fn of(base: Base, entries: Vec<Entry>) -> Self {
        let header = base.header();
        let open = OpenIntents::new(base.open);
        let mut contents = Self { header, resources: base.resources, open };
        for entry in entries {
            contents.take(entry);
        }
        contents
    }

    fn take(&mut self, entry: Entry) {
        self.header.serial = self.header.serial.max(entry.serial);
        let numbers = entry.begin.iter().map(|intent| intent.number + 1);
        self.header.next_intent = numbers.max().unwrap_or(0).max(self.header.next_intent);
        self.open.take(&entry);
        for address in entry.forget {
            self.resources.remove(&address);
        }
        self.resources.extend(entry.set);
    }
}

#[cfg(test)]
mod tests {
    use super::OpenIntents;
    use crate::model::Address;
    use crate::model::Op;
    use crate::model::Ownership;
    use crate::model::RecordEffect;
    use crate::model::StepName;
    use crate::model::Write;
    use crate::state::Intent;

    #[test]
    fn only_earlier_calls_are_settled_by_what_became_of_a_later_one() {
        let address = Address::new("permission_set", "S");
        let op = Op {
            address: address.clone(),
            step: StepName::Write,
            write: Write::Insert { object: "X".into(), fields: Vec::new() },
            after: Vec::new(),
            subject: None,
            lane: None,
            effect: RecordEffect { creates: Some(Ownership::Created), ..RecordEffect::default() },
        };
        let intent = |number| Intent {
            number,
            ..Intent::new("run", crate::model::UnixSeconds::default(), vec![op.clone()])
        };
        // The deletion in between is number 1; what makes it anew is on its way.
        let open = OpenIntents::new(vec![intent(0), intent(2)]);
        assert_eq!(open.making(&address, 1).collect::<Vec<_>>(), [(0, 0)]);
    }
}
