//! Which org a run is about, and the way in: open as long as something is done with it,
//! and closed on every path out.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;

use super::WorkflowError;
use super::world::World;
use crate::disk;
use crate::local_org;
use crate::local_org::Options;
use crate::local_org::Running;
use crate::model::OrgIdentity;
use crate::org::Connection;
use crate::org::InstanceUrl;
use crate::org::Org;
use crate::org::RetryPolicy;
use crate::state::StateError;
use crate::state::Store;

/// Where the state folder has the data of the local org inside.
pub const LOCAL_ORG: &str = "local-org";

/// Which org is meant.
pub enum Target {
    /// The local org inside orgform.
    Local,
    /// The one that this leads to.
    Remote(Connection),
}

/// A way into one org; the local org runs as long as this lives.
pub struct Session {
    /// The client.
    pub org: Org,
    /// Which org it is.
    pub identity: OrgIdentity,
    world: World,
    state_dir: PathBuf,
    local: Option<Running>,
}

/// How a plan's state is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To be written: another run that holds the lock is an error.
    ToApply,
    /// To be read and, where that can be, written: with the lock where it is free, and
    /// otherwise as it can be read now.
    ToPlan,
}

impl Session {
    /// Opens an org, does something with it, and closes it, however that ended.
    ///
    /// # Errors
    /// When the org can't be opened, and whatever the work ends with.
    pub async fn with<T, E: From<WorkflowError>>(
        world: &World,
        target: Target,
        state_dir: &Path,
        work: impl AsyncFnOnce(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let session = Self::open(world, target, state_dir).await?;
        let result = work(&session).await;
        session.close().await;
        result
    }

    /// Opens the org's state, does something with it, and closes it, however that ended:
    /// what was done and what the org answered is made durable first.
    ///
    /// # Errors
    /// When the state can't be opened or closed, and whatever the work ends with.
    pub async fn with_store<T, E: From<WorkflowError>>(
        &self,
        command: &str,
        access: Access,
        work: impl AsyncFnOnce(&mut Store) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut store = match access {
            Access::ToApply => self.open_state(command).await.map_err(WorkflowError::from)?,
            Access::ToPlan => self.open_to_plan(command).await?,
        };
        for notice in self.local.iter().flat_map(|running| &running.notices) {
            store.notice(notice);
        }
        let result = work(&mut store).await;
        let closed = store.close().await.map_err(WorkflowError::from);
        let result = result?;
        closed?;
        Ok(result)
    }

    async fn open(world: &World, target: Target, state_dir: &Path) -> Result<Self, WorkflowError> {
        // Without an end such as `/`, behind which a link is its target.
        let state_dir: PathBuf = state_dir.components().collect();
        let (connection, local) = match target {
            Target::Remote(connection) => (connection, None),
            Target::Local => {
                let (connection, running) = Self::start_local(world, &state_dir).await?;
                (connection, Some(running))
            }
        };
        let opened = Self::over(world, connection, state_dir, local.is_some());
        match (opened, local) {
            (Ok(session), local) => Ok(Self { local, ..session }),
            (Err(error), Some(running)) => {
                running.stop().await;
                Err(error)
            }
            (Err(error), None) => Err(error),
        }
    }

    async fn start_local(
        world: &World,
        state_dir: &Path,
    ) -> Result<(Connection, Running), WorkflowError> {
        disk::outer_folder(state_dir)
            .map_err(|source| StateError::Io { path: state_dir.to_owned(), source })?;
        let clock = world.clock.clone();
        let data = Some(state_dir.join(LOCAL_ORG));
        let options = Options { data, ..Options::new((world.entropy)()) };
        let running = local_org::start(options, Arc::new(move || clock().seconds().0)).await?;
        let instance_url =
            InstanceUrl::parse(&running.instance_url).map_err(WorkflowError::LocalAddress)?;
        let access_token = SecretString::from(running.access_token.clone());
        Ok((Connection { instance_url, access_token, emulated: true }, running))
    }

    fn over(
        world: &World,
        connection: Connection,
        state_dir: PathBuf,
        emulated: bool,
    ) -> Result<Self, WorkflowError> {
        let instance_url = connection.instance_url.to_string();
        let id = connection.org_id().ok_or(WorkflowError::NoSession)?;
        let org = Org::new(
            connection,
            RetryPolicy::default(),
            world.wire.clone(),
            world.sleep.clone(),
            (world.entropy)(),
        )
        .timed_by(world.monotonic.clone());
        let identity = OrgIdentity { id, instance_url, emulated };
        Ok(Self { org, identity, world: world.clone(), state_dir, local: None })
    }

    /// Opens the org's state and takes its lock.
    async fn open_state(&self, command: &str) -> Result<Store, StateError> {
        let holder = self.world.holder(command);
        let entropy = &self.world.entropy;
        let lineage = format!("{:016x}{:016x}", entropy(), entropy());
        Store::open(&self.state_dir, &self.identity.id, &holder, &lineage).await
    }

    async fn open_to_plan(&self, command: &str) -> Result<Store, WorkflowError> {
        match self.open_state(command).await {
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
        }
    }

    /// Reads the org's state without its lock.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn look(&self) -> Result<Store, WorkflowError> {
        Ok(Store::read(&self.state_dir, &self.identity.id).await?)
    }

    /// What is handed in of the world.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Where the states are.
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// Whether a state of this org was begun before.
    pub fn has_state(&self) -> bool {
        self.state_dir.join(self.identity.id.as_str()).is_dir()
    }

    /// Ends the local org, if this session runs it.
    async fn close(self) {
        if let Some(running) = self.local {
            running.stop().await;
        }
    }
}
