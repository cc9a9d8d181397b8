//! What is recorded, looked through once.
//!
//! Reading every record is the dearest part of a plan with nothing to do, and
//! several of its steps go through all of them. So their fronts are kept, which
//! tell all that most of them are asked for, and share the addresses of what is
//! declared; a record itself is read again where it is wanted whole.

use super::Desired;
use crate::model::Address;
use crate::model::Digest;
use crate::model::Record;
use crate::model::RecordStream;
use crate::model::Recorded;
use crate::model::Standing;
use crate::model::StoredRecord;

/// What is known of a record without its contents.
#[derive(Debug)]
struct Front {
    address: Address,
    digest: Digest,
    standing: Standing,
    protected: bool,
}

/// The fronts of all records, in the order of their addresses.
#[derive(Debug)]
pub struct Overview(Vec<Front>);

impl Overview {
    /// Looks through the records.
    ///
    /// # Errors
    /// When the state can't be read.
    pub fn of(recorded: &dyn Recorded, desired: &Desired) -> Result<Self, String> {
        let mut declared = desired.iter().map(|declared| &declared.address).peekable();
        let mut fronts = Vec::with_capacity(desired.len());
        for stored in recorded.stream() {
            let StoredRecord { address, digest, standing, protected, .. } = stored?;
            while declared.next_if(|held| **held < address).is_some() {}
            let address = declared.next_if(|held| **held == address).cloned().unwrap_or(address);
            fronts.push(Front { address, digest, standing, protected });
        }
        fronts.shrink_to_fit();
        Ok(Self(fronts))
    }

    /// The records themselves. They must be those that were looked through.
    pub fn over<'a>(&'a self, recorded: &'a (dyn Recorded + Sync)) -> WithOverview<'a> {
        WithOverview { overview: self, recorded }
    }
}

/// Records with their overview.
pub struct WithOverview<'a> {
    overview: &'a Overview,
    recorded: &'a (dyn Recorded + Sync),
}

impl Recorded for WithOverview<'_> {
    fn stream(&self) -> RecordStream<'_> {
        Box::new(self.overview.0.iter().map(|front| {
            let decode = || {
                let gone = || format!("{} is no longer in the state", front.address);
                self.recorded.get(&front.address)?.ok_or_else(gone)
            };
            Ok(StoredRecord {
                address: front.address.clone(),
                digest: front.digest,
                standing: front.standing,
                protected: front.protected,
                decode: Box::new(decode),
            })
        }))
    }

    fn get(&self, address: &Address) -> Result<Option<Record>, String> {
        self.recorded.get(address)
    }
}
