//! Boxes that are joined alike, as one box.

use std::collections::BTreeMap;

use super::Edge;
use super::Node;
use super::Picture;

/// Puts together what is of one kind, has the same done to it and is joined to
/// the same others by the same lines; again until nothing more comes together,
/// since sets that one group of users holds are alike only after that.
pub fn group(picture: &Picture) -> Picture {
    const PASSES: usize = 4;
    let mut picture = picture.clone();
    for _ in 0..PASSES {
        let grouped = pass(&picture);
        if grouped.nodes.len() == picture.nodes.len() {
            break;
        }
        picture = grouped;
    }
    picture
}

fn pass(picture: &Picture) -> Picture {
    let mut joined: Vec<Vec<String>> = vec![Vec::new(); picture.nodes.len()];
    for edge in &picture.edges {
        joined[edge.from].push(format!("> {} {} {:?}", edge.to, edge.label, edge.action));
        joined[edge.to].push(format!("< {} {} {:?}", edge.from, edge.label, edge.action));
    }
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (number, (node, mut lines)) in picture.nodes.iter().zip(joined).enumerate() {
        lines.sort();
        let Node { kind, action, is_declared, .. } = node;
        let alike = format!("{kind} {action:?} {is_declared} {}", lines.join("\n"));
        groups.entry(alike).or_default().push(number);
    }
    let mut order: Vec<Vec<usize>> = groups.into_values().collect();
    order.sort();
    let mut place = vec![0; picture.nodes.len()];
    let mut nodes = Vec::with_capacity(order.len());
    for (number, members) in order.into_iter().enumerate() {
        let mut node = picture.nodes[members[0]].clone();
        for member in &members {
            place[*member] = number;
        }
        node.names =
            members.iter().flat_map(|member| picture.nodes[*member].names.clone()).collect();
        nodes.push(node);
    }
    let mut edges: Vec<Edge> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for edge in &picture.edges {
        let (from, to) = (place[edge.from], place[edge.to]);
        if seen.insert((from, to, edge.label.clone(), edge.action)) {
            edges.push(Edge { from, to, ..edge.clone() });
        }
    }
    Picture { nodes, edges, is_coloured: picture.is_coloured }
}
