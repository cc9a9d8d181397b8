//! The words in YAML for settings, the same in profiles and permission sets.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Deserializer;

use crate::kinds::spec::Text;
use crate::kinds::spec::UniqueMap;
use crate::model::Attributes;
use crate::model::Value;

/// A sort of org that something is declared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Condition {
    /// Orgs with person accounts.
    PersonAccounts,
    /// Orgs that are no sandbox.
    Production,
    /// Sandboxes.
    Sandbox,
}

impl From<Condition> for crate::model::Condition {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::PersonAccounts => Self::PersonAccounts,
            Condition::Production => Self::Production,
            Condition::Sandbox => Self::Sandbox,
        }
    }
}

/// How a profile shows a tab: Setup's Default On, Default Off and Tab Hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Tab {
    /// Shown (Default On).
    Visible,
    /// Users can add it (Default Off).
    Available,
    /// Not there (Tab Hidden).
    Hidden,
}

impl Tab {
    fn word(self) -> &'static str {
        match self {
            Self::Visible => "visible",
            Self::Available => "available",
            Self::Hidden => "hidden",
        }
    }
}

/// How a permission set shows a tab: Setup's Visible and Available.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum SetTab {
    /// Shown.
    Visible,
    /// Users can add it.
    Available,
}

impl From<SetTab> for Tab {
    fn from(tab: SetTab) -> Self {
        match tab {
            SetTab::Visible => Self::Visible,
            SetTab::Available => Self::Available,
        }
    }
}

/// An object's API name, with a namespace and a suffix where it has them.
/// Compared without case, as Salesforce compares it.
#[derive(Clone)]
pub struct ObjectName(pub Text);

impl<'de> Deserialize<'de> for ObjectName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        let is_name = text.0.starts_with(|first: char| first.is_ascii_alphabetic())
            && text
                .0
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || character == '_');
        if is_name {
            return Ok(Self(text));
        }
        Err(serde::de::Error::custom(
            "an object's API name has letters, digits and underscores, for example `Contact` or `Region__c`",
        ))
    }
}

impl ObjectName {
    fn folded(&self) -> String {
        self.0.0.to_lowercase()
    }
}

impl PartialEq for ObjectName {
    fn eq(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }
}

impl Eq for ObjectName {}

impl PartialOrd for ObjectName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ObjectName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.folded().cmp(&other.folded())
    }
}

impl std::fmt::Debug for ObjectName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`", self.0.0)
    }
}

/// Declares tabs, by level.
pub fn declare_tabs<T: Into<Tab>>(tabs: UniqueMap<Text, T>, into: &mut Attributes) {
    let mut levels: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (Text(name), tab) in tabs.0 {
        levels.entry(tab.into().word()).or_default().insert(name);
    }
    for (level, names) in levels {
        into.set(format!("tabs.{level}"), Value::Set(names));
    }
}

/// Declares which record types of an object are assigned.
pub fn declare_record_types(object: &str, assigned: Vec<Text>, into: &mut Attributes) {
    if !assigned.is_empty() {
        let names = Value::set(assigned.into_iter().map(|name| name.0));
        into.set(format!("{}{object}", super::RECORD_TYPES), names);
    }
}

/// Declares a spec that has, beside its own keys, those that profiles and
/// permission sets share. serde's `flatten` would let unknown keys pass.
macro_rules! with_settings {
    (
        $(#[$doc:meta])*
        $visibility:vis struct $name:ident with tabs of $tab:ty {
            $($(#[$field_doc:meta])* $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        $visibility struct $name {
            $($(#[$field_doc])* $field: $type,)*
            /// Apps that users may open, by their API names, for example
            /// `standard__LightningSales`.
            #[serde(default)]
            apps: Vec<crate::kinds::spec::Text>,
            /// Tabs, by their API names, for example `standard-Lead`, each with
            /// how it is shown.
            #[serde(default)]
            tabs: crate::kinds::spec::UniqueMap<crate::kinds::spec::Text, $tab>,
            /// Apex classes that users may run.
            #[serde(default)]
            apex_classes: Vec<crate::kinds::spec::Text>,
            /// Visualforce pages that users may open.
            #[serde(default)]
            visualforce_pages: Vec<crate::kinds::spec::Text>,
            /// Custom permissions.
            #[serde(default)]
            custom_permissions: Vec<crate::kinds::spec::Text>,
            /// Custom metadata types that users may read.
            #[serde(default)]
            custom_metadata_types: Vec<crate::kinds::spec::Text>,
            /// Custom settings that users may read.
            #[serde(default)]
            custom_settings: Vec<crate::kinds::spec::Text>,
            /// External data sources.
            #[serde(default)]
            external_data_sources: Vec<crate::kinds::spec::Text>,
            /// Flows that users may run.
            #[serde(default)]
            flows: Vec<crate::kinds::spec::Text>,
        }

        impl $name {
            /// Declares the keys that profiles and permission sets share.
            fn declare_settings(&mut self, into: &mut crate::model::Attributes) {
                crate::kinds::settings::declare_tabs(std::mem::take(&mut self.tabs), into);
                let lists = [
                    ("apps", &mut self.apps),
                    ("apex_classes", &mut self.apex_classes),
                    ("visualforce_pages", &mut self.visualforce_pages),
                    ("custom_permissions", &mut self.custom_permissions),
                    ("custom_metadata_types", &mut self.custom_metadata_types),
                    ("custom_settings", &mut self.custom_settings),
                    ("external_data_sources", &mut self.external_data_sources),
                    ("flows", &mut self.flows),
                ];
                for (path, names) in lists {
                    if !names.is_empty() {
                        let names = std::mem::take(names).into_iter().map(|name| name.0);
                        into.set(path, crate::model::Value::set(names));
                    }
                }
            }
        }
    };
}

pub(in crate::kinds) use with_settings;
