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
mod desired;
mod draft;
mod exclusive;
mod holders;
mod lifecycle;
mod lookups;
mod merge;
mod notes;
mod ordering;
mod preflight;
mod recalculate;
mod record_index;
mod refresh_only;
mod rename;
mod saved;
mod seal;
mod stale;
mod steps;

use crate::model::RecordError;
use std::collections::BTreeMap;

use crate::facts::Catalog;
use crate::model::ApiCallEstimate;
use crate::model::CallShape;
use crate::model::Observations;
use crate::model::Op;
use crate::model::Plan;
use crate::model::PlanMode;
use crate::model::Problem;
use crate::model::Recorded;
use crate::model::SalesforceId;
use crate::model::StepName;
use crate::model::Summary;

pub use audit::Violation;
pub use choose::Choice;
pub use choose::ChoiceError;
pub use choose::LookedAt;
pub use choose::Selection;
pub use choose::choose;
pub use desired::Desired;
pub use notes::policies_may_undo;
pub use preflight::preflight;
pub use preflight::questions;
pub use record_index::RecordIndex;
pub use saved::SavedPlan;
pub use saved::SavedPlanError;
pub use saved::SealedPlan;
pub use seal::ContentDigest;
pub use seal::PlanKey;
pub use stale::Stale;
pub use stale::StaleReason;
pub use stale::stale;

use draft::Draft;

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
    State(RecordError),
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
    exclusive::add(input, &mut draft).map_err(PlanError::State)?;
    holders::keep_what_is_held(input, &renames, &mut draft)?;
    assert_again::add(input, &mut draft).map_err(PlanError::State)?;
    recalculate::add(input, &mut draft).map_err(PlanError::State)?;
    let ops = steps::write(input, &renames, &mut draft)?;
    let ops = ordering::join(&draft.changes, ops);
    draft.changes.shrink_to_fit();
    notes::add(input, &mut draft).map_err(PlanError::State)?;

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
    let mut steps: BTreeMap<(CallShape, StepName), u64> = BTreeMap::new();
    for op in ops {
        *steps.entry((op.write.shape(), op.step)).or_default() += 1;
    }
    let mut calls = ApiCallEstimate::default();
    for ((shape, _), count) in steps {
        let batch = shape.batch(usize::try_from(count).unwrap_or(usize::MAX)) as u64;
        let needed = count.div_ceil(batch);
        if matches!(shape, CallShape::Await(_)) {
            calls.reads += needed;
            continue;
        }
        calls.writes += needed;
        if matches!(shape, CallShape::UpsertDocuments(_)) {
            // The documents and their ids are read back; a deploy is looked at until
            // it is done.
            let documents = count.div_ceil(shape.limit() as u64);
            let looks = if batch > shape.limit() as u64 { needed } else { 0 };
            calls.reads += needed + documents + looks;
        }
    }
    calls
}
