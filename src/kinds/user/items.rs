//! What stands in the lists of a user: licenses, sets and groups, and words for some of
//! its keys.

use schemars::JsonSchema;
use serde::Deserialize;

use super::features::FEATURES;
use crate::kinds::group_member::OF_PUBLIC_GROUPS;
use crate::kinds::group_member::OF_QUEUES;
use crate::kinds::permission_set_assignment::OF_GROUPS;
use crate::kinds::permission_set_assignment::OF_SETS;
use crate::kinds::settings::Condition;
use crate::kinds::spec::Text;
use crate::kinds::spec::Word;
use crate::model::KindName;

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum AllWord {
    All,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ExclusiveWord {
    PackageLicenses,
    PermissionSetGroups,
    PermissionSetLicenses,
    PermissionSets,
    PublicGroups,
    Queues,
}

impl ExclusiveWord {
    /// All, in the order of their words.
    pub const ALL: [Self; 6] = [
        Self::PackageLicenses,
        Self::PermissionSetGroups,
        Self::PermissionSetLicenses,
        Self::PermissionSets,
        Self::PublicGroups,
        Self::Queues,
    ];

    /// The kind whose holdings it is about.
    pub fn kind(self) -> KindName {
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

/// A license, a queue or a public group for some orgs only.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct LicenseItem {
    /// Its label or developer name.
    pub name: Text,
    /// The only orgs that it is for.
    #[serde(default)]
    pub when: Vec<Condition>,
}

/// A permission set with what is special about holding it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct SetItem {
    /// Its API name.
    pub name: Text,
    /// The last day on which the user holds it, as `YYYY-MM-DD`.
    pub expires: Option<Day>,
    /// The only orgs that it is for.
    #[serde(default)]
    pub when: Vec<Condition>,
}

/// A day as `YYYY-MM-DD`.
#[derive(Debug)]
pub struct Day(pub String);

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
pub struct FeatureName(pub &'static str);

impl<'de> Deserialize<'de> for FeatureName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        let known = FEATURES.iter().map(|(label, _)| *label);
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
        let names = FEATURES.map(|(label, _)| label);
        schemars::json_schema!({"type": "string", "enum": names})
    }
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum PasswordWord {
    EmailResetLink,
}
