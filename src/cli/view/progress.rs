//! What happens while a plan is applied: a bar on a terminal, plain lines
//! elsewhere, JSON events for programs.

use crate::text::words::counted;
use std::io::Write;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;
use serde_json::json;

use super::events::Events;
use super::hints;
use crate::cli::environment::Environment;
use crate::cli::painter::Painter;
use crate::cli::painter::Tone;
use crate::engine::Cause;
use crate::engine::Event;
use crate::engine::Progress;
use crate::model::Address;
use crate::model::StepName;
use crate::org::Refused;
use crate::text::shown;

/// So many ops lie between two events that tell how far a run is.
const PROGRESS_EVERY: usize = 100;

/// How progress is shown.
pub struct Shown {
    /// Whether a person reads along.
    human: bool,
    events: Events,
    /// Ops done, failed or left out so far, and all of them.
    settled: AtomicUsize,
    ops: usize,
    painter: Painter,
    output: Arc<Mutex<dyn Write + Send>>,
    bar: Option<ProgressBar>,
    /// What was told since the last flush: a call of 200 records is one write.
    pending: Mutex<Pending>,
}

#[derive(Default)]
struct Pending {
    events: Vec<serde_json::Value>,
    lines: String,
    steps: u64,
}

impl Shown {
    /// Shows the progress of `ops` ops, to a person where `human` says so.
    pub fn new(environment: &Environment, human: bool, events: Events, ops: usize) -> Self {
        let bar =
            (environment.terminal.errors && environment.terminal.output && human).then(|| {
                let bar =
                    ProgressBar::with_draw_target(Some(ops as u64), ProgressDrawTarget::stderr());
                if let Ok(style) = ProgressStyle::with_template("  {bar:30} {pos}/{len} {msg}") {
                    bar.set_style(style);
                }
                bar
            });
        Self {
            human,
            events,
            settled: AtomicUsize::new(0),
            ops,
            painter: Painter::of(environment),
            output: Arc::clone(&environment.output),
            bar,
            pending: Mutex::default(),
        }
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the bar.
    pub fn finish(&self) {
        self.flush();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Tells programs.
    fn tell(&self, event: &Event<'_>) {
        let mut pending = self.pending();
        let events = &mut pending.events;
        let of = |kind: &str, address: &Address, step: StepName| json!({"type": kind, "address": address, "step": step.as_str()});
        match event {
            Event::Sending { what, ops } => {
                events.extend(ops.iter().map(|(address, step)| {
                    let mut event = of("start", address, *step);
                    event["call"] = json!(what);
                    event
                }));
                return;
            }
            Event::Stopping { calls } => {
                events.push(json!({"type": "stopping", "calls": calls}));
                return;
            }
            Event::Repeated { address, step } => {
                events.push(of("repeated", address, *step));
                return;
            }
            Event::KeptLess { address, step, what } => {
                let mut event = of("kept_less", address, *step);
                event["what"] = json!(what);
                events.push(event);
                return;
            }
            Event::Done { address, step } => events.push(of("done", address, *step)),
            Event::Adopted { address, step } => events.push(of("adopted", address, *step)),
            Event::Unknown { address, step, cause } => {
                let mut event = of("unknown", address, *step);
                events.push(with_cause(&mut event, cause));
            }
            Event::Failed { address, step, cause } => {
                let mut event = of("failed", address, *step);
                events.push(with_cause(&mut event, cause));
            }
            Event::Skipped { address, step, because } => {
                let mut event = of("skipped", address, *step);
                event["because"] = json!(because);
                events.push(event);
            }
        }
        let settled = self.settled.fetch_add(1, Ordering::Relaxed) + 1;
        // Now and then is enough.
        if settled == self.ops || settled.is_multiple_of(PROGRESS_EVERY) {
            events.push(json!({"type": "progress", "settled": settled, "of": self.ops}));
        }
    }

    fn line(&self, text: &str) {
        let lines = &mut self.pending().lines;
        lines.push_str(text);
        lines.push('\n');
    }
}

/// A text of an org's own may have several lines: each but the first is marked, so that
/// none reads as one of ours, or as a command to the pipeline that shows it.
fn indented(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim().is_empty()).enumerate();
    let marked = lines.map(|(number, line)| {
        let mark = if number > 0 { "| " } else { "" };
        format!("    {mark}{}", shown::line(line))
    });
    marked.collect::<Vec<_>>().join("\n")
}

/// An event with why: Salesforce's code and fields where it is a refusal.
fn with_cause(event: &mut serde_json::Value, cause: &Cause) -> serde_json::Value {
    event["cause"] = json!(cause.name());
    event["reason"] = json!(cause.to_string());
    if let Some(id) = cause.request_id() {
        event["request_id"] = json!(id);
    }
    if let Some(refused) = cause.refused() {
        let first = refused.first();
        event["code"] = json!(first.code);
        event["fields"] = json!(first.fields);
        let all = refused.all().map(|refusal| {
            json!({"code": refusal.code, "message": refusal.message, "fields": refusal.fields})
        });
        event["refusals"] = all.collect();
    }
    event.take()
}

impl Progress for Shown {
    fn on(&self, event: &Event<'_>) {
        if !self.events.is_empty() {
            self.tell(event);
        }
        if !self.human {
            return;
        }
        match event {
            Event::Sending { what, ops } => {
                if let Some(bar) = &self.bar {
                    bar.set_message(format!("{} ({})", shown::line(what), ops.len()));
                }
            }
            Event::Done { address, step } => {
                self.line(&format!("  {address}: {step} done"));
                self.pending().steps += 1;
            }
            Event::KeptLess { address, what, .. } => {
                let text = format!("  {address}: the org did not keep all that was sent");
                let head = self.painter.paint(Tone::Wrong, &text);
                self.line(&format!("{head}\n{}", indented(what)));
            }
            Event::Repeated { address, step } => {
                let text = format!(
                    "  {address}: no answer told whether the {step} was done, and it was not: sent again"
                );
                self.line(&self.painter.paint(Tone::Changed, &text));
            }
            Event::Adopted { address, step } => {
                let text = format!(
                    "  {address}: {step} found it there already, made by somebody else: adopted, so that destroy will not remove it"
                );
                self.line(&self.painter.paint(Tone::Changed, &text));
                self.pending().steps += 1;
            }
            Event::Unknown { address, step, cause } => {
                let text = format!(
                    "  {address}: whether the {step} went out is not known, and it will not be sent again"
                );
                let head = self.painter.paint(Tone::Wrong, &text);
                self.line(&format!("{head}\n{}", indented(&cause.to_string())));
            }
            Event::Stopping { calls } => {
                let calls = counted(*calls, "call");
                self.line(&format!(
                    "  Stopping: {calls} under way, and nothing new is sent. Ask again to wait 5 s at most, a third time to end at once."
                ));
            }
            Event::Failed { address, step, cause } => {
                let word = match cause {
                    cause if cause.is_unknown() => "not known to be done",
                    Cause::WaitedInVain { .. } => "not done yet",
                    _ => "failed",
                };
                let head = self.painter.paint(Tone::Wrong, &format!("  {address}: {step} {word}"));
                self.line(&format!("{head}\n{}", indented(&cause.to_string())));
                let codes = cause.refused().into_iter().flat_map(Refused::all);
                let mut hints: Vec<&str> =
                    codes.filter_map(|refusal| hints::hint(&refusal.code)).collect();
                hints.dedup();
                for hint in hints {
                    self.line(&indented(hint));
                }
            }
            Event::Skipped { address, step, because } => {
                let text = if address == because {
                    format!("  {address}: {step} left out, since the run stopped before it")
                } else {
                    format!("  {address}: {step} left out, since {because} is not done")
                };
                self.line(&self.painter.paint(Tone::Changed, &text));
            }
        }
    }

    /// A reader that has gone does not stop an apply: what is under way is finished
    /// and recorded.
    fn flush(&self) {
        let Pending { events, lines, steps } = std::mem::take(&mut *self.pending());
        if !events.is_empty() {
            let _ = self.events.send_all(&events);
        }
        if lines.is_empty() {
            return;
        }
        let write = || {
            let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = output.write_all(self.painter.shown(&lines).as_bytes());
        };
        match &self.bar {
            Some(bar) => {
                bar.suspend(write);
                bar.inc(steps);
            }
            None => write(),
        }
    }
}
