//! What a run writes into the state: changes to records, calls that are about to
//! leave, and what became of them.

use crate::model::UnixSeconds;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::model::Address;
use crate::model::Op;
use crate::model::Record;
use crate::model::SalesforceId;

/// One change to a record.
#[derive(Clone, Debug)]
pub enum RecordChange {
    /// It now reads like this.
    Put(Address, Record),
    /// It is no more.
    Forget(Address),
}

impl RecordChange {
    /// The resource.
    pub fn address(&self) -> &Address {
        match self {
            Self::Put(address, _) | Self::Forget(address) => address,
        }
    }
}

/// What was about to be sent: durable before the call, and open until it is known what
/// became of each op.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Its number; the state gives it.
    #[serde(rename = "intent")]
    pub number: u64,
    /// The run that wrote it.
    pub run: String,
    /// When, in seconds since 1970.
    #[serde(default)]
    pub at: UnixSeconds,
    /// The ops of the call, as they are announced.
    pub ops: Vec<Op>,
    /// Ops of which it is known what became of them, by their places.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub settled: BTreeSet<u32>,
    /// Deploys that were begun for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deploys: Vec<SalesforceId>,
}

impl Intent {
    /// An intent that has no number yet.
    pub fn new(run: &str, at: UnixSeconds, ops: Vec<Op>) -> Self {
        let (settled, deploys) = (BTreeSet::new(), Vec::new());
        Self { number: 0, run: run.to_owned(), at, ops, settled, deploys }
    }

    /// The ops that are still open, with their places.
    pub fn open_ops(&self) -> impl Iterator<Item = (u32, &Op)> {
        let ops = (0u32..).zip(&self.ops);
        ops.filter(|(place, _)| !self.settled.contains(place))
    }
}

/// What became known of a call, or was learned without one.
#[derive(Clone, Debug, Default)]
pub struct Settlement {
    /// The intent, where there was one.
    pub intent: Option<u64>,
    /// Ops of it of which it is known now what became of them, by their places.
    pub ops: Vec<u32>,
    /// A deploy that was begun for it.
    pub deploy: Option<SalesforceId>,
    /// What is recorded by that.
    pub changes: Vec<RecordChange>,
}

impl Settlement {
    /// It is known what became of an op, which has its place in the call's list.
    pub fn settle(&mut self, ops: &[usize], op: usize) {
        let place = ops.iter().position(|held| *held == op);
        self.ops.extend(place.and_then(|place| u32::try_from(place).ok()));
    }

    /// Whether there is nothing to write down.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty() && self.deploy.is_none() && self.changes.is_empty()
    }
}
