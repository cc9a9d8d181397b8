//! Salesforce's rules for texts, and what a text may break.
//!
//! Pure: a check takes a text and tells what is wrong with it; where it stands is for who
//! read it.

use std::fmt;

use crate::text::shown;

/// What is wrong with a text. Its own text is a fragment that stands behind a place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// It has more characters than Salesforce keeps.
    #[error("{what} has {length} characters, at most {most} are allowed")]
    TooLong {
        /// What it is.
        what: What,
        /// Its characters.
        length: usize,
        /// How many there may be.
        most: usize,
    },
    /// There is nothing in it but space.
    #[error("{0} is empty")]
    Empty(What),
    /// A character in it is not seen, or makes others read differently.
    #[error("{what} holds {}", hidden_words(*character))]
    Hidden {
        /// What it is.
        what: What,
        /// The character.
        character: char,
    },
    /// A username that is no address.
    #[error(
        "a username must have the form of an e-mail address, for example `integration@coconut.example`"
    )]
    UsernameIsNoAddress,
    /// A username with capitals; how it is to be written.
    #[error("usernames are lower case: write `{0}`")]
    UsernameHasCapitals(String),
    /// An e-mail address that is none.
    #[error("this is no e-mail address; one looks like `admin@coconut.example`")]
    NoAddress,
    /// A profile's name with space around it.
    #[error("the profile name begins or ends with a space")]
    SpaceAround,
    /// No API name.
    #[error(
        "an API name has letters, digits and single underscores, begins with a letter and does not end with an underscore"
    )]
    NoApiName,
    /// A set that a package brings, and no file can make.
    #[error("`{0}` looks like a package's permission set, which can only be assigned to users")]
    PackagedSet(String),
}

/// What a text is, for who reads that something is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Any text.
    Text,
    /// The one that is called so, as a key or in words: `employee_number`, `API name`.
    The(&'static str),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("this text"),
            Self::The(name) => write!(f, "the {}", name.replace('_', " ")),
        }
    }
}

fn hidden_words(hidden: char) -> String {
    let what = match hidden {
        '\n' => return "a line end".to_owned(),
        '\t' => return "a tab".to_owned(),
        hidden if shown::turns_direction(hidden) => "turns the direction of writing",
        hidden if hidden.is_control() => "is a control character",
        _ => "nobody sees",
    };
    format!("the character U+{:04X}, which {what}", u32::from(hidden))
}

/// Refuses what nobody sees in a text, or what makes it read as another. Lines, tabs and
/// what joins letters and emoji may stand in it; names have fewer (see [`check_name`]).
///
/// # Errors
/// [`TextError::Hidden`].
pub fn is_seen(text: &str) -> Result<(), TextError> {
    let may_stand = |character: char| matches!(character, '\n' | '\t') || shown::joins(character);
    match text.chars().find(|character| shown::is_hidden(*character) && !may_stand(*character)) {
        Some(character) => Err(TextError::Hidden { what: What::Text, character }),
        None => Ok(()),
    }
}

/// Checks a length in characters, as Salesforce counts it.
///
/// # Errors
/// [`TextError::TooLong`].
pub fn check_length(text: &str, most: usize, what: &'static str) -> Result<(), TextError> {
    let length = text.chars().count();
    if length > most {
        return Err(TextError::TooLong { what: What::The(what), length, most });
    }
    Ok(())
}

/// Checks a name: its length, and that there is something and all of it is seen.
///
/// # Errors
/// [`TextError::TooLong`], [`TextError::Empty`], [`TextError::Hidden`].
pub fn check_name(text: &str, most: usize, what: &'static str) -> Result<(), TextError> {
    check_length(text, most, what)?;
    let what = What::The(what);
    if text.trim().is_empty() {
        return Err(TextError::Empty(what));
    }
    match text.chars().find(|character| shown::is_hidden(*character)) {
        Some(character) => Err(TextError::Hidden { what, character }),
        None => Ok(()),
    }
}

/// Checks a username: in the form of an e-mail address, at most 80 characters (Object
/// Reference, `User.Username`). It is compared without case, so it is written in lower
/// case.
///
/// # Errors
/// The rule that it breaks.
pub fn check_username(text: &str) -> Result<(), TextError> {
    check_name(text, 80, "username")?;
    if !is_email_shaped(text) {
        return Err(TextError::UsernameIsNoAddress);
    }
    let lower = text.to_lowercase();
    if text == lower { Ok(()) } else { Err(TextError::UsernameHasCapitals(lower)) }
}

/// Checks an e-mail address of at most `most` characters.
///
/// # Errors
/// The rule that it breaks.
pub fn check_email(text: &str, most: usize, what: &'static str) -> Result<(), TextError> {
    check_name(text, most, what)?;
    if is_email_shaped(text) { Ok(()) } else { Err(TextError::NoAddress) }
}

/// Checks a profile's name, which is its key.
///
/// # Errors
/// The rule that it breaks.
pub fn check_profile_name(text: &str) -> Result<(), TextError> {
    check_name(text, 255, "profile name")?;
    if text == text.trim() { Ok(()) } else { Err(TextError::SpaceAround) }
}

/// Checks the API name of a permission set: letters, digits and single underscores,
/// beginning with a letter, at most 80 characters (Metadata API Developer Guide,
/// `PermissionSet`).
///
/// # Errors
/// The rule that it breaks.
pub fn check_api_name(text: &str) -> Result<(), TextError> {
    check_name(text, 80, "API name")?;
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphabetic());
    let ends_well = !text.ends_with('_');
    let characters_are_well =
        text.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
    if starts_well && ends_well && characters_are_well && !text.contains("__") {
        return Ok(());
    }
    Err(TextError::NoApiName)
}

/// Whether a text has the form `local@domain.tld`, with the characters that
/// Salesforce takes.
fn is_email_shaped(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let local_is_well = !local.is_empty()
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.chars().all(|character| {
            character.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(character)
        });
    let domain_is_well = domain.contains('.')
        && domain.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|character| character.is_alphanumeric() || character == '-')
        });
    local_is_well && domain_is_well
}

#[cfg(test)]
mod tests {
    use super::TextError;
    use super::What;
    use super::check_api_name;
    use super::check_name;
    use super::check_username;
    use super::is_email_shaped;

    #[test]
    fn names_follow_salesforces_rules() {
        assert!(is_email_shaped("a.b+c@d-e.example"));
        for text in ["a@b", "@b.c", "a b@c.d", "a@.c", "a..b@c.d"] {
            assert!(!is_email_shaped(text), "{text}");
        }
        check_api_name("Coconut_Integration_API_Access").expect("a good name");
        for text in ["1a", "a__b", "a_", "a-b", "_a"] {
            assert_eq!(check_api_name(text), Err(TextError::NoApiName), "{text}");
        }
        assert_eq!(check_api_name(""), Err(TextError::Empty(What::The("API name"))));
    }

    #[test]
    fn what_is_wrong_names_what_it_is_wrong_with() {
        let long = check_name(&"x".repeat(21), 20, "employee_number").expect_err("too long");
        let said = "the employee number has 21 characters, at most 20 are allowed";
        assert_eq!(long.to_string(), said);
        let capitals = check_username("Ada@coconut.example").expect_err("capitals");
        assert_eq!(capitals.to_string(), "usernames are lower case: write `ada@coconut.example`");
        let hidden = check_name("a\u{202e}b", 20, "title").expect_err("hidden");
        let said = "the title holds the character U+202E, which turns the direction of writing";
        assert_eq!(hidden.to_string(), said);
    }
}
