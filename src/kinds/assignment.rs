//! What the kinds that join a user to something else have in common.

mod named;

pub use named::GROUPS;
pub use named::Named;
pub use named::PUBLIC_GROUPS;
pub use named::QUEUES;
pub use named::SETS;

use super::Step;
use super::StepContext;
use crate::facts::Catalog;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::FieldValue;
use crate::model::IdReference;
use crate::model::KindName;
use crate::model::Ownership;
use crate::model::Problem;
use crate::model::RecordEffect;
use crate::model::Row;
use crate::model::RowExt as _;
use crate::model::SalesforceId;
use crate::model::StepName;
use crate::model::Value;
use crate::model::Write;

/// A context that also knows the ids of things of a kind that is not managed.
pub struct WithUnmanaged<'a> {
    /// What knows all else.
    pub context: &'a dyn StepContext,
    /// The kind name under which they are referred to.
    pub kind: KindName,
    /// Finds one by name.
    pub id: &'a dyn Fn(&str, &Catalog) -> Option<SalesforceId>,
}

impl StepContext for WithUnmanaged<'_> {
    fn catalog(&self) -> &Catalog {
        self.context.catalog()
    }
    fn id(&self, address: &Address) -> Option<IdReference> {
        if address.is(self.kind) {
            return (self.id)(address.name(), self.catalog()).map(IdReference::Known);
        }
        self.context.id(address)
    }
    fn renames_usernames(&self) -> bool {
        self.context.renames_usernames()
    }
    fn is_deleted(&self, address: &Address) -> bool {
        self.context.is_deleted(address)
    }
    fn attributes(&self, address: &Address) -> Option<Attributes> {
        self.context.attributes(address)
    }
    fn attributes_after(&self, address: &Address) -> Option<Attributes> {
        self.context.attributes_after(address)
    }
}

/// The path of the last day on which an assignment of permissions holds.
pub const EXPIRES: &str = "expires";

/// The end of a day, as the platform writes times. It takes the day of the time
/// in the time zone of who reads it, so that a day may end some hours early or
/// late elsewhere.
fn end_of(day: &str) -> String {
    format!("{day}T23:59:59.000Z")
}

/// The last day that a row of `PermissionSetAssignment` says.
pub fn observe_expiration(row: &Row, into: &mut Attributes) {
    let expires = row.text("ExpirationDate").and_then(|time| time.get(..10));
    into.set_some(EXPIRES, expires.map(|day| Value::Text(day.to_owned())));
}

/// The address of an assignment by which a user holds a thing.
pub fn joined(kind: KindName, username: &str, thing: &str) -> Address {
    let mut name = String::with_capacity(username.len() + 1 + thing.len());
    name.push_str(username);
    name.push('/');
    name.push_str(thing);
    Address::new(kind, &name)
}

/// The assignment by which a user holds a permission set.
pub fn holder_of_set(set: &Address, username: &str) -> Address {
    joined(KindName::PERMISSION_SET_ASSIGNMENT, username, set.name())
}

/// The assignment by which a user holds a permission set group.
pub fn holder_of_group(group: &Address, username: &str) -> Address {
    joined(KindName::PERMISSION_SET_GROUP_ASSIGNMENT, username, group.name())
}

/// The two halves of an assignment's name: the username, and what it holds.
pub fn halves(address: &Address) -> (&str, &str) {
    // A username may hold a slash before its `@`; what it holds may anywhere.
    let name = address.name();
    let at = name.find('@').unwrap_or(0);
    match name[at..].find('/') {
        Some(slash) => (&name[..at + slash], &name[at + slash + 1..]),
        None => (name, ""),
    }
}

/// The same for an assignment that may end on a day: that alone can be changed.
pub fn expiring_steps(
    change: &Change,
    context: &dyn StepContext,
    joins: &[(&'static str, &'static str)],
) -> Result<Vec<Step>, Problem> {
    const OBJECT: &str = "PermissionSetAssignment";
    let mut steps = assignment_steps(change, context, OBJECT, joins)?;
    let Some(after) = &change.after else { return Ok(steps) };
    let expiration = || match after.text(EXPIRES) {
        Some(day) => FieldValue::Text(end_of(day)),
        None => FieldValue::Null,
    };
    if let Some(Step { write: Write::Insert { fields, .. }, .. }) = steps.first_mut() {
        if after.get(EXPIRES).is_some() {
            fields.push(("ExpirationDate".into(), expiration()));
        }
    } else if change.before.as_ref().and_then(|before| before.get(EXPIRES)) != after.get(EXPIRES)
        && let Some(id) = change.id()
    {
        steps.push(Step::new(
            StepName::Update,
            Write::Update {
                object: OBJECT.into(),
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

/// The steps of a row that joins two others: it is made or taken off, never
/// changed.
pub fn assignment_steps(
    change: &Change,
    context: &dyn StepContext,
    object: &'static str,
    joins: &[(&'static str, &'static str)],
) -> Result<Vec<Step>, Problem> {
    let problem = |message: String| {
        Problem::new(&change.address, message)
            .hint("run plan again; the state may be behind the org")
    };
    let Some(after) = &change.after else {
        let Some(id) = change.id() else {
            return Err(problem("the assignment to take off has no known id".to_owned()));
        };
        return Ok(vec![Step::new(
            StepName::Unassign,
            Write::Delete { object: object.into(), id: IdReference::Known(id.clone()) },
            RecordEffect { forget: true, ..RecordEffect::default() },
        )]);
    };
    if change.exists() && change.may_leave_with.is_none() {
        return Ok(Vec::new());
    }
    let mut fields = Vec::new();
    for (field, path) in joins {
        let Some(address) = after.reference(path) else {
            return Err(problem(format!("it has no `{path}`")));
        };
        let Some(id) = context.id(address) else {
            return Err(problem(format!("the id of {address} is not known")));
        };
        fields.push(((*field).into(), FieldValue::Id(id)));
    }
    // What is given again may be there still: then the org says so.
    let is_new = !change.exists();
    Ok(vec![Step::new(
        if is_new { StepName::Assign } else { StepName::AssignAgain },
        Write::Insert { object: object.into(), fields },
        RecordEffect {
            confirm: after.clone(),
            creates: is_new.then_some(Ownership::Created),
            gives_again: !is_new,
            ..RecordEffect::default()
        },
    )])
}
