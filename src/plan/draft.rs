//! A plan in the making.

use std::collections::BTreeMap;

use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Note;
use crate::model::Record;

/// What the steps of the planner add to.
#[derive(Debug, Default)]
pub struct Draft {
    /// Changes, in the order of addresses.
    pub changes: Vec<Change>,
    /// How many things are as declared.
    pub no_op: u64,
    /// Records to correct without a call.
    pub sync: BTreeMap<Address, Option<Record>>,
    /// What was changed outside.
    pub drift: BTreeMap<Address, (Attributes, Option<Attributes>)>,
    /// What else there is to say.
    pub notes: Vec<Note>,
}
