//! What apply and destroy have in common: what they show and ask while a plan is made and
//! applied.

use std::time::Duration;

use super::advice::after_failures;
use crate::cli::DONE;
use crate::cli::FAILED;
use crate::cli::arguments::ReadArguments;
use crate::cli::arguments::WriteArguments;
use crate::cli::ask::ask;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::cli::target::banner;
use crate::cli::target::with_session;
use crate::cli::view::events::Events;
use crate::cli::view::findings;
use crate::cli::view::notices;
use crate::cli::view::plan_view;
use crate::cli::view::progress::Shown;
use crate::cli::view::summary;
use crate::cli::view::summary::milliseconds;
use crate::engine::Outcome;
use crate::model::PlanMode;
use crate::model::Severity;
use crate::text::shown;
use crate::workflow;
use crate::workflow::Access;
use crate::workflow::Consent;
use crate::workflow::Declarations;
use crate::workflow::Operator;
use crate::workflow::PlanOptions;
use crate::workflow::Planned;
use crate::workflow::RunError;
use crate::workflow::Session;
use crate::workflow::Work;
use crate::workflow::WriteOptions;

/// How a run is to go.
pub struct RunOptions<'a> {
    /// What is read, and how it is shown.
    pub read: &'a ReadArguments,
    /// How it is written.
    pub write: &'a WriteArguments,
    /// What is allowed that is refused otherwise.
    pub consent: Consent,
    /// What kind of run it is.
    pub mode: PlanMode,
}

impl RunOptions<'_> {
    /// How the plan that is applied is made.
    pub fn plan_options(&self) -> PlanOptions {
        PlanOptions {
            refresh: self.read.refresh,
            refresh_catalog: self.read.refresh_catalog,
            explains: false,
            is_to_be_applied: true,
        }
    }
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
    options: &RunOptions<'_>,
) -> Result<(), CommandError> {
    if options.write.auto_approve {
        return Ok(());
    }
    let (command, _, shows) = words(options.mode);
    let command = command.split(' ').next().unwrap_or(command);
    if options.read.json {
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
    options: RunOptions<'_>,
    (declarations, mut work): (&Declarations, Work<'_>),
) -> Result<u8, CommandError> {
    let (command, what, _) = words(options.mode);
    let started = (environment.monotonic)();
    let RunOptions { read, write, consent, .. } = options;
    let events = Events::open(environment, read.json, write.json_into.as_deref())?;
    with_session(environment, &read.org, async |session| {
        let console = Console { declarations, command, what, read, write };
        let mut run = Run { environment, output, console, session, events, has_begun: false };
        let options = WriteOptions {
            parallelism: usize::from(write.parallelism),
            wait: Duration::from_secs(u64::from(write.wait)),
        };
        let result = session
            .with_store(command, Access::ToApply, async |store| {
                run.begin()?;
                let applied =
                    workflow::apply((session, store), &mut work, (consent, options), &mut run);
                applied.await.map_err(|error| match error {
                    RunError::Workflow(error) => CommandError::of_workflow(error, declarations),
                    RunError::Operator(error) => error,
                })
            })
            .await;
        let usage = session.org.usage();
        let elapsed = milliseconds((environment.monotonic)().saturating_sub(started));
        let report = match result {
            Ok(report) => report,
            Err(error) => {
                if run.has_begun {
                    let refused = summary::refused(&error.message(), elapsed, &usage);
                    let _ = run.events.send(&refused);
                }
                return Err(error);
            }
        };
        let Some(report) = report else { return Ok(FAILED) };
        run.events.send(&summary::event(&report, elapsed, &usage))?;
        run.say(&summary::line(&report, what, elapsed, &usage))?;
        Ok(if report.is_complete() { DONE } else { FAILED })
    })
    .await
}

/// How a run shows itself.
struct Console<'a> {
    declarations: &'a Declarations,
    command: &'static str,
    what: &'static str,
    read: &'a ReadArguments,
    write: &'a WriteArguments,
}

/// One run of apply or destroy, as a person and programs see it.
struct Run<'a> {
    environment: &'a Environment,
    output: &'a mut Output,
    console: Console<'a>,
    session: &'a Session,
    events: Events,
    has_begun: bool,
}

impl Run<'_> {
    /// Says which org it is about.
    fn begin(&mut self) -> Result<(), CommandError> {
        self.has_begun = true;
        self.events.begin(self.console.command, &self.session.identity)?;
        self.say(&banner(&self.session.identity))
    }

    /// Says something to a person.
    fn say(&mut self, text: &str) -> Result<(), CommandError> {
        if self.console.read.json { Ok(()) } else { self.output.line(text) }
    }
}

impl Operator for Run<'_> {
    type Error = CommandError;
    type Progress = Shown;

    fn planned(&mut self, planned: &Planned) -> Result<(), CommandError> {
        let notices = notices::of(planned);
        let located = findings::located(&planned.plan.findings, self.console.declarations);
        self.events.planned(&planned.plan, &notices, &located)?;
        if self.console.read.json {
            return Ok(());
        }
        for notice in &notices {
            self.output.line(&shown::line(notice))?;
        }
        self.output.line("")?;
        let view = self.console.write.view;
        let text = plan_view::render(&planned.plan, self.output.painter(), view);
        self.output.print(&format!("{text}\n"))
    }

    fn checked(&mut self, planned: &Planned, consent: Consent) {
        if self.console.read.json {
            return;
        }
        let found = &planned.plan.findings;
        let located = findings::located(found, self.console.declarations);
        for (finding, diagnostic) in found.iter().zip(&located) {
            if finding.severity == Severity::Warning || !consent.lets_through(finding) {
                self.output.finding(finding.severity, diagnostic);
            }
        }
    }

    async fn approves(&mut self) -> Result<bool, CommandError> {
        ask(self.environment, self.output, &format!("{} this", self.console.what)).await
    }

    fn declined(&mut self) -> Result<(), CommandError> {
        self.say(&format!("{} cancelled; nothing was changed.", self.console.what))?;
        self.events.send(&summary::refused("cancelled", 0, &self.session.org.usage()))
    }

    fn begins(&mut self, ops: usize) -> Shown {
        Shown::new(self.environment, !self.console.read.json, self.events.clone(), ops)
    }

    fn ends(&mut self, progress: Shown) {
        progress.finish();
    }

    fn plans_again(&mut self) -> Result<(), CommandError> {
        self.say("")?;
        self.say(
            "The org's refusal says more about what permissions need. Planned again with that:",
        )
    }

    fn applied(&mut self, outcome: &Outcome, learned: bool) {
        if learned {
            self.output.aside(
                "The org's refusal says more about what permissions need than was known when the plan was made. Plan again: a saved plan is applied as it is.",
            );
        } else {
            after_failures(self.output, outcome, self.console.command);
        }
    }
}
