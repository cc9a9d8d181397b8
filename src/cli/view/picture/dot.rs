//! The picture in the DOT language, for Graphviz.

use super::Picture;
use super::colors;
use super::heading;
use super::names;
use crate::graph;
use crate::graph::DotEdge;
use crate::graph::DotNode;

/// The whole text.
pub fn render(picture: &Picture) -> String {
    let nodes: Vec<DotNode> = picture
        .nodes
        .iter()
        .map(|node| {
            let (border, ground) = colors(node.action);
            let style = if node.is_declared { "filled" } else { "filled,dashed" };
            DotNode {
                label: format!("{}\n{}", heading(node), names(node).join("\n")),
                attributes: vec![("color", border), ("fillcolor", ground), ("style", style)],
            }
        })
        .collect();
    let edges: Vec<DotEdge> = picture
        .edges
        .iter()
        .map(|edge| DotEdge {
            from: edge.from,
            to: edge.to,
            label: edge.label.clone(),
            attributes: edge
                .action
                .map(|action| ("color", colors(Some(action)).0))
                .into_iter()
                .collect(),
        })
        .collect();
    graph::dot("orgform", &nodes, &edges)
}
