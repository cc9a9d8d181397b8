//! `orgform destroy`: takes away what orgform made in an org.

use super::apply::carry_out;
use crate::cli::arguments::DestroyArguments;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
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
    let mode = PlanMode::Destroy { include_adopted: arguments.include_adopted };
    carry_out(environment, output, &arguments.read, &arguments.write, mode, true).await
}
