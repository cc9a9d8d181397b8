//! The door through which text leaves, cleaned of what an org, a file or an argument may
//! have put into it; only progress has one of its own.
//!
//! Colours are ours, and everything else that a terminal would obey is shown instead. So
//! a painted text holds a token in place of each escape character until it leaves: one
//! that is new in each run, so that nothing from outside can hold it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;
use std::sync::Mutex;

use anstyle::AnsiColor;
use anstyle::Style;
use serde_json::Value as Json;

use super::environment::Environment;
use super::error::CommandError;
use super::view::diagnostics;
use super::view::summary::grouped;
use crate::config::Diagnostic;
use crate::model::Severity;
use crate::text::shown;

/// Writes to standard output and standard error, in colour or not.
pub struct Output {
    standard: Arc<Mutex<dyn Write + Send>>,
    errors: Arc<Mutex<dyn Write + Send>>,
    painter: Painter,
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
    /// What stands for an escape character until a text leaves; `None` without colours.
    token: Option<u64>,
}

const ESCAPE: char = '\u{1b}';

impl Painter {
    /// Leaves all as it is.
    pub const fn plain() -> Self {
        Self { token: None }
    }

    /// Paints where the terminal wants colours.
    pub fn of(environment: &Environment) -> Self {
        Self { token: environment.terminal.color.then(|| (environment.entropy)()) }
    }

    /// Whether colours are wanted.
    pub const fn has_color(self) -> bool {
        self.token.is_some()
    }

    /// What stands for an escape character: a number between two characters that stand
    /// for none.
    fn token(self) -> Option<String> {
        self.token.map(|token| format!("\u{fdd0}{token:016x}\u{fdd1}"))
    }

    /// A text that a library has painted, out of texts that were cleaned.
    pub fn painted(self, text: &str) -> String {
        self.token().map_or_else(|| text.to_owned(), |token| text.replace(ESCAPE, &token))
    }

    /// A text as it may leave: painted where we painted it, and cleaned of what a
    /// terminal would obey.
    pub fn shown(self, text: &str) -> Cow<'_, str> {
        let Some(token) = self.token().filter(|token| text.contains(token.as_str())) else {
            return shown::block(text);
        };
        let parts: Vec<Cow<'_, str>> = text.split(&token).map(shown::block).collect();
        Cow::Owned(parts.join("\u{1b}"))
    }

    /// A text in a tone.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        if !self.has_color() || text.is_empty() {
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
        let (begin, end) = (style.to_string(), format!("{style:#}"));
        format!("{}{text}{}", self.painted(&begin), self.painted(&end))
    }
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
        // An error repeats arguments, among which colours of ours could not be told.
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
                for diagnostic in &found.told {
                    self.aside(&diagnostics::render(diagnostic, painter));
                    self.aside("");
                }
                let paths = found.told.iter().map(|diagnostic| &diagnostic.at.source.path);
                let files = paths.collect::<BTreeSet<_>>().len();
                let errors = match found.len() {
                    1 => "1 error".to_owned(),
                    count => format!("{} errors", grouped(count as u64)),
                };
                if found.more > 0 {
                    self.aside(&format!("and {} more\n", grouped(found.more as u64)));
                }
                let places = if files > 1 { format!(" in {files} files") } else { String::new() };
                self.aside(&format!("{errors}{places}; nothing was changed."));
            }
        }
        super::FAILED
    }
}

#[cfg(test)]
mod tests {
    use super::Painter;
    use super::Tone;

    #[test]
    fn only_what_we_painted_reaches_a_terminal_as_a_colour() {
        let painter = Painter { token: Some(7) };
        let text = painter.paint(Tone::Added, "a\u{1b}[8mb");
        assert_eq!(painter.shown(&text), "\u{1b}[32ma\\u{1b}[8mb\u{1b}[0m");
        let forged = "\u{fdd0}0000000000000008\u{fdd1}[8m";
        assert!(!painter.shown(forged).contains('\u{1b}'));
        assert_eq!(Painter::plain().paint(Tone::Added, "a"), "a");
        assert_eq!(Painter::plain().shown("a\u{1b}b\n"), "a\\u{1b}b\n");
    }
}
