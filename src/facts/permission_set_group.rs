//! A permission set group that is there, by `namespace__Name`, name or label.

use super::known::Policy;
use super::named::ByName;
use super::named::Named;

/// Permission set groups by name or label.
pub type PermissionSetGroup = ByName<PermissionSetGroupRows>;

/// The rows that tell of them.
pub struct PermissionSetGroupRows;

impl Named for PermissionSetGroupRows {
    const NOUN: &'static str = "permission set group";
    const TAG: &'static str = "permission_sets";
    const POLICY: Policy = Policy::ForChanges;
    const OBJECT: &'static str = "PermissionSetGroup";
    const NAME_AND_LABEL: (&'static str, &'static str) = ("DeveloperName", "MasterLabel");
    const COLUMNS: &'static [&'static str] =
        &["Id", "DeveloperName", "NamespacePrefix", "MasterLabel"];
}
