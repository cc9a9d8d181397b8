//! What users may do, in words: risky things first, then system permissions,
//! objects and fields, each with through what.

use crate::text::words::few;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::values::folded_text;
use crate::cli::painter::Painter;
use crate::cli::painter::Tone;
use crate::engine::SeenUser;
use crate::kinds;
use crate::model::AccessChange;
use crate::model::EVERY;
use crate::model::ObjectAccess;
use crate::model::Right;
use crate::model::SourceName;
use crate::model::SourcedRight;
use crate::text::shown;

/// Users named before they are counted.
const NAMED: usize = 3;
/// System permissions listed in a plan before they are counted.
const LISTED: usize = 8;

/// What a plan changes, for a person.
pub fn changes(changes: &[AccessChange], painter: Painter) -> String {
    const MOST: usize = 20;
    if changes.is_empty() {
        return String::new();
    }
    let mut text = "What this means for users:\n\n".to_owned();
    for change in changes.iter().take(MOST) {
        text.push_str(&format!("  {}\n", painter.paint(Tone::Strong, &who(change))));
        for (sign, tone, rights) in
            [("+", Tone::Added, &change.gains), ("-", Tone::Removed, &change.losses)]
        {
            let sorted = Sorted::of(rights);
            for line in sorted.risky_lines() {
                let rows = folded_text(&line, 8).join("\n        ");
                let mark = painter.paint(tone, sign);
                text.push_str(&format!(
                    "    {mark} {} {rows}\n",
                    painter.paint(Tone::Changed, "!")
                ));
            }
            for (through, lines) in sorted.lines_by_source() {
                text.push_str(&format!("    {} {through}:\n", painter.paint(tone, sign)));
                for line in lines {
                    let rows = folded_text(&line, 10).join("\n          ");
                    text.push_str(&format!("        {rows}\n"));
                }
            }
        }
        for source in &change.unknown {
            let line = unknown(source);
            text.push_str(&format!("    ? {}\n", folded_text(&line, 8).join("\n        ")));
        }
        text.push('\n');
    }
    if changes.len() > MOST {
        let rest: usize = changes[MOST..].iter().map(|change| change.users.len()).sum();
        text.push_str(&format!("  and {rest} more users; --json tells all\n\n"));
    }
    text
}

/// A source whose grants were not asked.
pub fn unknown(source: &SourceName) -> String {
    format!("what {source} grants; `orgform plan` asks the org for it")
}

/// Who is affected.
pub fn who(change: &AccessChange) -> String {
    few(change.users.iter().map(|user| shown::line(user)), NAMED)
}

fn listed(through: &BTreeSet<&SourceName>) -> String {
    let names: Vec<String> = through.iter().map(ToString::to_string).collect();
    format!("by {}", names.join(" and by "))
}

/// Rights by what they are about.
pub struct Sorted<'a> {
    /// Name, reason and sources of what gives power over the whole org.
    pub risky: Vec<(String, String, BTreeSet<&'a SourceName>)>,
    /// Labels of the other system permissions, by sources.
    pub system: BTreeMap<BTreeSet<&'a SourceName>, Vec<String>>,
    /// Objects with sources and words.
    pub objects: Vec<(String, BTreeSet<&'a SourceName>, Vec<String>)>,
    /// Objects with sources, fields that can only be read and that can be edited.
    pub fields: Vec<(String, BTreeSet<&'a SourceName>, Vec<String>, Vec<String>)>,
}

impl<'a> Sorted<'a> {
    /// What gives power over the whole org, each with why and through what.
    pub fn risky_lines(&self) -> Vec<String> {
        let line = |(name, reason, through): &(String, String, BTreeSet<&SourceName>)| {
            format!("{name}: {reason} ({})", listed(through))
        };
        self.risky.iter().map(line).collect()
    }

    /// The rest, by through what.
    pub fn lines_by_source(&self) -> BTreeMap<String, Vec<String>> {
        let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (through, names) in &self.system {
            lines.entry(listed(through)).or_default().push(few(names, LISTED));
        }
        for (object, through, words) in &self.objects {
            let line = format!("{object}: {}", words.join(", "));
            lines.entry(listed(through)).or_default().push(line);
        }
        for (object, through, read, edit) in &self.fields {
            let mut parts = Vec::new();
            for (names, word) in [(edit, "edit"), (read, "read")] {
                match names.as_slice() {
                    [] => {}
                    [only] if only == EVERY => parts.push(format!("{word} all")),
                    [only] => parts.push(format!("{word} {only}")),
                    several => parts.push(format!("{word} {}", several.len())),
                }
            }
            let line = format!("fields of {object}: {}", parts.join(", "));
            lines.entry(listed(through)).or_default().push(line);
        }
        lines
    }

    /// Sorts.
    pub fn of(rights: &'a [SourcedRight]) -> Self {
        let mut risky: Vec<(usize, (String, String, BTreeSet<&SourceName>))> = Vec::new();
        let mut system: BTreeMap<BTreeSet<&SourceName>, Vec<String>> = BTreeMap::new();
        let mut objects: BTreeMap<(&str, BTreeSet<&SourceName>), Vec<ObjectAccess>> =
            BTreeMap::new();
        let mut fields: BTreeMap<(&str, BTreeSet<&SourceName>), BTreeMap<&str, bool>> =
            BTreeMap::new();
        for SourcedRight { right, through } in rights {
            let through: BTreeSet<&SourceName> = through.iter().collect();
            match right {
                Right::System(name) => {
                    let label = kinds::permission_label(name).to_owned();
                    match kinds::risk(name) {
                        Some((rank, reason)) => {
                            risky.push((rank, (label, reason.to_owned(), through)));
                        }
                        None => system.entry(through).or_default().push(label),
                    }
                }
                Right::Object { object, access } => {
                    objects.entry((object, through)).or_default().push(*access);
                }
                Right::Field { object, field, edit } => {
                    let held = fields.entry((object, through)).or_default().entry(field);
                    *held.or_insert(false) |= *edit;
                }
            }
        }
        risky.sort_by_key(|(rank, _)| *rank);
        let mut sorted = Self {
            risky: risky.into_iter().map(|(_, held)| held).collect(),
            system,
            objects: Vec::new(),
            fields: Vec::new(),
        };
        for ((object, through), held) in objects {
            // All records of an object, whatever sharing says.
            let reason = if held.contains(&ObjectAccess::ModifyAll) {
                Some("reads, changes and deletes every record of it, whatever sharing says")
            } else if held.contains(&ObjectAccess::ViewAll) {
                Some("reads every record of it, whatever sharing says")
            } else {
                None
            };
            let words = in_order(&held);
            if object == EVERY {
                sorted.objects.push(("every object".to_owned(), through, words));
            } else if let Some(reason) = reason {
                let name = format!("{object}: {}", words.join(", "));
                sorted.risky.push((name, reason.to_owned(), through));
            } else {
                sorted.objects.push((object.to_owned(), through, words));
            }
        }
        for ((object, through), held) in fields {
            let names = |wanted: bool| {
                let names = held.iter().filter(|(_, edit)| **edit == wanted);
                names.map(|(name, _)| (*name).to_owned()).collect()
            };
            sorted.fields.push((object.to_owned(), through, names(false), names(true)));
        }
        sorted
    }
}

/// Accesses in words, in the order of Setup.
fn in_order(held: &[ObjectAccess]) -> Vec<String> {
    const ORDER: [ObjectAccess; 7] = [
        ObjectAccess::Read,
        ObjectAccess::Create,
        ObjectAccess::Edit,
        ObjectAccess::Delete,
        ObjectAccess::ViewAll,
        ObjectAccess::ModifyAll,
        ObjectAccess::ViewAllFields,
    ];
    let shown = ORDER.iter().filter(|access| held.contains(access));
    shown.map(|access| access.word().replace('_', " ")).collect()
}

/// What one user may do, for a person.
pub fn explanation(
    user: &SeenUser,
    unknown_sources: &[SourceName],
    rights: &[SourcedRight],
    object: Option<&str>,
    painter: Painter,
) -> String {
    let sorted = Sorted::of(rights);
    let standing = if user.is_active { "" } else { " (not active: it can do nothing now)" };
    let about = object.map(|object| format!(", about {object}")).unwrap_or_default();
    let mut text = format!(
        "{}{standing} may do this{about}, by\n",
        painter.paint(Tone::Strong, &user.username)
    );
    for source in &user.sources {
        text.push_str(&format!("  {}\n", source.name));
    }
    for source in unknown_sources {
        text.push_str(&format!("  {source} (what it grants is not known without the org)\n"));
    }
    if rights.is_empty() {
        text.push_str("\nNothing that is known.\n");
        return text;
    }
    let mut section = |title: &str, lines: Vec<String>| {
        if lines.is_empty() {
            return;
        }
        text.push_str(&format!("\n{}\n", painter.paint(Tone::Strong, title)));
        for line in lines {
            text.push_str(&format!("  {}\n", folded_text(&line, 4).join("\n    ")));
        }
    };
    section("Power over the whole org, or over all records of an object", sorted.risky_lines());
    let system = sorted
        .system
        .iter()
        .map(|(through, names)| format!("{} ({})", names.join(", "), listed(through)));
    section("System permissions", system.collect());
    let objects = sorted.objects.iter().map(|(object, through, words)| {
        format!("{object}: {} ({})", words.join(", "), listed(through))
    });
    section("Objects", objects.collect());
    let fields = sorted.fields.iter().flat_map(|(object_name, through, read, edit)| {
        [(edit, "edit"), (read, "read")].into_iter().filter(|(names, _)| !names.is_empty()).map(
            move |(names, word)| {
                let names = if names.iter().any(|name| name == EVERY) {
                    "all".to_owned()
                } else if object.is_some() {
                    names.join(", ")
                } else {
                    names.len().to_string()
                };
                format!("{object_name}: {word} {names} ({})", listed(through))
            },
        )
    });
    section("Fields", fields.collect());
    text
}
