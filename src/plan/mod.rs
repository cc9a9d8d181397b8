//! The planner: from what is declared, recorded and observed to a plan that
//! leaves no choice to whoever applies it.
//!
//! Pure and synchronous: no clock, no environment, no call. It runs as a list
//! of small steps, each in a file of its own: choose, find what is renamed, merge the
//! two ordered streams, keep what others still hold, give again what may leave
//! along, write the ops, join them
//! in order, add the notes, and audit the result. Imports `model`, `kinds` and `graph`.

pub mod access;
mod assert_again;
mod audit;
mod choose;
mod draft;
mod exclusive;
mod holders;
mod lifecycle;
mod merge;
mod notes;
mod ordering;
mod preflight;
mod recalculate;
mod refresh_only;
mod rename;
mod saved;
mod stale;
mod steps;

use std::collections::BTreeMap;
use std::collections::HashSet;

use crate::kinds;
use crate::kinds::Scope;
use crate::model::Address;
use crate::model::AddressPattern;
use crate::model::ApiCallEstimate;
use crate::model::CallShape;
use crate::model::Catalog;
use crate::model::Declared;
use crate::model::Fact;
use crate::model::Observations;
use crate::model::Op;
use crate::model::Plan;
use crate::model::PlanMode;
use crate::model::Problem;
use crate::model::Recorded;
use crate::model::SalesforceId;
use crate::model::Summary;

pub use audit::Violation;
pub use choose::Choice;
pub use choose::ChoiceError;
pub use choose::LookedAt;
pub use choose::Selection;
pub use choose::choose;
pub use notes::policies_may_undo;
pub use preflight::preflight;
pub use preflight::questions;
pub use saved::SavedPlan;
pub use saved::SavedPlanError;
pub use stale::Stale;
pub use stale::StaleReason;
pub use stale::stale;

use draft::Draft;

/// What is declared, in the order of addresses, each address once.
#[derive(Clone, Debug, Default)]
pub struct Desired {
    resources: Vec<Declared>,
    released: Vec<AddressPattern>,
    /// Those of the released that fit one address only, in lower case.
    released_names: HashSet<String>,
}

impl Desired {
    /// Sorts the declarations. Two of one address are the caller's to refuse;
    /// the first is kept.
    pub fn new(mut resources: Vec<Declared>, released: Vec<AddressPattern>) -> Self {
        resources.sort_by(|left, right| left.address.cmp(&right.address));
        resources.dedup_by(|later, first| later.address == first.address);
        let names = released.iter().filter(|pattern| !pattern.has_wildcards());
        let released_names = names.map(|pattern| pattern.as_str().to_lowercase()).collect();
        Self { resources, released, released_names }
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
            self.released_names.contains(&address.to_string().to_lowercase())
                || wide.any(|pattern| pattern.matches(address))
        };
        let subject = kinds::of(address).and_then(|kind| kind.subject(address));
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
        let mut facts = std::collections::BTreeSet::new();
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
    /// not declared in it.
    pub fn in_org(self, catalog: &Catalog) -> (Self, Vec<Address>) {
        if self.resources.iter().all(|declared| declared.conditional.is_none()) {
            return (self, Vec::new());
        }
        let mut elsewhere = Vec::new();
        let mut here = Vec::with_capacity(self.resources.len());
        for declared in self.resources {
            let address = declared.address.clone();
            match declared.where_holds(|condition| catalog.holds(condition)) {
                Some(declared) => here.push(declared),
                None => elsewhere.push(address),
            }
        }
        (Self { resources: here, ..self }, elsewhere)
    }

    /// Replaces labels by natural keys where the catalog knows them; tells
    /// which addresses became which.
    ///
    /// # Errors
    /// Where two declarations turn out to be about one thing.
    pub fn canonical(
        mut self,
        catalog: &Catalog,
    ) -> Result<(Self, Vec<(Address, Address)>), Vec<Problem>> {
        let mut respelled = Vec::new();
        for declared in &mut self.resources {
            if let Some(kind) = kinds::of(&declared.address)
                && let Some(address) = kind.canonical(declared, catalog)
            {
                respelled.push((declared.address.clone(), address.clone()));
                declared.address = address;
            }
        }
        if respelled.is_empty() {
            return Ok((self, respelled));
        }
        self.resources.sort_by(|left, right| left.address.cmp(&right.address));
        let problems: Vec<Problem> = self
            .resources
            .windows(2)
            .filter(|pair| pair[0].address == pair[1].address)
            .map(|pair| Problem {
                address: pair[1].address.clone(),
                place: kinds::of(&pair[1].address).map(|kind| kind.place(&pair[1].address, "")),
                file: pair[1].file,
                message: format!(
                    "{} is declared twice, by its name and by its label",
                    pair[1].address
                ),
                hint: Some("take one of the two out".to_owned()),
            })
            .collect();
        if problems.is_empty() { Ok((self, respelled)) } else { Err(problems) }
    }
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
        let index =
            self.resources.binary_search_by(|declared| declared.address.cmp(address)).ok()?;
        self.resources.get(index)
    }

    fn meant(&self, address: &Address) -> Option<String> {
        let names = self
            .resources
            .iter()
            .filter(|declared| declared.address.kind() == address.kind())
            .map(|declared| declared.address.name());
        kinds::closest(address.name(), names).map(str::to_owned)
    }
}

/// All that a plan is made from.
pub struct Input<'a> {
    /// What to reach.
    pub mode: PlanMode,
    /// The org it is for.
    pub org_id: SalesforceId,
    /// What is declared.
    pub desired: &'a Desired,
    /// What is recorded.
    pub recorded: &'a dyn Recorded,
    /// What was observed, where it differs.
    pub observations: &'a Observations,
    /// What the org offers.
    pub catalog: &'a Catalog,
    /// What the plan is about.
    pub choice: &'a Choice,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// What was declared can't be brought about.
    #[error("the declared state can't be planned")]
    Problems(Vec<Problem>),
    /// The state can't be read.
    #[error("the state can't be read: {0}")]
    State(String),
    /// The plan breaks an invariant: a bug of ours, and nothing is applied.
    #[error("the plan breaks its own rules")]
    Audit(Vec<Violation>),
}

/// Makes a plan.
///
/// # Errors
/// All that stands in the way, at once.
pub fn plan(input: &Input<'_>) -> Result<Plan, PlanError> {
    let mut draft = Draft::default();
    let renames = rename::find(input).map_err(PlanError::State)?;
    merge::merge(input, &renames, &mut draft)?;
    exclusive::add(input, &mut draft);
    holders::keep_what_is_held(input, &renames, &mut draft)?;
    assert_again::add(input, &mut draft).map_err(PlanError::State)?;
    recalculate::add(input, &mut draft).map_err(PlanError::State)?;
    let ops = steps::write(input, &renames, &mut draft)?;
    let ops = ordering::join(&draft.changes, ops);
    notes::add(input, &mut draft);

    let mut summary = Summary { no_op: draft.no_op, ..Summary::default() };
    for change in &draft.changes {
        summary.count(change.action);
    }
    let plan = Plan {
        mode: input.mode,
        org_id: input.org_id.clone(),
        api_calls: estimate(&ops),
        changes: draft.changes,
        ops,
        sync: draft.sync,
        drift: draft.drift,
        notes: draft.notes,
        findings: Vec::new(),
        access: Vec::new(),
        existing: draft.existing,
        partial: input.choice.partial.clone(),
        summary,
    };
    let violations = audit::audit(&plan);
    if violations.is_empty() { Ok(plan) } else { Err(PlanError::Audit(violations)) }
}

/// What applying costs when each step's ops fill their calls.
fn estimate(ops: &[Op]) -> ApiCallEstimate {
    let mut steps: BTreeMap<(CallShape, &str), u64> = BTreeMap::new();
    for op in ops {
        *steps.entry((op.write.shape(), op.step.as_ref())).or_default() += 1;
    }
    let mut calls = ApiCallEstimate::default();
    for ((shape, _), count) in steps {
        let needed = count.div_ceil(shape.limit() as u64);
        if matches!(shape, CallShape::Await(_)) {
            calls.reads += needed;
            continue;
        }
        calls.writes += needed;
        if matches!(shape, CallShape::UpsertDocuments(_)) {
            // The documents and their ids are read back.
            calls.reads += 2 * needed;
        }
    }
    calls
}
