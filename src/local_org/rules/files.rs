//! Metadata as files in a zip: which types there are, where their files are,
//! and what is said of each file.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use serde_json::json;

use super::Org;
use crate::local_org::row::Row;

/// A type of metadata that has files.
#[derive(Debug)]
pub struct FileType {
    /// Its name.
    pub name: &'static str,
    /// The folder of its files.
    pub folder: &'static str,
    /// How the names of its files end.
    pub suffix: &'static str,
}

/// The types of access, in the order in which they are deployed: a group
/// comes after what it is made of.
pub const TYPES: [FileType; 4] = [
    FileType { name: "PermissionSet", folder: "permissionsets", suffix: "permissionset" },
    FileType {
        name: "MutingPermissionSet",
        folder: "mutingpermissionsets",
        suffix: "mutingpermissionset",
    },
    FileType {
        name: "PermissionSetGroup",
        folder: "permissionsetgroups",
        suffix: "permissionsetgroup",
    },
    FileType { name: "Profile", folder: "profiles", suffix: "profile" },
];

impl FileType {
    /// The type of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TYPES.iter().find(|held| held.name == name)
    }

    /// The file of a full name.
    pub fn path(&self, full_name: &str) -> String {
        format!("{}/{full_name}.{}", self.folder, self.suffix)
    }

    /// The full name that a file has.
    pub fn full_name(&self, path: &str) -> Option<String> {
        let name = path.strip_prefix(self.folder)?.strip_prefix('/')?;
        Some(name.strip_suffix(self.suffix)?.strip_suffix('.')?.to_owned())
    }
}

/// A time as XML writes it: the platform's JSON has no colon in the offset.
pub fn xml_time(time: &str) -> String {
    time.strip_suffix("+0000").map_or_else(|| time.to_owned(), |time| format!("{time}Z"))
}

/// What `listMetadata` and a retrieve say of a file, in the order of the WSDL.
pub fn properties(org: &Org, file_type: &FileType, full_name: &str, row: &Row) -> Json {
    let person = |field: &str| {
        let id = match row.text_or_empty(field) {
            "" => org.running_user.as_str(),
            id => id,
        };
        (id.to_owned(), org.text("User", id, "Name").unwrap_or_default().to_owned())
    };
    let time = |field: &str| match row.text_or_empty(field) {
        "" => xml_time(&org.now),
        time => xml_time(time),
    };
    let (created_by, created_by_name) = person("CreatedById");
    let (changed_by, changed_by_name) = person("LastModifiedById");
    let namespace = match row.text_or_empty("NamespacePrefix") {
        "" => None,
        namespace => Some(namespace),
    };
    json!({
        "createdById": created_by,
        "createdByName": created_by_name,
        "createdDate": time("CreatedDate"),
        "fileName": format!("unpackaged/{}", file_type.path(full_name)),
        "fullName": full_name,
        "id": row.text_or_empty("Id"),
        "lastModifiedById": changed_by,
        "lastModifiedByName": changed_by_name,
        "lastModifiedDate": time("LastModifiedDate"),
        "manageableState": if namespace.is_some() { "installed" } else { "unmanaged" },
        "namespacePrefix": namespace,
        "type": file_type.name,
    })
}

/// What a retrieve says of the manifest that it adds.
pub fn manifest_properties(org: &Org) -> Json {
    let name = org.text("User", &org.running_user, "Name").unwrap_or_default();
    let now = xml_time(&org.now);
    json!({
        "createdById": org.running_user,
        "createdByName": name,
        "createdDate": now,
        "fileName": "unpackaged/package.xml",
        "fullName": "unpackaged/package.xml",
        "id": "",
        "lastModifiedById": org.running_user,
        "lastModifiedByName": name,
        "lastModifiedDate": now,
        "manageableState": "unmanaged",
        "type": "Package",
    })
}

/// What a `package.xml` names: types with their members, and a version.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// Types and their members; `*` is all.
    pub types: Vec<(String, BTreeSet<String>)>,
    /// The version, such as `63.0`.
    pub version: Option<String>,
}

impl Manifest {
    /// Reads what stands in a package.
    pub fn of(package: &crate::local_org::xml::Node) -> Self {
        let types = package.all("types").map(|entry| {
            let name = entry.child("name").map(|name| name.text.trim().to_owned());
            let members = entry.all("members").map(|member| member.text.trim().to_owned());
            (name.unwrap_or_default(), members.collect())
        });
        let version = package.child("version").map(|version| version.text.trim().to_owned());
        Self { types: types.collect(), version: version.filter(|version| !version.is_empty()) }
    }

    /// Whether a full name of a type is named.
    pub fn names(&self, metadata_type: &str, full_name: &str) -> bool {
        self.types.iter().any(|(name, members)| {
            name == metadata_type && (members.contains("*") || members.contains(full_name))
        })
    }

    /// The members of a type.
    pub fn members(&self, metadata_type: &str) -> impl Iterator<Item = &str> {
        self.types
            .iter()
            .filter(move |(name, _)| name == metadata_type)
            .flat_map(|(_, members)| members.iter().map(String::as_str))
    }
}
