//! What a file may say of a permission set, and what it declares by that.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kinds::Section;
use crate::kinds::permissions;
use crate::kinds::spec::ApiName;
use crate::kinds::spec::Description;
use crate::kinds::spec::Label80;
use crate::kinds::spec::LifecycleSpec;
use crate::kinds::spec::Shorthand;
use crate::kinds::spec::Text;
use crate::kinds::spec::UniqueMap;
use crate::kinds::spec::check_api_name;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Declared;
use crate::model::Value;

use super::KIND;
use super::PermissionSet;
use super::SYSTEM;

/// A permission set, under its API name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PermissionSetSpec {
    /// Its label in Setup; left out, the API name with spaces.
    label: Option<Label80>,
    /// What it is for, at most 255 characters.
    description: Option<Description>,
    /// System permissions, by their labels in Setup or their API names.
    #[serde(default)]
    system_permissions: Vec<Text>,
    /// Access to objects and their fields, by the objects' API names.
    #[serde(default)]
    objects: UniqueMap<ObjectName, ObjectSpec>,
    /// The API name that it had, when it is to be renamed.
    was: Option<ApiName>,
    /// How far it is held to what the file says.
    #[serde(default)]
    lifecycle: LifecycleSpec,
}

/// An object's API name, with a namespace and a suffix where it has them.
/// Compared without case, as Salesforce compares it.
#[derive(Clone)]
struct ObjectName(Text);

impl<'de> Deserialize<'de> for ObjectName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        let is_name = text.0.starts_with(|first: char| first.is_ascii_alphabetic())
            && text
                .0
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || character == '_');
        if is_name {
            return Ok(Self(text));
        }
        Err(serde::de::Error::custom(
            "an object's API name has letters, digits and underscores, for example `Contact` or `Region__c`",
        ))
    }
}

impl ObjectName {
    fn folded(&self) -> String {
        self.0.0.to_lowercase()
    }
}

impl PartialEq for ObjectName {
    fn eq(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }
}

impl Eq for ObjectName {}

impl PartialOrd for ObjectName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ObjectName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.folded().cmp(&other.folded())
    }
}

impl std::fmt::Debug for ObjectName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`", self.0.0)
    }
}

/// Access to one object.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ObjectSpec {
    /// `all`, or a list of what may be done.
    access: Option<Shorthand<AllWord, Vec<AccessWord>>>,
    /// `edit` or `read` for every field that can be granted, or field by field;
    /// left out, none.
    fields: Option<Shorthand<FieldWord, UniqueMap<Text, FieldWord>>>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum AllWord {
    All,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum AccessWord {
    Read,
    Create,
    Edit,
    Delete,
    ViewAll,
    ModifyAll,
    ViewAllFields,
}

impl AccessWord {
    fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::ViewAll => "view_all",
            Self::ModifyAll => "modify_all",
            Self::ViewAllFields => "view_all_fields",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum FieldWord {
    Read,
    Edit,
}

impl FieldWord {
    fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Edit => "edit",
        }
    }
}

impl Section for PermissionSet {
    type Spec = PermissionSetSpec;

    fn check_name(name: &str) -> Result<(), String> {
        let is_packaged = name
            .split_once("__")
            .is_some_and(|(namespace, bare)| !namespace.is_empty() && check_api_name(bare).is_ok());
        if is_packaged && check_api_name(name.split("__").next().unwrap_or_default()).is_ok() {
            return Err(format!(
                "`{name}` looks like a package's permission set, which can only be assigned to users"
            ));
        }
        check_api_name(name)
    }

    fn declare(name: &str, spec: PermissionSetSpec, into: &mut dyn FnMut(Declared)) {
        let mut attributes = Attributes::new();
        let label =
            spec.label.map_or_else(|| name.replace('_', " "), |label| label.0.trim().to_owned());
        attributes.set("label", Value::Text(label));
        attributes.set_some(
            "description",
            spec.description
                .map(|description| description.0.trim().to_owned())
                .filter(|description| !description.is_empty())
                .map(Value::Text),
        );
        if !spec.system_permissions.is_empty() {
            attributes
                .set(SYSTEM, Value::set(spec.system_permissions.into_iter().map(|text| text.0)));
        }
        for (ObjectName(Text(object)), access) in spec.objects.0 {
            let words: Vec<&str> = match access.access {
                None => Vec::new(),
                Some(Shorthand::Word(AllWord::All)) => {
                    permissions::OBJECT_ACCESS.iter().map(|(word, _, _)| *word).collect()
                }
                Some(Shorthand::Long(words)) => words.into_iter().map(AccessWord::word).collect(),
            };
            if !words.is_empty() {
                attributes.set(format!("objects.{object}"), Value::set(words));
            }
            match access.fields {
                None => {}
                Some(Shorthand::Word(word)) => {
                    attributes.set(format!("fields.{object}"), Value::Text(word.word().to_owned()));
                }
                Some(Shorthand::Long(fields)) => {
                    for word in [FieldWord::Edit, FieldWord::Read] {
                        let names: BTreeSet<String> = fields
                            .0
                            .iter()
                            .filter(|(_, held)| **held == word)
                            .map(|(field, _)| field.0.clone())
                            .collect();
                        if !names.is_empty() {
                            let path = format!("fields.{object}.{}", word.word());
                            attributes.set(path, Value::Set(names));
                        }
                    }
                }
            }
        }
        into(Declared {
            was: spec.was.map(|was| was.0),
            lifecycle: spec.lifecycle.into(),
            ..Declared::new(Address::new(KIND, name), attributes)
        });
    }
}
