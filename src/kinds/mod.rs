//! One file or folder per resource kind, what several of them share, and the
//! one list that registers them.
//!
//! A kind is a set of pure functions: what its YAML may say, which facts it
//! must know, how its rows and documents read, and which writes bring it from
//! one state to another. The engine performs; kinds only describe. Imports
//! `model` and the tables of `data`, and does no I/O.
//!
//! To add a kind: write its file, and add its line to `kinds!` below.

mod access_path;
mod assignment;
mod facets;
mod group_member;
mod kind;
mod learning;
mod losses;
mod package_license_assignment;
mod permission_set;
mod permission_set_assignment;
mod permission_set_group;
mod permission_set_license_assignment;
mod permissions;
mod profile;
mod settings;
pub mod spec;
mod user;

use crate::kinds::spec::TextError;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::DeserializeOwned;

use crate::model::Address;
use crate::model::Attributes;
use crate::model::Declared;
use crate::model::Path;

pub use facets::{
    Columns, Comparison, Document, Feedback, Granting, Holding, LifecycleRules, Plain, Reference,
    Relation, Replacement, Retirement,
};
pub use kind::Kind;
pub use kind::Removal;
pub use kind::Resolved;
pub use kind::Scope;
pub use kind::Step;
pub use kind::StepContext;
pub use kind::Visibility;
pub use learning::learn_from_refusal;
pub use learning::learned_powers;
pub use losses::{Loss, losses};
pub use permission_set::object_paths as objects_granted;
pub use permission_set_license_assignment::LicenseRule;
pub use permission_set_license_assignment::developer_name as set_license_name;
pub use permission_set_license_assignment::license_rule;
pub use permissions::label as permission_label;
pub use permissions::risk;
pub use user::PERSONA;
pub use user::nobody;
pub use user::persona_schema;
pub use user::read_persona;

/// A kind with a section of its own in the YAML.
trait Section {
    /// What one entry may say.
    type Spec: DeserializeOwned + JsonSchema;
    /// Checks the key of an entry.
    fn check_name(name: &str) -> Result<(), TextError>;
    /// A key that the entry lacks, of those of which one is needed.
    fn missing(_spec: &Self::Spec) -> Option<&'static str> {
        None
    }
    /// What one entry declares.
    fn declare(name: &str, spec: Self::Spec, into: &mut dyn FnMut(Declared));
}

macro_rules! kinds {
    ($($module:ident :: $kind:ident $(in section $section:literal)?,)*) => {
        /// All kinds, in the order of their names.
        pub const ALL: &[&dyn Kind] = &[$(&$module::$kind,)*];

        /// The sections of a file, in the order of their names.
        pub const SECTIONS: &[&str] = &[$($($section,)?)*];

        /// Reads one entry of a section: the typed spec, then what it declares.
        ///
        /// # Errors
        /// Whatever the deserializer or the spec refuses.
        pub fn read_entry<'de, D: Deserializer<'de>>(
            section: &str,
            name: &str,
            deserializer: D,
            into: &mut dyn FnMut(Declared),
        ) -> Result<(), D::Error> {
            match section {
                $($($section => {
                    let spec = <$module::$kind as Section>::Spec::deserialize(deserializer)?;
                    if let Some(key) = <$module::$kind as Section>::missing(&spec) {
                        return Err(serde::de::Error::missing_field(key));
                    }
                    <$module::$kind as Section>::declare(name, spec, into);
                    Ok(())
                })?)*
                _ => Err(serde::de::Error::custom(format!("there is no section `{section}`"))),
            }
        }

        /// What an entry of a section may say, for editors.
        pub fn entry_schema(section: &str, generator: &mut SchemaGenerator) -> Option<Schema> {
            match section {
                $($($section => {
                    Some(generator.subschema_for::<<$module::$kind as Section>::Spec>())
                })?)*
                _ => None,
            }
        }

        /// Checks the key of an entry by the rules of its section.
        ///
        /// # Errors
        /// What is wrong with it, as a fragment.
        pub fn check_name(section: &str, name: &str) -> Result<(), TextError> {
            match section {
                $($($section => <$module::$kind as Section>::check_name(name),)?)*
                _ => Ok(()),
            }
        }
    };
}

kinds! {
    package_license_assignment::PackageLicenseAssignment,
    permission_set::PermissionSet in section "permission_sets",
    permission_set_assignment::OF_SETS,
    permission_set_group::PermissionSetGroup in section "permission_set_groups",
    permission_set_assignment::OF_GROUPS,
    permission_set_license_assignment::PermissionSetLicenseAssignment,
    profile::Profile in section "profiles",
    group_member::OF_PUBLIC_GROUPS,
    group_member::OF_QUEUES,
    user::User in section "users",
}

/// The kind of that name.
pub fn named(name: &str) -> Option<&'static dyn Kind> {
    ALL.iter().copied().find(|kind| kind.name() == name)
}

/// The place of the kind of that name among [`ALL`].
pub fn position(name: &str) -> Option<usize> {
    ALL.iter().position(|kind| kind.name() == name)
}

/// The kind of an address.
pub fn of(address: &Address) -> Option<&'static dyn Kind> {
    named(address.kind())
}

/// Which of these names of a set of system permissions others among them
/// require by the shipped table, with the one that does.
pub fn shipped_implications(
    path: &str,
    names: &[String],
) -> std::collections::BTreeMap<String, String> {
    let mut implied = std::collections::BTreeMap::new();
    if !is_of_system_permissions(path) {
        return implied;
    }
    // The one that requires most comes first and takes the others with it.
    let mut order: Vec<&String> = names.iter().collect();
    order.sort_by_key(|name| std::cmp::Reverse(permissions::shipped_prerequisites(name).len()));
    for name in order {
        for need in permissions::shipped_prerequisites(name) {
            let is_here = names.iter().any(|held| held == need);
            if is_here && !implied.contains_key(name.as_str()) {
                implied.entry((*need).to_owned()).or_insert_with(|| name.clone());
            }
        }
    }
    implied
}

/// The paths that hold something before and nothing after.
pub fn withdrawn(before: Option<&Attributes>, after: &Attributes) -> Vec<Path> {
    before
        .into_iter()
        .flat_map(Attributes::iter)
        .filter(|(path, _)| after.get(path).is_none())
        .map(|(path, _)| Path::Owned(path.to_owned()))
        .collect()
}

/// What was observed of a recorded thing, as it compares with `wanted`; what the
/// org does not show is taken from `history`.
pub fn as_seen(
    kind: &dyn Kind,
    observed: &Attributes,
    wanted: &Attributes,
    history: &Attributes,
) -> Attributes {
    let mut seen = as_found(kind, observed, wanted, history);
    let unconfirmed = kind.comparison().unconfirmed(&seen, history);
    seen.extend(&unconfirmed);
    seen
}

/// The same of a thing that is not recorded: what no read can show is as it is
/// in `history`.
pub fn as_found(
    kind: &dyn Kind,
    observed: &Attributes,
    wanted: &Attributes,
    history: &Attributes,
) -> Attributes {
    let mut seen = kind.comparison().comparable(observed, wanted);
    for path in kind.comparison().unobservable() {
        seen.remove(path);
        seen.set_some(*path, history.get(path).cloned());
    }
    seen
}

/// Whether a path holds system permissions, granted or muted.
fn is_of_system_permissions(path: &str) -> bool {
    path.rsplit('.').next() == Some("system_permissions")
}

/// What a person calls an element of a set, with its API name where the two
/// differ.
pub fn element_label(path: &str, element: &str) -> String {
    if is_of_system_permissions(path) {
        let label = permissions::label(element);
        if label != element {
            return format!("{label} ({element})");
        }
    }
    element.to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn kinds_are_registered_in_the_order_of_their_names() {
        let names: Vec<_> = super::ALL.iter().map(|kind| kind.name()).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(names, sorted);
    }
}
