//! From arguments to what a workflow is about: declarations and a selection of them.

use super::arguments::ChoiceArguments;
use super::arguments::ReadArguments;
use super::environment::Environment;
use super::error::CommandError;
use super::plan_file;
use crate::model::AddressPattern;
use crate::model::PlanMode;
use crate::plan::Selection;
use crate::workflow::Declarations;

/// Reads the files that the arguments name. Nothing else has happened yet when they are
/// refused.
///
/// # Errors
/// Everything that is wrong with them.
pub fn declarations(
    environment: &Environment,
    read: &ReadArguments,
    mode: PlanMode,
) -> Result<Declarations, CommandError> {
    plan_file::refuse(&read.paths, &environment.folder)?;
    let reach = read.allowed.reach(&environment.folder, &read.paths);
    Ok(Declarations::read(&read.paths, reach, mode)?)
}

/// What the options choose.
///
/// # Errors
/// When one of them is empty.
pub fn selection(choice: &ChoiceArguments, replace: &[String]) -> Result<Selection, CommandError> {
    let patterns = |option: &str, texts: &[String]| {
        let pattern = |text: &String| {
            AddressPattern::new(text).ok_or_else(|| {
                CommandError::new(format!("{option} is given without an address"))
                    .hint("An address is a kind, a dot and a name: `user.qa@coconut.example`.")
            })
        };
        texts.iter().map(pattern).collect::<Result<Vec<_>, _>>()
    };
    Ok(Selection {
        targets: patterns("--target", &choice.target)?,
        excludes: patterns("--exclude", &choice.exclude)?,
        replaces: patterns("--replace", replace)?,
    })
}
