//! Which rows a write takes for itself, and what it meets when another call
//! holds them.

use std::cell::Cell;
use std::collections::HashSet;

use serde_json::Value as Json;

use crate::local_org::error::ApiError;
use crate::local_org::store::Row;
use crate::local_org::store::normal_id;

/// What other calls hold while one call runs.
#[derive(Debug, Default)]
pub struct Locks {
    held: HashSet<String>,
    met: Cell<bool>,
    /// Whether the call waits for nobody any more: what is held is refused, row
    /// by row.
    pub is_last_try: bool,
}

impl Locks {
    /// These rows are held.
    pub fn new(held: HashSet<String>) -> Self {
        Self { held, ..Self::default() }
    }

    /// Refuses a write of a row that another call holds.
    ///
    /// # Errors
    /// `UNABLE_TO_LOCK_ROW`.
    pub fn check(&self, object: &str, row: &Row) -> Result<(), ApiError> {
        let is_held = !self.held.is_empty()
            && lock_keys(object, row).iter().any(|key| self.held.contains(key));
        if !is_held {
            return Ok(());
        }
        self.met.set(true);
        Err(ApiError::locked())
    }

    /// Whether the call met another one, and may wait for it.
    pub fn is_to_wait(&self) -> bool {
        self.met.get() && !self.is_last_try
    }
}

/// What a write of a row takes for itself: users most of all, since all that
/// is given to a user is added up for it.
pub fn lock_keys(object: &str, row: &Row) -> Vec<String> {
    let fields: &[&str] = match object {
        "User" | "Profile" | "PermissionSet" | "PermissionSetGroup" => &["Id"],
        "GroupMember" => &["GroupId", "UserOrGroupId"],
        "PermissionSetAssignment" | "PermissionSetLicenseAssign" => &["AssigneeId"],
        "UserLogin" | "UserPackageLicense" => &["UserId"],
        _ => &[],
    };
    fields
        .iter()
        .filter_map(|field| row.get(*field).and_then(Json::as_str).map(normal_id))
        .collect()
}
