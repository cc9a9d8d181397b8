//! The question before something is done.

use super::environment::Environment;
use super::error::CommandError;
use super::output::Output;

/// Longer than any answer that is meant.
const LONGEST: usize = 100;

/// Asks on the terminal; only `yes` is a yes.
///
/// # Errors
/// When the question can't be printed.
pub fn ask(
    environment: &Environment,
    output: &mut Output,
    what: &str,
) -> Result<bool, CommandError> {
    output.print(&format!("{what}? Only `yes` is taken as a yes: "))?;
    let mut answer = Vec::new();
    let mut input = environment.input.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut byte = [0];
    while let Ok(1) = input.read(&mut byte) {
        if byte[0] == b'\n' || answer.len() > LONGEST {
            break;
        }
        answer.push(byte[0]);
    }
    Ok(answer.trim_ascii() == b"yes")
}
