//! A large file in pieces that are read one after the other, so that no more than one of
//! them is ever held as a tree: a tree takes many times the bytes of its text.
//!
//! Cut is between the entries of a section, where each stands on lines of its own, and
//! between sections. What can't be cut is read whole up to a size, and refused beyond it.

use std::collections::HashMap;
use std::ops::Range;

use super::RELEASE;
use super::diagnostic::Diagnostic;
use super::diagnostic::Source;
use super::personas::PERSONAS;
use super::scan::Scan;
use super::suffixes::SUFFIXES;
use crate::kinds;

/// A text of this size is not cut, and a piece has about this size.
pub const PIECE: usize = 256 << 10;
/// The largest piece that is read.
const LARGEST: usize = 16 << 20;
/// In a large piece there is no more than one value for so many bytes.
const BYTES_A_VALUE: usize = 7;
/// What makes a piece a document.
const VERSION: &str = "version: 1\n";

/// A part of a file: lines of a section below its head, or whole sections.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The line of the section's name; empty where the body has it.
    head: Range<usize>,
    body: Range<usize>,
    says_version: bool,
}

/// A file that was cut.
#[derive(Debug, Default)]
pub struct Cut {
    /// Its pieces, in order.
    pub pieces: Vec<Piece>,
    /// Whether it says its version.
    pub has_version: bool,
    /// What is wrong with it already.
    pub found: Vec<Diagnostic>,
}

impl Piece {
    /// The piece as a document of its own.
    pub fn document(&self, file: &Source) -> Source {
        let text = &file.text;
        let version = if self.says_version { "" } else { VERSION };
        let text = format!("{version}{}{}", &text[self.head.clone()], &text[self.body.clone()]);
        Source::of(file.path.clone(), text)
    }

    /// The bytes of the file that the piece is of.
    pub fn body(&self) -> Range<usize> {
        self.body.clone()
    }

    /// A place of the document as a place of the file.
    pub fn place(&self, span: &Range<usize>) -> Range<usize> {
        let before = if self.says_version { 0 } else { VERSION.len() } + self.head.len();
        let place = |at: usize| at.saturating_sub(before) + self.body.start;
        place(span.start)..place(span.end)
    }

    /// Something found in the document, where it stands in the file.
    pub fn placed_in(&self, file: &Source, mut found: Diagnostic) -> Diagnostic {
        for at in std::iter::once(&mut found.at).chain(&mut found.related) {
            at.span = self.place(&at.span);
            at.source = file.clone();
        }
        found
    }

    fn len(&self) -> usize {
        self.body.len()
    }
}

/// A key at the left edge, with all below it.
struct Block {
    key: String,
    head: Range<usize>,
    end: usize,
    /// Whether nothing but a comment follows the key on its line.
    is_open: bool,
    /// By how much its entries are indented.
    indent: Option<usize>,
    /// Where entries begin.
    entries: Vec<usize>,
}

/// Cuts a file; `None` where it is small, or nothing in it tells where to cut.
///
/// # Errors
/// When a part of it is larger than what is read at once.
pub fn cut(file: &Source) -> Result<Option<Cut>, Diagnostic> {
    if file.text.len() <= PIECE {
        return Ok(None);
    }
    let Some(blocks) = blocks(&file.text) else {
        return bounded(file, 0..file.text.len()).map(|()| None);
    };
    let mut cut = Cut::default();
    let mut first: HashMap<&str, &Block> = HashMap::new();
    for block in &blocks {
        if let Some(first) = first.get(block.key.as_str()).filter(|_| is_known(&block.key)) {
            let name = |block: &Block| block.head.start..block.head.start + block.key.len();
            let again =
                Diagnostic::new(file, name(block), format!("`{}` stands here twice", block.key));
            cut.found.push(again.label("again here").related(file, name(first), "first here"));
            continue;
        }
        first.insert(&block.key, block);
        cut.has_version |= block.key == "version";
        let is_section = kinds::SECTIONS.contains(&block.key.as_str()) || block.key == PERSONAS;
        if is_section && block.is_open && !block.entries.is_empty() {
            cut.pieces.extend(entries(block));
        } else {
            whole(block, &mut cut.pieces);
        }
    }
    for piece in &cut.pieces {
        bounded(file, piece.body.clone())?;
    }
    Ok(Some(cut))
}

/// A section's entries in pieces.
fn entries(block: &Block) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut start = block.head.end;
    let ends = block.entries.iter().copied().skip(1).chain([block.end]);
    let mut last = start;
    for end in ends {
        if end - start > PIECE && last > start {
            pieces.push(Piece { head: block.head.clone(), body: start..last, says_version: false });
            start = last;
        }
        last = end;
    }
    pieces.push(Piece { head: block.head.clone(), body: start..block.end, says_version: false });
    pieces
}

/// A section that is not cut, with the one before it where that is small too.
fn whole(block: &Block, pieces: &mut Vec<Piece>) {
    let body = block.head.start..block.end;
    let says_version = block.key == "version";
    match pieces.last_mut() {
        Some(last)
            if last.head.is_empty()
                && last.body.end == body.start
                && last.len() + body.len() <= PIECE =>
        {
            last.body.end = body.end;
            last.says_version |= says_version;
        }
        _ => pieces.push(Piece { head: 0..0, body, says_version }),
    }
}

/// Refuses a part that would take too much when it is read.
///
/// # Errors
/// When it is too large, or has too many values for its size.
pub fn bounded(file: &Source, range: Range<usize>) -> Result<(), Diagnostic> {
    let text = &file.text[range.clone()];
    if text.len() <= PIECE {
        return Ok(());
    }
    let refused = |message: String| {
        let line = text.find('\n').unwrap_or(text.len()).min(80);
        let end = (0..=line).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        Diagnostic::new(file, range.start..range.start + end, message)
            .label("it begins here")
            .help("write each entry on lines of its own below its section, without anchors, or cut the file into several")
    };
    if text.len() > LARGEST {
        let (mib, most) = (text.len() >> 20, LARGEST >> 20);
        return Err(refused(format!(
            "this part has {mib} MiB, and at most {most} MiB are read in one piece"
        )));
    }
    let values = text.bytes().filter(|byte| b",:[{&*\n".contains(byte)).count();
    if values > text.len() / BYTES_A_VALUE {
        return Err(refused(format!(
            "this part has about {values} values, too many to be read in one piece"
        )));
    }
    Ok(())
}

/// The blocks of a text; `None` where something at its left edge is no plain key, or an
/// anchor or alias may reach from one piece into another.
fn blocks(text: &str) -> Option<Vec<Block>> {
    let mut scan = Scan::default();
    let mut blocks: Vec<Block> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        let content = bare.trim_start_matches(' ');
        let begins = scan.begins(bare) && !content.is_empty() && !content.starts_with('#');
        scan.line(bare);
        if scan.has_reference {
            return None;
        }
        if begins {
            let indent = bare.len() - content.len();
            match (indent, blocks.last_mut()) {
                (0, None) if start == 0 && content == "---" => {}
                (0, last) => {
                    let block = block(content, start..start + line.len())?;
                    // What nobody knows needs no place of its own.
                    let is_full = |last: &Block| last.end - last.head.start > PIECE;
                    let own = |last: &mut Block| is_known(&last.key) || is_full(last);
                    if is_known(&block.key) || last.is_none_or(own) {
                        blocks.push(block);
                    }
                }
                (_, None) => return None,
                (indent, Some(block)) => {
                    let own = *block.indent.get_or_insert(indent);
                    if indent == own && !content.starts_with("- ") && content != "-" {
                        block.entries.push(start);
                    } else if indent <= own {
                        // Nothing that is well is indented so.
                        block.is_open = false;
                    }
                }
            }
        }
        start += line.len();
        if let Some(block) = blocks.last_mut() {
            block.end = start;
        }
    }
    (!blocks.is_empty()).then_some(blocks)
}

fn is_known(key: &str) -> bool {
    kinds::SECTIONS.contains(&key) || ["version", PERSONAS, RELEASE, SUFFIXES].contains(&key)
}

fn block(content: &str, head: Range<usize>) -> Option<Block> {
    let (key, rest) = content.split_once(':')?;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let rest = rest.trim_start();
    (!key.is_empty() && key.bytes().all(is_word)).then(|| Block {
        key: key.to_owned(),
        end: head.end,
        head,
        is_open: rest.is_empty() || rest.starts_with('#'),
        indent: None,
        entries: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::Source;
    use super::cut;

    fn users(count: usize) -> String {
        let user = |number| {
            format!(
                "  u{number}@x.example:\n    last_name: \"X # Y\"\n    email: |\n      u@x.example\n"
            )
        };
        (0..count).map(user).collect()
    }

    #[test]
    fn pieces_are_whole_entries_and_nothing_is_lost() {
        let text = format!("---\nversion: 1\nusers: # all\n{}release: [a]\n", users(40_000));
        let file = Source::new("x.yaml", &text);
        let cut = cut(&file).expect("is read").expect("is cut");
        assert!(cut.has_version && cut.found.is_empty());
        assert!(cut.pieces.len() > 2, "{}", cut.pieces.len());
        let mut end = 4;
        for piece in &cut.pieces {
            let gap = &text[end..piece.body.start];
            assert!(gap.is_empty() || gap == "users: # all\n", "{gap}");
            let document = piece.document(&file);
            assert!(document.text.starts_with("version: 1\n"));
            let at = document.text.find("u@x").map(|at| at..at + 3);
            if let Some(span) = at {
                assert_eq!(&text[piece.place(&span)], "u@x");
            }
            end = piece.body.end;
        }
        assert_eq!(end, text.len());
    }

    #[test]
    fn what_cannot_be_cut_is_read_whole_up_to_a_size() {
        let filler = "# filler\n".repeat(200_000);
        for uncut in ["{ version: 1 }\n", "version: 1\nusers: &a {}\n", "? version\n: 1\n"] {
            let file = Source::new("x.yaml", &format!("{filler}{uncut}"));
            assert!(cut(&file).expect("is read").is_none(), "{uncut}");
        }
        let dense = format!("version: 1\nrelease: [{}]\n", "a,".repeat(1_000_000));
        let refused = cut(&Source::new("x.yaml", &dense)).expect_err("too many values");
        assert!(refused.message.contains("too many"), "{}", refused.message);
        let large = format!("version: 1\nrelease: [\"{}\"]\n", "a".repeat(17 << 20));
        assert!(cut(&Source::new("x.yaml", &large)).is_err());
        let twice = format!("version: 1\nusers:\n{filler}users: {{}}\n");
        let cut = cut(&Source::new("x.yaml", &twice)).expect("is read").expect("is cut");
        assert_eq!(cut.found.len(), 1);
    }
}
