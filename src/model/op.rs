//! One write, as data: reviewed in a plan, packed into calls by the engine.

use std::borrow::Cow;

use serde::Deserialize;
use serde::Serialize;

use super::Address;
use super::Attributes;
use super::Element;
use super::Ownership;
use super::Path;
use super::SalesforceId;
use super::Standing;
use super::StepName;

/// The place of an op in its plan.
pub type OpIndex = u32;

/// A name that is mostly known at compile time.
type Name = Cow<'static, str>;

/// An id that may only be known while applying.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdReference {
    /// Known when the plan was made.
    Known(SalesforceId),
    /// The id of a resource that this plan, or an earlier op of it, makes.
    Of(Address),
}

/// What goes into one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldValue {
    /// Text.
    Text(String),
    /// A boolean.
    Flag(bool),
    /// A number, in digits.
    Number(String),
    /// Nothing.
    Null,
    /// An id.
    Id(IdReference),
}

/// One record or document to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Write {
    /// Insert one record.
    Insert {
        /// The sObject.
        object: Name,
        /// Field by field.
        fields: Vec<(Name, FieldValue)>,
    },
    /// Update one record.
    Update {
        /// The sObject.
        object: Name,
        /// Which record.
        id: IdReference,
        /// Field by field.
        fields: Vec<(Name, FieldValue)>,
    },
    /// Delete one record.
    Delete {
        /// The sObject.
        object: Name,
        /// Which record.
        id: IdReference,
    },
    /// Create or wholly replace one metadata document.
    UpsertDocument {
        /// The metadata type.
        metadata_type: Name,
        /// Its full name.
        full_name: String,
        /// Everything but the full name.
        body: Vec<Element>,
    },
    /// Overlay one metadata document that is there.
    UpdateDocument {
        /// The metadata type.
        metadata_type: Name,
        /// Its full name.
        full_name: String,
        /// Everything but the full name.
        body: Vec<Element>,
    },
    /// Delete one metadata document.
    DeleteDocument {
        /// The metadata type.
        metadata_type: Name,
        /// Its full name.
        full_name: String,
    },
    /// Reset a user's password, which mails the link to set a new one.
    ResetPassword {
        /// The user.
        id: IdReference,
    },
    /// Wait for what the org does by itself.
    Await(Box<Awaited>),
}

/// What an op waits for: that a field of one record has a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Awaited {
    /// The sObject.
    pub object: Name,
    /// The field by which the record is found.
    pub key: Name,
    /// What that field says.
    pub name: String,
    /// The field that is watched.
    pub field: Name,
    /// The value that is waited for.
    pub until: Name,
    /// The value after which it will not come.
    pub never: Name,
    /// What to look at when it does not come, as a fragment.
    pub look_at: String,
}

/// What the ops of one call have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallShape {
    /// Insert records of an object.
    Insert(Name),
    /// Update records of an object.
    Update(Name),
    /// Delete records of an object.
    Delete(Name),
    /// Create or replace documents of a type.
    UpsertDocuments(Name),
    /// Overlay documents of a type.
    UpdateDocuments(Name),
    /// Delete documents of a type.
    DeleteDocuments(Name),
    /// Reset one password.
    ResetPassword,
    /// Look whether records of an object are as far as they are to be.
    Await(Name),
}

impl CallShape {
    /// How many ops one call may hold: sObject collections take 200 records,
    /// Metadata calls 10 documents, a password has no batch (REST API
    /// Developer Guide, "sObject Collections"; Metadata API Developer Guide,
    /// `upsertMetadata`).
    pub fn limit(&self) -> usize {
        match self {
            Self::Insert(_) | Self::Update(_) | Self::Delete(_) | Self::Await(_) => 200,
            Self::UpsertDocuments(_) | Self::UpdateDocuments(_) | Self::DeleteDocuments(_) => 10,
            Self::ResetPassword => 1,
        }
    }

    /// How many ops share a call when so many are ready: many documents go as one
    /// deploy, which takes 10,000 files (Metadata API Developer Guide, "Deploy"), far
    /// fewer here, so that what one that is refused holds up stays small.
    pub fn batch(&self, ready: usize) -> usize {
        const MANY: usize = 100;
        const DEPLOYED: usize = 2_000;
        match self {
            Self::UpsertDocuments(_) | Self::UpdateDocuments(_) if ready > MANY => DEPLOYED,
            shape => shape.limit(),
        }
    }

    /// What the call does, for people: `insert User`.
    pub fn describe(&self) -> String {
        match self {
            Self::Insert(object) => format!("insert {object}"),
            Self::Update(object) => format!("update {object}"),
            Self::Delete(object) => format!("delete {object}"),
            Self::UpsertDocuments(name) => format!("upsert metadata {name}"),
            Self::UpdateDocuments(name) => format!("update metadata {name}"),
            Self::DeleteDocuments(name) => format!("delete metadata {name}"),
            Self::ResetPassword => "reset password".to_owned(),
            Self::Await(object) => format!("wait for {object}"),
        }
    }
}

impl Write {
    /// What it can share a call with.
    pub fn shape(&self) -> CallShape {
        match self {
            Self::Insert { object, .. } => CallShape::Insert(object.clone()),
            Self::Update { object, .. } => CallShape::Update(object.clone()),
            Self::Delete { object, .. } => CallShape::Delete(object.clone()),
            Self::UpsertDocument { metadata_type, .. } => {
                CallShape::UpsertDocuments(metadata_type.clone())
            }
            Self::UpdateDocument { metadata_type, .. } => {
                CallShape::UpdateDocuments(metadata_type.clone())
            }
            Self::DeleteDocument { metadata_type, .. } => {
                CallShape::DeleteDocuments(metadata_type.clone())
            }
            Self::ResetPassword { .. } => CallShape::ResetPassword,
            Self::Await(awaited) => CallShape::Await(awaited.object.clone()),
        }
    }

    /// Gives back the room that growing left.
    pub fn shrink(&mut self) {
        if let Self::Insert { fields, .. } | Self::Update { fields, .. } = self {
            fields.shrink_to_fit();
        }
    }

    /// The same without what is written: which sort of write it is of what.
    #[must_use]
    pub fn without_contents(&self) -> Self {
        match self {
            Self::Insert { object, .. } => {
                Self::Insert { object: object.clone(), fields: Vec::new() }
            }
            Self::Update { object, id, .. } => {
                Self::Update { object: object.clone(), id: id.clone(), fields: Vec::new() }
            }
            Self::UpsertDocument { metadata_type, full_name, .. } => Self::UpsertDocument {
                metadata_type: metadata_type.clone(),
                full_name: full_name.clone(),
                body: Vec::new(),
            },
            Self::UpdateDocument { metadata_type, full_name, .. } => Self::UpdateDocument {
                metadata_type: metadata_type.clone(),
                full_name: full_name.clone(),
                body: Vec::new(),
            },
            other => other.clone(),
        }
    }

    /// The ids it needs before it can be sent.
    pub fn ids(&self) -> Vec<&IdReference> {
        match self {
            Self::Insert { fields, .. } => field_ids(fields).collect(),
            Self::Update { id, fields, .. } => {
                std::iter::once(id).chain(field_ids(fields)).collect()
            }
            Self::Delete { id, .. } | Self::ResetPassword { id } => vec![id],
            Self::UpsertDocument { .. }
            | Self::UpdateDocument { .. }
            | Self::DeleteDocument { .. }
            | Self::Await(_) => Vec::new(),
        }
    }
}

fn field_ids(fields: &[(Name, FieldValue)]) -> impl Iterator<Item = &IdReference> {
    fields.iter().filter_map(|(_, value)| match value {
        FieldValue::Id(id) => Some(id),
        _ => None,
    })
}

/// Why one op waits for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderReason {
    /// It refers to what the other makes.
    Requires,
    /// The other is an earlier step of the same change.
    Step,
    /// What the other takes off or moves away still uses this.
    LeavesBefore,
    /// A user's licenses are assigned before the sets that need them, and
    /// taken off after them.
    LicenseBeforeSet,
    /// Mail goes out when everything else about the user is done.
    MailLast,
}

/// One op waits for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEdge {
    /// The op that must have succeeded.
    pub op: OpIndex,
    /// Why.
    pub reason: OrderReason,
}

/// A record that has a new address or refers to a new name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordMove {
    /// Where it stands.
    pub from: Address,
    /// Where it will stand.
    pub to: Address,
    /// Its attributes then.
    pub attributes: Attributes,
}

/// What to write to the state when an op has succeeded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordEffect {
    /// Attributes that now hold.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub confirm: Attributes,
    /// Paths that now hold nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withdraw: Vec<Path>,
    /// Set when the op brings the thing into being.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creates: Option<Ownership>,
    /// The op gives again what may be there still: an id that it tells is the
    /// thing's, and whose it is stays.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gives_again: bool,
    /// Set when the thing's standing changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    /// Set when the thing's protection is told anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protects: Option<bool>,
    /// The thing is gone: forget it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forget: bool,
    /// Records that read differently because something was renamed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<RecordMove>,
    /// The one-shot thing that is now done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub once: Option<String>,
}

/// One write with its place in the order and its effect on the state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Op {
    /// The resource it is about.
    pub address: Address,
    /// Which step of the change it is.
    pub step: StepName,
    /// What is written.
    pub write: Write,
    /// What must have succeeded before.
    pub after: Vec<OrderEdge>,
    /// The user it is about: two calls in flight never share one, since
    /// writes about one user contend on row locks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Address>,
    /// One call in flight per lane: some writes lock what others of their sort
    /// need, whichever record they are about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<Name>,
    /// What the state says afterwards.
    pub effect: RecordEffect,
}

impl Op {
    /// What the state keeps of it while its call is under way: what tells whether
    /// it was done, and what the state says then.
    #[must_use]
    pub fn announced(&self) -> Self {
        Self {
            address: self.address.clone(),
            step: self.step,
            write: self.write.without_contents(),
            after: Vec::new(),
            subject: None,
            lane: None,
            effect: self.effect.clone(),
        }
    }
}
