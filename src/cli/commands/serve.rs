//! `orgform local serve`: the local org on its own, for other programs.

use crate::local_org::Time;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::StreamExt as _;
use serde_json::json;

use crate::cli::DONE;
use crate::cli::arguments::ServeArguments;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::local_org;
use crate::local_org::Doubts;
use crate::local_org::Options;
use crate::local_org::Running;
use crate::local_org::Seed;
use crate::local_org::Tls;

/// Runs the command until it is stopped.
///
/// # Errors
/// When an option is not understood, or the org can't be served.
pub async fn run(
    environment: &Environment,
    output: &mut Output,
    arguments: ServeArguments,
) -> Result<u8, CommandError> {
    for address in std::iter::once(&arguments.listen).chain(&arguments.tls_listen) {
        refuse_remote(*address, arguments.allow_remote)?;
    }
    let mut seed = Seed::default();
    let mut doubts = Doubts::default();
    for setting in &arguments.seed_org {
        local_org::set(&mut seed, &mut doubts, setting).map_err(|unknown| {
            CommandError::new(format!("--seed-org does not know `{}`", unknown.0))
                .hint(format!("It knows {}.", local_org::SETTINGS))
        })?;
    }
    let in_folder = |path: &std::path::PathBuf| environment.folder.join(path);
    let app_certificate = arguments.app_certificate.as_ref().map(|file| {
        let file = in_folder(file);
        std::fs::read_to_string(&file).map_err(|error| {
            CommandError::new(format!("{} can't be read: {error}", file.display()))
                .hint("--app-certificate wants an X.509 certificate in PEM.")
        })
    });
    let data = arguments.data.as_ref().map(in_folder);
    // A certificate of an org without a folder goes with the org.
    let name = format!("orgform-org-{:016x}", (environment.entropy)());
    let passing = Passing(environment.temporary.join(name));
    let tls = arguments.tls_listen.map(|listen| {
        let folder = data.as_ref().map_or_else(|| passing.0.clone(), |data| data.join("tls"));
        Tls { listen, folder }
    });
    let clock = environment.clock.clone();
    let options = Options {
        data,
        listen: arguments.listen,
        tls,
        request_log: arguments.request_log.as_ref().map(in_folder),
        app_certificate: app_certificate.transpose()?,
        time: Time::default(),
        latency_ms: arguments.latency_ms,
        latency_per_record_ms: arguments.latency_per_record_ms,
        seed,
        doubts,
        entropy: (environment.entropy)(),
    };
    let running = local_org::start(options, Arc::new(move || clock().seconds().0)).await?;
    let ready = json!({
        "instance_url": running.instance_url,
        "page_url": running.page_url,
        "tls_instance_url": running.tls.as_ref().map(|(url, _)| url),
        "tls_certificate": running.tls.as_ref().map(|(_, file)| file.display().to_string()),
        "access_token": running.access_token,
        "refresh_token": running.refresh_token,
        "sfdx_auth_url": sfdx_auth_url(&running),
        "consumer_key": running.consumer_key,
        "consumer_secret": running.consumer_secret,
        "username": running.username,
        "org_id": running.org_id,
    });
    output.json(&ready)?;
    if !running.is_new && !arguments.seed_org.is_empty() {
        output.aside(
            "This org was there already: --seed-org changes how it behaves, not what is in it. `orgform local reset --data DIR` forgets it.",
        );
    }
    for notice in &running.notices {
        output.aside(notice);
    }
    for line in directions(&running) {
        output.aside(&line);
    }
    let _ = (environment.stops)().next().await;
    running.stop().await;
    Ok(DONE)
}

/// A folder that goes when the command ends, however it ends.
struct Passing(std::path::PathBuf);

impl Drop for Passing {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn refuse_remote(address: SocketAddr, is_allowed: bool) -> Result<(), CommandError> {
    if address.ip().is_loopback() || is_allowed {
        return Ok(());
    }
    Err(CommandError::new(format!("{address} can be reached by other machines"))
        .hint("The local org is for this machine: listen on 127.0.0.1, or add --allow-remote."))
}

/// How the Salesforce CLI signs in by one address; it speaks HTTPS then.
fn sfdx_auth_url(running: &Running) -> Option<String> {
    let (url, _) = running.tls.as_ref()?;
    let host = url.strip_prefix("https://")?;
    Some(format!("force://PlatformCLI::{}@{host}", running.cli_refresh_token))
}

/// How programs are pointed at the org, for a person.
fn directions(running: &Running) -> Vec<String> {
    let (url, token) = (&running.instance_url, &running.access_token);
    let mut lines = vec![
        format!("Serving an emulated org at {url}."),
        format!("See what is in it, by this link once: {}", running.page_url),
        "To use it, with the values of the line above:".to_owned(),
        format!(
            "  orgform            SF_INSTANCE_URL={url} SF_ACCESS_TOKEN='{token}' orgform plan"
        ),
        format!(
            "  Salesforce CLI     SF_ACCESS_TOKEN='{token}' sf org login access-token --instance-url {url} --no-prompt --alias local"
        ),
        format!(
            "  jsforce            new jsforce.Connection({{ instanceUrl: '{url}', accessToken: '{token}' }})"
        ),
    ];
    lines.push(match &running.tls {
        Some((tls, certificate)) => format!(
            "  simple-salesforce  REQUESTS_CA_BUNDLE={} and Salesforce(instance_url='{tls}', session_id='{token}')",
            certificate.display()
        ),
        None => {
            "  simple-salesforce  speaks HTTPS only: add --tls-listen 127.0.0.1:0".to_owned()
        }
    });
    lines.push("Ctrl-C ends it.".to_owned());
    lines
}
