//! Facts: which questions answer them, in as few calls as can be.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::EngineError;
use super::answers::profiles_by_id;
use super::observe::DOCUMENTS;
use crate::kinds;
use crate::model::Catalog;
use crate::model::Element;
use crate::model::Fact;
use crate::model::FactValue;
use crate::model::Holders;
use crate::model::Row;
use crate::model::RowExt as _;
use crate::model::SalesforceId;
use crate::org::Org;
use crate::org::keyed_queries;
use crate::org::quote;

/// The facts to ask for, by how they are asked.
#[derive(Clone, Debug, Default)]
pub struct FactNeeds {
    pub(super) facts: BTreeSet<Fact>,
}

/// A kind's own question about rows that facts ask for too: both are asked in one
/// query, while they are few.
#[derive(Clone, Copy)]
pub struct Rider<'a> {
    /// The columns that the kind reads.
    pub fields: &'a [&'a str],
    /// The names that it looks for.
    pub names: &'a BTreeSet<String>,
}

/// A group of facts that one kind of row answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactRows {
    Organization,
    UserLicenses,
    SetLicenses,
    Profiles,
    ProfilesOfLicenses,
    PermissionSets,
    SetHolders,
    GroupsOfSets,
    Groups,
    GroupHolders,
    UserGroups,
    ProfileHolders,
    Packages,
    PersonAccounts,
    RecordTypes,
    Rights,
    AccessPolicies,
    Roles,
    Users,
}

impl FactRows {
    /// Whether an org may refuse the question: what it would tell only serves
    /// to check a plan, or the refusal says that there is nothing of the sort.
    pub fn may_be_refused(self) -> bool {
        matches!(self, Self::Packages | Self::Rights | Self::AccessPolicies | Self::GroupsOfSets)
    }
}

/// The permissions that the rights of the token's user are asked for.
pub const RIGHTS: [&str; 9] = [
    "AssignPermissionSets",
    "FreezeUsers",
    "ManageInternalUsers",
    "ManageProfilesPermissionsets",
    "ManageUsers",
    "ModifyAllData",
    "ModifyMetadata",
    "ResetPasswords",
    "ViewSetup",
];

const PROFILE_FIELDS: [&str; 4] = ["Id", "Name", "UserLicenseId", "UserLicense.Name"];
const LICENSE_FIELDS: &str = "Id, MasterLabel, Status, TotalLicenses, UsedLicenses";
/// The most names in one condition of several lists.
const NAMES: usize = 100;

impl FactNeeds {
    /// Asks for these.
    pub fn new(facts: impl IntoIterator<Item = Fact>) -> Self {
        Self { facts: facts.into_iter().collect() }
    }

    /// Takes a fact out of these, to be asked for on its own; tells whether it has
    /// to be asked for at all.
    pub fn takes(&mut self, fact: &Fact, catalog: &Catalog) -> bool {
        let was_asked = self.facts.remove(fact);
        was_asked || !catalog.knows(fact)
    }

    /// The names in those facts that `name_of` picks.
    pub(super) fn names<'a>(
        &'a self,
        name_of: impl Fn(&'a Fact) -> Option<&'a String>,
    ) -> Vec<&'a str> {
        self.facts.iter().filter_map(name_of).map(String::as_str).collect()
    }

    /// Whether a kind's question may ride along with the facts that such rows answer.
    pub fn carries(&self, rows: FactRows, names: &BTreeSet<String>) -> bool {
        let asked = self.facts.iter().filter(|fact| match rows {
            FactRows::Profiles => matches!(fact, Fact::Profile(_)),
            FactRows::PermissionSets => matches!(fact, Fact::PermissionSet(_)),
            _ => false,
        });
        let asked = asked.count();
        asked > 0 && asked + names.len() <= NAMES
    }

    /// Whether a fact asks for the profile or set of a row.
    pub fn asks_for(&self, row: &Row) -> bool {
        let name = |path: &str| row.text(path).map(str::to_lowercase);
        let (bare, label) = (name("Name").unwrap_or_default(), name("Label"));
        let whole = match name("NamespacePrefix") {
            Some(namespace) => format!("{namespace}__{bare}"),
            None => bare,
        };
        let names = self.names(|fact| match fact {
            Fact::Profile(name) | Fact::PermissionSet(name) => Some(name),
            _ => None,
        });
        names.into_iter().map(str::to_lowercase).any(|held| held == whole || Some(held) == label)
    }

    /// The queries that answer them, each with how its rows read.
    pub fn queries<'a>(
        &'a self,
        rider: &dyn Fn(FactRows) -> Option<Rider<'a>>,
    ) -> Vec<(FactRows, String)> {
        let mut queries = Vec::new();
        if self.facts.contains(&Fact::Organization) {
            queries.push((
                FactRows::Organization,
                "SELECT Id, Name, OrganizationType, IsSandbox, TimeZoneSidKey, DefaultLocaleSidKey, LanguageLocaleKey FROM Organization".to_owned(),
            ));
        }
        let list =
            |names: &[&str]| names.iter().map(|name| quote(name)).collect::<Vec<_>>().join(",");
        if self.facts.contains(&Fact::UserLicenses) {
            queries.push((
                FactRows::UserLicenses,
                format!("SELECT Name, {LICENSE_FIELDS} FROM UserLicense"),
            ));
        }
        for names in self
            .names(|fact| match fact {
                Fact::PermissionSetLicense(name) => Some(name),
                _ => None,
            })
            .chunks(NAMES)
        {
            let names = list(names);
            queries.push((
                FactRows::SetLicenses,
                format!(
                    "SELECT DeveloperName, ExpirationDate, {LICENSE_FIELDS} FROM PermissionSetLicense WHERE DeveloperName IN ({names}) OR MasterLabel IN ({names})"
                ),
            ));
        }
        let keyed = |rows: FactRows,
                     object: &str,
                     fields: &[&str],
                     key: &str,
                     condition: Option<&str>,
                     names: Vec<&str>| {
            keyed_queries(object, fields, key, condition, names)
                .into_iter()
                .map(move |query| (rows, query))
        };
        let mut profiles = self.names(|fact| match fact {
            Fact::Profile(name) => Some(name),
            _ => None,
        });
        let mut fields = PROFILE_FIELDS.to_vec();
        if let Some(rider) = rider(FactRows::Profiles) {
            profiles.extend(rider.names.iter().map(String::as_str));
            fields.extend(rider.fields.iter().filter(|field| !PROFILE_FIELDS.contains(field)));
        }
        queries.extend(keyed(FactRows::Profiles, "Profile", &fields, "Name", None, profiles));
        let licenses = self.names(|fact| match fact {
            Fact::ProfilesOfLicense(name) => Some(name),
            _ => None,
        });
        queries.extend(keyed(
            FactRows::ProfilesOfLicenses,
            "Profile",
            &PROFILE_FIELDS,
            "UserLicense.Name",
            None,
            licenses,
        ));
        for names in self
            .names(|fact| match fact {
                Fact::PermissionSet(name) => Some(name),
                _ => None,
            })
            .chunks(NAMES)
        {
            let mut bare: Vec<&str> = names
                .iter()
                .map(|name| name.split_once("__").map_or(*name, |(_, bare)| bare))
                .collect();
            if let Some(rider) = rider(FactRows::PermissionSets) {
                bare.extend(rider.names.iter().map(String::as_str));
            }
            queries.push((
                FactRows::PermissionSets,
                format!(
                    "SELECT Id, Name, NamespacePrefix, Label FROM PermissionSet WHERE IsOwnedByProfile = false AND PermissionSetGroupId = null AND (Name IN ({}) OR Label IN ({}))",
                    list(&bare),
                    list(names)
                ),
            ));
        }
        for names in self
            .names(|fact| match fact {
                Fact::PermissionSetGroup(name) => Some(name),
                _ => None,
            })
            .chunks(NAMES)
        {
            let bare: Vec<&str> = names
                .iter()
                .map(|name| name.split_once("__").map_or(*name, |(_, bare)| bare))
                .collect();
            queries.push((
                FactRows::Groups,
                format!(
                    "SELECT Id, DeveloperName, NamespacePrefix, MasterLabel FROM PermissionSetGroup WHERE DeveloperName IN ({}) OR MasterLabel IN ({})",
                    list(&bare),
                    list(names)
                ),
            ));
        }
        for names in self
            .names(|fact| match fact {
                Fact::Queue(name) | Fact::PublicGroup(name) => Some(name),
                _ => None,
            })
            .chunks(NAMES)
        {
            let names = list(names);
            queries.push((
                FactRows::UserGroups,
                format!("SELECT Id, DeveloperName, Name, Type FROM Group WHERE Type IN ('Queue', 'Regular') AND (DeveloperName IN ({names}) OR Name IN ({names}))"),
            ));
        }
        let groups = self.names(|fact| match fact {
            Fact::PermissionSetGroupHolders(name) => Some(name),
            _ => None,
        });
        queries.extend(keyed(
            FactRows::GroupHolders,
            "PermissionSetAssignment",
            &["Assignee.Username", "PermissionSetGroup.DeveloperName"],
            "PermissionSetGroup.DeveloperName",
            Some("PermissionSetGroup.NamespacePrefix = null"),
            groups,
        ));
        let sets = self.names(|fact| match fact {
            Fact::PermissionSetHolders(name) => Some(name),
            _ => None,
        });
        queries.extend(keyed(
            FactRows::SetHolders,
            "PermissionSetAssignment",
            &["Assignee.Username", "PermissionSet.Name"],
            "PermissionSet.Name",
            Some("PermissionSet.NamespacePrefix = null"),
            sets.clone(),
        ));
        queries.extend(keyed(
            FactRows::GroupsOfSets,
            "PermissionSetGroupComponent",
            &["PermissionSetGroup.DeveloperName", "PermissionSet.Name"],
            "PermissionSet.Name",
            None,
            sets,
        ));
        let held = self.names(|fact| match fact {
            Fact::ProfileHolders(name) => Some(name),
            _ => None,
        });
        let packages = self.names(|fact| match fact {
            Fact::Package(namespace) => Some(namespace),
            _ => None,
        });
        queries.extend(keyed(
            FactRows::Packages,
            "PackageLicense",
            &[
                "Id",
                "NamespacePrefix",
                "Status",
                "AllowedLicenses",
                "UsedLicenses",
                "ExpirationDate",
            ],
            "NamespacePrefix",
            None,
            packages,
        ));
        let objects = self.names(|fact| match fact {
            Fact::RecordTypes(object) => Some(object),
            _ => None,
        });
        queries.extend(keyed(
            FactRows::RecordTypes,
            "RecordType",
            &["DeveloperName", "NamespacePrefix", "Name", "SobjectType", "IsActive"],
            "SobjectType",
            None,
            objects,
        ));
        for names in self
            .names(|fact| match fact {
                Fact::Role(name) => Some(name),
                _ => None,
            })
            .chunks(NAMES)
        {
            let names = list(names);
            queries.push((
                FactRows::Roles,
                format!("SELECT Id, Name, DeveloperName FROM UserRole WHERE DeveloperName IN ({names}) OR Name IN ({names})"),
            ));
        }
        let users = self.names(|fact| match fact {
            Fact::User(name) => Some(name),
            _ => None,
        });
        queries.extend(keyed(
            FactRows::Users,
            "User",
            &["Id", "Username"],
            "Username",
            None,
            users,
        ));
        if self.facts.contains(&Fact::Rights) {
            let fields = RIGHTS.map(|name| format!("Permissions{name}")).join(", ");
            queries.push((FactRows::Rights, format!("SELECT {fields} FROM UserPermissionAccess")));
        }
        if self.facts.contains(&Fact::AccessPolicies) {
            queries.push((
                FactRows::AccessPolicies,
                "SELECT MasterLabel FROM UserAccessPolicy WHERE Status = 'Active'".to_owned(),
            ));
        }
        queries.extend(keyed(
            FactRows::ProfileHolders,
            "User",
            &["Username", "Profile.Name"],
            "Profile.Name",
            None,
            held,
        ));
        queries
    }

    /// The objects whose describes answer them. After those, where fields are asked
    /// for, comes the one that lists the fields of all objects: an object's own
    /// describe shows its caller only those that the caller may see. Last, where
    /// person accounts are, comes the one that tells whether the org has any.
    pub fn describes(&self) -> Vec<&str> {
        let mut objects: Vec<&str> = self
            .facts
            .iter()
            .filter_map(|fact| match fact {
                Fact::Fields(object) => Some(object.as_str()),
                Fact::SystemPermissions => Some("PermissionSet"),
                Fact::UserFields => Some("User"),
                _ => None,
            })
            .collect();
        if self.facts.iter().any(|fact| matches!(fact, Fact::Fields(_))) {
            objects.push("FieldPermissions");
        }
        if self.facts.contains(&Fact::PersonAccounts) {
            objects.push("Account");
        }
        objects
    }

    /// Before answers come: what is asked for and not answered is missing.
    pub fn prepare(&self, catalog: &mut Catalog) {
        for fact in &self.facts {
            let nothing = match fact {
                Fact::PermissionSet(_)
                | Fact::PermissionSetGroup(_)
                | Fact::Queue(_)
                | Fact::PublicGroup(_) => FactValue::PermissionSets(Vec::new()),
                Fact::ProfilesOfLicense(_) => FactValue::Profiles(Vec::new()),
                Fact::UserLicenses => FactValue::Licenses(Vec::new()),
                Fact::Role(_) => FactValue::Roles(Vec::new()),
                Fact::RecordTypes(_) => FactValue::RecordTypes(Vec::new()),
                Fact::PersonAccounts => FactValue::PersonAccounts(Vec::new()),
                Fact::PermissionSetHolders(_)
                | Fact::PermissionSetGroupHolders(_)
                | Fact::ProfileHolders(_) => FactValue::Holders(Holders::default()),
                // These are answered by name or not at all.
                Fact::Fields(_)
                | Fact::UserFields
                | Fact::Prerequisites(_)
                | Fact::SystemPermissions
                | Fact::ProfileBase(_) => continue,
                // These may be refused, and are not known then.
                fact if fact.is_for_checks() => {
                    catalog.remove(fact);
                    continue;
                }
                _ => FactValue::Missing,
            };
            catalog.insert(fact.clone(), nothing);
        }
    }

    /// Asks what no query and no describe answers, once those are in: what
    /// permissions need, and what a clone of a profile starts with.
    ///
    /// # Errors
    /// When the org refuses a question, or a call breaks.
    pub async fn ask_the_rest(
        &self,
        org: &Org,
        may_have_person_accounts: bool,
        catalog: &mut Catalog,
    ) -> Result<(), EngineError> {
        if may_have_person_accounts {
            // The field is only there with the feature (Object Reference,
            // `RecordType`), so that without it the question is refused.
            let query = "SELECT DeveloperName, NamespacePrefix FROM RecordType WHERE SobjectType = 'Account' AND IsPersonType = true";
            let mut rows = Vec::new();
            let nothing: [&str; 0] = [];
            org.ask(&[query.to_owned()], &nothing, &|_| true, &mut |_, page| rows.extend(page))
                .await?;
            for row in rows {
                self.take_row(FactRows::PersonAccounts, &row, catalog);
            }
        }
        let atoms: BTreeSet<String> = self
            .facts
            .iter()
            .filter_map(|fact| match fact {
                Fact::Prerequisites(atom) => Some(atom.clone()),
                _ => None,
            })
            .collect();
        let (first, ()) = futures_util::future::try_join(
            prerequisites(org, &atoms),
            self.profiles_by_full_name(org, catalog),
        )
        .await?;
        let bases = self.profile_bases(org, catalog).await?;
        let mut further = BTreeSet::new();
        for (atom, needed) in first.into_iter().flatten() {
            further.extend(needed.iter().filter(|need| !atoms.contains(*need)).cloned());
            remember(atom, needed, catalog);
        }
        further.retain(|atom| !catalog.knows(&Fact::Prerequisites(atom.clone())));
        for (atom, needed) in prerequisites(org, &further).await?.into_iter().flatten() {
            remember(atom, needed, catalog);
        }
        for (fact, value) in bases {
            catalog.insert(fact, value);
        }
        Ok(())
    }

    /// Standard profiles have their names in the language of who asks, and the same
    /// full names in metadata for all: those not found by name are looked for there.
    async fn profiles_by_full_name(
        &self,
        org: &Org,
        catalog: &mut Catalog,
    ) -> Result<(), EngineError> {
        let asked = self.names(|fact| match fact {
            Fact::Profile(name) => Some(name),
            _ => None,
        });
        let is_found = |name: &str| catalog.profile(name).is_some();
        let missing: Vec<&str> = asked
            .iter()
            .copied()
            .filter(|name| !kinds::profile_names(name).into_iter().any(is_found))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let listed = match org.list_documents("Profile").await {
            Ok(listed) => listed,
            // Who may not list them has to write the names as they are shown.
            Err(error) if error.refused().is_some() && !error.is_final() => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let found: Vec<(String, SalesforceId)> = missing
            .into_iter()
            .filter_map(|name| {
                let full_name = kinds::profile_full_name(name);
                let (_, id) = listed.iter().find(|(held, _)| *held == full_name)?;
                Some((name.to_owned(), id.clone()))
            })
            .collect();
        let ids = found.iter().map(|(_, id)| id.as_str());
        let mut rows = Vec::new();
        let queries = keyed_queries("Profile", &PROFILE_FIELDS, "Id", None, ids);
        org.query_all(&queries, &mut |_, page| rows.extend(page)).await?;
        profiles_by_id(&rows, &found, catalog);
        Ok(())
    }

    /// What clones take over, from the bases' documents; from a row where the
    /// name in metadata is not known, which tells the system permissions alone.
    async fn profile_bases(
        &self,
        org: &Org,
        catalog: &Catalog,
    ) -> Result<Vec<(Fact, FactValue)>, EngineError> {
        let mut answers = Vec::new();
        let mut found = Vec::new();
        for name in self.names(|fact| match fact {
            Fact::ProfileBase(name) => Some(name),
            _ => None,
        }) {
            match catalog.profile(name) {
                Some(profile) => found.push((name, &profile.id)),
                None => answers.push((Fact::ProfileBase(name.to_owned()), FactValue::Missing)),
            }
        }
        for some in found.chunks(DOCUMENTS) {
            let names: Vec<String> =
                some.iter().map(|(name, _)| kinds::profile_full_name(name)).collect();
            let documents = org.read_documents("Profile", &names).await?;
            for ((name, id), document) in some.iter().zip(documents) {
                let document = match document {
                    Some(document) => document,
                    None => of_row(&org.record("Profile", id).await?),
                };
                let value = FactValue::ProfileBase(kinds::profile_base(&document));
                answers.push((Fact::ProfileBase((*name).to_owned()), value));
            }
        }
        Ok(answers)
    }
}

/// The system permissions of a profile's row, as its document would say them.
fn of_row(row: &Row) -> Element {
    let on = |(field, value): (&String, &Json)| {
        let name = field.strip_prefix("Permissions").filter(|_| *value == Json::Bool(true))?;
        let children = vec![Element::text("enabled", "true"), Element::text("name", name)];
        Some(Element::parent("userPermissions", children))
    };
    Element::parent("records", row.iter().filter_map(on).collect())
}

/// What the org says that permissions need; `None` where it does not say.
async fn prerequisites(
    org: &Org,
    atoms: &BTreeSet<String>,
) -> Result<Option<BTreeMap<String, BTreeSet<String>>>, EngineError> {
    let mut needed: BTreeMap<String, BTreeSet<String>> =
        atoms.iter().map(|atom| (atom.clone(), BTreeSet::new())).collect();
    let fields = ["Permission", "RequiredPermission"];
    let names = atoms.iter().map(String::as_str);
    for query in keyed_queries("PermissionDependency", &fields, "Permission", None, names) {
        let rows = match org.tooling_query(&query).await {
            Ok(rows) => rows,
            // Without the right to view Setup the object is not there; the
            // shipped table and rejections have to do.
            Err(error) if error.refused().is_some() && !error.is_final() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        for row in rows {
            if let (Some(atom), Some(need)) =
                (row.text("Permission"), row.text("RequiredPermission"))
            {
                needed.entry(atom.to_owned()).or_default().insert(need.to_owned());
            }
        }
    }
    Ok(Some(needed))
}

/// Adds what the org says to what rejections taught.
fn remember(atom: String, mut needed: BTreeSet<String>, catalog: &mut Catalog) {
    needed.extend(catalog.prerequisites(&atom).iter().cloned());
    let needed = needed.into_iter().collect();
    catalog.insert(Fact::Prerequisites(atom), FactValue::Prerequisites(needed));
}
