//! The picture drawn: columns from what is needed to what needs it.

use std::fmt::Write as _;

use super::Node;
use super::Picture;
use super::action_word;
use super::colors;
use super::heading;
use super::names;
use crate::graph::layers;
use crate::model::Action;
use crate::text::shown;

/// Sizes in pixels.
const LINE: usize = 16;
const PADDING: usize = 10;
const BETWEEN_ROWS: usize = 18;
const BETWEEN_COLUMNS: usize = 150;
const MARGIN: usize = 20;
const LEGEND: usize = 30;
/// Longer names are cut; the whole name shows when one points at it.
const LONGEST: usize = 44;

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

/// The whole text.
pub fn render(picture: &Picture) -> String {
    let edges: Vec<(usize, usize)> =
        picture.edges.iter().map(|edge| (edge.from, edge.to)).collect();
    let layers = layers(picture.nodes.len(), &edges);
    let (places, width, height) = places(picture, &layers);
    let mut text = String::new();
    let _ = writeln!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"12\">"
    );
    let _ = writeln!(text, "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>");
    if picture.is_coloured {
        legend(picture, &mut text);
    }
    for edge in &picture.edges {
        let (from, to) = (places[edge.from], places[edge.to]);
        let (color, _) = colors(edge.action);
        // From the left side of what needs to the right side of what is needed.
        let (x1, y1) = (from.x, from.y + from.height / 2);
        let (x2, y2) = (to.x + to.width, to.y + to.height / 2);
        let bend = x1.saturating_sub(x2) / 2;
        let dashes =
            if edge.action == Some(Action::Delete) { " stroke-dasharray=\"5 3\"" } else { "" };
        let _ = writeln!(
            text,
            "<path d=\"M {x1} {y1} C {} {y1}, {} {y2}, {x2} {y2}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.4\"{dashes}><title>{}</title></path>",
            x1.saturating_sub(bend),
            x2 + bend,
            escaped(&edge.label)
        );
        let _ = writeln!(text, "<circle cx=\"{x2}\" cy=\"{y2}\" r=\"3\" fill=\"{color}\"/>");
    }
    for (node, place) in picture.nodes.iter().zip(&places) {
        box_of(node, *place, &mut text);
    }
    text.push_str("</svg>\n");
    text
}

/// Where each box stands, and how large the whole is.
fn places(picture: &Picture, layers: &[Vec<usize>]) -> (Vec<Place>, usize, usize) {
    let mut places = vec![Place::default(); picture.nodes.len()];
    let top = MARGIN + if picture.is_coloured { LEGEND } else { 0 };
    let size = |node: &Node| {
        let lines = lines(node);
        let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
        (text_width(longest) + 2 * PADDING, lines.len() * LINE + PADDING + 4)
    };
    let heights: Vec<usize> = layers
        .iter()
        .map(|layer| {
            layer.iter().map(|node| size(&picture.nodes[*node]).1 + BETWEEN_ROWS).sum::<usize>()
        })
        .collect();
    let tallest = heights.iter().copied().max().unwrap_or(0);
    let mut x = MARGIN;
    for (layer, height) in layers.iter().zip(heights) {
        let widest =
            layer.iter().map(|node| size(&picture.nodes[*node]).0).max().unwrap_or_default();
        // Each column stands in the middle of the tallest.
        let mut y = top + (tallest - height) / 2;
        for node in layer {
            let (_, height) = size(&picture.nodes[*node]);
            places[*node] = Place { x, y, width: widest, height };
            y += height + BETWEEN_ROWS;
        }
        x += widest + BETWEEN_COLUMNS;
    }
    let width = x.saturating_sub(BETWEEN_COLUMNS) + MARGIN;
    (places, width.max(2 * MARGIN + 560), top + tallest + MARGIN)
}

fn lines(node: &Node) -> Vec<String> {
    let mut lines = vec![heading(node)];
    lines.extend(names(node).into_iter().map(|name| cut(&name)));
    lines
}

/// How wide so many characters of the font are.
fn text_width(characters: usize) -> usize {
    characters * 73 / 10
}

fn cut(name: &str) -> String {
    if name.chars().count() <= LONGEST {
        return name.to_owned();
    }
    let shown: String = name.chars().take(LONGEST - 1).collect();
    format!("{shown}…")
}

fn box_of(node: &Node, place: Place, text: &mut String) {
    let (border, ground) = colors(node.action);
    let Place { x, y, width, height } = place;
    let dashes = if node.is_declared { "" } else { " stroke-dasharray=\"4 3\"" };
    let _ = writeln!(
        text,
        "<g><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"{ground}\" stroke=\"{border}\" stroke-width=\"1.4\"{dashes}/>",
        escaped(&node.names.join("\n"))
    );
    for (number, line) in lines(node).iter().enumerate() {
        let baseline = y + PADDING / 2 + (number + 1) * LINE - 3;
        let style = if number == 0 { " fill=\"#57606a\"" } else { " fill=\"#1f2328\"" };
        let _ = writeln!(
            text,
            "<text x=\"{}\" y=\"{baseline}\"{style}>{}</text>",
            x + PADDING,
            escaped(line)
        );
    }
    text.push_str("</g>\n");
}

fn legend(picture: &Picture, text: &mut String) {
    let used = |action: Action| {
        picture.nodes.iter().any(|node| node.action == Some(action))
            || picture.edges.iter().any(|edge| edge.action == Some(action))
    };
    let actions = [
        Action::Create,
        Action::Update,
        Action::Replace,
        Action::Delete,
        Action::Adopt,
        Action::Release,
    ];
    let mut x = MARGIN;
    let shown = actions.into_iter().filter(|action| used(*action)).map(Some).chain([None]);
    for action in shown {
        let (border, ground) = colors(action);
        let word = action.map_or("unchanged", action_word);
        let _ = writeln!(
            text,
            "<rect x=\"{x}\" y=\"{MARGIN}\" width=\"12\" height=\"12\" rx=\"3\" fill=\"{ground}\" stroke=\"{border}\"/><text x=\"{}\" y=\"{}\" fill=\"#1f2328\">{word}</text>",
            x + 18,
            MARGIN + 10
        );
        x += 18 + text_width(word.len()) + 20;
    }
}

/// A text in which nothing is markup, and nothing that XML does not allow.
fn escaped(text: &str) -> String {
    quick_xml::escape::escape(shown::block(text)).into_owned()
}
