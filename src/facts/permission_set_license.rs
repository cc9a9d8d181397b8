//! A permission set license with its seats, by developer name or label.

use std::collections::BTreeSet;

use super::Catalog;
use super::family::Family;
use super::family::Table;
use super::known::Policy;
use super::licenses::LicenseFact;
use super::question::Answer;
use super::question::Question;
use super::question::Rows;

/// Permission set licenses.
#[derive(Debug, Default)]
pub struct PermissionSetLicense;

const COLUMNS: &[&str] = &[
    "DeveloperName",
    "ExpirationDate",
    "Id",
    "MasterLabel",
    "Status",
    "TotalLicenses",
    "UsedLicenses",
];

impl Family for PermissionSetLicense {
    type Key = String;
    type Answer = LicenseFact;

    const TAG: &'static str = "license";
    const POLICY: Policy = Policy::ForChanges;

    fn describe(name: &String) -> String {
        format!("permission set license `{name}`")
    }

    fn questions(&mut self, round: usize, asked: &BTreeSet<String>, _: &Catalog) -> Vec<Question> {
        if round > 0 {
            return Vec::new();
        }
        let named = ("DeveloperName", "MasterLabel");
        Rows::named("PermissionSetLicense", COLUMNS, named, asked).questions()
    }

    fn read(
        &mut self,
        _: usize,
        answer: Answer<'_>,
        asked: &BTreeSet<String>,
        table: &mut Table<Self>,
    ) {
        let Answer::Row(row) = answer else { return };
        let Some(license) = LicenseFact::read(row, "DeveloperName") else { return };
        let is_meant = |written: &&String| {
            written.eq_ignore_ascii_case(&license.name)
                || written.eq_ignore_ascii_case(&license.label)
        };
        for name in asked.iter().filter(is_meant).chain([&license.name]) {
            table.insert(name.clone(), license.clone());
        }
    }
}
