//! Whether the org has person accounts, and their record types.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::Catalog;
use super::describe::listed;
use super::family::Family;
use super::family::Table;
use super::known::Policy;
use super::question::Answer;
use super::question::Question;
use super::question::Rows;
use crate::model::Filter;
use crate::model::RowExt as _;

/// Developer names of the record types of person accounts, with a namespace in front
/// where there is one; none without the feature.
///
/// The accounts of an org with the feature have a field of their own, whoever asks. Record
/// types are only asked for then: without the feature theirs has no such column, so that
/// the question would be refused (Object Reference, `RecordType`).
#[derive(Debug, Default)]
pub struct PersonAccounts {
    has_feature: bool,
}

const COLUMNS: &[&str] = &["DeveloperName", "NamespacePrefix"];
const FILTERS: &[Filter] =
    &[Filter::Equals("SobjectType", "Account"), Filter::IsTrue("IsPersonType")];

impl Family for PersonAccounts {
    type Key = ();
    type Answer = Vec<String>;

    const TAG: &'static str = "person_accounts";
    const POLICY: Policy = Policy::KeptForADay;

    fn describe((): &()) -> String {
        "whether it has person accounts".to_owned()
    }

    fn questions(&mut self, round: usize, _: &BTreeSet<()>, _: &Catalog) -> Vec<Question> {
        match round {
            0 => vec![Question::Describe { object: "Account".to_owned(), is_shared: true }],
            1 if self.has_feature => Rows::all("RecordType", COLUMNS).filtered(FILTERS).questions(),
            _ => Vec::new(),
        }
    }

    fn read(&mut self, _: usize, answer: Answer<'_>, _: &BTreeSet<()>, table: &mut Table<Self>) {
        match answer {
            Answer::Described(accounts) => {
                let tells = |accounts: &&Json| accounts.get("fields").is_some_and(Json::is_array);
                let is_it = |field: &Json| field.get("name") == Some(&"IsPersonAccount".into());
                self.has_feature = accounts
                    .filter(tells)
                    .is_none_or(|accounts| listed(accounts, "fields").any(is_it));
            }
            Answer::Row(row) => {
                if let Some(name) = row.packaged_name("NamespacePrefix", "DeveloperName") {
                    table.grown(()).push(name);
                }
            }
            _ => {}
        }
    }

    fn unanswered() -> Option<Self::Answer> {
        Some(Vec::new())
    }
}
