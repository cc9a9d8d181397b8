//! `orgform graph`: what depends on what, in the DOT language.

use crate::cli::DONE;
use crate::cli::arguments::GraphArguments;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::config;
use crate::graph;
use crate::kinds;
use crate::plan::Desired;

/// Runs the command.
///
/// # Errors
/// When the files can't be used.
pub fn run(
    environment: &Environment,
    output: &mut Output,
    arguments: &GraphArguments,
) -> Result<u8, CommandError> {
    let config = config::load(&arguments.paths, &environment.folder)?;
    let desired = Desired::new(config.declared);
    let mut nodes: Vec<String> =
        desired.iter().map(|declared| declared.address.to_string()).collect();
    let mut edges = Vec::new();
    for (number, declared) in desired.iter().enumerate() {
        for (path, referred) in declared.attributes.references() {
            let name = referred.to_string();
            let to = nodes.iter().position(|node| *node == name).unwrap_or_else(|| {
                nodes.push(name);
                nodes.len() - 1
            });
            edges.push((number, to, path.to_owned()));
        }
        let Some(kind) = kinds::of(&declared.address) else { continue };
        let subject = kind.subject(&declared.address);
        for earlier in kind.follows() {
            for (other, before) in desired.iter().enumerate() {
                let is_earlier = before.address.kind() == *earlier
                    && kinds::of(&before.address).and_then(|kind| kind.subject(&before.address))
                        == subject;
                if is_earlier {
                    edges.push((number, other, "license before set".to_owned()));
                }
            }
        }
    }
    output.print(&graph::dot("orgform", &nodes, &edges))?;
    Ok(DONE)
}
