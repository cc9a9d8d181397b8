//! An error in a file, as rustc shows it.

use annotate_snippets::AnnotationKind;
use annotate_snippets::Group;
use annotate_snippets::Level;
use annotate_snippets::Renderer;
use annotate_snippets::Snippet;

use crate::config::Diagnostic;

/// Renders one error with its places.
pub fn render(diagnostic: &Diagnostic, color: bool) -> String {
    let at = &diagnostic.at;
    let path = at.source.path.display().to_string();
    let mut main = Group::with_title(Level::ERROR.primary_title(diagnostic.message.clone()));
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
        .map(|related| (related.source.path.display().to_string(), related))
        .collect();
    for (path, related) in &elsewhere {
        main = main.element(
            Snippet::source(related.source.text.as_ref()).path(path.as_str()).annotation(
                AnnotationKind::Context.span(related.span.clone()).label(some(&related.label)),
            ),
        );
    }
    if let Some(help) = &diagnostic.help {
        main = main.element(Level::HELP.message(help.clone()));
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[main])
}

fn some(label: &str) -> Option<&str> {
    (!label.is_empty()).then_some(label)
}
