//! An error in a file, as rustc shows it.

use std::ops::Range;

use annotate_snippets::Annotation;
use annotate_snippets::AnnotationKind;
use annotate_snippets::Group;
use annotate_snippets::Level as Title;
use annotate_snippets::Renderer;
use annotate_snippets::Snippet;

use crate::cli::painter::Painter;
use crate::config::Diagnostic;
use crate::config::Labelled;
use crate::config::Source;
use crate::text::shown;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// It stands in the way.
    Error,
    /// It needs a flag.
    Guard,
    /// It may go wrong.
    Warning,
}

/// Renders one error with its places.
pub fn render(diagnostic: &Diagnostic, painter: Painter) -> String {
    render_as(diagnostic, Level::Error, painter)
}

/// Renders something found with its places.
pub fn render_as(diagnostic: &Diagnostic, level: Level, painter: Painter) -> String {
    let title = match level {
        Level::Error => Title::ERROR,
        Level::Guard => Title::WARNING.with_name("guard"),
        Level::Warning => Title::WARNING,
    };
    let at = &diagnostic.at;
    let path = path_of(&at.source);
    let mut main =
        Group::with_title(title.primary_title(shown::line(&diagnostic.message).into_owned()));
    if at.source.text.is_empty() {
        if !path.is_empty() {
            main = main.element(annotate_snippets::Origin::path(path.as_str()));
        }
    } else if !path.is_empty() {
        let (near, far): (Vec<&Labelled>, Vec<&Labelled>) =
            diagnostic.related.iter().partition(|related| is_near(at, related));
        main = main.element(snippet(at, &near));
        for related in far {
            main = main.element(snippet_of(related));
        }
    }
    if let Some(help) = &diagnostic.help {
        main = main.element(Title::HELP.message(shown::line(help).into_owned()));
    }
    let renderer = if painter.has_color() { Renderer::styled() } else { Renderer::plain() };
    // The lines of the file have signs in place of what a terminal would obey.
    painter.painted(&renderer.render(&[main]))
}

/// So many bytes of a file are shown at most.
const WINDOW: usize = 16 * 1024;

/// Whether two places are shown in one piece of a file.
fn is_near(at: &Labelled, related: &Labelled) -> bool {
    related.source.path == at.source.path && at.span.start.abs_diff(related.span.start) < WINDOW / 4
}

/// A place with those near it.
fn snippet<'a>(at: &'a Labelled, near: &[&'a Labelled]) -> Snippet<'a, Annotation<'a>> {
    let spans = std::iter::once(at).chain(near.iter().copied()).map(|place| &place.span);
    let window = Window::around(&at.source.text, spans);
    let mut snippet = window
        .snippet(&at.source)
        .annotation(AnnotationKind::Primary.span(window.place(&at.span)).label(some(&at.label)));
    for related in near {
        snippet = snippet.annotation(
            AnnotationKind::Context.span(window.place(&related.span)).label(some(&related.label)),
        );
    }
    snippet
}

/// A place that belongs to another.
fn snippet_of(related: &Labelled) -> Snippet<'_, Annotation<'_>> {
    let window = Window::around(&related.source.text, std::iter::once(&related.span));
    window.snippet(&related.source).annotation(
        AnnotationKind::Context.span(window.place(&related.span)).label(some(&related.label)),
    )
}

/// The part of a text that is shown: whole lines, but for very long ones. What renders it
/// goes through all that it is given.
struct Window {
    range: Range<usize>,
    /// The number of its first line.
    line: usize,
}

impl Window {
    fn around<'a>(text: &str, spans: impl Iterator<Item = &'a Range<usize>> + Clone) -> Self {
        let start = spans.clone().map(|span| span.start).min().unwrap_or_default();
        let end = spans.map(|span| span.end).max().unwrap_or(start);
        let floor = |at: usize| {
            (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
        };
        let (start, end) = (floor(start), floor(end));
        // At the end of a text the last line is shown, which has a line end of its own.
        let shown = if start == text.len() { floor(start.saturating_sub(1)) } else { start };
        let first = text[..shown].rfind('\n').map_or(0, |at| at + 1);
        let last = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
        let first = if start - first > WINDOW { floor(start - 80) } else { first };
        let last = if last - first > WINDOW { floor((first + WINDOW).max(start)) } else { last };
        let line = text[..first].bytes().filter(|byte| *byte == b'\n').count() + 1;
        Self { range: first..last, line }
    }

    fn snippet<'a>(&self, source: &'a Source) -> Snippet<'a, Annotation<'a>> {
        Snippet::source(&source.text[self.range.clone()])
            .line_start(self.line)
            .path(path_of(source))
    }

    /// A place of the text as a place of the window.
    fn place(&self, span: &Range<usize>) -> Range<usize> {
        let place = |at: usize| at.clamp(self.range.start, self.range.end) - self.range.start;
        place(span.start)..place(span.end)
    }
}

fn path_of(source: &Source) -> String {
    shown::line(&source.path.display().to_string()).into_owned()
}

fn some(label: &str) -> Option<std::borrow::Cow<'_, str>> {
    (!label.is_empty()).then(|| shown::line(label))
}
