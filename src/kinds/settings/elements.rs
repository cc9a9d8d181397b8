//! Settings as metadata elements: read from a document, written as one.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::record_types;
use crate::facts::sections::SECTIONS;
use crate::model::Attributes;
use crate::model::Element;
use crate::model::Value;

/// What holds settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// An overlay, with defaults of its own.
    Profile,
    /// Owned as a whole.
    PermissionSet,
}

/// How visible a tab is: our path, the word in a profile and in a set.
const TABS: [(&str, &str, &str); 3] = [
    ("tabs.available", "DefaultOff", "Available"),
    ("tabs.hidden", "Hidden", "None"),
    ("tabs.visible", "DefaultOn", "Visible"),
];
const DEFAULT_APP: &str = "default_app";

impl Holder {
    fn tab_section(self) -> &'static str {
        match self {
            Self::Profile => "tabVisibilities",
            Self::PermissionSet => "tabSettings",
        }
    }

    fn tab_word(self, (_, profile, set): (&str, &'static str, &'static str)) -> &'static str {
        match self {
            Self::Profile => profile,
            Self::PermissionSet => set,
        }
    }
}

fn flag(name: &str, on: bool) -> Element {
    Element::text(name, if on { "true" } else { "false" })
}

fn section(name: &str, mut children: Vec<Element>) -> Element {
    // The WSDL's order is that of the names.
    children.sort_by(|left, right| left.name.cmp(&right.name));
    Element::parent(name, children)
}

/// Takes what a document says of settings into attributes.
pub fn observe(holder: Holder, document: &Element, attributes: &mut Attributes) {
    for (path, element, named, on) in SECTIONS {
        let names: BTreeSet<String> = document
            .all(element)
            .filter(|entry| entry.child_is_true(on))
            .filter_map(|entry| entry.child_text(named).map(str::to_owned))
            .collect();
        if !names.is_empty() {
            attributes.set(path, Value::Set(names));
        }
    }
    for tab in TABS {
        let names: BTreeSet<String> = document
            .all(holder.tab_section())
            .filter(|entry| entry.child_text("visibility") == Some(holder.tab_word(tab)))
            .filter_map(|entry| entry.child_text("tab").map(str::to_owned))
            .collect();
        // A set without a tab says no more than that.
        let says_something = holder == Holder::Profile || tab.0 != "tabs.hidden";
        if says_something && !names.is_empty() {
            attributes.set(tab.0, Value::Set(names));
        }
    }
    if holder == Holder::Profile {
        let default = document
            .all("applicationVisibilities")
            .find(|entry| entry.child_is_true("default"))
            .and_then(|entry| entry.child_text("application"));
        attributes.set_some(DEFAULT_APP, default.map(|name| Value::Text(name.to_owned())));
    }
    record_types::observe(holder, document, attributes);
}

/// The elements that bring settings from `before` to `after`, and no others:
/// what is on no more is said to be off. `seen` is all that was observed, for
/// what has to be said along with a change.
pub fn differing(before: &Attributes, after: &Attributes, seen: &Attributes) -> Vec<Element> {
    let mut elements = Vec::new();
    for (path, element, named, on) in SECTIONS {
        let (was, is): (BTreeSet<&str>, BTreeSet<&str>) =
            (before.names(path).collect(), after.names(path).collect());
        let old_default = seen.text(DEFAULT_APP).or_else(|| before.text(DEFAULT_APP));
        let default = (old_default, after.text(DEFAULT_APP));
        let is_apps = path == "apps";
        let mut touched: BTreeSet<&str> = was.symmetric_difference(&is).copied().collect();
        if is_apps && default.1.is_some() && default.0 != default.1 {
            // There is one default: the old one is taken back in the same call.
            touched.extend(default.1.into_iter().chain(default.0));
        }
        for name in touched {
            let was_seen_on = seen.names(path).any(|seen| seen == name) && !was.contains(name);
            // What the file says nothing of stays as it was seen.
            let is_default = default.1.or(default.0.filter(|_| is.contains(name))) == Some(name);
            let is_on = is.contains(name) || is_default || was_seen_on;
            let mut children = vec![Element::text(named, name), flag(on, is_on)];
            if is_apps {
                children.push(flag("default", is_default));
            }
            elements.push(section(element, children));
        }
    }
    elements.extend(tabs(Holder::Profile, before, after, false));
    elements.extend(record_types::differing(before, after, seen));
    elements
}

/// All elements of a set's settings, and those that are on no more as off.
pub fn whole(before: &Attributes, after: &Attributes) -> Vec<Element> {
    let mut elements = Vec::new();
    for (path, element, named, on) in SECTIONS {
        let is: BTreeSet<&str> = after.names(path).collect();
        let names: BTreeSet<&str> = before.names(path).chain(is.iter().copied()).collect();
        for name in names {
            let children = vec![Element::text(named, name), flag(on, is.contains(name))];
            elements.push(section(element, children));
        }
    }
    elements.extend(tabs(Holder::PermissionSet, before, after, true));
    elements.extend(record_types::whole(before, after));
    elements
}

fn tabs(holder: Holder, before: &Attributes, after: &Attributes, with_equal: bool) -> Vec<Element> {
    let levels = |attributes: &Attributes| -> BTreeMap<String, &'static str> {
        TABS.iter()
            .flat_map(|tab| {
                attributes.names(tab.0).map(|name| (name.to_owned(), holder.tab_word(*tab)))
            })
            .collect()
    };
    let (was, is) = (levels(before), levels(after));
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    names
        .into_iter()
        .filter(|name| with_equal || was.get(*name) != is.get(*name))
        .map(|name| {
            let word = is.get(name).copied().unwrap_or_else(|| holder.tab_word(TABS[1]));
            section(
                holder.tab_section(),
                vec![Element::text("tab", name.as_str()), Element::text("visibility", word)],
            )
        })
        .collect()
}
