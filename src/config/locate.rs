//! Places on demand: a file is read once more only when a message needs it.

use std::ops::Range;
use std::path::Path;

use super::diagnostic::Source;
use super::files;
use super::tree::NodeId;
use super::tree::Tree;
use super::tree::Value;
use crate::model::Place;
use crate::model::PlaceStep;

/// The text and bytes of a place; where only a part of the way is found, the
/// end of that part.
pub fn locate(here: &Path, file: &Path, place: &Place) -> Option<(Source, Range<usize>)> {
    let source = files::read(here, file).ok()?;
    let tree = Tree::build(&source, &mut Vec::new()).ok()?;
    let mut here = tree.root?;
    let mut mark = tree.mark(here);
    for step in &place.steps {
        match find(&tree, here, step) {
            Some((next, span)) => {
                here = next;
                mark = match tree.key_of(next) {
                    Some(key) if place.means_key => tree.node(key).span.clone(),
                    _ => span,
                };
            }
            None => break,
        }
    }
    Some((source, mark))
}

fn find(tree: &Tree, node: NodeId, step: &PlaceStep) -> Option<(NodeId, Range<usize>)> {
    match (step, &tree.node(node).value) {
        (PlaceStep::Key(name), Value::Map(entries)) => entries
            .iter()
            .find(|(key, _)| tree.scalar(*key).is_some_and(|(text, _)| text == name))
            .map(|(key, value)| {
                let is_scalar = tree.scalar(*value).is_some_and(|(text, _)| !text.is_empty());
                let span = if is_scalar {
                    tree.node(*value).span.clone()
                } else {
                    tree.node(*key).span.clone()
                };
                (*value, span)
            }),
        (PlaceStep::Item(wanted), Value::List(items)) => items
            .iter()
            .find(|item| tree.scalar(**item).is_some_and(|(text, _)| text == wanted))
            .or_else(|| {
                items.iter().find(|item| {
                    tree.scalar(**item).is_some_and(|(text, _)| text.eq_ignore_ascii_case(wanted))
                })
            })
            .map(|item| (*item, tree.node(*item).span.clone())),
        _ => None,
    }
}
