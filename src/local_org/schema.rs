//! Which objects there are and which fields they have, from the shipped
//! tables of real describes.

use std::collections::BTreeMap;
use std::collections::HashMap;

use super::picklists;
use serde_json::Value as Json;
use serde_json::json;

const FIELDS: &str = include_str!("../data/fields.tsv");
const PERSON_ACCOUNT_FIELDS: &str = include_str!("../data/person_account_fields.tsv");
const SYSTEM_PERMISSIONS: &str = include_str!("../data/system_permissions.tsv");
const NEVER_EDITABLE: &str = include_str!("../data/never_editable.tsv");

/// One field of an object.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its API name.
    pub name: String,
    /// Its label.
    pub label: String,
    /// Its type, as describe names it.
    pub kind: String,
    /// Its length in characters; 0 for none.
    pub length: usize,
    /// The values of a list, where they are known.
    pub values: Vec<String>,
    /// Whether it may be null.
    pub nillable: bool,
    /// Whether an insert may set it.
    pub createable: bool,
    /// Whether an update may set it.
    pub updateable: bool,
    /// Whether a permission on it can exist.
    pub permissionable: bool,
    /// The compound field that it is part of.
    pub compound: Option<String>,
    /// The object that it refers to.
    pub reference: Option<String>,
}

impl Field {
    /// The name by which a query follows the reference.
    pub fn relationship(&self) -> Option<&str> {
        self.reference.as_ref()?;
        self.name.strip_suffix("Id")
    }
}

/// One object.
#[derive(Clone, Debug)]
pub struct Object {
    /// Its API name.
    pub name: &'static str,
    /// Its label.
    pub label: &'static str,
    /// The first three characters of its ids.
    pub prefix: &'static str,
    /// Whether it belongs to Setup, so that a call may hold no other.
    pub is_setup: bool,
    /// Whether an insert is possible.
    pub createable: bool,
    /// Whether an update is possible.
    pub updateable: bool,
    /// Whether a delete is possible.
    pub deletable: bool,
    /// Its fields, in the order of describe.
    pub fields: Vec<Field>,
    /// Places of the fields, by names as they are written and in lower case.
    by_name: HashMap<String, usize>,
    /// Child relationships: name, object, field.
    pub children: &'static [(&'static str, &'static str, &'static str)],
}

impl Object {
    /// A field, in any case.
    pub fn field(&self, name: &str) -> Option<&Field> {
        let as_written = self.by_name.get(name);
        let index = as_written.or_else(|| self.by_name.get(&name.to_ascii_lowercase()));
        index.map(|index| &self.fields[*index])
    }

    /// The field behind a relationship name, in any case.
    pub fn parent(&self, relationship: &str) -> Option<&Field> {
        self.fields.iter().find(|field| {
            field.relationship().is_some_and(|name| name.eq_ignore_ascii_case(relationship))
        })
    }
}

/// All objects.
#[derive(Clone, Debug)]
pub struct Schema {
    objects: BTreeMap<&'static str, Object>,
    system_permissions: BTreeMap<&'static str, &'static str>,
    never_editable: Vec<String>,
    undescribed: Vec<String>,
    unseen: Vec<String>,
}

/// How the schema of an org differs from that of a new one.
#[derive(Clone, Debug, Default)]
pub struct Variations {
    /// System permissions that metadata takes and describe does not show.
    pub undescribed: Vec<String>,
    /// Whether the org has person accounts.
    pub person_accounts: bool,
    /// Whether labels are German.
    pub german: bool,
    /// Whether states and countries are lists.
    pub state_codes: bool,
    /// Custom fields, as `Object.Name__c:type`; one of an activity is on both, and
    /// one whose type ends with `!` is required. A list has its values in its type,
    /// as in `picklist(A/B)`.
    pub custom_fields: Vec<String>,
    /// Fields that keep no grant to edit, though nothing says so.
    pub read_only_fields: Vec<String>,
    /// Fields that the running user does not see.
    pub unseen_fields: Vec<String>,
}

impl Variations {
    /// The further fields: object, name, type.
    fn fields(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        let codes: &[(&str, &str, &str)] = if self.state_codes {
            &[("User", "StateCode", "picklist"), ("User", "CountryCode", "picklist")]
        } else {
            &[]
        };
        let custom = self.custom_fields.iter().flat_map(|written| {
            let (path, kind) = written.split_once(':').unwrap_or((written, "string"));
            let (object, name) = path.split_once('.').unwrap_or_default();
            let twin = match object {
                "Event" => Some("Task"),
                "Task" => Some("Event"),
                _ => None,
            };
            std::iter::once(object).chain(twin).map(move |object| (object, name, kind))
        });
        codes.iter().copied().chain(custom)
    }
}

/// Name, label, prefix, setup, createable, updateable, deletable. User: Object
/// Reference, "Supported Calls", which has no delete().
const OBJECTS: [(&str, &str, &str, bool, bool, bool, bool); 33] = [
    ("Account", "Account", "001", false, true, true, true),
    ("ApexClass", "Apex Class", "01p", true, false, false, false),
    ("ApexPage", "Visualforce Page", "066", true, false, false, false),
    ("ConnectedApplication", "Connected App", "0H4", true, false, true, false),
    ("Contact", "Contact", "003", false, true, true, true),
    ("CustomPermission", "Custom Permission", "0CP", true, false, true, false),
    ("Event", "Event", "00U", false, true, true, true),
    ("FieldPermissions", "Field Permissions", "01k", true, true, true, true),
    ("Group", "Group", "00G", true, true, true, true),
    ("GroupMember", "Group Member", "011", true, true, false, true),
    ("Lead", "Lead", "00Q", false, true, true, true),
    ("MutingPermissionSet", "Muting Permission Set", "0QM", true, false, false, true),
    ("ObjectPermissions", "Object Permissions", "110", true, true, true, true),
    ("Organization", "Organization", "00D", true, false, true, false),
    ("PackageLicense", "Package License", "050", true, false, false, false),
    ("PermissionSet", "Permission Set", "0PS", true, true, true, true),
    ("PermissionSetAssignment", "Permission Set Assignment", "0Pa", true, true, true, true),
    ("PermissionSetGroup", "Permission Set Group", "0PG", true, true, true, true),
    (
        "PermissionSetGroupComponent",
        "Permission Set Group Component",
        "0PH",
        true,
        true,
        false,
        true,
    ),
    ("PermissionSetLicense", "Permission Set License", "0PL", true, false, false, false),
    (
        "PermissionSetLicenseAssign",
        "Permission Set License Assignment",
        "2LA",
        true,
        true,
        false,
        true,
    ),
    ("Profile", "Profile", "00e", true, true, true, true),
    ("QueueSobject", "Queue Sobject", "03g", true, true, true, true),
    ("RecordType", "Record Type", "012", true, false, true, false),
    ("SetupEntityAccess", "Setup Entity Access", "0J0", true, true, false, true),
    ("Task", "Task", "00T", false, true, true, true),
    ("User", "User", "005", true, true, true, false),
    ("UserAccessPolicy", "User Access Policy", "0wg", true, false, false, false),
    ("UserLicense", "User License", "100", true, false, false, false),
    ("UserLogin", "User Login", "0Yw", true, false, true, false),
    ("UserPackageLicense", "User Package License", "051", true, true, false, true),
    ("UserPermissionAccess", "User Permission Access", "0up", true, false, false, false),
    ("UserRole", "Role", "00E", true, true, true, true),
];

fn children(object: &str) -> &'static [(&'static str, &'static str, &'static str)] {
    match object {
        "Group" => &[
            ("GroupMembers", "GroupMember", "GroupId"),
            ("QueueSobjects", "QueueSobject", "QueueId"),
        ],
        "PermissionSet" => &[
            ("Assignments", "PermissionSetAssignment", "PermissionSetId"),
            ("FieldPerms", "FieldPermissions", "ParentId"),
            ("ObjectPerms", "ObjectPermissions", "ParentId"),
            ("SetupEntityAccessItems", "SetupEntityAccess", "ParentId"),
        ],
        "PermissionSetGroup" => &[
            ("Assignments", "PermissionSetAssignment", "PermissionSetGroupId"),
            ("PermissionSetGroupComponents", "PermissionSetGroupComponent", "PermissionSetGroupId"),
        ],
        "Profile" => &[("Users", "User", "ProfileId")],
        "User" => &[
            ("PermissionSetAssignments", "PermissionSetAssignment", "AssigneeId"),
            ("PermissionSetLicenseAssignments", "PermissionSetLicenseAssign", "AssigneeId"),
        ],
        _ => &[],
    }
}

/// Whether an insert may leave a field out though it is never empty.
pub fn is_filled(object: &Object, field: &Field) -> bool {
    let is_asked_for = matches!(
        field.name.as_str(),
        "Username"
            | "LastName"
            | "Email"
            | "Alias"
            | "TimeZoneSidKey"
            | "LocaleSidKey"
            | "EmailEncodingKey"
            | "LanguageLocaleKey"
            | "ProfileId"
    ) || field.name.ends_with("__c");
    object.name == "User" && !field.nillable && !is_asked_for
}

fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split('\t').collect())
}

/// A permission that is younger than the versions that are served.
pub const VIEW_ALL_FIELDS: &str = "PermissionsViewAllFields";

/// Whether a version, such as `63.0`, has View All Fields.
pub fn is_with_view_all_fields(version: &str) -> bool {
    version
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok())
        .is_none_or(|major| major >= 63)
}

impl Schema {
    /// The schema of an org.
    pub fn new(variations: &Variations) -> Self {
        let person_accounts = variations.person_accounts;
        let system_permissions: BTreeMap<&str, &str> = rows(SYSTEM_PERMISSIONS)
            .map(|row| (row[0], row.get(1).copied().unwrap_or_default()))
            .collect();
        let mut fields: BTreeMap<&str, Vec<Field>> = BTreeMap::new();
        let of_persons = rows(PERSON_ACCOUNT_FIELDS).filter(|_| person_accounts);
        // Visible only with the feature (Object Reference, `RecordType`).
        let is_known = |row: &Vec<&str>| person_accounts || row[1] != "IsPersonType";
        for row in rows(FIELDS).filter(is_known).chain(of_persons) {
            let flag = |index: usize| row.get(index) == Some(&"1");
            let text = |index: usize| {
                row.get(index).filter(|text| !text.is_empty()).map(|text| (*text).to_owned())
            };
            fields.entry(row[0]).or_default().push(Field {
                name: row[1].to_owned(),
                label: row[2].to_owned(),
                kind: row[3].to_owned(),
                length: row[4].parse().unwrap_or(0),
                values: if row[0] == "User" {
                    picklists::of_user_field(row[1])
                        .iter()
                        .map(|value| (*value).to_owned())
                        .collect()
                } else {
                    Vec::new()
                },
                nillable: flag(5),
                createable: flag(6),
                updateable: flag(7),
                permissionable: flag(8),
                compound: text(9),
                reference: text(10),
            });
        }
        for (object, name, kind) in variations.fields() {
            let Some((object, ..)) = OBJECTS.iter().find(|held| held.0 == object) else { continue };
            let (kind, is_required) =
                kind.strip_suffix('!').map_or((kind, false), |kind| (kind, true));
            let (kind, values) =
                kind.strip_suffix(')').and_then(|kind| kind.split_once('(')).unwrap_or((kind, ""));
            fields.entry(object).or_default().push(Field {
                name: name.to_owned(),
                label: name.trim_end_matches("__c").replace('_', " "),
                kind: kind.to_owned(),
                length: if matches!(kind, "string" | "picklist" | "multipicklist") {
                    255
                } else {
                    0
                },
                values: if values.is_empty() {
                    picklists::of_user_field(name).iter().map(|value| (*value).to_owned()).collect()
                } else {
                    values.split('/').map(str::to_owned).collect()
                },
                nillable: !is_required,
                createable: true,
                updateable: true,
                permissionable: true,
                compound: None,
                reference: None,
            });
        }
        for holder in ["MutingPermissionSet", "PermissionSet", "Profile", "UserPermissionAccess"] {
            let is_writable = matches!(holder, "PermissionSet" | "Profile");
            for (name, label) in &system_permissions {
                fields.entry(holder).or_default().push(Field {
                    name: format!("Permissions{name}"),
                    label: match *name {
                        "ModifyAllData" if variations.german => {
                            "Alle Daten modifizieren".to_owned()
                        }
                        "ActivitiesAccess" if variations.german => {
                            "Auf Aktivitäten zugreifen".to_owned()
                        }
                        name if label.is_empty() => name.to_owned(),
                        _ => (*label).to_owned(),
                    },
                    kind: "boolean".to_owned(),
                    length: 0,
                    values: Vec::new(),
                    nillable: false,
                    createable: is_writable,
                    updateable: is_writable,
                    permissionable: false,
                    compound: None,
                    reference: None,
                });
            }
        }
        let objects = OBJECTS
            .into_iter()
            .map(|(name, label, prefix, is_setup, createable, updateable, deletable)| {
                let fields = fields.remove(name).unwrap_or_default();
                let by_name = fields
                    .iter()
                    .enumerate()
                    .flat_map(|(index, field)| {
                        [(field.name.clone(), index), (field.name.to_ascii_lowercase(), index)]
                    })
                    .collect();
                let children = children(name);
                let object = Object {
                    name,
                    label,
                    prefix,
                    is_setup,
                    createable,
                    updateable,
                    deletable,
                    fields,
                    by_name,
                    children,
                };
                (name, object)
            })
            .collect();
        let never_editable = rows(NEVER_EDITABLE)
            .map(|row| format!("{}.{}", row[0], row[1]))
            .chain(variations.read_only_fields.iter().cloned())
            .collect();
        Self {
            objects,
            system_permissions,
            never_editable,
            undescribed: variations.undescribed.clone(),
            unseen: variations.unseen_fields.clone(),
        }
    }

    /// An object, in any case.
    pub fn object(&self, name: &str) -> Option<&Object> {
        let as_written = self.objects.get(name);
        as_written
            .or_else(|| self.objects.values().find(|object| object.name.eq_ignore_ascii_case(name)))
    }

    /// The object whose ids begin with this prefix.
    pub fn object_of_id(&self, id: &str) -> Option<&Object> {
        self.objects.values().find(|object| id.starts_with(object.prefix))
    }

    /// All objects, in the order of names.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.values()
    }

    /// Whether a system permission of this API name exists.
    pub fn knows_permission(&self, name: &str) -> bool {
        self.system_permissions.contains_key(name)
    }

    /// Whether a field can be granted for reading only, whatever is asked.
    pub fn is_never_editable(&self, field: &str) -> bool {
        self.never_editable.iter().any(|held| held == field)
    }

    /// The fields that the running user sees in a version. View All Fields is
    /// there from 63 on (Object Reference, `ObjectPermissions`).
    pub fn seen_fields<'a>(
        &'a self,
        object: &'a Object,
        version: &str,
    ) -> impl Iterator<Item = &'a Field> {
        let is_new = is_with_view_all_fields(version);
        object.fields.iter().filter(move |field| {
            let permission = field.name.strip_prefix("Permissions");
            let is_undescribed =
                permission.is_some_and(|name| self.undescribed.iter().any(|held| held == name));
            let path = || format!("{}.{}", object.name, field.name);
            let is_seen = self.unseen.is_empty() || !self.unseen.contains(&path());
            is_seen && !is_undescribed && (is_new || field.name != VIEW_ALL_FIELDS)
        })
    }

    /// The values of a list. That of the fields on which permissions can exist has
    /// those of every object, whoever asks.
    pub fn values(&self, object: &Object, field: &Field) -> Vec<Json> {
        let value = |value: &str| json!({"value": value, "label": value, "active": true});
        if object.name != "FieldPermissions" || field.name != "Field" {
            return field.values.iter().map(|name| value(name)).collect();
        }
        let grantable = self.objects.values().flat_map(|object| {
            let fields = object
                .fields
                .iter()
                .filter(|field| field.permissionable && field.compound.is_none());
            fields.map(move |field| format!("{}.{}", object.name, field.name))
        });
        grantable.map(|name| value(&name)).collect()
    }
}
