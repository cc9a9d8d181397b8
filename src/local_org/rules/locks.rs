//! Which rows a write takes for itself, and what it meets when another call
//! holds them.

use std::cell::RefCell;
use std::collections::HashSet;

use crate::local_org::error::ApiError;
use crate::local_org::ids::normal_id;
use crate::local_org::row::Cell;
use crate::local_org::row::Row;

/// What other calls hold while one call runs.
#[derive(Debug, Default)]
pub struct Locks {
    held: HashSet<String>,
    met: RefCell<Vec<String>>,
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
        if self.held.is_empty() {
            return Ok(());
        }
        let met: Vec<String> =
            lock_keys(object, row).into_iter().filter(|key| self.held.contains(key)).collect();
        if met.is_empty() {
            return Ok(());
        }
        self.met.borrow_mut().extend(met);
        Err(ApiError::locked())
    }

    /// What the call met and may still wait for.
    pub fn to_wait_for(&self) -> Vec<String> {
        if self.is_last_try { Vec::new() } else { self.met.borrow().clone() }
    }
}

/// What a write of a row takes for itself: users most of all, since all that
/// is given to a user is added up for it. Adding up a group takes nothing: the
/// platform does it by itself.
pub fn lock_keys(object: &str, row: &Row) -> Vec<String> {
    if row.get("PermissionSetGroupId").is_some_and(Cell::is_string) && object == "PermissionSet" {
        return Vec::new();
    }
    let fields: &[&str] = match object {
        "User" | "Profile" | "PermissionSet" => &["Id"],
        "GroupMember" => &["GroupId", "UserOrGroupId"],
        "PermissionSetAssignment" | "PermissionSetLicenseAssign" => &["AssigneeId"],
        "UserLogin" | "UserPackageLicense" => &["UserId"],
        _ => &[],
    };
    fields.iter().filter_map(|field| row.text(field).map(normal_id)).collect()
}
