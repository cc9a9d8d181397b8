//! What can only be seen when all files are together: the same thing declared
//! twice, and things that refer to each other in a circle.

use std::collections::HashMap;

use super::Config;
use super::diagnostic::Diagnostic;
use super::diagnostic::Source;
use super::locate::locate;
use crate::graph::Order;
use crate::kinds;
use crate::model::Address;
use crate::model::Declared;

/// All that is wrong.
pub fn check(config: &Config) -> Vec<Diagnostic> {
    let mut found = twice(config);
    if found.is_empty() {
        found = circles(config);
    }
    found
}

fn place(config: &Config, declared: &Declared, path: &str) -> (Source, std::ops::Range<usize>) {
    let file = &config.files[declared.file as usize];
    kinds::of(&declared.address)
        .map(|kind| kind.place(&declared.address, path))
        .and_then(|place| locate(&config.folder, file, &place))
        .unwrap_or_else(|| (Source::new(file, ""), 0..0))
}

fn twice(config: &Config) -> Vec<Diagnostic> {
    let mut order: Vec<&Declared> = config.declared.iter().collect();
    // Salesforce compares names without case. A file has few capitals in its
    // keys, so that most keys are compared as they are.
    let folded = |declared: &Declared| {
        let key = declared.address.key();
        if key.iter().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
            String::from_utf8_lossy(key).to_lowercase().into_bytes()
        } else {
            key.to_vec()
        }
    };
    order.sort_by_cached_key(|declared| folded(declared));
    order
        .windows(2)
        .filter(|pair| folded(pair[0]) == folded(pair[1]))
        .map(|pair| {
            let (first, span) = place(config, pair[0], "");
            let (second, again) = place(config, pair[1], "");
            let message = if pair[0].address == pair[1].address {
                format!("{} is declared twice", pair[1].address)
            } else {
                format!(
                    "{} and {} are the same to Salesforce, which ignores case",
                    pair[0].address, pair[1].address
                )
            };
            let diagnostic = Diagnostic::new(&second, again.clone(), message);
            if pair[0].file == pair[1].file {
                if span == again {
                    return diagnostic.help("take one of the two out");
                }
                return diagnostic
                    .label("again here")
                    .related(&first, span, "first here")
                    .help("take one of the two out");
            }
            diagnostic
                .label("again here")
                .related(&first, span, "first here")
                .help("take one of the two out")
        })
        .collect()
}

fn circles(config: &Config) -> Vec<Diagnostic> {
    let numbers: HashMap<&Address, usize> = config
        .declared
        .iter()
        .enumerate()
        .map(|(number, declared)| (&declared.address, number))
        .collect();
    let mut order = Order::new(config.declared.len());
    for (number, declared) in config.declared.iter().enumerate() {
        for (_, referred) in declared.attributes.references() {
            if let Some(first) = numbers.get(referred) {
                order.before(*first, number);
            }
        }
    }
    let Err(cycle) = order.sort() else { return Vec::new() };
    let steps: Vec<&Declared> =
        cycle.iter().rev().map(|number| &config.declared[*number]).collect();
    let mut names: Vec<String> =
        steps.iter().map(|declared| declared.address.to_string()).collect();
    names.extend(names.first().cloned());
    let path_to = |declared: &Declared, next: &Declared| {
        declared
            .attributes
            .references()
            .find(|(_, referred)| **referred == next.address)
            .map(|(path, _)| path.to_owned())
            .unwrap_or_default()
    };
    let mut diagnostic: Option<Diagnostic> = None;
    for (index, declared) in steps.iter().enumerate() {
        let next = steps[(index + 1) % steps.len()];
        let (source, span) = place(config, declared, &path_to(declared, next));
        let label = format!("{} needs {}", declared.address, next.address);
        diagnostic = Some(match diagnostic {
            None => Diagnostic::new(
                &source,
                span,
                format!("these need each other in a circle: {}", names.join(" -> ")),
            )
            .label(label)
            .help("one of them must be made from something outside the circle"),
            Some(diagnostic) => diagnostic.related(&source, span, label),
        });
    }
    diagnostic.into_iter().collect()
}
