//! One file per command, and what apply and destroy have in common.

mod advice;
pub mod apply;
mod carry_out;
pub mod completions;
pub mod destroy;
pub mod explain;
pub mod fmt;
pub mod graph;
pub mod plan;
pub mod reset;
pub mod schema;
pub mod serve;
pub mod show;
pub mod state;
pub mod state_repair;
pub mod validate;
