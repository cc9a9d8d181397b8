//! Whether a saved plan may be applied: that it is as it was made, for this org and this
//! state, and that what it was made from still holds.

use super::Declarations;
use super::WorkflowError;
use super::planning::Planned;
use super::planning::Planning;
use super::session::Session;
use crate::model::Address;
use crate::model::Problem;
use crate::plan::ContentDigest;
use crate::plan::PlanError;
use crate::plan::PlanKey;
use crate::plan::SavedPlan;
use crate::plan::SealedPlan;
use crate::plan::Stale;
use crate::plan::StaleReason;
use crate::plan::stale;
use crate::state::StateError;
use crate::state::Store;

/// Why it is not known that a saved plan is as it was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// Its digest is another than the one that somebody was shown.
    #[error("the saved plan is not the one of that digest: its own is {0}")]
    OtherDigest(ContentDigest),
    /// The state's key did not seal it as it is.
    #[error("the saved plan was not made with this state, or was changed since")]
    NotSealed,
    /// The state has no key, and no digest was given.
    #[error(
        "nothing here tells whether the saved plan is as it was made: the state has no key for plans"
    )]
    NoKey,
    /// It was made with another state of the org, which knows other things to be ours.
    #[error("the saved plan was made with another state of this org")]
    OtherState,
}

/// What a saved plan was made from that has changed.
#[derive(Debug)]
pub enum Staleness {
    /// What was declared can't be planned any more.
    Unplannable(Vec<Problem>),
    /// It comes to something else now.
    Changed(Vec<Stale>),
}

/// Refuses a plan of which it is not known that it is as it was made, by the key of the
/// state or by the digest that somebody was shown, or that is for another org.
pub(super) fn check(
    sealed: &SealedPlan,
    shown: Option<ContentDigest>,
    session: &Session,
    store: &Store,
) -> Result<(), WorkflowError> {
    let plan = &sealed.plan.org;
    if plan.id != session.identity.id {
        let here = Box::new(session.identity.clone());
        return Err(WorkflowError::OtherOrg { plan: Box::new(plan.clone()), here });
    }
    match doubt(sealed, shown, store)? {
        None => Ok(()),
        Some(doubt) => Err(WorkflowError::Doubtful(doubt)),
    }
}

fn doubt(
    sealed: &SealedPlan,
    shown: Option<ContentDigest>,
    store: &Store,
) -> Result<Option<Doubt>, StateError> {
    let found = sealed.digest;
    match shown {
        Some(digest) if digest == found => {}
        Some(_) => return Ok(Some(Doubt::OtherDigest(found))),
        None => match store.plan_key()? {
            Some(key) if sealed.is_sealed_by(&PlanKey::new(key)) => {}
            Some(_) => return Ok(Some(Doubt::NotSealed)),
            None => return Ok(Some(Doubt::NoKey)),
        },
    }
    // A machine without a state begins one; its records are adopted as the plan says.
    let is_of_another = sealed.plan.lineage != store.lineage() && !store.is_empty();
    Ok(is_of_another.then_some(Doubt::OtherState))
}

/// The saved plan, once it is sure that it still holds.
pub(super) async fn still_holds(
    declarations: &Declarations,
    saved: &SavedPlan,
    session: &Session,
    store: &mut Store,
) -> Result<Planned, WorkflowError> {
    if !saved.plan.has_changes() && saved.plan.sync.is_empty() {
        return Ok(Planned::of_saved(saved));
    }
    let mut planned = match Planning::again(declarations, saved).plan(session, store).await {
        Err(WorkflowError::Plan(PlanError::Problems(problems))) => {
            return Err(WorkflowError::Stale(Staleness::Unplannable(problems)));
        }
        planned => planned?,
    };
    let found = stale(&saved.plan, &planned.plan, &planned.observations);
    if !found.is_empty() {
        let is_done = |stale: &Stale| stale.what == StaleReason::NothingToDo;
        if found.len() == saved.plan.changes.len() && found.iter().all(is_done) {
            return Err(WorkflowError::NothingLeft);
        }
        return Err(WorkflowError::Stale(Staleness::Changed(found)));
    }
    let sync = std::mem::take(&mut planned.plan.sync);
    let known = |address: &Address| saved.plan.sync.contains_key(address);
    // Seats and rights may be others by now: the checks are today's.
    let findings = std::mem::take(&mut planned.plan.findings);
    planned.plan = saved.plan.clone();
    planned.plan.findings = findings;
    planned.plan.sync = sync.into_iter().filter(|(address, _)| known(address)).collect();
    planned.notices.extend(saved.notices.iter().cloned().map(super::Notice::Said));
    Ok(planned)
}
