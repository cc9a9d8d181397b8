//! What a file may say of a permission set group, and what it declares by that.

use crate::model::KindName;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ACTIVATION;
use super::KIND;
use super::MEMBER;
use super::PermissionSetGroup;
use super::muting;
use crate::kinds::Section;
use crate::kinds::permission_set;
use crate::kinds::permission_set::AccessWord;
use crate::kinds::permission_set::AllWord;
use crate::kinds::permission_set::FieldWord;
use crate::kinds::settings::Condition;
use crate::kinds::settings::ObjectName;
use crate::kinds::spec::ApiName;
use crate::kinds::spec::Description;
use crate::kinds::spec::Label80;
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

/// A permission set group, under its API name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PermissionSetGroupSpec {
    /// Its label in Setup; left out, the API name with spaces.
    label: Option<Label80>,
    /// What it is for, at most 255 characters.
    description: Option<Description>,
    /// Its members: permission sets, by API name; a package's with its namespace, two
    /// underscores and its name.
    #[serde(default)]
    permission_sets: Vec<Text>,
    /// What its members grant and the group does not.
    #[serde(default)]
    muting: MutingSpec,
    /// Whether a session has to be activated before it counts.
    #[serde(default)]
    activation_required: bool,
    /// The only orgs that it is for.
    #[serde(default)]
    when: Vec<Condition>,
    /// The API name that it had, when it is to be renamed.
    was: Option<ApiName>,
    /// How far it is held to what the file says.
    #[serde(default)]
    lifecycle: LifecycleSpec,
}

/// What a permission set group mutes.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct MutingSpec {
    /// System permissions, by their labels in Setup or their API names.
    #[serde(default)]
    system_permissions: Vec<Text>,
    /// Access to objects and their fields, by the objects' API names.
    #[serde(default)]
    objects: UniqueMap<ObjectName, MutedObjectSpec>,
}

/// What is muted of one object.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MutedObjectSpec {
    /// `all`, or a list of what may not be done.
    access: Option<Shorthand<AllWord, Vec<AccessWord>>>,
    /// Fields, each with `read` (then it can't be edited either) or `edit`.
    #[serde(default)]
    fields: UniqueMap<Text, FieldWord>,
}

impl Section for PermissionSetGroup {
    type Spec = PermissionSetGroupSpec;

    fn check_name(name: &str) -> Result<(), TextError> {
        check_api_name(name)
    }

    fn declare(name: &str, spec: PermissionSetGroupSpec, into: &mut dyn FnMut(Declared)) {
        let mut attributes = Attributes::new();
        let label = spec.label.map(|label| label.0.trim().to_owned());
        attributes.set("label", Value::Text(label.unwrap_or_else(|| name.replace('_', " "))));
        let description = spec.description.map(|text| text.0.trim().to_owned());
        attributes
            .set_some("description", description.filter(|text| !text.is_empty()).map(Value::Text));
        if spec.activation_required {
            attributes.set(ACTIVATION, Value::Flag(true));
        }
        for Text(set) in spec.permission_sets {
            let member = Address::new(KindName::PERMISSION_SET, &set);
            attributes.set(format!("{MEMBER}{set}"), Value::Reference(member));
        }
        let mut muted = Attributes::new();
        permission_set::declare_system_permissions(spec.muting.system_permissions, &mut muted);
        for (ObjectName(Text(object)), off) in spec.muting.objects.0 {
            permission_set::declare_access(&object, off.access, &mut muted);
            permission_set::declare_fields(&object, &off.fields, &mut muted);
        }
        muting::put(&muted, &mut attributes);
        let when = spec.when.into_iter().map(Into::into).collect();
        let declared = Declared {
            was: spec.was.map(|was| was.0),
            lifecycle: spec.lifecycle.into(),
            ..Declared::new(Address::new(KIND, name), attributes)
        };
        into(declared.only_when(&when));
    }
}
