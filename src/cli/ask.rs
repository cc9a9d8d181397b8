//! The question before something is done.

use std::io::Read;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use super::environment::Environment;
use super::error::CommandError;
use super::output::Output;

/// Longer than any answer that is meant.
const LONGEST: usize = 100;

/// Asks on the terminal; only `yes` is a yes. The answer is read on a thread of its own,
/// so that a wish to stop need not wait for it.
///
/// # Errors
/// When the question can't be printed.
pub async fn ask(
    environment: &Environment,
    output: &mut Output,
    what: &str,
) -> Result<bool, CommandError> {
    output.print(&format!("{what}? Only `yes` is taken as a yes: "))?;
    Ok(line(environment).await.trim() == "yes")
}

/// A line that is typed, at most so long.
pub async fn line(environment: &Environment) -> String {
    let (told, answer) = tokio::sync::oneshot::channel();
    let input = Arc::clone(&environment.input);
    std::thread::spawn(move || {
        let _ = told.send(read(&input));
    });
    answer.await.unwrap_or_default()
}

fn read(input: &Mutex<dyn Read + Send>) -> String {
    let mut answer = Vec::new();
    let mut input = input.lock().unwrap_or_else(PoisonError::into_inner);
    let mut byte = [0];
    while let Ok(1) = input.read(&mut byte) {
        if byte[0] == b'\n' || answer.len() > LONGEST {
            break;
        }
        answer.push(byte[0]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}
