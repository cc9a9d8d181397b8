//! What somebody should know of a plan beside what it does.

use crate::engine::Recovered;

/// One thing to know. What words it takes is the business of who shows it.
#[derive(Clone, Debug)]
pub enum Notice {
    /// Something that was put into words already: by the state, the local org, or whoever
    /// made a saved plan.
    Said(String),
    /// Usernames have this behind them in this org.
    Suffix(String),
    /// Calls of an earlier run are not answered yet, and the org was not asked: what they
    /// were to make is taken for not there.
    OpenCalls,
    /// What became of the calls that an earlier run ended in.
    Recovered(Box<Recovered>),
    /// The labels of the org's active user access policies, which may undo assignments.
    AccessPolicies(Vec<String>),
    /// So many of what is destroyed are declared in none of the files.
    Undeclared(usize),
    /// Nothing is recorded of this org, so that what is there is adopted.
    NothingRecorded,
}
