//! The graph of what needs what, as a person draws it: users, profiles, sets
//! and licenses are boxes, assignments are the lines between them. Where there
//! are many, those that are joined alike are one box.

mod dot;
mod group;
mod mermaid;
mod svg;

use crate::text::words::and_more;
use std::collections::HashMap;

use crate::cli::arguments::GraphFormat;
use crate::kinds;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Plan;
use crate::plan::Desired;
use crate::text::shown;

/// More boxes than this are grouped.
const MANY: usize = 40;

/// One box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its kind.
    pub kind: String,
    /// The names in it; one, unless it stands for several.
    pub names: Vec<String>,
    /// What the plan does to it.
    pub action: Option<Action>,
    /// Whether the files declare it, or only refer to it.
    pub is_declared: bool,
}

/// One line between two boxes, from what needs to what is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The box that needs.
    pub from: usize,
    /// The box that is needed.
    pub to: usize,
    /// What for.
    pub label: String,
    /// What the plan does to it.
    pub action: Option<Action>,
}

/// Boxes and lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// The boxes.
    pub nodes: Vec<Node>,
    /// The lines.
    pub edges: Vec<Edge>,
    /// Whether a plan gives colours.
    pub is_coloured: bool,
}

impl Picture {
    /// What the files declare, coloured by a plan.
    pub fn of(desired: &Desired, plan: Option<&Plan>) -> Self {
        let mut drawing = Drawing { picture: Self::default(), numbers: HashMap::new(), plan };
        drawing.picture.is_coloured = plan.is_some();
        for declared in desired.iter() {
            drawing.add(&declared.address, &declared.attributes, true);
        }
        // What a plan takes away is in no file any more.
        for change in plan.iter().flat_map(|plan| &plan.changes) {
            let is_gone = change.after.is_none();
            if let Some(before) = change.before.as_ref().filter(|_| is_gone) {
                drawing.add(&change.address, before, false);
            }
        }
        drawing.picture
    }

    /// The same with those that are joined alike as one box, where there are
    /// many.
    #[must_use]
    pub fn grouped(self) -> Self {
        if self.nodes.len() > MANY { group::group(&self) } else { self }
    }

    /// The text of a format.
    pub fn render(&self, format: GraphFormat) -> String {
        match format {
            GraphFormat::Dot => dot::render(self),
            GraphFormat::Mermaid => mermaid::render(self),
            GraphFormat::Svg => svg::render(self),
        }
    }
}

struct Drawing<'a> {
    picture: Picture,
    numbers: HashMap<Address, usize>,
    plan: Option<&'a Plan>,
}

impl Drawing<'_> {
    fn action(&self, address: &Address) -> Option<Action> {
        self.plan?.changes.of(address).map(|change| change.action)
    }

    fn node(&mut self, address: &Address, is_declared: bool) -> usize {
        if let Some(number) = self.numbers.get(address) {
            self.picture.nodes[*number].is_declared |= is_declared;
            return *number;
        }
        let number = self.picture.nodes.len();
        self.numbers.insert(address.clone(), number);
        self.picture.nodes.push(Node {
            kind: address.kind().to_owned(),
            names: vec![address.name().to_owned()],
            action: self.action(address),
            is_declared,
        });
        number
    }

    fn add(&mut self, address: &Address, attributes: &Attributes, is_declared: bool) {
        let subject = kinds::of(address).and_then(|kind| kind.relation().subject(address));
        let action = self.action(address);
        if let Some(subject) = subject.filter(|subject| subject != address) {
            // An assignment is the line between its user and what that gets.
            let from = self.node(&subject, false);
            let others: Vec<(String, Address)> = attributes
                .references()
                .filter(|(_, referred)| **referred != subject)
                .map(|(path, referred)| (path.to_owned(), referred.clone()))
                .collect();
            for (path, referred) in others {
                let to = self.node(&referred, false);
                self.picture.edges.push(Edge { from, to, label: path.replace('_', " "), action });
            }
            return;
        }
        let from = self.node(address, is_declared);
        let references: Vec<(String, Address)> = attributes
            .references()
            .map(|(path, referred)| (path.to_owned(), referred.clone()))
            .collect();
        for (path, referred) in references {
            let to = self.node(&referred, false);
            let label = path.replace('_', " ");
            self.picture.edges.push(Edge { from, to, label, action: None });
        }
    }
}

/// The words above the name in a box.
fn heading(node: &Node) -> String {
    let kind = node.kind.replace('_', " ");
    match node.names.len() {
        1 => kind,
        count => format!("{count} {kind}s"),
    }
}

/// The names in a box; of many the first ones.
fn names(node: &Node) -> Vec<String> {
    const NAMED: usize = 3;
    let mut names: Vec<String> =
        node.names.iter().take(NAMED).map(|name| shown::line(name).into_owned()).collect();
    names.extend(and_more(node.names.len(), NAMED));
    names
}

/// Border and ground of what a plan does, as CSS colours.
fn colors(action: Option<Action>) -> (&'static str, &'static str) {
    match action {
        None => ("#57606a", "#f6f8fa"),
        Some(Action::Create) => ("#1a7f37", "#dafbe1"),
        Some(Action::Update | Action::Replace) => ("#9a6700", "#fff8c5"),
        Some(Action::Delete) => ("#cf222e", "#ffebe9"),
        Some(Action::Adopt) => ("#0969da", "#ddf4ff"),
        Some(Action::Release) => ("#8250df", "#fbefff"),
    }
}

/// A word for what a plan does.
fn action_word(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Replace => "replace",
        Action::Delete => "delete",
        Action::Adopt => "adopt",
        Action::Release => "release",
    }
}
