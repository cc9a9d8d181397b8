//! `orgform state check` and `orgform state restore`: what is wrong with a state, and
//! the way back to one that is sound.

use crate::cli::DONE;
use crate::cli::FAILED;
use crate::cli::arguments::StateCheckArguments;
use crate::cli::arguments::StateRestoreArguments;
use crate::cli::ask::line;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::cli::target::with_session;
use crate::state;
use crate::state::Checked;
use crate::state::Source;
use crate::text::words::counted;
use crate::workflow::Session;

/// Reads the whole state and says what is wrong with it.
///
/// # Errors
/// When it can't be read at all.
pub async fn check(
    environment: &Environment,
    output: &mut Output,
    arguments: StateCheckArguments,
) -> Result<u8, CommandError> {
    let (checked, id) = with_session(environment, &arguments.org, async |session| {
        let checked = state::check(session.state_dir(), &session.identity.id).await?;
        Ok((checked, session.identity.id.clone()))
    })
    .await?;
    let Some(checked) = checked else {
        output.line(&format!("Nothing is recorded of this org yet ({id})."))?;
        return Ok(DONE);
    };
    if arguments.json {
        output.json(&json(&checked))?;
    } else {
        tell(output, &checked)?;
    }
    Ok(if checked.diagnosis.is_well() { DONE } else { FAILED })
}

fn json(checked: &Checked) -> serde_json::Value {
    let damages = checked.diagnosis.damages.iter();
    let damages = damages.map(|damage| {
        serde_json::json!({"file": damage.file.display().to_string(), "what": damage.what.to_string()})
    });
    let sources = checked.sources.iter().map(|source| {
        serde_json::json!({
            "from": source.name,
            "what": source.what,
            "serial": source.serial,
            "resources": source.resources,
        })
    });
    serde_json::json!({
        "format_version": 1,
        "sound": checked.diagnosis.is_well(),
        "serial": checked.serial,
        "resources": checked.resources,
        "open_calls": checked.open,
        "damages": damages.collect::<Vec<_>>(),
        "in_doubt": checked.diagnosis.in_doubt,
        "sources": sources.collect::<Vec<_>>(),
    })
}

fn tell(output: &mut Output, checked: &Checked) -> Result<(), CommandError> {
    let Checked { serial, resources, open, diagnosis, sources } = checked;
    let resources = counted(*resources, "resource");
    if diagnosis.is_well() {
        output.line(&format!("The state is sound: {resources}, {serial} entries."))?;
    } else {
        output.line(&format!(
            "The state is damaged. What can be read of it: {resources}, up to entry {serial}."
        ))?;
        for damage in &diagnosis.damages {
            output.line(&format!("  {damage}"))?;
        }
    }
    if *open > 0 {
        let calls = counted(*open, "call");
        output.line(&format!(
            "Of {calls} it is not known yet what became of them: the next run asks the org."
        ))?;
    }
    if diagnosis.is_well() {
        return Ok(());
    }
    if diagnosis.in_doubt.is_empty() {
        output.line("No backup and no cache knows of resources that can't be read. What orgform made in the missing part would be adopted, and never removed by destroy.")?;
    } else {
        output.line("In doubt, since a backup or the cache knows them otherwise:")?;
        for address in &diagnosis.in_doubt {
            output.line(&format!("  {address}"))?;
        }
    }
    output.line("It can go back to:")?;
    list(output, sources)?;
    output.line("`orgform state restore` does, and keeps the damaged files beside it.")
}

fn list(output: &mut Output, sources: &[Source]) -> Result<(), CommandError> {
    for Source { name, what, serial, resources } in sources {
        let resources = counted(*resources, "resource");
        output.line(&format!("  {name}: {what} ({resources}, up to entry {serial})"))?;
    }
    Ok(())
}

/// Goes back to a sound state.
///
/// # Errors
/// When nobody says to which, or it can't be written.
pub async fn restore(
    environment: &Environment,
    output: &mut Output,
    arguments: StateRestoreArguments,
) -> Result<u8, CommandError> {
    with_session(environment, &arguments.org, async |session| {
        restore_in(environment, output, &arguments, session).await
    })
    .await
}

async fn restore_in(
    environment: &Environment,
    output: &mut Output,
    arguments: &StateRestoreArguments,
    session: &Session,
) -> Result<u8, CommandError> {
    let (root, id) = (session.state_dir(), &session.identity.id);
    if !session.has_state() {
        return Err(CommandError::new(format!("nothing is recorded of this org ({id})"))
            .hint("A backup of the whole folder is put back by copying it."));
    }
    let sources = state::sources(root, id).await?;
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    let known = format!("It can go back to: {}.", names.join(", "));
    let chosen = match &arguments.from {
        Some(from) => from.clone(),
        None if environment.terminal.input && environment.terminal.output => {
            output.line("The state of this org can go back to:")?;
            list(output, &sources)?;
            output.print("To which? Anything else leaves all as it is: ")?;
            let typed = line(environment).await.trim().to_owned();
            if !names.contains(&typed.as_str()) {
                output.line("Nothing was changed.")?;
                return Ok(DONE);
            }
            typed
        }
        None => {
            return Err(CommandError::new("nobody can be asked to which state to go back")
                .hint(known)
                .hint("Name it with --from; `orgform state check` shows what each holds."));
        }
    };
    let holder = session.world().holder("state restore");
    let Some(aside) = state::restore(root, id, &holder, &chosen).await? else {
        return Err(CommandError::new(format!("there is no `{chosen}` to go back to")).hint(known));
    };
    output.line(&format!("The state is `{chosen}` again."))?;
    for path in aside {
        output.line(&format!("  What was there is kept as {}.", path.display()))?;
    }
    output.line("Run `orgform plan` before anything else: what orgform made and this state does not know would be adopted.")?;
    Ok(DONE)
}
