//! Rows that a query shows and nobody wrote: with Modify All Data or View All
//! Data every object's permissions, with View All Fields every field's
//! (Object Reference, `ObjectPermissions` and `FieldPermissions`). Their ids
//! begin with `000`, and they can't be changed or deleted.

use std::collections::HashSet;

use serde_json::json;

use super::Org;
use crate::local_org::ids::normal_id;
use crate::local_org::row::Row;
use crate::local_org::row::row;
use crate::local_org::schema::Object;
use crate::local_org::soql::Condition;
use crate::local_org::soql::Query;
use crate::local_org::soql::Selection;
use crate::local_org::soql::texts_of;

const OBJECTS: &str = "ObjectPermissions";
const FIELDS: &str = "FieldPermissions";
/// The id that such rows have.
const ID: &str = "000000000000000AAA";

/// The rows that a query may show beside those that are stored, wherever in it
/// they are asked for.
pub fn further_rows(org: &Org, query: &Query) -> Vec<(&'static str, Row)> {
    let mut rows = Vec::new();
    if asks_for(query, &[OBJECTS, "ObjectPerms"]) {
        rows.extend(objects(org, query).into_iter().map(|row| (OBJECTS, row)));
    }
    if asks_for(query, &[FIELDS, "FieldPerms"]) {
        rows.extend(fields(org, query).into_iter().map(|row| (FIELDS, row)));
    }
    rows
}

/// Whether a query, one of its children or one in its condition is about one of
/// these.
fn asks_for(query: &Query, names: &[&str]) -> bool {
    names.iter().any(|name| query.from.eq_ignore_ascii_case(name))
        || query.select.iter().any(|item| match item {
            Selection::Children(children) => asks_for(children, names),
            _ => false,
        })
        || query.condition.as_ref().is_some_and(|condition| is_asked_in(condition, names))
}

fn is_asked_in(condition: &Condition, names: &[&str]) -> bool {
    match condition {
        Condition::And(parts) | Condition::Or(parts) => {
            parts.iter().any(|part| is_asked_in(part, names))
        }
        Condition::Not(inner) => is_asked_in(inner, names),
        Condition::Semi(_, _, query, _) => asks_for(query, names),
        Condition::Compare(..) | Condition::In(..) => false,
    }
}

/// The sets that a query can be about.
fn sets(org: &Org, query: &Query) -> Vec<String> {
    let is_from = |name: &str| query.from.eq_ignore_ascii_case(name);
    let path = match () {
        () if is_from("PermissionSet") => Some("Id"),
        () if is_from(OBJECTS) || is_from(FIELDS) => Some("ParentId"),
        () => None,
    };
    let condition = query.condition.as_ref();
    // A query in the condition may be about any set.
    let condition = condition.filter(|condition| !is_asked_in(condition, &[OBJECTS, FIELDS]));
    let named = path.zip(condition).and_then(|(path, condition)| texts_of(condition, path));
    match named {
        Some(ids) => ids.into_iter().map(normal_id).collect(),
        None => {
            org.store.all("PermissionSet").map(|row| row.text_or_empty("Id").to_owned()).collect()
        }
    }
}

/// Objects that have permissions: no object of Setup, and no activity.
fn has_permissions(object: &Object) -> bool {
    !object.is_setup && !matches!(object.name, "Event" | "Task")
}

fn objects(org: &Org, query: &Query) -> Vec<Row> {
    let mut rows = Vec::new();
    for set in sets(org, query) {
        let Some(held) = org.store.get("PermissionSet", &set) else { continue };
        let is = |name: &str| held.is_on(name);
        let modifies = is("PermissionsModifyAllData");
        if !modifies && !is("PermissionsViewAllData") {
            continue;
        }
        let written: HashSet<&str> = org
            .store
            .by(OBJECTS, "ParentId", &set)
            .map(|row| row.text_or_empty("SobjectType"))
            .collect();
        let missing = org
            .schema
            .objects()
            .filter(|object| has_permissions(object) && !written.contains(object.name));
        rows.extend(missing.map(|object| {
            row(json!({
                "Id": ID,
                "ParentId": set,
                "SobjectType": object.name,
                "PermissionsRead": true,
                "PermissionsCreate": modifies,
                "PermissionsEdit": modifies,
                "PermissionsDelete": modifies,
                "PermissionsViewAllRecords": true,
                "PermissionsModifyAllRecords": modifies,
                "PermissionsViewAllFields": false,
            }))
        }));
    }
    rows
}

fn fields(org: &Org, query: &Query) -> Vec<Row> {
    let mut rows = Vec::new();
    for set in sets(org, query) {
        let opened: Vec<&str> = org
            .store
            .by(OBJECTS, "ParentId", &set)
            .filter(|row| row.is_on("PermissionsViewAllFields"))
            .map(|row| row.text_or_empty("SobjectType"))
            .collect();
        if opened.is_empty() {
            continue;
        }
        let written: HashSet<&str> =
            org.store.by(FIELDS, "ParentId", &set).map(|row| row.text_or_empty("Field")).collect();
        for object in opened.into_iter().filter_map(|name| org.schema.object(name)) {
            let grantable = object
                .fields
                .iter()
                .filter(|field| field.permissionable && field.compound.is_none());
            for field in grantable {
                let path = format!("{}.{}", object.name, field.name);
                if written.contains(path.as_str()) {
                    continue;
                }
                rows.push(row(json!({
                    "Id": ID,
                    "ParentId": set,
                    "SobjectType": object.name,
                    "Field": path,
                    "PermissionsRead": true,
                    "PermissionsEdit": false,
                })));
            }
        }
    }
    rows
}
