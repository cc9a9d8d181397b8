//! All user licenses with their seats.

use std::collections::BTreeSet;

use super::Catalog;
use super::family::Family;
use super::family::Table;
use super::known::Policy;
use super::licenses::LicenseFact;
use super::question::Answer;
use super::question::Question;
use super::question::Rows;

/// All user licenses with their seats.
#[derive(Debug, Default)]
pub struct UserLicenses;

const COLUMNS: &[&str] = &["Name", "Id", "MasterLabel", "Status", "TotalLicenses", "UsedLicenses"];

impl Family for UserLicenses {
    type Key = ();
    type Answer = Vec<LicenseFact>;

    const TAG: &'static str = "licenses";
    const POLICY: Policy = Policy::ForChanges;

    fn describe((): &()) -> String {
        "the user licenses".to_owned()
    }

    fn questions(&mut self, round: usize, _: &BTreeSet<()>, _: &Catalog) -> Vec<Question> {
        if round > 0 {
            return Vec::new();
        }
        Rows::all("UserLicense", COLUMNS).questions()
    }

    fn read(&mut self, _: usize, answer: Answer<'_>, _: &BTreeSet<()>, table: &mut Table<Self>) {
        if let Answer::Row(row) = answer
            && let Some(license) = LicenseFact::read(row, "Name")
        {
            table.grown(()).push(license);
        }
    }

    fn unanswered() -> Option<Self::Answer> {
        Some(Vec::new())
    }
}
