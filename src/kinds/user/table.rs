//! The keys of a user in a file, as one table: what reads each, whether a persona may give
//! it, and for a field of User its API name, its greatest length and whether it is written
//! with every user.
//!
//! From the table come the spec that a user and a persona are read by, and the columns that
//! are written and read. Lengths are those of the Object Reference, `User`; where an org
//! has shorter ones, its description of User tells.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::LazyLock;

use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use schemars::json_schema;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error as _;

use super::items::AllWord;
use super::items::ExclusiveWord;
use super::items::FeatureName;
use super::items::LicenseItem;
use super::items::PasswordWord;
use super::items::SetItem;
use crate::kinds::settings::Condition;
use crate::kinds::spec::LifecycleSpec;
use crate::kinds::spec::ProfileName;
use crate::kinds::spec::RoleName;
use crate::kinds::spec::Scalar;
use crate::kinds::spec::Shorthand;
use crate::kinds::spec::Text;
use crate::kinds::spec::TextError;
use crate::kinds::spec::UniqueMap;
use crate::kinds::spec::Username;
use crate::kinds::spec::rules;

/// A field of User that has a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its key in files, plans and states.
    pub key: &'static str,
    /// Its API name.
    pub api_name: &'static str,
    /// Whether it is written with every user and read of every user, or only where a file
    /// or the state names it.
    pub is_always: bool,
}

const fn row(key: &'static str, api_name: &'static str, is_always: bool) -> Column {
    Column { key, api_name, is_always }
}

/// Which field a text is for, as a type, so that what is wrong with it names the field.
trait Named {
    /// The key.
    const KEY: &'static str;
    /// Characters that the field takes.
    const MOST: usize;
}

/// What a text for a field must look like.
trait Form {
    /// As a regular expression, for editors.
    const PATTERN: Option<&'static str>;
    /// Tells what is wrong with one.
    fn check(text: &str, most: usize, key: &'static str) -> Result<(), TextError>;
}

/// Any text of which something is seen.
#[derive(Debug)]
pub struct Any;

impl Form for Any {
    const PATTERN: Option<&'static str> = None;

    fn check(text: &str, most: usize, key: &'static str) -> Result<(), TextError> {
        rules::check_name(text, most, key)
    }
}

/// An e-mail address.
#[derive(Debug)]
pub struct EmailAddress;

impl Form for EmailAddress {
    const PATTERN: Option<&'static str> = Some("^[^@]+@[^@]+\\.[^@]+$");

    fn check(text: &str, most: usize, key: &'static str) -> Result<(), TextError> {
        rules::check_email(text, most, key)
    }
}

/// A text for one field of User.
#[derive(Debug)]
pub struct TextOf<N, F = Any> {
    text: String,
    field: PhantomData<(N, F)>,
}

impl<'de, N: Named, F: Form> Deserialize<'de> for TextOf<N, F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        F::check(&text, N::MOST, N::KEY).map_err(D::Error::custom)?;
        Ok(Self { text, field: PhantomData })
    }
}

impl<N: Named, F: Form> JsonSchema for TextOf<N, F> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        N::KEY.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({"type": "string", "maxLength": N::MOST});
        if let Some(pattern) = F::PATTERN {
            schema.insert("pattern".into(), pattern.into());
        }
        schema
    }
}

impl<N, F> From<TextOf<N, F>> for String {
    fn from(of: TextOf<N, F>) -> Self {
        of.text
    }
}

/// Whether a word of the table stands for the first of two answers.
macro_rules! answer {
    (shared) => {
        true
    };
    (own) => {
        false
    };
    (always) => {
        true
    };
    (named) => {
        false
    };
}

/// Makes the spec and the columns. A row is `shared` if a persona may give the key, or
/// `own` to each user; the field behind `=` is `always` there, or where it is `named`.
macro_rules! user_keys {
    ($(
        $(#[$meta:meta])*
        $who:ident $key:ident: $type:ty $(= $api_name:literal, at most $most:literal, $when:ident)?;
    )*) => {
        /// A user, under its username.
        #[derive(Debug, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct UserSpec {
            $($(#[$meta])* pub $key: $type,)*
        }

        impl UserSpec {
            /// Takes out what is said of the fields that have keys of their own.
            pub fn take_columns(&mut self) -> impl Iterator<Item = (Column, String)> {
                let said = vec![$($(
                    (
                        row(stringify!($key), $api_name, answer!($when)),
                        self.$key.take().map(String::from),
                    ),
                )?)*];
                said.into_iter().filter_map(|(column, text)| Some((column, text?)))
            }
        }

        /// All keys, and whether a persona may give them.
        const KEYS: &[(&str, bool)] = &[$((stringify!($key), answer!($who)),)*];

        /// The fields with keys of their own, as the table has them.
        const ROWS: &[Column] = &[$($(
            row(stringify!($key), $api_name, answer!($when)),
        )?)*];

        /// The names of [`TextOf`].
        #[allow(non_camel_case_types)]
        mod of {
            $($(
                #[derive(Debug)]
                pub enum $key {}

                impl super::Named for $key {
                    const KEY: &'static str = stringify!($key);
                    const MOST: usize = $most;
                }
            )?)*
        }
    };
}

user_keys! {
    /// Last name, at most 80 characters.
    #[schemars(required)]
    own last_name: Option<TextOf<of::last_name>> = "LastName", at most 80, always;
    /// First name, at most 40 characters.
    own first_name: Option<TextOf<of::first_name>> = "FirstName", at most 40, always;
    /// E-mail address.
    #[schemars(required)]
    own email: Option<TextOf<of::email, EmailAddress>> = "Email", at most 128, always;
    /// The name of a profile, declared here or there in the org.
    shared profile: Option<ProfileName>;
    /// The persona that gives what is not said here.
    own persona: Option<Text>;
    /// Alias, at most 8 characters; left out, the beginning of the username.
    own alias: Option<TextOf<of::alias>> = "Alias", at most 8, always;
    /// Time zone, for example `Europe/Berlin`; left out, the org's own.
    shared time_zone: Option<TextOf<of::time_zone>> = "TimeZoneSidKey", at most 40, always;
    /// Locale, for example `de_DE`; left out, the org's own.
    shared locale: Option<TextOf<of::locale>> = "LocaleSidKey", at most 40, always;
    /// Language, for example `de`; left out, the org's own.
    shared language: Option<TextOf<of::language>> = "LanguageLocaleKey", at most 40, always;
    /// Encoding of e-mails; left out, UTF-8.
    shared email_encoding: Option<TextOf<of::email_encoding>>
        = "EmailEncodingKey", at most 40, always;
    /// Role, by label or developer name.
    shared role: Option<RoleName>;
    /// The username of the manager, declared here or there in the org.
    shared manager: Option<Username>;
    /// Title, at most 80 characters.
    shared title: Option<TextOf<of::title>> = "Title", at most 80, named;
    /// Department, at most 80 characters.
    shared department: Option<TextOf<of::department>> = "Department", at most 80, named;
    /// Division, at most 80 characters.
    shared division: Option<TextOf<of::division>> = "Division", at most 80, named;
    /// Company, at most 80 characters.
    shared company: Option<TextOf<of::company>> = "CompanyName", at most 80, named;
    /// Employee number, at most 20 characters; quoted, where it has digits alone.
    own employee_number: Option<TextOf<of::employee_number>>
        = "EmployeeNumber", at most 20, named;
    /// Phone, at most 40 characters.
    own phone: Option<TextOf<of::phone>> = "Phone", at most 40, named;
    /// Mobile phone, at most 40 characters.
    own mobile_phone: Option<TextOf<of::mobile_phone>> = "MobilePhone", at most 40, named;
    /// The id by which single sign-on knows the user, at most 512 characters.
    own federation_id: Option<TextOf<of::federation_id>>
        = "FederationIdentifier", at most 512, named;
    /// Nickname, at most 40 characters, unique in the org.
    own nickname: Option<TextOf<of::nickname>> = "CommunityNickname", at most 40, named;
    /// Currency code, for example `EUR`, in orgs with several.
    shared currency: Option<TextOf<of::currency>> = "DefaultCurrencyIsoCode", at most 40, named;
    /// Feature licenses, as Setup names them, for example `Marketing User`.
    #[serde(default)]
    shared feature_licenses: Vec<FeatureName>;
    /// Any other field, by its API name.
    #[serde(default)]
    shared fields: UniqueMap<Text, Scalar>;
    /// Whether the login is frozen; left out, it is left as it is.
    own frozen: Option<bool>;
    /// Whether the user is active; left out, somebody who was deactivated or
    /// frozen is left so.
    own active: Option<bool>;
    /// Mail the link with which a password is set, once.
    shared password: Option<PasswordWord>;
    /// Licenses of packages that are sold by the seat, by the packages' namespaces.
    #[serde(default)]
    shared package_licenses: Vec<Shorthand<Text, LicenseItem>>;
    /// Permission set licenses, by label or developer name.
    #[serde(default)]
    shared permission_set_licenses: Vec<Shorthand<Text, LicenseItem>>;
    /// Permission sets, by API name; a package's with its namespace, two
    /// underscores and its name.
    #[serde(default)]
    shared permission_sets: Vec<Shorthand<Text, SetItem>>;
    /// Permission set groups, by API name; a package's with its namespace, two
    /// underscores and its name.
    #[serde(default)]
    shared permission_set_groups: Vec<Shorthand<Text, SetItem>>;
    /// Queues of the org, by developer name or label.
    #[serde(default)]
    shared queues: Vec<Shorthand<Text, LicenseItem>>;
    /// Public groups of the org, by developer name or label.
    #[serde(default)]
    shared public_groups: Vec<Shorthand<Text, LicenseItem>>;
    /// What of these the user holds and no file declares is taken off it: `all`, or
    /// a list.
    own exclusive: Option<Shorthand<AllWord, Vec<ExclusiveWord>>>;
    /// The only orgs that it is for.
    #[serde(default)]
    own when: Vec<Condition>;
    /// The username that it had, when it is to be renamed.
    own was: Option<Username>;
    /// How far it is held to what the file says.
    #[serde(default)]
    own lifecycle: LifecycleSpec;
}

/// The keys that a persona may give.
pub static PERSONA_KEYS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    KEYS.iter().filter(|(_, is_shared)| *is_shared).map(|(key, _)| *key).collect()
});

/// The fields with keys of their own, in the order of their keys.
pub static COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(|| {
    let mut columns = ROWS.to_vec();
    columns.sort_by_key(|column| column.key);
    columns
});

/// The fields that are written with every user, in the order of their keys.
pub fn always() -> impl Iterator<Item = Column> {
    COLUMNS.iter().copied().filter(|column| column.is_always)
}

/// The field of that key.
pub fn column(key: &str) -> Option<Column> {
    let at = COLUMNS.binary_search_by_key(&key, |column| column.key).ok()?;
    Some(COLUMNS[at])
}

/// The field of that API name, if it has a key of its own.
pub fn column_named(api_name: &str) -> Option<Column> {
    ROWS.iter().copied().find(|column| column.api_name == api_name)
}

/// What a persona may say, for editors.
pub struct PersonaSpec;

impl JsonSchema for PersonaSpec {
    fn schema_name() -> Cow<'static, str> {
        "PersonaSpec".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = UserSpec::json_schema(generator);
        schema.remove("required");
        schema.insert("description".into(), "What users of one sort have in common.".into());
        if let Some(properties) =
            schema.get_mut("properties").and_then(serde_json::Value::as_object_mut)
        {
            properties.retain(|key, _| PERSONA_KEYS.contains(&key.as_str()));
        }
        schema
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize as _;

    use super::COLUMNS;
    use super::Column;
    use super::KEYS;
    use super::UserSpec;
    use super::column;
    use super::column_named;
    use crate::kinds::Kind as _;
    use crate::kinds::LifecycleRules as _;
    use crate::kinds::user::User;

    #[test]
    fn a_column_is_found_by_key_and_by_api_name() {
        for held in COLUMNS.iter() {
            assert_eq!(column(held.key), Some(*held));
            assert_eq!(column_named(held.api_name), Some(*held));
        }
        assert_eq!(column("profile"), None);
    }

    #[test]
    fn what_is_too_long_is_told_by_the_name_of_its_field() {
        for Column { key, .. } in COLUMNS.iter() {
            let long = serde_json::json!({ *key: "x".repeat(600) });
            let error = UserSpec::deserialize(long).expect_err(key).to_string();
            let said = format!("the {} has 600 characters, at most ", key.replace('_', " "));
            assert!(error.starts_with(&said), "{error}");
        }
        let long = serde_json::json!({"employee_number": "x".repeat(21)});
        let error = UserSpec::deserialize(long).expect_err("20 are allowed").to_string();
        assert_eq!(error, "the employee number has 21 characters, at most 20 are allowed");
    }

    #[test]
    fn what_is_always_written_is_always_read() {
        let queries = User.queries();
        let read = queries[0].fields;
        for held in COLUMNS.iter() {
            assert_eq!(read.contains(&held.api_name), held.is_always, "{}", held.key);
        }
    }

    #[test]
    fn every_field_can_be_left_out_of_what_is_held() {
        for held in COLUMNS.iter() {
            assert!(User.may_ignore(held.key), "{}", held.key);
        }
        for word in User.ignorable().split(", ").filter(|word| !word.starts_with("or ")) {
            assert!(KEYS.iter().any(|(key, _)| *key == word), "{word}");
        }
    }
}
