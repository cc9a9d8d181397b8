//! Record types: which are assigned, and which are the defaults.
//!
//! A person account's record type is `PersonAccount.X` in metadata, though it is
//! a record type of Account, and both halves share one default (record types of
//! real orgs' profiles in public repositories; Metadata API Developer Guide,
//! `ProfileRecordTypeVisibility`).

use crate::text::words;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Holder;
use crate::facts::Catalog;
use crate::facts::Fact;
use crate::model::Attributes;
use crate::model::Declared;
use crate::model::Element;
use crate::model::Place;
use crate::model::Problem;
use crate::model::Value;

/// What its paths begin with.
pub const RECORD_TYPES: &str = "record_types.";
const ACCOUNT: &str = "Account";
const PERSON_ACCOUNT: &str = "PersonAccount";
/// The word in YAML for the record type of person accounts, whatever its name.
const PERSON_WORD: &str = "person account";
/// The defaults, each with what its path ends in.
const DEFAULT: &str = "default";
const BUSINESS_DEFAULT: &str = "business_account_default";
const PERSON_DEFAULT: &str = "person_account_default";

/// The object of a path, and which default it is about.
pub fn object_of(path: &str) -> Option<(&str, Option<&str>)> {
    let rest = path.strip_prefix(RECORD_TYPES)?;
    Some(match rest.split_once('.') {
        Some((object, which)) => (object, Some(which)),
        None => (rest, None),
    })
}

fn objects(attributes: &Attributes) -> BTreeSet<&str> {
    attributes.iter().filter_map(|(path, _)| Some(object_of(path)?.0)).collect()
}

fn path_of(object: &str, which: Option<&str>) -> String {
    match which {
        Some(which) => format!("{RECORD_TYPES}{object}.{which}"),
        None => format!("{RECORD_TYPES}{object}"),
    }
}

/// The facts that the record types of a declaration need.
pub fn facts(attributes: &Attributes, want: &mut dyn FnMut(Fact)) {
    for object in objects(attributes) {
        want(Fact::RecordTypes(object.to_owned()));
        if object == ACCOUNT {
            want(Fact::PersonAccounts);
        }
    }
}

/// Turns words into full names; what is wrong goes into `problems`.
pub fn resolve(
    declared: &Declared,
    place: &dyn Fn(&str) -> Place,
    catalog: &Catalog,
    resolved: &mut Attributes,
    problems: &mut Vec<Problem>,
) {
    for (path, value) in declared.attributes.iter() {
        let Some((object, which)) = object_of(path) else { continue };
        let mut full_name = |written: &str, place: Place| match find(object, written, catalog) {
            Ok(name) => Some(name),
            Err((message, hint)) => {
                problems.push(Problem::at(declared, place, message).hint(hint));
                None
            }
        };
        match value {
            Value::Set(names) => {
                let names: BTreeSet<String> = names
                    .iter()
                    .filter_map(|name| full_name(name, place(path).item(name)))
                    .collect();
                resolved.set(path.to_owned(), Value::Set(names));
            }
            Value::Text(name) => {
                let Some(name) = full_name(name, place(path)) else { continue };
                let is_person = name.starts_with(&format!("{PERSON_ACCOUNT}."));
                let wants_person = which == Some(PERSON_DEFAULT);
                let wants_business = which == Some(BUSINESS_DEFAULT);
                let misplaced = (wants_person && !is_person) || (wants_business && is_person);
                if misplaced {
                    problems.push(
                        Problem::at(
                            declared,
                            place(path),
                            format!(
                                "`{name}` is {} record type of person accounts",
                                if is_person { "a" } else { "no" }
                            ),
                        )
                        .hint(format!("write it as `{DEFAULT}`, or name another here")),
                    );
                }
                resolved.set(path.to_owned(), Value::Text(name));
            }
            _ => {}
        }
    }
    for object in objects(&declared.attributes) {
        let assigned: BTreeSet<&str> = resolved.names(&path_of(object, None)).collect();
        for which in [DEFAULT, BUSINESS_DEFAULT, PERSON_DEFAULT] {
            let path = path_of(object, Some(which));
            if let Some(name) = resolved.text(&path).filter(|name| !assigned.contains(name)) {
                problems.push(
                    Problem::at(
                        declared,
                        place(&path),
                        format!("the default `{name}` is not among the assigned record types"),
                    )
                    .hint("add it to `assigned`"),
                );
            }
        }
    }
}

/// The full name in metadata of a record type as written.
fn find(object: &str, written: &str, catalog: &Catalog) -> Result<String, (String, String)> {
    let persons = catalog.person_accounts.get(&()).list();
    let full_name = |name: &str| {
        let is_person = object == ACCOUNT && persons.iter().any(|person| person == name);
        format!("{}.{name}", if is_person { PERSON_ACCOUNT } else { object })
    };
    let bare = written
        .strip_prefix(&format!("{PERSON_ACCOUNT}."))
        .or_else(|| written.strip_prefix(&format!("{object}.")))
        .unwrap_or(written);
    let types = catalog.record_types.get(object).list();
    let mut fitting: Vec<&str> = types
        .iter()
        .filter(|held| held.name.eq_ignore_ascii_case(bare))
        .map(|held| held.name.as_str())
        .collect();
    let is_person_word = object == ACCOUNT && written.eq_ignore_ascii_case(PERSON_WORD);
    if fitting.is_empty() && is_person_word {
        fitting = persons.iter().map(String::as_str).collect();
    }
    if fitting.is_empty() {
        fitting = types
            .iter()
            .filter(|held| held.label.eq_ignore_ascii_case(written))
            .map(|held| held.name.as_str())
            .collect();
    }
    match fitting.as_slice() {
        [name] if types.iter().any(|held| held.name == *name && !held.is_active) => Err((
            format!("the record type `{written}` of {object} is not active"),
            "activate it in Setup > Object Manager, or take it out here".to_owned(),
        )),
        [name] => Ok(full_name(name)),
        [] if is_person_word => Err((
            "this org has no person accounts".to_owned(),
            "write it under `if_person_accounts:`, so that only orgs with person accounts get it"
                .to_owned(),
        )),
        [] => {
            let meant = words::closest(written, types.iter().map(|held| held.name.as_str()));
            Err((
                format!("{object} has no record type `{written}`"),
                match meant {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None if types.is_empty() => {
                        format!("{object} has no record types in this org")
                    }
                    None => format!(
                        "it has {}",
                        types.iter().map(|held| held.name.as_str()).collect::<Vec<_>>().join(", ")
                    ),
                },
            ))
        }
        several => Err((
            format!("`{written}` fits the record types {}", several.join(" and ")),
            "write the developer name of the one that is meant".to_owned(),
        )),
    }
}

/// The object that a full name belongs to.
fn object_of_full_name(name: &str) -> &str {
    match name.split_once('.') {
        Some((PERSON_ACCOUNT, _)) => ACCOUNT,
        Some((object, _)) => object,
        None => name,
    }
}

fn is_person(name: &str) -> bool {
    name.starts_with("PersonAccount.")
}

/// Takes what a document says of record types into attributes.
pub fn observe(holder: Holder, document: &Element, attributes: &mut Attributes) {
    let mut assigned: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for entry in document.all("recordTypeVisibilities") {
        let Some(name) = entry.child_text("recordType") else { continue };
        let object = object_of_full_name(name);
        if entry.child_is_true("visible") {
            assigned.entry(object).or_default().insert(name.to_owned());
        }
        if holder == Holder::PermissionSet {
            continue;
        }
        let text = || Value::Text(name.to_owned());
        if entry.child_is_true("default") {
            attributes.set(path_of(object, Some(DEFAULT)), text());
        }
        // Outside Account the flag has no meaning, and is shown all the same.
        if object == ACCOUNT && entry.child_is_true("personAccountDefault") {
            let which = if is_person(name) { PERSON_DEFAULT } else { BUSINESS_DEFAULT };
            attributes.set(path_of(object, Some(which)), text());
        }
    }
    for (object, names) in assigned {
        attributes.set(path_of(object, None), Value::Set(names));
    }
}

/// All of a set's record types, and those that are assigned no more.
pub fn whole(before: &Attributes, after: &Attributes) -> Vec<Element> {
    let mut elements = Vec::new();
    for object in objects(before).into_iter().chain(objects(after)).collect::<BTreeSet<_>>() {
        let path = path_of(object, None);
        let is: BTreeSet<&str> = after.names(&path).collect();
        let names: BTreeSet<&str> = before.names(&path).chain(is.iter().copied()).collect();
        for name in names {
            let visible = if is.contains(name) { "true" } else { "false" };
            let children =
                vec![Element::text("recordType", name), Element::text("visible", visible)];
            elements.push(Element::parent("recordTypeVisibilities", children));
        }
    }
    elements
}

/// What a profile has to be told of the record types of each object where
/// something differs. A default that moves is taken from the old one in the same
/// call, since there is one for all record types of an object.
pub fn differing(before: &Attributes, after: &Attributes, seen: &Attributes) -> Vec<Element> {
    let mut elements = Vec::new();
    for object in objects(before).into_iter().chain(objects(after)).collect::<BTreeSet<_>>() {
        let of = |attributes: &Attributes| -> Vec<(String, Value)> {
            let is_here = |(path, _): &(&str, &Value)| {
                object_of(path).is_some_and(|(held, _)| held == object)
            };
            attributes
                .iter()
                .filter(is_here)
                .map(|(path, value)| (path.to_owned(), value.clone()))
                .collect()
        };
        if of(before) == of(after) {
            continue;
        }
        let assigned_path = path_of(object, None);
        let was: BTreeSet<&str> = before.names(&assigned_path).collect();
        let is: BTreeSet<&str> = after.names(&assigned_path).collect();
        // What the file says nothing of stays as it was seen.
        let default_of = |which: &str| {
            let path = path_of(object, Some(which));
            after.text(&path).or_else(|| seen.text(&path)).or_else(|| before.text(&path))
        };
        let was_default = |which: &str| {
            let path = path_of(object, Some(which));
            seen.text(&path).or_else(|| before.text(&path))
        };
        let mut touched: BTreeSet<&str> = was.union(&is).copied().collect();
        for which in [DEFAULT, BUSINESS_DEFAULT, PERSON_DEFAULT] {
            if default_of(which) != was_default(which) {
                touched.extend(was_default(which));
            }
        }
        for name in touched {
            let was_seen = seen.names(&assigned_path).any(|held| held == name);
            let visible = is.contains(name) || (was_seen && !was.contains(name));
            let on = |name: &str, on: bool| Element::text(name, if on { "true" } else { "false" });
            let mut children = vec![on(DEFAULT, visible && default_of(DEFAULT) == Some(name))];
            if object == ACCOUNT {
                let which = if is_person(name) { PERSON_DEFAULT } else { BUSINESS_DEFAULT };
                if default_of(which).is_some() {
                    let is_default = visible && default_of(which) == Some(name);
                    children.push(on("personAccountDefault", is_default));
                }
            }
            children.push(Element::text("recordType", name));
            children.push(on("visible", visible));
            elements.push(Element::parent("recordTypeVisibilities", children));
        }
    }
    elements
}
