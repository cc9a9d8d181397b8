//! Calls, and what becomes of them where each takes its time; and how long the
//! smallest commands take.

use std::fmt::Write as _;
use std::io::BufRead as _;
use std::io::BufReader;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::time::Instant;

use serde_json::Value as Json;

use super::Bench;
use super::measure::Served;
use super::measure::median;
use super::measure::once;
use super::report::Report;
use super::report::number;

/// The calls that a run says it made.
pub fn calls_in(said: &str) -> Option<u64> {
    if said.contains("no API call") {
        return Some(0);
    }
    let (before, _) = said.rsplit_once(" API call")?;
    let number: String =
        before.chars().rev().take_while(|c| c.is_ascii_digit() || *c == ',').collect();
    number.chars().rev().filter(char::is_ascii_digit).collect::<String>().parse().ok()
}

/// Measures.
pub fn measure(bench: &Bench, report: &mut Report) -> std::io::Result<()> {
    manual(bench, report)?;
    let folder = bench.folder.join("thousand");
    thousand(&folder)?;
    let run = in_time(bench, &folder, 0, 0, "5")?;
    report.at_most(
        "1,000 new users, each with a license and two sets: writes",
        run.writes,
        20.0,
        &number(run.writes),
    );
    report.at_most("The same: reads", run.reads, 12.0, &number(run.reads));
    for (per_record, in_flight) in [(0, 5), (0, 10), (10, 5), (30, 5)] {
        let run = in_time(bench, &folder, 150, per_record, &in_flight.to_string())?;
        let call = 0.150 + 200.0 * f64::from(per_record) / 1000.0;
        // Users, then licenses, then twice as many sets.
        let waves = [5, 5, 10].map(|calls: u32| f64::from(calls.div_ceil(in_flight)));
        let least = waves.iter().sum::<f64>() * call;
        report.at_most(
            &format!("The same at 150 ms a call and {per_record} ms a record, {in_flight} in flight: time from the first write to the last answer, against the least that batches of 200 need"),
            run.seconds / least,
            1.25,
            &format!("{:.2} times ({:.2} s, {least:.2} s)", run.seconds / least, run.seconds),
        );
    }
    start_up(bench, report)
}

fn example() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/integration-user.yaml")
        .display()
        .to_string()
}

/// The calls of the manual's example.
fn manual(bench: &Bench, report: &mut Report) -> std::io::Result<()> {
    let served = Served::start(&bench.binary, &[])?;
    let state = bench.folder.join("state-manual");
    let example = example();
    let apply =
        once(&bench.command(&["apply", &example, "--auto-approve"], Some(&served), &state))?;
    let plan = once(&bench.command(&["plan", &example], Some(&served), &state))?;
    // One of them is the mail with the link, which has no batch.
    let cold = calls_in(&apply.said).map_or(f64::MAX, |calls| calls as f64 - 1.0);
    let again = calls_in(&plan.said).map_or(f64::MAX, |calls| calls as f64);
    report.at_most(
        "The integration user of the first example, from nothing: calls beside the password mail",
        cold,
        12.0,
        &number(cold),
    );
    report.at_most("The same, nothing to do: calls", again, 3.0, &number(again));
    Ok(())
}

/// Two files: what the users need, and a thousand of them.
fn thousand(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut text = String::from("version: 1\npermission_sets:\n");
    for set in 0..2 {
        let _ = write!(
            text,
            "  Set_{set}:\n    label: Set {set}\n    objects:\n      Contact: {{ access: [read] }}\n"
        );
    }
    std::fs::write(folder.join("sets.yaml"), text)?;
    let mut text = String::from("version: 1\nusers:\n");
    for user in 0..1_000 {
        let _ = write!(
            text,
            "  u{user}@example.com.test:\n    alias: u{user}\n    last_name: User {user}\n    email: u{user}@example.com\n    profile: Minimum Access - API Only Integrations\n    permission_set_licenses: [Salesforce API Integration]\n    permission_sets: [Set_0, Set_1]\n"
        );
    }
    std::fs::write(folder.join("users.yaml"), text)
}

/// One apply of the thousand.
struct InTime {
    seconds: f64,
    writes: f64,
    reads: f64,
}

fn in_time(
    bench: &Bench,
    folder: &Path,
    latency: u32,
    per_record: u32,
    in_flight: &str,
) -> std::io::Result<InTime> {
    eprintln!(
        "orgform: 1,000 users, {latency} ms a call, {per_record} ms a record, {in_flight} in flight"
    );
    let (latency, per_record) = (latency.to_string(), per_record.to_string());
    let served = Served::start(
        &bench.binary,
        &[
            "--seed-org",
            "seats=unlimited",
            "--latency-ms",
            &latency,
            "--latency-per-record-ms",
            &per_record,
        ],
    )?;
    let state = bench.folder.join(format!("state-time-{latency}-{per_record}-{in_flight}"));
    let sets = folder.join("sets.yaml").display().to_string();
    let users = folder.join("users.yaml").display().to_string();
    let first = once(&bench.command(&["apply", &sets, "--auto-approve"], Some(&served), &state))?;
    if first.code != 0 {
        return Err(std::io::Error::other(first.said));
    }
    let arguments =
        ["apply", &sets, &users, "--auto-approve", "--json", "--parallelism", in_flight];
    let mut command: Command = bench.command(&arguments, Some(&served), &state);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().ok_or_else(|| std::io::Error::other("no output"))?;
    let (mut first, mut last, mut summary) = (None, None, Json::Null);
    for line in BufReader::new(output).lines() {
        let event: Json = serde_json::from_str(&line?).map_err(std::io::Error::other)?;
        let now = Instant::now();
        match event["type"].as_str() {
            Some("start") => first = first.or(Some(now)),
            Some("done") => last = Some(now),
            Some("summary") => summary = event,
            _ => {}
        }
    }
    if !child.wait()?.success() {
        return Err(std::io::Error::other(format!("the apply failed: {summary}")));
    }
    let calls = &summary["api_calls"];
    let count = |key: &str| calls["by_kind"][key].as_f64().unwrap_or(0.0);
    let writes = count("collections");
    let seconds = match (first, last) {
        (Some(first), Some(last)) => (last - first).as_secs_f64(),
        _ => f64::MAX,
    };
    Ok(InTime { seconds, writes, reads: calls["total"].as_f64().unwrap_or(f64::MAX) - writes })
}

/// How long nothing takes.
fn start_up(bench: &Bench, report: &mut Report) -> std::io::Result<()> {
    let mut version = Command::new(&bench.binary);
    version.arg("--version");
    let cost = median(&version, 21)?;
    report.at_most(
        "`--version`: milliseconds",
        cost.wall * 1e3,
        5.0,
        &format!("{:.1} ms", cost.wall * 1e3),
    );
    let mut validate = Command::new(&bench.binary);
    validate.args(["validate", &example()]);
    let cost = median(&validate, 21)?;
    report.at_most(
        "`validate` of the first example: milliseconds",
        cost.wall * 1e3,
        15.0,
        &format!("{:.1} ms", cost.wall * 1e3),
    );
    Ok(())
}
