//! A public group that is there, by developer name or label.

use super::known::Policy;
use super::named::ByName;
use super::named::Named;
use crate::model::Filter;
use crate::model::Row;
use crate::model::RowExt as _;

/// Public groups by developer name or label.
pub type PublicGroup = ByName<PublicGroupRows>;

/// The rows that tell of them.
pub struct PublicGroupRows;

impl Named for PublicGroupRows {
    const NOUN: &'static str = "public group";
    const TAG: &'static str = "permission_sets";
    const POLICY: Policy = Policy::KeptForADay;
    const OBJECT: &'static str = "Group";
    const NAME_AND_LABEL: (&'static str, &'static str) = ("DeveloperName", "Name");
    const COLUMNS: &'static [&'static str] = &["Id", "DeveloperName", "Name", "Type"];
    // Queues and public groups are asked for together.
    const FILTERS: &'static [Filter] = &[Filter::In("Type", &["Queue", "Regular"])];

    fn is_one(row: &Row) -> bool {
        row.text("Type") == Some("Regular")
    }
}
