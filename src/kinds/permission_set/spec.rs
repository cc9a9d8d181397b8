//! What a file may say of a permission set, and what it declares by that.

use super::set_object;
use crate::kinds::access_path::AccessPath;
use crate::kinds::access_path::FieldLevel;
use crate::model::ObjectAccess;
use crate::model::PackagedName;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::ACTIVATION;
use super::KIND;
use super::LICENSE;
use super::PermissionSet;
use super::SYSTEM;
use crate::kinds::Section;
use crate::kinds::settings;
use crate::kinds::settings::Condition;
use crate::kinds::settings::ObjectName;
use crate::kinds::settings::SetTab;
use crate::kinds::settings::with_settings;
use crate::kinds::spec::ApiName;
use crate::kinds::spec::Description;
use crate::kinds::spec::Label80;
use crate::kinds::spec::LicenseName;
use crate::kinds::spec::LifecycleSpec;
use crate::kinds::spec::Shorthand;
use crate::kinds::spec::Text;
use crate::kinds::spec::TextError;
use crate::kinds::spec::UniqueMap;
use crate::kinds::spec::rules::check_api_name;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Declared;
use crate::model::Value;

with_settings! {
    /// A permission set, under its API name.
    pub struct PermissionSetSpec with tabs of SetTab {
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
        /// Record types that users may choose, by object: developer names, or
        /// `person account`.
        #[serde(default)]
        record_types: UniqueMap<ObjectName, Vec<Text>>,
        /// External credential principals, as `Credential-Principal`.
        #[serde(default)]
        external_credential_principals: Vec<Text>,
        /// The license that it is for: a permission set license, which users then
        /// get with it, or a user license. Changing it makes the set anew.
        license: Option<LicenseName>,
        /// Whether a session has to be activated before it counts.
        #[serde(default)]
        activation_required: bool,
        /// What it also holds in orgs with person accounts.
        if_person_accounts: Option<SetContentsSpec>,
        /// The only orgs that it is for.
        #[serde(default)]
        when: Vec<Condition>,
        /// The API name that it had, when it is to be renamed.
        was: Option<ApiName>,
        /// How far it is held to what the file says.
        #[serde(default)]
        lifecycle: LifecycleSpec,
    }
}

with_settings! {
    /// What a permission set may hold.
    struct SetContentsSpec with tabs of SetTab {
        /// System permissions, by their labels in Setup or their API names.
        #[serde(default)]
        system_permissions: Vec<Text>,
        /// Access to objects and their fields, by the objects' API names.
        #[serde(default)]
        objects: UniqueMap<ObjectName, ObjectSpec>,
        /// Record types that users may choose, by object: developer names, or
        /// `person account`.
        #[serde(default)]
        record_types: UniqueMap<ObjectName, Vec<Text>>,
        /// External credential principals, as `Credential-Principal`.
        #[serde(default)]
        external_credential_principals: Vec<Text>,
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
pub(in crate::kinds) enum AllWord {
    All,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(in crate::kinds) enum AccessWord {
    Read,
    Create,
    Edit,
    Delete,
    ViewAll,
    ModifyAll,
    ViewAllFields,
}

impl AccessWord {
    fn access(self) -> ObjectAccess {
        match self {
            Self::Read => ObjectAccess::Read,
            Self::Create => ObjectAccess::Create,
            Self::Edit => ObjectAccess::Edit,
            Self::Delete => ObjectAccess::Delete,
            Self::ViewAll => ObjectAccess::ViewAll,
            Self::ModifyAll => ObjectAccess::ModifyAll,
            Self::ViewAllFields => ObjectAccess::ViewAllFields,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(in crate::kinds) enum FieldWord {
    Read,
    Edit,
}

impl FieldWord {
    fn level(self) -> FieldLevel {
        match self {
            Self::Read => FieldLevel::Read,
            Self::Edit => FieldLevel::Edit,
        }
    }
}

impl Section for PermissionSet {
    type Spec = PermissionSetSpec;

    fn check_name(name: &str) -> Result<(), TextError> {
        let PackagedName { namespace, bare } = PackagedName::of(name);
        let is_name = |part: &str| check_api_name(part).is_ok();
        if namespace.is_some_and(is_name) && is_name(bare) {
            return Err(TextError::PackagedSet(name.to_owned()));
        }
        check_api_name(name)
    }

    fn declare(name: &str, mut spec: PermissionSetSpec, into: &mut dyn FnMut(Declared)) {
        let mut attributes = Attributes::new();
        let label = spec
            .label
            .take()
            .map_or_else(|| name.replace('_', " "), |label| label.0.trim().to_owned());
        attributes.set("label", Value::Text(label));
        attributes.set_some(
            "description",
            spec.description
                .take()
                .map(|description| description.0.trim().to_owned())
                .filter(|description| !description.is_empty())
                .map(Value::Text),
        );
        attributes.set_some(
            LICENSE,
            spec.license.take().map(|license| Value::Text(license.0.trim().to_owned())),
        );
        if spec.activation_required {
            attributes.set(ACTIVATION, Value::Flag(true));
        }
        spec.declare_settings(&mut attributes);
        declare_contents(
            spec.system_permissions,
            spec.objects,
            spec.record_types,
            spec.external_credential_principals,
            &mut attributes,
        );
        let mut with_person_accounts = Attributes::new();
        if let Some(mut contents) = spec.if_person_accounts {
            contents.declare_settings(&mut with_person_accounts);
            declare_contents(
                contents.system_permissions,
                contents.objects,
                contents.record_types,
                contents.external_credential_principals,
                &mut with_person_accounts,
            );
        }
        let when = spec.when.into_iter().map(Into::into).collect();
        let declared = Declared {
            was: spec.was.map(|was| was.0),
            lifecycle: spec.lifecycle.into(),
            ..Declared::new(Address::new(KIND, name), attributes)
        };
        into(
            declared
                .only_when(&when)
                .saying_besides(crate::model::Condition::PersonAccounts, with_person_accounts),
        );
    }
}

/// Declares system permissions, as they are written.
pub(in crate::kinds) fn declare_system_permissions(names: Vec<Text>, into: &mut Attributes) {
    if !names.is_empty() {
        into.set(SYSTEM, Value::set(names.into_iter().map(|text| text.0)));
    }
}

/// Declares access to an object.
pub(in crate::kinds) fn declare_access(
    object: &str,
    access: Option<Shorthand<AllWord, Vec<AccessWord>>>,
    into: &mut Attributes,
) {
    let accesses: BTreeSet<ObjectAccess> = match access {
        None => BTreeSet::new(),
        Some(Shorthand::Word(AllWord::All)) => ObjectAccess::ALL.into_iter().collect(),
        Some(Shorthand::Long(words)) => words.into_iter().map(AccessWord::access).collect(),
    };
    if !accesses.is_empty() {
        set_object(object, &accesses, into);
    }
}

/// Declares access to fields that are named one by one.
pub(in crate::kinds) fn declare_fields(
    object: &str,
    fields: &UniqueMap<Text, FieldWord>,
    into: &mut Attributes,
) {
    for word in [FieldWord::Edit, FieldWord::Read] {
        let names: BTreeSet<String> = fields
            .0
            .iter()
            .filter(|(_, held)| **held == word)
            .map(|(field, _)| field.0.clone())
            .collect();
        if !names.is_empty() {
            into.set(AccessPath::Fields(object, word.level()).to_string(), Value::Set(names));
        }
    }
}

fn declare_contents(
    system_permissions: Vec<Text>,
    objects: UniqueMap<ObjectName, ObjectSpec>,
    record_types: UniqueMap<ObjectName, Vec<Text>>,
    principals: Vec<Text>,
    into: &mut Attributes,
) {
    declare_system_permissions(system_permissions, into);
    if !principals.is_empty() {
        let names = principals.into_iter().map(|text| text.0);
        into.set("external_credential_principals", Value::set(names));
    }
    for (ObjectName(Text(object)), assigned) in record_types.0 {
        settings::declare_record_types(&object, assigned, into);
    }
    for (ObjectName(Text(object)), said) in objects.0 {
        declare_access(&object, said.access, into);
        match said.fields {
            None => {}
            Some(Shorthand::Word(word)) => {
                let level = word.level().word().to_owned();
                into.set(AccessPath::EveryField(&object).to_string(), Value::Text(level));
            }
            Some(Shorthand::Long(fields)) => declare_fields(&object, &fields, into),
        }
    }
}
