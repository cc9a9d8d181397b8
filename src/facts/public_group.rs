//! A public group that is there, by developer name or label.

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
use crate::model::Filter;
use crate::model::RowExt as _;

/// Public groups by developer name or label.
#[derive(Debug, Default)]
pub struct PublicGroup;

const NAMED: (&str, &str) = ("DeveloperName", "Name");
const COLUMNS: &[&str] = &["Id", "DeveloperName", "Name", "Type"];
// Queues and public groups are asked for together.
const FILTERS: &[Filter] = &[Filter::In("Type", &["Queue", "Regular"])];

impl Family for PublicGroup {
    type Key = String;
    type Answer = Vec<NamedFact>;

    const TAG: &'static str = "permission_sets";
    const POLICY: Policy = Policy::KeptForADay;

    fn describe(name: &String) -> String {
        format!("public group `{name}`")
    }

    fn questions(&mut self, round: usize, asked: &BTreeSet<String>, _: &Catalog) -> Vec<Question> {
        if round > 0 {
            return Vec::new();
        }
        Rows::named("Group", COLUMNS, NAMED, asked).filtered(FILTERS).questions()
    }

    fn read(
        &mut self,
        _: usize,
        answer: Answer<'_>,
        asked: &BTreeSet<String>,
        table: &mut Table<Self>,
    ) {
        if let Answer::Row(row) = answer
            && row.text("Type") == Some("Regular")
            && let Some(found) = NamedFact::read(row, NAMED)
        {
            take(&found, asked, table);
        }
    }

    fn is_nothing(answer: &Self::Answer) -> bool {
        answer.is_empty()
    }
}
