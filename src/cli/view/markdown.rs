//! Texts as Markdown in which nothing is markup, for CommonMark and for what GitHub adds:
//! mentions, references, autolinks, emoji, formulas.
//!
//! A backslash keeps GitHub from no mention, and an entity from no autolink. A code span
//! keeps it from all of them. So words of letters stand as they are, and every other word
//! is code, as names and addresses read best anyway. Imports how texts are shown.

use std::borrow::Cow;

use crate::text::shown;

/// A text longer than this is cut.
const LONGEST: usize = 300;

/// A piece of a line.
enum Piece<'a> {
    /// Stands as it is.
    Words(&'a str),
    /// Is code.
    Code(Cow<'a, str>),
    Space,
}

/// A text as one line in which nothing is markup. What stands between backquotes is code,
/// which is cut where the text is very long.
pub fn line(text: &str) -> String {
    let text = shown::line(text);
    let cut = text.char_indices().nth(LONGEST).map_or(text.len(), |(at, _)| at);
    let mut markdown = String::with_capacity(cut + 16);
    for piece in joined(pieces(&text[..cut])) {
        match piece {
            Piece::Words(words) => markdown.push_str(words),
            Piece::Code(code) => markdown.push_str(&code_span(&code)),
            Piece::Space => markdown.push(' '),
        }
    }
    if cut < text.len() {
        markdown.push_str(" …");
    }
    markdown
}

/// What fences a block of code off.
pub const FENCE: &str = "````";

/// A text as it may stand in such a block: no line in it ends the block.
pub fn in_block(text: &str) -> Cow<'_, str> {
    if text.contains(FENCE) {
        // Each second one, so that no run of them is left.
        Cow::Owned(shown::block(text).replace("``", "`'"))
    } else {
        shown::block(text)
    }
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let parts = at_quotes(text);
    // An odd backquote quotes nothing.
    let quoted = if parts.len() % 2 == 1 { parts.len() } else { parts.len() - 1 };
    let mut pieces = Vec::new();
    for (number, part) in parts.into_iter().enumerate() {
        let is_inside = number % 2 == 1;
        if is_inside && number < quoted {
            pieces.push(Piece::Code(Cow::Borrowed(part)));
            continue;
        }
        if is_inside {
            pieces.push(Piece::Code(Cow::Borrowed("`")));
        }
        for (place, word) in part.split(' ').enumerate() {
            if place > 0 {
                pieces.push(Piece::Space);
            }
            let is_first = pieces.iter().all(|piece| matches!(piece, Piece::Space));
            pieces.extend(of_word(word, is_first));
        }
    }
    pieces
}

/// A text cut at its single backquotes; several in a row quote nothing.
fn at_quotes(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let is_quote = |at: usize| bytes.get(at) == Some(&b'`');
    let mut parts = Vec::new();
    let mut start = 0;
    for at in 0..bytes.len() {
        let is_single = is_quote(at) && !is_quote(at + 1) && (at == 0 || !is_quote(at - 1));
        if is_single {
            parts.push(&text[start..at]);
            start = at + 1;
        }
    }
    parts.push(&text[start..]);
    parts
}

/// A word, and the punctuation around it.
fn of_word(word: &str, is_first: bool) -> impl Iterator<Item = Piece<'_>> {
    let begun = word.trim_start_matches(['(', '"', '\'']);
    let (before, rest) = word.split_at(word.len() - begun.len());
    let bare = rest.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '"', '\'']);
    let (bare, after) = rest.split_at(bare.len());
    let is_code = bare.is_empty() || (is_first && !before.is_empty()) || !is_plain(bare, is_first);
    let pieces = match (is_code, bare.is_empty()) {
        (false, _) => [Piece::Words(word), Piece::Words(""), Piece::Words("")],
        // Punctuation alone, which may be a list's or a heading's.
        (true, true) => [Piece::Code(Cow::Borrowed(word)), Piece::Words(""), Piece::Words("")],
        (true, false) => {
            [Piece::Words(before), Piece::Code(Cow::Borrowed(bare)), Piece::Words(after)]
        }
    };
    let is_empty = |piece: &Piece<'_>| match piece {
        Piece::Words(text) => text.is_empty(),
        Piece::Code(text) => text.is_empty(),
        Piece::Space => false,
    };
    pieces.into_iter().filter(move |piece| !is_empty(piece))
}

/// Whether a word can't be taken for markup, an address, a reference, an emoji or a commit.
fn is_plain(bare: &str, is_first: bool) -> bool {
    let is_mark = |character: char| matches!(character, '-' | '\'' | '%' | '/' | ',' | '.');
    let lower = bare.to_ascii_lowercase();
    let is_web = lower.contains("www.");
    let is_commit = bare.len() >= 7 && bare.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_issue = lower.contains("gh-");
    // What begins a list, a line or a heading where it stands first.
    let is_begin = is_first && !bare.starts_with(char::is_alphabetic);
    !is_web
        && !is_issue
        && (!is_commit || bare.bytes().all(|byte| byte.is_ascii_alphabetic()))
        && !is_begin
        && bare.chars().all(|character| character.is_alphanumeric() || is_mark(character))
}

/// The same with pieces of code that touch as one, so that each fence stands alone.
fn joined(pieces: Vec<Piece<'_>>) -> Vec<Piece<'_>> {
    let mut joined: Vec<Piece<'_>> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match (joined.last_mut(), piece) {
            (Some(Piece::Code(last)), Piece::Code(code)) => last.to_mut().push_str(&code),
            (_, piece) => joined.push(piece),
        }
    }
    joined
}

/// A code span, fenced by more backquotes than it holds.
fn code_span(code: &str) -> String {
    let longest = code.split(|held| held != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    // One space on both sides belongs to the fences.
    let space = if code.starts_with(['`', ' ']) || code.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{space}{code}{space}{fence}")
}

#[cfg(test)]
mod tests {
    use super::in_block;
    use super::line;

    #[test]
    fn words_stand_as_they_are_and_all_else_is_code() {
        for (text, markdown) in [
            ("The profile is in use, by 3 users.", "The profile is in use, by 3 users."),
            ("(user.a@x.example: gone)", "(`user.a@x.example`: gone)"),
            ("`Coconut Integration` is new", "`Coconut Integration` is new"),
            ("ask @org/team or #12", "ask `@org/team` or `#12`"),
            ("a <img src=y> b", "a `<img` `src=y>` b"),
            ("*a* _b_ ~c~ [d](e) :x: $f$", "`*a*` `_b_` `~c~` `[d](e`) `:x`: `$f$`"),
            ("see www.x.example", "see `www.x.example`"),
            ("- no list", "`-` no list"),
            ("1. no list", "`1`. no list"),
            ("one ` backquote", "one `` ` `` backquote"),
            ("a``b", "```a``b```"),
            ("```<img src=y>```", "```` ```<img ```` ```` src=y>``` ````"),
            ("a\nb\u{202e}c", "`a\\nb\\u{202e}c`"),
            ("at 1a2b3c4d5e", "at `1a2b3c4d5e`"),
        ] {
            assert_eq!(line(text), markdown, "{text}");
        }
        assert!(line(&"a".repeat(400)).ends_with(" …"));
    }

    #[test]
    fn nothing_in_a_block_ends_it() {
        assert_eq!(in_block("a ``` b"), "a ``` b");
        for count in 4..12 {
            let text = in_block(&"`".repeat(count)).into_owned();
            assert!(!text.contains("````"), "{text}");
        }
    }
}
