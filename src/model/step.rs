//! The steps of which changes are made, by name.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// Which step of a change an op is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum StepName {
    /// Give something to a user, or a set to a group.
    #[serde(rename = "assign")]
    Assign,
    /// Give again what may be there still.
    #[serde(rename = "assign again")]
    AssignAgain,
    /// Deactivate a user, who is never deleted.
    #[serde(rename = "deactivate")]
    Deactivate,
    /// Delete a record or document.
    #[serde(rename = "delete")]
    Delete,
    /// Delete the muting set of a group.
    #[serde(rename = "delete muting")]
    DeleteMuting,
    /// Freeze a user.
    #[serde(rename = "freeze")]
    Freeze,
    /// Insert a record.
    #[serde(rename = "insert")]
    Insert,
    /// Move a user to another profile, so that the one it leaves can go.
    #[serde(rename = "move")]
    Move,
    /// Lay settings over a profile.
    #[serde(rename = "overlay")]
    Overlay,
    /// Send the mail with the link to set a password.
    #[serde(rename = "password mail")]
    PasswordMail,
    /// Bring back a user that orgform deactivated.
    #[serde(rename = "reactivate")]
    Reactivate,
    /// Wait until the org has added up a group.
    #[serde(rename = "recalculate")]
    Recalculate,
    /// Give it another name.
    #[serde(rename = "rename")]
    Rename,
    /// Take something off a user or group.
    #[serde(rename = "unassign")]
    Unassign,
    /// Unfreeze a user.
    #[serde(rename = "unfreeze")]
    Unfreeze,
    /// Change a record.
    #[serde(rename = "update")]
    Update,
    /// Write a whole document.
    #[serde(rename = "write")]
    Write,
    /// Write the muting set of a group.
    #[serde(rename = "write muting")]
    WriteMuting,
}

impl StepName {
    /// The name as people and programs read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Assign => "assign",
            Self::AssignAgain => "assign again",
            Self::Deactivate => "deactivate",
            Self::Delete => "delete",
            Self::DeleteMuting => "delete muting",
            Self::Freeze => "freeze",
            Self::Insert => "insert",
            Self::Move => "move",
            Self::Overlay => "overlay",
            Self::PasswordMail => "password mail",
            Self::Reactivate => "reactivate",
            Self::Recalculate => "recalculate",
            Self::Rename => "rename",
            Self::Unassign => "unassign",
            Self::Unfreeze => "unfreeze",
            Self::Update => "update",
            Self::Write => "write",
            Self::WriteMuting => "write muting",
        }
    }
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
