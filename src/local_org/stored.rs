//! A local org on disk that nobody serves: looked at, and taken away.

use std::path::Path;
use std::path::PathBuf;

use super::StartError;
use super::opening::SETTINGS_TABLE;
use super::store;
use super::store::Store;

/// An org on disk, held so that nobody begins to serve it.
#[derive(Debug)]
pub struct StoredOrg {
    /// Its id.
    pub org_id: String,
    /// How many users it has.
    pub users: usize,
    folder: PathBuf,
    /// Held, so that nobody begins to serve it.
    _store: Store,
}

impl StoredOrg {
    /// Looks at the org of a folder; `None` when there is none.
    ///
    /// # Errors
    /// When its data can't be read, or somebody is serving it.
    pub fn open(folder: &Path) -> Result<Option<Self>, StartError> {
        if !folder.join(store::LOG).exists() {
            return Ok(None);
        }
        let store = Store::open(folder)
            .map_err(|source| StartError::Data { folder: folder.display().to_string(), source })?
            .store;
        let org_id = store
            .all(SETTINGS_TABLE)
            .next()
            .and_then(|row| row.get("org_id")?.as_str())
            .unwrap_or_default()
            .to_owned();
        let users = store.all("User").count();
        Ok(Some(Self { org_id, users, folder: folder.to_owned(), _store: store }))
    }

    /// Takes it away, so that the next start makes a new one.
    ///
    /// # Errors
    /// When its file can't be removed.
    pub fn remove(self) -> Result<(), StartError> {
        std::fs::remove_file(self.folder.join(store::LOG)).map_err(|source| StartError::Data {
            folder: self.folder.display().to_string(),
            source,
        })
    }
}
