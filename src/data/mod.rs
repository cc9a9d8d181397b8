//! Tables of the platform, each with its public source in its first lines:
//! data, not code. `kinds` and `engine` read them here; the local org includes the same
//! files on its own, so that the two meet only over HTTP.

/// System permissions: API name, label.
pub const SYSTEM_PERMISSIONS: &str = include_str!("system_permissions.tsv");
/// Prerequisites: permission, what it needs.
pub const PREREQUISITES: &str = include_str!("prerequisites.tsv");
/// Fields that can be granted for reading only.
pub const NEVER_EDITABLE: &str = include_str!("never_editable.tsv");
/// Permission set licenses: developer name, label.
pub const PERMISSION_SET_LICENSES: &str = include_str!("permission_set_licenses.tsv");
/// User licenses that a permission set license opens: license, what it allows
/// by itself, the opening license.
pub const LICENSE_RULES: &str = include_str!("license_rules.tsv");
/// System permissions that give power over the whole org: API name, why.
pub const RISKY_PERMISSIONS: &str = include_str!("risky_permissions.tsv");

/// The rows of a table, split at tabs, comments left out.
pub fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split('\t').collect())
}
