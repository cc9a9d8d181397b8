//! The changes of a plan, in the order of their addresses.

use std::ops::Deref;

use serde::Deserialize;
use serde::Serialize;
use serde::Serializer;

use super::Address;
use super::Change;

/// Changes, each about another thing, in the order of addresses: one is found by its
/// address in logarithmic time.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "Vec<Change>")]
pub struct Changes(Vec<Change>);

impl Changes {
    /// The change of a thing.
    pub fn of(&self, address: &Address) -> Option<&Change> {
        self.place(address).ok().map(|place| &self.0[place])
    }

    /// The change of a thing, to be added to.
    pub fn of_mut(&mut self, address: &Address) -> Option<&mut Change> {
        self.place(address).ok().map(|place| &mut self.0[place])
    }

    fn place(&self, address: &Address) -> Result<usize, usize> {
        self.0.binary_search_by(|change| change.address.cmp(address))
    }

    /// All of them, to be added to.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Change> {
        self.0.iter_mut()
    }

    /// Adds one; in constant time where it comes last.
    pub fn insert(&mut self, change: Change) -> &mut Change {
        let is_last = self.0.last().is_none_or(|last| last.address < change.address);
        let place = if is_last {
            self.0.len()
        } else {
            self.place(&change.address).unwrap_or_else(|place| place)
        };
        self.0.insert(place, change);
        &mut self.0[place]
    }

    /// Adds many at once.
    pub fn extend(&mut self, changes: impl IntoIterator<Item = Change>) {
        let before = self.0.len();
        self.0.extend(changes);
        if self.0.len() > before {
            self.0.sort_by(|left, right| left.address.cmp(&right.address));
        }
    }

    /// Drops those that are not kept.
    pub fn retain(&mut self, is_kept: impl FnMut(&Change) -> bool) {
        self.0.retain(is_kept);
    }

    /// Gives back what was set aside for more of them.
    pub fn shrink_to_fit(&mut self) {
        self.0.shrink_to_fit();
    }
}

impl From<Vec<Change>> for Changes {
    fn from(mut changes: Vec<Change>) -> Self {
        changes.sort_by(|left, right| left.address.cmp(&right.address));
        Self(changes)
    }
}

impl Deref for Changes {
    type Target = [Change];

    fn deref(&self) -> &[Change] {
        &self.0
    }
}

impl<'a> IntoIterator for &'a Changes {
    type Item = &'a Change;
    type IntoIter = std::slice::Iter<'a, Change>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl Serialize for Changes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::Changes;
    use crate::model::Action;
    use crate::model::Address;
    use crate::model::Change;
    use crate::model::Reason;

    fn change(name: &str) -> Change {
        Change::new(Address::new("user", name), Action::Create, Reason::NotDeclared)
    }

    #[test]
    fn whatever_the_order_they_come_in_they_are_found() {
        let mut changes = Changes::from(vec![change("m"), change("c")]);
        for name in ["z", "a", "d"] {
            assert_eq!(changes.insert(change(name)).address.name(), name);
        }
        changes.extend([change("e"), change("b")]);
        changes.retain(|change| change.address.name() != "z");
        let names: Vec<&str> = changes.iter().map(|change| change.address.name()).collect();
        assert_eq!(names, ["a", "b", "c", "d", "e", "m"]);
        for name in names {
            assert!(changes.of(&Address::new("user", name)).is_some(), "{name}");
        }
        assert!(changes.of_mut(&Address::new("user", "z")).is_none());
    }
}
