//! How the org's system permissions differ from the shipped table.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value as Json;

use super::Catalog;
use super::describe::listed;
use super::family::Family;
use super::family::Table;
use super::known::Policy;
use super::question::Answer;
use super::question::Question;
use crate::data;

/// The differences.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemPermissionsFact {
    /// Names of the shipped table that this org does not know.
    pub unknown: Vec<String>,
    /// Names and labels that the shipped table lacks.
    pub additional: Vec<(String, String)>,
}

/// The org's system permissions.
///
/// A permission that describe does not show may still be usable in metadata (seen for
/// `CanApproveUninstalledApps`), so that only what a rejection called unknown is held to
/// be unknown.
#[derive(Debug, Default)]
pub struct SystemPermissions;

impl Family for SystemPermissions {
    type Key = ();
    type Answer = SystemPermissionsFact;

    const TAG: &'static str = "system_permissions";
    const POLICY: Policy = Policy::KeptForADay;
    const FORGETS: bool = false;

    fn describe((): &()) -> String {
        "the org's system permissions".to_owned()
    }

    fn questions(&mut self, round: usize, _: &BTreeSet<()>, _: &Catalog) -> Vec<Question> {
        if round > 0 {
            return Vec::new();
        }
        vec![Question::Describe { object: "PermissionSet".to_owned(), is_shared: false }]
    }

    fn read(&mut self, _: usize, answer: Answer<'_>, _: &BTreeSet<()>, table: &mut Table<Self>) {
        match answer {
            Answer::Described(Some(described)) => {
                let known = table.get(&()).is();
                let unknown = known.map(|known| known.unknown.clone()).unwrap_or_default();
                let additional = additional(described);
                table.insert((), SystemPermissionsFact { unknown, additional });
            }
            Answer::Described(None) => table.insert_absent(()),
            _ => {}
        }
    }
}

fn additional(described: &Json) -> Vec<(String, String)> {
    let shipped: BTreeMap<&str, &str> = data::rows(data::SYSTEM_PERMISSIONS)
        .map(|row| {
            (row[0], row.get(1).copied().filter(|label| !label.is_empty()).unwrap_or(row[0]))
        })
        .collect();
    listed(described, "fields")
        .filter_map(|field| {
            let name = field.get("name")?.as_str()?.strip_prefix("Permissions")?;
            let label = field.get("label").and_then(Json::as_str).unwrap_or(name);
            // A label in another language is the org's own.
            let is_known = shipped.get(name).is_some_and(|known| *known == label);
            (!is_known).then(|| (name.to_owned(), label.to_owned()))
        })
        .collect()
}
