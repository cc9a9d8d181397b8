//! What a file may say of a user, and what it declares by that.

use serde::Deserialize;

use crate::kinds::Section;
use crate::kinds::permission_set_assignment;
use crate::kinds::permission_set_license_assignment;
use crate::kinds::profile;
use crate::kinds::spec::Alias;
use crate::kinds::spec::Choice;
use crate::kinds::spec::Email;
use crate::kinds::spec::LifecycleSpec;
use crate::kinds::spec::Name40;
use crate::kinds::spec::Name80;
use crate::kinds::spec::ProfileName;
use crate::kinds::spec::Text;
use crate::kinds::spec::Username;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Declared;
use crate::model::Value;

use super::ACTIVE;
use super::KIND;
use super::PASSWORD;
use super::PROFILE;
use super::User;

/// One entry of `users:`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserSpec {
    last_name: Name80,
    first_name: Option<Name40>,
    email: Email,
    profile: ProfileName,
    alias: Option<Alias>,
    time_zone: Option<Choice>,
    locale: Option<Choice>,
    language: Option<Choice>,
    email_encoding: Option<Choice>,
    active: Option<bool>,
    password: Option<PasswordWord>,
    #[serde(default)]
    permission_set_licenses: Vec<Text>,
    #[serde(default)]
    permission_sets: Vec<Text>,
    was: Option<Username>,
    #[serde(default)]
    lifecycle: LifecycleSpec,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PasswordWord {
    EmailResetLink,
}

impl Section for User {
    type Spec = UserSpec;

    fn check_name(name: &str) -> Result<(), String> {
        use serde::de::IntoDeserializer;
        let deserializer: serde::de::value::StrDeserializer<'_, serde::de::value::Error> =
            name.into_deserializer();
        Username::deserialize(deserializer).map(|_| ()).map_err(|error| error.to_string())
    }

    fn declare(name: &str, spec: UserSpec, into: &mut dyn FnMut(Declared)) {
        let text = |text: String| Value::Text(text.trim().to_owned());
        let mut attributes = Attributes::new();
        attributes.set("last_name", text(spec.last_name.0));
        attributes.set("email", text(spec.email.0));
        attributes.set(PROFILE, Value::Reference(Address::new(profile::KIND, &spec.profile.0)));
        attributes.set_some("first_name", spec.first_name.map(|name| text(name.0)));
        attributes.set_some("alias", spec.alias.map(|alias| text(alias.0)));
        attributes.set_some("time_zone", spec.time_zone.map(|zone| text(zone.0)));
        attributes.set_some("locale", spec.locale.map(|locale| text(locale.0)));
        attributes.set_some("language", spec.language.map(|language| text(language.0)));
        attributes.set_some("email_encoding", spec.email_encoding.map(|name| text(name.0)));
        attributes.set_some(ACTIVE, spec.active.map(Value::Flag));
        attributes.set_some(
            PASSWORD,
            spec.password
                .map(|PasswordWord::EmailResetLink| Value::Text("email_reset_link".into())),
        );
        into(Declared {
            was: spec.was.map(|was| was.0),
            lifecycle: spec.lifecycle.into(),
            ..Declared::new(Address::new(KIND, name), attributes)
        });
        for license in spec.permission_set_licenses {
            let license = permission_set_license_assignment::developer_name(&license.0);
            let (address, attributes) = permission_set_license_assignment::declare(name, license);
            into(Declared::new(address, attributes));
        }
        for set in spec.permission_sets {
            let (address, attributes) = permission_set_assignment::declare(name, &set.0);
            into(Declared::new(address, attributes));
        }
    }
}
