//! The shared vocabulary as types, and nothing else.
//!
//! Every other module speaks in these: what was declared, what is recorded, what
//! was observed, and a plan with the writes it holds. This
//! module imports no other module and does no I/O, so that a value can be carried
//! anywhere, compared, saved and reviewed.

mod access;
mod address;
mod change;
mod changes;
mod declared;
mod document;
mod finding;
mod id;
mod kind_name;
mod namespace;
mod observed;
mod op;
mod pattern;
mod permission;
mod plan;
mod read;
mod record;
mod run;
mod step;
mod time;
mod value;

pub use access::{AccessChange, EVERY, Grants, Right, Source, SourceName, SourcedRight};
pub use address::Address;
pub use change::{Action, Change, Implied, Reason};
pub use changes::Changes;
pub use declared::{Condition, Conditional, Declared, Lifecycle, Place, PlaceStep};
pub use document::Element;
pub use finding::{Check, Circumstances, Finding, Questions, RunningUser, Severity, Through};
pub use id::SalesforceId;
pub use kind_name::KindName;
pub use namespace::PackagedName;
pub use observed::{Observation, Observations, Observed};
pub use op::{
    Awaited, CallShape, FieldValue, IdReference, Op, OpIndex, OrderEdge, OrderReason, RecordEffect,
    RecordMove, Write,
};
pub use pattern::AddressPattern;
pub use permission::{ObjectAccess, Permission};
pub use plan::{ApiCallEstimate, Note, NoteKind, Partial, Plan, PlanMode, Problem, Summary};
pub use read::{Filter, KeySource, Row, RowExt, RowQuery};
pub use record::{
    Once, Ownership, Record, RecordError, RecordStream, Recorded, Standing, StoredRecord,
};
pub use run::{Clock, Monotonic, OrgIdentity};
pub use step::StepName;
pub use time::{UnixMillis, UnixSeconds};
pub use value::{Attributes, Digest, Path, Value};
