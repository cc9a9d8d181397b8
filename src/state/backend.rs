//! Where a state is kept: the few operations that a place must offer, asynchronous,
//! so that a folder and a server are one to the rest of the crate.
//!
//! The log is the truth. An entry counts once [`Backend::append`] has returned; the
//! base compacts the log, and loses nothing.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use super::base::Base;
use super::base::Header;
use super::damage::Damage;
use super::entries::Intent;
use super::error::StateError;
use super::log_line::Entry;
use crate::model::Address;
use crate::model::Record;

/// Something that takes its time.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T, StateError>> + Send + 'a>>;

/// Records as they stream into a base.
pub type Records<'a> = Box<dyn Iterator<Item = Result<(Address, Record), StateError>> + Send + 'a>;

/// What a place holds, without reading it whole.
#[derive(Clone, Debug, Default)]
pub struct Opened {
    /// The header of the base; `None` where there is none yet.
    pub header: Option<Header>,
    /// The last entry, of the log or the base.
    pub last: u64,
    /// What is found to be damaged so far.
    pub damages: Vec<Damage>,
}

/// One state that can be gone back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// By what it is named on the command line: `1` and `2` for backups, the younger
    /// first.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// The last entry that it holds.
    pub serial: u64,
    /// How many resources it has.
    pub resources: usize,
}

/// The entries of a log, as far as they can be read.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    /// The entries behind the one that was asked for, in order.
    pub entries: Vec<Entry>,
    /// What is damaged.
    pub damages: Vec<Damage>,
}

/// A place for one state.
pub trait Backend: Send + Sync {
    /// Looks at what is there.
    fn open(&mut self) -> Doing<'_, Opened>;

    /// The base, whole; `None` where there is none.
    fn base(&self) -> Doing<'_, Option<Base>>;

    /// The entries from a serial on.
    fn read_from<'a>(&'a self, serial: u64, lineage: &'a str) -> Doing<'a, Entries>;

    /// Adds an entry, which is durable when this returns.
    fn append<'a>(&'a mut self, entry: &'a Entry, lineage: &'a str) -> Doing<'a, ()>;

    /// Whether the log has outgrown the base.
    fn has_outgrown(&self) -> bool;

    /// Writes a new base and begins the log anew; the former two bases stay as backups.
    fn compact<'a>(
        &'a mut self,
        header: &'a Header,
        open: &'a [Intent],
        records: Records<'a>,
    ) -> Doing<'a, ()>;

    /// The states that can be gone back to, the youngest first.
    fn history(&self) -> Doing<'_, Vec<Version>>;

    /// One of them, whole, with what its log added.
    fn version<'a>(&'a self, name: &'a str) -> Doing<'a, Option<(Base, Entries)>>;
}
