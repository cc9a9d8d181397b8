//! Facts: what must be known of an org before what is declared can be resolved or checked.
//!
//! One file per family of facts: how one is named, which questions answer it, how rows and
//! descriptions are read, and how long an answer holds. Kinds name facts; the engine asks
//! the questions of all families together and knows none of them by name. Imports `model`
//! and the tables of `data`, and does no I/O.
//!
//! To add a family: write its file, and add its line to `facts!` below. Lines are in the
//! order in which questions are asked; the name of a fact and its family's tag are kept in
//! the state and never change.

#[macro_use]
mod registry;

mod access_policies;
mod asked;
mod came_back;
mod catalog;
mod describe;
mod family;
mod fields;
mod grants;
mod holders;
mod known;
mod learned_prerequisites;
mod licenses;
mod named;
mod organization;
mod package;
mod permission_set;
mod permission_set_group;
mod permission_set_group_holders;
mod permission_set_holders;
mod permission_set_license;
mod person_accounts;
mod prerequisites;
mod profile;
mod profile_base;
mod profile_holders;
mod profile_names;
mod profiles;
mod profiles_of_license;
mod public_group;
mod question;
mod queue;
mod record_types;
mod rights;
mod role;
pub mod sections;
mod system_permissions;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod user;
mod user_fields;
mod user_licenses;

use serde::Deserialize;
use serde::Serialize;

use crate::model::Address;
use asked::Asked;

pub use family::{Family, Key, Table};
pub use fields::{FieldsFact, GrantableField};
pub use grants::{GrantsOfSets, add as add_grants, source as source_of_row};
pub use holders::Holders;
pub use known::{Known, Policy};
pub use licenses::LicenseFact;
pub use named::NamedFact;
pub use organization::OrganizationFact;
pub use package::PackageFact;
pub use profile_names::{API_ONLY, profile_full_name, profile_names};
pub use profiles::ProfileFact;
pub use question::{Answer, By, OnRefusal, Question, Rows};
pub use record_types::RecordTypeFact;
pub use system_permissions::SystemPermissionsFact;
pub use user_fields::UserField;

facts! {
    /// The org itself: its id, and the defaults it gives to new users.
    Organization => organization: organization::Organization,
    /// All user licenses with their seats.
    UserLicenses => user_licenses: user_licenses::UserLicenses,
    /// A permission set license with its seats, by developer name or label.
    PermissionSetLicense(String) => permission_set_license: permission_set_license::PermissionSetLicense,
    /// A profile that is there, by name.
    Profile(String) => profile: profile::Profile,
    /// What a clone of this profile starts with.
    ProfileBase(String) => profile_base: profile_base::ProfileBase,
    /// The profiles of a user license, by the license's name.
    ProfilesOfLicense(String) => profiles_of_license: profiles_of_license::ProfilesOfLicense,
    /// A permission set that is there, by `namespace__Name`, name or label; several when a
    /// label fits several.
    PermissionSet(String) => permission_set: permission_set::PermissionSet,
    /// A permission set group that is there, by `namespace__Name`, name or label; several
    /// when a label fits several.
    PermissionSetGroup(String) => permission_set_group: permission_set_group::PermissionSetGroup,
    /// A queue that is there, by developer name or label; several when a label fits several.
    Queue(String) => queue: queue::Queue,
    /// A public group that is there, by developer name or label; several when a label fits
    /// several.
    PublicGroup(String) => public_group: public_group::PublicGroup,
    /// The fields of an object that can be granted.
    Fields(String) => fields: fields::Fields,
    /// How the org's system permissions differ from the shipped table.
    SystemPermissions => system_permissions: system_permissions::SystemPermissions,
    /// Who holds a permission set group of that name (no namespace).
    PermissionSetGroupHolders(String) => permission_set_group_holders: permission_set_group_holders::PermissionSetGroupHolders,
    /// Who holds a permission set of that name (no namespace).
    PermissionSetHolders(String) => permission_set_holders: permission_set_holders::PermissionSetHolders,
    /// A package by its namespace, with its seats.
    Package(String) => package: package::Package,
    /// The record types of an object.
    RecordTypes(String) => record_types: record_types::RecordTypes,
    /// The record types of person accounts; none without the feature.
    PersonAccounts => person_accounts: person_accounts::PersonAccounts,
    /// The fields of users, in the order of describe.
    UserFields => user_fields: user_fields::UserFields,
    /// A role, by developer name or label; several when a label fits several.
    Role(String) => role: role::Role,
    /// The id of a user that is there, by username.
    User(String) => user: user::User,
    /// What a permission needs, by API name, or `Object<verb>`.
    Prerequisites(String) => prerequisites: prerequisites::Prerequisites,
    /// What a permission needs as a refusal of the org taught.
    LearnedPrerequisites(String) => learned_prerequisites: learned_prerequisites::LearnedPrerequisites,
    /// API names of the system permissions that the token's user has.
    Rights => rights: rights::Rights,
    /// What a profile, set or group that is not managed grants.
    Grants(Address) => grants: grants::Grants,
    /// The labels of the user access policies that are active.
    AccessPolicies => access_policies: access_policies::AccessPolicies,
    /// Who has the profile of that name, active or not.
    ProfileHolders(String) => profile_holders: profile_holders::ProfileHolders,
    /// That something was taken off a user and came back by itself: the labels of the
    /// policies that may have done it.
    CameBack(Address) => came_back: came_back::CameBack,
}
