//! Why a workflow ends without having done its work, as types.

use super::guards::Refusal;
use super::saved::Doubt;
use super::saved::Staleness;
use crate::engine::EngineError;
use crate::facts::Fact;
use crate::kinds::Visibility;
use crate::local_org::StartError;
use crate::model::OrgIdentity;
use crate::model::RecordError;
use crate::org::InstanceUrlError;
use crate::org::OrgError;
use crate::plan::ChoiceError;
use crate::plan::PlanError;
use crate::state::StateError;

/// Why there is no plan, or it is not applied.
#[derive(Debug, thiserror::Error)]
pub enum WorkflowError {
    /// The org refused, or could not be reached.
    #[error(transparent)]
    Org(#[from] OrgError),
    /// The state can't be opened or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// A record of it can't be read.
    #[error("the state can't be read: {0}")]
    Record(#[from] RecordError),
    /// The engine stopped as a whole.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The local org inside does not start.
    #[error(transparent)]
    LocalOrg(#[from] StartError),
    /// The local org's own address is none.
    #[error("the local org's address {0}")]
    LocalAddress(InstanceUrlError),
    /// The access token names no org.
    #[error("the access token is no Salesforce session: it does not begin with an org's id")]
    NoSession,
    /// What was selected can't be planned for.
    #[error(transparent)]
    Choice(#[from] ChoiceError),
    /// What is declared can't be planned. Its problems name places in the declarations.
    #[error("{0}")]
    Plan(PlanError),
    /// A plan from the state alone rests on what the org was never asked.
    #[error("the org was never asked for what the plan rests on")]
    NeverAsked(Vec<Fact>),
    /// A plan from the state alone rests on what became of calls that an earlier run ended
    /// in.
    #[error("an earlier run ended in the middle of a call, and what it did is not known yet")]
    Unsettled,
    /// Each attempt at a plan found the org changed.
    #[error("the org changes faster than it can be planned for")]
    ChangesTooFast,
    /// What is not found may only be hidden from the token's user.
    #[error("{}", .0.message)]
    NotVisible(Visibility),
    /// A saved plan is for another org than this one.
    #[error("the plan is for the org {}, and this is {}", .plan.id, .here.id)]
    OtherOrg {
        /// The plan's.
        plan: Box<OrgIdentity>,
        /// This one.
        here: Box<OrgIdentity>,
    },
    /// It is not known that a saved plan is as it was made.
    #[error("{0}")]
    Doubtful(Doubt),
    /// What a saved plan was made from has changed.
    #[error("the saved plan is stale")]
    Stale(Staleness),
    /// What a saved plan was to do is done.
    #[error("there is nothing left to do for this plan")]
    NothingLeft,
    /// A guard holds the plan back.
    #[error("a guard holds the plan back")]
    Refused(Refusal),
}
