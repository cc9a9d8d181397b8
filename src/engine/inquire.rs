//! What a finished plan makes worth asking: who runs it, who is an
//! administrator, who holds a package's license.
//!
//! The plan can be made without the answers; they only serve to check it. So a
//! question that the org refuses is left open, and what rests on it unchecked.

use super::EngineError;
use crate::kinds::Visibility;
use crate::model::Circumstances;
use crate::model::Questions;
use crate::model::Row;
use crate::model::RowExt as _;
use crate::model::Through;
use crate::model::UnixSeconds;
use crate::org::Org;
use crate::org::OrgError;
use crate::org::keyed_queries;
use crate::org::quote;

const ASSIGNMENTS: &str = "SELECT Assignee.Username, PermissionSet.Name, PermissionSet.NamespacePrefix, PermissionSet.IsOwnedByProfile, PermissionSet.Profile.Name FROM PermissionSetAssignment";

/// Asks.
///
/// # Errors
/// When a call breaks or the session has ended; refusals are no errors here.
pub async fn inquire(
    org: &Org,
    questions: &Questions,
    now: UnixSeconds,
) -> Result<Circumstances, EngineError> {
    let mut circumstances = Circumstances { now, ..Circumstances::default() };
    let own_id =
        if questions.running_user { tolerated(org.running_user().await)?.flatten() } else { None };
    let mut topics = Vec::new();
    let mut queries = Vec::new();
    if let Some(id) = own_id {
        topics.push(Topic::RunningUser);
        queries.push(format!("{ASSIGNMENTS} WHERE AssigneeId = {}", quote(id.as_str())));
    }
    if questions.administrators {
        topics.push(Topic::Administrators);
        queries.push(format!(
            "{ASSIGNMENTS} WHERE PermissionSet.PermissionsModifyAllData = true AND Assignee.IsActive = true"
        ));
    }
    for query in keyed_queries(
        "UserPackageLicense",
        &["User.Username", "PackageLicense.NamespacePrefix"],
        "PackageLicense.NamespacePrefix",
        &[],
        questions.package_users.iter().map(String::as_str),
    ) {
        topics.push(Topic::PackageUsers);
        queries.push(query);
    }
    if questions.package_right {
        topics.push(Topic::PackageRight);
        queries
            .push("SELECT PermissionsManagePackageLicenses FROM UserPermissionAccess".to_owned());
    }
    let nothing: [&str; 0] = [];
    let mut take = |index: usize, rows: Vec<Row>| {
        if matches!(topics[index], Topic::PackageUsers) {
            // An answer without a row says that nobody holds one.
            for namespace in &questions.package_users {
                circumstances.package_users.entry(namespace.clone()).or_default();
            }
        }
        take_page(topics[index], &rows, &mut circumstances);
    };
    org.ask(&queries, &nothing, &|_| true, &mut take).await?;
    if circumstances.running_user.as_ref().is_some_and(|user| user.username.is_empty()) {
        circumstances.running_user = None;
    }
    circumstances.calls_left = calls_left(org);
    Ok(circumstances)
}

/// Whether the caller sees the things of a kind, as far as a query can tell.
///
/// # Errors
/// When the org refuses the query, or the call breaks.
pub async fn sees(org: &Org, visibility: &Visibility) -> Result<bool, EngineError> {
    let mut found = 0;
    org.query_all(&[visibility.query.to_owned()], &mut |_, rows| found += rows.len()).await?;
    Ok(found >= visibility.least)
}

/// Calls left today, by the last answer that told.
pub fn calls_left(org: &Org) -> Option<u64> {
    org.usage().today.map(|(used, limit)| limit.saturating_sub(used))
}

fn tolerated<T>(answer: Result<T, OrgError>) -> Result<Option<T>, EngineError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.refused().is_some() && !error.is_final() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What a question is about.
#[derive(Clone, Copy)]
enum Topic {
    RunningUser,
    Administrators,
    PackageUsers,
    PackageRight,
}

fn take_page(topic: Topic, rows: &[Row], circumstances: &mut Circumstances) {
    match topic {
        Topic::RunningUser => {
            let user = circumstances.running_user.get_or_insert_default();
            for (username, through) in rows.iter().filter_map(holder) {
                user.username = username;
                match through {
                    Through::Profile(profile) => user.profile = profile,
                    Through::PermissionSet(set) => {
                        user.sets.insert(set);
                    }
                }
            }
        }
        Topic::Administrators => {
            let administrators = circumstances.administrators.get_or_insert_default();
            administrators.extend(rows.iter().filter_map(holder));
        }
        Topic::PackageRight => {
            circumstances.may_give_packages =
                rows.first().and_then(|row| row.flag("PermissionsManagePackageLicenses"));
        }
        Topic::PackageUsers => {
            for row in rows {
                if let (Some(user), Some(namespace)) =
                    (row.text("User.Username"), row.text("PackageLicense.NamespacePrefix"))
                {
                    let users = circumstances.package_users.entry(namespace.to_owned());
                    users.or_default().insert(user.to_lowercase());
                }
            }
        }
    }
}

/// The user of an assignment, and the profile or set that it gives.
fn holder(row: &Row) -> Option<(String, Through)> {
    let username = row.username("Assignee.Username")?;
    let through = if row.flag("PermissionSet.IsOwnedByProfile") == Some(true) {
        Through::Profile(row.text("PermissionSet.Profile.Name")?.to_owned())
    } else {
        let name = row.packaged_name("PermissionSet.NamespacePrefix", "PermissionSet.Name");
        Through::PermissionSet(name?)
    };
    Some((username, through))
}
