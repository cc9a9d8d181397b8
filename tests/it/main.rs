//! The one integration-test binary: each module tells in its tests' names
//! what would be broken.

mod access;
mod answers;
mod architecture;
mod choosing;
mod config_errors;
mod converge;
mod damage;
mod deploys;
mod diagnosis;
mod doors;
mod doubts;
mod drift;
mod events;
mod faults;
mod formats;
mod graph_command;
mod groups;
mod growth;
mod hostile_org;
mod kills;
mod local_org;
mod manual;
mod many_users;
mod output;
mod planner;
mod preflight;
mod properties;
mod saved_plan;
mod settings;
mod sign_in;
mod simulator;
mod support;
mod users;
mod views;
mod wire;
