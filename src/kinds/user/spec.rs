//! What a file may say of a user, and what it declares by that.

use crate::model::KindName;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::ACTIVE;
use super::FROZEN;
use super::KIND;
use super::MANAGER;
use super::PASSWORD;
use super::PERSONA;
use super::PROFILE;
use super::ROLE;
use super::User;
use super::fields;
use crate::kinds::Section;
use crate::kinds::group_member::OF_PUBLIC_GROUPS;
use crate::kinds::group_member::OF_QUEUES;
use crate::kinds::package_license_assignment;
use crate::kinds::permission_set_assignment::OF_GROUPS;
use crate::kinds::permission_set_assignment::OF_SETS;
use crate::kinds::permission_set_license_assignment;
use crate::kinds::settings::Condition;
use crate::kinds::spec::Alias;
use crate::kinds::spec::Choice;
use crate::kinds::spec::Email;
use crate::kinds::spec::LifecycleSpec;
use crate::kinds::spec::Name40;
use crate::kinds::spec::Name80;
use crate::kinds::spec::ProfileName;
use crate::kinds::spec::Scalar;
use crate::kinds::spec::Shorthand;
use crate::kinds::spec::Text;
use crate::kinds::spec::UniqueMap;
use crate::kinds::spec::Username;
use crate::kinds::spec::Word;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Declared;
use crate::model::Lifecycle;
use crate::model::Value;

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
    profile: Option<ProfileName>,
    /// The persona that gives what is not said here.
    persona: Option<Text>,
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
    /// Role, by label or developer name.
    role: Option<Name80>,
    /// The username of the manager, declared here or there in the org.
    manager: Option<Username>,
    /// Title, at most 80 characters.
    title: Option<Name80>,
    /// Department, at most 80 characters.
    department: Option<Name80>,
    /// Division, at most 80 characters.
    division: Option<Name80>,
    /// Company, at most 80 characters.
    company: Option<Name80>,
    /// Employee number, at most 20 characters; quoted, where it has digits alone.
    employee_number: Option<Name40>,
    /// Phone.
    phone: Option<Name40>,
    /// Mobile phone.
    mobile_phone: Option<Name40>,
    /// The id by which single sign-on knows the user.
    federation_id: Option<Text>,
    /// Nickname, at most 40 characters, unique in the org.
    nickname: Option<Name40>,
    /// Currency code, for example `EUR`, in orgs with several.
    currency: Option<Choice>,
    /// Feature licenses, as Setup names them, for example `Marketing User`.
    #[serde(default)]
    feature_licenses: Vec<FeatureName>,
    /// Any other field, by its API name.
    #[serde(default)]
    fields: UniqueMap<Text, Scalar>,
    /// Whether the login is frozen; left out, it is left as it is.
    frozen: Option<bool>,
    /// Whether the user is active; left out, somebody who was deactivated or
    /// frozen is left so.
    active: Option<bool>,
    /// Mail the link with which a password is set, once.
    password: Option<PasswordWord>,
    /// Licenses of packages that are sold by the seat, by the packages' namespaces.
    #[serde(default)]
    package_licenses: Vec<Shorthand<Text, LicenseItem>>,
    /// Permission set licenses, by label or developer name.
    #[serde(default)]
    permission_set_licenses: Vec<Shorthand<Text, LicenseItem>>,
    /// Permission sets, by API name; a package's with its namespace, two
    /// underscores and its name.
    #[serde(default)]
    permission_sets: Vec<Shorthand<Text, SetItem>>,
    /// Permission set groups, by API name; a package's with its namespace, two
    /// underscores and its name.
    #[serde(default)]
    permission_set_groups: Vec<Shorthand<Text, SetItem>>,
    /// Queues of the org, by developer name or label.
    #[serde(default)]
    queues: Vec<Shorthand<Text, LicenseItem>>,
    /// Public groups of the org, by developer name or label.
    #[serde(default)]
    public_groups: Vec<Shorthand<Text, LicenseItem>>,
    /// What of these the user holds and no file declares is taken off it: `all`, or
    /// a list.
    exclusive: Option<Shorthand<AllWord, Vec<ExclusiveWord>>>,
    /// The only orgs that it is for.
    #[serde(default)]
    when: Vec<Condition>,
    /// The username that it had, when it is to be renamed.
    was: Option<Username>,
    /// How far it is held to what the file says.
    #[serde(default)]
    lifecycle: LifecycleSpec,
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
enum ExclusiveWord {
    PackageLicenses,
    PermissionSetGroups,
    PermissionSetLicenses,
    PermissionSets,
    PublicGroups,
    Queues,
}

impl ExclusiveWord {
    const ALL: [Self; 6] = [
        Self::PackageLicenses,
        Self::PermissionSetGroups,
        Self::PermissionSetLicenses,
        Self::PermissionSets,
        Self::PublicGroups,
        Self::Queues,
    ];

    fn kind(self) -> KindName {
        match self {
            Self::PackageLicenses => KindName::PACKAGE_LICENSE_ASSIGNMENT,
            Self::PermissionSetGroups => OF_GROUPS.kind,
            Self::PermissionSetLicenses => KindName::PERMISSION_SET_LICENSE_ASSIGNMENT,
            Self::PublicGroups => OF_PUBLIC_GROUPS.kind,
            Self::Queues => OF_QUEUES.kind,
            Self::PermissionSets => OF_SETS.kind,
        }
    }
}

/// What users of one sort have in common.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonaSpec {
    /// The name of a profile, declared here or there in the org.
    profile: Option<ProfileName>,
    /// Role, by label or developer name.
    role: Option<Name80>,
    /// The username of the manager, declared here or there in the org.
    manager: Option<Username>,
    /// Title, at most 80 characters.
    title: Option<Name80>,
    /// Department, at most 80 characters.
    department: Option<Name80>,
    /// Division, at most 80 characters.
    division: Option<Name80>,
    /// Company, at most 80 characters.
    company: Option<Name80>,
    /// Time zone, for example `Europe/Berlin`.
    time_zone: Option<Choice>,
    /// Locale, for example `de_DE`.
    locale: Option<Choice>,
    /// Language, for example `de`.
    language: Option<Choice>,
    /// Encoding of e-mails.
    email_encoding: Option<Choice>,
    /// Currency code, for example `EUR`, in orgs with several.
    currency: Option<Choice>,
    /// Feature licenses, as Setup names them, for example `Marketing User`.
    #[serde(default)]
    feature_licenses: Vec<FeatureName>,
    /// Any other field, by its API name.
    #[serde(default)]
    fields: UniqueMap<Text, Scalar>,
    /// Mail the link with which a password is set, once.
    password: Option<PasswordWord>,
    /// Licenses of packages that are sold by the seat, by the packages' namespaces.
    #[serde(default)]
    package_licenses: Vec<Shorthand<Text, LicenseItem>>,
    /// Permission set licenses, by label or developer name.
    #[serde(default)]
    permission_set_licenses: Vec<Shorthand<Text, LicenseItem>>,
    /// Permission sets, by API name; a package's with its namespace, two
    /// underscores and its name.
    #[serde(default)]
    permission_sets: Vec<Shorthand<Text, SetItem>>,
    /// Permission set groups, by API name; a package's with its namespace, two
    /// underscores and its name.
    #[serde(default)]
    permission_set_groups: Vec<Shorthand<Text, SetItem>>,
    /// Queues of the org, by developer name or label.
    #[serde(default)]
    queues: Vec<Shorthand<Text, LicenseItem>>,
    /// Public groups of the org, by developer name or label.
    #[serde(default)]
    public_groups: Vec<Shorthand<Text, LicenseItem>>,
}

/// What a persona may say, for editors.
pub fn persona_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    generator.subschema_for::<PersonaSpec>()
}

/// Reads a persona: what a user of no name declares by it.
///
/// # Errors
/// Whatever the deserializer or the spec refuses.
pub fn read_persona<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
    into: &mut dyn FnMut(Declared),
) -> Result<(), D::Error> {
    let spec = PersonaSpec::deserialize(deserializer)?;
    let user = UserSpec {
        last_name: Name80(String::new()),
        first_name: None,
        email: Email(String::new()),
        profile: spec.profile,
        persona: None,
        alias: None,
        time_zone: spec.time_zone,
        locale: spec.locale,
        language: spec.language,
        email_encoding: spec.email_encoding,
        role: spec.role,
        manager: spec.manager,
        title: spec.title,
        department: spec.department,
        division: spec.division,
        company: spec.company,
        employee_number: None,
        phone: None,
        mobile_phone: None,
        federation_id: None,
        nickname: None,
        currency: spec.currency,
        feature_licenses: spec.feature_licenses,
        fields: spec.fields,
        frozen: None,
        active: None,
        password: spec.password,
        package_licenses: spec.package_licenses,
        permission_set_licenses: spec.permission_set_licenses,
        permission_sets: spec.permission_sets,
        permission_set_groups: spec.permission_set_groups,
        queues: spec.queues,
        public_groups: spec.public_groups,
        exclusive: None,
        when: Vec::new(),
        was: None,
        lifecycle: LifecycleSpec::default(),
    };
    User::declare(super::NOBODY, user, &mut |mut declared| {
        for path in ["last_name", "email"] {
            declared.attributes.remove(path);
        }
        into(declared);
    });
    Ok(())
}

/// A license, a queue or a public group for some orgs only.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct LicenseItem {
    /// Its label or developer name.
    name: Text,
    /// The only orgs that it is for.
    #[serde(default)]
    when: Vec<Condition>,
}

/// A permission set with what is special about holding it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct SetItem {
    /// Its API name.
    name: Text,
    /// The last day on which the user holds it, as `YYYY-MM-DD`.
    expires: Option<Day>,
    /// The only orgs that it is for.
    #[serde(default)]
    when: Vec<Condition>,
}

/// A day as `YYYY-MM-DD`.
#[derive(Debug)]
struct Day(String);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Word(text) = Word::deserialize(deserializer)?;
        let is_day = text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok();
        if is_day {
            return Ok(Self(text));
        }
        Err(serde::de::Error::custom("a day is written like `2026-12-31`"))
    }
}

impl JsonSchema for Day {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Day".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "date"})
    }
}

/// A feature license as Setup names it.
#[derive(Debug)]
struct FeatureName(&'static str);

impl<'de> Deserialize<'de> for FeatureName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        let known = fields::FEATURES.iter().map(|(label, _)| *label);
        known.clone().find(|label| label.eq_ignore_ascii_case(&text)).map(Self).ok_or_else(|| {
            let known: Vec<&str> = known.collect();
            serde::de::Error::custom(format!(
                "`{text}` is no feature license; there are {}",
                known.join(", ")
            ))
        })
    }
}

impl JsonSchema for FeatureName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FeatureName".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names = fields::FEATURES.map(|(label, _)| label);
        schemars::json_schema!({"type": "string", "enum": names})
    }
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

    fn missing(spec: &UserSpec) -> Option<&'static str> {
        (spec.profile.is_none() && spec.persona.is_none()).then_some(PROFILE)
    }

    fn declare(name: &str, spec: UserSpec, into: &mut dyn FnMut(Declared)) {
        let text = |text: String| Value::Text(text.trim().to_owned());
        let mut attributes = Attributes::new();
        attributes.set("last_name", text(spec.last_name.0));
        attributes.set("email", text(spec.email.0));
        attributes.set_some(
            PROFILE,
            spec.profile.map(|name| Value::Reference(Address::new(KindName::PROFILE, &name.0))),
        );
        attributes.set_some(PERSONA, spec.persona.map(|name| Value::Text(name.0)));
        attributes.set_some("first_name", spec.first_name.map(|name| text(name.0)));
        attributes.set_some("alias", spec.alias.map(|alias| text(alias.0)));
        attributes.set_some("time_zone", spec.time_zone.map(|zone| text(zone.0)));
        attributes.set_some("locale", spec.locale.map(|locale| text(locale.0)));
        attributes.set_some("language", spec.language.map(|language| text(language.0)));
        attributes.set_some("email_encoding", spec.email_encoding.map(|name| text(name.0)));
        let words = [
            (ROLE, spec.role.map(|text| text.0)),
            ("title", spec.title.map(|text| text.0)),
            ("department", spec.department.map(|text| text.0)),
            ("division", spec.division.map(|text| text.0)),
            ("company", spec.company.map(|text| text.0)),
            ("employee_number", spec.employee_number.map(|text| text.0)),
            ("phone", spec.phone.map(|text| text.0)),
            ("mobile_phone", spec.mobile_phone.map(|text| text.0)),
            ("federation_id", spec.federation_id.map(|text| text.0)),
            ("nickname", spec.nickname.map(|text| text.0)),
            ("currency", spec.currency.map(|text| text.0)),
        ];
        for (path, word) in words {
            attributes.set_some(path, word.map(text));
        }
        attributes.set_some(
            MANAGER,
            spec.manager.map(|manager| Value::Reference(Address::new(KIND, &manager.0))),
        );
        for FeatureName(label) in spec.feature_licenses {
            attributes.set(format!("{}{label}", fields::FEATURE), Value::Flag(true));
        }
        for (Text(field), value) in spec.fields.0 {
            let value = match value {
                Scalar::Flag(flag) => Value::Flag(flag),
                Scalar::Text(written) | Scalar::Number(written) => text(written),
            };
            attributes.set(format!("{}{field}", fields::FIELD), value);
        }
        attributes.set_some(FROZEN, spec.frozen.map(Value::Flag));
        attributes.set_some(ACTIVE, spec.active.map(Value::Flag));
        attributes.set_some(
            PASSWORD,
            spec.password
                .map(|PasswordWord::EmailResetLink| Value::Text("email_reset_link".into())),
        );
        let when: BTreeSet<_> = spec.when.into_iter().map(Into::into).collect();
        let exclusive = match spec.exclusive {
            None => Vec::new(),
            Some(Shorthand::Word(AllWord::All)) => ExclusiveWord::ALL.to_vec(),
            Some(Shorthand::Long(words)) => words,
        };
        let exclusive = exclusive.into_iter().map(|word| word.kind().to_string()).collect();
        let address = Address::new(KIND, name);
        let user = Declared {
            was: spec.was.map(|was| was.0),
            lifecycle: Lifecycle { exclusive, ..spec.lifecycle.into() },
            ..Declared::new(address.clone(), attributes)
        };
        into(user.only_when(&when));
        let conditions = |also: Vec<Condition>| {
            when.iter().copied().chain(also.into_iter().map(Into::into)).collect()
        };
        for license in spec.permission_set_licenses {
            let (license, also) = match license {
                Shorthand::Word(Text(name)) => (name, Vec::new()),
                Shorthand::Long(item) => (item.name.0, item.when),
            };
            let license = permission_set_license_assignment::developer_name(&license);
            let (joined, attributes) =
                permission_set_license_assignment::declare(&address, license);
            into(Declared::new(joined, attributes).only_when(&conditions(also)));
        }
        for package in spec.package_licenses {
            let (package, also) = match package {
                Shorthand::Word(Text(name)) => (name, Vec::new()),
                Shorthand::Long(item) => (item.name.0, item.when),
            };
            let (joined, attributes) = package_license_assignment::declare(&address, &package);
            into(Declared::new(joined, attributes).only_when(&conditions(also)));
        }
        let queues = spec.queues.into_iter().map(|item| (OF_QUEUES, item));
        let public_groups = spec.public_groups.into_iter().map(|item| (OF_PUBLIC_GROUPS, item));
        for (kind, item) in queues.chain(public_groups) {
            let (group, also) = match item {
                Shorthand::Word(Text(name)) => (name, Vec::new()),
                Shorthand::Long(item) => (item.name.0, item.when),
            };
            let (joined, attributes) = kind.declare(&address, &group);
            into(Declared::new(joined, attributes).only_when(&conditions(also)));
        }
        let sets = spec.permission_sets.into_iter().map(|item| (OF_SETS, item));
        let groups = spec.permission_set_groups.into_iter().map(|item| (OF_GROUPS, item));
        for (kind, item) in sets.chain(groups) {
            let (thing, expires, also) = match item {
                Shorthand::Word(Text(name)) => (name, None, Vec::new()),
                Shorthand::Long(item) => (item.name.0, item.expires, item.when),
            };
            let day = expires.map(|day| day.0);
            let (joined, attributes) = kind.declare_until(&address, &thing, day);
            into(Declared::new(joined, attributes).only_when(&conditions(also)));
        }
    }
}
