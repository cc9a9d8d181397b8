//! Texts that are surely texts, words with a form of their own, and values that keep how
//! they were meant.
//!
//! On the fast path a scalar's quotes are not known, so a text that could be a number, a
//! date or a boolean is refused there, and the diagnosing path, which knows the quotes,
//! has the last word.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use schemars::json_schema;
use serde::Deserialize;
use serde::Deserializer;
use serde::de;
use serde::de::Error as _;

use super::rules::is_seen;

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

#[cfg(test)]
mod tests {
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
}
