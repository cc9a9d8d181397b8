//! Who holds a permission set group of that name (no namespace).

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
use crate::model::Filter;
use crate::model::RowExt as _;

/// Who holds permission set groups.
#[derive(Debug, Default)]
pub struct PermissionSetGroupHolders;

const COLUMNS: &[&str] = &["Assignee.Username", "PermissionSetGroup.DeveloperName"];
const FILTERS: &[Filter] = &[Filter::IsNull("PermissionSetGroup.NamespacePrefix")];

impl Family for PermissionSetGroupHolders {
    type Key = String;
    type Answer = Holders;

    const TAG: &'static str = "holders";
    const POLICY: Policy = Policy::EachRefresh;

    fn describe(name: &String) -> String {
        format!("holders of permission set group `{name}`")
    }

    fn questions(&mut self, round: usize, asked: &BTreeSet<String>, _: &Catalog) -> Vec<Question> {
        if round > 0 {
            return Vec::new();
        }
        Rows::keyed("PermissionSetAssignment", COLUMNS, "PermissionSetGroup.DeveloperName", asked)
            .filtered(FILTERS)
            .questions()
    }

    fn read(
        &mut self,
        _: usize,
        answer: Answer<'_>,
        asked: &BTreeSet<String>,
        table: &mut Table<Self>,
    ) {
        if let Answer::Row(row) = answer
            && let Some(name) = row.text("PermissionSetGroup.DeveloperName")
            && let Some(username) = row.text("Assignee.Username")
        {
            holders::of(name, asked, table).usernames.push(username.to_lowercase());
        }
    }

    fn unanswered() -> Option<Holders> {
        Some(Holders::default())
    }
}
