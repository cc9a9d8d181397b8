//! The edge: arguments, one file per command, and everything that prints.
//!
//! Typed errors of all modules become text, hints and exit codes here and only
//! here. The world is handed in as an [`Environment`]: nothing in the crate
//! asks a clock, an environment variable or a terminal by itself.

mod arguments;
mod ask;
mod commands;
mod completion;
mod environment;
mod error;
mod inputs;
mod output;
mod painter;
mod plan_file;
mod target;
mod view;
mod workflow_error;

use clap::Parser as _;

pub use environment::Environment;
pub use environment::Terminal;

use arguments::Arguments;
use arguments::Command;
use arguments::ExplainCommand;
use arguments::OrgCommand;
use arguments::StateCommand;
use output::Output;

use crate::text::shown;

/// Done, or nothing to do.
pub const DONE: u8 = 0;
/// Failed, wholly or in part, or interrupted.
pub const FAILED: u8 = 1;
/// Changes are present, with `--detailed-exitcode` only.
pub const CHANGES_PRESENT: u8 = 2;

/// An error of the command line, as it reads where nothing of the arguments is obeyed.
fn without_secrets(arguments: &[std::ffi::OsString], error: clap::Error) -> clap::Error {
    let shown = arguments.iter().map(|held| shown::line(&held.to_string_lossy()).into_owned());
    Arguments::try_parse_from(shown).err().unwrap_or(error)
}

/// Runs orgform and returns its exit code.
pub async fn run(arguments: Vec<std::ffi::OsString>, environment: Environment) -> u8 {
    let mut output = Output::new(&environment);
    if let Some(candidates) = completion::answer(&arguments, &environment) {
        let _ = output.print(&String::from_utf8_lossy(&candidates));
        return DONE;
    }
    let arguments = match Arguments::try_parse_from(&arguments) {
        Ok(arguments) => arguments,
        Err(error) => return output.usage(&without_secrets(&arguments, error)),
    };
    let result = match arguments.command {
        Command::Plan(arguments) => commands::plan::run(&environment, &mut output, arguments).await,
        Command::Apply(arguments) => {
            commands::apply::run(&environment, &mut output, arguments).await
        }
        Command::Destroy(arguments) => {
            commands::destroy::run(&environment, &mut output, arguments).await
        }
        Command::Show(arguments) => commands::show::run(&environment, &mut output, &arguments),
        Command::Explain { command: ExplainCommand::User(arguments) } => {
            commands::explain::run(&environment, &mut output, &arguments).await
        }
        Command::Graph(arguments) => commands::graph::run(&environment, &mut output, &arguments),
        Command::Validate(arguments) => {
            commands::validate::run(&environment, &mut output, &arguments)
        }
        Command::Fmt(arguments) => commands::fmt::run(&environment, &mut output, &arguments),
        Command::Completions { shell } => commands::completions::run(&mut output, &shell),
        Command::Man { folder } => commands::completions::man(&environment, &mut output, &folder),
        Command::Schema => commands::schema::run(&mut output),
        Command::State { command } => match command {
            StateCommand::List(arguments) => {
                commands::state::list(&environment, &mut output, arguments).await
            }
            StateCommand::Show(arguments) => {
                commands::state::show(&environment, &mut output, arguments).await
            }
            StateCommand::Check(arguments) => {
                commands::state_repair::check(&environment, &mut output, arguments).await
            }
            StateCommand::Restore(arguments) => {
                commands::state_repair::restore(&environment, &mut output, arguments).await
            }
        },
        Command::Org { command } => match command {
            OrgCommand::Serve(arguments) => {
                commands::serve::run(&environment, &mut output, arguments).await
            }
            OrgCommand::Reset(arguments) => {
                commands::reset::run(&environment, &mut output, &arguments).await
            }
        },
    };
    match result {
        Ok(code) => code,
        Err(error) => output.error(&error),
    }
}
