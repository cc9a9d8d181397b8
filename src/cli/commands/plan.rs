//! `orgform plan`: shows what would change, and changes nothing.

use crate::cli::CHANGES_PRESENT;
use crate::cli::DONE;
use crate::cli::FAILED;
use crate::cli::arguments::PlanArguments;
use crate::cli::arguments::selection;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::cli::plan_file;
use crate::cli::planning::Planning;
use crate::cli::session::Session;
use crate::cli::view::findings;
use crate::cli::view::plan_json;
use crate::cli::view::plan_markdown;
use crate::cli::view::plan_view;
use crate::cli::view::summary;
use crate::model::PlanMode;
use crate::model::Severity;
use crate::plan::SavedPlan;
use crate::text::shown;

/// Runs the command.
///
/// # Errors
/// When no plan can be made.
pub async fn run(
    environment: &Environment,
    output: &mut Output,
    arguments: PlanArguments,
) -> Result<u8, CommandError> {
    let started = (environment.clock)();
    let begun = (environment.monotonic)();
    let mode = if arguments.destroy {
        PlanMode::Destroy {
            include_adopted: arguments.include_adopted,
            rename_usernames: arguments.rename_usernames,
        }
    } else if arguments.replace.refresh_only {
        PlanMode::RefreshOnly
    } else {
        PlanMode::Converge
    };
    let folder = &environment.folder;
    if let Some(path) = &arguments.out {
        plan_file::check_place(path, folder)?;
    }
    let selection = selection(&arguments.choice, &arguments.replace.replace)?;
    let planning = Planning::new(environment, &arguments.read, mode, selection)?.explaining();
    let session = Session::open(environment, &arguments.read.org).await?;
    let mut store = session.store_to_plan(environment, "plan").await?;
    let planned = planning.plan(&session, &mut store).await;
    let sealing = arguments.out.as_ref().map(|_| plan_file::key(environment, &store));
    let lineage = store.lineage().to_owned();
    // The answers of the org are worth keeping however it went.
    let closed = store.close().await;
    let usage = session.org.usage();
    let identity = session.identity.clone();
    let banner = session.banner();
    session.close().await;
    let planned = planned?;
    closed?;
    let mut kept = None;
    if let (Some(path), Some(key)) = (&arguments.out, sealing) {
        let saved = SavedPlan::new(
            identity.clone(),
            lineage,
            started / 1000,
            planned.notices.clone(),
            planned.plan.clone(),
            &planned.desired,
            &planned.choice,
        );
        kept = Some((path, plan_file::write(path, folder, &saved, &key?)?));
    }
    if arguments.read.json {
        let mut document =
            plan_json::render(&planned.plan, &identity, &planned.notices, &planned.located);
        if let Some((path, digest)) = kept {
            document["saved"] = plan_json::saved(path, digest);
        }
        output.json(&document)?;
    } else if arguments.view.markdown {
        let text =
            plan_markdown::render(&planned.plan, &identity, &planned.notices, &planned.located);
        output.print(&text)?;
        if let Some((_, digest)) = kept {
            output.line(&format!("The digest of the saved plan is `{digest}`."))?;
        }
    } else {
        output.line(&banner)?;
        for notice in &planned.notices {
            output.line(&shown::line(notice))?;
        }
        output.line("")?;
        output.print(&plan_view::render(&planned.plan, output.painter(), arguments.view.view))?;
        let found = findings::render(&planned.plan.findings, &planned.located, output.painter());
        if !found.is_empty() {
            output.line("")?;
            output.print(&found)?;
        }
        let elapsed = summary::milliseconds((environment.monotonic)().saturating_sub(begun));
        let cost = summary::cost(elapsed, &usage);
        output.line(&format!("Planned in {cost}"))?;
        if let Some((path, digest)) = kept {
            let path = path.display();
            output.line(&format!("Kept in {path}: `orgform apply {path}` does exactly this."))?;
            output.line(&format!(
                "On a machine without this state: `orgform apply {path} --digest {digest}`."
            ))?;
        }
    }
    let has_changes = match mode {
        PlanMode::RefreshOnly => !planned.plan.sync.is_empty(),
        _ => planned.plan.has_changes(),
    };
    let is_refused = planned.plan.findings.iter().any(|found| found.severity == Severity::Error);
    // The process ends here: what a large plan is made from need not be given back
    // piece by piece.
    std::mem::forget((planning, planned));
    if is_refused {
        return Ok(FAILED);
    }
    Ok(if arguments.detailed_exitcode && has_changes { CHANGES_PRESENT } else { DONE })
}
