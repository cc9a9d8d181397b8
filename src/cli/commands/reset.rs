//! `orgform local reset`: forgets the local org, so that the next run begins
//! with a new one.

use crate::cli::DONE;
use crate::cli::arguments::ResetArguments;
use crate::cli::ask::ask;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::local_org::StoredOrg;
use crate::text::words::counted;
use crate::workflow::LOCAL_ORG;

/// Runs the command.
///
/// # Errors
/// When the org is being served, can't be removed, or nobody can be asked.
pub async fn run(
    environment: &Environment,
    output: &mut Output,
    arguments: &ResetArguments,
) -> Result<u8, CommandError> {
    let state_dir = environment.folder.join(&arguments.state_dir);
    let folder = match &arguments.data {
        Some(folder) => environment.folder.join(folder),
        None => state_dir.join(LOCAL_ORG),
    };
    let Some(org) = StoredOrg::open(&folder)? else {
        output.line(&format!("There is no local org in {}.", folder.display()))?;
        return Ok(DONE);
    };
    let users = counted(org.users, "user");
    output.line(&format!("The local org {} in {} has {users}.", org.org_id, folder.display()))?;
    if !arguments.auto_approve {
        if !environment.terminal.input {
            return Err(CommandError::new("nobody can be asked whether to forget this org")
                .hint("Without a terminal, add --auto-approve."));
        }
        if !ask(environment, output, "Forget it").await? {
            output.line("Nothing was changed.")?;
            return Ok(DONE);
        }
    }
    let recorded = state_dir.join(&org.org_id);
    org.remove()?;
    output.line("The local org is forgotten. The next run begins with a new one.")?;
    if arguments.data.is_none() && recorded.exists() {
        output.line(&format!(
            "Its state is still in {}; it is of no more use, since the new org has another id.",
            recorded.display()
        ))?;
    }
    Ok(DONE)
}
