//! The usual layout of a file: two spaces a level, no trailing spaces, one
//! blank line where there were several.
//!
//! Only white space is touched, so that comments, quotes and order stay as they
//! are. What comes out is read again and must say the same; a file for which
//! that fails is left alone.

use std::collections::HashMap;
use std::ops::Range;

use super::cut;
use super::diagnostic::Diagnostic;
use super::diagnostic::Found;
use super::diagnostic::Source;
use super::scan;
use super::tree::Tree;

/// Spaces a level.
const STEP: usize = 2;

/// Why a file was not laid out.
#[derive(Debug)]
pub enum FormatError {
    /// It can't be read.
    Unreadable(Vec<Diagnostic>),
    /// Laid out it would say something else.
    WouldChange,
}

/// A file's text in the usual layout.
///
/// # Errors
/// When it is no YAML, or would say something else.
pub fn format(source: &Source) -> Result<String, FormatError> {
    if let Some(diagnostic) = scan::refuse(source) {
        return Err(FormatError::Unreadable(vec![diagnostic]));
    }
    // It is laid out as one.
    cut::bounded(source, 0..source.text.len())
        .map_err(|diagnostic| FormatError::Unreadable(vec![diagnostic]))?;
    let mut repeated = Found::default();
    let tree = Tree::build(source, &mut repeated)
        .map_err(|diagnostic| FormatError::Unreadable(vec![diagnostic]))?;
    if !repeated.is_empty() {
        return Err(FormatError::Unreadable(repeated.reported));
    }
    let text = laid_out(&source.text, &tree);
    let formatted = Source::new(&source.path, &text);
    let again =
        Tree::build(&formatted, &mut Found::default()).map_err(|_| FormatError::WouldChange)?;
    let words = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    };
    if tree.says_the_same_as(&again) && words(&source.text) == words(&text) {
        Ok(text)
    } else {
        Err(FormatError::WouldChange)
    }
}

/// One level of indentation: as it is, as it will be, and whether it is that
/// of a list's dashes.
#[derive(Clone, Copy)]
struct Level {
    old: usize,
    new: usize,
    is_list: bool,
}

/// What a line is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Blank,
    Comment,
    /// It belongs to a value that began on this earlier line.
    Inside(usize),
    /// It begins an entry.
    Entry,
    /// `---` and the like.
    Marker,
}

fn laid_out(text: &str, tree: &Tree) -> String {
    // The line end that most lines have.
    let windows = text.matches("\r\n").count();
    let end = if windows * 2 > text.matches('\n').count() { "\r\n" } else { "\n" };
    let lines: Vec<&str> = text.lines().collect();
    let sorts = sorts(text, &lines, tree);
    let mut indents: Vec<usize> = vec![0; lines.len()];
    let mut levels: Vec<Level> = Vec::new();
    for number in 0..lines.len() {
        indents[number] = match sorts[number] {
            Line::Blank => 0,
            Line::Marker => {
                levels.clear();
                0
            }
            Line::Inside(owner) => {
                let (old, new) = (indent(lines[owner]), indents[owner]);
                (indent(lines[number]) + new).saturating_sub(old)
            }
            Line::Comment => continue,
            Line::Entry => entry(lines[number], &mut levels),
        };
    }
    comments(&lines, &sorts, &mut indents);
    let mut laid_out = String::with_capacity(text.len());
    let mut blank = 0;
    for (number, line) in lines.iter().enumerate() {
        match sorts[number] {
            Line::Blank => {
                blank += 1;
                continue;
            }
            // Spaces at the end may belong to a value.
            Line::Inside(_) if line.trim().is_empty() => laid_out.push_str(line),
            Line::Inside(_) => {
                laid_out.push_str(&" ".repeat(indents[number]));
                laid_out.push_str(line.trim_start_matches(' '));
            }
            _ => {
                if blank > 0 && !laid_out.is_empty() {
                    laid_out.push_str(end);
                }
                laid_out.push_str(&" ".repeat(indents[number]));
                laid_out.push_str(line.trim());
            }
        }
        blank = 0;
        laid_out.push_str(end);
    }
    laid_out
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// The new indentation of a line that begins an entry.
fn entry(line: &str, levels: &mut Vec<Level>) -> usize {
    let old = indent(line);
    let text = line.trim_start_matches(' ');
    let is_item = |text: &str| text == "-" || text.starts_with("- ");
    while let Some(level) = levels.last()
        && (level.old > old || (level.old == old && level.is_list && !is_item(text)))
    {
        levels.pop();
    }
    let new = match levels.last() {
        None => 0,
        Some(level) if level.old < old => level.new + STEP,
        // The dashes of a list may stand below the letters of its key.
        Some(level) if is_item(text) && !level.is_list => level.new + STEP,
        Some(level) => level.new,
    };
    let is_new =
        levels.last().is_none_or(|level| level.old < old || (is_item(text) && !level.is_list));
    if is_new {
        levels.push(Level { old, new, is_list: is_item(text) });
    }
    // What follows a dash on its line is a level of its own.
    let (mut old, mut to, mut rest) = (old, new, text);
    while let Some(after) = rest.strip_prefix('-').filter(|_| is_item(rest)) {
        let inner = after.trim_start_matches(' ');
        if inner.is_empty() {
            break;
        }
        let width = rest.len() - inner.len();
        old += width;
        to += width;
        levels.push(Level { old, new: to, is_list: is_item(inner) });
        rest = inner;
    }
    new
}

/// A comment stands where what it is about stands: the entry below it, or,
/// where it is indented otherwise, the entry above it with that indentation.
fn comments(lines: &[&str], sorts: &[Line], indents: &mut [usize]) {
    let is_entry = |number: usize| matches!(sorts[number], Line::Entry | Line::Marker);
    let mut below: Vec<Option<usize>> = vec![None; lines.len()];
    let mut next = None;
    for number in (0..lines.len()).rev() {
        below[number] = next;
        if is_entry(number) {
            next = Some(number);
        }
    }
    let mut above: HashMap<usize, usize> = HashMap::new();
    for number in 0..lines.len() {
        let own = indent(lines[number]);
        if is_entry(number) {
            above.insert(own, number);
        }
        if sorts[number] != Line::Comment {
            continue;
        }
        indents[number] = match below[number] {
            Some(below) if indent(lines[below]) == own => indents[below],
            below => match above.get(&own) {
                Some(above) => indents[*above],
                None => below.map_or(0, |below| indents[below]),
            },
        };
    }
}

/// What each line is.
fn sorts(text: &str, lines: &[&str], tree: &Tree) -> Vec<Line> {
    let mut starts = Vec::with_capacity(lines.len());
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        starts.push(at);
        at += line.len();
    }
    let line_of = |byte: usize| starts.partition_point(|start| *start <= byte).saturating_sub(1);
    let mut owners: Vec<Option<usize>> = vec![None; lines.len()];
    let mut belongs = |first: usize, rest: Range<usize>| {
        for line in rest {
            if line < owners.len() {
                let owner = owners[first].unwrap_or(first);
                owners[line].get_or_insert(owner);
            }
        }
    };
    for span in tree.many_lined_values() {
        let (first, last) = (line_of(span.start), line_of(span.end.saturating_sub(1)));
        belongs(first, first + 1..last + 1);
    }
    for (number, line) in lines.iter().enumerate() {
        if opens_block(line) {
            let own = indent(line);
            let is_inside = |line: &&str| line.trim().is_empty() || indent(line) > own;
            let count = lines[number + 1..].iter().take_while(|line| is_inside(line)).count();
            // Blank lines at its end belong to nothing, unless they are to be kept.
            let body = &lines[number + 1..number + 1 + count];
            let last = body.iter().rposition(|line| !line.trim().is_empty());
            let keeps_all = line.split(" #").next().unwrap_or(line).contains('+');
            let kept = if keeps_all { count } else { last.map_or(0, |at| at + 1) };
            belongs(number, number + 1..number + 1 + kept);
        }
    }
    lines
        .iter()
        .enumerate()
        .map(|(number, line)| match owners[number] {
            Some(owner) => Line::Inside(owner),
            None if line.trim().is_empty() => Line::Blank,
            None if line.trim_start().starts_with('#') => Line::Comment,
            None if line.starts_with("---") || line.starts_with("...") || line.starts_with('%') => {
                Line::Marker
            }
            None => Line::Entry,
        })
        .collect()
}

/// Whether a line ends in the sign that opens a block of text.
fn opens_block(line: &str) -> bool {
    let line = line.split(" #").next().unwrap_or(line).trim_end();
    let header = line.rsplit(' ').next().unwrap_or_default();
    let is_header = header.starts_with(['|', '>'])
        && header[1..].chars().all(|character| matches!(character, '+' | '-' | '0'..='9'));
    let before = line[..line.len() - header.len()].trim_end();
    is_header && (before.ends_with(':') || before.ends_with('-') || before.is_empty())
}

#[cfg(test)]
mod tests {
    use super::FormatError;
    use super::format;
    use crate::config::Source;

    fn formatted(text: &str) -> String {
        match format(&Source::new("a.yaml", text)) {
            Ok(text) => text,
            Err(FormatError::WouldChange) => panic!("it would change"),
            Err(FormatError::Unreadable(found)) => panic!("{found:?}"),
        }
    }

    #[test]
    fn levels_have_two_spaces_and_comments_stay_with_what_they_are_about() {
        let text = "# top\n\n\n\nusers:   \n    # about a\n    a@b.c:\n        last_name: A   # why\n        permission_sets:\n        - One\n        -   Two\n          # the last\n        was: x\n    # gone: for now\nprofiles:\n      P:  {clone_from: Q}\n\n\n";
        let expected = "# top\n\nusers:\n  # about a\n  a@b.c:\n    last_name: A   # why\n    permission_sets:\n      - One\n      -   Two\n    # the last\n    was: x\n  # gone: for now\nprofiles:\n  P:  {clone_from: Q}\n";
        assert_eq!(formatted(text), expected);
        assert_eq!(formatted(expected), expected);
    }

    #[test]
    fn texts_of_several_lines_keep_what_they_say() {
        let text = "a:\n    b: |\n        one\n          two  \n\n        three\n    c: \"x\n        y\"\n    d: [1,\n        2] # so\n    e: >-\n     folded\n     text\nf: 1\n";
        let expected = "a:\n  b: |\n      one\n        two  \n\n      three\n  c: \"x\n      y\"\n  d: [1,\n      2] # so\n  e: >-\n   folded\n   text\nf: 1\n";
        assert_eq!(formatted(text), expected);
    }

    #[test]
    fn a_text_before_a_less_indented_key_moves_with_its_own() {
        let text = "p:\n    A:\n        d: |\n            t\n            u\n    B: 1\n";
        let expected = "p:\n  A:\n    d: |\n        t\n        u\n  B: 1\n";
        assert_eq!(formatted(text), expected);
        let kept = "a:\n    d: |+\n        t\n\n\n    e: 1\n";
        assert_eq!(formatted(kept), "a:\n  d: |+\n      t\n\n\n  e: 1\n");
    }

    #[test]
    fn line_ends_are_kept_and_items_within_items_move_together() {
        let text = "a:\r\n-  - x: 1\r\n     y: 2\r\n   - z\r\n";
        assert_eq!(formatted(text), "a:\r\n  -  - x: 1\r\n       y: 2\r\n     - z\r\n");
    }
}
