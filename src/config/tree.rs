//! A YAML text as a tree with places, from parser events.

use std::collections::HashMap;
use std::hash::DefaultHasher;
use std::hash::Hasher as _;
use std::ops::Range;

use hashbrown::HashTable;
use saphyr_parser::Event;
use saphyr_parser::Parser;
use saphyr_parser::ScalarStyle;

use super::diagnostic::Diagnostic;
use super::diagnostic::Found;
use super::diagnostic::Source;

/// The place of a node in its tree. An alias is the same node once more. A tree is of a
/// file or a piece of one, so that it has far fewer nodes than this counts.
pub type NodeId = u32;

/// One node.
#[derive(Debug)]
pub struct Node {
    /// Its bytes; a file has far fewer than this counts.
    start: u32,
    end: u32,
    /// What it is.
    pub value: Value,
}

impl Node {
    /// Its bytes.
    pub fn span(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// What a node is.
#[derive(Debug)]
pub enum Value {
    /// A text, and whether it stands there without quotes.
    Scalar {
        /// The text.
        text: Box<str>,
        /// Whether it is neither quoted nor a block.
        plain: bool,
    },
    /// Items.
    List(Box<[NodeId]>),
    /// Keys and values, in order; a repeated key's later entries are left out.
    Map(Box<[(NodeId, NodeId)]>),
}

/// A document.
#[derive(Debug)]
pub struct Tree {
    /// The text it is from.
    pub source: Source,
    nodes: Vec<Node>,
    /// The top of the document; `None` for an empty one.
    pub root: Option<NodeId>,
    /// The key under which each node stands; [`NO_KEY`] for none.
    keys: Vec<NodeId>,
}

const NO_KEY: NodeId = NodeId::MAX;

enum Open {
    List(Vec<NodeId>),
    Map {
        entries: Vec<(NodeId, NodeId)>,
        key: Option<NodeId>,
        /// Keys that stand there, by their texts.
        seen: HashTable<NodeId>,
    },
}

struct Building {
    open: Open,
    anchor: usize,
    start: usize,
}

impl Tree {
    /// The bytes of texts, and of lists and maps in brackets, that go over more
    /// than one line.
    pub fn many_lined_values(&self) -> impl Iterator<Item = Range<usize>> {
        let text = &self.source.text;
        self.nodes.iter().filter_map(|node| {
            let held = &text[node.span()];
            let is_whole = match node.value {
                Value::Scalar { .. } => true,
                Value::List(_) | Value::Map(_) => held.starts_with(['[', '{']),
            };
            let held = held.trim_end();
            let (start, length) = (node.span().start, held.len());
            (is_whole && held.contains('\n')).then(|| start..start + length)
        })
    }

    /// Whether two documents hold the same values in the same order.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        let mut open = match (self.root, other.root) {
            (None, None) => return true,
            (Some(left), Some(right)) => vec![(left, right)],
            _ => return false,
        };
        // Aliases make a tree larger than its text; a pair is compared once.
        let mut seen = std::collections::HashSet::new();
        while let Some((left, right)) = open.pop() {
            if !seen.insert((left, right)) {
                continue;
            }
            match (&self.nodes[left as usize].value, &other.nodes[right as usize].value) {
                (
                    Value::Scalar { text, plain },
                    Value::Scalar { text: other_text, plain: other_plain },
                ) if text == other_text && plain == other_plain => {}
                (Value::List(items), Value::List(others)) if items.len() == others.len() => {
                    open.extend(items.iter().copied().zip(others.iter().copied()));
                }
                (Value::Map(entries), Value::Map(others)) if entries.len() == others.len() => {
                    for ((key, value), (other_key, other_value)) in entries.iter().zip(others) {
                        open.extend([(*key, *other_key), (*value, *other_value)]);
                    }
                }
                _ => return false,
            }
        }
        true
    }

    /// A copy of one node and what stands under it, without a key of its own, with
    /// the texts filled in. What was filled in counts as quoted.
    ///
    /// # Errors
    /// The node whose text can't be filled in, and why.
    pub fn filled_in<E>(
        &self,
        node: NodeId,
        without: &str,
        fill: &dyn Fn(&str) -> Result<String, E>,
    ) -> Result<Self, (NodeId, E)> {
        let mut copy =
            Self { source: self.source.clone(), nodes: Vec::new(), root: None, keys: Vec::new() };
        copy.root = Some(copy.copy_of(self, node, Some(without), fill)?);
        Ok(copy)
    }

    fn copy_of<E>(
        &mut self,
        from: &Self,
        node: NodeId,
        without: Option<&str>,
        fill: &dyn Fn(&str) -> Result<String, E>,
    ) -> Result<NodeId, (NodeId, E)> {
        let value = match &from.nodes[node as usize].value {
            Value::Scalar { text, plain } => {
                let filled = fill(text).map_err(|error| (node, error))?;
                let plain = *plain && filled == **text;
                Value::Scalar { text: filled.into(), plain }
            }
            Value::List(items) => {
                let mut copies = Vec::with_capacity(items.len());
                for item in items {
                    copies.push(self.copy_of(from, *item, None, fill)?);
                }
                Value::List(copies.into())
            }
            Value::Map(entries) => {
                let mut copies = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    if without
                        .is_some_and(|name| from.scalar(*key).is_some_and(|(text, _)| text == name))
                    {
                        continue;
                    }
                    let key = self.copy_of(from, *key, None, fill)?;
                    let value = self.copy_of(from, *value, None, fill)?;
                    self.keys[value as usize] = key;
                    copies.push((key, value));
                }
                Value::Map(copies.into())
            }
        };
        Ok(self.push(from.nodes[node as usize].span(), value))
    }

    /// Builds the tree. Repeated keys are reported into `found` and left out.
    ///
    /// # Errors
    /// What the parser can't read.
    pub fn build(source: &Source, found: &mut Found) -> Result<Self, Diagnostic> {
        let places = Places::new(&source.text);
        let mut tree = Self {
            source: source.clone(),
            // About as many as there are: growing takes all of it twice for a moment.
            nodes: Vec::with_capacity(source.text.len() / 8),
            root: None,
            keys: Vec::with_capacity(source.text.len() / 8),
        };
        let mut stack: Vec<Building> = Vec::new();
        let mut anchors: HashMap<usize, NodeId> = HashMap::new();
        for event in Parser::new_from_str(&source.text) {
            let (event, span) = event.map_err(|error| {
                let at = places.byte(error.marker().index());
                let end = source.text[at..].chars().next().map_or(at, |next| at + next.len_utf8());
                Diagnostic::new(source, at..end, format!("this is no YAML: {}", error.info()))
                    .help("often a wrong indentation, a missing colon or an open quote, here or on the line above")
            })?;
            let (start, end) = (places.byte(span.start.index()), places.byte(span.end.index()));
            let node = match event {
                Event::Scalar(text, style, anchor, _) => {
                    let plain = style == ScalarStyle::Plain;
                    let node = tree.push(start..end, Value::Scalar { text: text.into(), plain });
                    if anchor > 0 {
                        anchors.insert(anchor, node);
                    }
                    node
                }
                Event::Alias(anchor) => match anchors.get(&anchor) {
                    Some(node) => *node,
                    None => {
                        return Err(Diagnostic::new(
                            source,
                            start..end,
                            "the alias stands within what it refers to",
                        ));
                    }
                },
                Event::SequenceStart(anchor, _) => {
                    stack.push(Building { open: Open::List(Vec::new()), anchor, start });
                    continue;
                }
                Event::MappingStart(anchor, _) => {
                    let open = Open::Map { entries: Vec::new(), key: None, seen: HashTable::new() };
                    stack.push(Building { open, anchor, start });
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    let Some(building) = stack.pop() else { continue };
                    let value = match building.open {
                        Open::List(items) => Value::List(items.into()),
                        Open::Map { entries, .. } => Value::Map(entries.into()),
                    };
                    let node = tree.push(building.start..end.max(building.start), value);
                    if let Value::Map(entries) = &tree.nodes[node as usize].value {
                        for (key, value) in entries.clone() {
                            tree.keys[value as usize] = key;
                        }
                    }
                    if building.anchor > 0 {
                        anchors.insert(building.anchor, node);
                    }
                    node
                }
                Event::DocumentStart(_) if tree.root.is_some() => {
                    let end = source.text[start..]
                        .find(['\n', '\r'])
                        .map_or(source.text.len(), |at| start + at);
                    return Err(Diagnostic::new(
                        source,
                        start..end,
                        "a second document begins here",
                    )
                    .label("one file holds one document")
                    .help("take the line out, or put what follows into a file of its own"));
                }
                _ => continue,
            };
            match stack.last_mut().map(|building| &mut building.open) {
                None => tree.root = Some(node),
                Some(Open::List(items)) => items.push(node),
                Some(Open::Map { entries, key, seen }) => match key.take() {
                    None => *key = Some(node),
                    Some(held) => match tree.scalar(held) {
                        Some((text, _)) => match seen.find(hash(text), |id| tree.text(*id) == text)
                        {
                            Some(first) => found.push(
                                Diagnostic::new(
                                    source,
                                    tree.nodes[held as usize].span(),
                                    format!("`{text}` stands here twice"),
                                )
                                .label("again here")
                                .related(
                                    source,
                                    tree.nodes[*first as usize].span(),
                                    "first here",
                                ),
                            ),
                            None => {
                                seen.insert_unique(hash(text), held, |id| hash(tree.text(*id)));
                                entries.push((held, node));
                            }
                        },
                        None => found.push(Diagnostic::new(
                            source,
                            tree.nodes[held as usize].span(),
                            "a key must be a single word or text",
                        )),
                    },
                },
            }
        }
        Ok(tree)
    }

    fn text(&self, id: NodeId) -> &str {
        self.scalar(id).map_or("", |(text, _)| text)
    }

    fn push(&mut self, span: Range<usize>, value: Value) -> NodeId {
        let id = NodeId::try_from(self.nodes.len()).unwrap_or(NO_KEY);
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.nodes.push(Node { start: place(span.start), end: place(span.end), value });
        self.keys.push(NO_KEY);
        id
    }

    /// A node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    /// About as many bytes as it takes.
    pub fn size(&self) -> usize {
        let texts = self.nodes.iter().map(|node| match &node.value {
            Value::Scalar { text, .. } => text.len(),
            Value::List(_) | Value::Map(_) => 0,
        });
        texts.sum::<usize>() + self.nodes.len() * std::mem::size_of::<Node>()
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// A scalar's text, and whether it is plain.
    pub fn scalar(&self, id: NodeId) -> Option<(&str, bool)> {
        match &self.nodes[id as usize].value {
            Value::Scalar { text, plain } => Some((text, *plain)),
            _ => None,
        }
    }

    /// The entries of a map.
    pub fn entries(&self, id: NodeId) -> Option<&[(NodeId, NodeId)]> {
        match &self.nodes[id as usize].value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// Whether nothing stands there.
    pub fn is_null(&self, id: NodeId) -> bool {
        matches!(self.scalar(id), Some(("" | "~" | "null" | "Null" | "NULL", true)))
    }

    /// The key under which a node stands.
    pub fn key_of(&self, id: NodeId) -> Option<NodeId> {
        self.keys.get(id as usize).copied().filter(|key| *key != NO_KEY)
    }

    /// What to underline for a node: all of a scalar, the key of anything
    /// larger.
    pub fn mark(&self, id: NodeId) -> Range<usize> {
        match (&self.nodes[id as usize].value, self.key_of(id)) {
            (Value::Scalar { .. }, Some(key)) if self.nodes[id as usize].span().is_empty() => {
                self.nodes[key as usize].span()
            }
            (Value::Scalar { .. }, _) => self.nodes[id as usize].span(),
            (_, Some(key)) => self.nodes[key as usize].span(),
            (Value::Map(entries), None) if !entries.is_empty() => {
                self.nodes[entries[0].0 as usize].span()
            }
            (_, None) => {
                let span = self.nodes[id as usize].span();
                span.start..span.start
            }
        }
    }
}

/// From the parser's characters to bytes; for plain ASCII they are the same.
struct Places<'a> {
    text: &'a str,
    /// The byte of each so many characters.
    marks: Option<Vec<usize>>,
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    hasher.finish()
}

/// So many characters lie between two marks.
const STRIDE: usize = 64;

impl<'a> Places<'a> {
    fn new(text: &'a str) -> Self {
        let marks = (!text.is_ascii())
            .then(|| text.char_indices().step_by(STRIDE).map(|(byte, _)| byte).collect());
        Self { text, marks }
    }

    fn byte(&self, character: usize) -> usize {
        let Some(marks) = &self.marks else { return character.min(self.text.len()) };
        let Some(mark) = marks.get(character / STRIDE) else { return self.text.len() };
        let mut rest = self.text[*mark..].char_indices();
        rest.nth(character % STRIDE).map_or(self.text.len(), |(byte, _)| mark + byte)
    }
}
