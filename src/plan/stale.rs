//! Whether a saved plan still holds: it is planned again from what it was made
//! of and what is there now, and the two must come to the same writes.
//!
//! So a saved plan goes stale only by what it used, whatever else happened in
//! the org or the state.

use crate::text::words;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Observation;
use crate::model::Observations;
use crate::model::Op;
use crate::model::Plan;
use crate::model::PlanMode;
use crate::model::RecordEffect;
use crate::model::StepName;
use crate::model::Value;
use crate::model::Write;

/// Names of a set that are told before they are only counted.
const NAMED: usize = 5;

/// One thing that is no longer as the saved plan used it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stale {
    /// The resource.
    pub address: Address,
    /// What is otherwise.
    pub what: StaleReason,
}

/// What is otherwise than a saved plan used it.
#[derive(Clone, Debug, PartialEq)]
pub enum StaleReason {
    /// What it would do is done, or not needed any more.
    NothingToDo,
    /// Something is to be done that the plan does not know.
    NotPlanned,
    /// It refers to something that is gone.
    Gone,
    /// Another action is needed now.
    Action {
        /// The saved one.
        planned: Action,
        /// The one that is needed now.
        now: Action,
    },
    /// A value that the plan starts from is another.
    Before(Vec<Difference>),
    /// What the org offers makes of the declaration something else.
    After(Vec<Difference>),
    /// The writes would be others, by an id or by what was learned.
    Writes,
    /// What changed outside is no longer what was to be taken over.
    Drift,
}

/// One path with two values.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The path.
    pub path: String,
    /// The value in the saved plan.
    pub planned: Option<Value>,
    /// The value now.
    pub now: Option<Value>,
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.address)?;
        match &self.what {
            StaleReason::NothingToDo => f.write_str("there is nothing left to do for it"),
            StaleReason::NotPlanned => {
                f.write_str("it would have to change too, which the plan does not know")
            }
            StaleReason::Gone => f.write_str("the plan refers to it, and it is gone from the org"),
            StaleReason::Action { planned, now } => {
                write!(f, "the plan says {}, and now it would be {}", verb(*planned), verb(*now))
            }
            StaleReason::Before(differences) => {
                f.write_str("it was changed since. ")?;
                listed(differences, f)
            }
            StaleReason::After(differences) => {
                f.write_str("what is declared means something else now. ")?;
                listed(differences, f)
            }
            StaleReason::Writes => f.write_str("other writes would be needed now"),
            StaleReason::Drift => f.write_str("it was changed again since"),
        }
    }
}

fn verb(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Replace => "replace",
        Action::Delete => "delete",
        Action::Adopt => "adopt",
        Action::Release => "release",
    }
}

fn listed(differences: &[Difference], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, difference) in differences.iter().enumerate() {
        let lead = if index > 0 { "; " } else { "" };
        write!(f, "{lead}{}: ", difference.path)?;
        match (&difference.planned, &difference.now) {
            (Some(Value::Set(planned)), Some(Value::Set(now))) => {
                let added: BTreeSet<&String> = now.difference(planned).collect();
                let removed: BTreeSet<&String> = planned.difference(now).collect();
                let mut parts = Vec::new();
                if !added.is_empty() {
                    parts.push(format!("now also {}", words::few(added, NAMED)));
                }
                if !removed.is_empty() {
                    parts.push(format!("no longer {}", words::few(removed, NAMED)));
                }
                f.write_str(&parts.join(", "))?;
            }
            (planned, now) => {
                write!(f, "{} when planned, {} now", shown(planned.as_ref()), shown(now.as_ref()))?;
            }
        }
    }
    Ok(())
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::Text(text)) => format!("{text:?}"),
        Some(Value::Flag(flag)) => flag.to_string(),
        Some(Value::Set(names)) => format!("{} names", names.len()),
        Some(Value::Reference(address)) => address.name().to_owned(),
    }
}

/// All that makes a saved plan stale, given the same planned again now and
/// what was observed for that.
pub fn stale(saved: &Plan, now: &Plan, observations: &Observations) -> Vec<Stale> {
    let mut found = Vec::new();
    let mut add = |address: &Address, what| found.push(Stale { address: address.clone(), what });
    if saved.mode == PlanMode::RefreshOnly {
        for (address, record) in &saved.sync {
            match now.sync.get(address) {
                None => add(address, StaleReason::NothingToDo),
                Some(held) if held != record => add(address, StaleReason::Drift),
                Some(_) => {}
            }
        }
        return found;
    }
    let planned: BTreeMap<&Address, &Change> =
        saved.changes.iter().map(|change| (&change.address, change)).collect();
    let anew: BTreeMap<&Address, &Change> =
        now.changes.iter().map(|change| (&change.address, change)).collect();
    for (address, change) in &planned {
        match anew.get(address) {
            None => add(address, StaleReason::NothingToDo),
            Some(other) => {
                if let Some(reason) = difference(saved, change, now, other) {
                    add(address, reason);
                }
            }
        }
    }
    for address in anew.keys() {
        // What was only corrected in the state is not part of what was shown.
        if !planned.contains_key(*address) && !saved.sync.contains_key(*address) {
            add(address, StaleReason::NotPlanned);
        }
    }
    let referred: BTreeSet<&Address> = saved
        .changes
        .iter()
        .flat_map(|change| change.after.iter().flat_map(Attributes::references))
        .map(|(_, address)| address)
        .filter(|address| !planned.contains_key(*address))
        .collect();
    for address in referred {
        if matches!(observations.differing.get(address), Some(Observation::Gone)) {
            add(address, StaleReason::Gone);
        }
    }
    found
}

fn difference(saved: &Plan, planned: &Change, now: &Plan, anew: &Change) -> Option<StaleReason> {
    if planned.action != anew.action {
        return Some(StaleReason::Action { planned: planned.action, now: anew.action });
    }
    let nothing = Attributes::new();
    let of = |attributes: &Option<Attributes>| attributes.clone().unwrap_or_default();
    // What is taken away is taken away whatever it says meanwhile.
    if planned.after.is_some() {
        let before = differences(&of(&planned.before), &of(&anew.before));
        if !before.is_empty() {
            return Some(StaleReason::Before(before));
        }
    }
    let mut after = differences(
        planned.after.as_ref().unwrap_or(&nothing),
        anew.after.as_ref().unwrap_or(&nothing),
    );
    after.extend(differences(&planned.defaults, &anew.defaults));
    if !after.is_empty() {
        return Some(StaleReason::After(after));
    }
    (writes(saved, planned) != writes(now, anew)).then_some(StaleReason::Writes)
}

fn differences(planned: &Attributes, now: &Attributes) -> Vec<Difference> {
    let paths: BTreeSet<&str> = planned.iter().chain(now.iter()).map(|(path, _)| path).collect();
    paths
        .into_iter()
        .filter(|path| planned.get(path) != now.get(path))
        .map(|path| Difference {
            path: path.to_owned(),
            planned: planned.get(path).cloned(),
            now: now.get(path).cloned(),
        })
        .collect()
}

/// The ops of a change without their numbers: what is written, what for, and
/// after which others.
fn writes<'a>(
    plan: &'a Plan,
    change: &Change,
) -> Vec<(StepName, &'a Write, &'a RecordEffect, BTreeSet<(&'a Address, StepName)>)> {
    let op = |index: &u32| plan.ops.get(*index as usize);
    let name = |op: &'a Op| (&op.address, op.step);
    change
        .ops
        .iter()
        .filter_map(op)
        .map(|held| {
            let after = held.after.iter().filter_map(|edge| op(&edge.op)).map(name).collect();
            (held.step, &held.write, &held.effect, after)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Difference;
    use super::Stale;
    use super::StaleReason;
    use crate::model::Address;
    use crate::model::Value;

    #[test]
    fn what_is_stale_says_what_is_otherwise() {
        let address = Address::new("permission_set", "S");
        let label = Difference {
            path: "label".into(),
            planned: Some(Value::Text("A".into())),
            now: Some(Value::Text("B".into())),
        };
        let fields = Difference {
            path: "fields.Contact.edit".into(),
            planned: Some(Value::set(["Fax", "Phone"])),
            now: Some(Value::set(["Phone", "a", "b", "c", "d", "e", "f"])),
        };
        let stale = Stale { address: address.clone(), what: StaleReason::Before(vec![label]) };
        assert_eq!(
            stale.to_string(),
            "permission_set.S: it was changed since. label: \"A\" when planned, \"B\" now"
        );
        let stale = Stale { address, what: StaleReason::After(vec![fields]) };
        assert_eq!(
            stale.to_string(),
            "permission_set.S: what is declared means something else now. fields.Contact.edit: now also a, b, c, d, e and 1 more, no longer Fax"
        );
    }
}
