//! How SOQL compares two values: without case, null apart.

use std::cmp::Ordering;

use serde_json::Value as Json;

use super::query::Literal;
use super::query::Operator;
use crate::local_org::ids::normal_id;
use crate::local_org::schema::Field;

/// Orders two values of one type.
pub fn order_of(left: &Json, right: &Json) -> Ordering {
    match (left, right) {
        (Json::Number(left), Json::Number(right)) => {
            left.as_f64().unwrap_or(0.0).total_cmp(&right.as_f64().unwrap_or(0.0))
        }
        (Json::Bool(left), Json::Bool(right)) => left.cmp(right),
        (Json::String(left), Json::String(right)) => left.to_lowercase().cmp(&right.to_lowercase()),
        _ => Ordering::Equal,
    }
}

/// Whether a value and a literal compare like that.
pub fn compare(value: &Json, operator: Operator, literal: &Literal, field: &Field) -> bool {
    if let Literal::Null = literal {
        let is_null = value.is_null() || value.as_str() == Some("");
        return match operator {
            Operator::Equal => is_null,
            Operator::NotEqual => !is_null,
            _ => false,
        };
    }
    if value.is_null() {
        return operator == Operator::NotEqual;
    }
    if operator == Operator::Like {
        return match (value.as_str(), literal) {
            (Some(text), Literal::Text(pattern)) => like(text, pattern),
            _ => false,
        };
    }
    if let (Json::String(held), Literal::Range(start, end)) = (value, literal) {
        let (held, start, end) = (held.as_str(), start.as_str(), end.as_str());
        return match operator {
            Operator::Equal => held >= start && held < end,
            Operator::NotEqual => held < start || held >= end,
            Operator::Less => held < start,
            Operator::LessOrEqual => held < end,
            Operator::Greater => held >= end,
            Operator::GreaterOrEqual => held >= start,
            Operator::Like => false,
        };
    }
    let order = match (value, literal) {
        (Json::Bool(held), Literal::Flag(wanted)) => held.cmp(wanted),
        (Json::Number(held), Literal::Number(wanted)) => {
            held.as_f64().unwrap_or(0.0).total_cmp(wanted)
        }
        (Json::String(held), Literal::Text(wanted)) => {
            if field.kind == "reference" || field.kind == "id" {
                held.cmp(&normal_id(wanted))
            } else {
                held.to_lowercase().cmp(&wanted.to_lowercase())
            }
        }
        (Json::String(held), Literal::Time(wanted)) => match (instant(held), instant(wanted)) {
            (Some(held), Some(wanted)) => held.cmp(&wanted),
            // A day by itself is a text that sorts as it should.
            _ => held.as_str().cmp(wanted),
        },
        _ => return operator == Operator::NotEqual,
    };
    match operator {
        Operator::Equal => order == Ordering::Equal,
        Operator::NotEqual => order != Ordering::Equal,
        Operator::Less => order == Ordering::Less,
        Operator::LessOrEqual => order != Ordering::Greater,
        Operator::Greater => order == Ordering::Greater,
        Operator::GreaterOrEqual => order != Ordering::Less,
        Operator::Like => false,
    }
}

/// A time as an instant; the platform writes offsets without a colon.
fn instant(text: &str) -> Option<jiff::Timestamp> {
    let (time, offset) = text.split_at_checked(text.len().checked_sub(5)?)?;
    let is_offset =
        offset.starts_with(['+', '-']) && offset[1..].bytes().all(|byte| byte.is_ascii_digit());
    if is_offset {
        format!("{time}{}:{}", &offset[..3], &offset[3..]).parse().ok()
    } else {
        text.parse().ok()
    }
}

/// `%` is any text, `_` any character, case does not matter. Linear in
/// practice: on a mismatch only the last `%` is tried again.
fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let (mut at, mut place) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(place) {
            Some('%') => {
                star = Some((place, at));
                place += 1;
            }
            Some(character) if *character == '_' || *character == text[at] => {
                place += 1;
                at += 1;
            }
            _ => match star {
                Some((after, from)) => {
                    place = after + 1;
                    at = from + 1;
                    star = Some((after, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[place..].iter().all(|character| *character == '%')
}

#[cfg(test)]
mod tests {
    use super::instant;
    use super::like;

    #[test]
    fn times_are_the_same_however_they_are_written() {
        let written =
            ["2026-12-01T09:00:00.000+0000", "2026-12-01T09:00:00Z", "2026-12-01T10:00:00+01:00"];
        let instants: Vec<_> = written.iter().map(|text| instant(text).expect("a time")).collect();
        assert!(instants.windows(2).all(|pair| pair[0] == pair[1]), "{instants:?}");
        assert_eq!(instant("2026-12-01"), None);
        assert_eq!(instant("x"), None);
    }

    #[test]
    fn like_is_salesforces_like() {
        assert!(like("Coconut Integration", "coco%"));
        assert!(like("abc", "a_c"));
        assert!(like("aXbXc", "%b%c"));
        assert!(!like("abc", "b%"));
        assert!(like("", "%"));
        assert!(!like("ab", "a"));
    }
}
