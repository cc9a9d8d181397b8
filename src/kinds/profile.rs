//! Profiles: made as a clone of another, and an overlay afterwards.
//!
//! The platform has no call that clones. A profile is made by inserting the
//! sObject with the base's user license, which starts nearly empty (Object
//! Reference, `Profile`), then the base's system permissions are laid over it
//! once. A profile's license can never be changed.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Kind;
use super::Resolved;
use super::Scope;
use super::Section;
use super::Sight;
use super::Step;
use super::StepContext;
use super::spec::Description;
use super::spec::LifecycleSpec;
use super::spec::ProfileName;
use super::spec::check_profile_name;
use super::user;
use super::withdrawn;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Catalog;
use crate::model::Change;
use crate::model::Declared;
use crate::model::Element;
use crate::model::Fact;
use crate::model::FactValue;
use crate::model::FieldValue;
use crate::model::Grants;
use crate::model::IdReference;
use crate::model::KeySource;
use crate::model::Observed;
use crate::model::Ownership;
use crate::model::Place;
use crate::model::Problem;
use crate::model::ProfileFact;
use crate::model::Reason;
use crate::model::RecordEffect;
use crate::model::Row;
use crate::model::RowExt;
use crate::model::RowQuery;
use crate::model::SalesforceId;
use crate::model::Value;
use crate::model::Write;

/// The kind `profile`.
pub struct Profile;

/// Its name in addresses.
pub const KIND: &str = "profile";
const SECTION: &str = "profiles";
const CLONE_FROM: &str = "clone_from";
const LICENSE: &str = "user_license";
/// Holds once the base's settings have been laid over the new profile.
const CLONED: &str = "settings_cloned";
const BASE_PERMISSIONS: &str = "system_permissions";
/// The API-only profile of the Salesforce Integration license has two names,
/// the newer one first (seen in metadata retrieved from real orgs).
const API_ONLY: [&str; 2] =
    ["Minimum Access - API Only Integrations", "Salesforce API Only System Integrations"];
/// The longest chain of clones that is followed.
const LONGEST_CHAIN: usize = 100_000;
/// Profiles that are good places for a deactivated user, best first.
const FALLBACKS: [&str; 5] = [
    API_ONLY[0],
    API_ONLY[1],
    "Minimum Access - Salesforce",
    "Standard User",
    "Standard Platform User",
];

/// A profile, under its name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileSpec {
    /// The profile that it is made from, once: its user license and its system
    /// permissions.
    clone_from: ProfileName,
    /// What it is for, at most 255 characters.
    description: Option<Description>,
    /// The name that it had, when it is to be renamed.
    was: Option<ProfileName>,
    /// How far it is held to what the file says.
    #[serde(default)]
    lifecycle: LifecycleSpec,
}

impl Section for Profile {
    type Spec = ProfileSpec;

    fn check_name(name: &str) -> Result<(), String> {
        check_profile_name(name)
    }

    fn declare(name: &str, spec: ProfileSpec, into: &mut dyn FnMut(Declared)) {
        let mut attributes = Attributes::new();
        attributes.set(CLONE_FROM, Value::Reference(Address::new(KIND, &spec.clone_from.0)));
        attributes.set_some(
            "description",
            spec.description
                .map(|description| description.0.trim().to_owned())
                .filter(|description| !description.is_empty())
                .map(Value::Text),
        );
        into(Declared {
            was: spec.was.map(|was| was.0),
            lifecycle: spec.lifecycle.into(),
            ..Declared::new(Address::new(KIND, name), attributes)
        });
    }
}

/// The profile of the org at the end of a chain of declared clones.
fn root_base<'a>(declared: &'a Declared, scope: &'a dyn Scope) -> &'a str {
    let mut base = declared.attributes.reference(CLONE_FROM);
    // Circles are refused when files are read; the bound is for whoever calls
    // this without.
    let mut steps = 0;
    while let Some(next) = base.and_then(|address| scope.declared(address))
        && steps < LONGEST_CHAIN
    {
        base = next.attributes.reference(CLONE_FROM);
        steps += 1;
    }
    base.map_or("", Address::name)
}

/// The names under which a base may be found.
fn names_of_base(base: &str) -> Vec<&str> {
    let mut names = vec![base];
    if API_ONLY.contains(&base) {
        names.extend(API_ONLY.iter().copied().filter(|name| *name != base));
    }
    names
}

/// A profile of the license for users that leave one that is deleted.
pub fn fallback<'a>(
    license: &str,
    catalog: &'a Catalog,
    may_be_used: &dyn Fn(&str) -> bool,
) -> Option<&'a ProfileFact> {
    let Some(FactValue::Profiles(profiles)) =
        catalog.get(&Fact::ProfilesOfLicense(license.to_owned()))
    else {
        return None;
    };
    let usable = || profiles.iter().filter(|profile| may_be_used(&profile.name));
    FALLBACKS
        .iter()
        .find_map(|name| usable().find(|profile| profile.name == *name))
        .or_else(|| usable().min_by(|left, right| left.name.cmp(&right.name)))
}

impl Kind for Profile {
    fn name(&self) -> &'static str {
        KIND
    }

    fn place(&self, address: &Address, path: &str) -> Place {
        let entry = Place::keys([SECTION, address.name()]);
        if path.is_empty() { entry } else { entry.key(path) }
    }

    fn facts(&self, declared: &Declared, scope: &dyn Scope, want: &mut dyn FnMut(Fact)) {
        for name in names_of_base(root_base(declared, scope)) {
            want(Fact::Profile(name.to_owned()));
            want(Fact::ProfileBase(name.to_owned()));
        }
    }

    fn removal_facts(&self, address: &Address, recorded: &Attributes) -> Vec<Fact> {
        let mut facts = vec![Fact::ProfileHolders(address.name().to_owned())];
        if let Some(license) = recorded.text(LICENSE) {
            facts.push(Fact::ProfilesOfLicense(license.to_owned()));
        }
        facts
    }

    fn resolve(
        &self,
        declared: &Declared,
        scope: &dyn Scope,
        catalog: &Catalog,
    ) -> Result<Resolved, Vec<Problem>> {
        let written = root_base(declared, scope);
        let found = names_of_base(written).into_iter().find_map(|name| catalog.profile(name));
        let Some(base) = found else {
            return Err(vec![Problem {
                address: declared.address.clone(),
                place: Some(self.place(&declared.address, CLONE_FROM)),
                file: declared.file,
                message: format!("profile `{written}` is neither declared nor in this org"),
                hint: Some(
                    "write the name of a profile as Setup > Profiles lists it in English"
                        .to_owned(),
                ),
            }]);
        };
        let mut resolved = Resolved::default();
        let attributes = &mut resolved.attributes;
        attributes.set_some("description", declared.attributes.get("description").cloned());
        attributes.set(LICENSE, Value::Text(base.license.clone()));
        attributes.set(CLONED, Value::Flag(true));
        resolved.defaults.set(CLONE_FROM, Value::Text(base.name.clone()));
        if let Some(FactValue::ProfileBase(permissions)) =
            catalog.get(&Fact::ProfileBase(base.name.clone()))
        {
            resolved.defaults.set(BASE_PERMISSIONS, Value::set(permissions.iter().cloned()));
        }
        Ok(resolved)
    }

    fn queries(&self) -> &'static [RowQuery] {
        const QUERIES: [RowQuery; 1] = [RowQuery {
            object: "Profile",
            fields: &["Id", "Name", "Description", "UserLicense.Name"],
            key: "Name",
            key_source: KeySource::Name,
            condition: None,
            supplementary: false,
        }];
        &QUERIES
    }

    fn query_key(&self, address: &Address) -> String {
        address.name().to_owned()
    }

    fn observe_row(&self, _query: usize, row: &Row) -> Option<(Option<Address>, Observed)> {
        let mut attributes = Attributes::new();
        let description = row.text("Description").map(str::trim).filter(|text| !text.is_empty());
        attributes.set_some("description", description.map(|text| Value::Text(text.to_owned())));
        attributes.set_some(
            LICENSE,
            row.text("UserLicense.Name").map(|name| Value::Text(name.to_owned())),
        );
        let id = SalesforceId::parse(row.text("Id")?);
        let address = Address::new(KIND, row.text("Name")?);
        Some((Some(address), Observed { id, attributes, ..Observed::default() }))
    }

    fn comparable(&self, observed: &Attributes, wanted: &Attributes) -> Attributes {
        let mut comparable = observed.clone();
        if wanted.get("description").is_none() {
            comparable.remove("description");
        }
        comparable
    }

    fn milestones(&self) -> &'static [&'static str] {
        &[CLONED]
    }

    fn steps(&self, change: &Change, context: &dyn StepContext) -> Result<Vec<Step>, Problem> {
        let name = change.address.name();
        let refuse = |message: String, hint: &str| Problem {
            address: change.address.clone(),
            place: Some(self.place(&change.address, CLONE_FROM)),
            file: 0,
            message,
            hint: Some(hint.to_owned()),
        };
        let Some(after) = &change.after else {
            let Some(id) = change.id() else {
                return Err(refuse("its id is not known".to_owned(), "run plan again"));
            };
            return Ok(vec![Step::new(
                "delete",
                Write::Delete { object: "Profile".into(), id: IdReference::Known(id.clone()) },
                RecordEffect { forget: true, ..RecordEffect::default() },
            )]);
        };
        let mut steps = Vec::new();
        let description = || match after.text("description") {
            Some(text) => FieldValue::Text(text.to_owned()),
            None => FieldValue::Null,
        };
        let mut without_overlay = after.clone();
        without_overlay.remove(CLONED);
        match &change.before {
            None => {
                let base = change.defaults.text(CLONE_FROM).unwrap_or_default();
                let Some(base) = context.catalog().profile(base) else {
                    return Err(refuse(
                        format!("the profile to clone, `{base}`, is not known"),
                        "run plan again without --refresh=false",
                    ));
                };
                let mut fields = vec![
                    ("Name".into(), FieldValue::Text(name.to_owned())),
                    (
                        "UserLicenseId".into(),
                        FieldValue::Id(IdReference::Known(base.license_id.clone())),
                    ),
                ];
                if after.get("description").is_some() {
                    fields.push(("Description".into(), description()));
                }
                steps.push(Step::new(
                    "insert",
                    Write::Insert { object: "Profile".into(), fields },
                    RecordEffect {
                        confirm: without_overlay,
                        creates: Some(Ownership::Created),
                        ..RecordEffect::default()
                    },
                ));
            }
            Some(before) => {
                let (was, will_be) = (before.text(LICENSE), after.text(LICENSE));
                if was != will_be {
                    return Err(refuse(
                        format!(
                            "the profile has the user license `{}`, and a profile's license can't be changed to `{}`",
                            was.unwrap_or("?"),
                            will_be.unwrap_or("?")
                        ),
                        "declare a new profile under another name and move its users there",
                    ));
                }
                let mut fields = Vec::new();
                if matches!(change.reason, Reason::Renamed { .. }) {
                    fields.push(("Name".into(), FieldValue::Text(name.to_owned())));
                }
                if before.get("description") != after.get("description") {
                    fields.push(("Description".into(), description()));
                }
                if let Some(id) = change.id().filter(|_| !fields.is_empty()) {
                    steps.push(Step::new(
                        "update",
                        Write::Update {
                            object: "Profile".into(),
                            id: IdReference::Known(id.clone()),
                            fields,
                        },
                        RecordEffect {
                            confirm: without_overlay,
                            withdraw: withdrawn(Some(before), after),
                            ..RecordEffect::default()
                        },
                    ));
                }
            }
        }
        let is_half_made = change.before.as_ref().is_none_or(|before| before.get(CLONED).is_none());
        if is_half_made && change.action != Action::Adopt {
            let cloned: Attributes = [(CLONED, Value::Flag(true))].into_iter().collect();
            let mut body = vec![Element::text("custom", "true")];
            for permission in change.defaults.names(BASE_PERMISSIONS) {
                body.push(Element::parent(
                    "userPermissions",
                    vec![Element::text("enabled", "true"), Element::text("name", permission)],
                ));
            }
            steps.push(Step::new(
                "overlay",
                Write::UpdateDocument {
                    metadata_type: "Profile".into(),
                    full_name: metadata_full_name(name),
                    body,
                },
                RecordEffect { confirm: cloned, ..RecordEffect::default() },
            ));
        }
        Ok(steps)
    }

    /// Every org has several standard profiles; with Profile Filtering on, who
    /// lacks View All Profiles sees the own one alone (Salesforce Help,
    /// "Restrict Access to Profiles").
    fn sight(&self) -> Option<Sight> {
        Some(Sight {
            query: "SELECT Id FROM Profile LIMIT 2",
            least: 2,
            is_about: |fact| matches!(fact, Fact::Profile(_)),
            message: "the org shows the token's user no profile but its own, so that it can't be told which profiles there are: Profile Filtering is on",
            hint: "Give that user the permission View All Profiles, or use the token of one that has it.",
        })
    }

    /// A new profile grants what its base's system permissions are; of one that
    /// is there the attributes say nothing.
    fn grants(&self, attributes: &Attributes) -> Option<Grants> {
        attributes.get(BASE_PERMISSIONS)?;
        let system = attributes.names(BASE_PERMISSIONS).map(str::to_owned).collect();
        Some(Grants { system, ..Grants::default() })
    }

    fn ignorable(&self) -> &'static str {
        "description"
    }

    fn never_replaced(&self) -> Option<(&'static str, &'static str)> {
        Some((
            "its users can't be without it in between",
            "Declare a profile under another name, move the users there, then take this one out.",
        ))
    }

    fn holders(&self, address: &Address) -> Option<(Fact, fn(&Address, &str) -> Address)> {
        Some((Fact::ProfileHolders(address.name().to_owned()), |_, username| {
            Address::new(user::KIND, username)
        }))
    }

    fn known_id(&self, name: &str, catalog: &Catalog) -> Option<SalesforceId> {
        catalog.profile(name).map(|profile| profile.id.clone())
    }
}

/// The metadata full name of a custom profile: its name with some characters
/// written as `%` and two hexadecimal digits (seen in the file names of real
/// retrieves: `%2F`, `%26`, `%3A`).
pub fn metadata_full_name(name: &str) -> String {
    let mut full_name = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_ascii()
            && !character.is_ascii_alphanumeric()
            && !" _-.,".contains(character)
        {
            // Writing to a string does not fail.
            let _ = write!(full_name, "%{:02X}", u32::from(character));
        } else {
            full_name.push(character);
        }
    }
    full_name
}

#[cfg(test)]
mod tests {
    use super::metadata_full_name;

    #[test]
    fn full_names_escape_what_real_file_names_escape() {
        assert_eq!(metadata_full_name("Partner / Director"), "Partner %2F Director");
        assert_eq!(metadata_full_name("Coconut Integration"), "Coconut Integration");
        assert_eq!(
            metadata_full_name("Minimum Access - API Only Integrations"),
            "Minimum Access - API Only Integrations"
        );
    }
}
