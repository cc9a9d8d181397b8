//! The fields of a user that are not needed to make one: which there are, how
//! they read, and whether what was written fits them.
//!
//! Any field that an insert may set can be declared by its API name; some have a
//! word of their own. They are checked against the org's own description of User,
//! and only read from the org where a file or the state names them.

use crate::text::words;
use crate::text::words::closest;
use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::MANAGER;
use super::ROLE;
use super::User;
use super::features;
use super::features::FEATURE;
use super::table;
use crate::facts::Catalog;
use crate::facts::UserField;
use crate::kinds::Kind as _;
use crate::model::Attributes;
use crate::model::Declared;
use crate::model::FieldValue;
use crate::model::Problem;
use crate::model::Row;
use crate::model::Value;

/// What paths of fields by API name begin with.
pub const FIELD: &str = "fields.";
/// Fields that have keys of their own and are not written by API name.
const OWN: [&str; 5] = ["Username", "ProfileId", "IsActive", "UserRoleId", "ManagerId"];

/// What a row has that is read into attributes of its own.
const ELSEWHERE: [&str; 7] =
    ["Id", "Username", "IsActive", "Profile", "UserRole", "Manager", "attributes"];

/// The field that a path stands for; `None` for one that is no field.
pub fn field_of(path: &str) -> Option<&str> {
    if let Some(column) = table::column(path) {
        return Some(column.api_name);
    }
    if let Some(feature) = path.strip_prefix(FEATURE) {
        return features::field_of(feature);
    }
    path.strip_prefix(FIELD)
}

/// The columns that the paths of these attributes are read from, beyond those
/// that are always read.
pub fn columns(attributes: &Attributes, into: &mut BTreeSet<String>) {
    for (path, _) in attributes.iter() {
        if table::column(path).is_some_and(|column| column.is_always) {
            continue;
        }
        let column = match path {
            ROLE => Some("UserRole.DeveloperName"),
            MANAGER => Some("Manager.Username"),
            path => field_of(path),
        };
        if let Some(column) = column {
            into.insert(column.to_owned());
        }
    }
}

/// A number as it is compared: without a fraction that says nothing.
fn canonical_number(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => number.to_string(),
        _ => text.to_owned(),
    }
}

/// Takes the fields that a row tells of.
pub fn observe(row: &Row, attributes: &mut Attributes) {
    for (name, value) in row.iter().filter(|(name, _)| !ELSEWHERE.contains(&name.as_str())) {
        let path = match table::column_named(name) {
            Some(column) => column.key.to_owned(),
            None => match features::held_by(name) {
                Some(label) => format!("{FEATURE}{label}"),
                None => format!("{FIELD}{name}"),
            },
        };
        let value = match value {
            Json::String(text) if !text.is_empty() => Value::Text(text.clone()),
            Json::Bool(flag) => Value::Flag(*flag),
            Json::Number(number) => Value::Text(canonical_number(&number.to_string())),
            _ => continue,
        };
        attributes.set(path, value);
    }
}

fn problem(declared: &Declared, path: &str, message: String, hint: Option<String>) -> Problem {
    Problem { hint, ..Problem::at(declared, User.place(&declared.address, path), message) }
}

/// Holds what is declared against the org's description of User: names as the org
/// spells them, values of the right sort, lists by their values.
pub fn check(
    declared: &Declared,
    catalog: &Catalog,
    attributes: &mut Cow<'_, Attributes>,
    problems: &mut Vec<Problem>,
) {
    let known = catalog.user_fields.get(&()).list();
    if known.is_empty() {
        return;
    }
    for (path, value) in declared.attributes.iter() {
        let Some(written) = field_of(path) else { continue };
        let found = known.iter().find(|field| field.name.eq_ignore_ascii_case(written));
        let Some(field) = found else {
            let (message, hint) = unknown(path, written, known);
            problems.push(problem(declared, path, message, hint));
            continue;
        };
        if OWN.contains(&field.name.as_str()) && path.starts_with(FIELD) {
            let message = format!("`{}` has a key of its own", field.name);
            let hint = "write it beside `fields`, not in it".to_owned();
            problems.push(problem(declared, path, message, Some(hint)));
            continue;
        }
        if !field.is_writable {
            let message = format!("`{}` can't be set: Salesforce fills it", field.name);
            problems.push(problem(declared, path, message, Some("take it out".to_owned())));
            continue;
        }
        match fitting(field, value) {
            Ok(fitting) => {
                let is_respelled = path.starts_with(FIELD) && field.name != written;
                if !is_respelled && fitting == *value {
                    continue;
                }
                let attributes = attributes.to_mut();
                attributes.remove(path);
                let path =
                    if is_respelled { format!("{FIELD}{}", field.name) } else { path.to_owned() };
                attributes.set(path, fitting);
            }
            Err((message, hint)) => problems.push(problem(declared, path, message, hint)),
        }
    }
    states_by_code(declared, known, problems);
}

fn unknown(path: &str, written: &str, known: &[UserField]) -> (String, Option<String>) {
    if let Some(feature) = path.strip_prefix(FEATURE) {
        return (
            format!("this org has no feature license `{feature}`"),
            Some("Setup > Company Information lists those that it has".to_owned()),
        );
    }
    if path == "currency" {
        return (
            "this org has one currency for all users".to_owned(),
            Some("take the line out".to_owned()),
        );
    }
    let meant = closest(written, known.iter().map(|field| field.name.as_str()));
    (
        format!("users have no field `{written}` in this org, or the token's user does not see it"),
        meant.map(|meant| format!("did you mean `{meant}`?")),
    )
}

/// The value as the field takes it.
fn fitting(field: &UserField, value: &Value) -> Result<Value, (String, Option<String>)> {
    let name = &field.name;
    let refuse = |what: &str| Err((format!("`{name}` takes {what}"), None));
    match (field.kind.as_str(), value) {
        ("boolean", Value::Flag(_)) => Ok(value.clone()),
        // A text that was filled in counts as quoted.
        ("boolean", Value::Text(text)) if text == "true" || text == "false" => {
            Ok(Value::Flag(text == "true"))
        }
        ("boolean", _) => refuse("`true` or `false`"),
        (_, Value::Flag(_)) => Err((
            format!("`{name}` takes text or a number, not a boolean"),
            Some("quote it if it is meant as text".to_owned()),
        )),
        ("int", Value::Text(text)) => match text.parse::<i64>() {
            Ok(number) => Ok(Value::Text(number.to_string())),
            Err(_) => refuse("a whole number"),
        },
        ("double" | "currency" | "percent", Value::Text(text)) => {
            if text.parse::<f64>().is_ok_and(f64::is_finite) {
                Ok(Value::Text(canonical_number(text)))
            } else {
                refuse("a number")
            }
        }
        ("date", Value::Text(text)) => match text.parse::<jiff::civil::Date>() {
            Ok(date) => Ok(Value::Text(date.to_string())),
            Err(_) => refuse("a date like `2026-12-31`"),
        },
        ("picklist", Value::Text(text)) => listed(field, &[text.as_str()], value),
        ("multipicklist", Value::Text(text)) => {
            let parts: Vec<&str> = text.split(';').map(str::trim).collect();
            listed(field, &parts, value)
        }
        (_, Value::Text(text)) => {
            let length = text.chars().count();
            if field.length > 0 && length > field.length {
                return Err((
                    format!("`{name}` takes {} characters, and this has {length}", field.length),
                    None,
                ));
            }
            Ok(value.clone())
        }
        _ => Ok(value.clone()),
    }
}

/// A list takes its values; one of which none were told takes any.
fn listed(
    field: &UserField,
    written: &[&str],
    value: &Value,
) -> Result<Value, (String, Option<String>)> {
    const NAMED: usize = 8;
    if field.values.is_empty() || !field.is_restricted {
        return Ok(value.clone());
    }
    for part in written {
        if field.values.iter().any(|known| known == part) {
            continue;
        }
        let meant = closest(part, field.values.iter().map(String::as_str));
        let hint = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("it has {}", words::few(&field.values, NAMED)),
        };
        return Err((format!("`{}` has no value `{part}`", field.name), Some(hint)));
    }
    Ok(value.clone())
}

/// Where the org has lists of states and countries, these are set by their codes.
fn states_by_code(declared: &Declared, known: &[UserField], problems: &mut Vec<Problem>) {
    for (text, path, code) in
        [("State", "fields.State", "StateCode"), ("Country", "fields.Country", "CountryCode")]
    {
        let has_codes = || known.iter().any(|field| field.name == code);
        if declared.attributes.get(path).is_some() && has_codes() {
            let message = format!("this org has a list for `{text}`");
            let hint = format!("write `{code}` with the code, for example `CountryCode: DE`");
            problems.push(problem(declared, path, message, Some(hint)));
        }
    }
}

/// The value as it is sent.
pub fn sent(path: &str, value: &Value, catalog: &Catalog) -> FieldValue {
    let kind = field_of(path).and_then(|name| {
        let field = catalog.user_fields.get(&()).list().iter().find(|field| field.name == name)?;
        Some(field.kind.as_str())
    });
    match (value, kind) {
        (Value::Flag(flag), _) => FieldValue::Flag(*flag),
        (Value::Text(text), Some("int" | "double" | "currency" | "percent")) => {
            FieldValue::Number(text.clone())
        }
        (Value::Text(text), _) => FieldValue::Text(text.clone()),
        _ => FieldValue::Null,
    }
}

/// Fields that this org asks for of every new user and that nothing fills.
pub fn required<'a>(catalog: &'a Catalog, after: &Attributes) -> Vec<&'a UserField> {
    let is_said = |field: &UserField| {
        after.iter().any(|(path, _)| field_of(path) == Some(field.name.as_str()))
    };
    let known = catalog.user_fields.get(&()).list();
    known
        .iter()
        .filter(|field| field.is_required && field.name.ends_with("__c") && !is_said(field))
        .collect()
}
