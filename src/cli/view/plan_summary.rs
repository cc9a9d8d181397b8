//! A plan in addresses, one line each, by what is done to them.

use std::fmt::Write as _;

use super::plan_words::action_words;
use super::plan_words::address_of;
use super::plan_words::by_action;
use super::plan_words::partial;
use super::plan_words::summary_line;
use crate::cli::painter::Painter;
use crate::cli::painter::Tone;
use crate::model::Plan;
use crate::text::words::grouped;

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
    text.push_str(&partial(plan, painter));
    let _ = writeln!(text, "{}", summary_line(plan, painter));
    text
}
