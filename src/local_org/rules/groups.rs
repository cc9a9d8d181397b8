//! Permission set groups: their members, what they mute, and the set that the org
//! works out from both (Object Reference, `PermissionSetGroup`; Metadata API
//! Developer Guide, `PermissionSetGroup` and `MutingPermissionSet`).
//!
//! A group that has changed is worked out anew after some calls. Until then it is
//! `Updating` and can't be assigned.

use super::Org;
use super::contents::Contents;
use super::contents::content_nodes;
use super::contents::read_contents;
use super::contents::store_contents;
use super::contents::stored_contents;
use super::nodes::flag;
use super::nodes::is_true;
use super::nodes::no_such;
use super::nodes::text;
use super::nodes::whole;
use super::sections;
use super::set_document;
use super::sets;
use crate::local_org::error::ApiError;
use crate::local_org::row::Row;
use crate::local_org::xml::Node;

const GROUP: &str = "PermissionSetGroup";
const COMPONENT: &str = "PermissionSetGroupComponent";
const MUTING: &str = "MutingPermissionSet";
/// How many further calls it takes until a group is worked out; kept in its row.
const CALLS_LEFT: &str = "CallsLeft";

/// The row of this org's own group, or muting set, of a name.
fn named(org: &Org, object: &str, name: &str) -> Option<Row> {
    org.store.by(object, "DeveloperName", name).find(|row| row.lacks("NamespacePrefix")).cloned()
}

fn new_row(name: &str) -> Row {
    let mut row = Row::new();
    row.set("DeveloperName", name);
    row.set("Language", "en_US");
    row
}

/// Takes label and description over.
fn describe(row: &mut Row, document: &Node) -> Result<(), ApiError> {
    let label = text(document, "label").unwrap_or_default();
    if label.is_empty() {
        return Err(ApiError::new("REQUIRED_FIELD_MISSING", "Required field is missing: label")
            .field("label"));
    }
    row.set("MasterLabel", label);
    match text(document, "description").filter(|text| !text.is_empty()) {
        Some(text) => row.set("Description", text),
        None => row.remove("Description"),
    }
    Ok(())
}

/// Creates or replaces a group.
pub fn write_group(
    org: &mut Org,
    full_name: &str,
    document: &Node,
    may_create: bool,
) -> Result<bool, ApiError> {
    let existing = named(org, GROUP, full_name);
    let is_new = existing.is_none();
    if is_new && !may_create {
        return Err(no_such(GROUP, full_name));
    }
    let mut members = Vec::new();
    for node in document.all("permissionSets") {
        let name = node.text.trim();
        members.push(set_document::named(org, name).ok_or_else(|| {
            ApiError::new(
                "INVALID_CROSS_REFERENCE_KEY",
                format!("In field: permissionSets - no PermissionSet named {name} found"),
            )
        })?);
    }
    for node in document.all("mutingPermissionSets") {
        let name = node.text.trim();
        let muting = named(org, MUTING, name).ok_or_else(|| {
            ApiError::new(
                "INVALID_CROSS_REFERENCE_KEY",
                format!(
                    "In field: mutingPermissionSets - no MutingPermissionSet named {name} found"
                ),
            )
        })?;
        members.push(muting.text_or_empty("Id").to_owned());
    }
    let mut row = existing.unwrap_or_else(|| new_row(full_name));
    describe(&mut row, document)?;
    let needs_activation = sections::says(document, "hasActivationRequired").unwrap_or(false);
    row.set("HasActivationRequired", needs_activation);
    let id = if is_new {
        store_group(org, row)
    } else {
        let id = row.text_or_empty("Id").to_owned();
        org.store_changed(GROUP, row);
        id
    };
    for component in org.store.ids_by(COMPONENT, "PermissionSetGroupId", &id) {
        org.store.delete(COMPONENT, &component);
    }
    for member in members {
        let mut component = Row::new();
        component.set("PermissionSetGroupId", &id);
        component.set("PermissionSetId", &member);
        org.store_new(COMPONENT, component);
    }
    outdate(org, &id);
    Ok(is_new)
}

/// Stores a group and the set that the org works out for it.
fn store_group(org: &mut Org, row: Row) -> String {
    let label = row.text_or_empty("MasterLabel").to_owned();
    let id = org.store_new(GROUP, row);
    let mut set = sets::new_set_row(&format!("X{id}"), &label);
    set.set("Type", "Group");
    set.set("PermissionSetGroupId", &id);
    org.store_new("PermissionSet", set);
    id
}

/// Makes a group without members.
///
/// # Errors
/// When it has no name or label, or the name is taken.
pub fn insert_group(org: &mut Org, row: &Row) -> Result<String, ApiError> {
    super::require(row, &["DeveloperName", "MasterLabel"])?;
    let name = row.text_or_empty("DeveloperName");
    if named(org, GROUP, name).is_some() {
        return Err(ApiError::new(
            "DUPLICATE_DEVELOPER_NAME",
            "The name you specified is already in use. Please specify a unique name.",
        )
        .field("DeveloperName"));
    }
    let mut whole = new_row(name);
    whole.extend(row.clone());
    let id = store_group(org, whole);
    outdate(org, &id);
    Ok(id)
}

/// Takes a set into a group, once.
///
/// # Errors
/// When there is no such set or group, or it is in it.
pub fn insert_component(org: &mut Org, row: &Row) -> Result<String, ApiError> {
    super::require(row, &["PermissionSetGroupId", "PermissionSetId"])?;
    let (group, set) =
        (row.text_or_empty("PermissionSetGroupId"), row.text_or_empty("PermissionSetId"));
    let is_set =
        org.store.get("PermissionSet", set).is_some() || org.store.get(MUTING, set).is_some();
    for (field, id, is_there) in [
        ("PermissionSetGroupId", group, org.store.get(GROUP, group).is_some()),
        ("PermissionSetId", set, is_set),
    ] {
        if !is_there {
            let message = format!("{field}: id value of incorrect type: {id}");
            return Err(ApiError::new("INVALID_CROSS_REFERENCE_KEY", message).field(field));
        }
    }
    let is_in = org
        .store
        .by(COMPONENT, "PermissionSetGroupId", group)
        .any(|held| held.text_or_empty("PermissionSetId") == set);
    if is_in {
        return Err(ApiError::new("DUPLICATE_VALUE", "duplicate value found: PermissionSetId"));
    }
    let group = group.to_owned();
    let id = org.store_new(COMPONENT, row.clone());
    outdate(org, &group);
    Ok(id)
}

/// Takes a set out of a group.
pub fn delete_component(org: &mut Org, id: &str) {
    let group = org.text(COMPONENT, id, "PermissionSetGroupId").unwrap_or_default().to_owned();
    org.store.delete(COMPONENT, id);
    outdate(org, &group);
}

/// Creates or replaces a muting set: what its document says is on is muted.
pub fn write_muting(
    org: &mut Org,
    full_name: &str,
    document: &Node,
    may_create: bool,
) -> Result<bool, ApiError> {
    let existing = named(org, MUTING, full_name);
    let is_new = existing.is_none();
    if is_new && !may_create {
        return Err(no_such(MUTING, full_name));
    }
    let mut contents = read_contents(org, document)?;
    for permission in document.all("fieldPermissions") {
        // Editing alone can be muted too.
        let flags = (is_true(permission, "readable"), is_true(permission, "editable"));
        contents.fields.insert(text(permission, "field").unwrap_or_default().to_owned(), flags);
    }
    let mut row = existing.unwrap_or_else(|| new_row(full_name));
    describe(&mut row, document)?;
    let id = if is_new {
        org.store_new(MUTING, row)
    } else {
        let id = row.text_or_empty("Id").to_owned();
        org.store_changed(MUTING, row);
        id
    };
    store_contents(org, &id, &contents);
    outdate_groups_of(org, &id);
    Ok(is_new)
}

/// The document of a group.
pub fn group_document(org: &Org, full_name: &str) -> Option<Node> {
    let row = named(org, GROUP, full_name)?;
    let mut children = vec![
        flag("hasActivationRequired", row.is_on("HasActivationRequired")),
        Node::text("label", row.text_or_empty("MasterLabel")),
        Node::text("status", row.text_or_empty("Status")),
    ];
    let description = row.text_or_empty("Description");
    if !description.is_empty() {
        children.push(Node::text("description", description));
    }
    for component in org.store.by(COMPONENT, "PermissionSetGroupId", row.text_or_empty("Id")) {
        let member = component.text_or_empty("PermissionSetId");
        if let Some(muting) = org.text(MUTING, member, "DeveloperName") {
            children.push(Node::text("mutingPermissionSets", muting));
        } else if let Some(set) = org.store.get("PermissionSet", member) {
            children.push(Node::text("permissionSets", &sets::full_name(set)));
        }
    }
    Some(whole(full_name, children))
}

/// The document of a muting set.
pub fn muting_document(org: &Org, full_name: &str) -> Option<Node> {
    let row = named(org, MUTING, full_name)?;
    let contents = stored_contents(org, row.text_or_empty("Id"));
    let (fields, objects, system) = content_nodes(org, &contents);
    let mut children = vec![Node::text("label", row.text_or_empty("MasterLabel"))];
    children.extend(fields.into_iter().chain(objects).chain(system));
    let mut document = whole(full_name, children);
    // The type is a permission set with a label of its own after all else, so
    // that the WSDL has it twice.
    document.children.push(Node::text("label", row.text_or_empty("MasterLabel")));
    Some(document)
}

/// The full name of a group, or of a muting set.
pub fn full_name(row: &Row) -> String {
    row.text_or_empty("DeveloperName").to_owned()
}

/// The id of a group, or of a muting set, by full name.
pub fn id_of(org: &Org, object: &str, full_name: &str) -> Option<String> {
    named(org, object, full_name).map(|row| row.text_or_empty("Id").to_owned())
}

/// Deletes a group that nobody holds, with its muting set.
pub fn delete_group(org: &mut Org, id: &str) -> Result<(), ApiError> {
    if org.store.count_by("PermissionSetAssignment", "PermissionSetGroupId", id) > 0 {
        return Err(ApiError::new(
            "DELETE_FAILED",
            "Permission set groups cannot be deleted if assigned to users.",
        ));
    }
    let components: Vec<Row> =
        org.store.by(COMPONENT, "PermissionSetGroupId", id).cloned().collect();
    for component in components {
        org.store.delete(COMPONENT, component.text_or_empty("Id"));
        let member = component.text_or_empty("PermissionSetId");
        if org.store.get(MUTING, member).is_some() {
            remove_muting(org, member);
        }
    }
    if let Some(set) = aggregate(org, id) {
        sets::delete_with_children(org, &set);
    }
    org.store.delete(GROUP, id);
    Ok(())
}

/// Deletes a muting set that no group has.
pub fn delete_muting(org: &mut Org, id: &str) -> Result<(), ApiError> {
    if org.store.count_by(COMPONENT, "PermissionSetId", id) > 0 {
        return Err(ApiError::new(
            "DELETE_FAILED",
            "The muting permission set is part of a permission set group.",
        ));
    }
    remove_muting(org, id);
    Ok(())
}

fn remove_muting(org: &mut Org, id: &str) {
    for object in ["ObjectPermissions", "FieldPermissions"] {
        for child in org.store.ids_by(object, "ParentId", id) {
            org.store.delete(object, &child);
        }
    }
    sections::remove(org, id);
    org.store.delete(MUTING, id);
}

/// Whether a group can be assigned as it is.
///
/// # Errors
/// While it is not worked out.
pub fn check_status(org: &Org, group: &str) -> Result<(), ApiError> {
    if org.text(GROUP, group, "Status") == Some("Updated") {
        return Ok(());
    }
    Err(ApiError::new(
        "FIELD_INTEGRITY_EXCEPTION",
        "You can't assign a permission set group that is being recalculated.",
    )
    .field("PermissionSetGroupId"))
}

/// Whether a set is a member of a group.
pub fn is_member(org: &Org, set: &str) -> bool {
    org.store.count_by(COMPONENT, "PermissionSetId", set) > 0
}

/// The set that the org works out for a group.
pub fn aggregate(org: &Org, group: &str) -> Option<String> {
    org.store.ids_by("PermissionSet", "PermissionSetGroupId", group).into_iter().next()
}

/// The members of a group, without what mutes.
pub fn members(org: &Org, group: &str) -> Vec<String> {
    org.store
        .by(COMPONENT, "PermissionSetGroupId", group)
        .map(|component| component.text_or_empty("PermissionSetId").to_owned())
        .filter(|member| org.store.get("PermissionSet", member).is_some())
        .collect()
}

/// A member has changed: its groups are to be worked out anew.
pub fn outdate_groups_of(org: &mut Org, member: &str) {
    let groups: Vec<String> = org
        .store
        .by(COMPONENT, "PermissionSetId", member)
        .map(|component| component.text_or_empty("PermissionSetGroupId").to_owned())
        .collect();
    for group in groups {
        outdate(org, &group);
    }
}

fn outdate(org: &mut Org, group: &str) {
    let calls = org.recalculation.calls;
    set_status(org, group, "Outdated", calls);
    if calls == 0 {
        work_out(org, group);
    }
}

fn set_status(org: &mut Org, group: &str, status: &str, calls: u32) {
    let Some(mut row) = org.store.get(GROUP, group).cloned() else { return };
    row.set("Status", status);
    row.set(CALLS_LEFT, i64::from(calls));
    org.store.put(GROUP, row);
}

/// One more call was made: groups whose time has come are worked out.
pub fn advance_recalculations(org: &mut Org) {
    let waiting: Vec<(String, i64)> = org
        .store
        .all(GROUP)
        .filter_map(|row| {
            let left = row.number(CALLS_LEFT).filter(|left| *left > 0)?;
            Some((row.text_or_empty("Id").to_owned(), left))
        })
        .collect();
    for (group, left) in waiting {
        let left = u32::try_from(left - 1).unwrap_or_default();
        set_status(org, &group, "Updating", left);
        if left == 0 {
            work_out(org, &group);
        }
    }
}

/// Adds the members up, without what is muted.
fn work_out(org: &mut Org, group: &str) {
    let members = members(org, group);
    let spoils = |set: &String| {
        org.recalculation.fails_for.is_some()
            && org.text("PermissionSet", set, "Name") == org.recalculation.fails_for.as_deref()
    };
    if members.iter().any(spoils) {
        set_status(org, group, "Failed", 0);
        return;
    }
    let mut sum = Contents::default();
    for member in &members {
        let held = stored_contents(org, member);
        sum.system.extend(held.system.into_iter().filter(|(_, on)| *on));
        for (object, flags) in held.objects {
            let all = sum.objects.entry(object).or_default();
            all.iter_mut().zip(flags).for_each(|(all, on)| *all |= on);
        }
        for (field, (read, edit)) in held.fields {
            let all = sum.fields.entry(field).or_default();
            *all = (all.0 || read, all.1 || edit);
        }
        sum.sections.extend(held.sections);
    }
    let mutings: Vec<String> = org
        .store
        .by(COMPONENT, "PermissionSetGroupId", group)
        .map(|component| component.text_or_empty("PermissionSetId").to_owned())
        .filter(|member| org.store.get(MUTING, member).is_some())
        .collect();
    for muting in mutings {
        mute(&mut sum, &stored_contents(org, &muting));
    }
    if let Some(set) = aggregate(org, group) {
        store_contents(org, &set, &sum);
    }
    set_status(org, group, "Updated", 0);
}

fn mute(sum: &mut Contents, muted: &Contents) {
    sum.system.retain(|name, _| muted.system.get(name) != Some(&true));
    for (object, off) in &muted.objects {
        if let Some(held) = sum.objects.get_mut(object) {
            held.iter_mut().zip(off).for_each(|(held, off)| *held &= !off);
        }
    }
    for (field, (read, edit)) in &muted.fields {
        if let Some(held) = sum.fields.get_mut(field) {
            *held = (held.0 && !read, held.1 && !edit && !read);
        }
    }
}

/// Puts a user into a queue or a public group, once.
///
/// # Errors
/// When there is no such user or group, or the user is in it.
pub fn insert_member(org: &mut Org, row: Row) -> Result<String, ApiError> {
    super::require(&row, &["GroupId", "UserOrGroupId"])?;
    for (field, object) in [("GroupId", "Group"), ("UserOrGroupId", "User")] {
        if org.store.get(object, row.text_or_empty(field)).is_none() {
            return Err(ApiError::new(
                "INVALID_CROSS_REFERENCE_KEY",
                format!("{field}: id value of incorrect type: {}", row.text_or_empty(field)),
            )
            .field(field));
        }
    }
    let is_in = org
        .store
        .by("GroupMember", "UserOrGroupId", row.text_or_empty("UserOrGroupId"))
        .any(|held| held.text_or_empty("GroupId") == row.text_or_empty("GroupId"));
    if is_in {
        return Err(ApiError::new("DUPLICATE_VALUE", "duplicate value found: GroupId"));
    }
    Ok(org.store_new("GroupMember", row))
}
