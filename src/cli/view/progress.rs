//! What happens while a plan is applied: a bar on a terminal, plain lines
//! elsewhere, JSON events for programs.

use std::io::Write;
use std::sync::Arc;
use std::sync::Mutex;

use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;
use serde_json::json;

use crate::cli::environment::Environment;
use crate::cli::output::Painter;
use crate::cli::output::Tone;
use crate::engine::Event;
use crate::engine::Progress;

/// How progress is shown.
pub struct Shown {
    json: bool,
    painter: Painter,
    output: Arc<Mutex<dyn Write + Send>>,
    bar: Option<ProgressBar>,
}

impl Shown {
    /// Shows the progress of `ops` ops.
    pub fn new(environment: &Environment, json: bool, ops: usize) -> Self {
        let bar =
            (environment.terminal.errors && environment.terminal.output && !json).then(|| {
                let bar =
                    ProgressBar::with_draw_target(Some(ops as u64), ProgressDrawTarget::stderr());
                if let Ok(style) = ProgressStyle::with_template("  {bar:30} {pos}/{len} {msg}") {
                    bar.set_style(style);
                }
                bar
            });
        Self {
            json,
            painter: Painter::new(environment.terminal.color),
            output: Arc::clone(&environment.output),
            bar,
        }
    }

    /// Ends the bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Writes a line. A reader that has gone does not stop an apply: what is
    /// under way is finished and recorded.
    fn line(&self, text: &str) {
        let write = || {
            let mut output = self.output.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let _ = writeln!(output, "{text}");
        };
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

impl Progress for Shown {
    fn on(&self, event: &Event<'_>) {
        if self.json {
            let event = match event {
                Event::Sending { what, ops } => json!({"type": "call", "what": what, "ops": ops}),
                Event::Done { address, step } => {
                    json!({"type": "done", "address": address, "step": step})
                }
                Event::Failed { address, step, reason } => {
                    json!({"type": "failed", "address": address, "step": step, "reason": reason})
                }
                Event::Skipped { address, step, because } => {
                    json!({"type": "skipped", "address": address, "step": step, "because": because})
                }
            };
            self.line(&event.to_string());
            return;
        }
        match event {
            Event::Sending { what, ops } => {
                if let Some(bar) = &self.bar {
                    bar.set_message(format!("{what} ({ops})"));
                }
            }
            Event::Done { address, step } => {
                self.line(&format!("  {address}: {step} done"));
                if let Some(bar) = &self.bar {
                    bar.inc(1);
                }
            }
            Event::Failed { address, step, reason } => {
                let head = self.painter.paint(Tone::Wrong, &format!("  {address}: {step} failed"));
                self.line(&format!("{head}\n    {reason}"));
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
}
