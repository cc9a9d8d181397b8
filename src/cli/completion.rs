//! Completion on the command line: the shell asks orgform itself, so that
//! addresses in the state and names of orgs are offered too.

use crate::model::KindName;
use std::ffi::OsString;

use clap::CommandFactory as _;
use clap_complete::engine::ArgValueCandidates;
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::EnvCompleter;
use clap_complete::env::Shells;

use super::arguments::Arguments;
use super::environment::Environment;
use super::error::CommandError;
use crate::state;

/// The variable by which a shell asks.
const VARIABLE: &str = "ORGFORM_COMPLETE";
/// The most addresses that are offered.
const MOST: usize = 2_000;

/// The script that makes a shell ask.
///
/// # Errors
/// When the shell is not one that can.
pub fn script(shell: &str) -> Result<String, CommandError> {
    let shells = Shells::builtins();
    let completer = shells.completer(shell).ok_or_else(|| {
        let known: Vec<&str> = shells.names().collect();
        CommandError::new(format!("there is no completion for `{shell}`"))
            .hint(format!("There is for {}.", known.join(", ")))
    })?;
    let mut text = Vec::new();
    completer
        .write_registration(VARIABLE, "orgform", "orgform", "orgform", &mut text)
        .map_err(|error| CommandError::new(error.to_string()))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The answer to a shell that asks; `None` in an ordinary run.
pub fn answer(arguments: &[OsString], environment: &Environment) -> Option<Vec<u8>> {
    let shell = (environment.variable)(VARIABLE)?;
    let shells = Shells::builtins();
    let completer: &dyn EnvCompleter = shells.completer(&shell)?;
    // What comes after `--` is the line as far as it was typed.
    let typed: Vec<OsString> =
        arguments.iter().skip_while(|argument| *argument != "--").skip(1).cloned().collect();
    let mut command = with_values(Arguments::command(), environment);
    command.build();
    let mut text = Vec::new();
    completer
        .write_complete(&mut command, typed, Some(environment.folder.as_path()), &mut text)
        .ok()?;
    Some(text)
}

/// The command line with what only this folder knows.
fn with_values(command: clap::Command, environment: &Environment) -> clap::Command {
    let names: Vec<String> =
        command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let command = command.mut_args(|argument| of_argument(argument, environment));
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |command| with_values(command, environment))
    })
}

fn of_argument(argument: clap::Arg, environment: &Environment) -> clap::Arg {
    match argument.get_id().as_str() {
        "target" | "exclude" | "replace" | "address" => {
            let folder = environment.folder.join("state");
            argument.add(ArgValueCandidates::new(move || {
                let addresses = state::recorded_addresses(&folder, MOST);
                addresses
                    .iter()
                    .map(|address| CompletionCandidate::new(address.to_string()))
                    .collect()
            }))
        }
        "username" => {
            let folder = environment.folder.join("state");
            argument.add(ArgValueCandidates::new(move || {
                let addresses = state::recorded_addresses(&folder, MOST);
                addresses
                    .iter()
                    .filter(|address| address.is(KindName::USER))
                    .map(|address| CompletionCandidate::new(address.name()))
                    .collect()
            }))
        }
        "org" => argument.add(ArgValueCandidates::new(|| {
            vec![
                CompletionCandidate::new("local").help(Some("the local org inside orgform".into())),
            ]
        })),
        _ => argument,
    }
}
