//! `orgform validate`: whether the files are well, without asking any org.

use crate::cli::DONE;
use crate::cli::FAILED;
use crate::cli::arguments::ValidateArguments;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::cli::plan_file;
use crate::cli::view::diagnostics_json;
use crate::config;
use crate::config::ConfigError;
use crate::config::Found;
use crate::text::words::counted;

/// Runs the command.
///
/// # Errors
/// When the files can't be read; what is wrong in them is the answer.
pub fn run(
    environment: &Environment,
    output: &mut Output,
    arguments: &ValidateArguments,
) -> Result<u8, CommandError> {
    plan_file::refuse(&arguments.paths, &environment.folder)?;
    let reach = arguments.allowed.reach(&environment.folder, &arguments.paths);
    let is_for_programs = arguments.json || arguments.sarif;
    let (found, counts) = match config::load(&arguments.paths, &reach) {
        Ok(config) => (Found::default(), (config.files.len(), config.declared.len())),
        Err(ConfigError::Diagnostics(found)) if is_for_programs => (found, (0, 0)),
        Err(error) => return Err(error.into()),
    };
    let (files, resources) = counts;
    if arguments.sarif {
        output.json(&diagnostics_json::sarif(&found))?;
    } else if arguments.json {
        output.json(&diagnostics_json::document(&found, resources))?;
    } else {
        let (files, resources) = (counted(files, "file"), counted(resources, "resource"));
        output.line(&format!(
            "{files} with {resources}: nothing is wrong in them. What only the org can know, `orgform plan` checks."
        ))?;
    }
    Ok(if found.is_empty() { DONE } else { FAILED })
}
