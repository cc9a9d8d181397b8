//! What can only be seen when all files are together: the same thing declared
//! twice, and things that refer to each other in a circle.

use std::collections::HashMap;
use std::collections::HashSet;
use std::hash::DefaultHasher;
use std::hash::Hasher as _;

use super::Config;
use super::RELEASE;
use super::diagnostic::Diagnostic;
use super::diagnostic::Found;
use super::diagnostic::Source;
use super::locate::Locator;
use super::personas::PERSONAS;
use super::personas::UnknownPersona;
use crate::graph::Order;
use crate::kinds;
use crate::model::Address;
use crate::model::Declared;
use crate::model::Place;

/// A circle is shown by so many of its steps.
const STEPS: usize = 30;

/// All that is wrong.
pub fn check(config: &Config, unknown: &[UnknownPersona]) -> Found {
    let mut places = Places { config, locator: Locator::new(&config.reach) };
    let mut found = Found::default();
    twice(config, &mut places, &mut found);
    personas(config, unknown, &mut places, &mut found);
    incomplete(config, unknown, &mut places, &mut found);
    renamed_twice(config, &mut places, &mut found);
    declared_and_released(config, &mut places, &mut found);
    ignored_in_vain(config, &mut places, &mut found);
    if found.is_empty() {
        found.append(circles(config, &mut places).into());
    }
    found
}

struct Places<'a> {
    config: &'a Config,
    locator: Locator<'a>,
}

impl Places<'_> {
    fn of(&mut self, declared: &Declared, path: &str) -> (Source, std::ops::Range<usize>) {
        let file = &self.config.files[declared.file as usize];
        kinds::of(&declared.address)
            .map(|kind| kind.place(&declared.address, path))
            .and_then(|place| self.locator.find(file, &place))
            .unwrap_or_else(|| (Source::new(file, ""), 0..0))
    }

    fn named(&mut self, file: u32, place: &Place) -> (Source, std::ops::Range<usize>) {
        let path = &self.config.files[file as usize];
        self.locator.find(path, place).unwrap_or_else(|| (Source::new(path, ""), 0..0))
    }
}

/// Personas that stand twice, and users that point to none.
fn personas(
    config: &Config,
    unknown: &[UnknownPersona],
    places: &mut Places<'_>,
    found: &mut Found,
) {
    let mut names: HashMap<&str, u32> = HashMap::new();
    for (name, _, file) in &config.personas {
        if names.insert(name, *file).is_some() {
            found.add(|| {
                let place = Place::keys([PERSONAS, name]).itself();
                let (source, span) = places.named(*file, &place);
                let message = format!("the persona `{name}` is declared twice");
                Diagnostic::new(&source, span, message).help("take one of the two out")
            });
        }
    }
    for unknown in unknown {
        found.add(|| {
            let (source, span) = places.of(&unknown.user, kinds::PERSONA);
            let message = format!("no persona is called `{}`", unknown.written);
            let help = unknown.meant.as_ref().map_or_else(
                || format!("declare it under `{PERSONAS}:`"),
                |meant| format!("did you mean `{meant}`?"),
            );
            Diagnostic::new(&source, span, message).help(help)
        });
    }
}

/// What an entry lacks that neither it nor a persona says.
fn incomplete(
    config: &Config,
    unknown: &[UnknownPersona],
    places: &mut Places<'_>,
    found: &mut Found,
) {
    let told: HashSet<&Address> = unknown.iter().map(|held| &held.user.address).collect();
    for declared in &config.declared {
        let Some(kind) = kinds::of(&declared.address) else { continue };
        for path in kind.lifecycle_rules().must_have() {
            if declared.attributes.get(path).is_some() || told.contains(&declared.address) {
                continue;
            }
            found.add(|| {
                let (source, span) = places.of(declared, "");
                let message = format!("the key `{path}` is missing");
                Diagnostic::new(&source, span, message).help(format!(
                    "write it here, or point to a persona that has it: `{}`",
                    kinds::PERSONA
                ))
            });
        }
    }
}

/// Two things can't both have been the same one.
fn renamed_twice(config: &Config, places: &mut Places<'_>, found: &mut Found) {
    let mut renamed: HashMap<(&str, &str), &Declared> = HashMap::new();
    for declared in &config.declared {
        let Some(was) = &declared.was else { continue };
        if let Some(first) = renamed.insert((declared.address.kind(), was), declared) {
            found.add(|| {
                let (source, span) = places.of(declared, "was");
                let message =
                    format!("{} and {} both say `was: {was}`", first.address, declared.address);
                Diagnostic::new(&source, span, message).help("only one of them can have been it")
            });
        }
    }
}

/// A slip in `ignore_changes` would let something be changed.
fn ignored_in_vain(config: &Config, places: &mut Places<'_>, found: &mut Found) {
    for declared in &config.declared {
        let Some(kind) = kinds::of(&declared.address) else { continue };
        for word in &declared.lifecycle.ignore_changes {
            if kind.lifecycle_rules().may_ignore(word) {
                continue;
            }
            found.add(|| {
                let place = kind.place(&declared.address, "lifecycle").key("ignore_changes");
                let (source, span) = places.named(declared.file, &place.item(word));
                let message = format!("`{word}` is nothing whose changes can be ignored here");
                let help = format!("a {} has {}", kind.name(), kind.lifecycle_rules().ignorable());
                Diagnostic::new(&source, span, message).help(help)
            });
        }
    }
}

/// What is declared is managed; to release it too says two things.
fn declared_and_released(config: &Config, places: &mut Places<'_>, found: &mut Found) {
    if config.released.is_empty() {
        return;
    }
    let declared: HashMap<String, &Declared> =
        config.declared.iter().map(|held| (held.address.to_string(), held)).collect();
    let both = config.released.iter().filter_map(|(pattern, file)| {
        declared.get(pattern.as_str()).map(|declared| (pattern, *file, *declared))
    });
    for (pattern, file, declared) in both {
        found.add(|| {
            let place = Place::keys([RELEASE]).item(pattern.as_str());
            let (source, span) = places.named(file, &place);
            let (other, again) = places.of(declared, "");
            Diagnostic::new(&source, span, format!("{pattern} is declared and released"))
                .label("released here")
                .related(&other, again, "declared here")
                .help("take the declaration out to stop managing it, or this line to go on")
        });
    }
}

/// Declarations of one thing. Salesforce compares names without case.
fn twice(config: &Config, places: &mut Places<'_>, found: &mut Found) {
    let mut order: Vec<(u64, u32)> = (0..)
        .zip(&config.declared)
        .map(|(number, declared)| (folded_hash(&declared.address), number))
        .collect();
    order.sort_unstable();
    let of = |(_, number): &(u64, u32)| &config.declared[*number as usize];
    let mut pairs: Vec<[&Declared; 2]> = order
        .windows(2)
        .filter(|pair| pair[0].0 == pair[1].0)
        .map(|pair| [of(&pair[0]), of(&pair[1])])
        .filter(|[first, second]| folded(&first.address) == folded(&second.address))
        .collect();
    pairs.sort_by(|left, right| left[0].address.cmp(&right[0].address));
    for pair in pairs {
        found.add(|| {
            let (first, span) = places.of(pair[0], "");
            let (second, again) = places.of(pair[1], "");
            let message = if pair[0].address == pair[1].address {
                format!("{} is declared twice", pair[1].address)
            } else {
                format!(
                    "{} and {} are the same to Salesforce, which ignores case",
                    pair[0].address, pair[1].address
                )
            };
            let diagnostic = Diagnostic::new(&second, again.clone(), message);
            let diagnostic = diagnostic.help("take one of the two out");
            if pair[0].file == pair[1].file && span == again {
                return diagnostic;
            }
            diagnostic.label("again here").related(&first, span, "first here")
        });
    }
}

/// An address as Salesforce compares it.
fn folded(address: &Address) -> String {
    address.folded()
}

/// A hash of [`folded`]; addresses are plain text but for a few.
fn folded_hash(address: &Address) -> u64 {
    let mut hasher = DefaultHasher::new();
    let key = address.key();
    if key.is_ascii() {
        let mut buffer = [0; 96];
        for part in key.chunks(buffer.len()) {
            let lower = &mut buffer[..part.len()];
            lower.copy_from_slice(part);
            lower.make_ascii_lowercase();
            hasher.write(lower);
        }
    } else {
        for part in folded(address).as_bytes().chunks(96) {
            hasher.write(part);
        }
    }
    hasher.finish()
}

/// The names of kinds of which one thing may come to need another that needs it
/// again. Most files have none, and are spared the search for circles.
fn kinds_in_circles(config: &Config) -> HashSet<&str> {
    let mut arrows: HashSet<(&str, &str)> = HashSet::new();
    for declared in &config.declared {
        let kind = declared.address.kind();
        for (_, referred) in declared.attributes.references() {
            let arrow = (kind, referred.kind());
            if !arrows.contains(&arrow) {
                arrows.insert(arrow);
            }
        }
    }
    // What needs nothing that is left can be in no circle, nor what nothing needs.
    let mut open = arrows;
    loop {
        let before = open.len();
        let needing: HashSet<&str> = open.iter().map(|(from, _)| *from).collect();
        let needed: HashSet<&str> = open.iter().map(|(_, to)| *to).collect();
        open.retain(|(from, to)| needing.contains(to) && needed.contains(from));
        if open.len() == before {
            return open.into_iter().map(|(from, _)| from).collect();
        }
    }
}

fn circles(config: &Config, places: &mut Places<'_>) -> Vec<Diagnostic> {
    let kinds = kinds_in_circles(config);
    if kinds.is_empty() {
        return Vec::new();
    }
    let suspects: Vec<&Declared> =
        config.declared.iter().filter(|declared| kinds.contains(declared.address.kind())).collect();
    let numbers: HashMap<&Address, usize> =
        suspects.iter().enumerate().map(|(number, held)| (&held.address, number)).collect();
    let mut order = Order::new(suspects.len());
    for (number, declared) in suspects.iter().enumerate() {
        for (_, referred) in declared.attributes.references() {
            if let Some(first) = numbers.get(referred) {
                order.before(*first, number);
            }
        }
    }
    let Err(cycle) = order.sort() else { return Vec::new() };
    let steps: Vec<&Declared> = cycle.iter().rev().map(|number| suspects[*number]).collect();
    let mut names: Vec<String> =
        steps.iter().map(|declared| declared.address.to_string()).collect();
    names.extend(names.first().cloned());
    if names.len() > STEPS {
        let hidden = names.len() - STEPS;
        names.splice(STEPS / 2..STEPS / 2 + hidden, [format!("({hidden} more)")]);
    }
    let path_to = |declared: &Declared, next: &Declared| {
        declared
            .attributes
            .references()
            .find(|(_, referred)| **referred == next.address)
            .map(|(path, _)| path.to_owned())
            .unwrap_or_default()
    };
    let mut diagnostic: Option<Diagnostic> = None;
    for (index, declared) in steps.iter().enumerate().take(STEPS) {
        let next = steps[(index + 1) % steps.len()];
        let (source, span) = places.of(declared, &path_to(declared, next));
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
