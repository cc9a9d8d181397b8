//! The door through which text leaves; only progress has one of its own.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;
use std::sync::Mutex;

use anstyle::AnsiColor;
use anstyle::Style;

use super::environment::Environment;
use super::error::CommandError;
use super::view::diagnostics;
use crate::config::Diagnostic;
use crate::config::MOST_ERRORS;
use crate::model::Severity;

/// Writes to standard output and standard error, in colour or not.
pub struct Output {
    standard: Arc<Mutex<dyn Write + Send>>,
    errors: Arc<Mutex<dyn Write + Send>>,
    color: bool,
}

/// What a text is about, which gives it its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Comes to be.
    Added,
    /// Goes away.
    Removed,
    /// Becomes another.
    Changed,
    /// Stands out.
    Strong,
    /// Steps back.
    Faint,
    /// Went wrong.
    Wrong,
}

/// Paints, or leaves as it is.
#[derive(Clone, Copy, Debug)]
pub struct Painter {
    color: bool,
}

impl Painter {
    /// Paints when `color` says so.
    pub const fn new(color: bool) -> Self {
        Self { color }
    }

    /// A text in a tone.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        let style = match tone {
            Tone::Added => AnsiColor::Green.on_default(),
            Tone::Removed => AnsiColor::Red.on_default(),
            Tone::Changed => AnsiColor::Yellow.on_default(),
            Tone::Strong => Style::new().bold(),
            Tone::Faint => Style::new().dimmed(),
            Tone::Wrong => AnsiColor::Red.on_default().bold(),
        };
        format!("{style}{text}{style:#}")
    }
}

impl Output {
    /// Writes where the environment says.
    pub fn new(environment: &Environment) -> Self {
        Self {
            standard: Arc::clone(&environment.output),
            errors: Arc::clone(&environment.errors),
            color: environment.terminal.color,
        }
    }

    /// Paints as the terminal wants.
    pub const fn painter(&self) -> Painter {
        Painter::new(self.color)
    }

    /// Whether colours are wanted.
    pub const fn color(&self) -> bool {
        self.color
    }

    /// Writes text to standard output.
    ///
    /// # Errors
    /// When nobody reads it any more.
    pub fn print(&mut self, text: &str) -> Result<(), CommandError> {
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
        self.print(&format!("{text}\n"))
    }

    /// Writes a line to standard error; nothing is lost when nobody reads it.
    pub fn aside(&mut self, text: &str) {
        let mut errors = self.errors.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = writeln!(errors, "{text}");
    }

    /// Shows what a check found.
    pub fn finding(&mut self, severity: Severity, diagnostic: &Diagnostic) {
        let level = match severity {
            Severity::Error => diagnostics::Level::Error,
            Severity::Guard => diagnostics::Level::Guard,
            Severity::Warning => diagnostics::Level::Warning,
        };
        self.aside(&diagnostics::render_as(diagnostic, level, self.color));
        self.aside("");
    }

    /// Shows how the command line is used.
    pub fn usage(&mut self, error: &clap::Error) -> u8 {
        let text =
            if self.color { error.render().ansi().to_string() } else { error.render().to_string() };
        if error.use_stderr() {
            self.aside(text.trim_end());
            return super::FAILED;
        }
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
                self.aside(&format!("{head} {message}"));
                for hint in hints {
                    self.aside(&format!("  {hint}"));
                }
            }
            CommandError::Diagnostics(found) => {
                for diagnostic in found {
                    self.aside(&diagnostics::render(diagnostic, self.color));
                    self.aside("");
                }
                let paths = found.iter().map(|diagnostic| &diagnostic.at.source.path);
                let files = paths.collect::<BTreeSet<_>>().len();
                let errors = match found.len() {
                    1 => "1 error".to_owned(),
                    MOST_ERRORS => format!("{MOST_ERRORS} errors or more"),
                    count => format!("{count} errors"),
                };
                let places = if files > 1 { format!(" in {files} files") } else { String::new() };
                self.aside(&format!("{errors}{places}; nothing was changed."));
            }
        }
        super::FAILED
    }
}
