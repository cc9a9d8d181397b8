//! `orgform graph`: what needs what, drawn.

use crate::cli::DONE;
use crate::cli::arguments::GraphArguments;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::cli::plan_file;
use crate::cli::view::picture::Picture;
use crate::config;
use crate::kinds::Scope as _;
use crate::model::Address;
use crate::plan::Desired;

/// Runs the command.
///
/// # Errors
/// When the files can't be used.
pub fn run(
    environment: &Environment,
    output: &mut Output,
    arguments: &GraphArguments,
) -> Result<u8, CommandError> {
    plan_file::refuse(&arguments.paths, &environment.folder)?;
    let config = config::load(
        &arguments.paths,
        &arguments.allowed.reach(&environment.folder, &arguments.paths),
    )?;
    let desired = Desired::new(config.declared, Vec::new());
    let saved = match &arguments.plan {
        Some(path) => Some(plan_file::read(path, &environment.folder)?.plan),
        None => None,
    };
    let picture = Picture::of(&desired, saved.as_ref().map(|saved| &saved.plan)).grouped();
    let is_another = saved.as_ref().is_some_and(|saved| {
        let changes = &saved.plan.changes;
        let declares = |address: &Address| desired.declared(address).is_some();
        !changes.is_empty() && !changes.iter().any(|change| declares(&change.address))
    });
    if is_another {
        output.aside("Nothing that the plan changes is declared in these files: name those that it was made from.");
    }
    output.print(&picture.render(arguments.format))?;
    Ok(DONE)
}
