//! What is known by a name and a label: permission sets, groups of them, queues, public
//! groups and roles.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::Serialize;

use super::Catalog;
use super::family::Family;
use super::family::Table;
use super::known::Policy;
use super::question::Answer;
use super::question::Question;
use super::question::Rows;
use crate::model::Filter;
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

/// A sort of things that are asked for by name or label in one object.
pub trait Named {
    /// What one is called, as a fragment.
    const NOUN: &'static str;
    /// Under which word the state keeps answers.
    const TAG: &'static str;
    /// How long an answer holds.
    const POLICY: Policy;
    /// The object.
    const OBJECT: &'static str;
    /// The columns that hold the name and the label.
    const NAME_AND_LABEL: (&'static str, &'static str);
    /// All columns that are asked for.
    const COLUMNS: &'static [&'static str];
    /// What all rows that are asked for have in common.
    const FILTERS: &'static [Filter] = &[];

    /// Whether a row is about such a thing, where rows of other sorts are asked for along
    /// with them.
    fn is_one(_row: &Row) -> bool {
        true
    }
}

/// The family of the things of one sort.
pub struct ByName<N>(PhantomData<N>);

impl<N> Default for ByName<N> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<N: Named> fmt::Debug for ByName<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ByName").field(&N::NOUN).finish()
    }
}

impl<N: Named + Send> Family for ByName<N> {
    type Key = String;
    type Answer = Vec<NamedFact>;

    const TAG: &'static str = N::TAG;
    const POLICY: Policy = N::POLICY;

    fn describe(name: &String) -> String {
        format!("{} `{name}`", N::NOUN)
    }

    fn questions(&mut self, round: usize, asked: &BTreeSet<String>, _: &Catalog) -> Vec<Question> {
        if round > 0 {
            return Vec::new();
        }
        let rows = Rows::named(N::OBJECT, N::COLUMNS, N::NAME_AND_LABEL, asked);
        rows.filtered(N::FILTERS).questions()
    }

    fn read(
        &mut self,
        _: usize,
        answer: Answer<'_>,
        asked: &BTreeSet<String>,
        table: &mut Table<Self>,
    ) {
        if let Answer::Row(row) = answer
            && N::is_one(row)
            && let Some(found) = read::<N>(row)
        {
            take(&found, asked, table);
        }
    }

    fn is_nothing(answer: &Self::Answer) -> bool {
        answer.is_empty()
    }
}

fn read<N: Named>(row: &Row) -> Option<NamedFact> {
    let (name, label) = N::NAME_AND_LABEL;
    Some(NamedFact {
        id: SalesforceId::parse(row.text("Id")?)?,
        name: row.packaged_name("NamespacePrefix", name)?,
        label: row.text(label).unwrap_or_default().to_owned(),
    })
}

/// Takes a thing into the answers: it answers to its name, and to its label only where no
/// name fits. Several answer to a label that fits several.
fn take<F>(found: &NamedFact, asked: &BTreeSet<String>, table: &mut Table<F>)
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
