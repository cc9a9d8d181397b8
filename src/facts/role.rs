//! A role, by developer name or label.

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

/// Roles by developer name or label.
#[derive(Debug, Default)]
pub struct Role;

const NAMED: (&str, &str) = ("DeveloperName", "Name");
const COLUMNS: &[&str] = &["Id", "Name", "DeveloperName"];

impl Family for Role {
    type Key = String;
    type Answer = Vec<NamedFact>;

    const TAG: &'static str = "roles";
    const POLICY: Policy = Policy::KeptForADay;

    fn describe(name: &String) -> String {
        format!("role `{name}`")
    }

    fn questions(&mut self, round: usize, asked: &BTreeSet<String>, _: &Catalog) -> Vec<Question> {
        if round > 0 {
            return Vec::new();
        }
        Rows::named("UserRole", COLUMNS, NAMED, asked).questions()
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
