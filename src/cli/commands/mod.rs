//! One file per command.

pub mod apply;
pub mod destroy;
pub mod graph;
pub mod plan;
pub mod serve;
pub mod state;
