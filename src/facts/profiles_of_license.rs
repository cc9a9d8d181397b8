//! The profiles of a user license, by the license's name.

use std::collections::BTreeSet;

use super::Catalog;
use super::family::Family;
use super::family::Table;
use super::known::Policy;
use super::profiles::COLUMNS;
use super::profiles::ProfileFact;
use super::question::Answer;
use super::question::Question;
use super::question::Rows;

/// The profiles of user licenses.
#[derive(Debug, Default)]
pub struct ProfilesOfLicense;

impl Family for ProfilesOfLicense {
    type Key = String;
    type Answer = Vec<ProfileFact>;

    const TAG: &'static str = "profiles";
    const POLICY: Policy = Policy::EachRefresh;

    fn describe(license: &String) -> String {
        format!("profiles of user license `{license}`")
    }

    fn questions(&mut self, round: usize, asked: &BTreeSet<String>, _: &Catalog) -> Vec<Question> {
        if round > 0 {
            return Vec::new();
        }
        Rows::keyed("Profile", COLUMNS, "UserLicense.Name", asked).questions()
    }

    fn read(
        &mut self,
        _: usize,
        answer: Answer<'_>,
        _: &BTreeSet<String>,
        table: &mut Table<Self>,
    ) {
        if let Answer::Row(row) = answer
            && let Some(profile) = ProfileFact::read(row)
        {
            table.grown(profile.license.clone()).push(profile);
        }
    }

    fn is_nothing(answer: &Self::Answer) -> bool {
        answer.is_empty()
    }
}
