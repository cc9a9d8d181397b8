//! Which resources a plan is about: all, or those that somebody chose, with
//! what they can't do without.
//!
//! What is wanted needs what it refers to; what is taken away needs that all
//! who use it leave first. So a target brings along the first or the second,
//! and an exclusion leaves out the reverse of both.

use crate::model::RecordError;
use crate::text::words;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;

use super::Desired;
use crate::kinds;
use crate::model::Address;
use crate::model::AddressPattern;
use crate::model::Partial;
use crate::model::PlanMode;
use crate::model::Record;
use crate::model::RecordStream;
use crate::model::Recorded;
use crate::model::Standing;
use crate::model::StoredRecord;

/// What somebody asked for.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only these, with what they depend on.
    pub targets: Vec<AddressPattern>,
    /// Not these, nor what depends on them.
    pub excludes: Vec<AddressPattern>,
    /// These are made anew.
    pub replaces: Vec<AddressPattern>,
}

impl Selection {
    /// Whether nothing was asked for.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty() && self.excludes.is_empty() && self.replaces.is_empty()
    }
}

/// Why a selection can't be followed.
#[derive(Debug, thiserror::Error)]
pub enum ChoiceError {
    /// A pattern fits nothing that is declared or recorded.
    #[error("`{pattern}` fits nothing that is declared or recorded")]
    NothingFits {
        /// The pattern.
        pattern: String,
        /// The address that was probably meant.
        meant: Option<String>,
    },
    /// Something can't be made anew.
    #[error("{address} can't be replaced: {reason}")]
    NotReplaceable {
        /// The resource.
        address: Address,
        /// Why, as a fragment.
        reason: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// The state can't be read.
    #[error("the state can't be read: {0}")]
    State(RecordError),
}

/// The resources that a plan is about.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// `None` stands for all.
    chosen: Option<HashSet<Address>>,
    /// Those that are made anew, each with what it is remade with, if with
    /// something else.
    replaced: HashMap<Address, Option<Address>>,
    /// What is not part of the plan, and is looked at all the same.
    watched: HashSet<Address>,
    /// What a view says about it.
    pub partial: Option<Partial>,
}

impl Choice {
    /// Everything.
    pub fn everything() -> Self {
        Self::default()
    }

    /// Exactly these.
    pub fn only(addresses: impl IntoIterator<Item = Address>) -> Self {
        Self { chosen: Some(addresses.into_iter().collect()), ..Self::default() }
    }

    /// The same, with these made anew.
    #[must_use]
    pub fn replacing(
        mut self,
        replaced: impl IntoIterator<Item = (Address, Option<Address>)>,
    ) -> Self {
        self.replaced = replaced.into_iter().collect();
        self
    }

    /// The same, looking at these too.
    #[must_use]
    pub fn watching(mut self, watched: impl IntoIterator<Item = Address>) -> Self {
        self.watched = watched.into_iter().collect();
        self
    }

    /// Whether the org is asked for a resource.
    pub fn looks_at(&self, address: &Address) -> bool {
        self.includes(address) || self.watched.contains(address)
    }

    /// Whether a resource is part of the plan.
    pub fn includes(&self, address: &Address) -> bool {
        self.chosen.as_ref().is_none_or(|chosen| chosen.contains(address))
    }

    /// Whether a resource is made anew, and with what.
    pub fn replaces(&self, address: &Address) -> Option<Option<&Address>> {
        self.replaced.get(address).map(Option::as_ref)
    }

    /// Takes out what was made anew already.
    pub fn done(&mut self, made: &[Address]) {
        for address in made {
            self.replaced.remove(address);
        }
    }

    /// All that is made anew.
    pub fn replaced(&self) -> impl Iterator<Item = &Address> {
        self.replaced.keys()
    }

    /// Follows addresses that turned out to have another natural key.
    pub fn respelled(&mut self, pairs: &[(Address, Address)]) {
        for (from, to) in pairs {
            // The name as written stays known, for when it is planned again.
            if let Some(chosen) = &mut self.chosen
                && chosen.contains(from)
            {
                chosen.insert(to.clone());
            }
            if let Some(with) = self.replaced.get(from).cloned() {
                self.replaced.insert(to.clone(), with);
            }
        }
    }
}

/// The records that a plan looks at.
pub struct LookedAt<'a> {
    /// All of them.
    pub recorded: &'a (dyn Recorded + Sync),
    /// Which.
    pub choice: &'a Choice,
}

impl Recorded for LookedAt<'_> {
    fn stream(&self) -> RecordStream<'_> {
        let looks_at = |stored: &Result<StoredRecord<'_>, RecordError>| {
            stored.as_ref().map_or(true, |stored| self.choice.looks_at(&stored.address))
        };
        Box::new(self.recorded.stream().filter(looks_at))
    }

    fn get(&self, address: &Address) -> Result<Option<Record>, RecordError> {
        self.recorded.get(address)
    }
}

/// Follows a selection. Costs nothing when nothing was selected.
///
/// # Errors
/// When a pattern fits nothing, or something can't be replaced.
pub fn choose(
    selection: &Selection,
    desired: &Desired,
    recorded: &dyn Recorded,
    mode: PlanMode,
) -> Result<Choice, ChoiceError> {
    if selection.is_empty() {
        return Ok(Choice::everything());
    }
    let web = Web::build(desired, recorded, mode).map_err(ChoiceError::State)?;
    let replaced = web.replaced(&selection.replaces)?;
    let targets = web.fitting(&selection.targets)?;
    let excludes = web.fitting(&selection.excludes)?;
    if selection.targets.is_empty() && selection.excludes.is_empty() {
        return Ok(Choice { replaced, ..Choice::default() });
    }
    let start = if selection.targets.is_empty() {
        (0..web.nodes.len()).collect()
    } else {
        closure(targets, |node| web.brought_along(node))
    };
    let left_out = closure(excludes, |node| web.left_with(node));
    let chosen: HashSet<Address> =
        start.difference(&left_out).map(|node| web.nodes[*node].clone()).collect();
    let partial = Partial {
        targets: selection.targets.clone(),
        excludes: selection.excludes.clone(),
        left_out: (web.nodes.len() - chosen.len()) as u64,
    };
    let replaced = replaced.into_iter().filter(|(address, _)| chosen.contains(address)).collect();
    Ok(Choice { chosen: Some(chosen), replaced, partial: Some(partial), ..Choice::default() })
}

/// All that is reached from `start`.
fn closure<I: IntoIterator<Item: std::borrow::Borrow<usize>>>(
    start: BTreeSet<usize>,
    next: impl Fn(usize) -> I,
) -> BTreeSet<usize> {
    let mut open: Vec<usize> = start.iter().copied().collect();
    let mut reached = start;
    while let Some(node) = open.pop() {
        for other in next(node) {
            let other = *std::borrow::Borrow::borrow(&other);
            if reached.insert(other) {
                open.push(other);
            }
        }
    }
    reached
}

/// What is declared and recorded, and how it hangs together.
struct Web {
    nodes: Vec<Address>,
    is_wanted: Vec<bool>,
    is_recorded: Vec<bool>,
    /// What a wanted thing can't be without.
    needs: Vec<Vec<usize>>,
    needed_by: Vec<Vec<usize>>,
    /// What a recorded thing refers to now.
    uses: Vec<Vec<usize>>,
    used_by: Vec<Vec<usize>>,
    /// What a thing is under another name, by `was:`.
    same: Vec<Vec<usize>>,
    /// What belongs to a user.
    belongings: Vec<Vec<usize>>,
}

impl Web {
    fn build(
        desired: &Desired,
        recorded: &dyn Recorded,
        mode: PlanMode,
    ) -> Result<Self, RecordError> {
        let nothing = Desired::default();
        let desired = if mode == PlanMode::Converge { desired } else { &nothing };
        let mut records = Vec::new();
        for stored in recorded.stream() {
            let stored = stored?;
            if stored.standing == Standing::Live || mode != PlanMode::Converge {
                records.push((stored.address, (stored.decode)()?.attributes));
            }
        }
        let mut nodes: Vec<Address> =
            desired.iter().map(|declared| declared.address.clone()).collect();
        nodes.extend(records.iter().map(|(address, _)| address.clone()));
        nodes.sort();
        nodes.dedup();
        let number = |address: &Address| nodes.binary_search(address).ok();

        let count = nodes.len();
        let mut web = Self {
            is_wanted: vec![false; count],
            is_recorded: vec![false; count],
            needs: vec![Vec::new(); count],
            needed_by: vec![Vec::new(); count],
            uses: vec![Vec::new(); count],
            used_by: vec![Vec::new(); count],
            same: vec![Vec::new(); count],
            belongings: vec![Vec::new(); count],
            nodes: Vec::new(),
        };
        for declared in desired.iter() {
            let Some(node) = number(&declared.address) else { continue };
            web.is_wanted[node] = true;
            for needed in
                declared.attributes.references().filter_map(|(_, address)| number(address))
            {
                web.needs[node].push(needed);
                web.needed_by[needed].push(node);
            }
            // A thing and what it was are one.
            let was = declared.was.as_ref();
            if let Some(old) =
                was.and_then(|was| number(&Address::new(declared.address.kind(), was)))
            {
                web.same[node].push(old);
                web.same[old].push(node);
            }
        }
        for (address, attributes) in &records {
            let Some(node) = number(address) else { continue };
            web.is_recorded[node] = true;
            for used in attributes.references().filter_map(|(_, address)| number(address)) {
                web.uses[node].push(used);
                web.used_by[used].push(node);
            }
        }
        web.join_followers(&nodes);
        web.nodes = nodes;
        Ok(web)
    }

    /// A user's sets need its licenses, which leave after them.
    fn join_followers(&mut self, nodes: &[Address]) {
        let mut about: HashMap<(&str, Address), Vec<usize>> = HashMap::new();
        for (node, address) in nodes.iter().enumerate() {
            if let Some(subject) =
                kinds::of(address).and_then(|kind| kind.relation().subject(address))
            {
                if let Ok(user) = nodes.binary_search(&subject)
                    && user != node
                {
                    self.belongings[user].push(node);
                }
                about.entry((address.kind(), subject)).or_default().push(node);
            }
        }
        for (node, address) in nodes.iter().enumerate() {
            let Some(kind) = kinds::of(address) else { continue };
            let Some(subject) = kind.relation().subject(address) else { continue };
            for earlier in kind.relation().follows() {
                for other in about.get(&(earlier.as_str(), subject.clone())).into_iter().flatten() {
                    if self.is_wanted[node] && self.is_wanted[*other] {
                        self.needs[node].push(*other);
                        self.needed_by[*other].push(node);
                    } else if !self.is_wanted[node] && !self.is_wanted[*other] {
                        self.uses[node].push(*other);
                        self.used_by[*other].push(node);
                    }
                }
            }
        }
    }

    fn brought_along(&self, node: usize) -> Vec<usize> {
        let others = if self.is_wanted[node] { &self.needs[node] } else { &self.used_by[node] };
        others.iter().chain(&self.same[node]).copied().collect()
    }

    /// What can't be done without a thing that is left out: to make what needs
    /// it, to take away what it uses or what belongs to it.
    fn left_with(&self, node: usize) -> Vec<usize> {
        let wanted = self.needed_by[node].iter().filter(|other| self.is_wanted[**other]);
        let taken_away = self.uses[node].iter().chain(&self.belongings[node]);
        let taken_away = taken_away.filter(|other| !self.is_wanted[**other]);
        // A thing that is to be renamed still stands under its old name, and
        // those who hold it hold it by that.
        let was = self.same[node].iter();
        let under_old_name = self.same[node]
            .iter()
            .flat_map(|old| self.used_by[*old].iter().chain(&self.belongings[*old]))
            .filter(|other| !self.is_wanted[**other]);
        wanted.chain(taken_away).chain(was).chain(under_old_name).copied().collect()
    }

    fn fitting(&self, patterns: &[AddressPattern]) -> Result<BTreeSet<usize>, ChoiceError> {
        let mut fitting = BTreeSet::new();
        for pattern in patterns {
            let before = fitting.len();
            let mut fits_something = false;
            for (node, address) in self.nodes.iter().enumerate() {
                if pattern.matches(address) {
                    fits_something = true;
                    fitting.insert(node);
                }
            }
            if !fits_something && fitting.len() == before {
                let names: Vec<String> = self.nodes.iter().map(ToString::to_string).collect();
                let meant = words::closest(pattern.as_str(), names.iter().map(String::as_str));
                return Err(ChoiceError::NothingFits {
                    pattern: pattern.to_string(),
                    meant: meant.map(str::to_owned),
                });
            }
        }
        Ok(fitting)
    }

    /// What is made anew, with all that refers to it.
    fn replaced(
        &self,
        patterns: &[AddressPattern],
    ) -> Result<HashMap<Address, Option<Address>>, ChoiceError> {
        let asked = self.fitting(patterns)?;
        let mut replaced: HashMap<Address, Option<Address>> = HashMap::new();
        for node in &asked {
            self.check_replaceable(*node)?;
            replaced.insert(self.nodes[*node].clone(), None);
        }
        for node in asked {
            for user in self.needed_by[node].iter().filter(|user| self.is_recorded[**user]) {
                let refers = self.uses[*user].contains(&node);
                if refers && !replaced.contains_key(&self.nodes[*user]) {
                    self.check_replaceable(*user)?;
                    replaced.insert(self.nodes[*user].clone(), Some(self.nodes[node].clone()));
                }
            }
        }
        Ok(replaced)
    }

    fn check_replaceable(&self, node: usize) -> Result<(), ChoiceError> {
        let address = &self.nodes[node];
        let refuse = |reason, hint| {
            Err(ChoiceError::NotReplaceable { address: address.clone(), reason, hint })
        };
        if !self.is_wanted[node] {
            return refuse(
                "it is not declared, so that it would only be taken away",
                "Declare it, or run apply without --replace.",
            );
        }
        match kinds::of(address).and_then(|kind| kind.replacement().never_replaced()) {
            Some((reason, hint)) => refuse(reason, hint),
            None => Ok(()),
        }
    }
}
