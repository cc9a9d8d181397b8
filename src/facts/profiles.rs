//! Profiles: how a row of one reads, and the names under which one is known.
//!
//! Standard profiles have their names in the language of who asks, and full names in
//! metadata that are the same for all (Metadata API Developer Guide, `Profile`).

use serde::Deserialize;
use serde::Serialize;

use crate::model::Row;
use crate::model::RowExt as _;
use crate::model::SalesforceId;

/// A profile that is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProfileFact {
    /// Its id.
    pub id: SalesforceId,
    /// Its name.
    pub name: String,
    /// The name that the org shows for it, where that is another: standard profiles
    /// have names in the language of who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<String>,
    /// The id of its user license.
    pub license_id: SalesforceId,
    /// The name of its user license.
    pub license: String,
}

/// The columns that a [`ProfileFact`] is read from.
pub(super) const COLUMNS: &[&str] = &["Id", "Name", "UserLicenseId", "UserLicense.Name"];

impl ProfileFact {
    pub(super) fn read(row: &Row) -> Option<Self> {
        Some(Self {
            id: SalesforceId::parse(row.text("Id")?)?,
            name: row.text("Name")?.to_owned(),
            shown: None,
            license_id: SalesforceId::parse(row.text("UserLicenseId")?)?,
            license: row.text("UserLicense.Name")?.to_owned(),
        })
    }
}
