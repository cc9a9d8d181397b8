//! What a clone takes over from its base.
//!
//! Setup copies a profile with all that it says; the platform has no call for
//! that, so that what the base's metadata says is laid over the new profile once.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::facts::sections::COPIED;
use crate::facts::sections::PERMISSIONS;
use crate::facts::sections::SECTIONS;
use crate::facts::sections::named_by;
use crate::model::Element;

/// The system permissions among what is taken over.
pub fn permissions(base: &[Element]) -> impl Iterator<Item = &str> {
    base.iter()
        .filter(|entry| entry.name == PERMISSIONS)
        .filter_map(|entry| entry.child_text("name"))
}

/// How many of each are taken over beside system permissions, for a person.
pub fn counted(base: &[Element]) -> BTreeSet<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in base {
        let list = SECTIONS.iter().find(|(_, element, _, _)| *element == entry.name);
        let words = list
            .map(|(path, _, _, _)| *path)
            .or_else(|| COPIED.iter().find(|(name, ..)| *name == entry.name).map(|held| held.3));
        if let Some(words) = words {
            *counts.entry(words).or_default() += 1;
        }
    }
    counts
        .into_iter()
        .map(|(words, count)| match words {
            "login hours" => words.to_owned(),
            _ => format!("{} ({count})", words.replace('_', " ")),
        })
        .collect()
}

/// The base's elements with `changed` in place of those about the same things.
pub fn laid_under(base: &[Element], changed: Vec<Element>) -> Vec<Element> {
    let key = |entry: &Element| -> Option<(String, Vec<String>)> {
        let named = named_by(&entry.name)?;
        let names = named
            .iter()
            .map(|child| entry.child_text(child).unwrap_or_default().to_owned())
            .collect();
        Some((entry.name.clone(), names))
    };
    let said: BTreeSet<_> = changed.iter().filter_map(key).collect();
    // Addresses are said as a whole.
    let says_addresses = changed.iter().any(|entry| entry.name == "loginIpRanges");
    let mut elements: Vec<Element> = base
        .iter()
        .filter(|entry| key(entry).is_none_or(|key| !said.contains(&key)))
        .filter(|entry| !(says_addresses && entry.name == "loginIpRanges"))
        .cloned()
        .collect();
    elements.extend(changed);
    elements.sort_by(|left, right| left.name.cmp(&right.name));
    elements
}
