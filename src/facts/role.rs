//! A role, by developer name or label.

use super::known::Policy;
use super::named::ByName;
use super::named::Named;

/// Roles by developer name or label.
pub type Role = ByName<RoleRows>;

/// The rows that tell of them.
pub struct RoleRows;

impl Named for RoleRows {
    const NOUN: &'static str = "role";
    const TAG: &'static str = "roles";
    const POLICY: Policy = Policy::KeptForADay;
    const OBJECT: &'static str = "UserRole";
    const NAME_AND_LABEL: (&'static str, &'static str) = ("DeveloperName", "Name");
    const COLUMNS: &'static [&'static str] = &["Id", "Name", "DeveloperName"];
}
