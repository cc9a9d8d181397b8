//! What Salesforce's documents say of each kind of call: the status codes and the
//! shape of its answer, whether it changes anything, and how long it may take.
//!
//! An answer that is not in this table is not understood: it is never taken for
//! success. One line a kind of call. Imports nothing.

use std::time::Duration;

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
}

const fn contract(
    name: &'static str,
    effect: Effect,
    status: u16,
    shape: Shape,
    seconds: u64,
) -> Contract {
    Contract { name, effect, status, shape, time_out: Duration::from_secs(seconds) }
}

impl CallKind {
    /// What the documents say of it (REST API Developer Guide: "Query", "sObject
    /// Describe", "Composite", "sObject Rows", "sObject Collections", "sObject User
    /// Password", "Limits"; Metadata API Developer Guide: "Deploying and Retrieving
    /// Metadata with the REST API"; SOAP API Developer Guide). Salesforce ends a
    /// call after ten minutes; those that only ask are given up far sooner.
    pub const fn contract(self) -> Contract {
        use Effect::Read;
        use Effect::Write;
        use Shape::AnyObject;
        use Shape::Array;
        use Shape::Envelope;
        use Shape::Nothing;
        use Shape::Object;
        match self {
            Self::Query => contract("query", Read, 200, Object("records"), 180),
            Self::Tooling => contract("tooling", Read, 200, Object("records"), 180),
            Self::Describe => contract("describe", Read, 200, Object("fields"), 120),
            Self::Composite => contract("composite", Read, 200, Object("compositeResponse"), 180),
            Self::Record => contract("record", Read, 200, AnyObject, 60),
            Self::UserInfo => contract("userinfo", Read, 200, AnyObject, 60),
            Self::Limits => contract("limits", Read, 200, AnyObject, 60),
            Self::InsertRecord => contract("collections", Write, 201, Object("id"), 300),
            Self::UpdateRecord => contract("collections", Write, 204, Nothing, 300),
            Self::DeleteRecord => contract("collections", Write, 204, Nothing, 300),
            Self::InsertRecords => contract("collections", Write, 200, Array, 620),
            Self::UpdateRecords => contract("collections", Write, 200, Array, 620),
            Self::DeleteRecords => contract("collections", Write, 200, Array, 620),
            Self::ResetPassword => contract("password", Write, 200, Object("NewPassword"), 120),
            Self::Deploy => contract("deploy", Write, 201, Object("id"), 620),
            Self::DeployStatus => contract("deploy", Read, 200, Object("deployResult"), 60),
            Self::ReadMetadata => contract("metadata", Read, 200, Envelope, 180),
            Self::WriteMetadata => contract("metadata", Write, 200, Envelope, 620),
            Self::SoapCreate => contract("soap", Write, 200, Envelope, 300),
        }
    }
}
