//! What a workflow needs of the world, handed in.

use crate::model::UnixSeconds;
use std::sync::Arc;

use crate::engine::Stops;
use crate::model::Clock;
use crate::model::Monotonic;
use crate::org::Sleep;
use crate::org::Wire;
use crate::state::Holder;

/// Listens from now on for the user's wish to stop: an item each time.
pub type Listen = Arc<dyn Fn() -> Stops<'static> + Send + Sync>;

/// Clocks, chance, and the way to an org.
#[derive(Clone)]
pub struct World {
    /// Milliseconds since 1970.
    pub clock: Clock,
    /// Time since some moment, which only goes on.
    pub monotonic: Monotonic,
    /// Waits.
    pub sleep: Sleep,
    /// Sends requests to an org.
    pub wire: Arc<dyn Wire>,
    /// A new random number each time.
    pub entropy: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Listens for the user's wish to stop.
    pub stops: Listen,
    /// The process's number, for the lock.
    pub process: u32,
    /// What the machine is called, for who meets the lock.
    pub machine: String,
}

impl World {
    /// The time.
    pub fn now(&self) -> UnixSeconds {
        (self.clock)().seconds()
    }

    /// Who works on a state, for a second run.
    pub fn holder(&self, command: &str) -> Holder {
        let since = jiff::Timestamp::from_millisecond((self.clock)().0)
            .map(|time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
            .unwrap_or_default();
        let (process, machine) = (self.process, self.machine.clone());
        Holder { process, machine, command: command.to_owned(), since }
    }
}
