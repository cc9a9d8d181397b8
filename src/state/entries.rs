//! What a run writes into the state: changes to records, and the journal's two
//! entries about a call, before it and after it.

use serde::Deserialize;
use serde::Serialize;

use crate::model::Address;
use crate::model::Op;
use crate::model::Record;

/// One change to a record.
#[derive(Clone, Debug)]
pub enum RecordChange {
    /// It now reads like this.
    Put(Address, Record),
    /// It is no more.
    Forget(Address),
}

/// What is no longer open: an intent with what became of it, or what was learned
/// without one.
#[derive(Clone, Debug)]
pub struct Closed {
    /// The intent, where there was one.
    pub sequence: Option<u64>,
    /// What is recorded by that.
    pub changes: Vec<RecordChange>,
}

/// What was about to be sent: durable before the call, closed after it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Intent {
    /// Its number.
    #[serde(skip)]
    pub sequence: u64,
    /// The run that wrote it.
    pub run: String,
    /// The ops of the call, as they are announced.
    pub ops: Vec<Op>,
}
