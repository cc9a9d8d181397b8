//! The id of a user that is there, by username.

use std::collections::BTreeSet;

use super::Catalog;
use super::family::Family;
use super::family::Table;
use super::known::Policy;
use super::question::Answer;
use super::question::Question;
use super::question::Rows;
use crate::model::RowExt as _;
use crate::model::SalesforceId;

/// Users by username.
#[derive(Debug, Default)]
pub struct User;

const COLUMNS: &[&str] = &["Id", "Username"];

impl Family for User {
    type Key = String;
    type Answer = SalesforceId;

    const TAG: &'static str = "user";
    const POLICY: Policy = Policy::KeptForADay;

    fn describe(username: &String) -> String {
        format!("user `{username}`")
    }

    fn questions(&mut self, round: usize, asked: &BTreeSet<String>, _: &Catalog) -> Vec<Question> {
        if round > 0 {
            return Vec::new();
        }
        Rows::keyed("User", COLUMNS, "Username", asked).questions()
    }

    fn read(
        &mut self,
        _: usize,
        answer: Answer<'_>,
        _: &BTreeSet<String>,
        table: &mut Table<Self>,
    ) {
        if let Answer::Row(row) = answer
            && let Some(id) = row.text("Id").and_then(SalesforceId::parse)
            && let Some(username) = row.text("Username")
        {
            table.insert(username.to_lowercase(), id);
        }
    }
}
