//! Names and other texts with Salesforce's rules, as types that specs are written in.

use std::borrow::Cow;

use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use schemars::json_schema;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error as _;

use super::rules;
use super::rules::TextError;
use super::text::Text;

/// Declares a text type with rules of its own.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, at most $limit:literal $(like $pattern:literal)?, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub String);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Text::deserialize(deserializer)?.0;
                let check: fn(&str) -> Result<(), TextError> = $check;
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

checked_text!(
    /// A username (see [`rules::check_username`]).
    Username, at most 80 like "^[^@A-Z]+@[^@A-Z]+\\.[^@A-Z]+$",
    rules::check_username
);

checked_text!(
    /// The API name of a permission set (see [`rules::check_api_name`]).
    ApiName, at most 80 like "^[A-Za-z](_?[A-Za-z0-9])*$",
    rules::check_api_name
);

checked_text!(
    /// A label of at most 80 characters.
    Label80, at most 80,
    |text| rules::check_name(text, 80, "label")
);

checked_text!(
    /// The name of a license, at most 80 characters.
    LicenseName, at most 80,
    |text| rules::check_name(text, 80, "license")
);

checked_text!(
    /// A role, by label or developer name, at most 80 characters.
    RoleName, at most 80,
    |text| rules::check_name(text, 80, "role")
);

checked_text!(
    /// A description of at most 255 characters, which may be empty.
    Description, at most 255,
    |text| rules::check_length(text, 255, "description")
);

checked_text!(
    /// A profile's name, at most 255 characters.
    ProfileName, at most 255,
    rules::check_profile_name
);
