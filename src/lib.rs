//! orgform: Salesforce user access as code.
//!
//! A YAML file says which profiles, permission sets, users and assignments an
//! org should have; orgform plans the difference and applies it in order.
//!
//! ```text
//! YAML ─config─▶ Desired ─┐                        ┌─▶ shown to a person
//!                         ├─plan (pure)─▶ Plan ────┤
//! state ─▶ Recorded ──────┤                        └─▶ engine: ops packed into batches ─▶ org
//! org ─refresh─▶ Observed ┘                                  │  intent durable first, result after
//!      + Catalog                                             └─▶ state
//! ```
//!
//! Each module says in its first lines what it is for. ARCHITECTURE.md says which
//! may import which, and a test holds the sources to it.

pub mod cli;
pub mod config;
pub mod disk;
pub mod engine;
pub mod facts;
pub mod graph;
pub mod kinds;
pub mod model;
pub mod org;
pub mod plan;
pub mod state;
pub mod text;
pub mod workflow;

pub mod local_org;

mod data;
