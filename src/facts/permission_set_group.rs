//! A permission set group that is there, by `namespace__Name`, name or label.

use std::collections::BTreeSet;

use super::Catalog;
use super::family::Family;
use super::family::Table;
use super::known::Policy;
use super::named::NamedFact;
use super::named::take;
use super::question::Answer;
use super::question::Question;
use super::question::Rows;

/// Permission set groups by name or label.
#[derive(Debug, Default)]
pub struct PermissionSetGroup;

const NAMED: (&str, &str) = ("DeveloperName", "MasterLabel");
const COLUMNS: &[&str] = &["Id", "DeveloperName", "NamespacePrefix", "MasterLabel"];

impl Family for PermissionSetGroup {
    type Key = String;
    type Answer = Vec<NamedFact>;

    const TAG: &'static str = "permission_sets";
    const POLICY: Policy = Policy::ForChanges;

    fn describe(name: &String) -> String {
        format!("permission set group `{name}`")
    }

    fn questions(&mut self, round: usize, asked: &BTreeSet<String>, _: &Catalog) -> Vec<Question> {
        if round > 0 {
            return Vec::new();
        }
        Rows::named("PermissionSetGroup", COLUMNS, NAMED, asked).questions()
    }

    fn read(
        &mut self,
        _: usize,
        answer: Answer<'_>,
        asked: &BTreeSet<String>,
        table: &mut Table<Self>,
    ) {
        if let Answer::Row(row) = answer
            && let Some(found) = NamedFact::read(row, NAMED)
        {
            take(&found, asked, table);
        }
    }

    fn is_nothing(answer: &Self::Answer) -> bool {
        answer.is_empty()
    }
}
