//! A plan as unified differences, each resource as it is and as it will be:
//! for who reads patches, and for tools that colour them.

use std::fmt::Write as _;

use similar::TextDiff;

use super::plan_words::partial;
use super::plan_words::summary_line;
use crate::cli::painter::Painter;
use crate::cli::painter::Tone;
use crate::kinds;
use crate::model::Action;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Plan;
use crate::model::Reason;
use crate::model::Value;
use crate::text::shown;

/// Unchanged lines around a changed one.
const CONTEXT: usize = 3;

/// The whole plan.
pub fn render(plan: &Plan, painter: Painter) -> String {
    let mut text = String::new();
    for change in &plan.changes {
        for line in of_change(change).lines() {
            let tone = match line.as_bytes().first() {
                Some(b'+') => Some(Tone::Added),
                Some(b'-') => Some(Tone::Removed),
                Some(b'@') => Some(Tone::Faint),
                _ => None,
            };
            match tone {
                Some(tone) => text.push_str(&painter.paint(tone, line)),
                None => text.push_str(line),
            }
            text.push('\n');
        }
    }
    if !plan.changes.is_empty() {
        text.push('\n');
    }
    if !plan.drift.is_empty() {
        let drifted = plan.drift.len();
        let _ = writeln!(text, "Changed outside orgform: {drifted} (--view full shows it)\n");
    }
    text.push_str(&partial(plan, painter));
    let _ = writeln!(text, "{}", summary_line(plan, painter));
    text
}

/// The difference that one change makes.
pub fn of_change(change: &Change) -> String {
    if change.action == Action::Release {
        return format!("# {} is released: no longer managed, and not touched\n", change.address);
    }
    let before = change.before.as_ref().map(|before| document(change, before)).unwrap_or_default();
    let mut after = change.after.clone();
    if change.before.is_none()
        && let Some(after) = &mut after
    {
        // What is set once, at creation.
        after.extend(&change.defaults);
    }
    let after = after.as_ref().map(|after| document(change, after)).unwrap_or_default();
    let missing = "/dev/null".to_owned();
    let old = match (&change.before, &change.reason) {
        (None, _) => missing.clone(),
        (Some(_), Reason::Renamed { from }) => from.to_string(),
        (Some(_), _) => change.address.to_string(),
    };
    let new = if change.after.is_some() { change.address.to_string() } else { missing };
    let difference = TextDiff::from_lines(&before, &after);
    let mut unified = difference.unified_diff();
    let text = unified.context_radius(CONTEXT).header(&old, &new).to_string();
    if text.is_empty() {
        // Nothing differs, as when something is only taken over or renamed.
        return format!("--- {old}\n+++ {new}\n");
    }
    text
}

/// A resource in lines: one a value, and one a name of a set.
fn document(change: &Change, attributes: &Attributes) -> String {
    let milestones =
        kinds::of(&change.address).map_or(&[][..], |kind| kind.comparison().milestones());
    let mut text = String::new();
    for (path, value) in attributes.iter().filter(|(path, _)| !milestones.contains(path)) {
        let path = shown::line(path);
        match value {
            Value::Text(value) => {
                let _ = writeln!(text, "{path}: {value:?}");
            }
            Value::Flag(flag) => {
                let _ = writeln!(text, "{path}: {flag}");
            }
            Value::Reference(address) => {
                let _ = writeln!(text, "{path}: {}", shown::line(address.name()));
            }
            Value::Set(names) => {
                let _ = writeln!(text, "{path}:");
                for name in names {
                    let _ = writeln!(text, "  - {}", shown::line(name));
                }
            }
        }
    }
    text
}
