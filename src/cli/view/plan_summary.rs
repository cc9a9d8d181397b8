//! A plan in addresses, one line each, by what is done to them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::plan_text::action_words;
use super::plan_text::summary_line;
use super::summary::grouped;
use crate::cli::output::Painter;
use crate::cli::output::Tone;
use crate::model::Action;
use crate::model::Change;
use crate::model::Plan;
use crate::model::Reason;

/// What goes away is read first.
const ORDER: [Action; 6] = [
    Action::Delete,
    Action::Replace,
    Action::Release,
    Action::Adopt,
    Action::Update,
    Action::Create,
];

/// Changes by action, in the order in which a person wants to read them.
pub fn by_action(plan: &Plan) -> Vec<(Action, Vec<&Change>)> {
    let mut found: BTreeMap<usize, (Action, Vec<&Change>)> = BTreeMap::new();
    for change in &plan.changes {
        let place = ORDER.iter().position(|action| *action == change.action).unwrap_or_default();
        found.entry(place).or_insert((change.action, Vec::new())).1.push(change);
    }
    found.into_values().collect()
}

/// The address of a change, and where it comes from when it is renamed.
pub fn address_of(change: &Change) -> String {
    match &change.reason {
        Reason::Renamed { from } => format!("{from} => {}", change.address),
        _ => change.address.to_string(),
    }
}

/// The whole plan.
pub fn render(plan: &Plan, painter: Painter) -> String {
    let mut text = String::new();
    for (action, changes) in by_action(plan) {
        let (symbol, tone, words) = action_words(action);
        let head = format!("{words} ({})", grouped(changes.len() as u64));
        let _ = writeln!(text, "{}", painter.paint(Tone::Strong, &head));
        for change in changes {
            let _ = writeln!(
                text,
                "{} {}",
                painter.paint(tone, &format!("{symbol:>3}")),
                address_of(change)
            );
        }
        text.push('\n');
    }
    if !plan.drift.is_empty() {
        let head = format!("Changed outside orgform ({})", grouped(plan.drift.len() as u64));
        let _ = writeln!(text, "{}", painter.paint(Tone::Strong, &head));
        for (address, (_, observed)) in &plan.drift {
            let end = if observed.is_none() { " is gone" } else { "" };
            let _ = writeln!(text, "    {address}{end}");
        }
        text.push('\n');
    }
    if !plan.notes.is_empty() {
        let notes = plan.notes.len() as u64;
        let _ = writeln!(text, "Notes: {} (--view full shows them)\n", grouped(notes));
    }
    let _ = writeln!(text, "{}", summary_line(plan, painter));
    text
}
