//! `orgform graph`: what depends on what, in the DOT language.

use std::collections::HashMap;

use crate::cli::DONE;
use crate::cli::arguments::GraphArguments;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::config;
use crate::graph;
use crate::kinds;
use crate::model::Address;
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
    let desired = Desired::new(config.declared, Vec::new());
    let mut nodes: Vec<String> = Vec::with_capacity(desired.len());
    let mut numbers: HashMap<Address, usize> = HashMap::with_capacity(desired.len());
    let mut about: HashMap<(&str, Address), Vec<usize>> = HashMap::new();
    for (number, declared) in desired.iter().enumerate() {
        let address = &declared.address;
        nodes.push(address.to_string());
        numbers.insert(address.clone(), number);
        if let Some(subject) = kinds::of(address).and_then(|kind| kind.subject(address)) {
            about.entry((address.kind(), subject)).or_default().push(number);
        }
    }
    let mut edges = Vec::new();
    for (number, declared) in desired.iter().enumerate() {
        for (path, referred) in declared.attributes.references() {
            let to = *numbers.entry(referred.clone()).or_insert_with(|| {
                nodes.push(referred.to_string());
                nodes.len() - 1
            });
            edges.push((number, to, path.to_owned()));
        }
        let Some(kind) = kinds::of(&declared.address) else { continue };
        let Some(subject) = kind.subject(&declared.address) else { continue };
        for earlier in kind.follows() {
            for other in about.get(&(*earlier, subject.clone())).into_iter().flatten() {
                edges.push((number, *other, "license before set".to_owned()));
            }
        }
    }
    output.print(&graph::dot("orgform", &nodes, &edges))?;
    Ok(DONE)
}
