//! What profiles and sets that are not managed grant, as the org has it; and
//! all that one user has access through.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::EngineError;
use crate::kinds;
use crate::model::Address;
use crate::model::Fact;
use crate::model::FactValue;
use crate::model::Grants;
use crate::model::Row;
use crate::model::RowExt as _;
use crate::model::SalesforceId;
use crate::model::Source;
use crate::model::SourceName;
use crate::org::Org;
use crate::org::keyed_queries;
use crate::org::quote;

const SET_FIELDS: [&str; 5] = ["Id", "Name", "NamespacePrefix", "IsOwnedByProfile", "Profile.Name"];
const GROUP_FIELDS: [&str; 3] =
    ["Id", "PermissionSetGroup.DeveloperName", "PermissionSetGroup.NamespacePrefix"];
const OBJECT_FIELDS: [&str; 9] = [
    "ParentId",
    "SobjectType",
    "PermissionsRead",
    "PermissionsCreate",
    "PermissionsEdit",
    "PermissionsDelete",
    "PermissionsViewAllRecords",
    "PermissionsModifyAllRecords",
    "PermissionsViewAllFields",
];
/// The fields of an `ObjectPermissions` row and our words for them.
const OBJECT_WORDS: [(&str, &str); 7] = [
    ("PermissionsRead", "read"),
    ("PermissionsCreate", "create"),
    ("PermissionsEdit", "edit"),
    ("PermissionsDelete", "delete"),
    ("PermissionsViewAllRecords", "view_all"),
    ("PermissionsModifyAllRecords", "modify_all"),
    ("PermissionsViewAllFields", "view_all_fields"),
];

/// Asks what these profiles and sets grant, as facts. One that the org does not
/// have is left out.
///
/// # Errors
/// When the org refuses a question, or a call breaks.
pub async fn ask_grants(
    org: &Org,
    things: &BTreeSet<Address>,
) -> Result<Vec<(Fact, FactValue)>, EngineError> {
    let of_kind = |kind: &'static str| things.iter().filter(move |thing| thing.kind() == kind);
    let bare = |name: &str| name.split_once("__").map_or(name, |(_, bare)| bare).to_owned();
    let sets: BTreeSet<String> = of_kind("permission_set").map(|set| bare(set.name())).collect();
    let profiles = of_kind("profile").map(Address::name);
    let mut queries = keyed_queries(
        "PermissionSet",
        &SET_FIELDS,
        "Name",
        Some("IsOwnedByProfile = false"),
        sets.iter().map(String::as_str),
    );
    queries.extend(keyed_queries(
        "PermissionSet",
        &SET_FIELDS,
        "Profile.Name",
        Some("IsOwnedByProfile = true"),
        profiles,
    ));
    // What a group grants, without what it mutes, is in a set that the org keeps.
    let groups: BTreeSet<String> =
        of_kind("permission_set_group").map(|group| bare(group.name())).collect();
    queries.extend(keyed_queries(
        "PermissionSet",
        &GROUP_FIELDS,
        "PermissionSetGroup.DeveloperName",
        None,
        groups.iter().map(String::as_str),
    ));
    let mut parents: BTreeMap<SalesforceId, Address> = BTreeMap::new();
    org.query_all(&queries, &mut |_, rows| {
        for row in rows {
            if let (Some(id), Some(name)) =
                (row.text("Id").and_then(SalesforceId::parse), source_name("", &row))
            {
                parents.insert(id, Address::new(&name.kind, &name.name));
            }
        }
    })
    .await?;
    parents.retain(|_, address| things.contains(address));
    let grants = grants_of(org, &parents.keys().cloned().collect()).await?;
    Ok(parents
        .into_iter()
        .map(|(id, address)| {
            let grants = grants.get(&id).cloned().unwrap_or_default();
            (Fact::Grants(address), FactValue::Grants(grants))
        })
        .collect())
}

/// What the permission sets of these ids grant.
async fn grants_of(
    org: &Org,
    ids: &BTreeSet<SalesforceId>,
) -> Result<BTreeMap<SalesforceId, Grants>, EngineError> {
    let mut found: BTreeMap<SalesforceId, Grants> = BTreeMap::new();
    for id in ids {
        let row = org.record("PermissionSet", id).await?;
        let on = |(field, value): (&String, &Json)| {
            let name = field.strip_prefix("Permissions")?;
            (*value == Json::Bool(true)).then(|| name.to_owned())
        };
        let system = row.iter().filter_map(on).collect();
        found.insert(id.clone(), Grants { system, ..Grants::default() });
    }
    let keys = || ids.iter().map(SalesforceId::as_str);
    let mut queries = keyed_queries("ObjectPermissions", &OBJECT_FIELDS, "ParentId", None, keys());
    let objects = queries.len();
    let fields = ["ParentId", "Field", "PermissionsEdit", "PermissionsRead"];
    queries.extend(keyed_queries("FieldPermissions", &fields, "ParentId", None, keys()));
    org.query_all(&queries, &mut |index, rows| {
        for row in rows {
            let parent = row.text("ParentId").and_then(SalesforceId::parse);
            let Some(grants) = parent.and_then(|parent| found.get_mut(&parent)) else { continue };
            if index < objects {
                take_object(&row, grants);
            } else {
                take_field(&row, grants);
            }
        }
    })
    .await?;
    Ok(found)
}

fn take_object(row: &Row, grants: &mut Grants) {
    let Some(object) = row.text("SobjectType") else { return };
    let words = OBJECT_WORDS.iter().filter(|(field, _)| row.flag(field) == Some(true));
    let held = grants.objects.entry(object.to_owned()).or_default();
    held.extend(words.map(|(_, word)| (*word).to_owned()));
}

fn take_field(row: &Row, grants: &mut Grants) {
    let Some((object, field)) = row.text("Field").and_then(|field| field.split_once('.')) else {
        return;
    };
    if row.flag("PermissionsRead") == Some(true) {
        let edit = row.flag("PermissionsEdit") == Some(true);
        grants.fields.entry(object.to_owned()).or_default().insert(field.to_owned(), edit);
    }
}

/// The name of the profile or set that a row of PermissionSet, or one that
/// refers to it by a path, is about.
fn source_name(path: &str, row: &Row) -> Option<SourceName> {
    let at = |name: &str| row.text(&format!("{path}{name}"));
    if let Some(name) = at("PermissionSetGroup.DeveloperName") {
        let name = match at("PermissionSetGroup.NamespacePrefix") {
            Some(namespace) => format!("{namespace}__{name}"),
            None => name.to_owned(),
        };
        return Some(SourceName { kind: "permission_set_group".to_owned(), name });
    }
    if row.flag(&format!("{path}IsOwnedByProfile")) == Some(true) {
        let name = at("Profile.Name")?.to_owned();
        return Some(SourceName { kind: "profile".to_owned(), name });
    }
    let name = match at("NamespacePrefix") {
        Some(namespace) => format!("{namespace}__{}", at("Name")?),
        None => at("Name")?.to_owned(),
    };
    Some(SourceName { kind: "permission_set".to_owned(), name })
}

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
                source_name("PermissionSet.", &row),
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
    let grants = grants_of(org, &held.keys().cloned().collect()).await?;
    let mut sources: Vec<Source> = held
        .into_iter()
        .map(|(id, (name, group))| {
            let name = match group {
                None => name,
                Some(group) => SourceName {
                    kind: "permission_set_group".to_owned(),
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

/// The profile comes first, then sets and groups by name.
fn sort(sources: &mut [Source]) {
    sources.sort_by(|left, right| {
        let key = |source: &Source| (source.name.kind != "profile", source.name.clone());
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
        None,
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
    catalog: &crate::model::Catalog,
    thing: &Address,
) -> Result<Option<Grants>, String> {
    let held = recorded.get(thing)?;
    Ok(held.and_then(|record| kinds::of(thing)?.grants(&record.attributes)).or_else(
        || match catalog.get(&Fact::Grants(thing.clone())) {
            Some(FactValue::Grants(grants)) => Some(grants.clone()),
            _ => None,
        },
    ))
}

/// What the state and the remembered facts say that a user has access through,
/// and what of it is not known.
///
/// # Errors
/// When the state can't be read.
pub fn recall_user(
    recorded: &dyn crate::model::Recorded,
    catalog: &crate::model::Catalog,
    user: &Address,
) -> Result<Option<(SeenUser, Vec<SourceName>)>, String> {
    let Some(record) = recorded.get(user)? else { return Ok(None) };
    let mut things: BTreeSet<Address> =
        record.attributes.reference("profile").cloned().into_iter().collect();
    for stored in recorded.stream() {
        let address = stored?.address;
        let joins = kinds::of(&address).and_then(|kind| kind.joins(&address));
        things.extend(joins.filter(|(held, _)| held == user).map(|(_, thing)| thing));
    }
    let is_active = record.standing == crate::model::Standing::Live
        && record.attributes.flag("active") != Some(false);
    let mut seen = SeenUser { username: user.name().to_owned(), is_active, sources: Vec::new() };
    let mut unknown = Vec::new();
    for thing in things {
        let name = SourceName { kind: thing.kind().to_owned(), name: thing.name().to_owned() };
        let held = recorded.get(&thing)?;
        let combined = held.and_then(|record| kinds::of(&thing)?.combines(&record.attributes));
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
