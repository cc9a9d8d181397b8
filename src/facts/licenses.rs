//! Licenses and their seats, as both families of licenses read them.

use serde::Deserialize;
use serde::Serialize;

use crate::model::Row;
use crate::model::RowExt as _;
use crate::model::SalesforceId;

/// A license and its seats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LicenseFact {
    /// Its id.
    pub id: SalesforceId,
    /// The name that does not depend on a language.
    pub name: String,
    /// The label in Setup.
    pub label: String,
    /// `Active`, or why not.
    pub status: String,
    /// Seats bought; negative means without limit.
    pub total: i64,
    /// Seats taken.
    pub used: i64,
    /// The last day on which it is in force, as `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

impl LicenseFact {
    /// Reads a row whose column `name` holds the license's name.
    pub(super) fn read(row: &Row, name: &str) -> Option<Self> {
        Some(Self {
            id: SalesforceId::parse(row.text("Id")?)?,
            name: row.text(name)?.to_owned(),
            label: row.text("MasterLabel").unwrap_or_default().to_owned(),
            status: row.text("Status").unwrap_or_default().to_owned(),
            total: row.number("TotalLicenses").unwrap_or(0),
            used: row.number("UsedLicenses").unwrap_or(0),
            expires: row.text("ExpirationDate").map(str::to_owned),
        })
    }
}
