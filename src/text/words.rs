//! How counts and lists read in a sentence, and what a name was probably meant to be.
//! Imports nothing of ours.

use std::fmt::Display;

/// A number that can be one.
pub trait Count: Copy + PartialEq + From<u8> + Display {}

impl Count for u64 {}
impl Count for usize {}

/// `1 grant`, `3 grants`.
pub fn counted<N: Count>(count: N, noun: &str) -> String {
    let ending = agreeing(count, "", "s");
    format!("{count} {noun}{ending}")
}

/// The word for one, or the word for none and several.
pub fn agreeing<'a, N: Count>(count: N, one: &'a str, several: &'a str) -> &'a str {
    if count == N::from(1) { one } else { several }
}

/// Names, at most so many: `a, b and 3 more`.
pub fn few<T: Display>(names: impl IntoIterator<Item = T>, most: usize) -> String {
    let mut names = names.into_iter();
    let shown: Vec<String> = names.by_ref().take(most).map(|name| name.to_string()).collect();
    match names.count() {
        0 => shown.join(", "),
        left => format!("{} and {left} more", shown.join(", ")),
    }
}

/// What ends a list of which only so many are shown: `and 1,204 more`; nothing where all
/// are.
pub fn and_more(all: usize, most: usize) -> Option<String> {
    let left = all.checked_sub(most).filter(|left| *left > 0)?;
    Some(format!("and {} more", grouped(left as u64)))
}

/// 99986 as 99,986.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A name as it is compared where capitals don't count.
pub fn folded(name: &str) -> String {
    name.to_lowercase()
}

/// What `text` was probably meant to be, when something is close enough.
pub fn closest<'a>(text: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// Longer names are not compared: it takes the product of their lengths.
    const LONGEST: usize = 200;
    if text.len() > LONGEST {
        return None;
    }
    let wanted = folded(text);
    candidates
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (strsim::jaro_winkler(&wanted, &folded(candidate)), candidate))
        .filter(|(likeness, _)| *likeness > 0.82)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::agreeing;
    use super::and_more;
    use super::closest;
    use super::counted;
    use super::few;
    use super::grouped;

    #[test]
    fn counts_and_their_words_agree() {
        assert_eq!(counted(0_usize, "call"), "0 calls");
        assert_eq!(counted(1_u64, "call"), "1 call");
        assert_eq!(counted(2_u64, "call"), "2 calls");
        assert_eq!(agreeing(1_usize, "is", "are"), "is");
        assert_eq!(agreeing(0_usize, "is", "are"), "are");
    }

    #[test]
    fn of_many_the_first_are_named_and_the_others_counted() {
        assert_eq!(few(["a", "b"], 2), "a, b");
        assert_eq!(few(["a", "b", "c", "d"], 2), "a, b and 2 more");
        assert_eq!(few(Vec::<String>::new(), 2), "");
        assert_eq!(and_more(1_206, 2).as_deref(), Some("and 1,204 more"));
        assert_eq!(and_more(2, 2), None);
        assert_eq!(and_more(1, 2), None);
    }

    #[test]
    fn large_numbers_are_readable() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(99_986), "99,986");
        assert_eq!(grouped(1_000_000), "1,000,000");
    }

    #[test]
    fn a_slip_is_found_and_something_else_is_not() {
        let known = ["permission_sets", "profiles", "users"];
        assert_eq!(closest("Permision_Sets", known.into_iter()), Some("permission_sets"));
        assert_eq!(closest("layouts", known.into_iter()), None);
    }
}
