//! What a clone takes over from its base.
//!
//! Setup copies a profile with all that it says; the platform has no call for
//! that, so that what the base's metadata says is laid over the new profile once.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::kinds::settings;
use crate::model::Element;

/// Sections that are copied beside lists of names: the children by which an
/// entry is known, the one that says whether it is on, and what a person calls
/// them.
const COPIED: [(&str, &[&str], Option<&str>, &str); 8] = [
    ("categoryGroupVisibilities", &["dataCategoryGroup"], None, "data category groups"),
    ("fieldPermissions", &["field"], Some("readable"), "field permissions"),
    ("layoutAssignments", &["layout", "recordType"], None, "page layouts"),
    ("objectPermissions", &["object"], Some("allowRead"), "object permissions"),
    ("recordTypeVisibilities", &["recordType"], Some("visible"), "record types"),
    ("tabVisibilities", &["tab"], None, "tabs"),
    ("loginHours", &[], None, "login hours"),
    ("loginIpRanges", &["startAddress"], None, "login IP ranges"),
];
pub const PERMISSIONS: &str = "userPermissions";

/// The children that name an entry of a section; `None` for a section that is
/// not copied.
fn named_by(section: &str) -> Option<Vec<&'static str>> {
    if section == PERMISSIONS {
        return Some(vec!["name"]);
    }
    let list = settings::SECTIONS.iter().find(|(_, element, _, _)| *element == section);
    if let Some((_, _, named, _)) = list {
        return Some(vec![named]);
    }
    COPIED.iter().find(|(name, ..)| *name == section).map(|(_, named, ..)| named.to_vec())
}

fn is_on(entry: &Element) -> bool {
    let switch = settings::SECTIONS
        .iter()
        .find(|(_, element, _, _)| *element == entry.name)
        .map(|(_, _, _, on)| *on)
        .or_else(|| {
            COPIED.iter().find(|(name, ..)| *name == entry.name).and_then(|(_, _, on, _)| *on)
        })
        .or((entry.name == PERMISSIONS).then_some("enabled"));
    let is_hidden_tab = entry.child_text("visibility") == Some("Hidden");
    !is_hidden_tab && switch.is_none_or(|switch| entry.child_is_true(switch))
}

/// What of a base's document a clone takes over.
pub fn taken_over(document: &Element) -> Vec<Element> {
    let is_copied = |entry: &&Element| named_by(&entry.name).is_some() && is_on(entry);
    document.children.iter().filter(is_copied).cloned().collect()
}

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
        let list = settings::SECTIONS.iter().find(|(_, element, _, _)| *element == entry.name);
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
