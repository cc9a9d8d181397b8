//! Which org the arguments and the environment mean.

use std::path::PathBuf;

use secrecy::SecretString;

use super::arguments::OrgArguments;
use super::environment::Environment;
use super::error::CommandError;
use crate::model::OrgIdentity;
use crate::org::Connection;
use crate::org::InstanceUrl;
use crate::org::InstanceUrlError;
use crate::workflow::Session;
use crate::workflow::Target;

/// The line that says which org this is.
pub fn banner(identity: &OrgIdentity) -> String {
    if identity.emulated {
        format!(
            "Org: the local org inside orgform (emulated), {}. Nothing here touches Salesforce.",
            identity.id
        )
    } else {
        format!("Org: {} ({})", identity.instance_url, identity.id)
    }
}

/// Does something with the org that is meant: by `--org`, then by the environment's token,
/// then the local org.
///
/// # Errors
/// When what is named is not there, or not complete, and whatever the work ends with.
pub async fn with_session<T>(
    environment: &Environment,
    arguments: &OrgArguments,
    work: impl AsyncFnOnce(&Session) -> Result<T, CommandError>,
) -> Result<T, CommandError> {
    let target = target(environment, arguments)?;
    let state_dir: PathBuf = environment.folder.join(&arguments.state_dir);
    Session::with(&environment.world(), target, &state_dir, work).await
}

fn target(environment: &Environment, arguments: &OrgArguments) -> Result<Target, CommandError> {
    match arguments.org.as_deref() {
        Some("local") => Ok(Target::Local),
        Some(name) => Err(CommandError::new(no_such_org(name))
            .hint("`--org local` is the local org inside orgform.")
            .hint("For a real org, set SF_ACCESS_TOKEN and SF_INSTANCE_URL and leave --org out.")),
        None => Ok(token_of(environment)?.map_or(Target::Local, Target::Remote)),
    }
}

/// What is given in a name's place may be a token or an address with a password.
fn no_such_org(name: &str) -> String {
    if name.contains(['!', '@', ':', '/']) {
        "what --org names is no org's name".to_owned()
    } else {
        format!("there is no org `{name}`")
    }
}

/// The token and URL of the environment; `None` when there is no token.
fn token_of(environment: &Environment) -> Result<Option<Connection>, CommandError> {
    let variable = |name: &str| (environment.variable)(name);
    let url = variable("SF_INSTANCE_URL").or_else(|| variable("SF_ORG_INSTANCE_URL"));
    let Some(token) = variable("SF_ACCESS_TOKEN") else {
        if url.is_none() {
            return Ok(None);
        }
        return Err(CommandError::new(
            "SF_INSTANCE_URL is set, and SF_ACCESS_TOKEN is not, or is empty",
        )
        .hint("Set it to a token, for example from `sf org auth show-access-token`.")
        .hint("For the local org, unset SF_INSTANCE_URL or add `--org local`."));
    };
    let Some(url) = url else {
        return Err(CommandError::new("SF_ACCESS_TOKEN is set, and SF_INSTANCE_URL is not")
            .hint("Set it to the org's My Domain, for example https://coconut.my.salesforce.com.")
            .hint("For the local org, unset SF_ACCESS_TOKEN or add `--org local`."));
    };
    let url = InstanceUrl::parse(&url).map_err(|error| {
        let failed = CommandError::new(format!("SF_INSTANCE_URL {error}"));
        match error {
            InstanceUrlError::ForBrowsers => {
                failed.hint("Use the org's My Domain, which ends in .my.salesforce.com.")
            }
            _ => failed.hint("It looks like https://coconut.my.salesforce.com."),
        }
    })?;
    Ok(Some(Connection {
        emulated: url.is_loopback(),
        instance_url: url,
        access_token: SecretString::from(token.trim().to_owned()),
    }))
}
