//! Plans and applies until there is nothing left that a refusal of the org taught.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::Either;
use futures_util::future::select;

use super::Declarations;
use super::WorkflowError;
use super::guards;
use super::guards::Consent;
use super::planning::Planned;
use super::planning::Planning;
use super::report::Report;
use super::saved;
use super::session::Session;
use crate::engine;
use crate::engine::ApplyOptions;
use crate::engine::Outcome;
use crate::engine::Progress;
use crate::engine::Stops;
use crate::model::Action;
use crate::model::Address;
use crate::model::PlanMode;
use crate::plan::ContentDigest;
use crate::plan::SealedPlan;
use crate::state::Store;

/// How often a plan is made anew after a refusal taught something.
const LESSONS: usize = 3;

/// What is applied.
pub enum Work<'a> {
    /// What planning comes to.
    Plan(Box<Planning<'a>>),
    /// What was saved, and the digest that somebody was shown of it.
    Saved {
        /// What it was made from.
        declarations: &'a Declarations,
        /// The plan.
        sealed: Box<SealedPlan>,
        /// The digest.
        digest: Option<ContentDigest>,
    },
}

/// How it is written.
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions {
    /// So many calls are under way at most.
    pub parallelism: usize,
    /// So long a permission set group may take to be added up.
    pub wait: Duration,
}

/// Who runs it: sees what happens, and answers.
pub trait Operator {
    /// Why it can't go on.
    type Error;
    /// What sees the ops of one plan.
    type Progress: Progress;

    /// A plan was made; nothing of it is written yet.
    ///
    /// # Errors
    /// When it can't be shown.
    fn planned(&mut self, planned: &Planned) -> Result<(), Self::Error>;

    /// The checks of a plan that has something to do, before any of them holds it back.
    fn checked(&mut self, planned: &Planned, consent: Consent);

    /// Whether the plan that was shown is to be applied. A wish to stop drops the question.
    ///
    /// # Errors
    /// When it can't be asked.
    fn approves(&mut self) -> impl Future<Output = Result<bool, Self::Error>>;

    /// It is not to be applied.
    ///
    /// # Errors
    /// When that can't be said.
    fn declined(&mut self) -> Result<(), Self::Error>;

    /// So many ops begin.
    fn begins(&mut self, ops: usize) -> Self::Progress;

    /// They have ended.
    fn ends(&mut self, progress: Self::Progress);

    /// A refusal taught something, and it is planned again with that.
    ///
    /// # Errors
    /// When that can't be said.
    fn plans_again(&mut self) -> Result<(), Self::Error>;

    /// The last plan was applied; `learned` where a refusal taught something that a saved
    /// plan can't use.
    fn applied(&mut self, outcome: &Outcome, learned: bool);
}

/// Why a run ends without having done its work.
#[derive(Debug)]
pub enum RunError<E> {
    /// Something went wrong.
    Workflow(WorkflowError),
    /// Whoever runs it can't go on.
    Operator(E),
}

impl<E, W: Into<WorkflowError>> From<W> for RunError<E> {
    fn from(error: W) -> Self {
        Self::Workflow(error.into())
    }
}

/// Plans and applies, to whatever end.
///
/// # Errors
/// When no plan can be made, it may not be applied, or whoever runs it can't go on.
pub async fn apply<O: Operator>(
    (session, store): (&Session, &mut Store),
    work: &mut Work<'_>,
    (consent, options): (Consent, WriteOptions),
    operator: &mut O,
) -> Result<Option<Report>, RunError<O::Error>> {
    let mut run = Run { session, consent, options, stops: None };
    Box::pin(run.until_settled(store, work, operator)).await
}

struct Run<'a> {
    session: &'a Session,
    consent: Consent,
    options: WriteOptions,
    /// Listened to from the first write on. Before, a signal ends the process as it ends
    /// any other: nothing is under way then.
    stops: Option<Stops<'static>>,
}

impl Run<'_> {
    /// Does something that a wish to stop ends at once; `None` when there was one.
    async fn unless_stopped<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let Some(stops) = &mut self.stops else { return Some(work.await) };
        match select(stops.next(), pin!(work)).await {
            Either::Left((Some(()), _)) => None,
            Either::Left((None, work)) => Some(work.await),
            Either::Right((done, _)) => Some(done),
        }
    }

    /// Plans and applies until there is nothing left that a refusal taught;
    /// `None` when the operator said no.
    async fn until_settled<O: Operator>(
        &mut self,
        store: &mut Store,
        work: &mut Work<'_>,
        operator: &mut O,
    ) -> Result<Option<Report>, RunError<O::Error>> {
        let mut report = Report::default();
        for lesson in 0.. {
            let Some(mut planned) = self.planned(store, work).await? else {
                report.interrupted = true;
                break;
            };
            operator.planned(&planned).map_err(RunError::Operator)?;
            report.unknown += planned.unknown.len();
            engine::acknowledge(store, &planned.unknown).await?;
            if !planned.plan.has_changes() && planned.plan.sync.is_empty() {
                if lesson == 0 {
                    report.done.no_op = planned.plan.summary.no_op;
                }
                break;
            }
            operator.checked(&planned, self.consent);
            if !self.is_let_through(work, &planned, operator).await? {
                operator.declined().map_err(RunError::Operator)?;
                return Ok(None);
            }
            let outcome = Box::pin(self.apply_once(store, &mut planned, operator)).await?;
            report.add(&planned.plan, &outcome);
            let has_learned =
                !outcome.learned.is_empty() && !outcome.interrupted && outcome.fatal.is_none();
            match work {
                Work::Plan(planning) if has_learned && lesson < LESSONS => {
                    let made = made_anew(&planned, &outcome);
                    planning.go_on(planned.choice, &made);
                    operator.plans_again().map_err(RunError::Operator)?;
                }
                _ => {
                    let is_saved = matches!(work, Work::Saved { .. });
                    operator.applied(&outcome, has_learned && is_saved);
                    break;
                }
            }
        }
        Ok(Some(report))
    }

    /// The plan to apply; `None` when it was stopped.
    async fn planned(
        &mut self,
        store: &mut Store,
        work: &mut Work<'_>,
    ) -> Result<Option<Planned>, WorkflowError> {
        let session = self.session;
        match work {
            Work::Plan(planning) => {
                let planning = Box::pin(planning.plan(session, store));
                self.unless_stopped(planning).await.transpose()
            }
            Work::Saved { declarations, sealed, digest } => {
                saved::check(sealed, *digest, session, store)?;
                saved::still_holds(declarations, &sealed.plan, session, store).await.map(Some)
            }
        }
    }

    /// Whether a plan is applied: no guard holds it back, and the operator wants it where
    /// one is asked.
    async fn is_let_through<O: Operator>(
        &mut self,
        work: &Work<'_>,
        planned: &Planned,
        operator: &mut O,
    ) -> Result<bool, RunError<O::Error>> {
        let plan = &planned.plan;
        let asks = matches!(work, Work::Plan(_)) && !self.consent.auto_approve;
        let mut refused = guards::findings(plan, self.consent);
        if !asks && !self.consent.losses {
            refused = refused.or_else(|| guards::losses(plan));
        }
        if !asks {
            refused = refused.or_else(|| guards::learned(plan));
        }
        if let Some(refusal) = refused {
            return Err(WorkflowError::Refused(refusal).into());
        }
        if !asks || !(plan.has_changes() || plan.mode == PlanMode::RefreshOnly) {
            return Ok(true);
        }
        let answer = self.unless_stopped(operator.approves()).await;
        answer.unwrap_or(Ok(false)).map_err(RunError::Operator)
    }

    async fn apply_once<O: Operator>(
        &mut self,
        store: &mut Store,
        planned: &mut Planned,
        operator: &mut O,
    ) -> Result<Outcome, WorkflowError> {
        let progress = operator.begins(planned.plan.ops.len());
        let world = self.session.world();
        let options = ApplyOptions {
            parallelism: self.options.parallelism,
            run: format!("{:016x}", (world.entropy)()),
            clock: world.clock.clone(),
            monotonic: world.monotonic.clone(),
            wait: self.options.wait,
            stops: Box::pin(self.stops.get_or_insert_with(|| (world.stops)())),
        };
        let (plan, catalog) = (&planned.plan, &mut planned.catalog);
        let org = &self.session.org;
        let applied = engine::apply(org, store, plan, catalog, &progress, options);
        let outcome = Box::pin(applied).await;
        operator.ends(progress);
        Ok(outcome?)
    }
}

/// What was deleted and made again, and is not open.
fn made_anew(planned: &Planned, outcome: &Outcome) -> Vec<Address> {
    let failed = outcome.failures.iter().map(|failure| &failure.address);
    let skipped = outcome.skipped.iter().map(|skipped| &skipped.address);
    let open: Vec<&Address> = failed.chain(skipped).collect();
    let replaced = planned
        .plan
        .changes
        .iter()
        .filter(|change| change.action == Action::Replace && !open.contains(&&change.address));
    replaced.map(|change| change.address.clone()).collect()
}
