//! Places on demand: a file is read once more only when a message needs it,
//! and once for all messages about it.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;

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
    trees: HashMap<PathBuf, Option<Tree>>,
}

impl<'a> Locator<'a> {
    /// Finds places in files that may be read.
    pub fn new(reach: &'a Reach) -> Self {
        Self { reach, trees: HashMap::new() }
    }

    /// The text and bytes of a place; where only a part of the way is found,
    /// the end of that part.
    pub fn find(&mut self, file: &Path, place: &Place) -> Option<(Source, Range<usize>)> {
        let reach = self.reach;
        let tree = self.trees.entry(file.to_owned()).or_insert_with(|| {
            let source = files::read(reach, file).ok()?;
            Tree::build(&source, &mut Vec::new()).ok()
        });
        let tree = tree.as_ref()?;
        let mut here = tree.root?;
        let mut mark = tree.mark(here);
        for step in &place.steps {
            match find(tree, here, step) {
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
        Some((tree.source.clone(), mark))
    }
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
                    if is_scalar && !tree.node(*value).span.is_empty() { value } else { key };
                (*value, tree.node(*shown).span.clone())
            }),
        (PlaceStep::Item(wanted), Value::List(items)) => {
            let is = |item: &&NodeId, same: fn(&str, &str) -> bool| {
                tree.scalar(**item).is_some_and(|(text, _)| same(text, wanted))
            };
            items
                .iter()
                .find(|item| is(item, |text, wanted| text == wanted))
                .or_else(|| items.iter().find(|item| is(item, str::eq_ignore_ascii_case)))
                .map(|item| (*item, tree.node(*item).span.clone()))
        }
        _ => None,
    }
}
