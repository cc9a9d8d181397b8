//! `orgform completions`: what a shell needs to complete, and `orgform man`:
//! the manual's pages.

use std::path::Path;

use clap::CommandFactory as _;

use crate::cli::DONE;
use crate::cli::arguments::Arguments;
use crate::cli::completion;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;

/// Prints the script for a shell.
///
/// # Errors
/// When there is none for that shell.
pub fn run(output: &mut Output, shell: &str) -> Result<u8, CommandError> {
    output.print(&completion::script(shell)?)?;
    Ok(DONE)
}

/// Writes a page for each command into a folder.
///
/// # Errors
/// When the folder can't be written.
pub fn man(
    environment: &Environment,
    output: &mut Output,
    folder: &Path,
) -> Result<u8, CommandError> {
    let place = environment.folder.join(folder);
    let failed = |error: std::io::Error| {
        CommandError::new(format!("`{}` can't be written: {error}", folder.display()))
            .hint("Name a folder for the pages, for example ~/.local/share/man/man1.")
    };
    std::fs::create_dir_all(&place).map_err(failed)?;
    let mut command = Arguments::command();
    command.build();
    let pages = pages(&command, "orgform", &place).map_err(failed)?;
    output.line(&format!("{pages} pages are in {}.", folder.display()))?;
    Ok(DONE)
}

fn pages(command: &clap::Command, name: &str, folder: &Path) -> std::io::Result<usize> {
    let mut text = Vec::new();
    // A page is known by the whole name of its command.
    let whole: &'static str = Box::leak(name.to_owned().into_boxed_str());
    clap_mangen::Man::new(command.clone().name(whole)).render(&mut text)?;
    let page = folder.join(format!("{name}.1"));
    let found = std::fs::symlink_metadata(&page);
    if found.is_ok_and(|found| !found.is_file()) {
        return Err(std::io::Error::other(format!("{name}.1 is no regular file")));
    }
    std::fs::write(&page, text)?;
    let mut written = 1;
    for further in command.get_subcommands().filter(|further| !further.is_hide_set()) {
        written += pages(further, &format!("{name}-{}", further.get_name()), folder)?;
    }
    Ok(written)
}
