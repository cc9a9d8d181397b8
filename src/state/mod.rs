//! The state of one org: what we made or took over there, what the org
//! offers, and a journal of calls under way.
//!
//! It is a cache plus ownership and never the only truth: every kind has a
//! natural key, so that even a lost state converges by adoption. One folder
//! per org id. Only this room opens sled; the rest of the house sees
//! [`Store`]. Imports `model`. The format on disk is described in
//! `state/README.md`.

mod codec;
mod entries;
mod error;
mod lock;
mod names;
mod open;
mod parts;
mod snapshot;
mod store;

pub use entries::Closed;
pub use entries::Intent;
pub use entries::RecordChange;
pub use error::StateError;
pub use lock::Holder;
pub use names::recorded_addresses;
pub use store::Store;
