//! Which org a run is about, and the way in.

use std::path::PathBuf;

use secrecy::SecretString;

use super::arguments::OrgArguments;
use super::environment::Environment;
use super::error::CommandError;
use crate::disk;
use crate::local_org;
use crate::local_org::Options;
use crate::local_org::Running;
use crate::model::OrgIdentity;
use crate::org::Connection;
use crate::org::InstanceUrl;
use crate::org::InstanceUrlError;
use crate::org::Org;
use crate::org::RetryPolicy;
use crate::state::Holder;
use crate::state::StateError;
use crate::state::Store;

/// Where the state folder has the data of the local org inside.
pub const LOCAL_ORG: &str = "local-org";

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

/// A way into one org; the local org runs as long as this lives.
pub struct Session {
    /// The client.
    pub org: Org,
    /// Which org it is.
    pub identity: OrgIdentity,
    state_dir: PathBuf,
    local: Option<Running>,
}

impl Session {
    /// Finds the org: `--org`, then the environment's token, then the local
    /// org.
    ///
    /// # Errors
    /// When what is named is not there, or not complete.
    pub async fn open(
        environment: &Environment,
        arguments: &OrgArguments,
    ) -> Result<Self, CommandError> {
        // Without an end such as `/`, behind which a link is its target.
        let state_dir = environment.folder.join(&arguments.state_dir).components().collect();
        match arguments.org.as_deref() {
            Some("local") => Self::local(environment, state_dir).await,
            Some(name) => Err(CommandError::new(no_such_org(name))
                .hint("`--org local` is the local org inside orgform.")
                .hint(
                    "For a real org, set SF_ACCESS_TOKEN and SF_INSTANCE_URL and leave --org out.",
                )),
            None => match token_of(environment)? {
                Some(connection) => Self::over(environment, connection, state_dir, None),
                None => Self::local(environment, state_dir).await,
            },
        }
    }

    async fn local(environment: &Environment, state_dir: PathBuf) -> Result<Self, CommandError> {
        disk::outer_folder(&state_dir)
            .map_err(|source| StateError::Io { path: state_dir.clone(), source })?;
        let clock = environment.clock.clone();
        let options = Options {
            data: Some(state_dir.join(LOCAL_ORG)),
            ..Options::new((environment.entropy)())
        };
        let running =
            local_org::start(options, std::sync::Arc::new(move || clock() / 1000)).await?;
        let instance_url = InstanceUrl::parse(&running.instance_url)
            .map_err(|error| CommandError::new(format!("the local org's address {error}")))?;
        let connection = Connection {
            instance_url,
            access_token: SecretString::from(running.access_token.clone()),
            emulated: true,
        };
        Self::over(environment, connection, state_dir, Some(running))
    }

    fn over(
        environment: &Environment,
        connection: Connection,
        state_dir: PathBuf,
        local: Option<Running>,
    ) -> Result<Self, CommandError> {
        let emulated = local.is_some();
        let instance_url = connection.instance_url.to_string();
        let Some(id) = connection.org_id() else {
            return Err(CommandError::new("the access token is no Salesforce session: it does not begin with an org's id")
                .hint("A token looks like `00D...!AQ...`; a redacted one from `sf org display` does not work, `sf org auth show-access-token` shows it."));
        };
        let org = Org::new(
            connection,
            RetryPolicy::default(),
            environment.wire.clone(),
            environment.sleep.clone(),
            (environment.entropy)(),
        );
        Ok(Self { org, identity: OrgIdentity { id, instance_url, emulated }, state_dir, local })
    }

    /// The line that says which org this is.
    pub fn banner(&self) -> String {
        banner(&self.identity)
    }

    /// Opens the org's state and takes its lock.
    ///
    /// # Errors
    /// When another run holds it, or it can't be used.
    pub async fn store(
        &self,
        environment: &Environment,
        command: &str,
    ) -> Result<Store, CommandError> {
        let mut store = self.open_state(environment, command).await?;
        self.tell(&mut store);
        Ok(store)
    }

    /// What is to be told of the local org.
    fn tell(&self, store: &mut Store) {
        for notice in self.local.iter().flat_map(|running| &running.notices) {
            store.notice(notice);
        }
    }

    async fn open_state(
        &self,
        environment: &Environment,
        command: &str,
    ) -> Result<Store, StateError> {
        let holder = Self::holder(environment, command);
        let lineage = format!("{:016x}{:016x}", (environment.entropy)(), (environment.entropy)());
        Store::open(&self.state_dir, &self.identity.id, &holder, &lineage).await
    }

    /// Opens the org's state for a plan: with its lock where that is free, and otherwise
    /// as it can be read now.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn store_to_plan(
        &self,
        environment: &Environment,
        command: &str,
    ) -> Result<Store, CommandError> {
        let opened = match self.open_state(environment, command).await {
            Err(StateError::Locked { holder }) => {
                let mut store = self.look().await?;
                // Its calls are under way, and its own to settle.
                store.leave_open_calls();
                store.notice(format!(
                    "Another run works on the state of this org ({holder}). This plan is made from what it has written so far."
                ));
                Ok(store)
            }
            Err(error) if error.is_read_only() => {
                let mut store = self.look().await?;
                store.notice("The state can't be written here, so that what the org offers is asked anew and not kept.");
                Ok(store)
            }
            opened => Ok(opened?),
        };
        opened.map(|mut store| {
            self.tell(&mut store);
            store
        })
    }

    /// Reads the org's state without its lock.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn look(&self) -> Result<Store, CommandError> {
        Ok(Store::read(&self.state_dir, &self.identity.id).await?)
    }

    /// Where the states are.
    pub fn state_dir(&self) -> &std::path::Path {
        &self.state_dir
    }

    /// Who works on the state, for a second run.
    pub fn holder(environment: &Environment, command: &str) -> Holder {
        let now = (environment.clock)();
        let since = jiff::Timestamp::from_millisecond(now)
            .map(|time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
            .unwrap_or_default();
        let machine = ["HOSTNAME", "COMPUTERNAME"]
            .iter()
            .find_map(|name| (environment.variable)(name))
            .unwrap_or_else(|| "this machine".to_owned());
        Holder { process: environment.process, machine, command: command.to_owned(), since }
    }

    /// Whether a state of this org was begun before.
    pub fn has_state(&self) -> bool {
        self.state_dir.join(self.identity.id.as_str()).is_dir()
    }

    /// Ends the local org, if this session runs it.
    pub async fn close(self) {
        if let Some(running) = self.local {
            running.stop().await;
        }
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
