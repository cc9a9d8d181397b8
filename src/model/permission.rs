//! What a permission set can grant beside fields: system permissions, and access to
//! objects.

use std::cmp::Ordering;
use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// One sort of access to an object (Object Reference, `ObjectPermissions`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectAccess {
    /// Make records.
    Create,
    /// Delete records.
    Delete,
    /// Change records.
    Edit,
    /// Change all records, whoever owns them.
    ModifyAll,
    /// Read records.
    Read,
    /// Read all records, whoever owns them.
    ViewAll,
    /// Read all fields.
    ViewAllFields,
}

/// How one sort of access is called where.
struct Names {
    /// In files, plans and states.
    word: &'static str,
    /// As an element of `objectPermissions` in metadata.
    element: &'static str,
    /// In PermissionDependency, after the object's name.
    verb: &'static str,
    /// As a column of ObjectPermissions.
    column: &'static str,
}

const NAMES: [Names; 7] = [
    Names { word: "create", element: "allowCreate", verb: "create", column: "PermissionsCreate" },
    Names { word: "delete", element: "allowDelete", verb: "delete", column: "PermissionsDelete" },
    Names { word: "edit", element: "allowEdit", verb: "update", column: "PermissionsEdit" },
    Names {
        word: "modify_all",
        element: "modifyAllRecords",
        verb: "modifyAllRecords",
        column: "PermissionsModifyAllRecords",
    },
    Names { word: "read", element: "allowRead", verb: "read", column: "PermissionsRead" },
    Names {
        word: "view_all",
        element: "viewAllRecords",
        verb: "viewAllRecords",
        column: "PermissionsViewAllRecords",
    },
    Names {
        word: "view_all_fields",
        element: "viewAllFields",
        verb: "viewAllFields",
        column: "PermissionsViewAllFields",
    },
];

impl ObjectAccess {
    /// All sorts, in the order of their words.
    pub const ALL: [Self; 7] = [
        Self::Create,
        Self::Delete,
        Self::Edit,
        Self::ModifyAll,
        Self::Read,
        Self::ViewAll,
        Self::ViewAllFields,
    ];

    fn names(self) -> &'static Names {
        &NAMES[self as usize]
    }

    /// Its word in files, plans and states.
    pub fn word(self) -> &'static str {
        self.names().word
    }

    /// The element of `objectPermissions` in metadata that says it.
    pub fn element(self) -> &'static str {
        self.names().element
    }

    /// The column of ObjectPermissions that says it.
    pub fn column(self) -> &'static str {
        self.names().column
    }

    /// The one of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|access| access.word() == word)
    }

    /// What it needs on the same object (Object Reference, `ObjectPermissions`; for View All
    /// Fields no need is documented, and a row without Read does not exist).
    pub fn needs(self) -> &'static [Self] {
        match self {
            Self::Create | Self::Edit | Self::ViewAll | Self::ViewAllFields => &[Self::Read],
            Self::Delete => &[Self::Read, Self::Edit],
            Self::ModifyAll => &[Self::Read, Self::Edit, Self::Delete, Self::ViewAll],
            Self::Read => &[],
        }
    }
}

/// A permission that others may need, or that needs others.
///
/// Its text is as the org's own PermissionDependency writes it: the API name of a system
/// permission, or `Object<verb>`. Permissions are in the order of their texts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// A system permission, by API name.
    System(String),
    /// Access to an object.
    Object {
        /// The object.
        object: String,
        /// Which access.
        access: ObjectAccess,
    },
}

impl Permission {
    /// Access to an object.
    pub fn object(object: &str, access: ObjectAccess) -> Self {
        Self::Object { object: object.to_owned(), access }
    }

    /// Reads the text of one. What is no access to an object is a system permission.
    pub fn of_text(text: &str) -> Self {
        let object = || {
            let (object, verb) = text.strip_suffix('>')?.split_once('<')?;
            let access = ObjectAccess::ALL.into_iter();
            let access = access.into_iter().find(|access| access.names().verb == verb)?;
            Some(Self::object(object, access))
        };
        object().unwrap_or_else(|| Self::System(text.to_owned()))
    }

    /// In words: `edit on Contact`, or the API name of a system permission.
    pub fn words(&self) -> String {
        match self {
            Self::System(name) => name.clone(),
            Self::Object { object, access } => format!("{} on {object}", access.word()),
        }
    }

    fn bytes(&self) -> impl Iterator<Item = u8> {
        let (head, rest) = match self {
            Self::System(name) => (name, ["", "", ""]),
            Self::Object { object, access } => (object, ["<", access.names().verb, ">"]),
        };
        head.bytes().chain(rest.into_iter().flat_map(str::bytes))
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(name) => f.write_str(name),
            Self::Object { object, access } => write!(f, "{object}<{}>", access.names().verb),
        }
    }
}

impl Ord for Permission {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl PartialOrd for Permission {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::ObjectAccess;
    use super::Permission;

    #[test]
    fn a_permission_reads_back_from_its_text_and_sorts_by_it() {
        let texts = [
            "Contact",
            "Contact<modifyAllRecords>",
            "Contact<update>",
            "ContactX",
            "ModifyAllData",
        ];
        let read: Vec<Permission> = texts.iter().map(|text| Permission::of_text(text)).collect();
        let mut sorted = read.clone();
        sorted.sort();
        assert_eq!(read, sorted);
        let back: Vec<String> = read.iter().map(Permission::to_string).collect();
        assert_eq!(back, texts);
        assert_eq!(read[2], Permission::object("Contact", ObjectAccess::Edit));
        assert_eq!(read[2].words(), "edit on Contact");
        let odd = Permission::of_text("Contact<fly>");
        assert_eq!(odd, Permission::System("Contact<fly>".into()));
    }

    #[test]
    fn accesses_are_in_the_order_of_their_words_and_need_no_circle() {
        let words = ObjectAccess::ALL.map(ObjectAccess::word);
        let mut sorted = words;
        sorted.sort_unstable();
        assert_eq!(words, sorted);
        for access in ObjectAccess::ALL {
            assert_eq!(ObjectAccess::of_word(access.word()), Some(access));
            assert!(!access.needs().iter().any(|need| need.needs().contains(&access)));
        }
    }
}
