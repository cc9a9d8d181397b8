//! One record: its fields by name, held small, since an org may have millions.
//!
//! Names are those of the schema and come again in each record, so that each
//! is kept once for the whole process. Fields are sorted by name.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;

use compact_str::CompactString;
use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeMap as _;
use serde_json::Map;
use serde_json::Value as Json;

/// The value of one field.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// None.
    Null,
    /// A boolean.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// A text; ids fit in without a further allocation.
    Text(CompactString),
    /// Anything else.
    Other(Box<Json>),
}

impl Cell {
    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The boolean, if it is one.
    pub const fn as_bool(&self) -> Option<bool> {
        if let Self::Flag(flag) = self { Some(*flag) } else { None }
    }

    /// The whole number, if it is one.
    pub const fn as_i64(&self) -> Option<i64> {
        if let Self::Whole(number) = self { Some(*number) } else { None }
    }

    /// The object, if it is one.
    pub fn as_object(&self) -> Option<&Map<String, Json>> {
        if let Self::Other(value) = self { value.as_object() } else { None }
    }

    /// The list, if it is one.
    pub fn as_array(&self) -> Option<&Vec<Json>> {
        if let Self::Other(value) = self { value.as_array() } else { None }
    }

    /// Whether it is none.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it is a text.
    pub const fn is_string(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// The same as JSON.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Flag(flag) => Json::Bool(*flag),
            Self::Whole(number) => Json::from(*number),
            Self::Text(text) => Json::from(text.as_str()),
            Self::Other(value) => value.as_ref().clone(),
        }
    }
}

impl From<Json> for Cell {
    fn from(value: Json) -> Self {
        match value {
            Json::Null => Self::Null,
            Json::Bool(flag) => Self::Flag(flag),
            Json::String(text) => Self::from(text),
            other => match other.as_i64() {
                Some(number) => Self::Whole(number),
                None => Self::Other(Box::new(other)),
            },
        }
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Whole(number)
    }
}

impl From<usize> for Cell {
    fn from(number: usize) -> Self {
        Self::from(Json::from(number))
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(CompactString::from(text))
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Whole(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Other(value) => value.serialize(serializer),
        }
    }
}

/// One record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    fields: Vec<(&'static str, Cell)>,
}

impl Row {
    /// A record without fields.
    pub fn new() -> Self {
        Self::default()
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.fields.binary_search_by(|(held, _)| (*held).cmp(name))
    }

    /// A field; `None` where it is not set, which is not the same as null only
    /// while a change is being looked at.
    pub fn get(&self, name: &str) -> Option<&Cell> {
        self.place(name).ok().map(|place| &self.fields[place].1)
    }

    /// A field that holds a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// A field's text, empty where it holds none.
    pub fn text_or_empty(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    /// Whether a field is true.
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name) == Some(&Cell::Flag(true))
    }

    /// A field that holds a whole number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_i64()
    }

    /// Whether a field is null or not set.
    pub fn lacks(&self, name: &str) -> bool {
        self.get(name).is_none_or(Cell::is_null)
    }

    /// Sets a field.
    pub fn set(&mut self, name: &str, value: impl Into<Cell>) {
        match self.place(name) {
            Ok(place) => self.fields[place].1 = value.into(),
            Err(place) => self.fields.insert(place, (interned(name), value.into())),
        }
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: &str) {
        if let Ok(place) = self.place(name) {
            self.fields.remove(place);
        }
    }

    /// Keeps the fields of which this holds.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.fields.retain(|(name, _)| keep(name));
    }

    /// Its fields, in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Cell)> {
        self.fields.iter().map(|(name, value)| (*name, value))
    }

    /// Sets all fields of another one.
    pub fn extend(&mut self, other: Self) {
        for (name, value) in other.fields {
            match self.place(name) {
                Ok(place) => self.fields[place].1 = value,
                Err(place) => self.fields.insert(place, (name, value)),
            }
        }
    }

    /// Gives back what it does not need.
    pub fn shrink(&mut self) {
        self.fields.shrink_to_fit();
    }
}

/// A record written as JSON; an empty one of what is no object.
pub fn row(value: Json) -> Row {
    let mut row = Row::new();
    if let Json::Object(fields) = value {
        for (name, value) in fields {
            row.set(&name, value);
        }
    }
    row
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.fields.len()))?;
        for (name, value) in &self.fields {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The one copy of a name. Names are those of the schema and of the org's own
/// tables: no client can bring new ones in, so that these are never given back.
pub(super) fn interned(name: &str) -> &'static str {
    static NAMES: OnceLock<Mutex<HashSet<&'static str>>> = OnceLock::new();
    let names = NAMES.get_or_init(Mutex::default);
    let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(held) = names.get(name) {
        return held;
    }
    let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(kept);
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Cell;
    use super::row;

    #[test]
    fn a_cell_is_no_larger_than_a_text() {
        assert_eq!(size_of::<Cell>(), 24);
    }

    #[test]
    fn what_json_says_comes_back_the_same() {
        let said =
            json!({"A": null, "B": true, "C": 7, "D": 1.5, "E": "text", "F": [1], "G": u64::MAX});
        let held = row(said.clone());
        assert_eq!(serde_json::to_value(&held).expect("JSON"), said);
    }
}
