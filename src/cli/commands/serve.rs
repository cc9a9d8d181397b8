//! `orgform org serve`: the local org on its own, for other programs.

use serde_json::json;

use crate::cli::DONE;
use crate::cli::arguments::ServeArguments;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::local_org;
use crate::local_org::Doubts;
use crate::local_org::Options;
use crate::local_org::Seed;

/// Runs the command until it is stopped.
///
/// # Errors
/// When an option is not understood, or the org can't be served.
pub async fn run(
    environment: &Environment,
    output: &mut Output,
    arguments: ServeArguments,
) -> Result<u8, CommandError> {
    if !arguments.listen.ip().is_loopback() && !arguments.allow_remote {
        return Err(CommandError::new(format!(
            "{} can be reached by other machines",
            arguments.listen
        ))
        .hint("The local org is for this machine: listen on 127.0.0.1, or add --allow-remote."));
    }
    let mut seed = Seed::default();
    let mut doubts = Doubts::default();
    for setting in &arguments.seed_org {
        local_org::set(&mut seed, &mut doubts, setting).map_err(|unknown| {
            CommandError::new(format!("--seed-org does not know `{}`", unknown.0))
                .hint(format!("It knows {}.", local_org::SETTINGS))
        })?;
    }
    let clock = environment.clock.clone();
    let options = Options {
        data: arguments.data.map(|folder| environment.folder.join(folder)),
        listen: arguments.listen,
        latency_ms: arguments.latency_ms,
        latency_per_record_ms: arguments.latency_per_record_ms,
        seed,
        doubts,
        entropy: (environment.entropy)(),
    };
    let running = local_org::start(options, std::sync::Arc::new(move || clock() / 1000)).await?;
    let ready = json!({
        "instance_url": running.instance_url,
        "tls_instance_url": null,
        "tls_certificate": null,
        "access_token": running.access_token,
        "username": running.username,
        "org_id": running.org_id,
    });
    output.line(&ready.to_string())?;
    output.aside(&format!(
        "Serving an emulated org. To use it: SF_INSTANCE_URL={} SF_ACCESS_TOKEN='{}' orgform plan",
        running.instance_url, running.access_token
    ));
    (environment.stop)().await;
    running.stop().await;
    Ok(DONE)
}
