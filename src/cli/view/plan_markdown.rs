//! A plan for a pull request: Markdown that folds, and fits into a comment.
//!
//! What is most worth reading comes first and is never cut: the sums, what the
//! checks found, risky access. Then what is done, folded; details are left out
//! where they would not fit, then addresses, and it says so.

use crate::text::words::and_more;
use std::fmt::Write as _;

use super::access::Sorted;
use super::access::unknown;
use super::access::who;
use super::markdown;
use super::markdown::FENCE;
use super::plan_diff;
use super::plan_words::action_words;
use super::plan_words::address_of;
use super::plan_words::by_action;
use super::plan_words::summary_line;
use crate::cli::painter::Painter;
use crate::cli::target::banner;
use crate::config::Diagnostic;
use crate::model::Change;
use crate::model::OrgIdentity;
use crate::model::Plan;
use crate::model::Severity;
use crate::text::words::grouped;

/// A comment of GitHub holds 65,536 characters, of other hosts more; some room
/// is left for what a pipeline puts around.
pub const LIMIT: usize = 60_000;
/// A list of findings, notes or drift longer than this is cut.
const LISTED: usize = 30;

/// The whole plan, at most [`LIMIT`] bytes.
pub fn render(
    plan: &Plan,
    org: &OrgIdentity,
    notices: &[String],
    located: &[Diagnostic],
) -> String {
    let plain = Painter::plain();
    let mut text = format!("## {}\n\n", summary_line(plan, plain));
    let _ = writeln!(text, "{}\n", markdown::line(&banner(org)));
    for notice in notices {
        let _ = writeln!(text, "> {}\n", markdown::line(notice));
    }
    if let Some(partial) = &plan.partial {
        let _ = writeln!(
            text,
            "> This plan is partial: {} resources were not looked at.\n",
            grouped(partial.left_out)
        );
    }
    findings(plan, located, &mut text);
    access(plan, &mut text);
    counts(plan, &mut text);
    let mut rest = String::new();
    let drifted = grouped(plan.drift.len() as u64);
    list(&format!("Changed outside orgform ({drifted})"), drift(plan), &mut rest);
    let notes = plan.notes.iter().map(|note| format!("{}: {}", note.address, note.text)).collect();
    list("Notes", notes, &mut rest);
    let room = LIMIT.saturating_sub(text.len() + rest.len());
    text.push_str(&details(plan, room));
    text.push_str(&rest);
    text
}

fn findings(plan: &Plan, located: &[Diagnostic], text: &mut String) {
    for (index, finding) in plan.findings.iter().take(LISTED).enumerate() {
        let mark = match finding.severity {
            Severity::Error => ":x: **error**",
            Severity::Guard => ":no_entry: **guard**",
            Severity::Warning => ":warning: **warning**",
        };
        let address = finding.address.as_ref().map(ToString::to_string);
        let address = address.map(|address| format!("{}: ", markdown::line(&address)));
        let address = address.unwrap_or_default();
        let _ = write!(text, "- {mark} {address}{}", markdown::line(&finding.message));
        if let Some(diagnostic) = located.get(index).filter(|held| !held.at.source.text.is_empty())
        {
            let before = &diagnostic.at.source.text[..diagnostic.at.span.start];
            let line = before.matches('\n').count() + 1;
            let place = format!("`{}:{line}`", diagnostic.at.source.path.display());
            let _ = write!(text, " ({})", markdown::line(&place));
        }
        if let Some(hint) = &finding.hint {
            let _ = write!(text, "  \n  {}", markdown::line(hint));
        }
        text.push('\n');
    }
    if let Some(more) = and_more(plan.findings.len(), LISTED) {
        let _ = writeln!(text, "- {more}");
    }
    if !plan.findings.is_empty() {
        text.push('\n');
    }
}

/// What it means for users: what is risky in sight, the rest folded.
fn access(plan: &Plan, text: &mut String) {
    const MOST: usize = 15;
    let mut risky = Vec::new();
    let mut rest = Vec::new();
    for change in &plan.access {
        let who = who(change);
        for (verb, rights) in [("can now", &change.gains), ("can no longer", &change.losses)] {
            let sorted = Sorted::of(rights);
            let lines = sorted.risky_lines();
            risky.extend(lines.into_iter().map(|line| {
                format!("**{}** {verb}: {}", markdown::line(&who), markdown::line(&line))
            }));
            for (through, lines) in sorted.lines_by_source() {
                rest.push(format!("{who} {verb}, {through}: {}", lines.join("; ")));
            }
        }
        rest.extend(
            change.unknown.iter().map(|source| format!("{who}: not known is {}", unknown(source))),
        );
    }
    for line in risky.iter().take(MOST) {
        let _ = writeln!(text, "- :warning: {line}");
    }
    if let Some(more) = and_more(risky.len(), MOST) {
        let _ = writeln!(text, "- :warning: {more}");
    }
    if !risky.is_empty() {
        text.push('\n');
    }
    list("What users can do", rest, text);
}

/// How many of each kind, by action.
fn counts(plan: &Plan, text: &mut String) {
    if plan.changes.is_empty() {
        return;
    }
    text.push_str("| | what | how many |\n|---|---|---|\n");
    for (action, changes) in by_action(plan) {
        let (symbol, _, words) = action_words(action);
        let mut kinds: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
        for change in changes {
            *kinds.entry(change.address.kind()).or_default() += 1;
        }
        for (kind, count) in kinds {
            let _ = writeln!(
                text,
                "| `{symbol}` | {words}: {} | {} |",
                kind.replace('_', " "),
                grouped(count)
            );
        }
    }
    text.push('\n');
}

fn drift(plan: &Plan) -> Vec<String> {
    plan.drift
        .iter()
        .map(|(address, (recorded, observed))| match observed {
            None => format!("{address} is gone"),
            Some(observed) => {
                let paths: Vec<&str> = recorded
                    .iter()
                    .chain(observed.iter())
                    .map(|(path, _)| path)
                    .filter(|path| recorded.get(path) != observed.get(path))
                    .collect::<std::collections::BTreeSet<&str>>()
                    .into_iter()
                    .collect();
                format!("{address}: {}", paths.join(", "))
            }
        })
        .collect()
}

fn list(title: &str, lines: Vec<String>, text: &mut String) {
    if lines.is_empty() {
        return;
    }
    let _ =
        writeln!(text, "<details><summary>{title} ({})</summary>\n", grouped(lines.len() as u64));
    for line in lines.iter().take(LISTED) {
        let _ = writeln!(text, "- {}", markdown::line(line));
    }
    if let Some(more) = and_more(lines.len(), LISTED) {
        let _ = writeln!(text, "- {more}");
    }
    text.push_str("\n</details>\n\n");
}

/// What is done, folded by action: each change as a difference while there is
/// room, then addresses, then numbers.
fn details(plan: &Plan, room: usize) -> String {
    const WORDS: usize = 400;
    let end = &format!("{FENCE}\n\n</details>\n\n");
    let heads: Vec<(String, Vec<&Change>)> = by_action(plan)
        .into_iter()
        .map(|(action, changes)| {
            let (_, _, words) = action_words(action);
            let count = grouped(changes.len() as u64);
            let head = format!("<details><summary>{words} ({count})</summary>\n\n{FENCE}diff\n");
            (head, changes)
        })
        .collect();
    let mut left = room.saturating_sub(WORDS);
    left = left.saturating_sub(heads.iter().map(|(head, _)| head.len() + end.len()).sum());
    // Addresses come before details: what is not named can't be reviewed.
    let line = |change: &Change| format!("{}\n", markdown::in_block(&address_of(change)));
    let lines: usize = plan.changes.iter().map(|change| line(change).len()).sum();
    let mut spare = left.saturating_sub(lines);
    let mut text = String::new();
    let (mut without_details, mut not_listed) = (0, 0);
    for (head, changes) in heads {
        text.push_str(&head);
        for change in changes {
            let line = line(change);
            let whole = whole(change);
            let more = whole.len().saturating_sub(line.len());
            if more <= spare {
                spare -= more;
                left = left.saturating_sub(line.len());
                text.push_str(&whole);
            } else if line.len() <= left {
                left -= line.len();
                text.push_str(&line);
                without_details += 1;
            } else {
                not_listed += 1;
            }
        }
        text.push_str(end);
    }
    if without_details + not_listed > 0 {
        let _ = writeln!(
            text,
            "> Cut to fit into a comment: {} changes are listed without details, {} are only counted. `orgform show` shows all.\n",
            grouped(without_details),
            grouped(not_listed)
        );
    }
    text
}

/// One change as a difference.
fn whole(change: &Change) -> String {
    markdown::in_block(&plan_diff::of_change(change)).into_owned()
}
