//! What is recorded, looked through once.
//!
//! Reading every record is the dearest part of a plan with nothing to do, and
//! several of its steps go through all of them. So their headers are kept, which
//! tell all that most of them are asked for, and share the addresses of what is
//! declared; a record itself is read again where it is wanted whole.

use super::Desired;
use crate::model::Address;
use crate::model::Digest;
use crate::model::Record;
use crate::model::RecordError;
use crate::model::RecordStream;
use crate::model::Recorded;
use crate::model::Standing;
use crate::model::StoredRecord;

/// What is known of a record without its contents.
#[derive(Debug)]
struct Header {
    address: Address,
    digest: Digest,
    standing: Standing,
    protected: bool,
}

/// The headers of all records, in the order of their addresses.
#[derive(Debug)]
pub struct RecordIndex(Vec<Header>);

impl RecordIndex {
    /// Looks through the records.
    ///
    /// # Errors
    /// When the state can't be read.
    pub fn of(recorded: &dyn Recorded, desired: &Desired) -> Result<Self, RecordError> {
        let mut declared = desired.iter().map(|declared| &declared.address).peekable();
        let mut headers = Vec::with_capacity(desired.len());
        for stored in recorded.stream() {
            let StoredRecord { address, digest, standing, protected, .. } = stored?;
            while declared.next_if(|held| **held < address).is_some() {}
            let address = declared.next_if(|held| **held == address).cloned().unwrap_or(address);
            headers.push(Header { address, digest, standing, protected });
        }
        headers.shrink_to_fit();
        Ok(Self(headers))
    }

    /// The records themselves. They must be those that were looked through.
    pub fn over<'a>(&'a self, recorded: &'a (dyn Recorded + Sync)) -> IndexedRecords<'a> {
        IndexedRecords { index: self, recorded }
    }
}

/// Records with an index of them.
pub struct IndexedRecords<'a> {
    index: &'a RecordIndex,
    recorded: &'a (dyn Recorded + Sync),
}

impl Recorded for IndexedRecords<'_> {
    fn stream(&self) -> RecordStream<'_> {
        Box::new(self.index.0.iter().map(|header| {
            let decode = || {
                let gone = || RecordError::Gone(header.address.clone());
                self.recorded.get(&header.address)?.ok_or_else(gone)
            };
            Ok(StoredRecord {
                address: header.address.clone(),
                digest: header.digest,
                standing: header.standing,
                protected: header.protected,
                decode: Box::new(decode),
            })
        }))
    }

    fn get(&self, address: &Address) -> Result<Option<Record>, RecordError> {
        self.recorded.get(address)
    }
}
