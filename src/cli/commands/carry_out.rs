//! What apply and destroy have in common: show a plan, ask where somebody can
//! be asked, apply it, plan once more where a rejection taught something.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::Either;
use futures_util::future::select;

use super::advice::after_failures;
use super::advice::refuse_learned_powers;
use super::advice::refuse_losses;
use super::advice::refuse_stale;
use crate::cli::DONE;
use crate::cli::FAILED;
use crate::cli::arguments::ReadArguments;
use crate::cli::arguments::WriteArguments;
use crate::cli::ask::ask;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::cli::plan_file;
use crate::cli::planning::Planned;
use crate::cli::planning::Planning;
use crate::cli::session::Session;
use crate::cli::view::events::Events;
use crate::cli::view::plan_view;
use crate::cli::view::progress::Shown;
use crate::cli::view::summary::Report;
use crate::cli::view::summary::milliseconds;
use crate::engine;
use crate::engine::ApplyOptions;
use crate::engine::Outcome;
use crate::engine::Stops;
use crate::model::Action;
use crate::model::Address;
use crate::model::Check;
use crate::model::Finding;
use crate::model::PlanMode;
use crate::model::Severity;
use crate::plan::ContentDigest;
use crate::plan::SavedPlan;
use crate::plan::SealedPlan;
use crate::plan::Stale;
use crate::plan::StaleReason;
use crate::plan::stale;
use crate::state::Store;
use crate::text::shown;

/// How often a plan is made anew after a rejection taught something.
const LESSONS: usize = 3;

/// How a run is to go.
pub struct Wishes<'a> {
    /// What is read, and how it is shown.
    pub read: &'a ReadArguments,
    /// How it is written.
    pub write: &'a WriteArguments,
    /// What is allowed that is refused otherwise.
    pub allowed: Allowed,
}

/// What flags allow.
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    /// Adopting may take grants away unasked.
    pub losses: bool,
    /// So many resources of a kind may be taken away.
    pub removals: u64,
    /// So many resources of a kind may be changed.
    pub updates: u64,
    /// Errors of the checks are overlooked.
    pub errors: bool,
}

impl Allowed {
    /// Whether a finding lets the plan through.
    fn lets_through(self, finding: &Finding) -> bool {
        match (finding.severity, finding.check) {
            (Severity::Warning, _) => true,
            (_, check) if check.is_absolute() => false,
            (_, Check::Removals) => finding.count.unwrap_or(0) <= self.removals,
            (_, Check::Updates) => finding.count.unwrap_or(0) <= self.updates,
            (_, _) => self.errors,
        }
    }
}

/// What is carried out.
pub enum Work<'a> {
    /// What planning comes to.
    Plan(Box<Planning<'a>>),
    /// What was saved, and the digest that somebody was shown of it.
    Saved(Box<SealedPlan>, Option<ContentDigest>),
}

/// The command's name, its verb, and what would only show it.
fn words(mode: PlanMode) -> (&'static str, &'static str, &'static str) {
    match mode {
        PlanMode::Converge => ("apply", "Apply", "orgform plan"),
        PlanMode::RefreshOnly => {
            ("apply --refresh-only", "Take over", "orgform plan --refresh-only")
        }
        PlanMode::Destroy { .. } => ("destroy", "Destroy", "orgform plan --destroy"),
    }
}

/// Refuses a run that would have to ask where nobody answers.
///
/// # Errors
/// When there is no terminal, or its output is for programs.
pub fn check_asking(
    environment: &Environment,
    wishes: &Wishes<'_>,
    mode: PlanMode,
) -> Result<(), CommandError> {
    if wishes.write.auto_approve {
        return Ok(());
    }
    let (command, _, shows) = words(mode);
    let command = command.split(' ').next().unwrap_or(command);
    if wishes.read.json {
        return Err(CommandError::new(format!(
            "with --json nobody is asked, and {command} asks before it changes anything"
        ))
        .hint("Add --auto-approve."));
    }
    if environment.terminal.input && environment.terminal.output {
        return Ok(());
    }
    Err(CommandError::new(format!(
        "{command} asks before it changes anything, and there is no terminal to ask on"
    ))
    .hint(format!(
        "Run it in a terminal, or add --auto-approve. `{shows}` shows what it would do."
    )))
}

/// Plans and applies, to whatever end.
///
/// # Errors
/// When no plan can be made, or it may not be applied.
pub async fn carry_out(
    environment: &Environment,
    output: &mut Output,
    wishes: Wishes<'_>,
    mut work: Work<'_>,
    mode: PlanMode,
) -> Result<u8, CommandError> {
    let (command, what, _) = words(mode);
    let started = (environment.monotonic)();
    let events = Events::open(environment, wishes.read.json, wishes.write.json_into.as_deref())?;
    let session = Session::open(environment, &wishes.read.org).await?;
    let mut store = match session.store(environment, command).await {
        Ok(store) => store,
        Err(error) => {
            session.close().await;
            return Err(error);
        }
    };
    let is_shown = !wishes.read.json;
    let events_of_run = events.clone();
    let mut run = Run {
        environment,
        output: &mut *output,
        wishes,
        events: events_of_run,
        command,
        what,
        stops: None,
    };
    let result = Box::pin(run.until_settled(&mut work, &session, &mut store)).await;
    // However it went, what was done is made durable first.
    let closed = store.close().await;
    let usage = session.org.usage();
    session.close().await;
    let elapsed = milliseconds((environment.monotonic)().saturating_sub(started));
    let report = match result {
        Ok(report) => report,
        Err(error) => {
            let _ = events.send(&Report::refused(&error.message(), elapsed, &usage));
            return Err(error);
        }
    };
    closed?;
    let Some(report) = report else { return Ok(FAILED) };
    events.send(&report.event(elapsed, &usage))?;
    if is_shown {
        output.line(&report.line(what, elapsed, &usage))?;
    }
    Ok(if report.is_complete() { DONE } else { FAILED })
}

/// One run of apply or destroy.
struct Run<'a> {
    environment: &'a Environment,
    output: &'a mut Output,
    wishes: Wishes<'a>,
    events: Events,
    command: &'static str,
    what: &'static str,
    /// Listened to from the first write on. Before, a signal ends the process as it ends
    /// any other: nothing is under way then.
    stops: Option<Stops<'static>>,
}

impl Run<'_> {
    /// Does something that a wish to stop ends at once; `None` when there was one.
    async fn unless_stopped<T>(
        stops: &mut Option<Stops<'static>>,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let Some(stops) = stops else { return Some(work.await) };
        match select(stops.next(), pin!(work)).await {
            Either::Left((Some(()), _)) => None,
            Either::Left((None, work)) => Some(work.await),
            Either::Right((done, _)) => Some(done),
        }
    }

    /// Plans and applies until there is nothing left that a rejection taught;
    /// `None` when the user said no.
    async fn until_settled(
        &mut self,
        work: &mut Work<'_>,
        session: &Session,
        store: &mut Store,
    ) -> Result<Option<Report>, CommandError> {
        self.events.begin(self.command, &session.identity)?;
        self.say(&session.banner())?;
        let mut report = Report::default();
        for lesson in 0.. {
            let (mut planned, may_ask) = match work {
                Work::Plan(planning) => {
                    let planning = Box::pin(planning.plan(session, store));
                    let Some(planned) = Self::unless_stopped(&mut self.stops, planning).await
                    else {
                        report.interrupted = true;
                        break;
                    };
                    (planned?, true)
                }
                Work::Saved(sealed, digest) => {
                    check_org(&sealed.plan, session)?;
                    plan_file::check(sealed, *digest, store)?;
                    (self.still_holds(&sealed.plan, session, store).await?, false)
                }
            };
            self.show(&planned)?;
            report.unknown += planned.unknown.len();
            engine::acknowledge(store, &planned.unknown).await?;
            if !planned.plan.has_changes() && planned.plan.sync.is_empty() {
                if lesson == 0 {
                    report.done.no_op = planned.plan.summary.no_op;
                }
                break;
            }
            self.refuse_findings(&planned)?;
            let asks = may_ask && !self.wishes.write.auto_approve;
            if !asks && !self.wishes.allowed.losses {
                refuse_losses(&planned.plan)?;
            }
            if !asks {
                refuse_learned_powers(&planned.plan)?;
            }
            let is_refresh = planned.plan.mode == PlanMode::RefreshOnly;
            let question = format!("{} this", self.what);
            let is_to_ask = asks && (planned.plan.has_changes() || is_refresh);
            if is_to_ask && !self.says_yes(&question).await? {
                self.say(&format!("{} cancelled; nothing was changed.", self.what))?;
                self.events.send(&Report::refused("cancelled", 0, &session.org.usage()))?;
                return Ok(None);
            }
            let outcome = Box::pin(self.apply_once(session, store, &mut planned)).await?;
            report.add(&planned.plan, &outcome);
            let learned_something =
                !outcome.learned.is_empty() && !outcome.interrupted && outcome.fatal.is_none();
            if learned_something && matches!(work, Work::Saved(..)) {
                self.output.aside(
                    "The org's refusal says more about what permissions need than was known when the plan was made. Plan again: a saved plan is applied as it is.",
                );
                break;
            }
            if !learned_something || lesson >= LESSONS {
                after_failures(self.output, &outcome, self.command);
                break;
            }
            if let Work::Plan(planning) = work {
                let open: Vec<&Address> = outcome
                    .failures
                    .iter()
                    .map(|failure| &failure.address)
                    .chain(outcome.skipped.iter().map(|skipped| &skipped.address))
                    .collect();
                let replaced = planned.plan.changes.iter().filter(|change| {
                    change.action == Action::Replace && !open.contains(&&change.address)
                });
                let made: Vec<Address> = replaced.map(|change| change.address.clone()).collect();
                planning.go_on(planned.choice, &made);
            }
            self.say("")?;
            self.say(
                "The org's refusal says more about what permissions need. Planned again with that:",
            )?;
        }
        Ok(Some(report))
    }

    /// The saved plan, once it is sure that it still holds.
    async fn still_holds(
        &mut self,
        saved: &SavedPlan,
        session: &Session,
        store: &mut Store,
    ) -> Result<Planned, CommandError> {
        if !saved.plan.has_changes() && saved.plan.sync.is_empty() {
            let planned = Planned::of_saved(saved);
            return Ok(planned);
        }
        let mut planned = match Planning::again(self.environment, saved).plan(session, store).await
        {
            Ok(planned) => planned,
            Err(CommandError::Diagnostics(found)) => {
                let reasons: Vec<String> =
                    found.reported.into_iter().map(|diagnostic| diagnostic.message).collect();
                return Err(refuse_stale(&reasons));
            }
            Err(error) => return Err(error),
        };
        let found = stale(&saved.plan, &planned.plan, &planned.observations);
        if !found.is_empty() {
            let is_done = |stale: &Stale| stale.what == StaleReason::NothingToDo;
            if found.len() == saved.plan.changes.len() && found.iter().all(is_done) {
                return Err(CommandError::new("there is nothing left to do for this plan")
                    .hint("It was applied already, or the org came to be so by other means."));
            }
            return Err(refuse_stale(&found.iter().map(ToString::to_string).collect::<Vec<_>>()));
        }
        let sync = std::mem::take(&mut planned.plan.sync);
        let known = |address: &Address| saved.plan.sync.contains_key(address);
        // Seats and rights may be others by now: the checks are today's.
        let findings = std::mem::take(&mut planned.plan.findings);
        planned.plan = saved.plan.clone();
        planned.plan.findings = findings;
        planned.plan.sync = sync.into_iter().filter(|(address, _)| known(address)).collect();
        planned.notices.extend(saved.notices.iter().cloned());
        Ok(planned)
    }

    fn show(&mut self, planned: &Planned) -> Result<(), CommandError> {
        self.events.planned(&planned.plan, &planned.notices, &planned.located)?;
        if self.wishes.read.json {
            return Ok(());
        }
        for notice in &planned.notices {
            self.output.line(&shown::line(notice))?;
        }
        self.output.line("")?;
        let text = plan_view::render(&planned.plan, self.output.painter(), self.wishes.write.view);
        self.output.print(&format!("{text}\n"))
    }

    /// What the checks found and nobody allows stops the run before the first
    /// write; the rest is reported.
    fn refuse_findings(&mut self, planned: &Planned) -> Result<(), CommandError> {
        let findings = &planned.plan.findings;
        let allowed = self.wishes.allowed;
        let refused: Vec<&Finding> =
            findings.iter().filter(|finding| !allowed.lets_through(finding)).collect();
        let is_reported = |finding: &Finding| {
            finding.severity == Severity::Warning || !allowed.lets_through(finding)
        };
        if !self.wishes.read.json {
            for (finding, diagnostic) in findings.iter().zip(&planned.located) {
                if is_reported(finding) {
                    self.output.finding(finding.severity, diagnostic);
                }
            }
        }
        if refused.is_empty() {
            return Ok(());
        }
        let checks = match refused.len() {
            1 => "a check".to_owned(),
            count => format!("{count} checks"),
        };
        let error = CommandError::new(format!(
            "{checks} before the first write failed; nothing was changed"
        ));
        let may_skip = refused
            .iter()
            .all(|finding| finding.severity == Severity::Error && !finding.check.is_absolute());
        Err(if may_skip {
            error.hint("If a check errs, --skip-preflight goes on without it; the org still has the last word.")
        } else {
            error
        })
    }

    /// Asks; a wish to stop is a no.
    async fn says_yes(&mut self, question: &str) -> Result<bool, CommandError> {
        let answer = ask(self.environment, self.output, question);
        Self::unless_stopped(&mut self.stops, answer).await.unwrap_or(Ok(false))
    }

    /// Says something to a person.
    fn say(&mut self, text: &str) -> Result<(), CommandError> {
        if self.wishes.read.json { Ok(()) } else { self.output.line(text) }
    }

    async fn apply_once(
        &mut self,
        session: &Session,
        store: &mut Store,
        planned: &mut Planned,
    ) -> Result<Outcome, CommandError> {
        let ops = planned.plan.ops.len();
        let human = !self.wishes.read.json;
        let progress = Shown::new(self.environment, human, self.events.clone(), ops);
        let options = ApplyOptions {
            parallelism: usize::from(self.wishes.write.parallelism),
            run: format!("{:016x}", (self.environment.entropy)()),
            clock: self.environment.clock.clone(),
            monotonic: self.environment.monotonic.clone(),
            wait: Duration::from_secs(u64::from(self.wishes.write.wait)),
            stops: Box::pin(self.stops.get_or_insert_with(|| (self.environment.stops)())),
        };
        let (plan, catalog) = (&planned.plan, &mut planned.catalog);
        let outcome = engine::apply(&session.org, store, plan, catalog, &progress, options).await;
        progress.finish();
        Ok(outcome?)
    }
}

/// Refuses a plan for another org.
fn check_org(saved: &SavedPlan, session: &Session) -> Result<(), CommandError> {
    if saved.org.id != session.identity.id {
        return Err(CommandError::new(format!(
            "the plan is for the org {} ({}), and this is {} ({})",
            saved.org.id,
            saved.org.instance_url,
            session.identity.id,
            session.identity.instance_url
        ))
        .hint("Sign in to that org, or plan for this one."));
    }
    Ok(())
}
