//! What looks like a secret in a file is not repeated in what is said about the file: no
//! key takes one, and messages end up in logs that others read.
//!
//! Told by the key in front of it. Only lines that are shown are looked at. Imports
//! nothing of the crate.

use std::ops::Range;

use super::diagnostic::Diagnostic;
use super::diagnostic::Labelled;
use super::diagnostic::Source;

/// A key with one of these in its name holds a secret.
const WORDS: [&str; 14] = [
    "password",
    "passwd",
    "passwort",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "privatekey",
    "apikey",
    "accesskey",
    "credential",
    "sessionid",
    "authorization",
    "bearer",
];
/// Words that such a key takes, and that say nothing.
const HARMLESS: [&str; 5] = ["email_reset_link", "null", "~", "true", "false"];
/// So many lines upwards a key of a text of several lines is looked for.
const FARTHEST: usize = 10_000;

impl Diagnostic {
    /// The same without what stands for a secret, in its lines and in its words.
    #[must_use]
    pub fn without_secrets(mut self) -> Self {
        let is_about_one = secrets(&self.at.source.text, &self.at.span).iter().any(|range| {
            range.start < self.at.span.end.max(self.at.span.start + 1)
                && self.at.span.start < range.end
        });
        if is_about_one {
            // It may be told otherwise than it is written.
            self.message = without_quotes(&self.message);
            self.help = self.help.map(|help| without_quotes(&help));
        }
        let mut values = hide(&mut self.at);
        for related in &mut self.related {
            values.extend(hide(related));
        }
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        let cleaned = |text: &mut String| {
            for value in &values {
                if text.contains(value.as_str()) {
                    *text = text.replace(value.as_str(), "…");
                }
            }
        };
        cleaned(&mut self.message);
        self.help.iter_mut().for_each(cleaned);
        cleaned(&mut self.at.label);
        self.related.iter_mut().map(|related| &mut related.label).for_each(cleaned);
        self
    }
}

/// A sentence without what it quotes.
fn without_quotes(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let kept = parts.map(|(number, part)| if number % 2 == 1 { "`…`" } else { part });
    kept.collect()
}

/// Hides secrets in the lines of a place; what they are.
fn hide(at: &mut Labelled) -> Vec<String> {
    let text = &at.source.text;
    let found = secrets(text, &at.span);
    if found.is_empty() {
        return Vec::new();
    }
    let bare =
        |range: &Range<usize>| text[range.clone()].trim().trim_matches(['"', '\'']).to_owned();
    let values = found.iter().map(bare).collect();
    let mut bytes = text.as_bytes().to_vec();
    for range in found {
        // As many bytes, so that all places stay what they are.
        bytes[range].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b'*');
    }
    if let Ok(masked) = String::from_utf8(bytes) {
        at.source = Source::of(at.source.path.clone(), masked);
    }
    values
}

/// The bytes of secrets in the lines that a place touches.
fn secrets(text: &str, span: &Range<usize>) -> Vec<Range<usize>> {
    let start = text[..floor(text, span.start)].rfind('\n').map_or(0, |at| at + 1);
    let end = floor(text, span.end);
    let end = text[end..].find('\n').map_or(text.len(), |at| end + at);
    let mut found = Vec::new();
    let mut at = start;
    for line in text[start..end].split_inclusive('\n') {
        if is_within_secret(text, at, line) {
            found.push(at + indent(line)..at + line.trim_end().len().max(indent(line)));
        } else {
            found.extend(in_line(line).into_iter().map(|range| at + range.start..at + range.end));
        }
        at += line.len();
    }
    found.retain(|range| !is_harmless(&text[range.clone()]));
    found
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Whether the key that a line stands under holds a secret.
fn is_within_secret(text: &str, start: usize, line: &str) -> bool {
    let own = indent(line);
    let above = text[..start].trim_end_matches('\n').rsplit('\n').take(FARTHEST);
    let parent = above.filter(|line| !line.trim().is_empty()).find(|above| indent(above) < own);
    // A key whose value stands in its own line is the parent of nothing else.
    parent.and_then(|parent| parent.trim_end().split_once(':')).is_some_and(|(key, rest)| {
        let rest = rest.trim();
        let opens = rest.is_empty() || rest.starts_with(['|', '>', '#', '!', '&', '"', '\'']);
        opens && is_secret(key)
    })
}

/// Whether a key, with what is in front of it, is one of a secret.
fn is_secret(before: &str) -> bool {
    let key = before.trim_end().trim_end_matches(['"', '\'']);
    let key = key.rsplit(['{', ',', '[', '"', '\'', '\t', '?', '!', '&']).next().unwrap_or(key);
    let key: String = key.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    WORDS.iter().any(|word| key.contains(word))
}

/// Values of secret keys in one line.
fn in_line(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(colon) = line[from..].find(':').map(|at| from + at) {
        from = colon + 1;
        let rest = &line[from..];
        let is_key = rest.starts_with([' ', '\t', '\n', '"', '\'']) || rest.is_empty();
        if !is_key || !is_secret(&line[..colon]) {
            continue;
        }
        let value = from + indent(rest);
        // All of the line behind it: where a value ends is decided by more than its quotes.
        let end = value + line[value..].trim_end().len();
        if !is_harmless(&line[value..end]) {
            found.push(value..end);
            break;
        }
    }
    found
}

fn is_harmless(value: &str) -> bool {
    let word = value.trim_start_matches(['{', ' ']);
    let word = word.split([' ', ',', '}', '#']).next().unwrap_or_default();
    let word = word.trim_matches(['"', '\'']);
    word.is_empty() || HARMLESS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::Diagnostic;
    use super::Source;

    fn shown(text: &str, at: &str) -> (String, String) {
        let start = text.find(at).expect("is there");
        let source = Source::new("x.yaml", text);
        let message = format!("unknown word `{at}`");
        let told = Diagnostic::new(&source, start..start + at.len(), message).without_secrets();
        (told.at.source.text.to_string(), told.message)
    }

    #[test]
    fn the_value_of_a_secret_is_neither_shown_nor_told() {
        for text in [
            "a:\n  password: Secret123!\n",
            "a:\n  password: \"Secret123!\"\n",
            "a:\n  client-secret: 'Secret123!' # note\n",
            "a: { x: 1, Password: Secret123!, y: 2 }\n",
            "a: {\"access_token\": \"Secret123!\"}\n",
            "a:\n  api_key: |\n    first\n    Secret123!\n",
            "a:\n  token:\n    Secret123!\n",
            "a:\n  password: !!str Secret123!\n",
            "a:\n  password: &x Secret123!\n",
            "a:\n  password: \"ab\\\"Secret123!\"\n",
            "a:\n  password: |2 # note\n    Secret123!\n",
            "a:\n  password: # note\n    Secret123!\n",
            "a: { password: [x, Secret123!] }\n",
            "a:\n  apiKey: Secret123!\n",
            "a:\n  api key: Secret123!\n",
            "a:\n  Passwort: Secret123!\n",
        ] {
            let (source, message) = shown(text, "Secret123!");
            assert!(!source.contains("Secret123!"), "{source}");
            assert!(!message.contains("Secret123!"), "{message}");
            assert_eq!(source.len(), text.len());
        }
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        for (text, at) in [
            ("a:\n  password: email_reset_link\n", "email_reset_link"),
            ("a:\n  password: email_reset_link\n  title: Token\n", "Token"),
            ("a: { password: email_reset_link, title: Boss }\n", "Boss"),
            ("a:\n  last_name: Secret\n", "Secret"),
        ] {
            let (source, message) = shown(text, at);
            assert!(source.contains(at), "{source}");
            assert!(message.contains(at), "{message}");
        }
    }
}
