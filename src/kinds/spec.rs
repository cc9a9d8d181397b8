//! The words that specs are written in: texts that are surely texts, names
//! with Salesforce's rules, shorthands, and maps that refuse a repeated key.
//!
//! Used by the kinds' typed specs on both reading paths. On the fast path a
//! scalar's quotes are not known, so a text that could be a number, a date or
//! a boolean is refused there, and the diagnosing path, which knows the
//! quotes, has the last word.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use schemars::json_schema;
use serde::Deserialize;
use serde::Deserializer;
use serde::de;
use serde::de::Error as _;
use serde::de::IntoDeserializer;

use crate::model::Lifecycle;
use crate::text::shown;

/// The newtype name by which a reader that knows quotes recognises [`Text`].
pub const TEXT: &str = "$orgform::Text";

/// Whether an unquoted scalar could have been meant as something else than
/// text: a number, a date, a boolean, or nothing.
pub fn looks_like_something_else(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    if matches!(
        lower.as_str(),
        "" | "~"
            | "null"
            | "true"
            | "false"
            | "yes"
            | "no"
            | "on"
            | "off"
            | "y"
            | "n"
            | ".nan"
            | ".inf"
            | "-.inf"
            | "+.inf"
    ) {
        return true;
    }
    let mut characters = lower.chars();
    let first = characters.next().unwrap_or_default();
    let second = characters.next().unwrap_or_default();
    let starts_like_a_number = first.is_ascii_digit()
        || (matches!(first, '-' | '+' | '.') && (second.is_ascii_digit() || second == '.'));
    starts_like_a_number
        && lower.chars().all(|character| {
            character.is_ascii_hexdigit()
                || matches!(character, '.' | '-' | '+' | ':' | '_' | 'x' | 'o' | 't' | 'z' | ' ')
        })
}

/// A text that was surely meant as one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(pub String);

const TEXT_LIKE: &str = "text; a number, a date or a boolean that is meant as text must be quoted";

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Trusted;
        impl<'de> de::Visitor<'de> for Trusted {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(TEXT_LIKE)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }
            fn visit_string<E: de::Error>(self, text: String) -> Result<Text, E> {
                Ok(Text(text))
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                inner: D,
            ) -> Result<Text, D::Error> {
                inner.deserialize_any(Suspicious)
            }
        }
        struct Suspicious;
        impl de::Visitor<'_> for Suspicious {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(TEXT_LIKE)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                if looks_like_something_else(text) {
                    return Err(E::invalid_value(de::Unexpected::Str(text), &self));
                }
                Ok(Text(text.to_owned()))
            }
        }
        let text = deserializer.deserialize_newtype_struct(TEXT, Trusted)?;
        is_seen(&text.0).map_err(D::Error::custom)?;
        Ok(text)
    }
}

/// A word with a form of its own that is no number, date or yes and no to any
/// reader of YAML, so that it needs no quotes.
pub struct Word(pub String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordVisitor;
        impl de::Visitor<'_> for WordVisitor {
            type Value = Word;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Word, E> {
                Ok(Word(text.to_owned()))
            }
        }
        let word = deserializer.deserialize_any(WordVisitor)?;
        is_seen(&word.0).map_err(D::Error::custom)?;
        Ok(word)
    }
}

/// The newtype name by which a reader that knows quotes recognises [`Scalar`].
pub const SCALAR: &str = "$orgform::Scalar";

/// A value as it was surely meant: text, a number or a boolean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// Text.
    Text(String),
    /// A boolean.
    Flag(bool),
    /// A number, in digits as written.
    Number(String),
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Trusted;
        impl<'de> de::Visitor<'de> for Trusted {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, a number, `true` or `false`")
            }
            fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Scalar, E> {
                Ok(Scalar::Flag(flag))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(text.to_owned()))
            }
            fn visit_string<E: de::Error>(self, text: String) -> Result<Scalar, E> {
                Ok(Scalar::Text(text))
            }
            fn visit_bytes<E: de::Error>(self, digits: &[u8]) -> Result<Scalar, E> {
                Ok(Scalar::Number(String::from_utf8_lossy(digits).into_owned()))
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                inner: D,
            ) -> Result<Scalar, D::Error> {
                inner.deserialize_any(Plain)
            }
        }
        /// Without knowing quotes only what is surely text or a boolean counts.
        struct Plain;
        impl de::Visitor<'_> for Plain {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, `true` or `false`")
            }
            fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Scalar, E> {
                Ok(Scalar::Flag(flag))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar, E> {
                if looks_like_something_else(text) {
                    return Err(E::invalid_value(de::Unexpected::Str(text), &self));
                }
                Ok(Scalar::Text(text.to_owned()))
            }
        }
        let scalar = deserializer.deserialize_newtype_struct(SCALAR, Trusted)?;
        match &scalar {
            Scalar::Text(text) => is_seen(text).map_err(D::Error::custom)?,
            Scalar::Flag(_) | Scalar::Number(_) => {}
        }
        Ok(scalar)
    }
}

impl JsonSchema for Scalar {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number", "boolean"]})
    }
}

impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "minLength": 1})
    }
}

/// Declares a text type with rules of its own.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, at most $limit:literal $(like $pattern:literal)?, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub String);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Text::deserialize(deserializer)?.0;
                let check: fn(&str) -> Result<(), String> = $check;
                check(&text).map_err(D::Error::custom)?;
                Ok(Self(text))
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "maxLength": $limit $(, "pattern": $pattern)?})
            }
        }
    };
}

/// Refuses what nobody sees in a text, or what makes it read as another. Lines, tabs and
/// what joins letters and emoji may stand in it; names have fewer (see [`at_most`]).
///
/// # Errors
/// What is wrong, as a fragment.
pub fn is_seen(text: &str) -> Result<(), String> {
    let may_stand = |character: char| matches!(character, '\n' | '\t') || shown::joins(character);
    match text.chars().find(|character| shown::is_hidden(*character) && !may_stand(*character)) {
        Some(hidden) => Err(format!("this text holds {}", hidden_words(hidden))),
        None => Ok(()),
    }
}

fn hidden_words(hidden: char) -> String {
    let what = match hidden {
        '\n' => return "a line end".to_owned(),
        '\t' => return "a tab".to_owned(),
        hidden if shown::turns_direction(hidden) => "turns the direction of writing",
        hidden if hidden.is_control() => "is a control character",
        _ => "nobody sees",
    };
    format!("the character U+{:04X}, which {what}", u32::from(hidden))
}

/// Checks a length in characters, as Salesforce counts it, and that all of a name is seen.
///
/// # Errors
/// What is wrong, as a fragment.
pub fn at_most(text: &str, limit: usize, what: &str) -> Result<(), String> {
    let length = text.chars().count();
    if length > limit {
        return Err(format!("{what} has {length} characters, at most {limit} are allowed"));
    }
    if text.trim().is_empty() {
        return Err(format!("{what} is empty"));
    }
    match text.chars().find(|character| shown::is_hidden(*character)) {
        Some(hidden) => Err(format!("{what} holds {}", hidden_words(hidden))),
        None => Ok(()),
    }
}

checked_text!(
    /// A username: in the form of an e-mail address, at most 80 characters
    /// (Object Reference, `User.Username`). It is compared without case, so
    /// it is written in lower case.
    Username, at most 80 like "^[^@A-Z]+@[^@A-Z]+\\.[^@A-Z]+$",
    |text| {
        at_most(text, 80, "the username")?;
        if !is_email_shaped(text) {
            return Err("a username must have the form of an e-mail address, for example `integration@coconut.example`".to_owned());
        }
        if text != text.to_lowercase() {
            return Err(format!("usernames are lower case: write `{}`", text.to_lowercase()));
        }
        Ok(())
    }
);

checked_text!(
    /// An e-mail address of at most 128 characters (Object Reference,
    /// `User.Email`).
    Email, at most 128 like "^[^@]+@[^@]+\\.[^@]+$",
    |text| {
        at_most(text, 128, "the e-mail address")?;
        if is_email_shaped(text) {
            Ok(())
        } else {
            Err("this is no e-mail address; one looks like `admin@coconut.example`".to_owned())
        }
    }
);

checked_text!(
    /// The API name of a permission set: letters, digits and single
    /// underscores, beginning with a letter, at most 80 characters (Metadata
    /// API Developer Guide, `PermissionSet`).
    ApiName, at most 80 like "^[A-Za-z](_?[A-Za-z0-9])*$",
    |text| check_api_name(text)
);

checked_text!(
    /// A label of at most 80 characters.
    Label80, at most 80,
    |text| at_most(text, 80, "the label")
);

checked_text!(
    /// A name of at most 80 characters.
    Name80, at most 80,
    |text| at_most(text, 80, "the name")
);

checked_text!(
    /// A name of at most 40 characters.
    Name40, at most 40,
    |text| at_most(text, 40, "the name")
);

checked_text!(
    /// An alias of at most 8 characters (Object Reference, `User.Alias`).
    Alias, at most 8,
    |text| at_most(text, 8, "the alias")
);

checked_text!(
    /// A description of at most 255 characters.
    Description, at most 255,
    |text| match text.chars().count() {
        0..=255 => is_seen(text),
        length => Err(format!("the description has {length} characters, at most 255 are allowed")),
    }
);

checked_text!(
    /// A value of one of Salesforce's lists (time zone, locale, language).
    Choice, at most 40,
    |text| at_most(text, 40, "the value")
);

checked_text!(
    /// A profile's name, at most 255 characters.
    ProfileName, at most 255,
    |text| check_profile_name(text)
);

/// How far it is held to what the file says.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct LifecycleSpec {
    /// Never take it away: what would is reported and left out.
    #[serde(default)]
    prevent_destroy: bool,
    /// What is set at creation and left as it is afterwards, for example
    /// `email`, or `objects.Contact` of a permission set.
    #[serde(default)]
    ignore_changes: Vec<Text>,
}

impl From<LifecycleSpec> for Lifecycle {
    fn from(spec: LifecycleSpec) -> Self {
        Self {
            prevent_destroy: spec.prevent_destroy,
            ignore_changes: spec.ignore_changes.into_iter().map(|word| word.0).collect(),
            exclusive: std::collections::BTreeSet::new(),
        }
    }
}

/// Checks a profile's name, which is its key.
///
/// # Errors
/// What is wrong, as a fragment.
pub fn check_profile_name(text: &str) -> Result<(), String> {
    at_most(text, 255, "the profile name")?;
    if text == text.trim() {
        Ok(())
    } else {
        Err("the profile name begins or ends with a space".to_owned())
    }
}

/// Checks the rules of [`ApiName`].
///
/// # Errors
/// The rules, as a fragment.
pub fn check_api_name(text: &str) -> Result<(), String> {
    at_most(text, 80, "the API name")?;
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphabetic());
    let ends_well = !text.ends_with('_');
    let characters_are_well =
        text.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
    if starts_well && ends_well && characters_are_well && !text.contains("__") {
        return Ok(());
    }
    Err("an API name has letters, digits and single underscores, begins with a letter and does not end with an underscore".to_owned())
}

/// Whether a text has the form `local@domain.tld`, with the characters that
/// Salesforce takes.
pub fn is_email_shaped(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let local_is_well = !local.is_empty()
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.chars().all(|character| {
            character.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(character)
        });
    let domain_is_well = domain.contains('.')
        && domain.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|character| character.is_alphanumeric() || character == '-')
        });
    local_is_well && domain_is_well
}

/// A map whose keys stand once.
#[derive(Clone, Debug, PartialEq)]
pub struct UniqueMap<K, V>(pub BTreeMap<K, V>);

impl<K, V> Default for UniqueMap<K, V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<'de, K, V> Deserialize<'de> for UniqueMap<K, V>
where
    K: Deserialize<'de> + Ord + fmt::Debug,
    V: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapVisitor<K, V>(PhantomData<(K, V)>);
        impl<'de, K, V> de::Visitor<'de> for MapVisitor<K, V>
        where
            K: Deserialize<'de> + Ord + fmt::Debug,
            V: Deserialize<'de>,
        {
            type Value = UniqueMap<K, V>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of names")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut held = BTreeMap::new();
                while let Some(key) = map.next_key::<K>()? {
                    let value = map.next_value()?;
                    if held.contains_key(&key) {
                        return Err(A::Error::custom(format!(
                            "{key:?} stands here twice (Salesforce ignores case)"
                        )));
                    }
                    held.insert(key, value);
                }
                Ok(UniqueMap(held))
            }
        }
        deserializer.deserialize_map(MapVisitor(PhantomData))
    }
}

impl<K, V: JsonSchema> JsonSchema for UniqueMap<K, V> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("MapOf{}", V::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<V>();
        json_schema!({"type": "object", "additionalProperties": value})
    }
}

/// Either one word or the long form: the one visitor behind all shorthands.
#[derive(Clone, Debug, PartialEq)]
pub enum Shorthand<W, L> {
    /// The short form.
    Word(W),
    /// The long form, a list or a map.
    Long(L),
}

impl<'de, W, L> Deserialize<'de> for Shorthand<W, L>
where
    W: Deserialize<'de>,
    L: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EitherVisitor<W, L>(PhantomData<(W, L)>);
        impl<'de, W, L> de::Visitor<'de> for EitherVisitor<W, L>
        where
            W: Deserialize<'de>,
            L: Deserialize<'de>,
        {
            type Value = Shorthand<W, L>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word, or the long form")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                W::deserialize(text.into_deserializer()).map(Shorthand::Word)
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                L::deserialize(de::value::SeqAccessDeserializer::new(list)).map(Shorthand::Long)
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                L::deserialize(de::value::MapAccessDeserializer::new(map)).map(Shorthand::Long)
            }
        }
        deserializer.deserialize_any(EitherVisitor(PhantomData))
    }
}

impl<W: JsonSchema, L: JsonSchema> JsonSchema for Shorthand<W, L> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}Or{}", W::schema_name(), L::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (word, long) = (generator.subschema_for::<W>(), generator.subschema_for::<L>());
        json_schema!({"anyOf": [word, long]})
    }
}

#[cfg(test)]
mod tests {
    use super::check_api_name;
    use super::is_email_shaped;
    use super::looks_like_something_else;

    #[test]
    fn texts_that_yaml_readers_disagree_about_are_told_apart() {
        for text in [
            "no",
            "Yes",
            "007",
            "1e3",
            "2026-12-31",
            "0x1F",
            "12:30:45",
            "~",
            "-1",
            ".5",
            "1_000",
            "",
        ] {
            assert!(looks_like_something_else(text), "{text}");
        }
        for text in [
            "integration@coconut.example",
            "Modify All Data",
            "3 Clouds",
            "n/a",
            "v1",
            "-",
            "a1",
            "1st",
        ] {
            assert!(!looks_like_something_else(text), "{text}");
        }
    }

    #[test]
    fn names_follow_salesforces_rules() {
        assert!(is_email_shaped("a.b+c@d-e.example"));
        for text in ["a@b", "@b.c", "a b@c.d", "a@.c", "a..b@c.d"] {
            assert!(!is_email_shaped(text), "{text}");
        }
        check_api_name("Coconut_Integration_API_Access").expect("a good name");
        for text in ["1a", "a__b", "a_", "a-b", "", "_a"] {
            check_api_name(text).expect_err(text);
        }
    }
}
