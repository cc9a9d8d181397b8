//! What Salesforce's documents say of each kind of call: the status codes and the
//! shape of its answer, whether it changes anything, how long it may take, and how
//! large its answer may be.
//!
//! An answer that is not in this table is not understood: it is never taken for
//! success. One line a kind of call. Imports what a size is.

use std::time::Duration;

use super::size::Bound;
use super::size::Size;

/// What a call asks or does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// One query, or a further page of one.
    Query,
    /// A query of the Tooling API.
    Tooling,
    /// The description of an object.
    Describe,
    /// Questions in one composite request.
    Composite,
    /// One record.
    Record,
    /// Who the token stands for.
    UserInfo,
    /// The org's limits.
    Limits,
    /// Insert one record.
    InsertRecord,
    /// Update one record.
    UpdateRecord,
    /// Delete one record.
    DeleteRecord,
    /// Insert records.
    InsertRecords,
    /// Update records.
    UpdateRecords,
    /// Delete records.
    DeleteRecords,
    /// Reset a password, which sends a mail.
    ResetPassword,
    /// Begin a deploy.
    Deploy,
    /// Ask how far a deploy is.
    DeployStatus,
    /// Read metadata documents or their list.
    ReadMetadata,
    /// Create, change or delete metadata documents.
    WriteMetadata,
    /// Insert one record over partner SOAP.
    SoapCreate,
}

/// Whether sending a call twice is the same as once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It only asks.
    Read,
    /// It changes something.
    Write,
}

/// The shape of an answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A JSON object that has this key.
    Object(&'static str),
    /// Any JSON object.
    AnyObject,
    /// A JSON array.
    Array,
    /// Nothing at all.
    Nothing,
    /// A SOAP envelope whose body is an answer and no fault.
    Envelope,
}

/// What is known of a kind of call.
#[derive(Clone, Copy, Debug)]
pub struct Contract {
    /// Its name in the count of calls.
    pub name: &'static str,
    /// Whether it changes anything.
    pub effect: Effect,
    /// The one status of an answer that says it is done.
    pub status: u16,
    /// The shape of that answer.
    pub shape: Shape,
    /// How long it may take in all.
    pub time_out: Duration,
    /// How large its answer may be.
    pub size: Size,
}

impl Contract {
    /// How many bytes of an answer are read.
    pub const fn bound(&self) -> Bound {
        Bound { status: self.status, bytes: self.size.bytes }
    }
}

/// A few words, or one id.
const SHORT: Size = Size::new(1, 20_000);
/// One record with all its fields, of which some hold 131,072 characters.
const RECORD: Size = Size::new(16, 50_000);
/// What became of 200 records, with the reasons.
const RESULTS: Size = Size::new(8, 200_000);
/// 2,000 rows of some hundred fields.
const ROWS: Size = Size::new(64, 1_500_000);
/// An object with 900 fields and their picklists.
const FIELDS: Size = Size::new(32, 1_000_000);
/// Five queries and twenty objects at once; where that is more, they are asked one by one.
const TOGETHER: Size = Size::new(64, 2_000_000);
/// What became of 10,000 documents.
const DEPLOYED: Size = Size::new(32, 800_000);
/// Ten documents, or the list of thousands.
const DOCUMENTS: Size = Size::new(96, 2_000_000);

const fn contract(
    name: &'static str,
    effect: Effect,
    status: u16,
    shape: Shape,
    seconds: u64,
    size: Size,
) -> Contract {
    Contract { name, effect, status, shape, time_out: Duration::from_secs(seconds), size }
}

impl CallKind {
    /// What the documents say of it (REST API Developer Guide: "Query", "sObject
    /// Describe", "Composite", "sObject Rows", "sObject Collections", "sObject User
    /// Password", "Limits"; Metadata API Developer Guide: "Deploying and Retrieving
    /// Metadata with the REST API"; SOAP API Developer Guide). Salesforce ends a
    /// call after ten minutes; those that only ask are given up far sooner. No document
    /// bounds an answer: the sizes are several times what a full org was seen to give.
    pub const fn contract(self) -> Contract {
        use Effect::Read;
        use Effect::Write;
        use Shape::AnyObject;
        use Shape::Array;
        use Shape::Envelope;
        use Shape::Nothing;
        use Shape::Object;
        match self {
            Self::Query => contract("query", Read, 200, Object("records"), 180, ROWS),
            Self::Tooling => contract("tooling", Read, 200, Object("records"), 180, ROWS),
            Self::Describe => contract("describe", Read, 200, Object("fields"), 120, FIELDS),
            Self::Composite => {
                contract("composite", Read, 200, Object("compositeResponse"), 180, TOGETHER)
            }
            Self::Record => contract("record", Read, 200, AnyObject, 60, RECORD),
            Self::UserInfo => contract("userinfo", Read, 200, AnyObject, 60, SHORT),
            Self::Limits => contract("limits", Read, 200, AnyObject, 60, SHORT),
            Self::InsertRecord => contract("collections", Write, 201, Object("id"), 300, SHORT),
            Self::UpdateRecord => contract("collections", Write, 204, Nothing, 300, SHORT),
            Self::DeleteRecord => contract("collections", Write, 204, Nothing, 300, SHORT),
            Self::InsertRecords => contract("collections", Write, 200, Array, 620, RESULTS),
            Self::UpdateRecords => contract("collections", Write, 200, Array, 620, RESULTS),
            Self::DeleteRecords => contract("collections", Write, 200, Array, 620, RESULTS),
            Self::ResetPassword => {
                contract("password", Write, 200, Object("NewPassword"), 120, SHORT)
            }
            Self::Deploy => contract("deploy", Write, 201, Object("id"), 620, SHORT),
            Self::DeployStatus => {
                contract("deploy", Read, 200, Object("deployResult"), 60, DEPLOYED)
            }
            Self::ReadMetadata => contract("metadata", Read, 200, Envelope, 180, DOCUMENTS),
            Self::WriteMetadata => contract("metadata", Write, 200, Envelope, 620, RESULTS),
            Self::SoapCreate => contract("soap", Write, 200, Envelope, 300, SHORT),
        }
    }
}
