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
    use super::Contents;
    use super::OpenIntents;
    use crate::model::Address;
    use crate::model::Op;
    use crate::model::Ownership;
    use crate::model::Record;
    use crate::model::RecordEffect;
    use crate::model::SalesforceId;
    use crate::model::StepName;
    use crate::model::UnixSeconds;
    use crate::model::Write;
    use crate::state::Intent;
    use crate::state::base::Base;
    use crate::state::log_line::DeployBegun;
    use crate::state::log_line::Entry;
    use crate::state::log_line::Settled;

    fn set(name: &str) -> Address {
        Address::new("permission_set", name)
    }

    fn making(name: &str) -> Op {
        Op {
            address: set(name),
            step: StepName::Write,
            write: Write::Insert { object: "X".into(), fields: Vec::new() },
            after: Vec::new(),
            subject: None,
            lane: None,
            effect: RecordEffect { creates: Some(Ownership::Created), ..RecordEffect::default() },
        }
    }

    fn intent(number: u64, names: &[&str]) -> Intent {
        let ops = names.iter().map(|name| making(name)).collect();
        Intent { number, ..Intent::new("run", UnixSeconds(1), ops) }
    }

    #[test]
    fn only_earlier_calls_are_settled_by_what_became_of_a_later_one() {
        // The deletion in between is number 1; what makes it anew is on its way.
        let open = OpenIntents::new(vec![intent(0, &["S"]), intent(2, &["S"])]);
        assert_eq!(open.making(&set("S"), 1).collect::<Vec<_>>(), [(0, 0)]);
    }

    #[test]
    fn a_base_and_its_log_come_to_what_the_last_entries_say() {
        let base = Base {
            format_version: 2,
            org_id: "00D000000000001".to_owned(),
            lineage: "l".to_owned(),
            serial: 4,
            next_intent: 1,
            resources: [("A", Ownership::Created), ("B", Ownership::Created)]
                .map(|(name, ownership)| (set(name), Record::new(ownership)))
                .into(),
            open: vec![intent(0, &["X", "Y"])],
        };
        let deploy = SalesforceId::parse("0Af000000000001").expect("an id");
        let entries = vec![
            Entry {
                serial: 5,
                begin: vec![intent(1, &["C"])],
                deploy: vec![DeployBegun { intent: 0, id: deploy.clone() }],
                settle: vec![Settled { intent: 0, ops: vec![1] }],
                forget: vec![set("A")],
                ..Entry::default()
            },
            Entry {
                serial: 6,
                settle: vec![Settled { intent: 1, ops: vec![0] }],
                set: [("B", Ownership::Adopted), ("C", Ownership::Created)]
                    .map(|(name, ownership)| (set(name), Record::new(ownership)))
                    .into(),
                ..Entry::default()
            },
        ];
        let contents = Contents::of(base, entries);
        assert_eq!((contents.header.serial, contents.header.next_intent), (6, 2));
        let held = contents.resources.iter();
        let held: Vec<_> =
            held.map(|(address, record)| (address.name(), record.ownership)).collect();
        assert_eq!(held, [("B", Ownership::Adopted), ("C", Ownership::Created)]);
        let [open] = contents.open.all() else { panic!("one call is open: {:?}", contents.open) };
        assert_eq!((open.number, &open.deploys), (0, &vec![deploy]));
        assert_eq!(open.open_ops().map(|(place, _)| place).collect::<Vec<_>>(), [0]);
    }
}
