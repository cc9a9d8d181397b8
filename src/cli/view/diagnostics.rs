//! An error in a file, as rustc shows it.

use annotate_snippets::AnnotationKind;
use annotate_snippets::Group;
use annotate_snippets::Level as Title;
use annotate_snippets::Renderer;
use annotate_snippets::Snippet;

use crate::cli::output::Painter;
use crate::config::Diagnostic;
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
    if !path.is_empty() && !at.source.text.is_empty() {
        let mut snippet = Snippet::source(at.source.text.as_ref())
            .path(path.as_str())
            .annotation(AnnotationKind::Primary.span(at.span.clone()).label(some(&at.label)));
        for related in &diagnostic.related {
            if related.source.path == at.source.path {
                snippet = snippet.annotation(
                    AnnotationKind::Context.span(related.span.clone()).label(some(&related.label)),
                );
            }
        }
        main = main.element(snippet);
    } else if !path.is_empty() {
        main = main.element(annotate_snippets::Origin::path(path.as_str()));
    }
    let elsewhere: Vec<(String, _)> = diagnostic
        .related
        .iter()
        .filter(|related| related.source.path != at.source.path)
        .map(|related| (path_of(&related.source), related))
        .collect();
    for (path, related) in &elsewhere {
        main = main.element(
            Snippet::source(related.source.text.as_ref()).path(path.as_str()).annotation(
                AnnotationKind::Context.span(related.span.clone()).label(some(&related.label)),
            ),
        );
    }
    if let Some(help) = &diagnostic.help {
        main = main.element(Title::HELP.message(shown::line(help).into_owned()));
    }
    let renderer = if painter.has_color() { Renderer::styled() } else { Renderer::plain() };
    // The lines of the file have signs in place of what a terminal would obey.
    painter.painted(&renderer.render(&[main]))
}

fn path_of(source: &Source) -> String {
    shown::line(&source.path.display().to_string()).into_owned()
}

fn some(label: &str) -> Option<std::borrow::Cow<'_, str>> {
    (!label.is_empty()).then(|| shown::line(label))
}
