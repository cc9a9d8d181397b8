//! The world, as `main` hands it in.

use std::io::Read;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use crate::model::Clock;
use crate::model::Monotonic;
use crate::org::Sleep;
use crate::org::Wire;
use crate::workflow::Listen;
use crate::workflow::World;

/// What is known of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Whether answers can be typed.
    pub input: bool,
    /// Whether output is looked at.
    pub output: bool,
    /// Whether progress can be drawn.
    pub errors: bool,
    /// Whether colours are wanted.
    pub color: bool,
}

/// Everything from outside.
#[derive(Clone)]
pub struct Environment {
    /// An environment variable by name; empty ones count as not set.
    pub variable: Arc<dyn Fn(&str) -> Option<String> + Send + Sync>,
    /// The folder in which orgform runs.
    pub folder: PathBuf,
    /// Where files may be that nobody needs later.
    pub temporary: PathBuf,
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
    /// The process's number, for the lock.
    pub process: u32,
    /// The terminal.
    pub terminal: Terminal,
    /// Where answers come from.
    pub input: Arc<Mutex<dyn Read + Send>>,
    /// Where output goes.
    pub output: Arc<Mutex<dyn Write + Send>>,
    /// Where errors and progress go.
    pub errors: Arc<Mutex<dyn Write + Send>>,
    /// Listens for the user's wish to stop.
    pub stops: Listen,
}

impl Environment {
    /// What workflows need of it.
    pub fn world(&self) -> World {
        let machine = ["HOSTNAME", "COMPUTERNAME"].iter().find_map(|name| (self.variable)(name));
        World {
            clock: self.clock.clone(),
            monotonic: self.monotonic.clone(),
            sleep: self.sleep.clone(),
            wire: self.wire.clone(),
            entropy: self.entropy.clone(),
            stops: self.stops.clone(),
            process: self.process,
            machine: machine.unwrap_or_else(|| "this machine".to_owned()),
        }
    }
}
