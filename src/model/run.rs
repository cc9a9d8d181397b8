//! What a run is told about the world around it.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::SalesforceId;
use super::UnixMillis;

/// Tells the time, handed in from `main` so that nothing else asks a clock.
pub type Clock = Arc<dyn Fn() -> UnixMillis + Send + Sync>;

/// Time since some moment, which only goes on: no step of the clock and no suspended
/// machine makes a wait longer or shorter by it.
pub type Monotonic = Arc<dyn Fn() -> Duration + Send + Sync>;

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
