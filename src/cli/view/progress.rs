//! What happens while a plan is applied: a bar on a terminal, plain lines
//! elsewhere, JSON events for programs.

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
use crate::cli::environment::Environment;
use crate::cli::output::Painter;
use crate::cli::output::Tone;
use crate::engine::Event;
use crate::engine::Progress;
use crate::model::Address;

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
            painter: Painter::new(environment.terminal.color),
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
        match event {
            Event::Sending { what, ops } => {
                let start = |(address, step): &(&Address, &str)| json!({"type": "start", "address": address, "step": step, "call": what});
                events.extend(ops.iter().map(start));
                return;
            }
            Event::KeptLess { address, step, what } => {
                let event =
                    json!({"type": "kept_less", "address": address, "step": step, "what": what});
                events.push(event);
                return;
            }
            Event::Done { address, step } => {
                events.push(json!({"type": "done", "address": address, "step": step}));
            }
            Event::Failed { address, step, reason } => {
                let event =
                    json!({"type": "failed", "address": address, "step": step, "reason": reason});
                events.push(event);
            }
            Event::Skipped { address, step, because } => {
                let event = json!({"type": "skipped", "address": address, "step": step, "because": because});
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

/// A text of an org's own may have several lines.
fn indented(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
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
                    bar.set_message(format!("{what} ({})", ops.len()));
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
            Event::Failed { address, step, reason } => {
                let head = self.painter.paint(Tone::Wrong, &format!("  {address}: {step} failed"));
                self.line(&format!("{head}\n{}", indented(reason)));
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
            let _ = output.write_all(lines.as_bytes());
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
