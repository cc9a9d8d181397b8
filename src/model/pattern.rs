//! Address patterns, as a person writes them to choose resources.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use super::Address;

/// Chooses resources by address: `*` stands for any characters, `?` for one.
/// Case does not count, as it does not count for Salesforce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AddressPattern(String);

impl AddressPattern {
    /// Takes what was written; nothing is no pattern.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// What was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it can fit several addresses.
    pub fn has_wildcards(&self) -> bool {
        self.0.contains(['*', '?'])
    }

    /// Whether it fits an address.
    pub fn matches(&self, address: &Address) -> bool {
        let fold = |text: &str| text.to_lowercase().chars().collect::<Vec<char>>();
        fits(&fold(&self.0), &fold(&address.text()))
    }
}

impl fmt::Display for AddressPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a pattern fits a whole text: after a `*` that took too little, it
/// takes one character more, so that the cost is at most their product.
fn fits(pattern: &[char], text: &[char]) -> bool {
    let (mut at, mut here) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while here < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, here));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == text[here] => {
                at += 1;
                here += 1;
            }
            _ => match star {
                Some((after, taken)) => {
                    star = Some((after, taken + 1));
                    at = after + 1;
                    here = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::AddressPattern;
    use crate::model::Address;

    fn fits(pattern: &str, kind: &str, name: &str) -> bool {
        AddressPattern::new(pattern).expect("a pattern").matches(&Address::new(kind, name))
    }

    #[test]
    fn stars_take_any_characters_and_marks_take_one() {
        assert!(fits("user.a@b.example", "user", "a@b.example"));
        assert!(fits("user.*", "user", "a@b.example"));
        assert!(fits("USER.*@B.example", "user", "a@b.example"));
        assert!(fits("*", "profile", "Robots"));
        assert!(fits("*assignment.a@*/S?", "permission_set_assignment", "a@b.example/S1"));
        assert!(fits("user.**a**", "user", "bab"));
        assert!(!fits("user.a", "user", "a@b.example"));
        assert!(!fits("user.?", "user", ""));
        assert!(!fits("user.*x", "user", "a@b.example"));
        assert!(!fits("permission_set.*", "permission_set_assignment", "a@b.example/S"));
    }

    #[test]
    fn many_stars_cost_no_more_than_the_product() {
        let pattern = "*a".repeat(200);
        let name = "b".repeat(5_000);
        assert!(!fits(&pattern, "user", &name));
    }
}
