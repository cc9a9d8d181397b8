//! What a run is told about the world around it.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::SalesforceId;

/// Milliseconds since 1970, handed in from `main` so that nothing else asks a clock.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The org a run is about, as it must be known before any state is opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgIdentity {
    /// The org's id.
    pub id: SalesforceId,
    /// Where it is reached, for the banner.
    pub instance_url: String,
    /// Whether it is the local org.
    pub emulated: bool,
}
