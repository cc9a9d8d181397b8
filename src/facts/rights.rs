//! What the token's user may do.

use std::collections::BTreeSet;

use super::Catalog;
use super::family::Family;
use super::family::Table;
use super::known::Policy;
use super::question::Answer;
use super::question::OnRefusal;
use super::question::Question;
use super::question::Rows;
use crate::model::RowExt as _;

/// API names of the system permissions that the token's user has, of those that writes
/// may need.
#[derive(Debug, Default)]
pub struct Rights;

const COLUMNS: &[&str] = &[
    "PermissionsAssignPermissionSets",
    "PermissionsFreezeUsers",
    "PermissionsManageInternalUsers",
    "PermissionsManageProfilesPermissionsets",
    "PermissionsManageUsers",
    "PermissionsModifyAllData",
    "PermissionsModifyMetadata",
    "PermissionsResetPasswords",
    "PermissionsViewSetup",
];

impl Family for Rights {
    type Key = ();
    type Answer = Vec<String>;

    const TAG: &'static str = "rights";
    const POLICY: Policy = Policy::ForChecks;

    fn describe((): &()) -> String {
        "what the token's user may do".to_owned()
    }

    fn questions(&mut self, round: usize, _: &BTreeSet<()>, _: &Catalog) -> Vec<Question> {
        if round > 0 {
            return Vec::new();
        }
        Rows::all("UserPermissionAccess", COLUMNS).on_refusal(OnRefusal::Unknown).questions()
    }

    fn read(&mut self, _: usize, answer: Answer<'_>, _: &BTreeSet<()>, table: &mut Table<Self>) {
        if let Answer::Row(row) = answer {
            let held = COLUMNS.iter().filter(|column| row.flag(column) == Some(true));
            let names = held.filter_map(|column| column.strip_prefix("Permissions"));
            table.insert((), names.map(str::to_owned).collect());
        }
    }
}
