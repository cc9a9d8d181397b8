//! `orgform explain user`: what a user may do, and through what.

use serde_json::json;

use crate::cli::DONE;
use crate::cli::arguments::ExplainUserArguments;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::view::access;
use crate::engine;
use crate::engine::SeenUser;
use crate::facts::Catalog;
use crate::model::Address;
use crate::model::SourceName;
use crate::model::SourcedRight;
use crate::org::API_VERSION;
use crate::plan::access::Effective;

/// Runs the command.
///
/// # Errors
/// When there is no such user, or the org can't be asked.
pub async fn run(
    environment: &Environment,
    output: &mut Output,
    arguments: &ExplainUserArguments,
) -> Result<u8, CommandError> {
    let session = Session::open(environment, &arguments.org).await?;
    let found = look(environment, &session, arguments).await;
    let banner = session.banner();
    session.close().await;
    let (user, unknown) = found?;
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
    output.line(&banner)?;
    output.line("")?;
    let object = arguments.object.as_deref();
    output.print(&access::explanation(&user, &unknown, &rights, object, output.painter()))?;
    Ok(DONE)
}

/// The user with its sources, from the org or from the state.
async fn look(
    environment: &Environment,
    session: &Session,
    arguments: &ExplainUserArguments,
) -> Result<(SeenUser, Vec<SourceName>), CommandError> {
    let username = arguments.username.strip_prefix("user.").unwrap_or(&arguments.username);
    if arguments.refresh {
        let seen = engine::look_at_user(&session.org, username).await?;
        return seen.map(|seen| (seen, Vec::new())).ok_or_else(|| {
            CommandError::new(format!("this org has no user `{username}`"))
                .hint("Write the username, which looks like an e-mail address.")
        });
    }
    let store = session.store_to_plan(environment, "explain user").await?;
    let mut catalog = Catalog::new();
    for kept in store.facts(API_VERSION)? {
        catalog.restore(&kept.fact, &kept.answer, |_| true);
    }
    let user = Address::new("user", &username.to_lowercase());
    let recalled =
        engine::recall_user(&store, &catalog, &user).map_err(CommandError::unreadable_state)?;
    recalled.ok_or_else(|| {
        CommandError::new(format!("nothing is recorded of {user}"))
            .hint("Without --refresh=false the org is asked.")
    })
}
