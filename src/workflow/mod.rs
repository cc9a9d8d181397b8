//! The use cases: from declarations and an org to a plan, and from a plan to what is so.
//!
//! It decides what is asked and when, how often is planned again, what of an earlier run is
//! settled first, and what holds a plan back. It prints nothing and reads no argument:
//! whoever runs it hands the world in ([`World`]), sees what happens ([`Operator`],
//! [`Notice`]), and gets errors as types ([`WorkflowError`]). Imports everything below the
//! command line.
//!
//! A [`Session`] is the way into one org. It and the state are open only inside
//! [`Session::with`] and [`Session::with_store`], which close them on every path.

mod apply;
mod declarations;
mod error;
mod explain;
mod facts;
mod guards;
mod notice;
mod planning;
mod report;
mod saved;
mod session;
mod visibility;
mod world;

pub use apply::{Operator, RunError, Work, WriteOptions, apply};
pub use declarations::Declarations;
pub use error::WorkflowError;
pub use explain::{Explained, explain_user};
pub use guards::{Consent, Refusal};
pub use notice::Notice;
pub use planning::{PlanOptions, Planned, Planning};
pub use report::Report;
pub use saved::{Doubt, Staleness};
pub use session::{Access, LOCAL_ORG, Session, Target};
pub use world::{Listen, World};
