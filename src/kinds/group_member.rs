//! Members of queues and of public groups: made from the users' lists. The queues
//! and groups themselves are the org's, and are not managed here.
//!
//! A row of `GroupMember` names its user by id alone. Where the platform shares
//! records with groups, a change of members recalculates that, so that these writes
//! go one call after the other (Object Reference, `GroupMember`).

use super::Kind;
use super::Resolved;
use super::Scope;
use super::Step;
use super::StepContext;
use super::assignment::Named;
use super::assignment::PUBLIC_GROUPS;
use super::assignment::QUEUES;
use super::assignment::WithUnmanaged;
use super::assignment::assignment_steps;
use super::assignment::halves;
use super::assignment::joined;
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
use crate::model::Row;
use crate::model::RowExt as _;
use crate::model::RowQuery;
use crate::model::SalesforceId;
use crate::model::Value;

/// Members of one sort of group.
#[derive(Debug)]
pub struct GroupMember {
    /// Its name in addresses.
    pub kind: KindName,
    of: &'static Named,
    queries: &'static [RowQuery],
}

/// The kind `queue_member`.
pub const OF_QUEUES: GroupMember = GroupMember {
    kind: KindName::QUEUE_MEMBER,
    of: &QUEUES,
    queries: &[RowQuery { filters: &[Filter::Equals("Group.Type", "Queue")], ..QUERY }],
};
/// The kind `public_group_member`.
pub const OF_PUBLIC_GROUPS: GroupMember = GroupMember {
    kind: KindName::PUBLIC_GROUP_MEMBER,
    of: &PUBLIC_GROUPS,
    queries: &[RowQuery { filters: &[Filter::Equals("Group.Type", "Regular")], ..QUERY }],
};

const QUERY: RowQuery = RowQuery {
    object: "GroupMember",
    fields: &["Id", "Group.DeveloperName", "UserOrGroupId"],
    key: "UserOrGroupId",
    key_source: KeySource::User,
    filters: &[],
    supplementary: false,
    piggybacks: false,
};
const USER: &str = "member";
/// The lane of writes that recalculate who is in which group, those of roles among
/// them.
pub const LANE: &str = "group_membership";

impl GroupMember {
    /// The address and attributes of one membership.
    pub fn declare(&self, user: &Address, group: &str) -> (Address, Attributes) {
        let mut attributes = Attributes::new();
        attributes.set(USER, Value::Reference(user.clone()));
        attributes.set(self.of.kind.as_str(), Value::Reference(self.of.address(group)));
        (joined(self.kind, user.name(), group), attributes)
    }
}

impl Kind for GroupMember {
    fn name(&self) -> KindName {
        self.kind
    }

    fn place(&self, address: &Address, _path: &str) -> Place {
        let (username, group) = halves(address);
        Place::keys([user::SECTION, username, self.of.section]).item(group)
    }

    fn facts(&self, declared: &Declared, scope: &dyn Scope, want: &mut dyn FnMut(Fact)) {
        if let Some(group) = declared.attributes.reference(self.of.kind.as_str()) {
            self.of.facts(group, scope, want);
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
        let (username, group) = halves(&declared.address);
        let place = || Place::keys([user::SECTION, username, self.of.section]).item(written.name());
        self.of
            .find_at(written, (declared, &place), scope, catalog)
            .map_err(|problem| vec![problem])?;
        Ok(if group == written.name() {
            Resolved::as_written(declared)
        } else {
            Resolved::to(self.declare(&Address::new(KindName::USER, username), group).1)
        })
    }

    fn queries(&self) -> &'static [RowQuery] {
        self.queries
    }

    fn query_key(&self, address: &Address) -> String {
        halves(address).0.to_owned()
    }

    fn observe_row(&self, _query: usize, row: &Row) -> Option<(Option<Address>, Observed)> {
        let username = row.username("Username")?;
        let user = Address::new(KindName::USER, &username);
        let (address, attributes) = self.declare(&user, row.text("Group.DeveloperName")?);
        let id = SalesforceId::parse(row.text("Id")?);
        Some((Some(address), Observed { id, attributes, ..Observed::default() }))
    }

    fn steps(&self, change: &Change, context: &dyn StepContext) -> Result<Vec<Step>, Problem> {
        let context = WithUnmanaged {
            context,
            kind: self.of.kind,
            id: &|name, catalog| self.of.known_id(name, catalog),
        };
        let joins = [("UserOrGroupId", USER), ("GroupId", self.of.kind.as_str())];
        let mut steps = assignment_steps(change, &context, "GroupMember", &joins)?;
        for step in &mut steps {
            step.lane = Some(LANE);
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

impl Relation for GroupMember {
    fn subject(&self, address: &Address) -> Option<Address> {
        Some(Address::new(KindName::USER, halves(address).0))
    }

    fn renamed(&self, address: &Address, from: &Address, to: &Address) -> Option<Address> {
        let (username, group) = halves(address);
        (from.is(KindName::USER) && from.name() == username)
            .then(|| joined(self.kind, to.name(), group))
    }
}

impl Reference for GroupMember {
    fn canonical(&self, declared: &Declared, catalog: &Catalog) -> Option<Address> {
        let (username, written) = halves(&declared.address);
        let name = self.of.canonical(written, catalog)?;
        Some(joined(self.kind, username, &name))
    }
}
