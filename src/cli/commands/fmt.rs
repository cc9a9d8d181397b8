//! `orgform fmt`: the usual layout of YAML files. Only white space is touched,
//! so that comments stay; a file that would say something else is left alone.

use std::path::Path;
use std::path::PathBuf;
use std::sync::PoisonError;

use similar::TextDiff;

use crate::cli::DONE;
use crate::cli::FAILED;
use crate::cli::arguments::FmtArguments;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::cli::plan_file;
use crate::config;
use crate::config::ConfigError;
use crate::config::Diagnostic;
use crate::config::FormatError;
use crate::config::Found;
use crate::config::Source;
use crate::disk;

/// Stands for standard input.
const STANDARD_INPUT: &str = "-";

/// Runs the command.
///
/// # Errors
/// When a file can't be read or written, or is no YAML; those after it are not
/// touched then.
pub fn run(
    environment: &Environment,
    output: &mut Output,
    arguments: &FmtArguments,
) -> Result<u8, CommandError> {
    let folder = &environment.folder;
    if arguments.paths.iter().any(|path| path.as_os_str() == STANDARD_INPUT) {
        if arguments.paths.len() > 1 {
            return Err(CommandError::new("standard input stands beside other paths")
                .hint("Give `-` alone, or only files."));
        }
        return standard_input(environment, output, arguments);
    }
    plan_file::refuse(&arguments.paths, folder)?;
    let files = config::find_files(&arguments.paths, folder).map_err(ConfigError::Files)?;
    let reach = arguments.allowed.reach(folder, &arguments.paths);
    let mut formatted: Vec<(PathBuf, Source, String)> = Vec::new();
    let mut left_alone = Vec::new();
    // All are read before the first is written.
    for path in files {
        let source = config::read_file(&reach, &path).map_err(ConfigError::Files)?;
        match config::format(&source) {
            Ok(text) if text == *source.text => {}
            Ok(text) => formatted.push((path, source, text)),
            Err(FormatError::Unreadable(found)) => return Err(refused(found)),
            Err(FormatError::WouldChange) => left_alone.push(path),
        }
    }
    for (path, source, text) in &formatted {
        if arguments.diff {
            output.print(&difference(path, &source.text, text))?;
        } else {
            output.line(&path.display().to_string())?;
        }
        if !arguments.check {
            disk::rewrite(&folder.join(path), text.as_bytes())
                .map_err(|error| CommandError::new(disk::describe(path, &error)))?;
        }
    }
    for path in &left_alone {
        output.aside(&format!(
            "{}: left as it is, since with another layout it would say something else",
            path.display()
        ));
    }
    let is_well = left_alone.is_empty() && (formatted.is_empty() || !arguments.check);
    Ok(if is_well { DONE } else { FAILED })
}

fn standard_input(
    environment: &Environment,
    output: &mut Output,
    arguments: &FmtArguments,
) -> Result<u8, CommandError> {
    let mut text = String::new();
    let mut input = environment.input.lock().unwrap_or_else(PoisonError::into_inner);
    input
        .read_to_string(&mut text)
        .map_err(|error| CommandError::new(format!("standard input can't be read: {error}")))?;
    let source = Source::new(STANDARD_INPUT, &text);
    match config::format(&source) {
        Ok(formatted) if arguments.check => Ok(if formatted == text { DONE } else { FAILED }),
        Ok(formatted) if arguments.diff => {
            output.print(&difference(Path::new(STANDARD_INPUT), &text, &formatted))?;
            Ok(DONE)
        }
        Ok(formatted) => {
            output.file(&formatted)?;
            Ok(DONE)
        }
        Err(FormatError::Unreadable(found)) => Err(refused(found)),
        Err(FormatError::WouldChange) => {
            Err(CommandError::new("with another layout it would say something else"))
        }
    }
}

fn refused(found: Vec<Diagnostic>) -> CommandError {
    CommandError::Diagnostics(Found::from(found).map(Diagnostic::without_secrets))
}

fn difference(path: &Path, old: &str, new: &str) -> String {
    let name = path.display().to_string();
    let difference = TextDiff::from_lines(old, new);
    difference.unified_diff().header(&name, &name).to_string()
}
