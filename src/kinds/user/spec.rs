//! What a file may say of a user, and what it declares by that.

use schemars::JsonSchema;
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

/// A user, under its username.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserSpec {
    /// Last name, at most 80 characters.
    last_name: Name80,
    /// First name, at most 40 characters.
    first_name: Option<Name40>,
    /// E-mail address.
    email: Email,
    /// The name of a profile, declared here or there in the org.
    profile: ProfileName,
    /// Alias, at most 8 characters; left out, the beginning of the username.
    alias: Option<Alias>,
    /// Time zone, for example `Europe/Berlin`; left out, the org's own.
    time_zone: Option<Choice>,
    /// Locale, for example `de_DE`; left out, the org's own.
    locale: Option<Choice>,
    /// Language, for example `de`; left out, the org's own.
    language: Option<Choice>,
    /// Encoding of e-mails; left out, UTF-8.
    email_encoding: Option<Choice>,
    /// Whether the user is active; left out, somebody who was deactivated or
    /// frozen is left so.
    active: Option<bool>,
    /// Mail the link with which a password is set, once.
    password: Option<PasswordWord>,
    /// Permission set licenses, by label or developer name.
    #[serde(default)]
    permission_set_licenses: Vec<Text>,
    /// Permission sets, by API name; a package's with its namespace, two
    /// underscores and its name.
    #[serde(default)]
    permission_sets: Vec<Text>,
    /// The username that it had, when it is to be renamed.
    was: Option<Username>,
    /// How far it is held to what the file says.
    #[serde(default)]
    lifecycle: LifecycleSpec,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
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
