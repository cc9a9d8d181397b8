//! The user access policies that are active.

use std::collections::BTreeSet;

use super::Catalog;
use super::family::Family;
use super::family::Table;
use super::known::Policy;
use super::question::Answer;
use super::question::OnRefusal;
use super::question::Question;
use super::question::Rows;
use crate::model::Filter;
use crate::model::RowExt as _;

/// The labels of the user access policies that are active. An org without the feature
/// refuses the question.
#[derive(Debug, Default)]
pub struct AccessPolicies;

impl Family for AccessPolicies {
    type Key = ();
    type Answer = Vec<String>;

    const TAG: &'static str = "access_policies";
    const POLICY: Policy = Policy::ForChecks;

    fn describe((): &()) -> String {
        "the active user access policies".to_owned()
    }

    fn questions(&mut self, round: usize, _: &BTreeSet<()>, _: &Catalog) -> Vec<Question> {
        if round > 0 {
            return Vec::new();
        }
        Rows::all("UserAccessPolicy", &["MasterLabel"])
            .filtered(&[Filter::Equals("Status", "Active")])
            .on_refusal(OnRefusal::Unknown)
            .questions()
    }

    fn read(&mut self, _: usize, answer: Answer<'_>, _: &BTreeSet<()>, table: &mut Table<Self>) {
        if let Answer::Row(row) = answer
            && let Some(label) = row.text("MasterLabel")
        {
            table.grown(()).push(label.to_owned());
        }
    }

    fn unanswered() -> Option<Self::Answer> {
        Some(Vec::new())
    }
}
