//! The paths under which attributes hold what a set grants on objects and fields.
//!
//! A set has `objects.Contact` (words of access), `fields.Contact.edit` and
//! `fields.Contact.read` (names of fields), and as long as it is only declared
//! `fields.Contact` (every field, at a level). A group mutes under the same paths behind
//! `muting.`.

use std::fmt;

/// How far a field is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldLevel {
    /// It may be changed, and read.
    Edit,
    /// It may be read.
    Read,
}

impl FieldLevel {
    /// Both, in the order of their words.
    pub const ALL: [Self; 2] = [Self::Edit, Self::Read];

    /// Its word in paths and files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Read => "read",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.word() == word)
    }
}

/// A path about an object or its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessPath<'a> {
    /// Access to an object.
    Object(&'a str),
    /// Fields of an object at a level.
    Fields(&'a str, FieldLevel),
    /// Every field of an object.
    EveryField(&'a str),
}

impl<'a> AccessPath<'a> {
    /// Reads a path; `None` for one about something else. What is muted is read without
    /// its [`muted`] part.
    pub fn of(path: &'a str) -> Option<Self> {
        if let Some(object) = path.strip_prefix("objects.") {
            return Some(Self::Object(object));
        }
        let rest = path.strip_prefix("fields.")?;
        match rest.split_once('.') {
            Some((object, level)) => Some(Self::Fields(object, FieldLevel::of_word(level)?)),
            None => Some(Self::EveryField(rest)),
        }
    }

    /// The object of a path about access to one.
    pub fn object_of(path: &'a str) -> Option<&'a str> {
        match Self::of(path) {
            Some(Self::Object(object)) => Some(object),
            _ => None,
        }
    }

    /// The object that it is about, for access or for fields.
    pub fn object(self) -> &'a str {
        match self {
            Self::Object(object) | Self::Fields(object, _) | Self::EveryField(object) => object,
        }
    }
}

impl fmt::Display for AccessPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(object) => write!(f, "objects.{object}"),
            Self::Fields(object, level) => write!(f, "fields.{object}.{}", level.word()),
            Self::EveryField(object) => write!(f, "fields.{object}"),
        }
    }
}

/// What stands in front of what a group mutes.
const MUTED: &str = "muting.";

/// The path under which a set would grant what a group mutes here; `None` for a path that
/// mutes nothing.
pub fn muted(path: &str) -> Option<&str> {
    path.strip_prefix(MUTED)
}

/// The path under which a group mutes what a set grants here.
pub fn muting(path: &str) -> String {
    format!("{MUTED}{path}")
}

#[cfg(test)]
mod tests {
    use super::AccessPath;
    use super::FieldLevel;
    use super::muted;
    use super::muting;

    #[test]
    fn a_path_reads_as_it_is_written() {
        for path in [
            AccessPath::Object("Contact"),
            AccessPath::Fields("Region__c", FieldLevel::Edit),
            AccessPath::EveryField("Lead"),
        ] {
            assert_eq!(AccessPath::of(&path.to_string()), Some(path));
            let muting = muting(&path.to_string());
            assert_eq!(AccessPath::of(&muting), None);
            assert_eq!(muted(&muting).and_then(AccessPath::of), Some(path));
        }
        for other in ["system_permissions", "fields.Contact.fly", "tabs.hidden", "objects"] {
            assert_eq!(AccessPath::of(other), None, "{other}");
        }
    }
}
