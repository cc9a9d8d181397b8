//! Which rows have a value in a field, found without a scan.

use std::collections::BTreeSet;
use std::collections::HashMap;

use compact_str::CompactString;
use compact_str::ToCompactString as _;

use super::row::Cell;

/// The rows of one table by the values of one field.
#[derive(Debug, Default)]
pub struct Index(HashMap<CompactString, Ids>);

impl Index {
    /// A row has this value now.
    pub fn add(&mut self, key: CompactString, id: &str) {
        self.0
            .entry(key)
            .and_modify(|ids| ids.add(id))
            .or_insert_with(|| Ids::One(CompactString::from(id)));
    }

    /// A row has it no more.
    pub fn remove(&mut self, key: &CompactString, id: &str) {
        if self.0.get_mut(key).is_some_and(|ids| ids.take(id)) {
            self.0.remove(key);
        }
    }

    /// The ids of the rows with a value, in order.
    pub fn ids(&self, value: &str) -> impl Iterator<Item = &CompactString> {
        self.0.get(&lower(value)).into_iter().flat_map(Ids::iter)
    }

    /// How many rows have it.
    pub fn count(&self, value: &str) -> usize {
        self.0.get(&lower(value)).map_or(0, Ids::len)
    }
}

/// The ids of rows with one value. Most values are one row's.
#[derive(Debug)]
enum Ids {
    One(CompactString),
    Many(BTreeSet<CompactString>),
}

impl Ids {
    fn add(&mut self, id: &str) {
        match self {
            Self::One(held) if held == id => {}
            Self::One(held) => {
                *self = Self::Many([std::mem::take(held), CompactString::from(id)].into());
            }
            Self::Many(held) => {
                held.insert(CompactString::from(id));
            }
        }
    }

    /// Takes an id out; true when none is left.
    fn take(&mut self, id: &str) -> bool {
        match self {
            Self::One(held) => held == id,
            Self::Many(held) => {
                held.remove(id);
                held.is_empty()
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Many(held) => held.len(),
        }
    }

    fn iter(&self) -> impl Iterator<Item = &CompactString> {
        let (one, many) = match self {
            Self::One(held) => (Some(held), None),
            Self::Many(held) => (None, Some(held)),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

/// A value as an index knows it: in lower case, since the platform compares texts
/// without case.
pub fn key(value: &Cell) -> Option<CompactString> {
    match value {
        Cell::Text(text) => Some(lower(text)),
        Cell::Null => None,
        other => Some(other.to_json().to_compact_string()),
    }
}

fn lower(text: &str) -> CompactString {
    if text.is_ascii() {
        let mut lower = CompactString::from(text);
        lower.as_mut_str().make_ascii_lowercase();
        lower
    } else {
        CompactString::from(text.to_lowercase())
    }
}
