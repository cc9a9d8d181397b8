//! How the answers to facts read: rows and describes into the catalog.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::facts::FactNeeds;
use super::facts::FactRows;
use super::facts::RIGHTS;
use crate::data;
use crate::model::Catalog;
use crate::model::Fact;
use crate::model::FactValue;
use crate::model::GrantableField;
use crate::model::Holders;
use crate::model::LicenseFact;
use crate::model::OrganizationFact;
use crate::model::PackageFact;
use crate::model::PermissionSetFact;
use crate::model::ProfileFact;
use crate::model::RecordTypeFact;
use crate::model::RoleFact;
use crate::model::Row;
use crate::model::RowExt as _;
use crate::model::SalesforceId;
use crate::model::UserField;

impl FactNeeds {
    /// Takes one row of an answer into the catalog.
    pub fn take_row(&self, rows: FactRows, row: &Row, catalog: &mut Catalog) {
        // What a row lacks that a fact needs makes the fact missing: there is
        // nothing better to say of it.
        let _ = self.try_take_row(rows, row, catalog);
    }

    fn try_take_row(&self, rows: FactRows, row: &Row, catalog: &mut Catalog) -> Option<()> {
        let text = |path: &str| row.text(path).map(str::to_owned);
        match rows {
            FactRows::Organization => {
                let fact = OrganizationFact {
                    id: SalesforceId::parse(row.text("Id")?)?,
                    name: text("Name")?,
                    edition: text("OrganizationType").unwrap_or_default(),
                    is_sandbox: row.flag("IsSandbox").unwrap_or(false),
                    time_zone: text("TimeZoneSidKey")?,
                    locale: text("DefaultLocaleSidKey")?,
                    language: text("LanguageLocaleKey")?,
                };
                catalog.insert(Fact::Organization, FactValue::Organization(fact));
            }
            FactRows::UserLicenses => {
                let license = license(row, "Name")?;
                if let Some(FactValue::Licenses(held)) = catalog.get_mut(&Fact::UserLicenses) {
                    held.push(license);
                }
            }
            FactRows::SetLicenses => {
                let license = license(row, "DeveloperName")?;
                let written: Vec<&String> = self
                    .facts
                    .iter()
                    .filter_map(|fact| match fact {
                        Fact::PermissionSetLicense(name) => Some(name),
                        _ => None,
                    })
                    .filter(|name| {
                        name.eq_ignore_ascii_case(&license.name)
                            || name.eq_ignore_ascii_case(&license.label)
                    })
                    .collect();
                for name in written.into_iter().chain([&license.name]) {
                    let fact = Fact::PermissionSetLicense(name.clone());
                    catalog.insert(fact, FactValue::License(license.clone()));
                }
            }
            FactRows::Profiles => {
                let profile = profile(row)?;
                let written = self.names(|fact| match fact {
                    Fact::Profile(name) => Some(name),
                    _ => None,
                });
                let written = written
                    .into_iter()
                    .filter(|name| name.to_lowercase() == profile.name.to_lowercase());
                for name in written.chain([profile.name.as_str()]) {
                    let fact = Fact::Profile(name.to_owned());
                    catalog.insert(fact, FactValue::Profile(profile.clone()));
                }
            }
            FactRows::ProfilesOfLicenses => {
                let profile = profile(row)?;
                let fact = Fact::ProfilesOfLicense(profile.license.clone());
                if let Some(FactValue::Profiles(held)) = catalog.get_mut(&fact) {
                    held.push(profile);
                } else {
                    catalog.insert(fact, FactValue::Profiles(vec![profile]));
                }
            }
            FactRows::PermissionSets | FactRows::Groups => {
                let is_set = matches!(rows, FactRows::PermissionSets);
                let (name, label) =
                    if is_set { ("Name", "Label") } else { ("DeveloperName", "MasterLabel") };
                let name = text(name)?;
                let set = PermissionSetFact {
                    id: SalesforceId::parse(row.text("Id")?)?,
                    name: match row.text("NamespacePrefix") {
                        Some(namespace) => format!("{namespace}__{name}"),
                        None => name,
                    },
                    label: text(label).unwrap_or_default(),
                };
                let of = if is_set { Fact::PermissionSet } else { Fact::PermissionSetGroup };
                self.take_set(&set, of, catalog);
            }
            FactRows::SetHolders => {
                let fact = self.asked(Fact::PermissionSetHolders, text("PermissionSet.Name")?);
                add_holder(fact, row.text("Assignee.Username")?, catalog);
            }
            FactRows::UserGroups => {
                let group = PermissionSetFact {
                    id: SalesforceId::parse(row.text("Id")?)?,
                    name: text("DeveloperName")?,
                    label: text("Name").unwrap_or_default(),
                };
                let is_queue = row.text("Type") == Some("Queue");
                let of = if is_queue { Fact::Queue } else { Fact::PublicGroup };
                self.take_set(&group, of, catalog);
            }
            FactRows::GroupsOfSets => {
                let fact = self.asked(Fact::PermissionSetHolders, text("PermissionSet.Name")?);
                let group = text("PermissionSetGroup.DeveloperName")?;
                if let Some(FactValue::Holders(holders)) = catalog.get_mut(&fact) {
                    holders.groups.push(group);
                }
            }
            FactRows::GroupHolders => {
                let name = text("PermissionSetGroup.DeveloperName")?;
                let fact = self.asked(Fact::PermissionSetGroupHolders, name);
                add_holder(fact, row.text("Assignee.Username")?, catalog);
            }
            FactRows::Packages => {
                let package = PackageFact {
                    id: row.text("Id").and_then(SalesforceId::parse),
                    allowed: row.number("AllowedLicenses").unwrap_or(-1),
                    used: row.number("UsedLicenses").unwrap_or(0),
                    status: row.text("Status").unwrap_or("Active").to_owned(),
                    expires: text("ExpirationDate"),
                };
                let fact = Fact::Package(text("NamespacePrefix")?);
                catalog.insert(fact, FactValue::Package(package));
            }
            FactRows::RecordTypes => {
                let object = text("SobjectType")?;
                let fact = self.facts.iter().find(|fact| {
                    matches!(fact, Fact::RecordTypes(asked) if asked.eq_ignore_ascii_case(&object))
                })?;
                let record_type = RecordTypeFact {
                    name: namespaced(row)?,
                    label: text("Name").unwrap_or_default(),
                    is_active: row.flag("IsActive").unwrap_or(true),
                };
                if let Some(FactValue::RecordTypes(held)) = catalog.get_mut(fact) {
                    held.push(record_type);
                }
            }
            FactRows::Roles => {
                let role = RoleFact {
                    id: SalesforceId::parse(row.text("Id")?)?,
                    name: text("DeveloperName")?,
                    label: text("Name").unwrap_or_default(),
                };
                for fact in &self.facts {
                    let Fact::Role(written) = fact else { continue };
                    let Some(FactValue::Roles(held)) = catalog.get_mut(fact) else { continue };
                    if written.eq_ignore_ascii_case(&role.name) {
                        *held = vec![role.clone()];
                    } else if written.eq_ignore_ascii_case(&role.label)
                        && !held.iter().any(|held| held.name.eq_ignore_ascii_case(written))
                    {
                        held.push(role.clone());
                    }
                }
                catalog.insert(Fact::Role(role.name.clone()), FactValue::Roles(vec![role]));
            }
            FactRows::Users => {
                let id = SalesforceId::parse(row.text("Id")?)?;
                let username = row.text("Username")?.to_lowercase();
                catalog.insert(Fact::User(username), FactValue::User(id));
            }
            FactRows::PersonAccounts => {
                let name = namespaced(row)?;
                if let Some(FactValue::PersonAccounts(held)) =
                    catalog.get_mut(&Fact::PersonAccounts)
                {
                    held.push(name);
                }
            }
            FactRows::AccessPolicies => {
                let mut policies = catalog.access_policies().to_vec();
                policies.push(text("MasterLabel")?);
                catalog.insert(Fact::AccessPolicies, FactValue::AccessPolicies(policies));
            }
            FactRows::Rights => {
                let has = |name: &&&str| row.flag(&format!("Permissions{name}")) == Some(true);
                let rights = RIGHTS.iter().filter(has).map(|name| (*name).to_owned());
                catalog.insert(Fact::Rights, FactValue::Rights(rights.collect()));
            }
            FactRows::ProfileHolders => {
                let fact = self.asked(Fact::ProfileHolders, text("Profile.Name")?);
                add_holder(fact, row.text("Username")?, catalog);
            }
        }
        Some(())
    }

    /// Takes note that a question was answered, be it with no row: what it does
    /// not name is not there.
    pub fn take_answer(&self, rows: FactRows, catalog: &mut Catalog) {
        if rows != FactRows::Packages {
            return;
        }
        for fact in &self.facts {
            if matches!(fact, Fact::Package(_)) && !catalog.knows(fact) {
                catalog.insert(fact.clone(), FactValue::Missing);
            }
        }
    }

    /// The fact as it was asked for, where the org spells the name in another
    /// case.
    fn asked(&self, fact: fn(String) -> Fact, name: String) -> Fact {
        let exact = fact(name.clone());
        if self.facts.contains(&exact) {
            return exact;
        }
        let lower = name.to_lowercase();
        let asked = self.facts.iter().find(|held| {
            matches!(held, Fact::PermissionSetHolders(written)
                | Fact::PermissionSetGroupHolders(written)
                | Fact::ProfileHolders(written)
                if written.to_lowercase() == lower && **held == fact(written.clone()))
        });
        asked.cloned().unwrap_or(exact)
    }

    /// A set or a group answers to its name; to its label only where no name fits.
    fn take_set(&self, set: &PermissionSetFact, of: fn(String) -> Fact, catalog: &mut Catalog) {
        for fact in &self.facts {
            let (Fact::PermissionSet(written)
            | Fact::PermissionSetGroup(written)
            | Fact::Queue(written)
            | Fact::PublicGroup(written)) = fact
            else {
                continue;
            };
            if *fact != of(written.clone()) {
                continue;
            }
            let by_name = written.eq_ignore_ascii_case(&set.name);
            let mut held = catalog.sets(fact).to_vec();
            let named_already = held.iter().any(|held| held.name.eq_ignore_ascii_case(written));
            if by_name {
                held = vec![set.clone()];
            } else if written.eq_ignore_ascii_case(&set.label) && !named_already {
                held.push(set.clone());
            } else {
                continue;
            }
            catalog.insert(fact.clone(), FactValue::PermissionSets(held));
        }
        let own = of(set.name.clone());
        if !self.facts.contains(&own) {
            catalog.insert(own, FactValue::PermissionSets(vec![set.clone()]));
        }
    }

    /// Takes the describes, in the order of [`FactNeeds::describes`]; tells whether
    /// the org may have person accounts, where that is asked for: their accounts have
    /// a field of their own, whoever asks.
    pub fn take_describes(&self, mut describes: Vec<Option<Json>>, catalog: &mut Catalog) -> bool {
        let accounts = self.facts.contains(&Fact::PersonAccounts).then(|| describes.pop());
        let may_have_person_accounts = accounts.flatten().is_some_and(|accounts| {
            let fields = accounts.as_ref().and_then(|described| described.get("fields"));
            fields.and_then(Json::as_array).is_none_or(|fields| {
                fields.iter().any(|field| field.get("name") == Some(&"IsPersonAccount".into()))
            })
        });
        let facts: Vec<&Fact> = self
            .facts
            .iter()
            .filter(|fact| {
                matches!(fact, Fact::Fields(_) | Fact::SystemPermissions | Fact::UserFields)
            })
            .collect();
        let listed = describes.get(facts.len()).cloned().flatten().unwrap_or_default();
        let listed = listed_fields(&listed);
        for (fact, described) in facts.into_iter().zip(describes) {
            let value = match (fact, described) {
                (_, None) => FactValue::Missing,
                (Fact::SystemPermissions, Some(described)) => {
                    system_permissions(&described, catalog)
                }
                (Fact::UserFields, Some(described)) => user_fields(&described),
                (Fact::Fields(object), Some(described)) => FactValue::Fields {
                    object: described
                        .get("name")
                        .and_then(Json::as_str)
                        .unwrap_or(object)
                        .to_owned(),
                    fields: grantable(object, &described, catalog.fields(object)),
                    hidden: hidden(object, &described, &listed),
                },
                _ => continue,
            };
            catalog.insert(fact.clone(), value);
        }
        may_have_person_accounts
    }
}

/// The developer name of a row, with its namespace in front.
fn namespaced(row: &Row) -> Option<String> {
    let name = row.text("DeveloperName")?;
    Some(match row.text("NamespacePrefix") {
        Some(namespace) => format!("{namespace}__{name}"),
        None => name.to_owned(),
    })
}

fn license(row: &Row, name: &str) -> Option<LicenseFact> {
    Some(LicenseFact {
        id: SalesforceId::parse(row.text("Id")?)?,
        name: row.text(name)?.to_owned(),
        label: row.text("MasterLabel").unwrap_or_default().to_owned(),
        status: row.text("Status").unwrap_or_default().to_owned(),
        total: row.number("TotalLicenses").unwrap_or(0),
        used: row.number("UsedLicenses").unwrap_or(0),
        expires: row.text("ExpirationDate").map(str::to_owned),
    })
}

fn profile(row: &Row) -> Option<ProfileFact> {
    Some(ProfileFact {
        id: SalesforceId::parse(row.text("Id")?)?,
        name: row.text("Name")?.to_owned(),
        shown: None,
        license_id: SalesforceId::parse(row.text("UserLicenseId")?)?,
        license: row.text("UserLicense.Name")?.to_owned(),
    })
}

/// The profiles of rows that were asked for by their ids, under the names by which
/// they were meant.
pub(super) fn profiles_by_id(
    rows: &[Row],
    meant: &[(String, SalesforceId)],
    catalog: &mut Catalog,
) {
    for found in rows.iter().filter_map(profile) {
        for (name, _) in meant.iter().filter(|(_, id)| *id == found.id) {
            let shown = Some(found.name.clone()).filter(|shown| shown != name);
            let fact = ProfileFact { name: name.clone(), shown, ..found.clone() };
            catalog.insert(Fact::Profile(name.clone()), FactValue::Profile(fact));
        }
    }
}

fn add_holder(fact: Fact, username: &str, catalog: &mut Catalog) {
    if let Some(FactValue::Holders(holders)) = catalog.get_mut(&fact) {
        holders.usernames.push(username.to_lowercase());
    } else {
        let usernames = vec![username.to_lowercase()];
        catalog.insert(fact, FactValue::Holders(Holders { usernames, ..Holders::default() }));
    }
}

/// The fields of a describe that a set can grant. Parts of a compound field
/// are granted by the compound; what describe calls updateable depends on the
/// caller's own access, so that editing is decided by the nature of the field
/// (Object Reference, `FieldPermissions`).
fn grantable(
    object: &str,
    described: &Json,
    known: Option<&[GrantableField]>,
) -> Vec<GrantableField> {
    // What a write taught stays known.
    let is_read_only =
        |name: &str| known.into_iter().flatten().any(|field| field.name == name && !field.editable);
    let never: BTreeSet<&str> = data::rows(data::NEVER_EDITABLE)
        .filter(|row| row[0] == object)
        .filter_map(|row| row.get(1).copied())
        .collect();
    let flag = |field: &Json, name: &str| field.get(name).and_then(Json::as_bool).unwrap_or(false);
    let mut fields: Vec<GrantableField> = described
        .get("fields")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter(|field| flag(field, "permissionable"))
        .filter(|field| field.get("compoundFieldName").is_none_or(Json::is_null))
        .filter_map(|field| {
            let name = field.get("name")?.as_str()?.to_owned();
            let editable = !flag(field, "calculated")
                && !flag(field, "autoNumber")
                && !never.contains(name.as_str())
                && !is_read_only(&name);
            Some(GrantableField { name, editable })
        })
        .collect();
    fields.sort_by(|left, right| left.name.cmp(&right.name));
    fields
}

/// The fields of users, as describe has them.
fn user_fields(described: &Json) -> FactValue {
    let flag = |field: &Json, name: &str| field.get(name).and_then(Json::as_bool).unwrap_or(false);
    let text = |field: &Json, name: &str| {
        field.get(name).and_then(Json::as_str).unwrap_or_default().to_owned()
    };
    let fields = described.get("fields").and_then(Json::as_array).into_iter().flatten();
    let fields = fields.map(|field| UserField {
        name: text(field, "name"),
        kind: text(field, "type"),
        length: field
            .get("length")
            .and_then(Json::as_u64)
            .and_then(|length| usize::try_from(length).ok())
            .unwrap_or(0),
        is_writable: flag(field, "createable") || flag(field, "updateable"),
        is_required: flag(field, "createable")
            && !flag(field, "nillable")
            && !flag(field, "defaultedOnCreate")
            && field.get("type") != Some(&Json::from("boolean")),
        is_restricted: flag(field, "restrictedPicklist"),
        values: field
            .get("picklistValues")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .filter(|value| value.get("active") != Some(&Json::Bool(false)))
            .filter_map(|value| value.get("value")?.as_str().map(str::to_owned))
            .collect(),
    });
    FactValue::UserFields(fields.collect())
}

/// The fields on which permissions can exist, as `Object.Field`, of all objects:
/// the values of a list, which do not depend on what the caller may see.
fn listed_fields(described: &Json) -> BTreeSet<&str> {
    let fields = described.get("fields").and_then(Json::as_array).into_iter().flatten();
    let field = fields.into_iter().find(|field| field.get("name") == Some(&Json::from("Field")));
    let values = field.and_then(|field| field.get("picklistValues")?.as_array());
    values.into_iter().flatten().filter_map(|value| value.get("value")?.as_str()).collect()
}

/// Fields of an object that are listed and that its describe does not show. A
/// reference is listed by both its names, `Account` and `AccountId`.
fn hidden(object: &str, described: &Json, listed: &BTreeSet<&str>) -> Vec<String> {
    let object = described.get("name").and_then(Json::as_str).unwrap_or(object);
    let shown: BTreeSet<&str> = described
        .get("fields")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(|field| field.get("name")?.as_str())
        .collect();
    let prefix = format!("{object}.");
    listed
        .range::<&str, _>(prefix.as_str()..)
        .map_while(|name| name.strip_prefix(prefix.as_str()))
        .filter(|name| !shown.contains(name) && !shown.contains(format!("{name}Id").as_str()))
        .map(str::to_owned)
        .collect()
}

/// How the org's permissions differ from the shipped table. A permission that
/// describe does not show may still be usable in metadata (seen for
/// `CanApproveUninstalledApps`), so that only what a rejection called unknown
/// is held to be unknown.
fn system_permissions(described: &Json, catalog: &Catalog) -> FactValue {
    let shipped: BTreeMap<&str, &str> = data::rows(data::SYSTEM_PERMISSIONS)
        .map(|row| {
            (row[0], row.get(1).copied().filter(|label| !label.is_empty()).unwrap_or(row[0]))
        })
        .collect();
    let unknown = match catalog.get(&Fact::SystemPermissions) {
        Some(FactValue::SystemPermissions { unknown, .. }) => unknown.clone(),
        _ => Vec::new(),
    };
    let additional = described
        .get("fields")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(|field| {
            let name = field.get("name")?.as_str()?.strip_prefix("Permissions")?;
            let label = field.get("label").and_then(Json::as_str).unwrap_or(name);
            // A label in another language is the org's own.
            let is_known = shipped.get(name).is_some_and(|known| *known == label);
            (!is_known).then(|| (name.to_owned(), label.to_owned()))
        })
        .collect();
    FactValue::SystemPermissions { unknown, additional }
}
