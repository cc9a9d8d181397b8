//! The text of a query, cut into its parts, and how a place in it is shown.

use crate::local_org::error::ApiError;

/// A part of a query's text.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A name or a word of the grammar.
    Word(String),
    /// A text in quotes, without them.
    Text(String),
    /// What begins like a number: also a date.
    Number(String),
    /// A sign.
    Symbol(&'static str),
    /// The end of the text.
    End,
}

/// The text of an error about a place in a query, as the platform gives it.
pub fn at_place(text: &str, place: usize, message: &str) -> String {
    let before: String = text.chars().take(place).collect();
    let row = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    let shown: String = text.chars().skip(place.saturating_sub(30)).take(60).collect();
    format!(
        "\n{shown}\n{}^\nERROR at Row:{row}:Column:{column}\n{message}",
        " ".repeat(place.min(30))
    )
}

/// `MALFORMED_QUERY` at a place.
pub fn malformed(text: &str, place: usize, message: &str) -> ApiError {
    ApiError::new("MALFORMED_QUERY", at_place(text, place, message))
}

const SYMBOLS: [&str; 11] = ["<=", ">=", "!=", "<>", "(", ")", ",", "=", "<", ">", ":"];

/// Cuts a text into its parts, each with its place.
///
/// # Errors
/// `MALFORMED_QUERY` where no part can begin.
pub fn tokens(text: &str) -> Result<Vec<(Token, usize)>, ApiError> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut place = 0;
    'next: while place < characters.len() {
        let start = place;
        let character = characters[place];
        if character.is_whitespace() {
            place += 1;
            continue;
        }
        if character == '\'' {
            let mut held = String::new();
            place += 1;
            loop {
                match characters.get(place) {
                    None => {
                        return Err(malformed(text, start, "line ended in the middle of a string"));
                    }
                    Some('\'') => break,
                    Some('\\') => {
                        place += 1;
                        match characters.get(place) {
                            Some('n' | 'N') => held.push('\n'),
                            Some('r' | 'R') => held.push('\r'),
                            Some('t' | 'T') => held.push('\t'),
                            Some(escaped @ ('\'' | '"' | '\\' | '_' | '%')) => held.push(*escaped),
                            _ => return Err(malformed(text, place, "invalid escape in a string")),
                        }
                    }
                    Some(other) => held.push(*other),
                }
                place += 1;
            }
            place += 1;
            tokens.push((Token::Text(held), start));
            continue;
        }
        for symbol in SYMBOLS {
            let length = symbol.chars().count();
            if characters[place..].iter().take(length).copied().eq(symbol.chars()) {
                tokens.push((Token::Symbol(symbol), start));
                place += length;
                continue 'next;
            }
        }
        let is_part =
            |character: &char| character.is_alphanumeric() || "_.-:+".contains(*character);
        while characters.get(place).is_some_and(is_part) {
            place += 1;
        }
        if place == start {
            return Err(malformed(text, start, &format!("unexpected token: '{character}'")));
        }
        let word: String = characters[start..place].iter().collect();
        let is_number = character.is_ascii_digit() || character == '-' || character == '+';
        tokens.push((if is_number { Token::Number(word) } else { Token::Word(word) }, start));
    }
    tokens.push((Token::End, characters.len()));
    Ok(tokens)
}
