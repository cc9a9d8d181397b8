//! The last line of a run: what changed, how long it took, and what it cost.

use crate::text::words::counted;
use crate::text::words::grouped;
use std::time::Duration;

use serde_json::Value as Json;
use serde_json::json;

use crate::model::Summary;
use crate::org::Usage;
use crate::workflow::Report;

/// The line for a person.
pub fn line(report: &Report, what: &str, milliseconds: i64, usage: &Usage) -> String {
    let mut parts = Vec::new();
    let Summary { create, update, replace, delete, adopt, release, no_op } = report.done;
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
    match report.taken_over {
        0 => {}
        1 => parts.push("1 record brought up to date".to_owned()),
        count => parts.push(format!("{} records brought up to date", grouped(count as u64))),
    }
    if report.failed > 0 {
        parts.push(format!("{} failed", counted(report.failed, "step")));
    }
    if report.skipped > 0 {
        parts.push(format!("{} left out", counted(report.skipped, "step")));
    }
    if report.kept_less > 0 {
        parts.push(format!("{} not kept as sent", grouped(report.kept_less as u64)));
    }
    match report.unknown {
        0 => {}
        1 => parts.push("1 mail not known to have gone out".to_owned()),
        count => parts.push(format!("{count} mails not known to have gone out")),
    }
    if parts.is_empty() {
        parts.push("nothing changed".to_owned());
    }
    let head = match (report.is_complete(), report.interrupted) {
        (true, _) => format!("{what} complete"),
        (false, true) => format!("{what} stopped"),
        (false, false) => format!("{what} incomplete"),
    };
    format!("{head}: {}. {}", parts.join(", "), cost(milliseconds, usage))
}

/// The last event of a run that was refused.
pub fn refused(message: &str, milliseconds: i64, usage: &Usage) -> Json {
    let mut refused = event(&Report::default(), milliseconds, usage);
    refused["error"] = json!(message);
    refused
}

/// The last event for a program.
pub fn event(report: &Report, milliseconds: i64, usage: &Usage) -> Json {
    json!({
        "type": "summary",
        "changes": {
            "create": report.done.create,
            "update": report.done.update,
            "replace": report.done.replace,
            "delete": report.done.delete,
            "adopt": report.done.adopt,
            "release": report.done.release,
            "no_op": report.done.no_op,
        },
        "failed": report.failed,
        "skipped": report.skipped,
        "kept_less": report.kept_less,
        "unknown": report.unknown,
        "interrupted": report.interrupted,
        "milliseconds": milliseconds,
        "api_calls": {
            "total": usage.total(),
            "by_kind": usage.by_kind,
            "used_today": usage.today.map(|(used, _)| used),
            "daily_limit": usage.today.map(|(_, limit)| limit),
        },
    })
}

/// A time in whole milliseconds.
pub fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// How long it took and what it cost.
pub fn cost(milliseconds: i64, usage: &Usage) -> String {
    let calls = match usage.total() {
        0 => "no API call".to_owned(),
        calls => counted(calls, "API call"),
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

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn a_fast_run_takes_some_time_too() {
        assert_eq!(seconds(0), "0.00 s");
        assert_eq!(seconds(41), "0.04 s");
        assert_eq!(seconds(994), "0.99 s");
        assert_eq!(seconds(995), "1.0 s");
        assert_eq!(seconds(61_250), "61.3 s");
    }
}
