//! Permissions of a set on objects and fields as rows: what a document does at
//! once, one row at a time (Object Reference, `ObjectPermissions` and
//! `FieldPermissions`).

use super::Org;
use super::contents::granted;
use super::contents::stored_contents;
use super::groups;
use super::prerequisites;
use super::require;
use super::sets;
use crate::local_org::error::ApiError;
use crate::local_org::row::Cell;
use crate::local_org::row::Row;

/// Gives a set a permission on an object or a field.
///
/// # Errors
/// When it grants nothing, lacks what it needs, or is there already.
pub fn insert(org: &mut Org, object: &str, mut row: Row) -> Result<String, ApiError> {
    let field = if object == "FieldPermissions" { "Field" } else { "SobjectType" };
    require(&row, &["ParentId", "SobjectType", field])?;
    let parent = row.text_or_empty("ParentId").to_owned();
    if org.store.get("PermissionSet", &parent).is_none() {
        return Err(ApiError::new(
            "INVALID_CROSS_REFERENCE_KEY",
            format!("Parent ID: id value of incorrect type: {parent}"),
        )
        .field("ParentId"));
    }
    sets::refuse_foreign(org, &parent)?;
    let sobject = row.text_or_empty("SobjectType").to_owned();
    let known = org.schema.object(&sobject).filter(|object| !object.is_setup);
    if known.is_none() {
        return Err(ApiError::new(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            format!("Sobject Type Name: bad value for restricted picklist field: {sobject}"),
        )
        .field("SobjectType"));
    }
    if object == "FieldPermissions" {
        let name = row.text_or_empty("Field").to_owned();
        let is_permissionable = name
            .split_once('.')
            .and_then(|(_, field)| known.and_then(|object| object.field(field)))
            .is_some_and(|field| field.permissionable);
        if !is_permissionable {
            return Err(ApiError::new(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                format!("Field Name: bad value for restricted picklist field: {name}"),
            )
            .field("Field"));
        }
        if org.schema.is_never_editable(&name) {
            row.set("PermissionsEdit", false);
        }
    }
    let taken = org
        .store
        .by(object, "ParentId", &parent)
        .any(|held| held.text_or_empty(field) == row.text_or_empty(field));
    if taken {
        return Err(ApiError::new("DUPLICATE_VALUE", format!("duplicate value found: {field}")));
    }
    check(object, &row)?;
    let id = org.store_new(object, row);
    check_set(org, &parent)?;
    Ok(id)
}

/// Changes a permission; one that grants nothing any more is gone.
///
/// # Errors
/// When it lacks what it needs, or something else needs it.
pub fn update(org: &mut Org, object: &str, id: &str, changes: Row) -> Result<(), ApiError> {
    let mut row = org.store.get(object, id).cloned().unwrap_or_default();
    let parent = row.text_or_empty("ParentId").to_owned();
    sets::refuse_foreign(org, &parent)?;
    row.extend(changes);
    if object == "FieldPermissions" && org.schema.is_never_editable(row.text_or_empty("Field")) {
        row.set("PermissionsEdit", false);
    }
    if grants_nothing(&row) {
        org.store.delete(object, id);
    } else {
        check(object, &row)?;
        org.store_changed(object, row);
    }
    check_set(org, &parent)?;
    groups::outdate_groups_of(org, &parent);
    Ok(())
}

/// Takes a permission away.
///
/// # Errors
/// When another one needs it.
pub fn delete(org: &mut Org, object: &str, id: &str) -> Result<(), ApiError> {
    let parent = org.text(object, id, "ParentId").unwrap_or_default().to_owned();
    sets::refuse_foreign(org, &parent)?;
    org.store.delete(object, id);
    check_set(org, &parent)?;
    groups::outdate_groups_of(org, &parent);
    Ok(())
}

fn grants_nothing(row: &Row) -> bool {
    !row.iter().any(|(field, on)| field.starts_with("Permissions") && *on == Cell::Flag(true))
}

fn check(object: &str, row: &Row) -> Result<(), ApiError> {
    let refused = |message: &str| Err(ApiError::new("FIELD_INTEGRITY_EXCEPTION", message));
    if grants_nothing(row) {
        return refused("A permission that grants nothing can't be kept");
    }
    if object == "FieldPermissions" && !row.is_on("PermissionsRead") {
        return refused("Permission Edit depends on permission(s): Read");
    }
    Ok(())
}

/// Whether all that the set grants has what it needs.
fn check_set(org: &Org, set: &str) -> Result<(), ApiError> {
    prerequisites::check(&granted(&stored_contents(org, set)), &org.doubts)
}
