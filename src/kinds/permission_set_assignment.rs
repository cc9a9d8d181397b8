//! Assignments of permission sets, and of groups of them, to users: made from the
//! users' lists, and resources of their own, so that one can be added or taken off
//! alone.
//!
//! Both are rows of `PermissionSetAssignment`, which say the one or the other.

use super::Kind;
use super::Resolved;
use super::Scope;
use super::Step;
use super::StepContext;
use super::assignment::EXPIRES;
use super::assignment::GROUPS;
use super::assignment::Named;
use super::assignment::SETS;
use super::assignment::expiring_steps;
use super::assignment::halves;
use super::assignment::joined;
use super::assignment::observe_expiration;
use super::permission_set_group;
use super::user;
use crate::facts::Catalog;
use crate::facts::Fact;
use crate::kinds::Reference;
use crate::kinds::Relation;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Declared;
use crate::model::Filter;
use crate::model::KeySource;
use crate::model::KindName;
use crate::model::Observed;
use crate::model::Place;
use crate::model::Problem;
use crate::model::RecordEffect;
use crate::model::Row;
use crate::model::RowExt;
use crate::model::RowQuery;
use crate::model::SalesforceId;
use crate::model::Value;

/// Assignments of one sort of thing.
#[derive(Debug)]
pub struct PermissionSetAssignment {
    /// Its name in addresses.
    pub kind: KindName,
    of: &'static Named,
    /// The field that refers to the thing, and paths to its name and namespace.
    id_field: &'static str,
    name_path: &'static str,
    namespace_path: &'static str,
    queries: &'static [RowQuery],
}

/// The kind `permission_set_assignment`.
pub const OF_SETS: PermissionSetAssignment = PermissionSetAssignment {
    kind: KindName::PERMISSION_SET_ASSIGNMENT,
    of: &SETS,
    id_field: "PermissionSetId",
    name_path: "PermissionSet.Name",
    namespace_path: "PermissionSet.NamespacePrefix",
    queries: &[RowQuery {
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
        // Each user has one for its profile; that of a group refers to the set that
        // the org keeps for it.
        filters: &[
            Filter::IsFalse("PermissionSet.IsOwnedByProfile"),
            Filter::IsNull("PermissionSetGroupId"),
        ],
        supplementary: false,
        piggybacks: false,
    }],
};
/// The kind `permission_set_group_assignment`.
pub const OF_GROUPS: PermissionSetAssignment = PermissionSetAssignment {
    kind: KindName::PERMISSION_SET_GROUP_ASSIGNMENT,
    of: &GROUPS,
    id_field: "PermissionSetGroupId",
    name_path: "PermissionSetGroup.DeveloperName",
    namespace_path: "PermissionSetGroup.NamespacePrefix",
    queries: &[RowQuery {
        object: "PermissionSetAssignment",
        fields: &[
            "Id",
            "Assignee.Username",
            "PermissionSetGroup.DeveloperName",
            "PermissionSetGroup.NamespacePrefix",
            "ExpirationDate",
        ],
        key: "Assignee.Username",
        key_source: KeySource::Name,
        filters: &[Filter::IsNotNull("PermissionSetGroupId")],
        supplementary: false,
        piggybacks: false,
    }],
};

const USER: &str = "assignee";

impl PermissionSetAssignment {
    /// The address and attributes of one assignment.
    pub fn declare(&self, user: &Address, thing: &str) -> (Address, Attributes) {
        let mut attributes = Attributes::new();
        attributes.set(USER, Value::Reference(user.clone()));
        attributes.set(self.of.kind.as_str(), Value::Reference(self.of.address(thing)));
        (joined(self.kind, user.name(), thing), attributes)
    }

    /// The same until the end of a day.
    pub fn declare_until(
        &self,
        user: &Address,
        thing: &str,
        day: Option<String>,
    ) -> (Address, Attributes) {
        let (address, mut attributes) = self.declare(user, thing);
        attributes.set_some(EXPIRES, day.map(Value::Text));
        (address, attributes)
    }

    fn item(&self, username: &str, thing: &str) -> Place {
        Place::keys([user::SECTION, username, self.of.section]).item(thing)
    }
}

impl Kind for PermissionSetAssignment {
    fn name(&self) -> KindName {
        self.kind
    }

    fn place(&self, address: &Address, _path: &str) -> Place {
        let (username, thing) = halves(address);
        self.item(username, thing)
    }

    fn facts(&self, declared: &Declared, scope: &dyn Scope, want: &mut dyn FnMut(Fact)) {
        if let Some(thing) = declared.attributes.reference(self.of.kind.as_str()) {
            self.of.facts(thing, scope, want);
        }
    }

    fn resolve<'a>(
        &self,
        declared: &'a Declared,
        scope: &dyn Scope,
        catalog: &Catalog,
    ) -> Result<Resolved<'a>, Vec<Problem>> {
        let Some(written) = declared.attributes.reference(self.of.kind.as_str()) else {
            return Ok(Resolved::as_written(declared));
        };
        let (username, thing) = halves(&declared.address);
        let place = || self.item(username, written.name());
        self.of
            .find_at(written, (declared, &place), scope, catalog)
            .map_err(|problem| vec![problem])?;
        if thing == written.name() {
            return Ok(Resolved::as_written(declared));
        }
        let day = declared.attributes.text(EXPIRES).map(str::to_owned);
        let user = Address::new(KindName::USER, username);
        Ok(Resolved::to(self.declare_until(&user, thing, day).1))
    }

    fn queries(&self) -> &'static [RowQuery] {
        self.queries
    }

    fn query_key(&self, address: &Address) -> String {
        halves(address).0.to_owned()
    }

    fn observe_row(&self, _query: usize, row: &Row) -> Option<(Option<Address>, Observed)> {
        let thing = row.packaged_name(self.namespace_path, self.name_path)?;
        let username = row.username("Assignee.Username")?;
        let (address, mut attributes) =
            self.declare(&Address::new(KindName::USER, &username), &thing);
        observe_expiration(row, &mut attributes);
        let id = SalesforceId::parse(row.text("Id")?);
        Some((Some(address), Observed { id, attributes, ..Observed::default() }))
    }

    fn steps(&self, change: &Change, context: &dyn StepContext) -> Result<Vec<Step>, Problem> {
        let joins = [("AssigneeId", USER), (self.id_field, self.of.kind.as_str())];
        let mut steps = expiring_steps(change, context, &joins)?;
        // A group that is managed is waited for where it is changed.
        let group = self.of.address(halves(&change.address).1);
        if self.of.kind == GROUPS.kind
            && change.after.is_some()
            && !steps.is_empty()
            && context.attributes_after(&group).is_none()
        {
            steps.insert(0, permission_set_group::recalculation(&group, RecordEffect::default()));
        }
        Ok(steps)
    }

    fn relation(&self) -> &dyn Relation {
        self
    }

    fn reference(&self) -> &dyn Reference {
        self
    }
}

impl Relation for PermissionSetAssignment {
    fn joins(&self, address: &Address) -> Option<(Address, Address)> {
        let (username, thing) = halves(address);
        Some((Address::new(KindName::USER, username), self.of.address(thing)))
    }

    fn subject(&self, address: &Address) -> Option<Address> {
        Some(Address::new(KindName::USER, halves(address).0))
    }

    fn follows(&self) -> &'static [KindName] {
        &[KindName::PACKAGE_LICENSE_ASSIGNMENT, KindName::PERMISSION_SET_LICENSE_ASSIGNMENT]
    }

    fn renamed(&self, address: &Address, from: &Address, to: &Address) -> Option<Address> {
        let (username, thing) = halves(address);
        if from.is(KindName::USER) && from.name() == username {
            Some(joined(self.kind, to.name(), thing))
        } else if from.is(self.of.kind) && from.name() == thing {
            Some(joined(self.kind, username, to.name()))
        } else {
            None
        }
    }
}

impl Reference for PermissionSetAssignment {
    fn canonical(&self, declared: &Declared, catalog: &Catalog) -> Option<Address> {
        let thing = declared.attributes.reference(self.of.kind.as_str())?;
        let name = self.of.canonical(thing.name(), catalog)?;
        Some(joined(self.kind, halves(&declared.address).0, &name))
    }
}
