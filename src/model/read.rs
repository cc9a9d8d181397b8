//! Questions to an org, as data.

use super::PackagedName;
use serde_json::Map;
use serde_json::Value as Json;

/// Which values the keys of a [`RowQuery`] hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The natural key, known before anything was read.
    Name,
    /// The record's id, known from state or from an earlier read.
    RecordId,
    /// The username of the user whose id the key field holds. The engine adds it to
    /// each row, as `Username`.
    User,
}

/// What holds of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// The column is empty.
    IsNull(&'static str),
    /// The column holds something.
    IsNotNull(&'static str),
    /// The column says yes.
    IsTrue(&'static str),
    /// The column says no.
    IsFalse(&'static str),
    /// The column holds this text.
    Equals(&'static str, &'static str),
    /// The column holds one of these texts.
    In(&'static str, &'static [&'static str]),
}

impl Filter {
    /// The column.
    pub fn column(&self) -> &'static str {
        match self {
            Self::IsNull(column)
            | Self::IsNotNull(column)
            | Self::IsTrue(column)
            | Self::IsFalse(column)
            | Self::Equals(column, _)
            | Self::In(column, _) => column,
        }
    }

    /// Whether it holds of a row that was selected with the column.
    pub fn holds(&self, row: &Row) -> bool {
        match self {
            Self::IsNull(column) => at(row, column).is_none_or(Json::is_null),
            Self::IsNotNull(column) => at(row, column).is_some_and(|value| !value.is_null()),
            Self::IsTrue(column) => row.flag(column) == Some(true),
            Self::IsFalse(column) => row.flag(column) == Some(false),
            Self::Equals(column, text) => row.text(column) == Some(text),
            Self::In(column, texts) => row.text(column).is_some_and(|text| texts.contains(&text)),
        }
    }
}

/// How rows of one kind are found: the engine adds the keys, cuts the text to
/// what a URL may hold, and packs several into one call.
#[derive(Clone, Copy, Debug)]
pub struct RowQuery {
    /// The sObject.
    pub object: &'static str,
    /// The fields to select, parent paths included.
    pub fields: &'static [&'static str],
    /// The field that the keys are compared with.
    pub key: &'static str,
    /// What the keys are.
    pub key_source: KeySource,
    /// What holds of all rows besides.
    pub filters: &'static [Filter],
    /// Whether it may be asked together with facts about the same rows.
    pub piggybacks: bool,
    /// Whether these rows only add to what another query of the kind found.
    pub supplementary: bool,
}

/// One row of an answer.
pub type Row = Map<String, Json>;

/// Reading a row's fields by path.
pub trait RowExt {
    /// The text at a path such as `Assignee.Username`; `None` for null.
    fn text(&self, path: &str) -> Option<&str>;
    /// The boolean at a path; `None` for null.
    fn flag(&self, path: &str) -> Option<bool>;
    /// The number at a path; `None` for null.
    fn number(&self, path: &str) -> Option<i64>;
    /// The username at a path, in the small letters that it is compared by.
    fn username(&self, path: &str) -> Option<String> {
        self.text(path).map(str::to_lowercase)
    }
    /// The whole name of what a package may have brought, from the path of its namespace
    /// and that of its name.
    fn packaged_name(&self, namespace: &str, name: &str) -> Option<String> {
        let name = PackagedName { namespace: self.text(namespace), bare: self.text(name)? };
        Some(name.to_string())
    }
}

fn at<'a>(row: &'a Row, path: &str) -> Option<&'a Json> {
    let mut parts = path.split('.');
    let mut value = row.get(parts.next()?)?;
    for part in parts {
        value = value.get(part)?;
    }
    Some(value)
}

impl RowExt for Row {
    fn text(&self, path: &str) -> Option<&str> {
        at(self, path)?.as_str()
    }

    fn flag(&self, path: &str) -> Option<bool> {
        at(self, path)?.as_bool()
    }

    fn number(&self, path: &str) -> Option<i64> {
        at(self, path)?.as_i64()
    }
}
