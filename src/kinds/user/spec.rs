//! What a user or a persona declares by what a file says of it.

use std::collections::BTreeSet;

use serde::Deserialize as _;

use super::ACTIVE;
use super::FROZEN;
use super::KIND;
use super::MANAGER;
use super::PASSWORD;
use super::PERSONA;
use super::PROFILE;
use super::ROLE;
use super::User;
use super::features::FEATURE;
use super::fields::FIELD;
use super::items::AllWord;
use super::items::ExclusiveWord;
use super::items::FeatureName;
use super::items::LicenseItem;
use super::items::PasswordWord;
use super::table::PERSONA_KEYS;
use super::table::PersonaSpec;
use super::table::UserSpec;
use crate::kinds::Section;
use crate::kinds::group_member::OF_PUBLIC_GROUPS;
use crate::kinds::group_member::OF_QUEUES;
use crate::kinds::package_license_assignment;
use crate::kinds::permission_set_assignment::OF_GROUPS;
use crate::kinds::permission_set_assignment::OF_SETS;
use crate::kinds::permission_set_license_assignment;
use crate::kinds::settings::Condition;
use crate::kinds::spec::OnlyKeys;
use crate::kinds::spec::Scalar;
use crate::kinds::spec::Shorthand;
use crate::kinds::spec::Text;
use crate::kinds::spec::TextError;
use crate::kinds::spec::rules;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Declared;
use crate::model::KindName;
use crate::model::Lifecycle;
use crate::model::Value;

/// What a persona may say, for editors.
pub fn persona_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    generator.subschema_for::<PersonaSpec>()
}

/// Reads a persona: what a user that points to it declares by that.
///
/// # Errors
/// Whatever the deserializer or the spec refuses.
pub fn read_persona<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
    into: &mut dyn FnMut(Declared),
) -> Result<(), D::Error> {
    let only = OnlyKeys { inner: deserializer, keys: PERSONA_KEYS.as_slice() };
    User::declare(super::NOBODY, UserSpec::deserialize(only)?, into);
    Ok(())
}

impl Section for User {
    type Spec = UserSpec;

    fn check_name(name: &str) -> Result<(), TextError> {
        rules::check_username(name)
    }

    fn missing(spec: &UserSpec) -> Option<&'static str> {
        let has_profile = spec.profile.is_some() || spec.persona.is_some();
        let needed = [
            ("last_name", spec.last_name.is_some()),
            ("email", spec.email.is_some()),
            (PROFILE, has_profile),
        ];
        needed.into_iter().find(|(_, is_said)| !is_said).map(|(key, _)| key)
    }

    fn declare(name: &str, mut spec: UserSpec, into: &mut dyn FnMut(Declared)) {
        let attributes = attributes(&mut spec);
        let when: BTreeSet<_> =
            std::mem::take(&mut spec.when).into_iter().map(Into::into).collect();
        let exclusive = match spec.exclusive.take() {
            None => Vec::new(),
            Some(Shorthand::Word(AllWord::All)) => ExclusiveWord::ALL.to_vec(),
            Some(Shorthand::Long(words)) => words,
        };
        let exclusive = exclusive.into_iter().map(|word| word.kind().to_string()).collect();
        let lifecycle = std::mem::take(&mut spec.lifecycle);
        let address = Address::new(KIND, name);
        let user = Declared {
            was: spec.was.take().map(|was| was.0),
            lifecycle: Lifecycle { exclusive, ..lifecycle.into() },
            ..Declared::new(address.clone(), attributes)
        };
        into(user.only_when(&when));
        relations(&address, spec, &mut |(joined, attributes), also: Vec<Condition>| {
            let when = when.iter().copied().chain(also.into_iter().map(Into::into)).collect();
            into(Declared::new(joined, attributes).only_when(&when));
        });
    }
}

/// What is said of the user itself.
fn attributes(spec: &mut UserSpec) -> Attributes {
    let text = |text: String| Value::Text(text.trim().to_owned());
    let reference = |kind: KindName, name: String| Value::Reference(Address::new(kind, &name));
    let mut attributes = Attributes::new();
    for (column, said) in spec.take_columns() {
        attributes.set(column.key, text(said));
    }
    let profile = spec.profile.take().map(|profile| reference(KindName::PROFILE, profile.0));
    attributes.set_some(PROFILE, profile);
    attributes.set_some(PERSONA, spec.persona.take().map(|name| Value::Text(name.0)));
    attributes.set_some(ROLE, spec.role.take().map(|role| text(role.0)));
    attributes.set_some(MANAGER, spec.manager.take().map(|manager| reference(KIND, manager.0)));
    for FeatureName(label) in std::mem::take(&mut spec.feature_licenses) {
        attributes.set(format!("{FEATURE}{label}"), Value::Flag(true));
    }
    for (Text(field), value) in std::mem::take(&mut spec.fields.0) {
        let value = match value {
            Scalar::Flag(flag) => Value::Flag(flag),
            Scalar::Text(written) | Scalar::Number(written) => text(written),
        };
        attributes.set(format!("{FIELD}{field}"), value);
    }
    attributes.set_some(FROZEN, spec.frozen.map(Value::Flag));
    attributes.set_some(ACTIVE, spec.active.map(Value::Flag));
    let password = spec.password;
    let mailed = |PasswordWord::EmailResetLink| Value::Text("email_reset_link".into());
    attributes.set_some(PASSWORD, password.map(mailed));
    attributes
}

/// What the user is to hold and to be in, each with the only orgs that it is for.
fn relations(
    user: &Address,
    spec: UserSpec,
    into: &mut dyn FnMut((Address, Attributes), Vec<Condition>),
) {
    let of_license = |item: Shorthand<Text, LicenseItem>| match item {
        Shorthand::Word(Text(name)) => (name, Vec::new()),
        Shorthand::Long(item) => (item.name.0, item.when),
    };
    for (license, when) in spec.permission_set_licenses.into_iter().map(of_license) {
        let license = permission_set_license_assignment::developer_name(&license);
        into(permission_set_license_assignment::declare(user, license), when);
    }
    for (package, when) in spec.package_licenses.into_iter().map(of_license) {
        into(package_license_assignment::declare(user, &package), when);
    }
    for (kind, items) in [(OF_QUEUES, spec.queues), (OF_PUBLIC_GROUPS, spec.public_groups)] {
        for (group, when) in items.into_iter().map(of_license) {
            into(kind.declare(user, &group), when);
        }
    }
    let given = [(OF_SETS, spec.permission_sets), (OF_GROUPS, spec.permission_set_groups)];
    for (kind, items) in given {
        for item in items {
            let (thing, expires, when) = match item {
                Shorthand::Word(Text(name)) => (name, None, Vec::new()),
                Shorthand::Long(item) => (item.name.0, item.expires, item.when),
            };
            into(kind.declare_until(user, &thing, expires.map(|day| day.0)), when);
        }
    }
}
