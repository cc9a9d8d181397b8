//! The Salesforce client: REST, sObject collections, composite requests,
//! queries in pages, and Metadata SOAP.
//!
//! It knows nothing of kinds or plans. Every call is counted, every answer is held
//! against what the documents say of its kind of call (`contract`), refusals are
//! typed by Salesforce's codes, and all goes over a [`Wire`] that is handed in.
//! Imports `model`.

mod address;
mod collections;
mod contract;
mod deploy;
mod error;
mod metadata;
mod read;
mod refusals;
mod retry;
mod size;
mod soql;
mod transport;
mod wire;

pub use address::InstanceUrl;
pub use address::InstanceUrlError;
pub use deploy::DeployResult;
pub use error::OrgError;
pub use error::RecordOutcome;
pub use error::Refusal;
pub use error::Refused;
pub use metadata::DOCUMENTS_OF_ONE_CALL;
pub use metadata::DocumentOutcome;
pub use read::IN_FLIGHT;
pub use read::Pages;
pub use retry::RetryPolicy;
pub use size::Bound;
pub use size::TooLarge;
pub use soql::keyed_queries;
pub use soql::named_query;
pub use soql::queries_by_username;
pub use soql::query;
pub use soql::quote;
pub use transport::Connection;
pub use transport::Org;
pub use transport::Sleep;
pub use transport::Usage;
pub use wire::Answering;
pub use wire::HttpWire;
pub use wire::Wire;
pub use wire::WireAnswer;
pub use wire::WireError;
pub use wire::WireRequest;

/// The one API version that is spoken. View All Fields exists from 63.0 on
/// (Object Reference and Metadata API Developer Guide, v63.0).
pub const API_VERSION: &str = "63.0";
