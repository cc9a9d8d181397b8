//! The last line of a run: what changed, how long it took, and what it cost.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value as Json;
use serde_json::json;

use crate::engine::Outcome;
use crate::model::Action;
use crate::model::Address;
use crate::model::Plan;
use crate::model::PlanMode;
use crate::model::Summary;
use crate::org::Usage;

/// What a run did, over all its plans.
#[derive(Debug, Default)]
pub struct Report {
    /// Resources by what was done with them.
    pub done: Summary,
    /// Ops that failed.
    pub failed: usize,
    /// Ops that were left out.
    pub skipped: usize,
    /// Resources of which the org did not keep all that was sent.
    pub kept_less: usize,
    /// Mails of which it is not known whether they went out.
    pub unknown: usize,
    /// Whether the user stopped it.
    pub interrupted: bool,
    /// Records brought up to date where that was all that was asked for.
    pub taken_over: usize,
}

impl Report {
    /// Adds what applying one plan came to.
    pub fn add(&mut self, plan: &Plan, outcome: &Outcome) {
        let open: HashSet<&Address> = outcome
            .failures
            .iter()
            .map(|failure| &failure.address)
            .chain(outcome.skipped.iter().map(|skipped| &skipped.address))
            .chain(&outcome.unknown)
            .collect();
        let adopted: HashSet<&Address> = outcome.adopted.iter().collect();
        for change in plan.changes.iter().filter(|change| !open.contains(&change.address)) {
            // What was there when it was to be made was not made.
            let is_adopted = adopted.contains(&change.address);
            self.done.count(if is_adopted { Action::Adopt } else { change.action });
        }
        self.done.no_op = plan.summary.no_op;
        if plan.mode == PlanMode::RefreshOnly {
            self.taken_over = plan.sync.len();
            self.done.no_op = 0;
        }
        self.failed = outcome.failures.len();
        self.skipped = outcome.skipped.len();
        self.kept_less = outcome.kept_less.len();
        self.unknown += outcome.unknown.len();
        self.interrupted = outcome.interrupted;
    }

    /// Whether everything was done.
    pub fn is_complete(&self) -> bool {
        self.failed == 0
            && self.skipped == 0
            && self.kept_less == 0
            && self.unknown == 0
            && !self.interrupted
    }

    /// The line for a person.
    pub fn line(&self, what: &str, milliseconds: i64, usage: &Usage) -> String {
        let mut parts = Vec::new();
        let Summary { create, update, replace, delete, adopt, release, no_op } = self.done;
        for (count, word) in [
            (adopt, "adopted"),
            (create, "created"),
            (update, "updated"),
            (replace, "replaced"),
            (delete, if what == "Destroy" { "taken away" } else { "deleted" }),
            (release, "released"),
            (no_op, "unchanged"),
        ] {
            if count > 0 {
                parts.push(format!("{} {word}", grouped(count)));
            }
        }
        match self.taken_over {
            0 => {}
            1 => parts.push("1 record brought up to date".to_owned()),
            count => parts.push(format!("{} records brought up to date", grouped(count as u64))),
        }
        if self.failed > 0 {
            parts.push(format!("{} failed", steps(self.failed)));
        }
        if self.skipped > 0 {
            parts.push(format!("{} left out", steps(self.skipped)));
        }
        if self.kept_less > 0 {
            parts.push(format!("{} not kept as sent", grouped(self.kept_less as u64)));
        }
        match self.unknown {
            0 => {}
            1 => parts.push("1 mail not known to have gone out".to_owned()),
            count => parts.push(format!("{count} mails not known to have gone out")),
        }
        if parts.is_empty() {
            parts.push("nothing changed".to_owned());
        }
        let head = match (self.is_complete(), self.interrupted) {
            (true, _) => format!("{what} complete"),
            (false, true) => format!("{what} stopped"),
            (false, false) => format!("{what} incomplete"),
        };
        format!("{head}: {}. {}", parts.join(", "), cost(milliseconds, usage))
    }

    /// The last event of a run that was refused.
    pub fn refused(message: &str, milliseconds: i64, usage: &Usage) -> Json {
        let mut event = Self::default().event(milliseconds, usage);
        event["error"] = json!(message);
        event
    }

    /// The last event for a program.
    pub fn event(&self, milliseconds: i64, usage: &Usage) -> Json {
        json!({
            "type": "summary",
            "changes": {
                "create": self.done.create,
                "update": self.done.update,
                "replace": self.done.replace,
                "delete": self.done.delete,
                "adopt": self.done.adopt,
                "release": self.done.release,
                "no_op": self.done.no_op,
            },
            "failed": self.failed,
            "skipped": self.skipped,
            "kept_less": self.kept_less,
            "unknown": self.unknown,
            "interrupted": self.interrupted,
            "milliseconds": milliseconds,
            "api_calls": {
                "total": usage.total(),
                "by_kind": usage.by_kind,
                "used_today": usage.today.map(|(used, _)| used),
                "daily_limit": usage.today.map(|(_, limit)| limit),
            },
        })
    }
}

fn steps(count: usize) -> String {
    if count == 1 { "1 step".to_owned() } else { format!("{count} steps") }
}

/// A time in whole milliseconds.
pub fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// How long it took and what it cost.
pub fn cost(milliseconds: i64, usage: &Usage) -> String {
    let calls = match usage.total() {
        0 => "no API call".to_owned(),
        1 => "1 API call".to_owned(),
        calls => format!("{calls} API calls"),
    };
    let left = match usage.today {
        Some((used, limit)) => {
            format!(" ({} of {} left today)", grouped(limit.saturating_sub(used)), grouped(limit))
        }
        None => String::new(),
    };
    format!("{}, {calls}{left}.", seconds(milliseconds))
}

/// Two decimals below a second, so that a fast run doesn't take 0.0 s.
fn seconds(milliseconds: i64) -> String {
    let hundredths = (milliseconds.max(0) + 5) / 10;
    if hundredths < 100 {
        return format!("0.{hundredths:02} s");
    }
    let tenths = (milliseconds + 50) / 100;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

/// 99986 as 99,986.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::grouped;
    use super::seconds;

    #[test]
    fn a_fast_run_takes_some_time_too() {
        assert_eq!(seconds(0), "0.00 s");
        assert_eq!(seconds(41), "0.04 s");
        assert_eq!(seconds(994), "0.99 s");
        assert_eq!(seconds(995), "1.0 s");
        assert_eq!(seconds(61_250), "61.3 s");
    }

    #[test]
    fn large_numbers_are_readable() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(99_986), "99,986");
        assert_eq!(grouped(1_000_000), "1,000,000");
    }
}
