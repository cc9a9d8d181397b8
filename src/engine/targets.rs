//! What a refresh looks for, by kind.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::facts::Fact;
use crate::kinds;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::KeySource;
use crate::model::SalesforceId;

/// What to look for, by kind: natural keys, and ids where they are known.
#[derive(Debug, Default)]
pub struct Targets {
    pub(super) keys: BTreeMap<usize, BTreeSet<String>>,
    pub(super) ids: BTreeMap<usize, BTreeMap<SalesforceId, Address>>,
    /// What the first query of a kind selects beyond its own columns.
    pub(super) columns: BTreeMap<usize, BTreeSet<String>>,
    /// Those of which no document is read, by kind: keys in lower case.
    pub(super) rows_only: BTreeMap<usize, BTreeSet<String>>,
}

impl Targets {
    /// Looks at further columns, as the attributes of a resource need them.
    pub fn look_at(&mut self, address: &Address, attributes: &Attributes) {
        if let Some(index) = kinds::position(address.kind())
            && let Some(columns) = kinds::ALL[index].columns()
        {
            columns.wanted(attributes, self.columns.entry(index).or_default());
        }
    }

    /// The facts that tell whether the org has the further columns.
    pub fn columns_facts(&self) -> Vec<Fact> {
        let wanted = self.columns.iter().filter(|(_, columns)| !columns.is_empty());
        wanted.filter_map(|(index, _)| Some(kinds::ALL[*index].columns()?.fact())).collect()
    }

    /// Looks at no document of a resource: its row tells all that is wanted.
    pub fn without_document(&mut self, address: &Address) {
        if let Some(index) = kinds::position(address.kind()) {
            let key = kinds::ALL[index].query_key(address).to_lowercase();
            self.rows_only.entry(index).or_default().insert(key);
        }
    }

    /// Looks for all things of a kind that a user has.
    pub fn add_relations(&mut self, user: &Address, kind: &str) {
        if let Some(index) = kinds::position(kind) {
            self.keys.entry(index).or_default().insert(user.name().to_owned());
        }
    }

    /// Looks for one resource.
    pub fn add(&mut self, address: &Address, id: Option<SalesforceId>) {
        let Some(index) = kinds::position(address.kind()) else {
            return;
        };
        let kind = kinds::ALL[index];
        self.keys.entry(index).or_default().insert(kind.query_key(address));
        let by_id = kind.queries().iter().any(|query| query.key_source == KeySource::RecordId);
        if let Some(id) = id.filter(|_| by_id) {
            self.ids.entry(index).or_default().insert(id, address.clone());
        }
    }
}
