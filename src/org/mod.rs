//! The Salesforce client: REST, sObject collections, composite requests,
//! queries in pages, and Metadata SOAP.
//!
//! It knows nothing of kinds or plans. Every call is counted, every answer's
//! limit header is read, refusals are typed by Salesforce's codes, and what
//! may be retried is decided by a policy that is data. Imports `model`.

mod collections;
mod deploy;
mod error;
mod metadata;
mod read;
mod retry;
mod soql;
mod transport;

pub use error::OrgError;
pub use error::RecordOutcome;
pub use error::Refusal;
pub use metadata::DocumentOutcome;
pub use read::IN_FLIGHT;
pub use read::Pages;
pub use retry::RetryPolicy;
pub use soql::keyed_queries;
pub use soql::queries_by_username;
pub use soql::quote;
pub use transport::Connection;
pub use transport::Org;
pub use transport::Sleep;
pub use transport::Usage;

/// The one API version that is spoken. View All Fields exists from 63.0 on
/// (Object Reference and Metadata API Developer Guide, v63.0).
pub const API_VERSION: &str = "63.0";
