//! Order: petgraph behind a handful of functions, always deterministic.
//!
//! Imports nothing of the crate: nodes are numbers here, so that the same
//! functions order declarations, ops of a plan and calls in flight.

mod frontier;
mod layers;

use petgraph::graph::DiGraph;
use petgraph::graph::NodeIndex;

pub use frontier::Frontier;
pub use layers::layers;

/// Things numbered from 0, and which must come before which.
#[derive(Debug, Default)]
pub struct Order {
    graph: DiGraph<(), ()>,
}

impl Order {
    /// `count` things without order.
    pub fn new(count: usize) -> Self {
        let mut graph = DiGraph::with_capacity(count, count);
        for _ in 0..count {
            graph.add_node(());
        }
        Self { graph }
    }

    /// `first` must come before `then`.
    pub fn before(&mut self, first: usize, then: usize) {
        self.graph.add_edge(NodeIndex::new(first), NodeIndex::new(then), ());
    }

    /// The things in an order that holds, or a cycle, as a path whose last
    /// thing must come before its first.
    ///
    /// # Errors
    /// The cycle.
    pub fn sort(&self) -> Result<Vec<usize>, Vec<usize>> {
        match petgraph::algo::toposort(&self.graph, None) {
            Ok(order) => Ok(order.into_iter().map(NodeIndex::index).collect()),
            Err(_) => Err(self.cycle()),
        }
    }

    /// A cycle, beginning with its smallest number.
    fn cycle(&self) -> Vec<usize> {
        let mut component: Vec<NodeIndex> = petgraph::algo::tarjan_scc(&self.graph)
            .into_iter()
            .filter(|nodes| {
                nodes.len() > 1 || nodes.iter().any(|node| self.graph.contains_edge(*node, *node))
            })
            .min_by_key(|nodes| nodes.iter().min().copied())
            .unwrap_or_default();
        component.sort_unstable();
        let Some(&start) = component.first() else { return Vec::new() };
        let mut path = vec![start];
        let mut here = start;
        // Within a strongly connected component each node has a successor that
        // is in it, so the walk comes back to a node that it has seen.
        loop {
            let mut next: Vec<NodeIndex> = self
                .graph
                .neighbors(here)
                .filter(|node| component.binary_search(node).is_ok())
                .collect();
            next.sort_unstable();
            let Some(&step) = next.first() else { return Vec::new() };
            if let Some(seen) = path.iter().position(|node| *node == step) {
                return path[seen..].iter().map(|node| node.index()).collect();
            }
            path.push(step);
            here = step;
        }
    }
}

/// A box of a graph in the DOT language.
#[derive(Clone, Debug)]
pub struct DotNode {
    /// Its text; lines are kept.
    pub label: String,
    /// Further attributes, by names that need no quotes.
    pub attributes: Vec<(&'static str, &'static str)>,
}

/// A line of a graph in the DOT language.
#[derive(Clone, Debug)]
pub struct DotEdge {
    /// From which box.
    pub from: usize,
    /// To which box.
    pub to: usize,
    /// Its text.
    pub label: String,
    /// Further attributes, by names that need no quotes.
    pub attributes: Vec<(&'static str, &'static str)>,
}

type Held<'a> = DiGraph<&'a DotNode, &'a DotEdge>;

/// A graph in the DOT language.
pub fn dot(name: &str, nodes: &[DotNode], edges: &[DotEdge]) -> String {
    let mut graph: DiGraph<&DotNode, &DotEdge> = DiGraph::with_capacity(nodes.len(), edges.len());
    let indexes: Vec<NodeIndex> = nodes.iter().map(|node| graph.add_node(node)).collect();
    for edge in edges {
        graph.add_edge(indexes[edge.from], indexes[edge.to], edge);
    }
    let quote = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let attributes = |label: &str, held: &[(&str, &str)]| {
        let mut text = format!("label=\"{}\"", quote(label));
        for (name, value) in held {
            text.push_str(&format!(" {name}=\"{}\"", quote(value)));
        }
        text
    };
    let of_edge = |_: &Held<'_>, edge: petgraph::graph::EdgeReference<'_, &DotEdge>| {
        attributes(&edge.weight().label, &edge.weight().attributes)
    };
    let of_node =
        |_: &Held<'_>, (_, node): (NodeIndex, &&DotNode)| attributes(&node.label, &node.attributes);
    let config = [
        petgraph::dot::Config::NodeNoLabel,
        petgraph::dot::Config::EdgeNoLabel,
        petgraph::dot::Config::GraphContentOnly,
    ];
    let content = petgraph::dot::Dot::with_attr_getters(&graph, &config, &of_edge, &of_node);
    format!("digraph \"{}\" {{\n    rankdir=RL\n    node [shape=box]\n{content:?}}}\n", quote(name))
}

#[cfg(test)]
mod tests {
    use super::DotEdge;
    use super::DotNode;
    use super::Order;
    use super::dot;

    #[test]
    fn an_order_holds_every_edge() {
        let mut order = Order::new(4);
        order.before(3, 1);
        order.before(1, 0);
        order.before(2, 0);
        let sorted = order.sort().expect("no cycle");
        let place = |thing: usize| sorted.iter().position(|held| *held == thing).expect("is there");
        assert!(place(3) < place(1) && place(1) < place(0) && place(2) < place(0));
    }

    #[test]
    fn a_cycle_is_told_as_the_path_that_closes_it() {
        let mut order = Order::new(5);
        order.before(0, 1);
        order.before(1, 2);
        order.before(2, 3);
        order.before(3, 1);
        assert_eq!(order.sort(), Err(vec![1, 2, 3]));
        let mut own = Order::new(1);
        own.before(0, 0);
        assert_eq!(own.sort(), Err(vec![0]));
    }

    #[test]
    fn dot_quotes_what_would_end_a_label() {
        let node = |label: &str| DotNode { label: label.into(), attributes: Vec::new() };
        let edge = DotEdge { from: 0, to: 1, label: "uses".into(), attributes: Vec::new() };
        let text = dot("x", &[node("a \"b\""), node("c")], &[edge]);
        assert!(text.contains(r#"label="a \"b\"""#), "{text}");
        assert!(text.contains("0 -> 1"), "{text}");
    }
}
