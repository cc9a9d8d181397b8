//! Values of attributes, and their differences, as lines.

use std::collections::BTreeSet;

use similar::ChangeTag;
use similar::TextDiff;

use crate::cli::painter::Painter;
use crate::cli::painter::Tone;
use crate::model::Value;
use crate::text::shown;

/// Lines are kept within this many columns.
pub const WIDTH: usize = 80;
/// A text longer than this is shown by its differing words.
const LONG_TEXT: usize = 60;

/// A value on one line.
pub fn inline(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("{text:?}"),
        Value::Flag(flag) => flag.to_string(),
        Value::Reference(address) => shown::line(address.name()).into_owned(),
        Value::Set(names) if names.is_empty() => "(none)".to_owned(),
        Value::Set(names) => {
            names.iter().map(|name| shown::line(name)).collect::<Vec<_>>().join(", ")
        }
    }
}

/// A path as it is shown: one of several references, each under its name, needs no
/// name twice.
pub fn shown_path<'a>(path: &'a str, value: &Value) -> &'a str {
    let named = match value {
        Value::Reference(address) => path.strip_suffix(address.name()),
        _ => None,
    };
    named.and_then(|path| path.strip_suffix('.')).unwrap_or(path)
}

/// Names with commas, in lines that fit, each after `indent` spaces.
pub fn wrapped(names: &[String], indent: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for (index, name) in names.iter().enumerate() {
        let name = shown::line(name);
        let piece = if index + 1 < names.len() { format!("{name},") } else { name.into_owned() };
        let needed = piece.chars().count() + usize::from(!line.is_empty());
        if !line.is_empty() && indent + line.chars().count() + needed > WIDTH {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&piece);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// A text in lines that fit.
pub fn folded_text(text: &str, indent: usize) -> Vec<String> {
    let words: Vec<String> = shown::line(text).split(' ').map(str::to_owned).collect();
    folded(&words, indent)
}

/// Words in lines that fit.
pub fn folded(words: &[String], indent: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if indent + line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.clone()),
        }
    }
    lines
}

/// Two texts, old to new: whole when short, by differing words when long, by
/// differing lines when they have several.
pub fn text_difference(old: &str, new: &str, painter: Painter) -> Vec<String> {
    if old.contains('\n') || new.contains('\n') {
        let difference = TextDiff::from_lines(old, new);
        let mut lines = Vec::new();
        let mut unchanged = 0;
        for change in difference.iter_all_changes() {
            let text = shown::line(change.value().trim_end_matches('\n'));
            match change.tag() {
                ChangeTag::Equal => unchanged += 1,
                ChangeTag::Delete => lines.push(painter.paint(Tone::Removed, &format!("- {text}"))),
                ChangeTag::Insert => lines.push(painter.paint(Tone::Added, &format!("+ {text}"))),
            }
        }
        if unchanged > 0 {
            lines.push(
                painter.paint(Tone::Faint, &format!("# ({unchanged} unchanged lines hidden)")),
            );
        }
        return lines;
    }
    if old.chars().count() <= LONG_TEXT && new.chars().count() <= LONG_TEXT {
        return vec![format!("{old:?} -> {new:?}")];
    }
    let difference = TextDiff::from_words(old, new);
    let mut line = String::new();
    let mut unchanged = 0;
    for change in difference.iter_all_changes() {
        match change.tag() {
            ChangeTag::Equal => {
                if !change.value().trim().is_empty() {
                    unchanged += 1;
                }
                if unchanged == 1 || change.value().trim().is_empty() {
                    line.push_str(if line.ends_with(' ') || line.is_empty() { "" } else { " " });
                }
            }
            ChangeTag::Delete => {
                line.push_str(
                    &painter.paint(Tone::Removed, &format!("[-{}-]", shown::line(change.value()))),
                );
            }
            ChangeTag::Insert => {
                line.push_str(
                    &painter.paint(Tone::Added, &format!("{{+{}+}}", shown::line(change.value()))),
                );
            }
        }
    }
    vec![format!("{} # ({unchanged} unchanged words hidden)", line.trim())]
}

/// What is only in one of two sets, and how many are in both.
pub fn set_difference(
    old: &BTreeSet<String>,
    new: &BTreeSet<String>,
) -> (Vec<String>, Vec<String>, usize) {
    let removed = old.difference(new).cloned().collect();
    let added = new.difference(old).cloned().collect();
    (removed, added, old.intersection(new).count())
}

#[cfg(test)]
mod tests {
    use super::WIDTH;
    use super::text_difference;
    use super::wrapped;
    use crate::cli::painter::Painter;

    #[test]
    fn wrapped_lines_fit_and_lose_nothing() {
        let names: Vec<String> = (0..60).map(|n| format!("Field_{n}__c")).collect();
        let lines = wrapped(&names, 10);
        assert!(lines.iter().all(|line| line.len() + 10 <= WIDTH), "{lines:#?}");
        assert_eq!(lines.join(" "), names.join(", "));
    }

    #[test]
    fn a_long_text_shows_only_the_words_that_differ() {
        let old = "one two three four five six seven eight nine ten eleven twelve thirteen";
        let new = "one two three four five six 7 eight nine ten eleven twelve thirteen";
        let lines = text_difference(old, new, Painter::plain());
        assert_eq!(lines, ["[-seven-]{+7+} # (12 unchanged words hidden)"]);
    }

    #[test]
    fn several_lines_show_only_the_lines_that_differ() {
        let lines = text_difference("a\nb\nc", "a\nB\nc", Painter::plain());
        assert_eq!(lines, ["- b", "+ B", "# (2 unchanged lines hidden)"]);
    }
}
