//! Profiles: made as a clone of another, and an overlay afterwards.
//!
//! The platform has no call that clones. A profile is made by inserting the
//! sObject with the base's user license, which starts nearly empty (Object
//! Reference, `Profile`), then what the base has is laid over it once. A profile's
//! license can never be changed. Settings that are declared are an overlay too:
//! what is declared no more is switched off, and all else is left alone.

mod clone;
mod restrictions;
mod spec;
mod steps;

use crate::kinds::Comparison;
use crate::kinds::Document;
use crate::kinds::Granting;
use crate::kinds::Holding;
use crate::kinds::LifecycleRules;
use crate::kinds::Reference;
use crate::kinds::Replacement;
use crate::model::KindName;
use std::collections::BTreeSet;

use super::Kind;
use super::Resolved;
use super::Scope;
use super::Step;
use super::StepContext;
use super::Visibility;
use super::settings;
use crate::facts::API_ONLY;
use crate::facts::Catalog;
use crate::facts::Fact;
use crate::facts::Known;
use crate::facts::ProfileFact;
use crate::facts::profile_full_name;
use crate::facts::profile_names;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Declared;
use crate::model::Element;
use crate::model::Grants;
use crate::model::IdReference;
use crate::model::KeySource;
use crate::model::Observed;
use crate::model::Place;
use crate::model::Problem;
use crate::model::RecordEffect;
use crate::model::Row;
use crate::model::RowExt;
use crate::model::RowQuery;
use crate::model::SalesforceId;
use crate::model::StepName;
use crate::model::Value;
use crate::model::Write;

/// The kind `profile`.
pub struct Profile;

/// Its name in addresses.
pub const KIND: KindName = KindName::PROFILE;
const SECTION: &str = "profiles";
const CLONE_FROM: &str = "clone_from";
const LICENSE: &str = "user_license";
/// Holds once the base's settings have been laid over the new profile.
const CLONED: &str = "settings_cloned";
/// What a clone takes over beside system permissions, counted.
const CLONED_WITH: &str = "settings_of_the_base";
const BASE_PERMISSIONS: &str = "system_permissions";
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

/// Whether a path is laid over the profile by its document.
fn is_setting(path: &str) -> bool {
    path == "default_app"
        || path == restrictions::LOGIN_HOURS
        || path == restrictions::LOGIN_IP_RANGES
        || path.starts_with("tabs.")
        || path.starts_with(settings::RECORD_TYPES)
        || settings::SECTIONS.iter().any(|(section, _, _, _)| *section == path)
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

/// A profile of the license for users that leave one that is deleted.
pub fn fallback<'a>(
    license: &str,
    catalog: &'a Catalog,
    may_be_used: &dyn Fn(&str) -> bool,
) -> Option<&'a ProfileFact> {
    let profiles = catalog.profiles_of_license.get(license).list();
    let usable = || profiles.iter().filter(|profile| may_be_used(&profile.name));
    FALLBACKS
        .iter()
        .find_map(|name| usable().find(|profile| profile.name == *name))
        .or_else(|| usable().min_by(|left, right| left.name.cmp(&right.name)))
}

impl Kind for Profile {
    fn name(&self) -> KindName {
        KIND
    }

    fn place(&self, address: &Address, path: &str) -> Place {
        let entry = Place::keys([SECTION, address.name()]);
        if let Some((object, which)) = settings::record_type_object(path) {
            let entry = entry.key("record_types").key(object);
            return entry.key(which.unwrap_or("assigned"));
        }
        let first = path.split('.').next().unwrap_or_default();
        if first.is_empty() { entry } else { entry.key(first) }
    }

    fn facts(&self, declared: &Declared, scope: &dyn Scope, want: &mut dyn FnMut(Fact)) {
        for name in profile_names(root_base(declared, scope)) {
            want(Fact::Profile(name.to_owned()));
            want(Fact::ProfileBase(name.to_owned()));
        }
        settings::record_type_facts(&declared.attributes, want);
    }

    fn resolve<'a>(
        &self,
        declared: &'a Declared,
        scope: &dyn Scope,
        catalog: &Catalog,
    ) -> Result<Resolved<'a>, Vec<Problem>> {
        let written = root_base(declared, scope);
        let found =
            profile_names(written).into_iter().find_map(|name| catalog.profile.get(name).is());
        let Some(base) = found else {
            return Err(vec![Problem::at(declared, self.place(&declared.address, CLONE_FROM), format!("profile `{written}` is neither declared nor in this org")).hint(if API_ONLY.contains(&written) {
                        "it comes with the user license Salesforce Integration: does Setup > Company Information list that one? Editions below Enterprise don't have it, and in an older org it may have to be asked for"
                    } else {
                        "write the name of a profile as Setup > Profiles lists it, in English or in the language of the token's user"
                    }
                    .to_owned(),)]);
        };
        let mut attributes = Attributes::new();
        attributes.set_some("description", declared.attributes.get("description").cloned());
        attributes.set(LICENSE, Value::Text(base.license.clone()));
        attributes.set(CLONED, Value::Flag(true));
        let is_plain = |path: &str| is_setting(path) && !path.starts_with(settings::RECORD_TYPES);
        for (path, value) in declared.attributes.iter().filter(|(path, _)| is_plain(path)) {
            attributes.set(path.to_owned(), value.clone());
        }
        let mut problems = Vec::new();
        settings::resolve_record_types(
            declared,
            &|path| self.place(&declared.address, path),
            catalog,
            &mut attributes,
            &mut problems,
        );
        if problems.is_empty() { Ok(Resolved::to(attributes)) } else { Err(problems) }
    }

    fn defaults(&self, declared: &Declared, scope: &dyn Scope, catalog: &Catalog) -> Attributes {
        let mut defaults = Attributes::new();
        let names = profile_names(root_base(declared, scope));
        let Some(base) = names.into_iter().find_map(|name| catalog.profile.get(name).is()) else {
            return defaults;
        };
        defaults.set(CLONE_FROM, Value::Text(base.name.clone()));
        if let Known::Is(taken_over) = catalog.profile_base.get(&base.name) {
            defaults.set(BASE_PERMISSIONS, Value::set(clone::permissions(taken_over)));
            let others = clone::counted(taken_over);
            if !others.is_empty() {
                defaults.set(CLONED_WITH, Value::Set(others));
            }
        }
        defaults
    }

    fn queries(&self) -> &'static [RowQuery] {
        const QUERIES: [RowQuery; 1] = [RowQuery {
            object: "Profile",
            fields: &["Id", "Name", "Description", "UserLicense.Name"],
            key: "Name",
            key_source: KeySource::Name,
            filters: &[],
            supplementary: false,
            piggybacks: true,
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

    fn steps(&self, change: &Change, context: &dyn StepContext) -> Result<Vec<Step>, Problem> {
        let Some(after) = &change.after else {
            let Some(id) = change.id() else {
                return Err(
                    Problem::new(&change.address, "its id is not known").hint("run plan again")
                );
            };
            return Ok(vec![Step::new(
                StepName::Delete,
                Write::Delete { object: "Profile".into(), id: IdReference::Known(id.clone()) },
                RecordEffect { forget: true, ..RecordEffect::default() },
            )]);
        };
        Self::write(change, after, context)
    }

    /// Every org has several standard profiles; with Profile Filtering on, who
    /// lacks View All Profiles sees the own one alone (Salesforce Help,
    /// "Restrict Access to Profiles").
    fn visibility(&self) -> Option<Visibility> {
        Some(Visibility {
            query: "SELECT Id FROM Profile LIMIT 2",
            least: 2,
            is_about: |fact| matches!(fact, Fact::Profile(_)),
            message: "the org shows the token's user no profile but its own, so that it can't be told which profiles there are: Profile Filtering is on",
            hint: "Give that user the permission View All Profiles, or use the token of one that has it.",
        })
    }

    fn document(&self) -> Option<&dyn Document> {
        Some(self)
    }

    fn comparison(&self) -> &dyn Comparison {
        self
    }

    fn lifecycle_rules(&self) -> &dyn LifecycleRules {
        self
    }

    fn replacement(&self) -> &dyn Replacement {
        self
    }

    fn granting(&self) -> &dyn Granting {
        self
    }

    fn reference(&self) -> &dyn Reference {
        self
    }
}

impl Document for Profile {
    fn metadata_type(&self) -> &'static str {
        "Profile"
    }

    fn full_name(&self, address: &Address) -> String {
        profile_full_name(address.name())
    }

    fn is_read_for(&self, attributes: &Attributes) -> bool {
        attributes.iter().any(|(path, _)| is_setting(path))
    }

    fn observe(&self, document: &Element) -> Observed {
        let mut observed = Observed::default();
        settings::observe(settings::Holder::Profile, document, &mut observed.attributes);
        restrictions::observe(document, &mut observed.attributes);
        observed
    }
}

impl Comparison for Profile {
    fn comparable(&self, observed: &Attributes, wanted: &Attributes) -> Attributes {
        // Of an overlay only what is declared counts.
        let mut comparable = Attributes::new();
        for (path, value) in observed.iter() {
            match (value, wanted.get(path)) {
                _ if path == LICENSE => comparable.set(LICENSE, value.clone()),
                (_, None) => {}
                (Value::Set(names), Some(Value::Set(wanted))) if !is_whole_list(path) => {
                    let names: BTreeSet<String> = names.intersection(wanted).cloned().collect();
                    if !names.is_empty() {
                        comparable.set(path.to_owned(), Value::Set(names));
                    }
                }
                (_, Some(_)) => comparable.set(path.to_owned(), value.clone()),
            }
        }
        comparable
    }

    fn ever_wanted(&self, recorded: &Attributes, wanted: &Attributes) -> Attributes {
        // What was declared and is no more has to be seen to be switched off.
        let mut ever = recorded.clone();
        ever.unite(wanted);
        ever
    }

    /// Which default person accounts have is sent, and not always shown again
    /// (seen in profiles retrieved from real orgs); which default an object has
    /// can't be unset, and addresses not be emptied.
    fn unconfirmed(&self, seen: &Attributes, history: &Attributes) -> Attributes {
        let mut unconfirmed = Attributes::new();
        for (path, value) in history.iter() {
            let is_account_default = path.ends_with("_account_default");
            if is_account_default && seen.get(path).is_none() {
                unconfirmed.set(path.to_owned(), value.clone());
            }
        }
        unconfirmed
    }

    fn milestones(&self) -> &'static [&'static str] {
        &[CLONED]
    }
}

impl LifecycleRules for Profile {
    fn is_left_when_undeclared(&self, path: &str) -> bool {
        path == "default_app"
            || path == restrictions::LOGIN_IP_RANGES
            || settings::record_type_object(path).is_some_and(|(_, which)| which.is_some())
    }

    fn ignorable(&self) -> &'static str {
        "description, record_types, login_hours, login_ip_ranges, apps, tabs, default_app, apex_classes, visualforce_pages, custom_permissions, custom_metadata_types, custom_settings, external_data_sources, flows"
    }

    fn ignores(&self, word: &str, path: &str) -> bool {
        path == word || path.strip_prefix(word).is_some_and(|rest| rest.starts_with('.'))
    }
}

impl Replacement for Profile {
    fn never_replaced(&self) -> Option<(&'static str, &'static str)> {
        Some((
            "its users can't be without it in between",
            "Declare a profile under another name, move the users there, then take this one out.",
        ))
    }
}

impl Granting for Profile {
    fn removal_facts(&self, address: &Address, recorded: &Attributes) -> Vec<Fact> {
        let mut facts = vec![Fact::ProfileHolders(address.name().to_owned())];
        if let Some(license) = recorded.text(LICENSE) {
            facts.push(Fact::ProfilesOfLicense(license.to_owned()));
        }
        facts
    }

    /// A new profile grants what its base's system permissions are; of one that
    /// is there the attributes say nothing.
    fn grants(&self, attributes: &Attributes) -> Option<Grants> {
        attributes.get(BASE_PERMISSIONS)?;
        let system = attributes.names(BASE_PERMISSIONS).map(str::to_owned).collect();
        Some(Grants { system, ..Grants::default() })
    }

    fn holders<'a>(&self, address: &Address, catalog: &'a Catalog) -> Option<Holding<'a>> {
        Some(Holding {
            holders: catalog.profile_holders.get(address.name()),
            held_by: |_, username| Address::new(KindName::USER, username),
        })
    }
}

impl Reference for Profile {
    fn known_id(&self, name: &str, catalog: &Catalog) -> Option<SalesforceId> {
        catalog.profile.get(name).is().map(|profile| profile.id.clone())
    }
}

/// Whether a list is replaced as a whole.
fn is_whole_list(path: &str) -> bool {
    path == restrictions::LOGIN_HOURS || path == restrictions::LOGIN_IP_RANGES
}
