//! The time that calls take, handed in, so that a test says when it goes on.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Waits for a time.
pub type Sleep = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// What calls of an org take their time by. It has nothing to do with what the org's
/// records say of when: that is the clock.
#[derive(Clone)]
pub struct Time {
    /// Time since some moment.
    pub passed: Arc<dyn Fn() -> Duration + Send + Sync>,
    /// Waits.
    pub sleep: Sleep,
}

impl Default for Time {
    /// The time of the machine.
    fn default() -> Self {
        let begun = tokio::time::Instant::now();
        Self {
            passed: Arc::new(move || begun.elapsed()),
            sleep: Arc::new(|time| Box::pin(tokio::time::sleep(time))),
        }
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Time").field(&(self.passed)()).finish()
    }
}
