//! `orgform schema`: the JSON Schema of the files, for editors.

use crate::cli::DONE;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::config;

/// Runs the command.
///
/// # Errors
/// When nobody reads the output.
pub fn run(output: &mut Output) -> Result<u8, CommandError> {
    let text = serde_json::to_string_pretty(&config::schema()).unwrap_or_default();
    output.print(&format!("{text}\n"))?;
    Ok(DONE)
}
