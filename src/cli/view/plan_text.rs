//! A plan for a person to review.

use crate::model::Permission;
use crate::text::words;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::access;
use super::plan_words::action_words;
use super::plan_words::address_of;
use super::plan_words::by_action;
use super::plan_words::partial;
use super::plan_words::summary_line;
use super::values::folded_text;
use super::values::inline;
use super::values::set_difference;
use super::values::shown_path;
use super::values::text_difference;
use super::values::wrapped;
use crate::cli::painter::Painter;
use crate::cli::painter::Tone;
use crate::kinds;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Implied;
use crate::model::NoteKind;
use crate::model::Plan;
use crate::model::Reason;
use crate::model::Value;
use crate::text::shown;
use crate::text::words::grouped;

/// A set with more names than this is shown on lines of its own.
const FEW: usize = 4;

/// More changes than this are grouped, unless all are asked for.
const MANY: usize = 60;
/// So many of a group are shown whole, and so many more by their addresses.
const WHOLE: usize = 2;
const NAMED: usize = 8;

/// The whole plan: every change, or, where there are many and not all are asked
/// for, those of a sort together.
pub fn render(plan: &Plan, painter: Painter, shows_all: bool) -> String {
    let is_grouped = !shows_all && plan.changes.len() > MANY;
    let mut text = String::new();
    if !plan.changes.is_empty() {
        text.push_str("orgform will do this:\n\n");
    }
    if is_grouped {
        render_groups(plan, painter, &mut text);
    } else {
        for change in &plan.changes {
            render_change(plan, change, painter, &mut text);
            text.push('\n');
        }
    }
    render_drift(plan, painter, &mut text);
    for note in &plan.notes {
        let mark = match note.kind {
            NoteKind::Kept | NoteKind::Protected | NoteKind::Unknown => {
                painter.paint(Tone::Changed, "!")
            }
            _ => painter.paint(Tone::Faint, "i"),
        };
        let note = format!("{}: {}", note.address, note.text);
        for (index, line) in folded_text(&note, 4).into_iter().enumerate() {
            let lead = if index == 0 { format!("  {mark} ") } else { "    ".to_owned() };
            let _ = writeln!(text, "{lead}{line}");
        }
    }
    if !plan.notes.is_empty() {
        text.push('\n');
    }
    text.push_str(&access::changes(&plan.access, painter));
    text.push_str(&partial(plan, painter));
    let _ = writeln!(text, "{}", summary_line(plan, painter));
    text
}

/// Changes of one sort together: the first whole, some by address, the rest
/// counted.
fn render_groups(plan: &Plan, painter: Painter, text: &mut String) {
    for (action, changes) in by_action(plan) {
        let mut kinds: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
        for change in changes {
            kinds.entry(change.address.kind()).or_default().push(change);
        }
        for (kind, changes) in kinds {
            let (symbol, tone, words) = action_words(action);
            let head = format!("{words}: {} of the kind {kind}", grouped(changes.len() as u64));
            let symbol = painter.paint(tone, &format!("{symbol:>3}"));
            let _ = writeln!(text, "{symbol} {}\n", painter.paint(Tone::Strong, &head));
            for change in changes.iter().take(WHOLE) {
                render_change(plan, change, painter, text);
                text.push('\n');
            }
            for change in changes.iter().skip(WHOLE).take(NAMED) {
                let _ = writeln!(text, "      {}", address_of(change));
            }
            if let Some(more) = words::and_more(changes.len(), WHOLE + NAMED) {
                let _ = writeln!(text, "{}", painter.paint(Tone::Faint, &format!("      {more}")));
            }
            if changes.len() > WHOLE {
                text.push('\n');
            }
        }
    }
    let hint = "--view summary lists every address, --view full shows every change.";
    let _ = writeln!(text, "{}\n", painter.paint(Tone::Faint, hint));
}

fn render_change(plan: &Plan, change: &Change, painter: Painter, text: &mut String) {
    let retires =
        kinds::of(&change.address).is_some_and(|kind| kind.removal() == kinds::Removal::Retires);
    let is_renamed = matches!(change.reason, Reason::Renamed { .. });
    let (symbol, tone, verb) = match change.action {
        Action::Update if is_renamed => ("=>", Tone::Changed, "will be renamed"),
        Action::Create => ("+", Tone::Added, "will be created"),
        Action::Update => ("~", Tone::Changed, "will be updated"),
        Action::Replace => ("-/+", Tone::Changed, "will be replaced"),
        Action::Delete if retires => ("-", Tone::Removed, "will be deactivated"),
        Action::Delete => ("-", Tone::Removed, "will be deleted"),
        Action::Adopt => ("<-", Tone::Added, "will be adopted"),
        Action::Release => ("x", Tone::Faint, "will be released, not touched"),
    };
    let because = because(change);
    let head = format!("{} {verb}", painter.paint(Tone::Strong, &change.address.to_string()));
    let symbol = painter.paint(tone, &format!("{symbol:>3}"));
    let _ = writeln!(text, "{symbol} {head}{because}");
    if retires && change.action == Action::Delete {
        render_retired(plan, change, painter, text);
    }
    match (&change.before, &change.after) {
        (None, Some(after)) => render_created(change, after, painter, text),
        (Some(before), Some(after)) => render_updated(change, before, after, painter, text),
        _ => {}
    }
}

/// What is done to a thing that is never deleted, step by step.
fn render_retired(plan: &Plan, change: &Change, painter: Painter, text: &mut String) {
    let steps: Vec<String> = change
        .ops
        .iter()
        .filter_map(|op| plan.ops.get(*op as usize))
        .map(|op| {
            let confirmed: Vec<String> = op
                .effect
                .confirm
                .iter()
                .map(|(path, value)| format!("{}: {}", shown::line(path), inline(value)))
                .collect();
            format!("{} ({})", op.step, confirmed.join(", "))
        })
        .collect();
    if !steps.is_empty() {
        let mark = painter.paint(Tone::Removed, "-");
        let _ = writeln!(text, "      {mark} {}", steps.join(", then "));
    }
}

fn because(change: &Change) -> String {
    let words = match &change.reason {
        Reason::NotInOrg | Reason::Differs | Reason::Destroy => return String::new(),
        Reason::RemovedOutside => "it was removed from the org outside orgform".to_owned(),
        Reason::Incomplete => "an earlier run ended before it was complete".to_owned(),
        Reason::FoundInOrg => "it is in the org already".to_owned(),
        Reason::DeactivatedByUs => "orgform deactivated it earlier; it comes back".to_owned(),
        Reason::Renamed { from } => format!("it was {}", shown::line(from.name())),
        Reason::LicenseChanged => "its license changes, which can't be done in place".to_owned(),
        Reason::NotDeclared => "it is declared no more".to_owned(),
        Reason::Exclusive => "it is not declared, and the user is `exclusive`".to_owned(),
        Reason::ReleaseRequested => "`release` names it".to_owned(),
        Reason::ReplaceRequested => "asked for with --replace".to_owned(),
        Reason::MayLeaveWith { address } => {
            format!("it may leave by itself with {address}, and is given again then")
        }
        Reason::MemberChanges { address } => {
            format!(
                "its member {} changes, and the org recalculates it then",
                shown::line(address.name())
            )
        }
        Reason::RemadeWith { address } => format!("remade with {address}"),
    };
    format!(" ({words})")
}

/// Paths that stand for a step done are no news.
fn is_shown(address: &Address, path: &str) -> bool {
    kinds::of(address).is_none_or(|kind| !kind.comparison().milestones().contains(&path))
}

fn render_created(change: &Change, after: &Attributes, painter: Painter, text: &mut String) {
    let plus = painter.paint(Tone::Added, "+");
    for (path, value) in after.iter().filter(|(path, _)| is_shown(&change.address, path)) {
        render_new(&plus, path, value, &change.implied, "", painter, text);
    }
    for (path, value) in change.defaults.iter() {
        render_new(&plus, path, value, &[], "  # set once, at creation", painter, text);
    }
    if !change.address.kind().ends_with("_assignment") {
        let _ = writeln!(
            text,
            "      {plus} id: {}",
            painter.paint(Tone::Faint, "(known after apply)")
        );
    }
}

/// A value that comes to be; a long set on lines of its own, with what it
/// implies folded.
fn render_new(
    plus: &str,
    path: &str,
    value: &Value,
    implied: &[Implied],
    remark: &str,
    painter: Painter,
    text: &mut String,
) {
    let Value::Set(names) = value else {
        let remark = painter.paint(Tone::Faint, remark);
        let _ = writeln!(
            text,
            "      {plus} {}: {}{remark}",
            shown::line(shown_path(path, value)),
            inline(value)
        );
        return;
    };
    let names = described(path, names, implied);
    let remark = painter.paint(Tone::Faint, remark);
    if names.len() <= FEW && names.iter().map(String::len).sum::<usize>() < 50 {
        let names = shown::line(&names.join(", ")).into_owned();
        let _ = writeln!(text, "      {plus} {}: {names}{remark}", shown::line(path));
        return;
    }
    let _ = writeln!(text, "      {plus} {}:{remark}", shown::line(path));
    for line in wrapped(&names, 10) {
        let _ = writeln!(text, "          {line}");
    }
}

/// The written names of a set, each with how many others it brings along. What only a
/// refusal of the org says to be needed is named, since nobody wrote it or knows of it.
fn described(path: &str, names: &BTreeSet<String>, implied: &[Implied]) -> Vec<String> {
    let here: Vec<&Implied> = implied
        .iter()
        .filter(|implied| implied.path == path && names.contains(&implied.element))
        .collect();
    let known = || here.iter().filter(|implied| !implied.learned);
    let written = names.iter().filter(|name| !here.iter().any(|implied| implied.element == **name));
    let written = written.map(|name| {
        let brings = known().filter(|implied| implied.because == *name).count();
        let name = kinds::element_label(path, name);
        if brings > 0 { format!("{name} (+{brings} it requires)") } else { name }
    });
    // What follows from something that stands elsewhere.
    let elsewhere = known().filter(|implied| !names.contains(&implied.because)).map(|implied| {
        format!(
            "{} (required by {})",
            implied.element,
            Permission::of_text(&implied.because).words()
        )
    });
    let learned = here.iter().filter(|implied| implied.learned).map(|implied| {
        format!(
            "{} (required by {}, as a refusal of the org taught)",
            kinds::element_label(path, &implied.element),
            Permission::of_text(&implied.because).words()
        )
    });
    written.chain(elsewhere).chain(learned).collect()
}

fn render_updated(
    change: &Change,
    before: &Attributes,
    after: &Attributes,
    painter: Painter,
    text: &mut String,
) {
    let paths: BTreeSet<&str> = before.iter().chain(after.iter()).map(|(path, _)| path).collect();
    let mut unchanged = 0_usize;
    let plus = painter.paint(Tone::Added, "+");
    let minus = painter.paint(Tone::Removed, "-");
    let tilde = painter.paint(Tone::Changed, "~");
    for path in paths.into_iter().filter(|path| is_shown(&change.address, path)) {
        match (before.get(path), after.get(path)) {
            (Some(old), Some(new)) if old == new => unchanged += 1,
            (None, Some(new)) => render_new(&plus, path, new, &change.implied, "", painter, text),
            (Some(old), None) => render_gone(&minus, path, old, text),
            (Some(Value::Text(old)), Some(Value::Text(new))) => {
                let lines = text_difference(old, new, painter);
                let path = shown::line(path);
                if let [line] = lines.as_slice() {
                    let _ = writeln!(text, "      {tilde} {path}: {line}");
                } else {
                    let _ = writeln!(text, "      {tilde} {path}:");
                    for line in lines {
                        let _ = writeln!(text, "          {line}");
                    }
                }
            }
            (Some(Value::Set(old)), Some(Value::Set(new))) => {
                let (removed, added, same) = set_difference(old, new);
                let _ = writeln!(text, "      {tilde} {}:", shown::line(path));
                let added: BTreeSet<String> = added.into_iter().collect();
                for line in wrapped(&described(path, &added, &change.implied), 12) {
                    let _ = writeln!(text, "          {plus} {line}");
                }
                let removed = if change.action == Action::Adopt {
                    // Each grant that is lost is listed, none folded.
                    removed.iter().map(|name| kinds::element_label(path, name)).collect()
                } else {
                    folded_removals(path, &removed)
                };
                for line in wrapped(&removed, 12) {
                    let _ = writeln!(text, "          {minus} {line}");
                }
                if same > 0 {
                    let hidden = format!("# ({same} unchanged hidden)");
                    let _ = writeln!(text, "            {}", painter.paint(Tone::Faint, &hidden));
                }
            }
            (Some(old), Some(new)) => {
                let path = shown::line(path);
                let _ = writeln!(text, "      {tilde} {path}: {} -> {}", inline(old), inline(new));
            }
            (None, None) => {}
        }
    }
    if unchanged > 0 {
        let noun = words::agreeing(unchanged, "attribute", "attributes");
        let hidden = format!("# ({unchanged} unchanged {noun} hidden)");
        let _ = writeln!(text, "        {}", painter.paint(Tone::Faint, &hidden));
    }
}

/// Removed names, those folded that another removed one had required.
fn folded_removals(path: &str, removed: &[String]) -> Vec<String> {
    let implied = kinds::shipped_implications(path, removed);
    removed
        .iter()
        .filter(|name| !implied.contains_key(*name))
        .map(|name| {
            let brings = implied.values().filter(|because| *because == name).count();
            let label = kinds::element_label(path, name);
            if brings > 0 { format!("{label} (and {brings} it required)") } else { label }
        })
        .collect()
}

fn render_gone(minus: &str, path: &str, value: &Value, text: &mut String) {
    match value {
        Value::Set(names) => {
            // Each grant that is lost is listed, none folded.
            let names: Vec<String> =
                names.iter().map(|name| kinds::element_label(path, name)).collect();
            let _ = writeln!(text, "      {minus} {}:", shown::line(path));
            for line in wrapped(&names, 10) {
                let _ = writeln!(text, "          {line}");
            }
        }
        other => {
            let path = shown::line(shown_path(path, other));
            let _ = writeln!(text, "      {minus} {path}: {}", inline(other));
        }
    }
}

/// What was changed outside orgform, apart from what orgform will change.
fn render_drift(plan: &Plan, painter: Painter, text: &mut String) {
    if plan.drift.is_empty() {
        return;
    }
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for address in plan.drift.keys() {
        *kinds.entry(address.kind()).or_default() += 1;
    }
    let counts: Vec<String> =
        kinds.iter().map(|(kind, count)| format!("{kind} {}", grouped(*count))).collect();
    let _ =
        writeln!(text, "Changed outside orgform since it last looked ({}):\n", counts.join(", "));
    let most = if plan.drift.len() > MANY { WHOLE + NAMED } else { plan.drift.len() };
    for (address, (recorded, observed)) in plan.drift.iter().take(most) {
        let Some(observed) = observed else {
            let mark = painter.paint(Tone::Removed, "-");
            let _ = writeln!(text, "  {mark} {address} is gone");
            continue;
        };
        let mark = painter.paint(Tone::Changed, "~");
        let _ = writeln!(text, "  {mark} {address}");
        let shown = Change::new(address.clone(), Action::Update, Reason::Differs);
        render_updated(&shown, recorded, observed, painter, text);
    }
    if let Some(more) = words::and_more(plan.drift.len(), most) {
        let more = format!("    {more}; --view summary lists them");
        let _ = writeln!(text, "{}", painter.paint(Tone::Faint, &more));
    }
    text.push('\n');
}
