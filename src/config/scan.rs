//! A look at the bytes before any parser sees them: deep nesting costs a YAML
//! parser more than linear time, a control character may end a text early for one of them, and one that
//! turns the direction of writing shows a reviewer another text than is read, in comments
//! too.

use super::diagnostic::Diagnostic;
use super::diagnostic::Source;
use crate::text::shown;

/// Deeper nesting than any file of ours has.
const DEEPEST: usize = 64;

/// Why a text is not parsed at all.
pub fn refuse(source: &Source) -> Option<Diagnostic> {
    let text = &source.text;
    let is_refused = |character: char| {
        shown::turns_direction(character)
            || (character.is_control() && !matches!(character, '\n' | '\r' | '\t' | '\u{85}'))
    };
    // Most texts have none of the bytes that one of these begins with.
    let may_begin_one = |byte: &u8| {
        (*byte < b' ' && !matches!(byte, b'\n' | b'\r' | b'\t'))
            || matches!(byte, 0x7f | 0xc2 | 0xe2)
    };
    let first = text.bytes().position(|byte| may_begin_one(&byte)).unwrap_or(text.len());
    if let Some((at, character)) = text[first..]
        .char_indices()
        .map(|(at, character)| (first + at, character))
        .find(|(_, character)| is_refused(*character))
    {
        let span = at..at + character.len_utf8();
        let number = u32::from(character);
        let (message, help) = if shown::turns_direction(character) {
            let message = format!(
                "a character that turns the direction of writing (U+{number:04X}) stands here"
            );
            (message, "what is read here is not what is done: take it out")
        } else {
            let message = format!("a control character (U+{number:04X}) stands here");
            (message, "YAML does not allow it: take it out")
        };
        return Some(Diagnostic::new(source, span, message).help(help));
    }
    let mut scan = Scan::default();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if let Some(column) = scan.line(line.trim_end_matches(['\n', '\r'])) {
            let at = start + column;
            let message = format!("the file is nested more than {DEEPEST} levels deep");
            return Some(Diagnostic::new(source, at..at + 1, message).label("here"));
        }
        start += line.len();
    }
    None
}

/// Whether aliases may stand in a text: they make what is read larger than the
/// text, so that only the path that counts may read it.
pub fn may_hold_aliases(text: &str) -> bool {
    text.contains('&') && text.contains('*')
}

/// Where one stands in a text, line by line.
#[derive(Default)]
pub struct Scan {
    /// Open brackets of flow style.
    flow: usize,
    /// Columns at which blocks begin, growing.
    indents: Vec<usize>,
    /// The open quote.
    quote: Option<char>,
    /// The indentation above which a block scalar's lines stand.
    block: Option<usize>,
    /// Whether an anchor or an alias was seen.
    pub has_reference: bool,
}

impl Scan {
    /// Whether a line begins something, and does not go on with a text or brackets.
    pub fn begins(&self, line: &str) -> bool {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let is_in_block =
            self.block.is_some_and(|parent| line.trim().is_empty() || indent > parent);
        self.quote.is_none() && self.flow == 0 && !is_in_block
    }

    /// Takes one line; the byte at which it is too deep.
    pub fn line(&mut self, line: &str) -> Option<usize> {
        let indent = line.len() - line.trim_start_matches(' ').len();
        if let Some(parent) = self.block {
            if line.trim().is_empty() || indent > parent {
                return None;
            }
            self.block = None;
        }
        if self.quote.is_none() && self.flow == 0 && !line.trim().is_empty() {
            while self.indents.last().is_some_and(|last| *last > indent) {
                self.indents.pop();
            }
            if self.indents.last().is_none_or(|last| *last < indent) {
                self.indents.push(indent);
            }
        }
        if self.quote.is_none() && self.flow == 0 && is_plain(line) {
            return (self.indents.len() > DEEPEST).then_some(0);
        }
        let mut dashes = 0;
        let mut at_token = true;
        let mut previous = ' ';
        let mut characters = line.char_indices().peekable();
        while let Some((place, character)) = characters.next() {
            if let Some(quote) = self.quote {
                let doubled = quote == '\''
                    && character == quote
                    && characters.peek().is_some_and(|(_, next)| *next == quote);
                if doubled || (quote == '"' && character == '\\') {
                    characters.next();
                } else if character == quote {
                    self.quote = None;
                }
                previous = character;
                continue;
            }
            match character {
                '#' if previous == ' ' => break,
                '"' | '\'' if at_token => self.quote = Some(character),
                '&' | '*' if at_token => self.has_reference = true,
                '[' | '{' if at_token || self.flow > 0 => self.flow += 1,
                ']' | '}' => self.flow = self.flow.saturating_sub(1),
                '-' | '?'
                    if at_token
                        && self.flow == 0
                        && characters.peek().is_none_or(|(_, next)| matches!(next, ' ' | '\t')) =>
                {
                    dashes += 1;
                }
                _ => {}
            }
            if self.flow + self.indents.len() + dashes > DEEPEST {
                return Some(place);
            }
            at_token = match character {
                ' ' | '\t' => at_token || matches!(previous, ':' | ','),
                '[' | '{' | ',' => at_token || self.flow > 0,
                '-' | '?' => at_token,
                _ => false,
            };
            previous = character;
        }
        let opens_block = self.quote.is_none()
            && self.flow == 0
            && line.rsplit(' ').next().is_some_and(|last| {
                matches!(
                    last.trim_end_matches(['+', '-', '1', '2', '3', '4', '5', '6', '7', '8', '9']),
                    "|" | ">"
                )
            });
        if opens_block {
            self.block = Some(indent);
        }
        None
    }
}

/// Whether a line holds nothing that opens or closes anything: most are such.
fn is_plain(line: &str) -> bool {
    let text = line.trim_start_matches(' ');
    let end =
        line.trim_end_matches(|last: char| last.is_ascii_digit() || matches!(last, '+' | '-'));
    let ends_plain = !end.ends_with(['|', '>']);
    ends_plain
        && !text.starts_with(['-', '?'])
        && !text
            .bytes()
            .any(|byte| matches!(byte, b'[' | b']' | b'{' | b'}' | b'"' | b'\'' | b'&' | b'*'))
}

#[cfg(test)]
mod tests {
    use super::refuse;
    use crate::config::Source;

    fn refused(text: &str) -> Option<String> {
        refuse(&Source::new("x.yaml", text)).map(|diagnostic| diagnostic.message)
    }

    #[test]
    fn deep_nesting_is_found_in_every_style() {
        let flow = "a: ".to_owned() + &"[".repeat(100_000);
        let maps = "a: ".to_owned() + &"{a: ".repeat(200);
        let block = (0..100).map(|depth| " ".repeat(depth) + "a:\n").collect::<Vec<_>>().concat();
        let dashes = "- ".repeat(100) + "a";
        for text in [flow, maps, block, dashes] {
            assert!(
                refused(&text).is_some_and(|message| message.contains("nested")),
                "{}",
                &text[..20]
            );
        }
    }

    #[test]
    fn brackets_in_texts_and_comments_are_no_nesting() {
        let brackets = "[".repeat(100);
        for text in [
            format!("a: \"{brackets}\"\n"),
            format!("a: 'it''s {brackets}'\n"),
            format!("a: x # {brackets}\n"),
            format!("a: |\n  {brackets}\nb: 1\n"),
            format!("a: It's\nb: x\nc: y{brackets}\n"),
        ] {
            assert_eq!(refused(&text), None, "{text}");
        }
    }

    #[test]
    fn a_control_character_is_refused_and_what_it_would_hide_is_not_lost() {
        assert!(refused("a: 1 #\0\nb: 2\n").is_some_and(|message| message.contains("U+0000")));
        assert!(refused("a:\t{\"a\": 1}\n").is_none());
        let tabs = "a:\t".to_owned() + &"{\"a\":".repeat(1000);
        assert!(refused(&tabs).is_some_and(|message| message.contains("nested")));
    }
}
