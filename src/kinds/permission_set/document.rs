//! A permission set as a metadata document: read, compared, written.

use crate::kinds::access_path::AccessPath;
use crate::kinds::access_path::FieldLevel;
use crate::model::ObjectAccess;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::ACTIVATION;
use super::MODIFY_ALL_DATA;
use super::SYSTEM;
use super::VIEW_ALL_DATA;
use super::field_paths;
use super::object_paths;
use super::set_object;
use crate::kinds::settings;
use crate::kinds::settings::Holder;
use crate::model::Attributes;
use crate::model::Element;
use crate::model::Observed;
use crate::model::Value;

/// The metadata sections that this kind models; all others are carried.
const MODELLED: [&str; 10] = [
    "fullName",
    "label",
    "description",
    "license",
    "hasActivationRequired",
    "userPermissions",
    "objectPermissions",
    "fieldPermissions",
    "recordTypeVisibilities",
    "tabSettings",
];

/// What a set's document says.
pub fn observe(document: &Element) -> Observed {
    let mut observed = Observed::default();
    let attributes = &mut observed.attributes;
    for path in ["label", "description", "license"] {
        let text = document.child_text(path).map(str::trim).filter(|text| !text.is_empty());
        attributes.set_some(path, text.map(|text| Value::Text(text.to_owned())));
    }
    if document.child_is_true("hasActivationRequired") {
        attributes.set(ACTIVATION, Value::Flag(true));
    }
    settings::observe(Holder::PermissionSet, document, attributes);
    let system: BTreeSet<String> = document
        .all("userPermissions")
        .filter(|permission| permission.child_is_true("enabled"))
        .filter_map(|permission| permission.child_text("name").map(str::to_owned))
        .collect();
    if !system.is_empty() {
        attributes.set(SYSTEM, Value::Set(system));
    }
    for permission in document.all("objectPermissions") {
        let is_on = |access: &ObjectAccess| permission.child_is_true(access.element());
        let accesses: BTreeSet<ObjectAccess> =
            ObjectAccess::ALL.into_iter().filter(is_on).collect();
        if let Some(object) = permission.child_text("object").filter(|_| !accesses.is_empty()) {
            set_object(object, &accesses, attributes);
        }
    }
    observe_fields(document, ["editable", "readable"], attributes);
    observed.carried = document
        .children
        .iter()
        .filter(|child| !MODELLED.contains(&child.name.as_str()))
        .filter(|child| !settings::SECTIONS.iter().any(|(_, element, _, _)| *element == child.name))
        .cloned()
        .collect();
    observed
}

/// The level that each element of a field permission stands for.
const LEVELS: [(&str, FieldLevel); 2] =
    [("editable", FieldLevel::Edit), ("readable", FieldLevel::Read)];

/// Fields by object and level; of the elements that say a field's level the first
/// that is on counts.
pub fn observe_fields(document: &Element, order: [&str; 2], into: &mut Attributes) {
    let mut fields: BTreeMap<(&str, FieldLevel), BTreeSet<String>> = BTreeMap::new();
    for permission in document.all("fieldPermissions") {
        let on = order.iter().find(|element| permission.child_is_true(element));
        let level = LEVELS.iter().find(|(element, _)| Some(element) == on).map(|held| held.1);
        let path = permission.child_text("field").and_then(|field| field.split_once('.'));
        if let (Some(level), Some((object, field))) = (level, path) {
            fields.entry((object, level)).or_default().insert(field.to_owned());
        }
    }
    for ((object, level), names) in fields {
        into.set(AccessPath::Fields(object, level).to_string(), Value::Set(names));
    }
}

/// The observed attributes, cut to what can be compared with `wanted`: what
/// Modify All Data, View All Data and View All Fields only show is left out.
pub fn comparable(observed: &Attributes, wanted: &Attributes) -> Attributes {
    let mut comparable = observed.clone();
    let has = |permission: &str| observed.names(SYSTEM).any(|name| name == permission);
    if has(MODIFY_ALL_DATA) {
        without_modify_all_data(observed, wanted, &mut comparable);
    } else if has(VIEW_ALL_DATA) {
        without_view_all_data(observed, wanted, &mut comparable);
    }
    mirror_activities(&mut comparable, wanted);
    for (object, accesses) in object_paths(observed) {
        if accesses.contains(&ObjectAccess::ViewAllFields) {
            // View All Fields reads as read access to every field.
            let path = AccessPath::Fields(object, FieldLevel::Read).to_string();
            comparable.remove(&path);
            comparable.set_some(path.clone(), wanted.get(&path).cloned());
        }
    }
    comparable
}

/// Modify All Data shows every object as open, whether granted or not; only View All Fields
/// is a grant of its own then.
fn without_modify_all_data(
    observed: &Attributes,
    wanted: &Attributes,
    comparable: &mut Attributes,
) {
    let all_fields = |(object, accesses): (&str, BTreeSet<ObjectAccess>)| {
        accesses.contains(&ObjectAccess::ViewAllFields).then(|| object.to_owned())
    };
    let open: BTreeSet<String> = object_paths(observed).filter_map(all_fields).collect();
    comparable.retain(|path, _| AccessPath::object_of(path).is_none());
    for (object, mut accesses) in object_paths(wanted) {
        accesses.remove(&ObjectAccess::ViewAllFields);
        if open.contains(object) {
            accesses.insert(ObjectAccess::ViewAllFields);
        }
        set_object(object, &accesses, comparable);
    }
    for object in open {
        if wanted.get(&AccessPath::Object(&object).to_string()).is_none() {
            set_object(&object, &BTreeSet::from([ObjectAccess::ViewAllFields]), comparable);
        }
    }
}

/// View All Data shows every object as readable, granted or not.
fn without_view_all_data(observed: &Attributes, wanted: &Attributes, comparable: &mut Attributes) {
    for (object, mut accesses) in object_paths(observed) {
        let path = AccessPath::Object(object).to_string();
        for access in [ObjectAccess::Read, ObjectAccess::ViewAll] {
            if !wanted.names(&path).any(|held| held == access.word()) {
                accesses.remove(&access);
            }
        }
        comparable.remove(&path);
        if !accesses.is_empty() {
            set_object(object, &accesses, comparable);
        }
    }
}

/// Custom fields of activities are one for events and tasks: a grant on the one
/// shows on the other too (Object Reference, `FieldPermissions`).
fn mirror_activities(comparable: &mut Attributes, wanted: &Attributes) {
    for (object, other) in [("Event", "Task"), ("Task", "Event")] {
        for level in FieldLevel::ALL {
            let path = AccessPath::Fields(object, level).to_string();
            let Some(Value::Set(names)) = comparable.get(&path) else { continue };
            let is_mirrored = |name: &str| {
                let is_wanted = |object: &str| {
                    FieldLevel::ALL.into_iter().any(|level| {
                        let path = AccessPath::Fields(object, level).to_string();
                        wanted.names(&path).any(|held| held == name)
                    })
                };
                name.ends_with("__c") && is_wanted(other) && !is_wanted(object)
            };
            let kept: BTreeSet<String> =
                names.iter().filter(|name| !is_mirrored(name)).cloned().collect();
            comparable.remove(&path);
            if !kept.is_empty() {
                comparable.set(path, Value::Set(kept));
            }
        }
    }
}

/// The whole document, its elements in the order of the WSDL, which is the
/// order of their names. What is taken out is also said to be off: by the
/// documents a set is replaced, and an org that merges must end alike.
pub fn body(
    attributes: &Attributes,
    before: Option<&Attributes>,
    carried: &[Element],
) -> Vec<Element> {
    let flag = |name: &str, on: bool| Element::text(name, if on { "true" } else { "false" });
    let mut body: Vec<Element> = carried.to_vec();
    let nothing = Attributes::new();
    let before = before.unwrap_or(&nothing);
    if before.get("description").is_some() && attributes.get("description").is_none() {
        body.push(Element::text("description", ""));
    }
    let had = |path| before.flag(path) == Some(true);
    let has_activation = attributes.flag(ACTIVATION) == Some(true);
    if has_activation || had(ACTIVATION) {
        body.push(flag("hasActivationRequired", has_activation));
    }
    body.extend(settings::whole(before, attributes));
    for name in before.names(SYSTEM) {
        if !attributes.names(SYSTEM).any(|kept| kept == name) {
            body.push(Element::parent(
                "userPermissions",
                vec![flag("enabled", false), Element::text("name", name)],
            ));
        }
    }
    for path in ["description", "label", "license"] {
        if let Some(text) = attributes.text(path) {
            body.push(Element::text(path, text));
        }
    }
    for name in attributes.names(SYSTEM) {
        body.push(Element::parent(
            "userPermissions",
            vec![flag("enabled", true), Element::text("name", name)],
        ));
    }
    let is_gone = |object: &str| attributes.get(&AccessPath::Object(object).to_string()).is_none();
    let withdrawn = object_paths(before)
        .filter(|(object, _)| is_gone(object))
        .map(|(object, _)| (object, BTreeSet::new()));
    for (object, accesses) in object_paths(attributes).chain(withdrawn) {
        let mut children: Vec<Element> = ObjectAccess::ALL
            .into_iter()
            .map(|access| flag(access.element(), accesses.contains(&access)))
            .collect();
        children.push(Element::text("object", object));
        children.sort_by(|left, right| left.name.cmp(&right.name));
        body.push(Element::parent("objectPermissions", children));
    }
    let mut fields: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    for (object, _, value) in field_paths(before) {
        for field in value.as_set().into_iter().flatten() {
            fields.insert(format!("{object}.{field}"), (false, false));
        }
    }
    for (object, level, value) in field_paths(attributes) {
        for field in value.as_set().into_iter().flatten() {
            fields.insert(format!("{object}.{field}"), (true, level == Some(FieldLevel::Edit)));
        }
    }
    for (field, (readable, editable)) in fields {
        body.push(Element::parent(
            "fieldPermissions",
            vec![
                flag("editable", editable),
                Element::text("field", field),
                flag("readable", readable),
            ],
        ));
    }
    body.sort_by(|left, right| left.name.cmp(&right.name));
    body
}
