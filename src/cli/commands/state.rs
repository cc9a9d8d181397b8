//! `orgform state`: what is recorded of an org.

use crate::model::Once;
use std::fmt::Write as _;

use crate::cli::DONE;
use crate::cli::arguments::StateListArguments;
use crate::cli::arguments::StateShowArguments;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::cli::target::with_session;
use crate::model::Address;
use crate::model::Ownership;
use crate::model::Record;
use crate::model::Recorded as _;
use crate::model::Standing;
use crate::model::Value;
use crate::state::Store;
use crate::text::words::closest;

/// Lists what is recorded.
///
/// # Errors
/// When the state can't be read.
pub async fn list(
    environment: &Environment,
    output: &mut Output,
    arguments: StateListArguments,
) -> Result<u8, CommandError> {
    with_session(environment, &arguments.org, async |session| {
        if !session.has_state() {
            let id = &session.identity.id;
            output.aside(&format!("Nothing is recorded of this org yet ({id})."));
            return Ok(DONE);
        }
        let store = session.look().await?;
        if store.is_empty() {
            output.aside("Nothing is recorded of this org.");
        }
        for stored in store.stream() {
            let stored = stored.map_err(CommandError::unreadable_state)?;
            let remark = match stored.standing {
                Standing::Live => "",
                Standing::Retired => "  (deactivated)",
            };
            output.line(&format!("{}{remark}", stored.address))?;
        }
        Ok(DONE)
    })
    .await
}

/// Shows one record.
///
/// # Errors
/// When there is none, or the state can't be read.
pub async fn show(
    environment: &Environment,
    output: &mut Output,
    arguments: StateShowArguments,
) -> Result<u8, CommandError> {
    let Some(address) = Address::parse(&arguments.address) else {
        return Err(CommandError::new(format!("`{}` is no address", arguments.address))
            .hint("An address is a kind, a dot and a name: `user.integration@coconut.example`.")
            .hint("`orgform state list` lists them."));
    };
    with_session(environment, &arguments.org, async |session| {
        let store = session.look().await?;
        let Some(record) = store.get(&address).map_err(CommandError::unreadable_state)? else {
            return Err(not_recorded(&address, &arguments.address, &store));
        };
        if arguments.json {
            let json = serde_json::json!({"address": address, "record": record});
            output.json(&json)?;
        } else {
            output.print(&describe(&address, &record))?;
        }
        Ok(DONE)
    })
    .await
}

fn not_recorded(address: &Address, written: &str, store: &Store) -> CommandError {
    let names: Vec<String> = store
        .stream()
        .filter_map(|stored| stored.ok().map(|stored| stored.address.to_string()))
        .collect();
    let error = CommandError::new(format!("nothing is recorded of {address}"));
    match closest(written, names.iter().map(String::as_str)) {
        Some(meant) => error.hint(format!("Did you mean `{meant}`?")),
        None => error.hint("`orgform state list` lists what is."),
    }
}

fn describe(address: &Address, record: &Record) -> String {
    let mut text = format!("{address}\n");
    let id = record.id.as_ref().map_or_else(|| "not known".to_owned(), ToString::to_string);
    let _ = writeln!(text, "  id: {id}");
    let ownership = match record.ownership {
        Ownership::Created => "created by orgform",
        Ownership::Adopted => "adopted: it was there before",
    };
    let standing = match record.standing {
        Standing::Live => "",
        Standing::Retired => ", deactivated by orgform",
    };
    let _ = writeln!(text, "  {ownership}{standing}");
    for (path, value) in record.attributes.iter() {
        let value = match value {
            Value::Text(value) => format!("{value:?}"),
            Value::Flag(flag) => flag.to_string(),
            Value::Reference(address) => address.to_string(),
            Value::Set(names) => names.iter().cloned().collect::<Vec<_>>().join(", "),
        };
        let _ = writeln!(text, "  {path}: {value}");
    }
    for (what, when) in &record.once {
        let when = match when {
            Once::Unknown => "unknown".to_owned(),
            Once::At(at) => jiff::Timestamp::from_second(at.0).map_or_else(
                |_| at.to_string(),
                |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            ),
        };
        let _ = writeln!(text, "  {what}: {when}");
    }
    text
}
