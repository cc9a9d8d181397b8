//! What users may do, and through what.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use super::ObjectAccess;
use crate::text::shown;

/// Stands for every object, or every field of one.
pub const EVERY: &str = "*";

/// What a profile or permission set grants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// System permissions, by API name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub system: BTreeSet<String>,
    /// Access, by object.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub objects: BTreeMap<String, BTreeSet<ObjectAccess>>,
    /// Fields, by object; each with whether it may be edited too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, BTreeMap<String, bool>>,
}

/// One thing that somebody may do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// A system permission, by API name.
    System(String),
    /// Access to an object, or to [`EVERY`].
    Object {
        /// The object.
        object: String,
        /// Which access.
        #[serde(rename = "word")]
        access: ObjectAccess,
    },
    /// A field of an object, or [`EVERY`] field of it.
    Field {
        /// The object.
        object: String,
        /// The field.
        field: String,
        /// Whether it may be edited; otherwise it may be read.
        edit: bool,
    },
}

/// Where access comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceName {
    /// `profile`, `permission_set` or `permission_set_group`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// As it is shown: what is hidden in the name stands as its number.
impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.replace('_', " "), shown::line(&self.name))
    }
}

/// One source of access: what it grants, and what a group mutes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What it is.
    pub name: SourceName,
    /// What it, or each member of the group, grants.
    pub grants: Vec<Grants>,
    /// What the group mutes.
    pub muted: Grants,
}

/// A right with where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SourcedRight {
    /// The right.
    pub right: Right,
    /// Through what, each once.
    pub through: Vec<SourceName>,
}

/// What a plan changes about what some users may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessChange {
    /// The users, who are all affected alike.
    pub users: Vec<String>,
    /// What they may do afterwards that they could not before.
    pub gains: Vec<SourcedRight>,
    /// What they can do no more, with through what they could.
    pub losses: Vec<SourcedRight>,
    /// Sources that come or go and whose grants are not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<SourceName>,
}
