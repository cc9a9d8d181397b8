//! An installed package by its namespace, with its seats.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::Catalog;
use super::family::Family;
use super::family::Table;
use super::known::Policy;
use super::question::Answer;
use super::question::OnRefusal;
use super::question::Question;
use super::question::Rows;
use crate::model::RowExt as _;
use crate::model::SalesforceId;

/// An installed package and its seats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PackageFact {
    /// The id of its license; an older answer has none.
    #[serde(default)]
    pub id: Option<SalesforceId>,
    /// Seats bought; negative for a site license, which needs none.
    pub allowed: i64,
    /// Seats taken.
    pub used: i64,
    /// `Active`, or why not.
    pub status: String,
    /// The last day on which it is in force, as `YYYY-MM-DD`.
    pub expires: Option<String>,
}

/// Installed packages by namespace.
#[derive(Debug, Default)]
pub struct Package;

const COLUMNS: &[&str] =
    &["Id", "NamespacePrefix", "Status", "AllowedLicenses", "UsedLicenses", "ExpirationDate"];

impl Family for Package {
    type Key = String;
    type Answer = PackageFact;

    const TAG: &'static str = "package";
    const POLICY: Policy = Policy::ForChecks;

    fn describe(namespace: &String) -> String {
        format!("package `{namespace}`")
    }

    fn questions(&mut self, round: usize, asked: &BTreeSet<String>, _: &Catalog) -> Vec<Question> {
        if round > 0 {
            return Vec::new();
        }
        Rows::keyed("PackageLicense", COLUMNS, "NamespacePrefix", asked)
            .on_refusal(OnRefusal::Unknown)
            .questions()
    }

    fn read(
        &mut self,
        _: usize,
        answer: Answer<'_>,
        _: &BTreeSet<String>,
        table: &mut Table<Self>,
    ) {
        let Answer::Row(row) = answer else { return };
        let Some(namespace) = row.text("NamespacePrefix") else { return };
        let package = PackageFact {
            id: row.text("Id").and_then(SalesforceId::parse),
            allowed: row.number("AllowedLicenses").unwrap_or(-1),
            used: row.number("UsedLicenses").unwrap_or(0),
            status: row.text("Status").unwrap_or("Active").to_owned(),
            expires: row.text("ExpirationDate").map(str::to_owned),
        };
        table.insert(namespace.to_owned(), package);
    }
}
