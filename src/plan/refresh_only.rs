//! What `--refresh-only` does with a record: what was changed outside becomes
//! what is recorded, and nothing is wanted.

use super::draft::Draft;
use super::notes;
use crate::kinds;
use crate::kinds::as_seen;
use crate::model::Address;
use crate::model::Observation;
use crate::model::Record;

/// Takes in what was observed of a recorded thing; `renamed` is the name that
/// it has now, when it is gone under its own.
pub fn take_in(
    draft: &mut Draft,
    address: Address,
    record: Record,
    observation: Option<Observation>,
    renamed: Option<&Address>,
) {
    match observation {
        Some(Observation::Found(observed)) => {
            let Some(kind) = kinds::of(&address) else { return };
            let recorded = &record.attributes;
            let seen = as_seen(kind, &observed.attributes, recorded, recorded);
            if seen != record.attributes {
                draft.drifted(&address, &record, Some(seen.clone()));
            }
            let mut taken = record.clone();
            taken.take_over(&observed);
            taken.attributes = seen;
            if taken != record {
                draft.sync.insert(address, Some(taken));
            }
            draft.no_op += 1;
        }
        Some(Observation::Gone) => match renamed {
            Some(now) => draft.notes.push(notes::renamed_outside(&address, now)),
            None => {
                draft.drifted(&address, &record, None);
                draft.sync.insert(address, None);
            }
        },
        None => draft.no_op += 1,
    }
}
