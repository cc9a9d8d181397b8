//! What apply and destroy say of what they don't do, and of what went wrong.

use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::engine::Failure;
use crate::engine::Outcome;
use crate::kinds::atom_words;
use crate::kinds::element_label;
use crate::kinds::learned_powers;
use crate::model::Plan;
use crate::model::StepName;

/// So many reasons are told why a saved plan is stale.
const REASONS: usize = 20;

/// A saved plan that no longer holds, and why.
pub fn refuse_stale(reasons: &[String]) -> CommandError {
    let mut error = CommandError::new(
        "the saved plan is stale: what it was made from has changed since, so that nothing was done",
    );
    for reason in reasons.iter().take(REASONS) {
        error = error.hint(reason.clone());
    }
    if reasons.len() > REASONS {
        error = error.hint(format!("And {} more.", reasons.len() - REASONS));
    }
    error.hint("Plan again with `orgform plan --out FILE`, and review that.")
}

/// Where nobody is asked, adopting takes nothing away by itself.
pub fn refuse_losses(plan: &Plan) -> Result<(), CommandError> {
    let losses = plan.losses();
    let Some((address, path, names)) = losses.first() else { return Ok(()) };
    let count: usize = losses.iter().map(|(_, _, names)| names.len()).sum();
    let grants = if count == 1 { "1 grant".to_owned() } else { format!("{count} grants") };
    let names: Vec<String> = names.iter().map(|name| element_label(path, name)).collect();
    Err(CommandError::new(format!(
        "adopting would take away {grants} that the org has and the files do not give, among them {} of {address}",
        names.join(", ")
    ))
    .hint("`orgform plan --view full` lists each. Write them into the files, or add --allow-loss."))
}

/// What only a refusal of the org says to be needed gives no power unasked.
pub fn refuse_learned_powers(plan: &Plan) -> Result<(), CommandError> {
    let with_powers = plan.changes.iter().map(|change| (change, learned_powers(change)));
    let Some((change, powers)) = with_powers.into_iter().find(|(_, powers)| !powers.is_empty())
    else {
        return Ok(());
    };
    let words: Vec<String> = powers.iter().map(|atom| atom_words(atom)).collect();
    Err(CommandError::new(format!(
        "a refusal of the org says that {} needs {}, which gives power and stands in no file; nothing of this plan was changed",
        change.address,
        words.join(", ")
    ))
    .hint("The plan above shows it. Write it into the file if it is meant, or apply in a terminal and answer yes."))
}

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
