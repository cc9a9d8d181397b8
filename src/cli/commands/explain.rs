//! `orgform explain user`: what a user may do, and through what.

use crate::model::KindName;
use serde_json::json;

use crate::cli::DONE;
use crate::cli::arguments::ExplainUserArguments;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::cli::target::banner;
use crate::cli::target::with_session;
use crate::cli::view::access;
use crate::model::Address;
use crate::model::SourceName;
use crate::model::SourcedRight;
use crate::plan::access::Effective;
use crate::workflow::explain_user;

/// Runs the command.
///
/// # Errors
/// When there is no such user, or the org can't be asked.
pub async fn run(
    environment: &Environment,
    output: &mut Output,
    arguments: &ExplainUserArguments,
) -> Result<u8, CommandError> {
    let username = arguments.username.strip_prefix("user.").unwrap_or(&arguments.username);
    let (found, identity) = with_session(environment, &arguments.org, async |session| {
        let found = explain_user(session, username, arguments.refresh).await?;
        Ok((found, session.identity.clone()))
    })
    .await?;
    let Some((user, unknown)) = found else {
        return Err(no_such_user(username, arguments.refresh));
    };
    let effective = Effective::of(&user.sources);
    let rights: Vec<SourcedRight> = effective.about(arguments.object.as_deref());
    if arguments.json {
        let sources: Vec<&SourceName> = user.sources.iter().map(|source| &source.name).collect();
        let document = json!({
            "format_version": 1,
            "username": user.username,
            "active": user.is_active,
            "object": arguments.object,
            "sources": sources,
            "rights": rights,
            "unknown": unknown,
        });
        output.json(&document)?;
        return Ok(DONE);
    }
    output.line(&banner(&identity))?;
    output.line("")?;
    let object = arguments.object.as_deref();
    output.print(&access::explanation(&user, &unknown, &rights, object, output.painter()))?;
    Ok(DONE)
}

fn no_such_user(username: &str, refresh: bool) -> CommandError {
    if refresh {
        return CommandError::new(format!("this org has no user `{username}`"))
            .hint("Write the username, which looks like an e-mail address.");
    }
    let user = Address::new(KindName::USER, &username.to_lowercase());
    CommandError::new(format!("nothing is recorded of {user}"))
        .hint("Without --refresh=false the org is asked.")
}
