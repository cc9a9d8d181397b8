//! Places on demand: a file is read once more only when a message needs it,
//! and once for all messages about it.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;

use super::cut;
use super::cut::Piece;
use super::diagnostic::Found;
use super::diagnostic::Source;
use super::each::could_be;
use super::files;
use super::reach::Reach;
use super::tree::NodeId;
use super::tree::Tree;
use super::tree::Value;
use crate::model::Place;
use crate::model::PlaceStep;

/// Finds places in files, each read when it is first asked about.
#[derive(Debug)]
pub struct Locator<'a> {
    reach: &'a Reach,
    files: HashMap<PathBuf, Option<Held>>,
}

/// A file that is looked into.
#[derive(Debug)]
enum Held {
    Whole(Tree),
    /// A large one: a piece is read when something in it is looked for.
    InPieces(Source, Vec<Piece>),
}

/// How far a way was found, and where that is.
struct Reached {
    steps: usize,
    span: Range<usize>,
}

impl<'a> Locator<'a> {
    /// Finds places in files that may be read.
    pub fn new(reach: &'a Reach) -> Self {
        Self { reach, files: HashMap::new() }
    }

    /// The text and bytes of a place; where only a part of the way is found,
    /// the end of that part.
    pub fn find(&mut self, file: &Path, place: &Place) -> Option<(Source, Range<usize>)> {
        let reach = self.reach;
        let held = self.files.entry(file.to_owned()).or_insert_with(|| held(reach, file));
        match held.as_ref()? {
            Held::Whole(tree) => Some((tree.source.clone(), reached(tree, place)?.span)),
            Held::InPieces(source, pieces) => {
                let span = in_pieces(source, pieces, place)?;
                Some((source.clone(), span))
            }
        }
    }
}

fn held(reach: &Reach, file: &Path) -> Option<Held> {
    let source = files::read(reach, file).ok()?;
    match cut::cut(&source).ok()? {
        Some(cut) => Some(Held::InPieces(source, cut.pieces)),
        None => Some(Held::Whole(Tree::build(&source, &mut Found::default()).ok()?)),
    }
}

/// The place in the first piece that has its entry.
fn in_pieces(source: &Source, pieces: &[Piece], place: &Place) -> Option<Range<usize>> {
    /// The section, and the entry in it.
    const ENTRY: usize = 2;
    let name = place.steps.iter().find_map(|step| match step {
        PlaceStep::Key(name) if place.steps.first() != Some(step) => Some(name.as_str()),
        _ => None,
    });
    // Most pieces don't hold the name; where none does, it came from a text with `${…}`.
    let holds = |piece: &&Piece| name.is_none_or(|name| source.text[piece.body()].contains(name));
    let likely = pieces.iter().filter(holds);
    let mut best: Option<Reached> = None;
    for piece in likely.chain(pieces.iter().filter(|piece| !holds(piece))) {
        let document = piece.document(source);
        let Ok(tree) = Tree::build(&document, &mut Found::default()) else { continue };
        let Some(reached) = reached(&tree, place) else { continue };
        let is_further = best.as_ref().is_none_or(|best| best.steps < reached.steps);
        if is_further {
            best = Some(Reached { span: piece.place(&reached.span), ..reached });
        }
        if best.as_ref().is_some_and(|best| best.steps >= ENTRY.min(place.steps.len())) {
            break;
        }
    }
    best.map(|best| best.span)
}

fn reached(tree: &Tree, place: &Place) -> Option<Reached> {
    let mut here = tree.root?;
    let mut reached = Reached { steps: 0, span: tree.mark(here) };
    for step in &place.steps {
        let Some((next, span)) = find(tree, here, step) else { break };
        here = next;
        reached.steps += 1;
        reached.span = match tree.key_of(next) {
            Some(key) if place.means_key => tree.node(key).span(),
            _ => span,
        };
    }
    Some(reached)
}

fn find(tree: &Tree, node: NodeId, step: &PlaceStep) -> Option<(NodeId, Range<usize>)> {
    match (step, &tree.node(node).value) {
        (PlaceStep::Key(name), Value::Map(entries)) => entries
            .iter()
            .find(|(key, _)| tree.scalar(*key).is_some_and(|(text, _)| text == name))
            .or_else(|| {
                let is_template =
                    |key: NodeId| tree.scalar(key).is_some_and(|(text, _)| could_be(text, name));
                entries.iter().find(|(key, _)| is_template(*key))
            })
            .or_else(|| {
                // In some orgs a suffix stands behind usernames.
                let begins = |key: NodeId| {
                    tree.scalar(key).is_some_and(|(text, _)| {
                        text.contains('@') && name.to_lowercase().starts_with(&text.to_lowercase())
                    })
                };
                entries.iter().find(|(key, _)| begins(*key))
            })
            .map(|(key, value)| {
                let is_scalar = tree.scalar(*value).is_some();
                let shown =
                    if is_scalar && !tree.node(*value).span().is_empty() { value } else { key };
                (*value, tree.node(*shown).span())
            }),
        (PlaceStep::Item(wanted), Value::List(items)) => {
            let is = |item: &&NodeId, same: fn(&str, &str) -> bool| {
                tree.scalar(**item).is_some_and(|(text, _)| same(text, wanted))
            };
            items
                .iter()
                .find(|item| is(item, |text, wanted| text == wanted))
                .or_else(|| items.iter().find(|item| is(item, str::eq_ignore_ascii_case)))
                .map(|item| (*item, tree.node(*item).span()))
        }
        _ => None,
    }
}
