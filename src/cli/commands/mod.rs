//! One file per command.

pub mod apply;
mod carry_out;
pub mod destroy;
pub mod explain;
pub mod graph;
pub mod plan;
pub mod serve;
pub mod show;
pub mod state;
