//! Names of permissions, and what each needs.
//!
//! A permission is written by its label in Setup or by its API name. Setup
//! ticks prerequisites by itself, the API refuses where one is missing, so the
//! closure is computed here: from the shipped table, from what the org says,
//! and from what its refusals taught (`learning`).

use crate::text::words;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::OnceLock;

use crate::data;
use crate::facts::Catalog;
use crate::facts::Fact;
use crate::model::ObjectAccess;
use crate::model::Permission;

/// These accesses, and those that need one of them.
pub fn with_dependents(accesses: &BTreeSet<ObjectAccess>) -> BTreeSet<ObjectAccess> {
    let is_off = |access: &ObjectAccess| {
        accesses.contains(access) || access.needs().iter().any(|need| accesses.contains(need))
    };
    ObjectAccess::ALL.into_iter().filter(is_off).collect()
}

struct Tables {
    api_names: BTreeSet<&'static str>,
    by_label: HashMap<String, Vec<&'static str>>,
    labels: HashMap<&'static str, &'static str>,
    prerequisites: BTreeMap<&'static str, Vec<&'static str>>,
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        let mut api_names = BTreeSet::new();
        let mut by_label: HashMap<String, Vec<&str>> = HashMap::new();
        let mut labels = HashMap::new();
        for row in data::rows(data::SYSTEM_PERMISSIONS) {
            api_names.insert(row[0]);
            if let Some(label) = row.get(1).filter(|label| !label.is_empty()) {
                by_label.entry(label.to_lowercase()).or_default().push(row[0]);
                labels.insert(row[0], *label);
            }
        }
        let prerequisites = data::rows(data::PREREQUISITES)
            .map(|row| {
                (row[0], row.get(1).map_or_else(Vec::new, |needed| needed.split(',').collect()))
            })
            .collect();
        Tables { api_names, by_label, labels, prerequisites }
    })
}

/// The label of a system permission as Setup shows it, or its API name.
pub fn label(api_name: &str) -> &str {
    tables().labels.get(api_name).copied().unwrap_or(api_name)
}

/// Why a written permission has no API name.
#[derive(Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// The label fits several.
    Ambiguous(Vec<String>),
    /// Nothing fits; perhaps this was meant.
    Unknown(Option<String>),
}

/// The API name of what was written: an API name, or a label in the shipped
/// table, or a label that only this org has.
///
/// # Errors
/// When nothing fits, or more than one.
pub fn api_name(written: &str, catalog: &Catalog) -> Result<String, Unresolved> {
    let tables = tables();
    let additional = additional(catalog);
    if let Some(known) = tables.api_names.get(written) {
        return Ok((*known).to_owned());
    }
    if let Some((known, _)) = additional.iter().find(|(known, _)| known == written) {
        return Ok(known.clone());
    }
    let lower = written.to_lowercase();
    let mut fitting: Vec<String> = tables
        .by_label
        .get(&lower)
        .map(|names| names.iter().map(|name| (*name).to_owned()).collect())
        .unwrap_or_default();
    if fitting.is_empty() {
        fitting = additional
            .iter()
            .filter(|(_, label)| label.to_lowercase() == lower)
            .map(|(name, _)| name.clone())
            .collect();
    }
    match fitting.len() {
        1 => Ok(fitting.remove(0)),
        0 => {
            let candidates =
                tables.labels.values().copied().chain(tables.api_names.iter().copied());
            let meant = words::closest(written, candidates);
            Err(Unresolved::Unknown(meant.map(str::to_owned)))
        }
        _ => Err(Unresolved::Ambiguous(fitting)),
    }
}

/// How risky a system permission is (0 the most), and why; `None` for one that
/// gives no power over the whole org.
pub fn risk(api_name: &str) -> Option<(usize, &'static str)> {
    data::rows(data::RISKY_PERMISSIONS)
        .enumerate()
        .find(|(_, row)| row[0] == api_name)
        .map(|(rank, row)| (rank, row.get(1).copied().unwrap_or_default()))
}

/// System permissions that only let somebody see how an org is laid out, and that many
/// others need.
const HARMLESS: [&str; 4] = ["ViewPublicDashboards", "ViewPublicReports", "ViewRoles", "ViewSetup"];

/// Whether a permission gives more than a look: power over people, settings or data. All but a
/// few do, since a list of all that is dangerous is never whole.
pub fn is_privileged(permission: &Permission) -> bool {
    match permission {
        Permission::Object { access, .. } => *access != ObjectAccess::Read,
        Permission::System(name) => !HARMLESS.contains(&name.as_str()),
    }
}

/// Whether this org has a permission, as far as that is known.
pub fn is_permission(permission: &Permission, catalog: &Catalog) -> bool {
    let Permission::System(name) = permission else { return true };
    let is_known = tables().api_names.contains(name.as_str())
        || additional(catalog).iter().any(|(known, _)| known == name);
    is_known && !is_unknown_in_org(name, catalog)
}

/// Whether this org is known not to have a system permission.
pub fn is_unknown_in_org(name: &str, catalog: &Catalog) -> bool {
    let known = catalog.system_permissions.get(&()).is();
    known.is_some_and(|known| known.unknown.iter().any(|held| held == name))
}

/// Names and labels that only this org has.
fn additional(catalog: &Catalog) -> &[(String, String)] {
    catalog.system_permissions.get(&()).is().map_or(&[], |known| &known.additional)
}

/// What a permission needs, by the shipped table.
pub fn shipped_prerequisites(permission: &str) -> &'static [&'static str] {
    tables().prerequisites.get(permission).map_or(&[], Vec::as_slice)
}

/// Why a permission is needed that nobody named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The named permission that needs it.
    pub because: Permission,
    /// Whether only a refusal of the org says so.
    pub learned: bool,
}

/// All permissions that the named ones need, with why. System permissions that the org
/// does not know are left out.
pub fn closure(named: &BTreeSet<Permission>, catalog: &Catalog) -> BTreeMap<Permission, Need> {
    let mut implied: BTreeMap<Permission, Need> = BTreeMap::new();
    // What is known otherwise comes first, so that only the rest is reported as learned.
    for learns in [false, true] {
        let mut open: Vec<(Permission, Need)> = Vec::new();
        let seed = |permission: &Permission| {
            let held = implied.get(permission);
            let because = held.map_or_else(|| permission.clone(), |need| need.because.clone());
            let learned = held.is_some_and(|need| need.learned);
            (permission.clone(), Need { because, learned })
        };
        open.extend(implied.keys().rev().map(seed));
        open.extend(named.iter().rev().map(seed));
        while let Some((permission, why)) = open.pop() {
            let text = permission.to_string();
            let known = needed_by(&permission, &text, catalog);
            let known = known.into_iter().map(|need| (need, why.learned));
            let learned = catalog.learned_prerequisites.get(&text).list().iter();
            let learned = learned.filter(|_| learns).map(|need| (Permission::of_text(need), true));
            for (need, learned) in known.chain(learned) {
                let is_new = !named.contains(&need) && !implied.contains_key(&need);
                if is_new && !is_unknown_in_org(&need.to_string(), catalog) {
                    let why = Need { because: why.because.clone(), learned };
                    implied.insert(need.clone(), why.clone());
                    open.push((need, why));
                }
            }
        }
    }
    implied
}

/// What a permission needs, by the shipped table, by what the org says, and on the object.
fn needed_by(permission: &Permission, text: &str, catalog: &Catalog) -> Vec<Permission> {
    let shipped = shipped_prerequisites(text).iter().map(|need| Permission::of_text(need));
    let of_org = catalog.prerequisites.get(text).list().iter();
    let mut needed: Vec<Permission> =
        shipped.chain(of_org.map(|need| Permission::of_text(need))).collect();
    if let Permission::Object { object, access } = permission {
        needed.extend(access.needs().iter().map(|need| Permission::object(object, *need)));
    }
    needed
}

/// The facts that a closure over these permissions is made of.
pub fn closure_facts(named: &BTreeSet<Permission>, want: &mut dyn FnMut(Fact)) {
    let nothing_known = Catalog::new();
    for permission in named.iter().chain(closure(named, &nothing_known).keys()) {
        want(Fact::Prerequisites(permission.to_string()));
    }
}

/// The permission that words such as `Read Account`, `Convert Leads` or `ViewRoles`
/// stand for.
pub fn of_words(words: &str, catalog: &Catalog) -> Permission {
    const VERBS: [(&str, ObjectAccess); 6] = [
        ("Read All ", ObjectAccess::ViewAll),
        ("Modify All ", ObjectAccess::ModifyAll),
        ("Read ", ObjectAccess::Read),
        ("Create ", ObjectAccess::Create),
        ("Edit ", ObjectAccess::Edit),
        ("Delete ", ObjectAccess::Delete),
    ];
    let words = words.trim();
    if let Ok(name) = api_name(words, catalog) {
        return Permission::System(name);
    }
    for (verb, access) in VERBS {
        if let Some(object) = words.strip_prefix(verb) {
            return Permission::object(object.trim(), access);
        }
    }
    Permission::of_text(words)
}

#[cfg(test)]
mod tests {
    use super::Unresolved;
    use super::api_name;
    use super::closure;
    use crate::data;
    use crate::facts::Catalog;
    use crate::model::Permission;

    fn implied_by(atoms: &[&str], catalog: &Catalog) -> Vec<String> {
        let named = atoms.iter().map(|text| Permission::of_text(text)).collect();
        closure(&named, catalog).into_keys().map(|need| need.to_string()).collect()
    }

    #[test]
    fn risky_permissions_are_ones_that_exist() {
        for row in data::rows(data::RISKY_PERMISSIONS) {
            assert_eq!(api_name(row[0], &Catalog::new()).as_deref(), Ok(row[0]));
            assert!(row[1].len() > 10, "{} has a reason", row[0]);
        }
    }

    #[test]
    fn modify_all_data_needs_thirty_five_others() {
        assert_eq!(implied_by(&["ModifyAllData"], &Catalog::new()).len(), 35);
    }

    #[test]
    fn a_permission_this_org_does_not_know_is_left_out_of_the_closure() {
        let mut catalog = Catalog::new();
        catalog.system_permissions.grown(()).unknown.push("ManageNetworks".into());
        assert_eq!(implied_by(&["ModifyAllData"], &catalog).len(), 34);
    }

    #[test]
    fn an_object_permission_needs_others_on_its_own_object_and_on_its_parent() {
        let implied = implied_by(&["Contact<modifyAllRecords>"], &Catalog::new());
        assert_eq!(
            implied,
            [
                "Account<read>",
                "Contact<delete>",
                "Contact<read>",
                "Contact<update>",
                "Contact<viewAllRecords>"
            ]
        );
    }

    #[test]
    fn labels_and_api_names_are_both_understood_and_doubt_is_told() {
        let catalog = Catalog::new();
        assert_eq!(api_name("Modify All Data", &catalog).as_deref(), Ok("ModifyAllData"));
        assert_eq!(api_name("access activities", &catalog).as_deref(), Ok("ActivitiesAccess"));
        assert_eq!(api_name("ApiEnabled", &catalog).as_deref(), Ok("ApiEnabled"));
        assert!(matches!(
            api_name("Create AppExchange Packages", &catalog),
            Err(Unresolved::Ambiguous(names)) if names.len() == 2
        ));
        assert_eq!(
            api_name("Modify Al Data", &catalog),
            Err(Unresolved::Unknown(Some("Modify All Data".into())))
        );
    }
}
