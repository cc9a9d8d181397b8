//! `orgform destroy`: takes away what orgform made in an org.

use super::carry_out::RunOptions;
use super::carry_out::carry_out;
use super::carry_out::check_asking;
use crate::cli::arguments::DestroyArguments;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::inputs::declarations;
use crate::cli::inputs::selection;
use crate::cli::output::Output;
use crate::model::PlanMode;
use crate::workflow::Consent;
use crate::workflow::Planning;
use crate::workflow::Work;

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
    let consent = Consent {
        auto_approve: arguments.write.auto_approve,
        losses: true,
        removals: u64::MAX,
        updates: u64::MAX,
        errors: arguments.skip_preflight,
    };
    let options = RunOptions { read, write: &arguments.write, consent, mode };
    check_asking(environment, &options)?;
    let selection = selection(&arguments.choice, &[])?;
    let declarations = declarations(environment, read, mode)?;
    let planning = Planning::new(&declarations, mode, selection, options.plan_options());
    let work = Work::Plan(Box::new(planning));
    carry_out(environment, output, options, (&declarations, work)).await
}
