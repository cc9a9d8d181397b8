//! `orgform destroy`: takes away what orgform made in an org.

use super::carry_out::Allowed;
use super::carry_out::Wishes;
use super::carry_out::Work;
use super::carry_out::carry_out;
use super::carry_out::check_asking;
use crate::cli::arguments::DestroyArguments;
use crate::cli::arguments::selection;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::cli::planning::Planning;
use crate::model::PlanMode;

/// Runs the command.
///
/// # Errors
/// When no plan can be made, or it may not be applied.
pub async fn run(
    environment: &Environment,
    output: &mut Output,
    arguments: DestroyArguments,
) -> Result<u8, CommandError> {
    let mode = PlanMode::Destroy {
        include_adopted: arguments.include_adopted,
        rename_usernames: arguments.rename_usernames,
    };
    let read = &arguments.read;
    // It takes away what its own question is about; --skip-preflight is there
    // for a check that errs.
    let allowed = Allowed {
        losses: true,
        removals: u64::MAX,
        updates: u64::MAX,
        errors: arguments.skip_preflight,
    };
    let wishes = Wishes { read, write: &arguments.write, allowed };
    check_asking(environment, &wishes, mode)?;
    let selection = selection(&arguments.choice, &[])?;
    let planning = Planning::new(environment, read, mode, selection)?.applying();
    carry_out(environment, output, wishes, Work::Plan(Box::new(planning)), mode).await
}
