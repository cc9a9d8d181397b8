//! The state of one org: what we made or took over there, and the calls of which it is
//! not known yet what became of them.
//!
//! It is ownership, and never the only truth: every kind has a natural key, so that even
//! a lost state converges by adoption. One folder per org id. The log is the truth
//! (`log_line`, behind a [`Backend`](backend::Backend)), `base` compacts it, and sled is
//! a cache in front that only this module opens. The rest of the crate sees [`Store`].
//! Imports `model`. The format on disk is described in `state/README.md`.

mod backend;
mod base;
mod cache;
mod codec;
mod contents;
mod damage;
mod entries;
mod error;
mod folder;
mod format_1;
mod lock;
mod log_line;
mod mark;
mod names;
mod open;
mod opening;
mod plan_key;
mod restore;
mod split_value;
mod store;

pub use backend::Version;
pub use cache::StoredFact;
pub use damage::Damage;
pub use damage::DamageKind;
pub use damage::Diagnosis;
pub use entries::Intent;
pub use entries::RecordChange;
pub use entries::Settlement;
pub use error::StateError;
pub use lock::Holder;
pub use names::recorded_addresses;
pub use restore::Checked;
pub use restore::Source;
pub use restore::check;
pub use restore::restore;
pub use restore::sources;
pub use store::Store;
