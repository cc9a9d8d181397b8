//! The picture for Mermaid, which code hosts draw in Markdown.

use std::fmt::Write as _;

use super::Picture;
use super::action_word;
use super::colors;
use super::heading;
use super::names;
use crate::model::Action;

const ACTIONS: [Action; 6] = [
    Action::Create,
    Action::Update,
    Action::Replace,
    Action::Delete,
    Action::Adopt,
    Action::Release,
];

/// The whole text.
pub fn render(picture: &Picture) -> String {
    let mut text = "flowchart LR\n".to_owned();
    for (number, node) in picture.nodes.iter().enumerate() {
        let label = format!("{}<br/>{}", quoted(&heading(node)), quoted(&names(node).join("\n")));
        let class = node.action.map(|action| format!(":::{}", action_word(action)));
        let _ = writeln!(text, "    n{number}[\"{label}\"]{}", class.unwrap_or_default());
    }
    for (number, edge) in picture.edges.iter().enumerate() {
        let _ = writeln!(text, "    n{} -->|\"{}\"| n{}", edge.from, quoted(&edge.label), edge.to);
        if let Some(action) = edge.action {
            let _ = writeln!(text, "    linkStyle {number} stroke:{}", colors(Some(action)).0);
        }
    }
    let used = |action: &Action| picture.nodes.iter().any(|node| node.action == Some(*action));
    for action in ACTIONS.iter().filter(|action| used(action)) {
        let (border, ground) = colors(Some(*action));
        let _ = writeln!(
            text,
            "    classDef {} stroke:{border},fill:{ground},color:#1f2328",
            action_word(*action)
        );
    }
    text
}

/// A text within quotes: Mermaid takes entities, and no quote or bracket.
fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("#quot;"),
            '<' => quoted.push_str("#lt;"),
            '>' => quoted.push_str("#gt;"),
            '&' => quoted.push_str("#amp;"),
            '`' => quoted.push_str("#96;"),
            // What stands in `%%{…}%%` says how to draw.
            '%' => quoted.push_str("#37;"),
            '{' => quoted.push_str("#123;"),
            '}' => quoted.push_str("#125;"),
            '#' => quoted.push_str("#35;"),
            '\n' => quoted.push_str("<br/>"),
            other => quoted.push(other),
        }
    }
    quoted
}
