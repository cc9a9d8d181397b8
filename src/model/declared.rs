//! What a person declared in YAML, before the org had its say.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::Address;
use super::Attributes;

/// How far a declaration is held to what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// Never taken away: what would is reported and left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prevent_destroy: bool,
    /// Words for what is set at creation and left as it is afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore_changes: Vec<String>,
    /// Kinds of relations of which a thing has no others than the declared.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub exclusive: BTreeSet<String>,
}

/// A sort of org that something is declared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Orgs with person accounts.
    PersonAccounts,
    /// Orgs that are no sandbox.
    Production,
    /// Sandboxes, scratch orgs and the like.
    Sandbox,
}

/// What is only said of some orgs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conditional {
    /// The resource is only declared where all of these hold.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub when: BTreeSet<Condition>,
    /// What it says besides, each where its condition holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub besides: Vec<(Condition, Attributes)>,
}

/// One resource as the files declare it: words as written, references by
/// address, nothing resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Declared {
    /// Its address.
    pub address: Address,
    /// What was written, in the kind's own paths.
    pub attributes: Attributes,
    /// The name it had before (`was:`), when it is to be renamed in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// How far it is held to what it says.
    #[serde(default)]
    pub lifecycle: Lifecycle,
    /// What of it is only for some orgs; nothing for most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditional: Option<Box<Conditional>>,
    /// Which of the files it stands in, counted from 0.
    #[serde(default)]
    pub file: u32,
}

impl Declared {
    /// A declaration of these attributes and nothing more.
    pub fn new(address: Address, attributes: Attributes) -> Self {
        Self {
            address,
            attributes,
            was: None,
            lifecycle: Lifecycle::default(),
            conditional: None,
            file: 0,
        }
    }

    /// The same, declared only where these hold too.
    #[must_use]
    pub fn only_when(mut self, when: &BTreeSet<Condition>) -> Self {
        if !when.is_empty() {
            self.conditional.get_or_insert_default().when.extend(when);
        }
        self
    }

    /// The same, saying this besides where a condition holds.
    #[must_use]
    pub fn saying_besides(mut self, condition: Condition, attributes: Attributes) -> Self {
        if !attributes.is_empty() {
            self.conditional.get_or_insert_default().besides.push((condition, attributes));
        }
        self
    }

    /// The conditions that decide what of it is declared.
    pub fn conditions(&self) -> impl Iterator<Item = Condition> {
        self.conditional.iter().flat_map(|conditional| {
            let besides = conditional.besides.iter().map(|(condition, _)| *condition);
            conditional.when.iter().copied().chain(besides)
        })
    }

    /// What it comes to where exactly the conditions hold that `holds` says;
    /// `None` where it is not declared.
    pub fn where_holds(mut self, holds: impl Fn(Condition) -> bool) -> Option<Self> {
        let Some(conditional) = self.conditional.take() else { return Some(self) };
        if !conditional.when.iter().all(|condition| holds(*condition)) {
            return None;
        }
        for (condition, attributes) in conditional.besides {
            if holds(condition) {
                self.attributes.unite(&attributes);
            }
        }
        Some(self)
    }
}

/// Where in a file something was written: found again only when a message
/// needs it, so that nothing is kept for the thousands that are well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Keys and list items to follow from the top of the file.
    pub steps: Vec<PlaceStep>,
    /// Whether the last key itself is meant, and not what stands under it.
    pub means_key: bool,
}

/// One step on the way to a [`Place`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceStep {
    /// The value under this key.
    Key(String),
    /// The item of a list whose text is this.
    Item(String),
}

impl Place {
    /// The place reached by these keys.
    pub fn keys<const N: usize>(keys: [&str; N]) -> Self {
        let steps = keys.into_iter().map(|key| PlaceStep::Key(key.to_owned())).collect();
        Self { steps, means_key: false }
    }

    /// The same place, one key further.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.steps.push(PlaceStep::Key(key.to_owned()));
        self
    }

    /// The last key itself.
    #[must_use]
    pub fn itself(mut self) -> Self {
        self.means_key = true;
        self
    }

    /// The same place, at one item of the list there.
    #[must_use]
    pub fn item(mut self, item: &str) -> Self {
        self.steps.push(PlaceStep::Item(item.to_owned()));
        self
    }
}
