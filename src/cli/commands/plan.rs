//! `orgform plan`: shows what would change, and changes nothing.

use crate::cli::CHANGES_PRESENT;
use crate::cli::DONE;
use crate::cli::arguments::PlanArguments;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::cli::planning::Planning;
use crate::cli::session::Session;
use crate::cli::view::plan_json;
use crate::cli::view::plan_text;
use crate::cli::view::summary;
use crate::model::PlanMode;

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
    let mode = if arguments.destroy {
        PlanMode::Destroy { include_adopted: false }
    } else {
        PlanMode::Converge
    };
    let planning = Planning::new(environment, &arguments.read, mode)?;
    let session = Session::open(environment, &arguments.read.org).await?;
    let mut store = session.store(environment, "plan")?;
    let planned = planning.plan(&session, &mut store).await;
    // The answers of the org are worth keeping however it went.
    let closed = store.close();
    let usage = session.org.usage();
    let planned = match planned {
        Ok(planned) => planned,
        Err(error) => {
            session.close().await;
            return Err(error);
        }
    };
    closed?;
    if arguments.read.json {
        output.line(&plan_json::render(&planned, &session).to_string())?;
    } else {
        output.line(&session.banner())?;
        for notice in &planned.notices {
            output.line(notice)?;
        }
        output.line("")?;
        output.print(&plan_text::render(&planned.plan, output.painter()))?;
        let elapsed = (environment.clock)() - started;
        let cost = summary::cost(elapsed, &usage);
        output.line(&format!("Planned in {cost}"))?;
    }
    session.close().await;
    let has_changes = planned.plan.has_changes();
    Ok(if arguments.detailed_exitcode && has_changes { CHANGES_PRESENT } else { DONE })
}
