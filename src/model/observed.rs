//! What the org has now, where it is not what the state says.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use super::Address;
use super::Attributes;
use super::Element;
use super::SalesforceId;

/// One thing as the org shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<SalesforceId>,
    /// The id of the row that goes with it in another object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub companion_id: Option<SalesforceId>,
    /// Its attributes, in the kind's paths.
    pub attributes: Attributes,
    /// Metadata sections that no kind models.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carried: Vec<Element>,
}

impl Observed {
    /// Adds what a second read of the same thing showed.
    pub fn merge(&mut self, other: Self) {
        self.id = self.id.take().or(other.id);
        self.companion_id = self.companion_id.take().or(other.companion_id);
        self.attributes.extend(&other.attributes);
        self.carried.extend(other.carried);
    }
}

/// What a refresh found about one address.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// It is there, and not (or not like this) in the state.
    Found(Observed),
    /// The state has it, the org does not.
    Gone,
}

/// The outcome of a refresh: only what differs from the state. Equal things
/// are counted while their page is read and dropped at once.
#[derive(Clone, Debug, Default)]
pub struct Observations {
    /// Differences by address.
    pub differing: BTreeMap<Address, Observation>,
    /// Things that are gone under their name and are there under another: the
    /// name that somebody gave them.
    pub renamed: BTreeMap<Address, Address>,
    /// Relations of managed things that nobody declared or recorded, by the
    /// thing they belong to.
    pub undeclared: BTreeMap<Address, Vec<(Address, Observed)>>,
}

impl Observations {
    /// Puts what turns out to be declared for other orgs only, and is not recorded,
    /// where the undeclared is; `belongs_to` tells which thing a relation is of.
    pub fn disown(
        &mut self,
        addresses: &[Address],
        belongs_to: impl Fn(&Address) -> Option<Address>,
    ) {
        for address in addresses {
            if let Some(Observation::Found(observed)) = self.differing.remove(address)
                && let Some(subject) = belongs_to(address)
            {
                self.undeclared.entry(subject).or_default().push((address.clone(), observed));
            }
        }
    }

    /// Takes from the undeclared what turns out to be declared: by a label,
    /// whose natural key only the answers to facts made known.
    pub fn claim(&mut self, is_declared: impl Fn(&Address) -> bool) {
        for relations in self.undeclared.values_mut() {
            relations.retain_mut(|(address, observed)| {
                let claimed = is_declared(address);
                if claimed {
                    let found = Observation::Found(std::mem::take(observed));
                    self.differing.insert(address.clone(), found);
                }
                !claimed
            });
        }
        self.undeclared.retain(|_, relations| !relations.is_empty());
    }
}
