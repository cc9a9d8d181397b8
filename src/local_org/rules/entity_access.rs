//! `SetupEntityAccess`: which classes, pages, custom permissions and connected
//! apps a set opens, as rows (Object Reference, `SetupEntityAccess`). What a
//! document says of them and these rows are two views of one thing.

use serde_json::Value as Json;

use super::Org;
use super::sections;
use super::sets;
use crate::local_org::error::ApiError;
use crate::local_org::row::Row;

const TABLE: &str = "SetupEntityAccess";

/// Sections of a document: the element that names the entity, its object, and
/// the field of its name.
const ENTITIES: [(&str, &str, &str, &str); 3] = [
    ("classAccesses", "apexClass", "ApexClass", "Name"),
    ("customPermissions", "name", "CustomPermission", "DeveloperName"),
    ("pageAccesses", "apexPage", "ApexPage", "Name"),
];

/// Brings the rows of a set in line with what its document says. Access to
/// connected apps is in no document of a set, and stays.
pub fn follow_document(org: &mut Org, set: &str) {
    let entries = sections::stored(org, set);
    let mut wanted: Vec<(String, &str)> = Vec::new();
    for ((section, name), said) in &entries {
        let entity = ENTITIES.iter().find(|(held, ..)| held == section);
        let Some((_, _, object, field)) = entity else { continue };
        if said.get("enabled").is_some_and(|on| on == "true")
            && let Some(id) = id_of(org, object, field, name)
        {
            wanted.push((id, object));
        }
    }
    let held: Vec<(String, String)> = org
        .store
        .by(TABLE, "ParentId", set)
        .filter(|row| row.text_or_empty("SetupEntityType") != "ConnectedApplication")
        .map(|row| {
            (row.text_or_empty("Id").to_owned(), row.text_or_empty("SetupEntityId").to_owned())
        })
        .collect();
    for (id, entity) in &held {
        if !wanted.iter().any(|(wanted, _)| wanted == entity) {
            org.store.delete(TABLE, id);
        }
    }
    for (entity, object) in wanted {
        if !held.iter().any(|(_, held)| *held == entity) {
            add_row(org, set, &entity, object);
        }
    }
}

fn id_of(org: &Org, object: &str, field: &str, name: &str) -> Option<String> {
    org.store
        .all(object)
        .find(|row| row.text_or_empty(field) == name)
        .map(|row| row.text_or_empty("Id").to_owned())
}

fn add_row(org: &mut Org, set: &str, entity: &str, object: &str) -> String {
    let mut row = Row::new();
    for (field, value) in
        [("ParentId", set), ("SetupEntityId", entity), ("SetupEntityType", object)]
    {
        row.set(field, value);
    }
    org.store_new(TABLE, row)
}

/// Opens an entity to a set.
///
/// # Errors
/// When the entity is none, or is open already.
pub fn insert(org: &mut Org, row: &Row) -> Result<String, ApiError> {
    super::require(row, &["ParentId", "SetupEntityId"])?;
    let (set, entity) = (row.text_or_empty("ParentId"), row.text_or_empty("SetupEntityId"));
    let no_reference = |field: &str, id: &str| {
        let message = format!("{field}: id value of incorrect type: {id}");
        ApiError::new("INVALID_CROSS_REFERENCE_KEY", message).field(field)
    };
    if org.store.get("PermissionSet", set).is_none() {
        return Err(no_reference("ParentId", set));
    }
    sets::refuse_foreign(org, set)?;
    let object = org
        .schema
        .object_of_id(entity)
        .filter(|object| org.store.get(object.name, entity).is_some())
        .map(|object| object.name)
        .filter(|name| {
            *name == "ConnectedApplication" || ENTITIES.iter().any(|(_, _, held, _)| held == name)
        })
        .ok_or_else(|| no_reference("SetupEntityId", entity))?;
    let is_open = org
        .store
        .by(TABLE, "ParentId", set)
        .any(|held| held.text_or_empty("SetupEntityId") == entity);
    if is_open {
        return Err(ApiError::new("DUPLICATE_VALUE", "duplicate value found: SetupEntityId"));
    }
    say(org, set, entity, object, true);
    Ok(add_row(org, set, entity, object))
}

/// Closes an entity to a set.
///
/// # Errors
/// When the set belongs to a profile or a package.
pub fn delete(org: &mut Org, id: &str) -> Result<(), ApiError> {
    let row = org.store.get(TABLE, id).cloned().unwrap_or_default();
    let (set, entity) = (row.text_or_empty("ParentId"), row.text_or_empty("SetupEntityId"));
    sets::refuse_foreign(org, set)?;
    say(org, set, entity, row.text_or_empty("SetupEntityType"), false);
    org.store.delete(TABLE, id);
    Ok(())
}

/// Lets the set's document say the same.
fn say(org: &mut Org, set: &str, entity: &str, object: &str, on: bool) {
    let Some((section, named, _, field)) = ENTITIES.iter().find(|(_, _, held, _)| *held == object)
    else {
        return;
    };
    let Some(name) = org.text(object, entity, field).map(str::to_owned) else { return };
    let mut entries = sections::stored(org, set);
    let key = ((*section).to_owned(), name.clone());
    if on {
        let said = [("enabled".to_owned(), "true".to_owned()), ((*named).to_owned(), name)].into();
        entries.insert(key, said);
    } else {
        entries.remove(&key);
    }
    sections::store(org, set, &entries);
}

/// Gives the org the entities that its documents can name.
pub fn seed(org: &mut Org) {
    for (_, _, object, field) in ENTITIES {
        for name in sections::things(object) {
            let mut row = Row::new();
            row.set(field, (*name).to_owned());
            if object == "CustomPermission" {
                row.set("MasterLabel", name.replace('_', " "));
                row.set("Language", "en_US");
            } else {
                row.set("ApiVersion", Json::from(63.0));
            }
            org.store_new(object, row);
        }
    }
}
