//! What a finished plan was checked for before anything is written.

use super::UnixSeconds;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::Address;
use super::Place;

/// What a finding means for applying the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The org would refuse it, or it must not be done.
    Error,
    /// It is only done when a flag says that it is meant.
    Guard,
    /// It is done, and may not go well.
    Warning,
}

/// What was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Seats of licenses.
    Seats,
    /// Whether licenses are in force.
    LicenseStatus,
    /// What a license lets its users hold.
    LicenseAllows,
    /// Seats of packages.
    PackageLicense,
    /// What the token's user may do.
    Rights,
    /// That the token's user keeps its own access.
    OwnAccess,
    /// That an administrator is left.
    LastAdministrator,
    /// How much is taken away.
    Removals,
    /// How much is changed.
    Updates,
    /// Calls left today.
    ApiCalls,
    /// Grants that adopting takes away.
    Losses,
}

impl Check {
    /// Whether no flag lets a plan through that fails it.
    pub fn is_absolute(self) -> bool {
        matches!(self, Self::OwnAccess | Self::LastAdministrator)
    }
}

/// One thing that a check found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What it means.
    pub severity: Severity,
    /// What was checked.
    pub check: Check,
    /// The resource, or the first of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// Where it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// In which of the files.
    #[serde(default)]
    pub file: u32,
    /// What was found, as a fragment.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// For a guard: the number that lets it through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// What a finished plan makes worth asking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Questions {
    /// Whose token it is, and what that user holds.
    pub running_user: bool,
    /// Who is an administrator.
    pub administrators: bool,
    /// Who holds a license of these packages.
    pub package_users: BTreeSet<String>,
    /// Whether the token's user may give licenses of packages.
    pub package_right: bool,
}

/// The user whose token is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunningUser {
    /// Its username, in lower case.
    pub username: String,
    /// Its permission sets, by `namespace__Name`.
    pub sets: BTreeSet<String>,
    /// Its profile.
    pub profile: String,
}

/// By what somebody is an administrator.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Through {
    /// By this profile.
    Profile(String),
    /// By this permission set.
    PermissionSet(String),
}

/// What a plan is checked against, beside what the org offers.
#[derive(Clone, Debug, Default)]
pub struct Circumstances {
    /// The time, in seconds since 1970.
    pub now: UnixSeconds,
    /// Calls left today, when an answer said so.
    pub calls_left: Option<u64>,
    /// The user whose token is used, when it was asked and told.
    pub running_user: Option<RunningUser>,
    /// Active users with Modify All Data and what gives it to them, when it was
    /// asked and told.
    pub administrators: Option<Vec<(String, Through)>>,
    /// Who holds a license of a package, by the namespaces that were asked and
    /// told.
    pub package_users: BTreeMap<String, BTreeSet<String>>,
    /// Whether the token's user may give licenses of packages, when that was reported.
    pub may_give_packages: Option<bool>,
}
