//! What the files declare, read once for a run.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config;
use crate::config::Config;
use crate::config::ConfigError;
use crate::config::FilesError;
use crate::config::Reach;
use crate::config::Suffixes;
use crate::model::PlanMode;
use crate::plan::Desired;
use crate::plan::SavedPlan;

/// What is declared, and where.
#[derive(Debug, Default)]
pub struct Declarations {
    /// What is declared, by address.
    pub desired: Arc<Desired>,
    /// What stands behind usernames in some orgs.
    pub suffixes: Suffixes,
    /// The files, by the numbers that declarations have.
    pub files: Vec<PathBuf>,
    /// Within what files are read.
    pub reach: Reach,
}

impl Declarations {
    /// Reads the files. What is recorded can be destroyed or looked at without any.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn read(paths: &[PathBuf], reach: Reach, mode: PlanMode) -> Result<Self, ConfigError> {
        let config = match config::load(paths, &reach) {
            Ok(config) => config,
            Err(ConfigError::Files(FilesError::Nothing { .. }))
                if mode != PlanMode::Converge && paths.is_empty() =>
            {
                Config::default()
            }
            Err(error) => return Err(error),
        };
        let released = config.released.into_iter().map(|(pattern, _)| pattern).collect();
        let desired = Arc::new(Desired::new(config.declared, released));
        Ok(Self { desired, suffixes: config.suffixes, files: config.files, reach })
    }

    /// What a saved plan was made from. Its files may be others by now.
    pub fn of_saved(saved: &SavedPlan) -> Self {
        let desired = Desired::new(saved.declared.clone(), saved.released.clone());
        Self { desired: Arc::new(desired), ..Self::default() }
    }
}
