//! Looking up records where an error can't be handed on at once.

use std::cell::RefCell;

use crate::model::Address;
use crate::model::Attributes;
use crate::model::Record;
use crate::model::RecordError;
use crate::model::Recorded;

/// Records of the state. The first that can't be read is taken for not there, until
/// whoever looked things up ends, and must raise it then.
pub struct Lookups<'a> {
    recorded: &'a dyn Recorded,
    failure: RefCell<Option<RecordError>>,
}

impl<'a> Lookups<'a> {
    /// In this state.
    pub fn new(recorded: &'a dyn Recorded) -> Self {
        Self { recorded, failure: RefCell::new(None) }
    }

    /// What is recorded of a thing.
    pub fn record(&self, address: &Address) -> Option<Record> {
        self.recorded.get(address).unwrap_or_else(|error| {
            self.failure.borrow_mut().get_or_insert(error);
            None
        })
    }

    /// The attributes that are recorded of a thing.
    pub fn attributes(&self, address: &Address) -> Option<Attributes> {
        self.record(address).map(|record| record.attributes)
    }

    /// Ends with the first error there was.
    ///
    /// # Errors
    /// When any record couldn't be read.
    pub fn finish(self) -> Result<(), RecordError> {
        self.failure.into_inner().map_or(Ok(()), Err)
    }
}
