//! `orgform apply`: plans, shows, asks, and makes it so.

use serde_json::json;

use crate::cli::DONE;
use crate::cli::FAILED;
use crate::cli::arguments::ApplyArguments;
use crate::cli::arguments::ReadArguments;
use crate::cli::arguments::WriteArguments;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::cli::planning::Planned;
use crate::cli::planning::Planning;
use crate::cli::session::Session;
use crate::cli::view::plan_text;
use crate::cli::view::progress::Shown;
use crate::cli::view::summary::Report;
use crate::engine;
use crate::engine::ApplyOptions;
use crate::engine::Outcome;
use crate::kinds::element_label;
use crate::model::Plan;
use crate::model::PlanMode;
use crate::state::Store;

/// How often a plan is made anew after a rejection taught something.
const LESSONS: usize = 3;

/// Runs the command.
///
/// # Errors
/// When no plan can be made, or it may not be applied.
pub async fn run(
    environment: &Environment,
    output: &mut Output,
    arguments: ApplyArguments,
) -> Result<u8, CommandError> {
    carry_out(
        environment,
        output,
        &arguments.read,
        &arguments.write,
        PlanMode::Converge,
        arguments.allow_loss,
    )
    .await
}

/// Plans and applies, to whatever end.
///
/// # Errors
/// When no plan can be made, or it may not be applied.
pub async fn carry_out(
    environment: &Environment,
    output: &mut Output,
    read: &ReadArguments,
    write: &WriteArguments,
    mode: PlanMode,
    allow_loss: bool,
) -> Result<u8, CommandError> {
    let (command, what, shows) = match mode {
        PlanMode::Converge => ("apply", "Apply", "orgform plan"),
        PlanMode::Destroy { .. } => ("destroy", "Destroy", "orgform plan --destroy"),
    };
    if read.json && !write.auto_approve {
        return Err(CommandError::new(format!(
            "with --json nobody is asked, and {command} asks before it changes anything"
        ))
        .hint("Add --auto-approve."));
    }
    let may_ask = environment.terminal.input && environment.terminal.output && !read.json;
    if !write.auto_approve && !may_ask {
        return Err(CommandError::new(format!(
            "{command} asks before it changes anything, and there is no terminal to ask on"
        ))
        .hint(format!(
            "Run it in a terminal, or add --auto-approve. `{shows}` shows what it would do."
        )));
    }
    let started = (environment.clock)();
    let planning = Planning::new(environment, read, mode)?;
    let session = Session::open(environment, &read.org).await?;
    let mut store = session.store(environment, command)?;
    let mut run = Run { environment, output: &mut *output, read, write, allow_loss, command, what };
    let result = run.until_settled(&planning, &session, &mut store).await;
    // However it went, what was done is made durable first.
    let closed = store.close();
    let usage = session.org.usage();
    session.close().await;
    let report = result?;
    closed?;
    let Some(report) = report else { return Ok(FAILED) };
    let elapsed = (environment.clock)() - started;
    if read.json {
        output.line(&report.event(elapsed, &usage).to_string())?;
    } else {
        output.line(&report.line(what, elapsed, &usage))?;
    }
    Ok(if report.is_complete() { DONE } else { FAILED })
}

/// One run of apply or destroy.
struct Run<'a> {
    environment: &'a Environment,
    output: &'a mut Output,
    read: &'a ReadArguments,
    write: &'a WriteArguments,
    allow_loss: bool,
    command: &'static str,
    what: &'static str,
}

impl Run<'_> {
    /// Plans and applies until there is nothing left that a rejection taught;
    /// `None` when the user said no.
    async fn until_settled(
        &mut self,
        planning: &Planning<'_>,
        session: &Session,
        store: &mut Store,
    ) -> Result<Option<Report>, CommandError> {
        if !self.read.json {
            self.output.line(&session.banner())?;
        }
        let mut report = Report::default();
        for lesson in 0.. {
            let mut planned = planning.plan(session, store).await?;
            show(self.output, self.read, &planned)?;
            if !planned.plan.has_changes() && planned.plan.sync.is_empty() {
                if lesson == 0 {
                    report.done.no_op = planned.plan.summary.no_op;
                }
                break;
            }
            if self.write.auto_approve && !self.allow_loss {
                refuse_losses(&planned.plan)?;
            }
            let must_ask = !self.write.auto_approve && planned.plan.has_changes();
            if must_ask && !ask(self.environment, self.output, self.what)? {
                self.output.line(&format!("{} cancelled; nothing was changed.", self.what))?;
                return Ok(None);
            }
            let outcome = self.apply_once(session, store, &mut planned).await?;
            report.add(&planned.plan, &outcome);
            let learned_something =
                !outcome.learned.is_empty() && !outcome.interrupted && outcome.fatal.is_none();
            if !learned_something || lesson >= LESSONS {
                after_failures(self.output, &outcome, self.command);
                break;
            }
            if !self.read.json {
                self.output.line("")?;
                self.output.line(
                    "The org's refusal says more about what permissions need. Planned again with that:",
                )?;
            }
        }
        Ok(Some(report))
    }

    async fn apply_once(
        &self,
        session: &Session,
        store: &mut Store,
        planned: &mut Planned,
    ) -> Result<Outcome, CommandError> {
        let progress = Shown::new(self.environment, self.read.json, planned.plan.ops.len());
        let options = ApplyOptions {
            parallelism: usize::from(self.write.parallelism),
            run: format!("{:016x}", (self.environment.entropy)()),
            clock: self.environment.clock.clone(),
            stop: (self.environment.stop)(),
        };
        let (plan, catalog) = (&planned.plan, &mut planned.catalog);
        let outcome = engine::apply(&session.org, store, plan, catalog, &progress, options).await;
        progress.finish();
        Ok(outcome?)
    }
}

fn show(output: &mut Output, read: &ReadArguments, planned: &Planned) -> Result<(), CommandError> {
    if read.json {
        for notice in &planned.notices {
            output.line(&json!({"type": "notice", "text": notice}).to_string())?;
        }
        return Ok(());
    }
    for notice in &planned.notices {
        output.line(notice)?;
    }
    output.line("")?;
    let text = plan_text::render(&planned.plan, output.painter());
    output.line(&text)
}

/// Where nobody is asked, adopting takes nothing away by itself.
fn refuse_losses(plan: &Plan) -> Result<(), CommandError> {
    let losses = plan.losses();
    let Some((address, path, names)) = losses.first() else { return Ok(()) };
    let count: usize = losses.iter().map(|(_, _, names)| names.len()).sum();
    let grants = if count == 1 { "1 grant".to_owned() } else { format!("{count} grants") };
    let names: Vec<String> = names.iter().map(|name| element_label(path, name)).collect();
    Err(CommandError::new(format!(
        "adopting would take away {grants} that the org has and the files do not give, among them {} of {address}",
        names.join(", ")
    ))
    .hint("The plan above lists each. Write them into the files, or add --allow-loss."))
}

/// Asks on the terminal; only `yes` is a yes.
fn ask(environment: &Environment, output: &mut Output, what: &str) -> Result<bool, CommandError> {
    output.print(&format!("{what} this? Only `yes` is taken as a yes: "))?;
    let mut answer = Vec::new();
    let mut input = environment.input.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut byte = [0];
    while let Ok(1) = input.read(&mut byte) {
        if byte[0] == b'\n' || answer.len() > 100 {
            break;
        }
        answer.push(byte[0]);
    }
    Ok(answer.trim_ascii() == b"yes")
}

/// What to do about what went wrong.
fn after_failures(output: &mut Output, outcome: &Outcome, command: &str) {
    if let Some(error) = &outcome.fatal {
        output.aside(&format!("The org takes no further calls: {error}"));
    }
    for address in &outcome.unknown {
        output.aside(&format!(
            "{address}: the connection broke while the password mail was being sent, so it is not known whether it went out. It will not be sent again."
        ));
    }
    if outcome.interrupted {
        output.aside(&format!(
            "Stopped. What was under way was finished and is recorded; run `orgform {command}` again to go on."
        ));
    } else if !outcome.is_complete() {
        output.aside(&format!(
            "What was done is recorded. Mend the cause and run `orgform {command}` again: only what is missing will be done."
        ));
    }
}
