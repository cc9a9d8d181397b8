//! What all views of a plan say alike: the sums, the words of actions, and the
//! order in which actions are read.

use crate::text::words;
use std::collections::BTreeMap;

use super::values::folded_text;
use crate::cli::painter::Painter;
use crate::cli::painter::Tone;
use crate::model::Action;
use crate::model::AddressPattern;
use crate::model::Change;
use crate::model::Plan;
use crate::model::PlanMode;
use crate::model::Reason;
use crate::model::Summary;
use crate::text::words::grouped;

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

/// Sign, tone and words of an action.
pub fn action_words(action: Action) -> (&'static str, Tone, &'static str) {
    match action {
        Action::Create => ("+", Tone::Added, "To create"),
        Action::Update => ("~", Tone::Changed, "To update"),
        Action::Replace => ("-/+", Tone::Changed, "To replace"),
        Action::Delete => ("-", Tone::Removed, "To delete or deactivate"),
        Action::Adopt => ("<-", Tone::Added, "To adopt"),
        Action::Release => ("x", Tone::Faint, "To release"),
    }
}

/// The one line that says it all.
pub fn summary_line(plan: &Plan, painter: Painter) -> String {
    let Summary { create, update, replace, delete, adopt, release, no_op } = plan.summary;
    if !plan.has_changes() {
        let same = counted(no_op);
        return match plan.mode {
            PlanMode::Converge => {
                painter.paint(Tone::Strong, &format!("No changes. {same} as declared."))
            }
            PlanMode::Destroy { .. } => painter.paint(Tone::Strong, "Nothing to destroy."),
            PlanMode::RefreshOnly => taken_over(plan, painter),
        };
    }
    let mut parts = Vec::new();
    for (count, words) in [
        (adopt, "to adopt"),
        (create, "to create"),
        (update, "to update"),
        (replace, "to replace"),
        (delete, "to delete"),
        (release, "to release"),
    ] {
        if count > 0 {
            parts.push(format!("{} {words}", grouped(count)));
        }
    }
    if no_op > 0 {
        parts.push(format!("{} unchanged", grouped(no_op)));
    }
    let calls = plan.api_calls.writes + plan.api_calls.reads;
    let cost = match calls {
        0 => String::new(),
        1 => " About 1 API call.".to_owned(),
        calls => format!(" About {calls} API calls."),
    };
    format!("{}{cost}", painter.paint(Tone::Strong, &format!("Plan: {}.", parts.join(", "))))
}

/// What `--refresh-only` would write to the state.
fn taken_over(plan: &Plan, painter: Painter) -> String {
    let drifted = plan.drift.len();
    let same = counted(plan.summary.no_op.saturating_sub(drifted as u64));
    let mut text = match drifted {
        0 => format!("Nothing changed outside orgform. {same} as recorded."),
        1 => "1 resource that changed outside orgform will be recorded as it is.".to_owned(),
        count => {
            format!("{count} resources that changed outside orgform will be recorded as they are.")
        }
    };
    match plan.sync.len().saturating_sub(drifted) {
        0 => {}
        count => {
            let learn = words::agreeing(count, "learns", "learn");
            text.push_str(&format!(" {} {learn} an id.", words::counted(count, "record")));
        }
    }
    painter.paint(Tone::Strong, &text)
}

fn counted(resources: u64) -> String {
    let are = words::agreeing(resources, "resource is", "resources are");
    format!("{} {are}", grouped(resources))
}

/// A plan that leaves something out says so.
pub fn partial(plan: &Plan, painter: Painter) -> String {
    let Some(partial) = &plan.partial else { return String::new() };
    let options = |name: &str, patterns: &[AddressPattern]| -> Vec<String> {
        patterns.iter().map(|pattern| format!("{name} {pattern}")).collect()
    };
    let mut chosen = options("--target", &partial.targets);
    chosen.extend(options("--exclude", &partial.excludes));
    let left_out = match partial.left_out {
        1 => "1 resource was".to_owned(),
        count => format!("{} resources were", grouped(count)),
    };
    let sentence = format!(
        "This plan is partial: {left_out} not looked at ({}). The org is as declared only once a whole plan finds nothing to do.",
        chosen.join(", ")
    );
    let mut text = String::new();
    for line in folded_text(&sentence, 0) {
        text.push_str(&painter.paint(Tone::Changed, &line));
        text.push('\n');
    }
    text.push('\n');
    text
}
