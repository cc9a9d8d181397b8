//! The org itself, and what it gives to new users.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::Catalog;
use super::family::Family;
use super::family::Table;
use super::known::Policy;
use super::question::Answer;
use super::question::Question;
use super::question::Rows;
use crate::model::RowExt as _;
use crate::model::SalesforceId;

/// The org, and what it gives to new users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrganizationFact {
    /// Its id.
    pub id: SalesforceId,
    /// Its name.
    pub name: String,
    /// Its edition, for example `Enterprise Edition`.
    pub edition: String,
    /// Whether it is a sandbox.
    pub is_sandbox: bool,
    /// Time zone for new users.
    pub time_zone: String,
    /// Locale for new users.
    pub locale: String,
    /// Language for new users.
    pub language: String,
}

/// The org itself.
#[derive(Debug, Default)]
pub struct Organization;

const COLUMNS: &[&str] = &[
    "Id",
    "Name",
    "OrganizationType",
    "IsSandbox",
    "TimeZoneSidKey",
    "DefaultLocaleSidKey",
    "LanguageLocaleKey",
];

impl Family for Organization {
    type Key = ();
    type Answer = OrganizationFact;

    const TAG: &'static str = "organization";
    const POLICY: Policy = Policy::KeptForADay;

    fn describe((): &()) -> String {
        "the org's own settings".to_owned()
    }

    fn questions(&mut self, round: usize, _: &BTreeSet<()>, _: &Catalog) -> Vec<Question> {
        if round > 0 {
            return Vec::new();
        }
        Rows::all("Organization", COLUMNS).questions()
    }

    fn read(&mut self, _: usize, answer: Answer<'_>, _: &BTreeSet<()>, table: &mut Table<Self>) {
        let Answer::Row(row) = answer else { return };
        let text = |path: &str| row.text(path).map(str::to_owned);
        let read = || {
            Some(OrganizationFact {
                id: SalesforceId::parse(row.text("Id")?)?,
                name: text("Name")?,
                edition: text("OrganizationType").unwrap_or_default(),
                is_sandbox: row.flag("IsSandbox").unwrap_or(false),
                time_zone: text("TimeZoneSidKey")?,
                locale: text("DefaultLocaleSidKey")?,
                language: text("LanguageLocaleKey")?,
            })
        };
        if let Some(organization) = read() {
            table.insert((), organization);
        }
    }
}
