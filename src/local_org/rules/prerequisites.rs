//! Permissions that need others: Setup ticks them, the API refuses.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde_json::Value as Json;
use serde_json::json;

use super::Org;
use crate::local_org::error::ApiError;
use crate::local_org::options::Doubts;
use crate::local_org::row::Cell;
use crate::local_org::row::Row;

const TABLE: &str = include_str!("../../data/prerequisites.tsv");

fn table() -> &'static BTreeMap<&'static str, Vec<&'static str>> {
    static PARSED: OnceLock<BTreeMap<&str, Vec<&str>>> = OnceLock::new();
    PARSED.get_or_init(|| {
        TABLE
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .filter_map(|line| line.split_once('\t'))
            .map(|(name, needed)| (name, needed.split(',').collect()))
            .collect()
    })
}

/// Unknown where the feature is off (seen as `Unknown user permission`).
pub const UNKNOWN_WITHOUT_NETWORKS: &str = "ManageNetworks";

/// What a set grants, as its rules see it: system permissions by name, and
/// object permissions as `Object<verb>`.
pub type Granted = BTreeSet<String>;

/// The first permission that lacks what it needs, in the words of the
/// Metadata API.
///
/// # Errors
/// `Permission X depends on permission(s): Y, Z`.
pub fn check(granted: &Granted, doubts: &Doubts) -> Result<(), ApiError> {
    let has_all_data = granted.contains("ModifyAllData");
    for permission in granted {
        let mut needed: Vec<String> = table()
            .get(permission.as_str())
            .into_iter()
            .flatten()
            .map(|name| (*name).to_owned())
            .collect();
        if doubts.hidden_dependency && permission == "RunReports" {
            needed.push("ViewPublicDashboards".to_owned());
        }
        if !doubts.networks_known {
            needed.retain(|need| need != UNKNOWN_WITHOUT_NETWORKS);
        }
        if let Some((object, verb)) = object_and_verb(permission) {
            needed.extend(verb_needs(verb).iter().map(|need| format!("{object}<{need}>")));
        }
        let missing: Vec<String> = needed
            .into_iter()
            .filter(|need| !granted.contains(need))
            // Modify All Data opens every object.
            .filter(|need| !(has_all_data && need.ends_with('>')))
            .map(|need| words(&need))
            .collect();
        if !missing.is_empty() {
            return Err(ApiError::new(
                "FIELD_INTEGRITY_EXCEPTION",
                format!(
                    "Permission {} depends on permission(s): {}",
                    words(permission),
                    missing.join(", ")
                ),
            ));
        }
    }
    Ok(())
}

fn object_and_verb(permission: &str) -> Option<(&str, &str)> {
    permission.strip_suffix('>')?.split_once('<')
}

fn verb_needs(verb: &str) -> &'static [&'static str] {
    match verb {
        "create" | "update" | "viewAllRecords" | "viewAllFields" => &["read"],
        "delete" => &["read", "update"],
        "modifyAllRecords" => &["read", "update", "delete", "viewAllRecords"],
        _ => &[],
    }
}

/// `Contact<read>` as the refusal says it: `Read Contact`.
fn words(permission: &str) -> String {
    let Some((object, verb)) = object_and_verb(permission) else { return permission.to_owned() };
    let verb = match verb {
        "create" => "Create",
        "update" => "Edit",
        "delete" => "Delete",
        "viewAllRecords" => "Read All",
        "modifyAllRecords" => "Modify All",
        "viewAllFields" => "View All Fields",
        _ => "Read",
    };
    format!("{verb} {object}")
}

/// Checks the system permissions of a row.
///
/// # Errors
/// As [`check`].
pub fn check_row(org: &Org, row: &Row) -> Result<(), ApiError> {
    let granted = row
        .iter()
        .filter(|(_, value)| **value == Cell::Flag(true))
        .filter_map(|(field, _)| field.strip_prefix("Permissions"))
        .filter(|name| org.schema.knows_permission(name))
        .map(str::to_owned)
        .collect();
    check(&granted, &org.doubts)
}

/// The rows of the Tooling object `PermissionDependency`. Real orgs were seen
/// without rows for the two permissions on all data.
pub fn dependency_rows(org: &Org) -> Vec<Json> {
    let kind =
        |name: &str| if name.ends_with('>') { "Object Permission" } else { "User Permission" };
    table()
        .iter()
        .filter(|(name, _)| {
            org.doubts.dependencies_of_all_data
                || !matches!(**name, "ModifyAllData" | "ViewAllData")
        })
        .flat_map(|(name, needed)| {
            needed.iter().map(move |need| {
                json!({
                    "Permission": name,
                    "PermissionType": kind(name),
                    "RequiredPermission": need,
                    "RequiredPermissionType": kind(need),
                })
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::local_org::options::Doubts;

    fn granted(names: &[&str]) -> std::collections::BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_missing_prerequisite_is_refused_in_salesforces_words() {
        let error =
            check(&granted(&["ViewSetup"]), &Doubts::default()).expect_err("needs View Roles");
        assert_eq!(error.message, "Permission ViewSetup depends on permission(s): ViewRoles");
        let error =
            check(&granted(&["Contact<read>"]), &Doubts::default()).expect_err("needs the account");
        assert_eq!(error.message, "Permission Read Contact depends on permission(s): Read Account");
        check(&granted(&["ViewSetup", "ViewRoles"]), &Doubts::default()).expect("is complete");
    }
}
