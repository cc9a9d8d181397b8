//! Texts from outside as they may be shown: nothing in them moves a cursor, turns the
//! direction of writing, or is there unseen.
//!
//! Everything that a person or a log gets goes through one of these. Imports nothing.

use std::borrow::Cow;

/// Whether a character is not seen, or changes how others are seen: control characters,
/// those that turn the direction of writing (Unicode Standard Annex 9), those without a
/// width, and those that stand for no character.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fdd0}'..='\u{fdef}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a character turns the direction of what follows it.
pub fn turns_direction(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character only joins or parts its neighbours, as Persian, the scripts of
/// India and emoji need it.
pub fn joins(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}')
}

/// A text of one line: what is hidden stands as its number, a line end as `\n`.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// A text of several lines, which may be indented.
pub fn block(text: &str) -> Cow<'_, str> {
    escaped(text, |character| matches!(character, '\n' | '\t'))
}

/// A text in which nothing is a command to a pipeline that shows it: some obey `##[` and
/// `##vso[` wherever they stand in a line.
fn without_commands(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains("##[") || text.contains("##vso[") {
        let broken = text.replace("##[", "#\\u{23}[");
        return Cow::Owned(broken.replace("##vso[", "#\\u{23}vso["));
    }
    text
}

fn escaped(text: &str, is_kept: impl Fn(char) -> bool) -> Cow<'_, str> {
    without_commands(with_numbers(text, is_kept))
}

fn with_numbers(text: &str, is_kept: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_shown = |character: char| !is_hidden(character) || is_kept(character);
    if is_plain(text) || text.chars().all(is_shown) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            character if is_shown(character) => shown.push(character),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            other => shown.push_str(&format!("\\u{{{:x}}}", u32::from(other))),
        }
    }
    Cow::Owned(shown)
}

/// A JSON text with what is hidden in its strings escaped: the same value to whoever
/// reads it, and harmless to whoever looks at it. JSON has no line end outside of its
/// layout, and none in a string.
pub fn json(text: &str) -> Cow<'_, str> {
    let is_shown = |character: char| !is_hidden(character) || character == '\n';
    if is_plain(text) || text.chars().all(is_shown) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_shown(character) {
            shown.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            shown.push_str(&format!("\\u{unit:04x}"));
        }
    }
    Cow::Owned(shown)
}

/// Whether a text is of printable ASCII alone, as most are.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use super::block;
    use super::json;
    use super::line;

    #[test]
    fn what_is_hidden_is_shown_by_its_number() {
        assert_eq!(line("a\u{1b}[31mb\u{9b}1A"), "a\\u{1b}[31mb\\u{9b}1A");
        assert_eq!(line("user\u{202e}nimda"), "user\\u{202e}nimda");
        assert_eq!(line("a ##vso[task]"), "a #\\u{23}vso[task]");
        assert_eq!(line("a\u{200b}b\nc\rd\te"), "a\\u{200b}b\\nc\\rd\\te");
        assert_eq!(block("a\n\tb\u{7f}"), "a\n\tb\\u{7f}");
        for plain in ["Zoë Ångström", "日本語", "مدیر", "⚠\u{fe0f} 👩", "a\\b"] {
            assert_eq!(line(plain), plain);
        }
    }

    #[test]
    fn json_keeps_its_value() {
        let value = serde_json::json!({"a\u{202e}b": "\u{e0041}\u{9b}\u{1b}\nc", "d": ["é"]});
        let text = value.to_string();
        let shown = json(&text);
        assert!(!shown.chars().any(super::is_hidden), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).ok(), Some(value));
    }
}
