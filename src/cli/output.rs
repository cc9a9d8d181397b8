//! The way out of all text, cleaned of what an org, a file or an argument may
//! have put into it (`painter`); only progress has one of its own.

use crate::text::words::agreeing;
use crate::text::words::and_more;
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;
use std::sync::Mutex;

use serde_json::Value as Json;

use super::environment::Environment;
use super::error::CommandError;
use super::painter::Painter;
use super::painter::Tone;
use super::view::diagnostics;
use crate::config::Diagnostic;
use crate::model::Severity;
use crate::text::shown;
use crate::text::words::grouped;

/// Writes to standard output and standard error, in colour or not.
pub struct Output {
    standard: Arc<Mutex<dyn Write + Send>>,
    errors: Arc<Mutex<dyn Write + Send>>,
    painter: Painter,
}

impl Output {
    /// Writes where the environment says.
    pub fn new(environment: &Environment) -> Self {
        Self {
            standard: Arc::clone(&environment.output),
            errors: Arc::clone(&environment.errors),
            painter: Painter::of(environment),
        }
    }

    /// Paints as the terminal wants.
    pub const fn painter(&self) -> Painter {
        self.painter
    }

    /// Writes text to standard output.
    ///
    /// # Errors
    /// When nobody reads it any more.
    pub fn print(&mut self, text: &str) -> Result<(), CommandError> {
        self.write(&self.painter.shown(text))
    }

    /// Writes a file's text to standard output exactly: it is kept, and not only looked at.
    ///
    /// # Errors
    /// When nobody reads it any more.
    pub fn file(&mut self, text: &str) -> Result<(), CommandError> {
        self.write(text)
    }

    /// Writes a JSON document as a line to standard output.
    ///
    /// # Errors
    /// When nobody reads it any more.
    pub fn json(&mut self, document: &Json) -> Result<(), CommandError> {
        self.write(&format!("{}\n", shown::json(&document.to_string())))
    }

    fn write(&self, text: &str) -> Result<(), CommandError> {
        let mut output = self.standard.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        output.write_all(text.as_bytes())?;
        output.flush()?;
        Ok(())
    }

    /// Writes a line to standard output.
    ///
    /// # Errors
    /// When nobody reads it any more.
    pub fn line(&mut self, text: &str) -> Result<(), CommandError> {
        // A text with lines of its own is printed; here a name has brought them.
        let text = text.trim_end_matches('\n').replace('\n', "\\n");
        self.print(&format!("{text}\n"))
    }

    /// Writes a line to standard error; nothing is lost when nobody reads it.
    pub fn aside(&mut self, text: &str) {
        let mut errors = self.errors.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = writeln!(errors, "{}", self.painter.shown(text));
    }

    /// Shows what a check found.
    pub fn finding(&mut self, severity: Severity, diagnostic: &Diagnostic) {
        let level = match severity {
            Severity::Error => diagnostics::Level::Error,
            Severity::Guard => diagnostics::Level::Guard,
            Severity::Warning => diagnostics::Level::Warning,
        };
        self.aside(&diagnostics::render_as(diagnostic, level, self.painter));
        self.aside("");
    }

    /// Shows how the command line is used.
    pub fn usage(&mut self, error: &clap::Error) -> u8 {
        let rendered = error.render();
        // An error repeats arguments, among which colours of ours could not be recognized.
        if error.use_stderr() {
            self.aside(rendered.to_string().trim_end());
            return super::FAILED;
        }
        let text = self.painter.painted(&rendered.ansi().to_string());
        let text = if self.painter.has_color() { text } else { rendered.to_string() };
        let _ = self.print(&text);
        super::DONE
    }

    /// Shows an error; its exit code.
    pub fn error(&mut self, error: &CommandError) -> u8 {
        let painter = self.painter();
        match error {
            CommandError::BrokenPipe => {}
            CommandError::Failed { message, hints } => {
                let head = painter.paint(Tone::Wrong, "Error:");
                self.aside(&format!("{head} {}", shown::line(message)));
                for hint in hints {
                    self.aside(&format!("  {}", shown::line(hint)));
                }
            }
            CommandError::Diagnostics(found) => {
                for diagnostic in &found.reported {
                    self.aside(&diagnostics::render(diagnostic, painter));
                    self.aside("");
                }
                let paths = found.reported.iter().map(|diagnostic| &diagnostic.at.source.path);
                let files = paths.collect::<BTreeSet<_>>().len();
                let count = found.len();
                let errors = agreeing(count, "error", "errors");
                let errors = format!("{} {errors}", grouped(count as u64));
                if let Some(more) = and_more(found.more, 0) {
                    self.aside(&format!("{more}\n"));
                }
                let places = if files > 1 { format!(" in {files} files") } else { String::new() };
                self.aside(&format!("{errors}{places}; nothing was changed."));
            }
        }
        super::FAILED
    }
}
