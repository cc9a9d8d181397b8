//! `orgform graph`: what needs what, drawn.

use crate::cli::DONE;
use crate::cli::arguments::GraphArguments;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::cli::plan_file;
use crate::cli::view::picture::Picture;
use crate::config;
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
    let config = config::load(&arguments.paths, &environment.folder)?;
    let desired = Desired::new(config.declared, Vec::new());
    let saved = match &arguments.plan {
        Some(path) => Some(plan_file::read(path, &environment.folder)?),
        None => None,
    };
    let picture = Picture::of(&desired, saved.as_ref().map(|saved| &saved.plan)).grouped();
    output.print(&picture.render(arguments.format))?;
    Ok(DONE)
}
