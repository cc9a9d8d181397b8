//! All that one user has access through, as the org has it, or as the state remembers it.

use crate::model::KindName;
use crate::model::RecordError;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::EngineError;
use super::questions::ask_alone;
use crate::facts::Catalog;
use crate::facts::GrantsOfSets;
use crate::facts::add_grants;
use crate::facts::source_of_row;
use crate::kinds;
use crate::model::Address;
use crate::model::Grants;
use crate::model::RowExt as _;
use crate::model::SalesforceId;
use crate::model::Source;
use crate::model::SourceName;
use crate::org::Org;
use crate::org::keyed_queries;
use crate::org::quote;

/// A user as the org has it, with all that it has access through.
#[derive(Clone, Debug)]
pub struct SeenUser {
    /// Its username.
    pub username: String,
    /// Whether it is active.
    pub is_active: bool,
    /// Its profile, sets and groups.
    pub sources: Vec<Source>,
}

/// Asks what one user has access through; `None` when there is no such user.
/// A group's row refers to the set that the org keeps for it, in which what the
/// group mutes is left out already (Object Reference, `PermissionSetGroup`).
///
/// # Errors
/// When the org refuses a question, or a call breaks.
pub async fn look_at_user(org: &Org, username: &str) -> Result<Option<SeenUser>, EngineError> {
    let wanted = quote(username);
    let queries = [
        format!("SELECT Username, IsActive FROM User WHERE Username = {wanted}"),
        format!(
            "SELECT PermissionSetId, PermissionSetGroupId, PermissionSet.Name, PermissionSet.NamespacePrefix, PermissionSet.IsOwnedByProfile, PermissionSet.Profile.Name FROM PermissionSetAssignment WHERE Assignee.Username = {wanted}"
        ),
    ];
    let mut user = None;
    let mut held: BTreeMap<SalesforceId, (SourceName, Option<SalesforceId>)> = BTreeMap::new();
    org.query_all(&queries, &mut |index, rows| {
        for row in rows {
            if index == 0 {
                user = row.text("Username").map(|name| (name.to_owned(), row.flag("IsActive")));
            } else if let (Some(id), Some(name)) = (
                row.text("PermissionSetId").and_then(SalesforceId::parse),
                source_of_row("PermissionSet.", &row).map(|thing| SourceName {
                    kind: thing.kind().to_owned(),
                    name: thing.name().to_owned(),
                }),
            ) {
                let group = row.text("PermissionSetGroupId").and_then(SalesforceId::parse);
                held.insert(id, (name, group));
            }
        }
    })
    .await?;
    let Some((username, is_active)) = user else { return Ok(None) };
    let groups: BTreeSet<SalesforceId> =
        held.values().filter_map(|(_, group)| group.clone()).collect();
    let names = group_names(org, &groups).await?;
    let grants = grants_of(org, held.keys().cloned().collect()).await?;
    let mut sources: Vec<Source> = held
        .into_iter()
        .map(|(id, (name, group))| {
            let name = match group {
                None => name,
                Some(group) => SourceName {
                    kind: KindName::PERMISSION_SET_GROUP.to_string(),
                    name: names.get(&group).cloned().unwrap_or_else(|| group.to_string()),
                },
            };
            let grants = grants.get(&id).cloned().unwrap_or_default();
            Source { name, grants: vec![grants], muted: Grants::default() }
        })
        .collect();
    sort(&mut sources);
    Ok(Some(SeenUser { username, is_active: is_active.unwrap_or(true), sources }))
}

/// What the permission sets of these ids grant.
async fn grants_of(
    org: &Org,
    ids: BTreeSet<SalesforceId>,
) -> Result<BTreeMap<SalesforceId, Grants>, EngineError> {
    let mut reading = GrantsOfSets::default();
    let questions = reading.questions(ids);
    let mut found: BTreeMap<SalesforceId, Grants> = BTreeMap::new();
    ask_alone(org, questions, &mut |number, row| {
        if let Some((id, part)) = reading.read(number, row) {
            add_grants(found.entry(id).or_default(), part);
        }
    })
    .await?;
    Ok(found)
}

/// The profile comes first, then sets and groups by name.
fn sort(sources: &mut [Source]) {
    sources.sort_by(|left, right| {
        let key =
            |source: &Source| (source.name.kind.as_str() != KindName::PROFILE, source.name.clone());
        key(left).cmp(&key(right))
    });
}

async fn group_names(
    org: &Org,
    groups: &BTreeSet<SalesforceId>,
) -> Result<BTreeMap<SalesforceId, String>, EngineError> {
    let mut names = BTreeMap::new();
    let queries = keyed_queries(
        "PermissionSetGroup",
        &["Id", "DeveloperName"],
        "Id",
        &[],
        groups.iter().map(SalesforceId::as_str),
    );
    org.query_all(&queries, &mut |_, rows| {
        for row in rows {
            if let (Some(id), Some(name)) =
                (row.text("Id").and_then(SalesforceId::parse), row.text("DeveloperName"))
            {
                names.insert(id, name.to_owned());
            }
        }
    })
    .await?;
    Ok(names)
}

/// What the state, or else the remembered facts, say that one thing grants.
fn recall_grants(
    recorded: &dyn crate::model::Recorded,
    catalog: &Catalog,
    thing: &Address,
) -> Result<Option<Grants>, RecordError> {
    let held = recorded.get(thing)?;
    Ok(held
        .and_then(|record| kinds::of(thing)?.granting().grants(&record.attributes))
        .or_else(|| catalog.grants.get(thing).is().cloned()))
}

/// What the state and the remembered facts say that a user has access through,
/// and what of it is not known.
///
/// # Errors
/// When the state can't be read.
pub fn recall_user(
    recorded: &dyn crate::model::Recorded,
    catalog: &Catalog,
    user: &Address,
) -> Result<Option<(SeenUser, Vec<SourceName>)>, RecordError> {
    let Some(record) = recorded.get(user)? else { return Ok(None) };
    let mut things: BTreeSet<Address> =
        record.attributes.reference("profile").cloned().into_iter().collect();
    for stored in recorded.stream() {
        let address = stored?.address;
        let joins = kinds::of(&address).and_then(|kind| kind.relation().joins(&address));
        things.extend(joins.filter(|(held, _)| held == user).map(|(_, thing)| thing));
    }
    let is_active = record.standing == crate::model::Standing::Live
        && record.attributes.flag("active") != Some(false);
    let mut seen = SeenUser { username: user.name().to_owned(), is_active, sources: Vec::new() };
    let mut unknown = Vec::new();
    for thing in things {
        let name = SourceName { kind: thing.kind().to_owned(), name: thing.name().to_owned() };
        let held = recorded.get(&thing)?;
        let combined =
            held.and_then(|record| kinds::of(&thing)?.granting().combines(&record.attributes));
        let (members, muted) = combined.unwrap_or_else(|| (vec![thing], Grants::default()));
        let mut grants = Some(Vec::new());
        for member in members {
            let known = recall_grants(recorded, catalog, &member)?;
            grants = grants.zip(known).map(|(mut all, known)| {
                all.push(known);
                all
            });
        }
        match grants {
            Some(grants) => seen.sources.push(Source { name, grants, muted }),
            None => unknown.push(name),
        }
    }
    sort(&mut seen.sources);
    Ok(Some((seen, unknown)))
}
