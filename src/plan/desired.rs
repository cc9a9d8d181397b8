//! What is declared, in the order of addresses, each address once.
//!
//! Made once in a run and shared by all its plans; an org in which less or
//! something else is declared gets one of its own. Any declaration is found by
//! its address in constant time.

use crate::text::words;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashSet;
use std::hash::BuildHasher as _;

use hashbrown::DefaultHashBuilder;
use hashbrown::HashTable;

use super::Choice;
use crate::facts::Catalog;
use crate::facts::Fact;
use crate::kinds;
use crate::kinds::Scope;
use crate::model::Address;
use crate::model::AddressPattern;
use crate::model::Declared;
use crate::model::Problem;

/// What is declared, in the order of addresses, each address once.
#[derive(Clone, Debug, Default)]
pub struct Desired {
    resources: Vec<Declared>,
    /// Numbers of the resources, by the hash of their addresses.
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    released: Vec<AddressPattern>,
    /// Those of the released that fit one address only, in lower case.
    released_names: HashSet<String>,
}

impl Desired {
    /// Sorts the declarations. Two of one address are the caller's to refuse;
    /// the first is kept.
    pub fn new(resources: Vec<Declared>, released: Vec<AddressPattern>) -> Self {
        let names = released.iter().filter(|pattern| !pattern.has_wildcards());
        let released_names = names.map(|pattern| pattern.as_str().to_lowercase()).collect();
        let empty = Self { released, released_names, ..Self::default() };
        empty.with(sorted(resources))
    }

    /// The same about other resources, which are sorted.
    fn with(mut self, resources: Vec<Declared>) -> Self {
        let hasher = &self.hasher;
        let hash = |number: &u32| hasher.hash_one(&resources[*number as usize].address);
        self.index = HashTable::with_capacity(resources.len());
        for (number, declared) in (0..).zip(&resources) {
            self.index.insert_unique(hasher.hash_one(&declared.address), number, hash);
        }
        self.resources = resources;
        self
    }

    /// The patterns of what is no longer to be managed.
    pub fn released(&self) -> &[AddressPattern] {
        &self.released
    }

    /// Whether a thing that is declared no more is let go untouched: itself,
    /// or the user that it belongs to.
    pub fn is_released(&self, address: &Address) -> bool {
        if self.released.is_empty() || self.declared(address).is_some() {
            return false;
        }
        let is_named = |address: &Address| {
            let mut wide = self.released.iter().filter(|pattern| pattern.has_wildcards());
            self.released_names.contains(&address.text().to_lowercase())
                || wide.any(|pattern| pattern.matches(address))
        };
        let subject = kinds::of(address).and_then(|kind| kind.relation().subject(address));
        is_named(address)
            || subject
                .is_some_and(|subject| is_named(&subject) && self.declared(&subject).is_none())
    }

    /// The declarations in order.
    pub fn iter(&self) -> impl Iterator<Item = &Declared> {
        self.resources.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.resources.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    /// The facts that resolving the chosen ones needs, each once. What only some
    /// orgs get is asked for whether or not this is one of them.
    pub fn facts(&self, choice: &Choice) -> Vec<Fact> {
        let mut facts = BTreeSet::new();
        let chosen = self.resources.iter().filter(|declared| choice.includes(&declared.address));
        for declared in chosen {
            let Some(kind) = kinds::of(&declared.address) else { continue };
            let mut want = |fact| {
                facts.insert(fact);
            };
            for condition in declared.conditions() {
                want(Fact::of_condition(condition));
            }
            let scope = Unconditional(self);
            match declared.conditional.as_ref().and_then(|_| declared.clone().where_holds(|_| true))
            {
                Some(whole) => kind.facts(&whole, &scope, &mut want),
                None => kind.facts(declared, &scope, &mut want),
            }
        }
        facts.into_iter().collect()
    }

    /// What is declared for an org with this catalog, and the addresses that are
    /// not declared in it; `None` where all is declared for every org.
    pub fn in_org(&self, catalog: &Catalog) -> Option<(Self, Vec<Address>)> {
        if self.resources.iter().all(|declared| declared.conditional.is_none()) {
            return None;
        }
        let mut elsewhere = Vec::new();
        let mut here = Vec::with_capacity(self.resources.len());
        for declared in &self.resources {
            match declared.clone().where_holds(|condition| catalog.holds(condition)) {
                Some(declared) => here.push(declared),
                None => elsewhere.push(declared.address.clone()),
            }
        }
        Some((self.about(here), elsewhere))
    }

    fn about(&self, resources: Vec<Declared>) -> Self {
        let empty = Self {
            released: self.released.clone(),
            released_names: self.released_names.clone(),
            ..Self::default()
        };
        empty.with(resources)
    }

    /// The same with natural keys in place of labels, where the catalog knows
    /// them, and which addresses became which; `None` where all are natural keys.
    ///
    /// # Errors
    /// Where two declarations turn out to be about one thing.
    pub fn canonical(
        &self,
        catalog: &Catalog,
    ) -> Result<Option<(Self, Vec<(Address, Address)>)>, Vec<Problem>> {
        let canonical = |declared: &Declared| {
            kinds::of(&declared.address)
                .and_then(|kind| kind.reference().canonical(declared, catalog))
        };
        let respelled: Vec<(Address, Address)> = self
            .resources
            .iter()
            .filter_map(|declared| Some((declared.address.clone(), canonical(declared)?)))
            .collect();
        if respelled.is_empty() {
            return Ok(None);
        }
        let natural: BTreeMap<&Address, &Address> =
            respelled.iter().map(|(from, to)| (from, to)).collect();
        let mut resources = self.resources.clone();
        for declared in &mut resources {
            if let Some(address) = natural.get(&declared.address) {
                declared.address = (*address).clone();
            }
        }
        resources.sort_by(|left, right| left.address.cmp(&right.address));
        let problems: Vec<Problem> = resources
            .windows(2)
            .filter(|pair| pair[0].address == pair[1].address)
            .map(|pair| declared_twice(&pair[1]))
            .collect();
        if problems.is_empty() {
            Ok(Some((self.about(resources), respelled)))
        } else {
            Err(problems)
        }
    }
}

fn declared_twice(declared: &Declared) -> Problem {
    let address = &declared.address;
    let message = format!("{address} is declared twice, by its name and by its label");
    let problem = match kinds::of(address) {
        Some(kind) => Problem::at(declared, kind.place(address, ""), message),
        None => Problem::new(address, message),
    };
    problem.hint("take one of the two out")
}

/// In the order of addresses, the first of each.
///
/// Within a kind the first bytes of most names differ: they are compared where
/// they lie side by side, and whole addresses only where these are equal.
fn sorted(resources: Vec<Declared>) -> Vec<Declared> {
    let mut kinds: BTreeMap<&str, Vec<(u128, u32)>> = BTreeMap::new();
    for (number, declared) in (0..).zip(&resources) {
        let name = declared.address.name().as_bytes();
        let mut first = [0; 16];
        let length = name.len().min(first.len());
        first[..length].copy_from_slice(&name[..length]);
        let key = (u128::from_be_bytes(first), number);
        match kinds.get_mut(declared.address.kind()) {
            Some(keys) => keys.push(key),
            None => drop(kinds.insert(declared.address.kind(), vec![key])),
        }
    }
    let address = |number: u32| &resources[number as usize].address;
    let mut order = Vec::with_capacity(resources.len());
    for mut keys in kinds.into_values() {
        keys.sort_unstable_by(|left, right| {
            let whole = || address(left.1).cmp(address(right.1)).then(left.1.cmp(&right.1));
            left.0.cmp(&right.0).then_with(whole)
        });
        keys.dedup_by(|later, first| later.0 == first.0 && address(later.1) == address(first.1));
        order.extend(keys.into_iter().map(|(_, number)| number));
    }
    let mut held: Vec<Option<Declared>> = resources.into_iter().map(Some).collect();
    order.into_iter().filter_map(|number| held[number as usize].take()).collect()
}

/// What is declared in every org: facts about the rest may have to be asked.
struct Unconditional<'a>(&'a Desired);

impl Scope for Unconditional<'_> {
    fn declared(&self, address: &Address) -> Option<&Declared> {
        let is_for_all = |declared: &&Declared| {
            declared.conditional.as_ref().is_none_or(|conditional| conditional.when.is_empty())
        };
        self.0.declared(address).filter(is_for_all)
    }

    fn meant(&self, address: &Address) -> Option<String> {
        self.0.meant(address)
    }
}

impl Scope for Desired {
    fn declared(&self, address: &Address) -> Option<&Declared> {
        let is_it = |number: &u32| self.resources[*number as usize].address == *address;
        let number = self.index.find(self.hasher.hash_one(address), is_it)?;
        self.resources.get(*number as usize)
    }

    fn meant(&self, address: &Address) -> Option<String> {
        /// So many names on both sides are compared: a slip mostly stands near what was
        /// meant, and thousands of slips are no reason for millions of comparisons.
        const NEAR: usize = 500;
        let at = self.resources.partition_point(|declared| declared.address < *address);
        let near = at.saturating_sub(NEAR)..(at + NEAR).min(self.resources.len());
        let names = self.resources[near]
            .iter()
            .filter(|declared| declared.address.kind() == address.kind())
            .map(|declared| declared.address.name());
        words::closest(address.name(), names).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::Desired;
    use crate::kinds::Scope as _;
    use crate::model::Address;
    use crate::model::Attributes;
    use crate::model::Declared;

    #[test]
    fn declarations_sort_as_their_addresses_do_and_are_found_by_them() {
        let names =
            ["b", "a/b", "a", "a\u{1}", "user-with-a-long-name-2", "user-with-a-long-name-1", "é"];
        let addresses = ["user", "permission_set_assignment", "permission_set"]
            .into_iter()
            .flat_map(|kind| names.map(|name| Address::new(kind, name)));
        let mut wanted: Vec<Address> = addresses.collect();
        let twice = wanted.iter().chain(&wanted).cloned();
        let declared = twice.map(|address| Declared::new(address, Attributes::new())).collect();
        let desired = Desired::new(declared, Vec::new());
        wanted.sort();
        let held: Vec<&Address> = desired.iter().map(|declared| &declared.address).collect();
        assert_eq!(held, wanted.iter().collect::<Vec<_>>());
        for address in &wanted {
            assert_eq!(desired.declared(address).map(|held| &held.address), Some(address));
        }
        assert_eq!(desired.declared(&Address::new("user", "c")), None);
    }
}
