//! What apply and destroy say of what went wrong.

use crate::cli::output::Output;
use crate::engine::Failure;
use crate::engine::Outcome;
use crate::model::StepName;

/// What to do about what went wrong.
pub fn after_failures(output: &mut Output, outcome: &Outcome, command: &str) {
    if let Some(error) = &outcome.fatal {
        output.aside(&format!("The org takes no further calls: {error}"));
    }
    if !outcome.unknown.is_empty() {
        output.aside(
            "A mail that is not known to have gone out is never sent again by itself: ask its user, and press Reset Password in Setup where none came.",
        );
    }
    let kept_active =
        outcome.failures.iter().filter(|failure| failure.step == StepName::Deactivate);
    for failure in kept_active {
        output.aside(&format!(
            "{} is frozen, so that nobody logs in with it, and still active: its seat is taken. Mend what the org names, and run `orgform {command}` again.",
            failure.address
        ));
    }
    let is_unknown = |failure: &Failure| failure.cause.is_unknown();
    if outcome.interrupted && outcome.cut_off {
        output.aside(&format!(
            "Stopped. Calls were cut off: run `orgform {command}` again, which asks the org what became of them and goes on."
        ));
    } else if outcome.interrupted {
        output.aside(&format!(
            "Stopped. What was under way was finished and is recorded; run `orgform {command}` again to go on."
        ));
    } else if outcome.failures.iter().any(is_unknown) {
        output.aside(&format!(
            "Of some steps it is not known whether the org did them. Run `orgform {command}` again: it asks the org first, and only what is missing will be done."
        ));
    } else if !outcome.is_complete() {
        output.aside(&format!(
            "What was done is recorded. Mend the cause and run `orgform {command}` again: only what is missing will be done."
        ));
    }
}
