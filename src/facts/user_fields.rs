//! The fields of users.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value as Json;

use super::Catalog;
use super::describe::flag;
use super::describe::listed;
use super::family::Family;
use super::family::Table;
use super::known::Policy;
use super::question::Answer;
use super::question::Question;

/// A field of users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserField {
    /// Its API name.
    pub name: String,
    /// Its type, as describe names it.
    pub kind: String,
    /// The most characters; 0 where there is no limit.
    pub length: usize,
    /// Whether it can be set.
    pub is_writable: bool,
    /// Whether a new user must have it and nothing fills it.
    pub is_required: bool,
    /// Whether it takes no other than its values.
    pub is_restricted: bool,
    /// The values of a list that are in use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// The fields of users, in the order of describe.
#[derive(Debug, Default)]
pub struct UserFields;

impl Family for UserFields {
    type Key = ();
    type Answer = Vec<UserField>;

    const TAG: &'static str = "user_fields";
    const POLICY: Policy = Policy::KeptForADay;
    const FORGETS: bool = false;

    fn describe((): &()) -> String {
        "the fields of users".to_owned()
    }

    fn questions(&mut self, round: usize, _: &BTreeSet<()>, _: &Catalog) -> Vec<Question> {
        if round > 0 {
            return Vec::new();
        }
        vec![Question::Describe { object: "User".to_owned(), is_shared: false }]
    }

    fn read(&mut self, _: usize, answer: Answer<'_>, _: &BTreeSet<()>, table: &mut Table<Self>) {
        match answer {
            Answer::Described(Some(described)) => {
                table.insert((), listed(described, "fields").map(read).collect());
            }
            Answer::Described(None) => table.insert_absent(()),
            _ => {}
        }
    }
}

fn read(field: &Json) -> UserField {
    let text = |name: &str| field.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    UserField {
        name: text("name"),
        kind: text("type"),
        length: field
            .get("length")
            .and_then(Json::as_u64)
            .and_then(|length| usize::try_from(length).ok())
            .unwrap_or(0),
        is_writable: flag(field, "createable") || flag(field, "updateable"),
        is_required: flag(field, "createable")
            && !flag(field, "nillable")
            && !flag(field, "defaultedOnCreate")
            && field.get("type") != Some(&Json::from("boolean")),
        is_restricted: flag(field, "restrictedPicklist"),
        values: listed(field, "picklistValues")
            .filter(|value| value.get("active") != Some(&Json::Bool(false)))
            .filter_map(|value| value.get("value")?.as_str().map(str::to_owned))
            .collect(),
    }
}
