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
mod log;
mod output;
mod painter;
mod plan_file;
mod target;
mod view;
mod workflow_error;

use clap::Parser as _;
use tracing::instrument::WithSubscriber as _;

pub use environment::Environment;
pub use environment::Terminal;

use arguments::Arguments;
use arguments::Command;
use arguments::ExplainCommand;
use arguments::LocalCommand;
use arguments::LogArguments;
use arguments::StateCommand;
use error::CommandError;
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
    let LogArguments { verbose, log } = &arguments.log;
    let listener = match log::listener(&environment, *verbose, log.as_deref()) {
        Ok(listener) => listener,
        Err(error) => return output.error(&error),
    };
    let running = dispatch(arguments.command, &environment, &mut output);
    let result = match listener {
        Some(listener) => running.with_subscriber(listener).await,
        None => running.await,
    };
    match result {
        Ok(code) => code,
        Err(error) => output.error(&error),
    }
}

async fn dispatch(
    command: Command,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, CommandError> {
    match command {
        Command::Plan(arguments) => commands::plan::run(environment, output, arguments).await,
        Command::Apply(arguments) => commands::apply::run(environment, output, arguments).await,
        Command::Destroy(arguments) => commands::destroy::run(environment, output, arguments).await,
        Command::Show(arguments) => commands::show::run(environment, output, &arguments),
        Command::Explain { command: ExplainCommand::User(arguments) } => {
            commands::explain::run(environment, output, &arguments).await
        }
        Command::Graph(arguments) => commands::graph::run(environment, output, &arguments),
        Command::Validate(arguments) => commands::validate::run(environment, output, &arguments),
        Command::Fmt(arguments) => commands::fmt::run(environment, output, &arguments),
        Command::Completions { shell } => commands::completions::run(output, &shell),
        Command::Man { folder } => commands::completions::man(environment, output, &folder),
        Command::Schema => commands::schema::run(output),
        Command::State { command } => match command {
            StateCommand::List(arguments) => {
                commands::state::list(environment, output, arguments).await
            }
            StateCommand::Show(arguments) => {
                commands::state::show(environment, output, arguments).await
            }
            StateCommand::Check(arguments) => {
                commands::state_repair::check(environment, output, arguments).await
            }
            StateCommand::Restore(arguments) => {
                commands::state_repair::restore(environment, output, arguments).await
            }
        },
        Command::Local { command } | Command::Org { command } => match command {
            LocalCommand::Serve(arguments) => {
                commands::serve::run(environment, output, arguments).await
            }
            LocalCommand::Reset(arguments) => {
                commands::reset::run(environment, output, &arguments).await
            }
        },
    }
}
