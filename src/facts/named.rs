//! What is known by a name and a label: permission sets, groups of them, queues, public
//! groups and roles.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::family::Family;
use super::family::Table;
use crate::model::Row;
use crate::model::RowExt as _;
use crate::model::SalesforceId;

/// A thing with a name and a label that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedFact {
    /// Its id.
    pub id: SalesforceId,
    /// Its name; with the namespace in front when it is packaged.
    pub name: String,
    /// The label in Setup.
    pub label: String,
}

impl NamedFact {
    /// Reads a row whose columns hold the name and the label.
    pub(super) fn read(row: &Row, (name, label): (&str, &str)) -> Option<Self> {
        Some(Self {
            id: SalesforceId::parse(row.text("Id")?)?,
            name: row.packaged_name("NamespacePrefix", name)?,
            label: row.text(label).unwrap_or_default().to_owned(),
        })
    }
}

/// Takes a thing into the answers: it answers to its name, and to its label only where no
/// name fits. Several answer to a label that fits several.
pub(super) fn take<F>(found: &NamedFact, asked: &BTreeSet<String>, table: &mut Table<F>)
where
    F: Family<Key = String, Answer = Vec<NamedFact>>,
{
    for written in asked {
        let is_named = |thing: &NamedFact| written.eq_ignore_ascii_case(&thing.name);
        let held = table.get(written).list();
        if is_named(found) {
            table.insert(written.clone(), vec![found.clone()]);
        } else if written.eq_ignore_ascii_case(&found.label) && !held.iter().any(is_named) {
            table.grown(written.clone()).push(found.clone());
        }
    }
    if !asked.contains(&found.name) {
        table.insert(found.name.clone(), vec![found.clone()]);
    }
}
