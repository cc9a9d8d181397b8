//! The diagnosing path: all errors of a file at once, each with its place.
//!
//! The tree is read through the same specs as on the fast path. An error names
//! the node it is about; that node is set aside and the entry read again, until
//! it reads well or its error is about the whole.

mod deserialize;

use crate::text::words;
use std::cell::Cell;
use std::collections::HashSet;
use std::path::Path;

use deserialize::ReadError;
use deserialize::Reader;

use super::Contents;
use super::MOST_DECLARED;
use super::MOST_ERRORS;
use super::RELEASE;
use super::diagnostic::Diagnostic;
use super::diagnostic::Found;
use super::diagnostic::Source;
use super::each;
use super::each::FOR_EACH;
use super::files;
use super::personas::PERSONAS;
use super::reach::Reach;
use super::suffixes;
use super::suffixes::SUFFIXES;
use super::tree::NodeId;
use super::tree::Tree;
use super::tree::Value;
use crate::kinds;

/// Reads a whole document.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(reach: &Reach, source: &Source) -> Result<Contents, Found> {
    let mut found = Found::default();
    let tree = match Tree::build(source, &mut found) {
        Ok(tree) => tree,
        Err(diagnostic) => {
            found.push(diagnostic);
            return Err(found);
        }
    };
    let mut reading = Reading {
        tree: &tree,
        reach,
        found,
        contents: Contents::default(),
        // Aliases make a tree larger than its text; this bounds by how much.
        budget: Cell::new(tree.len() * 20 + 10_000),
        made: 0,
    };
    reading.document();
    reading.found.reported.sort_by_key(|diagnostic| diagnostic.at.span.start);
    if reading.found.is_empty() { Ok(reading.contents) } else { Err(reading.found) }
}

struct Reading<'a> {
    tree: &'a Tree,
    /// Which other files may be read.
    reach: &'a Reach,
    found: Found,
    contents: Contents,
    budget: Cell<usize>,
    /// The bytes that loops have made.
    made: usize,
}

/// More bytes than this are not made of one file by its loops.
const MOST_MADE: usize = 256 << 20;

impl Reading<'_> {
    fn report(&mut self, node: NodeId, message: impl Into<String>) {
        self.report_with(node, message, None);
    }

    fn report_with(&mut self, node: NodeId, message: impl Into<String>, help: Option<String>) {
        let tree = self.tree;
        self.found
            .add(|| Diagnostic { help, ..Diagnostic::new(&tree.source, tree.mark(node), message) });
    }

    fn document(&mut self) {
        let source = &self.tree.source;
        let Some(root) = self.tree.root.filter(|root| !self.tree.is_null(*root)) else {
            self.found.push(no_version(source).label("the file declares nothing"));
            return;
        };
        let Some(entries) = self.tree.entries(root) else {
            let help = format!("sections are {}", listed(kinds::SECTIONS));
            let message = "expected a map with `version: 1` and sections";
            self.report_with(root, message, Some(help));
            return;
        };
        let mut has_version = false;
        for (key, value) in entries.iter().copied() {
            let Some((name, _)) = self.tree.scalar(key) else { continue };
            let name = name.to_owned();
            if name == "version" {
                has_version = true;
                self.version(value);
            } else if let Some(section) = kinds::SECTIONS.iter().find(|section| **section == name) {
                self.section(section, value);
            } else if name == PERSONAS {
                self.section(PERSONAS, value);
            } else if name == SUFFIXES {
                self.suffixes(value);
            } else if name == RELEASE {
                self.released(value);
            } else {
                let tree = self.tree;
                self.found.add(|| unknown_section(tree, key, &name));
            }
        }
        if !has_version {
            self.found.reported.insert(0, no_version(source));
            self.found.reported.truncate(MOST_ERRORS);
        }
    }

    fn version(&mut self, node: NodeId) {
        match self.tree.scalar(node) {
            Some(("1" | "+1" | "0x1" | "0o1" | "0b1", true)) => {}
            Some(("1", false)) => {
                self.report(node, "expected `version: 1`, found the text '1'; take the quotes off");
            }
            Some((text, _)) => {
                let message = format!("this version of orgform reads `version: 1`, not `{text}`");
                self.report(node, message);
            }
            None => {
                self.report(node, "expected `version: 1`");
            }
        }
    }

    fn suffixes(&mut self, node: NodeId) {
        if self.tree.is_null(node) {
            return;
        }
        let Some(entries) = self.tree.entries(node) else {
            self.report(node, "expected orgs and what stands behind usernames there, as in `yourcompany--uat: .uat`");
            return;
        };
        for (key, value) in entries.iter().copied() {
            let texts = deserialize::text_of(self.tree, key)
                .and_then(|org| Ok((org, deserialize::text_of(self.tree, value)?)));
            match texts.map(|(org, suffix)| suffixes::check(&suffix).map(|()| (org, suffix))) {
                Ok(Ok((org, _))) if self.contents.suffixes.contains_key(&org) => {
                    self.report(key, format!("`{org}` stands here twice"));
                }
                Ok(Ok((org, suffix))) => {
                    self.contents.suffixes.insert(org, suffix);
                }
                Ok(Err(error)) => {
                    self.report(value, error.to_string());
                }
                Err(error) => self.add(error, value),
            }
        }
    }

    fn released(&mut self, node: NodeId) {
        if self.tree.is_null(node) {
            return;
        }
        let Value::List(items) = &self.tree.node(node).value else {
            self.report(node, "expected a list of addresses below `release`");
            return;
        };
        for item in items.iter().copied() {
            let line = deserialize::text_of(self.tree, item);
            match line.map(|line| super::released(&line)) {
                Ok(Ok(pattern)) => self.contents.released.push(pattern),
                Ok(Err(error)) => {
                    self.report(item, error.to_string());
                }
                Err(error) => self.add(error, item),
            }
        }
    }

    fn section(&mut self, section: &'static str, node: NodeId) {
        if self.tree.is_null(node) {
            return;
        }
        let Some(entries) = self.tree.entries(node) else {
            self.report(node, format!("expected a map of names below `{section}`"));
            return;
        };
        for (key, value) in entries.iter().copied() {
            match deserialize::text_of(self.tree, key) {
                Ok(name) if self.stands_for_many(section, &name, key, value) => {}
                Ok(name) => {
                    if let Err(error) = kinds::check_name(section, &name) {
                        let span = self.tree.node(key).span();
                        let message = error.to_string();
                        self.found.push(Diagnostic::new(&self.tree.source, span, message));
                    }
                    self.entry(section, &name, value);
                }
                Err(error) => self.add(error, key),
            }
        }
    }

    /// Reads an entry with `for_each`, a copy of it for each row; tells whether it
    /// is one.
    fn stands_for_many(
        &mut self,
        section: &'static str,
        name: &str,
        key: NodeId,
        node: NodeId,
    ) -> bool {
        let entries = self.tree.entries(node).unwrap_or_default();
        let each = entries
            .iter()
            .find(|(key, _)| self.tree.scalar(*key).is_some_and(|(text, _)| text == FOR_EACH));
        let Some((_, each)) = each.copied() else { return false };
        let beside = self.tree.source.path.parent().unwrap_or(Path::new("")).to_owned();
        let reach = self.reach;
        let read = |path: &Path| files::read(reach, &beside.join(path));
        let rows = match each::rows(self.tree, each, &read) {
            Ok(rows) => rows,
            Err(error) => {
                self.report_with(error.node, error.message, error.help);
                return true;
            }
        };
        for row in &rows {
            let copy = self.tree.filled_in(node, FOR_EACH, &|text| each::fill_in(text, row));
            let name = each::fill_in(name, row).map_err(|error| (key, error));
            let (name, tree) = match (name, copy) {
                (Ok(name), Ok(tree)) => (name, tree),
                (Err((node, (message, help))), _) | (_, Err((node, (message, help)))) => {
                    self.report_with(node, message, help);
                    return true;
                }
            };
            self.made += tree.size();
            if self.made > MOST_MADE {
                let message =
                    format!("the loops make more than {} MiB of this file", MOST_MADE >> 20);
                self.report_with(key, message, Some("cut it into several".to_owned()));
                return true;
            }
            if let Err(error) = kinds::check_name(section, &name) {
                let message = format!("{error} (here it is `{name}`)");
                let span = self.tree.node(key).span();
                self.found.push(Diagnostic::new(&self.tree.source, span, message));
                return true;
            }
            let mut copy = Reading {
                tree: &tree,
                reach: self.reach,
                found: Found::default(),
                contents: std::mem::take(&mut self.contents),
                budget: Cell::new(tree.len() * 20 + 10_000),
                made: 0,
            };
            if let Some(root) = tree.root {
                copy.entry(section, &name, root);
            }
            let (contents, found) = (copy.contents, copy.found);
            self.contents = contents;
            if self.contents.declared.len() > MOST_DECLARED {
                let message = format!("this declares more than {MOST_DECLARED} resources");
                self.report_with(key, message, Some("cut it into several".to_owned()));
                return true;
            }
            if !found.is_empty() {
                // What is wrong in one is wrong in most.
                self.found.append(found);
                return true;
            }
        }
        true
    }

    fn entry(&mut self, section: &str, name: &str, node: NodeId) {
        let mut aside = HashSet::new();
        let mut invented = Vec::new();
        let mut meant: Vec<String> = Vec::new();
        let mut errors = 0;
        loop {
            let mut declared = Vec::new();
            let reader = Reader {
                tree: self.tree,
                node,
                aside: &aside,
                invented: (node, &invented),
                budget: &self.budget,
            };
            let mut take = |entry| declared.push(entry);
            let result = if section == PERSONAS {
                kinds::read_persona(reader, &mut take)
            } else {
                kinds::read_entry(section, name, reader, &mut take)
            };
            let error = match result {
                Ok(()) => {
                    if errors == 0 && section == PERSONAS {
                        self.contents.personas.push((name.to_owned(), declared));
                    } else if errors == 0 {
                        self.contents.declared.append(&mut declared);
                    }
                    return;
                }
                Err(error) => error,
            };
            let at = error.node.unwrap_or(node);
            if let Some(field) = error.missing {
                // What was set aside is not missing.
                let was_set_aside = self.tree.entries(at).is_some_and(|entries| {
                    entries.iter().any(|(key, _)| {
                        self.tree.scalar(*key).is_some_and(|(text, _)| text == field)
                    })
                });
                // Nor is one that was written with a slip.
                if !was_set_aside && !meant.iter().any(|key| key == field) {
                    self.add(error, at);
                }
                // With something in its place, the next missing key is found.
                errors += 1;
                if at != node || invented.contains(&field) {
                    return;
                }
                invented.push(field);
                continue;
            }
            meant.extend(error.meant.clone());
            let ends = at == node || !aside.insert(at) || errors >= MOST_ERRORS;
            self.add(error, at);
            errors += 1;
            if ends {
                return;
            }
        }
    }

    fn add(&mut self, error: ReadError, at: NodeId) {
        let tree = self.tree;
        self.found.add(|| {
            let mut diagnostic = Diagnostic::new(&tree.source, tree.mark(at), error.message);
            diagnostic.help = error.help;
            diagnostic.at.label = error.label;
            diagnostic
        });
    }
}

/// What is said of a file that does not say its version.
pub fn no_version(source: &Source) -> Diagnostic {
    Diagnostic::new(source, 0..0, "the file does not say `version: 1`")
        .help("write `version: 1` as its first line")
}

fn unknown_section(tree: &Tree, key: NodeId, name: &str) -> Diagnostic {
    let known = kinds::SECTIONS.iter().copied().chain(["version", RELEASE, PERSONAS, SUFFIXES]);
    let help = match words::closest(name, known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!(
            "a file holds `version`, `personas`, `release`, `username_suffixes` and the sections {}",
            listed(kinds::SECTIONS)
        ),
    };
    let span = tree.node(key).span();
    Diagnostic::new(&tree.source, span, format!("unknown section `{name}`")).help(help)
}

/// Names in backquotes, with commas.
pub fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
