//! Colours, and texts as a terminal may have them.
//!
//! Colours are ours, and everything else that a terminal would obey is shown instead. So
//! a painted text holds a token in place of each escape character until it leaves: one
//! that is new in each run, so that nothing from outside can hold it.

use std::borrow::Cow;

use anstyle::AnsiColor;
use anstyle::Style;

use super::environment::Environment;
use crate::text::shown;

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
