//! `orgform apply`: plans, shows, asks, and makes it so; or does what a saved
//! plan says.

use super::carry_out::RunOptions;
use super::carry_out::carry_out;
use super::carry_out::check_asking;
use crate::cli::arguments::ApplyArguments;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::inputs::declarations;
use crate::cli::inputs::selection;
use crate::cli::output::Output;
use crate::cli::plan_file;
use crate::model::PlanMode;
use crate::workflow::Consent;
use crate::workflow::Declarations;
use crate::workflow::Planning;
use crate::workflow::Work;

/// Runs the command.
///
/// # Errors
/// When no plan can be made, or it may not be applied.
pub async fn run(
    environment: &Environment,
    output: &mut Output,
    arguments: ApplyArguments,
) -> Result<u8, CommandError> {
    let read = &arguments.read;
    let consent = Consent {
        auto_approve: arguments.write.auto_approve,
        losses: arguments.allow_loss,
        removals: arguments.allow_removals.unwrap_or(0),
        updates: arguments.allow_updates.unwrap_or(0),
        errors: arguments.skip_preflight,
    };
    if let Some(path) = plan_file::among(&read.paths, &environment.folder)? {
        refuse_other_options(&arguments)?;
        let sealed = plan_file::read(path, &environment.folder)?;
        let declarations = Declarations::of_saved(&sealed.plan);
        let mode = sealed.plan.plan.mode;
        let options = RunOptions { read, write: &arguments.write, consent, mode };
        let digest = arguments.digest;
        let sealed = Box::new(sealed);
        let work = Work::Saved { declarations: &declarations, sealed, digest };
        return carry_out(environment, output, options, (&declarations, work)).await;
    }
    if arguments.digest.is_some() {
        return Err(CommandError::new(
            "--digest says which saved plan is meant, and no saved plan is given",
        )
        .hint("`orgform apply FILE --digest HEX` applies the plan that `plan --out FILE` kept."));
    }
    let mode =
        if arguments.replace.refresh_only { PlanMode::RefreshOnly } else { PlanMode::Converge };
    let options = RunOptions { read, write: &arguments.write, consent, mode };
    check_asking(environment, &options)?;
    let selection = selection(&arguments.choice, &arguments.replace.replace)?;
    let declarations = declarations(environment, read, mode)?;
    let planning = Planning::new(&declarations, mode, selection, options.plan_options());
    let work = Work::Plan(Box::new(planning));
    carry_out(environment, output, options, (&declarations, work)).await
}

/// A saved plan is applied as it is.
fn refuse_other_options(arguments: &ApplyArguments) -> Result<(), CommandError> {
    let replace = &arguments.replace;
    let given = [
        ("--target", !arguments.choice.target.is_empty()),
        ("--exclude", !arguments.choice.exclude.is_empty()),
        ("--replace", !replace.replace.is_empty()),
        ("--refresh-only", replace.refresh_only),
        ("--refresh=false", !arguments.read.refresh),
    ];
    match given.iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((option, _)) => Err(CommandError::new(format!(
            "{option} changes what is planned, and a saved plan is applied as it is"
        ))
        .hint(format!("Give {option} to `orgform plan --out FILE`."))),
    }
}
