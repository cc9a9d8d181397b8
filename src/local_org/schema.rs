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
    by_name: HashMap<String, usize>,
    /// Child relationships: name, object, field.
    pub children: &'static [(&'static str, &'static str, &'static str)],
}

impl Object {
    /// A field, in any case.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.by_name.get(&name.to_ascii_lowercase()).map(|index| &self.fields[*index])
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
    objects: BTreeMap<String, Object>,
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

/// Name, prefix, setup, createable, updateable, deletable. User: Object
/// Reference, "Supported Calls", which has no delete().
const OBJECTS: [(&str, &str, bool, bool, bool, bool); 27] = [
    ("Account", "001", false, true, true, true),
    ("Contact", "003", false, true, true, true),
    ("Event", "00U", false, true, true, true),
    ("FieldPermissions", "01k", true, true, true, true),
    ("Group", "00G", true, true, true, true),
    ("GroupMember", "011", true, true, false, true),
    ("Lead", "00Q", false, true, true, true),
    ("MutingPermissionSet", "0QM", true, false, false, true),
    ("ObjectPermissions", "110", true, true, true, true),
    ("Organization", "00D", true, false, true, false),
    ("PackageLicense", "050", true, false, false, false),
    ("PermissionSet", "0PS", true, true, true, true),
    ("PermissionSetAssignment", "0Pa", true, true, true, true),
    ("PermissionSetGroup", "0PG", true, false, true, true),
    ("PermissionSetGroupComponent", "0PH", true, false, false, false),
    ("PermissionSetLicense", "0PL", true, false, false, false),
    ("PermissionSetLicenseAssign", "2LA", true, true, false, true),
    ("Profile", "00e", true, true, true, true),
    ("RecordType", "012", true, false, true, false),
    ("Task", "00T", false, true, true, true),
    ("User", "005", true, true, true, false),
    ("UserAccessPolicy", "0wg", true, false, false, false),
    ("UserLicense", "100", true, false, false, false),
    ("UserLogin", "0Yw", true, false, true, false),
    ("UserPackageLicense", "051", true, true, false, true),
    ("UserRole", "00E", true, true, true, true),
    ("UserPermissionAccess", "0QU", true, false, false, false),
];

fn children(object: &str) -> &'static [(&'static str, &'static str, &'static str)] {
    match object {
        "PermissionSet" => &[
            ("Assignments", "PermissionSetAssignment", "PermissionSetId"),
            ("FieldPerms", "FieldPermissions", "ParentId"),
            ("ObjectPerms", "ObjectPermissions", "ParentId"),
        ],
        "Profile" => &[("Users", "User", "ProfileId")],
        "User" => &[
            ("PermissionSetAssignments", "PermissionSetAssignment", "AssigneeId"),
            ("PermissionSetLicenseAssignments", "PermissionSetLicenseAssign", "AssigneeId"),
        ],
        _ => &[],
    }
}

/// Fields that an insert may leave out though they are never empty.
fn is_filled(object: &Object, field: &Field) -> bool {
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
            .map(|(name, prefix, is_setup, createable, updateable, deletable)| {
                let fields = fields.remove(name).unwrap_or_default();
                let by_name = fields
                    .iter()
                    .enumerate()
                    .map(|(index, field)| (field.name.to_ascii_lowercase(), index))
                    .collect();
                let children = children(name);
                let object = Object {
                    name,
                    prefix,
                    is_setup,
                    createable,
                    updateable,
                    deletable,
                    fields,
                    by_name,
                    children,
                };
                (name.to_ascii_lowercase(), object)
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
        self.objects.get(&name.to_ascii_lowercase())
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

    /// What describe answers for an object.
    pub fn describe(&self, object: &Object) -> Json {
        let fields: Vec<Json> = object
            .fields
            .iter()
            .filter(|field| {
                let permission = field.name.strip_prefix("Permissions");
                let is_unseen = || {
                    let path = format!("{}.{}", object.name, field.name);
                    self.unseen.contains(&path)
                };
                !permission.is_some_and(|name| self.undescribed.iter().any(|held| held == name))
                    && !is_unseen()
            })
            .map(|field| {
                json!({
                    "name": field.name,
                    "label": field.label,
                    "type": field.kind,
                    "length": field.length,
                    "nillable": field.nillable,
                    "createable": field.createable,
                    "updateable": field.updateable,
                    "permissionable": field.permissionable,
                    "calculated": false,
                    "autoNumber": false,
                    "custom": field.name.ends_with("__c"),
                    "compoundFieldName": field.compound,
                    "referenceTo": field.reference.iter().collect::<Vec<_>>(),
                    "relationshipName": field.relationship(),
                    "restrictedPicklist": !field.values.is_empty(),
                    "defaultedOnCreate": is_filled(object, field),
                    "picklistValues": self.values(object, field),
                })
            })
            .collect();
        let children: Vec<Json> = object
            .children
            .iter()
            .map(|(name, child, field)| {
                json!({"relationshipName": name, "childSObject": child, "field": field})
            })
            .collect();
        let mut described = Self::summary(object);
        described["fields"] = Json::Array(fields);
        described["childRelationships"] = Json::Array(children);
        described["recordTypeInfos"] = json!([]);
        described
    }

    /// The values of a list. That of the fields on which permissions can exist has
    /// those of every object, whoever asks.
    fn values(&self, object: &Object, field: &Field) -> Vec<Json> {
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

    /// What the global describe says of an object.
    pub fn summary(object: &Object) -> Json {
        json!({
            "name": object.name,
            "label": object.name,
            "keyPrefix": object.prefix,
            "custom": false,
            "queryable": true,
            "createable": object.createable,
            "updateable": object.updateable,
            "deletable": object.deletable,
        })
    }
}
