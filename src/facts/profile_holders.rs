//! Who has the profile of that name, active or not.

use std::collections::BTreeSet;

use super::Catalog;
use super::family::Family;
use super::family::Table;
use super::holders;
use super::holders::Holders;
use super::known::Policy;
use super::question::Answer;
use super::question::Question;
use super::question::Rows;
use crate::model::RowExt as _;

/// Who has profiles.
#[derive(Debug, Default)]
pub struct ProfileHolders;

const COLUMNS: &[&str] = &["Username", "Profile.Name"];

impl Family for ProfileHolders {
    type Key = String;
    type Answer = Holders;

    const TAG: &'static str = "holders";
    const POLICY: Policy = Policy::EachRefresh;

    fn describe(name: &String) -> String {
        format!("holders of profile `{name}`")
    }

    fn questions(&mut self, round: usize, asked: &BTreeSet<String>, _: &Catalog) -> Vec<Question> {
        if round > 0 {
            return Vec::new();
        }
        Rows::keyed("User", COLUMNS, "Profile.Name", asked).questions()
    }

    fn read(
        &mut self,
        _: usize,
        answer: Answer<'_>,
        asked: &BTreeSet<String>,
        table: &mut Table<Self>,
    ) {
        if let Answer::Row(row) = answer
            && let Some(name) = row.text("Profile.Name")
            && let Some(username) = row.text("Username")
        {
            holders::of(name, asked, table).usernames.push(username.to_lowercase());
        }
    }

    fn unanswered() -> Option<Holders> {
        Some(Holders::default())
    }
}
