//! Assignments of permission sets to users: made from the users' lists, and
//! resources of their own, so that one can be added or taken off alone.

use super::Kind;
use super::Resolved;
use super::Scope;
use super::Step;
use super::StepContext;
use super::assignment::assignment_steps;
use super::assignment::halves;
use super::permission_set;
use super::user;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Catalog;
use crate::model::Change;
use crate::model::Declared;
use crate::model::Fact;
use crate::model::FieldValue;
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
use crate::model::Value;
use crate::model::Write;

/// The kind `permission_set_assignment`.
pub struct PermissionSetAssignment;

/// Its name in addresses.
pub const KIND: &str = "permission_set_assignment";
const USER: &str = "assignee";
const SET: &str = "permission_set";
const EXPIRES: &str = "expires";

/// The end of a day, as the platform writes times. It takes the day of the time
/// in the time zone of who reads it, so that a day may end some hours early or
/// late elsewhere.
fn end_of(day: &str) -> String {
    format!("{day}T23:59:59.000Z")
}

/// The address and attributes of one assignment.
pub fn declare(username: &str, set: &str) -> (Address, Attributes) {
    let mut attributes = Attributes::new();
    attributes.set(USER, Value::Reference(Address::new(user::KIND, username)));
    attributes.set(SET, Value::Reference(Address::new(permission_set::KIND, set)));
    (Address::new(KIND, &format!("{username}/{set}")), attributes)
}

/// The same until the end of a day.
pub fn declare_until(username: &str, set: &str, day: Option<String>) -> (Address, Attributes) {
    let (address, mut attributes) = declare(username, set);
    attributes.set_some(EXPIRES, day.map(Value::Text));
    (address, attributes)
}

fn held(declared: &Declared, username: &str, set: &str) -> Attributes {
    let day = declared.attributes.text(EXPIRES).map(str::to_owned);
    declare_until(username, set, day).1
}

/// The assignment by which a user holds a set.
pub fn address_of_holder(set: &Address, username: &str) -> Address {
    declare(username, set.name()).0
}

impl Kind for PermissionSetAssignment {
    fn name(&self) -> &'static str {
        KIND
    }

    fn place(&self, address: &Address, _path: &str) -> Place {
        let (username, set) = halves(address);
        Place::keys([user::SECTION, username, "permission_sets"]).item(set)
    }

    fn facts(&self, declared: &Declared, scope: &dyn Scope, want: &mut dyn FnMut(Fact)) {
        if let Some(set) = declared.attributes.reference(SET)
            && scope.declared(set).is_none()
        {
            want(Fact::PermissionSet(set.name().to_owned()));
            if let Some((namespace, _)) = set.name().split_once("__") {
                want(Fact::Package(namespace.to_owned()));
            }
        }
    }

    fn canonical(&self, declared: &Declared, catalog: &Catalog) -> Option<Address> {
        let set = declared.attributes.reference(SET)?;
        match catalog.permission_sets(set.name()) {
            [only] if only.name != set.name() => {
                Some(declare(halves(&declared.address).0, &only.name).0)
            }
            _ => None,
        }
    }

    fn resolve(
        &self,
        declared: &Declared,
        scope: &dyn Scope,
        catalog: &Catalog,
    ) -> Result<Resolved, Vec<Problem>> {
        let written = declared.attributes.reference(SET).map_or("", Address::name);
        let is_declared = scope.declared(&Address::new(permission_set::KIND, written)).is_some();
        let (username, set) = halves(&declared.address);
        if is_declared {
            return Ok(Resolved {
                attributes: held(declared, username, set),
                ..Resolved::default()
            });
        }
        let refuse = |message: String, hint: String| {
            vec![Problem {
                address: declared.address.clone(),
                place: Some(
                    Place::keys([user::SECTION, username, "permission_sets"]).item(written),
                ),
                file: declared.file,
                message,
                hint: Some(hint),
            }]
        };
        match catalog.permission_sets(written) {
            [_] => Ok(Resolved { attributes: held(declared, username, set), ..Resolved::default() }),
            [] => Err(refuse(
                format!("permission set `{written}` is neither declared nor in this org"),
                match written.split_once("__") {
                    Some((namespace, _)) if catalog.lacks_package(namespace) => {
                        format!("the package `{namespace}` is not installed in this org")
                    }
                    Some((namespace, _)) if catalog.package(namespace).is_some() => format!(
                        "the package `{namespace}` is installed, but not with this set: is the name right, and the package's version the one that has it?"
                    ),
                    Some((namespace, _)) => format!(
                        "it belongs to the package `{namespace}`: is the package installed in this org, and the name right?"
                    ),
                    None => scope
                        .meant(&Address::new(permission_set::KIND, written))
                        .map_or_else(
                            || "declare it under `permission_sets:`, or write the API name of one that the org has".to_owned(),
                            |meant| format!("did you mean `{meant}`?"),
                        ),
                },
            )),
            several => Err(refuse(
                format!(
                    "the label `{written}` fits {}",
                    several.iter().map(|set| set.name.as_str()).collect::<Vec<_>>().join(" and ")
                ),
                "write the API name of the one that is meant".to_owned(),
            )),
        }
    }

    fn queries(&self) -> &'static [RowQuery] {
        const QUERIES: [RowQuery; 1] = [RowQuery {
            object: "PermissionSetAssignment",
            fields: &[
                "Id",
                "Assignee.Username",
                "PermissionSet.Name",
                "PermissionSet.NamespacePrefix",
                "ExpirationDate",
            ],
            key: "Assignee.Username",
            key_source: KeySource::Name,
            condition: Some(
                "PermissionSet.IsOwnedByProfile = false AND PermissionSetGroupId = null",
            ),
            supplementary: false,
        }];
        &QUERIES
    }

    fn query_key(&self, address: &Address) -> String {
        halves(address).0.to_owned()
    }

    fn observe_row(&self, _query: usize, row: &Row) -> Option<(Option<Address>, Observed)> {
        let name = row.text("PermissionSet.Name")?;
        let set = match row.text("PermissionSet.NamespacePrefix") {
            Some(namespace) => format!("{namespace}__{name}"),
            None => name.to_owned(),
        };
        let username = row.text("Assignee.Username")?.to_lowercase();
        let (address, mut attributes) = declare(&username, &set);
        let expires = row.text("ExpirationDate").and_then(|time| time.get(..10));
        attributes.set_some(EXPIRES, expires.map(|day| Value::Text(day.to_owned())));
        let id = SalesforceId::parse(row.text("Id")?);
        Some((Some(address), Observed { id, attributes, ..Observed::default() }))
    }

    fn steps(&self, change: &Change, context: &dyn StepContext) -> Result<Vec<Step>, Problem> {
        let mut steps = assignment_steps(
            change,
            context,
            "PermissionSetAssignment",
            &[("AssigneeId", USER), ("PermissionSetId", SET)],
        )?;
        let Some(after) = &change.after else { return Ok(steps) };
        let expiration = || match after.text(EXPIRES) {
            Some(day) => FieldValue::Text(end_of(day)),
            None => FieldValue::Null,
        };
        if let Some(Step { write: Write::Insert { fields, .. }, .. }) = steps.first_mut() {
            if after.get(EXPIRES).is_some() {
                fields.push(("ExpirationDate".into(), expiration()));
            }
        } else if change.before.as_ref().and_then(|before| before.get(EXPIRES))
            != after.get(EXPIRES)
            && let Some(id) = change.id()
        {
            steps.push(Step::new(
                "update",
                Write::Update {
                    object: "PermissionSetAssignment".into(),
                    id: IdReference::Known(id.clone()),
                    fields: vec![("ExpirationDate".into(), expiration())],
                },
                RecordEffect {
                    confirm: after.clone(),
                    withdraw: super::withdrawn(change.before.as_ref(), after),
                    ..RecordEffect::default()
                },
            ));
        }
        Ok(steps)
    }

    fn joins(&self, address: &Address) -> Option<(Address, Address)> {
        let (username, set) = halves(address);
        Some((Address::new(user::KIND, username), Address::new(permission_set::KIND, set)))
    }

    fn subject(&self, address: &Address) -> Option<Address> {
        Some(Address::new(user::KIND, halves(address).0))
    }

    fn follows(&self) -> &'static [&'static str] {
        &[super::package_license_assignment::KIND, super::permission_set_license_assignment::KIND]
    }

    fn renamed(&self, address: &Address, from: &Address, to: &Address) -> Option<Address> {
        let (username, set) = halves(address);
        if from.kind() == user::KIND && from.name() == username {
            Some(declare(to.name(), set).0)
        } else if from.kind() == permission_set::KIND && from.name() == set {
            Some(declare(username, to.name()).0)
        } else {
            None
        }
    }
}
