//! SOQL as text: values escaped, lists of keys cut to what a URL may hold.

use std::fmt::Write as _;

use crate::model::Filter;

/// A URL may have 16,384 bytes (REST API Developer Guide, "Status Codes and
/// Error Responses"); the host and the rest of the path need some of them.
const LONGEST_ENCODED: usize = 14_000;

/// A text as a SOQL literal.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for character in text.chars() {
        match character {
            '\\' | '\'' => {
                quoted.push('\\');
                quoted.push(character);
            }
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

/// How many bytes a text has once it stands in a URL.
pub fn encoded_length(text: &str) -> usize {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) { 1 } else { 3 })
        .sum()
}

/// Percent-encodes a text for a URL.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// What holds of rows as SOQL; `None` where nothing is said.
fn condition(filters: &[Filter]) -> Option<String> {
    let texts: Vec<String> = filters
        .iter()
        .map(|filter| match filter {
            Filter::IsNull(column) => format!("{column} = null"),
            Filter::IsNotNull(column) => format!("{column} != null"),
            Filter::IsTrue(column) => format!("{column} = true"),
            Filter::IsFalse(column) => format!("{column} = false"),
            Filter::Equals(column, text) => format!("{column} = {}", quote(text)),
            Filter::In(column, texts) => {
                let texts: Vec<String> = texts.iter().map(|text| quote(text)).collect();
                format!("{column} IN ({})", texts.join(", "))
            }
        })
        .collect();
    (!texts.is_empty()).then(|| texts.join(" AND "))
}

/// A query for all rows of which this holds.
pub fn query(object: &str, columns: &[&str], filters: &[Filter]) -> String {
    let rest =
        condition(filters).map_or_else(String::new, |condition| format!(" WHERE {condition}"));
    format!("SELECT {} FROM {object}{rest}", columns.join(", "))
}

/// A query for the rows with one of some names in the first column, or one of some labels
/// in the second.
pub fn named_query(
    object: &str,
    columns: &[&str],
    (name, label): (&str, &str),
    filters: &[Filter],
    (names, labels): (&[&str], &[&str]),
) -> String {
    let list = |texts: &[&str]| texts.iter().map(|text| quote(text)).collect::<Vec<_>>().join(",");
    let either = format!("{name} IN ({}) OR {label} IN ({})", list(names), list(labels));
    let either = match condition(filters) {
        Some(condition) => format!("{condition} AND ({either})"),
        None => either,
    };
    format!("SELECT {} FROM {object} WHERE {either}", columns.join(", "))
}

/// Queries that together ask for all keys: `SELECT … WHERE key IN (…)`, each
/// short enough for a URL.
pub fn keyed_queries<'a>(
    object: &str,
    fields: &[&str],
    key: &str,
    filters: &[Filter],
    keys: impl IntoIterator<Item = &'a str>,
) -> Vec<String> {
    let head = format!("SELECT {} FROM {object} WHERE {key} IN (", fields.join(", "));
    let tail =
        condition(filters).map_or_else(|| ")".to_owned(), |condition| format!(") AND {condition}"));
    cut(&head, &tail, keys)
}

/// The same for rows whose `key` holds the id of a user with one of these
/// usernames.
pub fn queries_by_username<'a>(
    object: &str,
    fields: &[&str],
    key: &str,
    filters: &[Filter],
    usernames: impl IntoIterator<Item = &'a str>,
) -> Vec<String> {
    let condition =
        condition(filters).map_or_else(String::new, |condition| format!("{condition} AND "));
    let head = format!(
        "SELECT {} FROM {object} WHERE {condition}{key} IN (SELECT Id FROM User WHERE Username IN (",
        fields.join(", ")
    );
    cut(&head, "))", usernames)
}

/// Queries of a head, some keys and a tail, each short enough for a URL.
fn cut<'a>(head: &str, tail: &str, keys: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let fixed = encoded_length(head) + encoded_length(tail);
    let mut queries = Vec::new();
    let mut list = String::new();
    let mut length = fixed;
    for literal in keys.into_iter().map(quote) {
        let needed = encoded_length(&literal) + 3;
        if !list.is_empty() && length + needed > LONGEST_ENCODED {
            queries.push(format!("{head}{list}{tail}"));
            list.clear();
            length = fixed;
        }
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(&literal);
        length += needed;
    }
    if !list.is_empty() {
        queries.push(format!("{head}{list}{tail}"));
    }
    queries
}

#[cfg(test)]
mod tests {
    use super::LONGEST_ENCODED;
    use super::encode;
    use super::encoded_length;
    use super::keyed_queries;
    use super::quote;
    use crate::model::Filter;

    #[test]
    fn a_literal_ends_only_where_it_ends() {
        assert_eq!(quote("O'Neil\\"), "'O\\'Neil\\\\'");
        assert_eq!(quote("a\nb"), "'a\\nb'");
    }

    #[test]
    fn many_keys_make_queries_that_fit_a_url_and_miss_none() {
        let keys: Vec<String> = (0..3000).map(|n| format!("user{n}@coconut.example")).collect();
        let queries = keyed_queries(
            "User",
            &["Id"],
            "Username",
            &[Filter::IsTrue("IsActive")],
            keys.iter().map(String::as_str),
        );
        assert!(queries.len() > 1);
        let mut found = 0;
        for query in &queries {
            assert!(encoded_length(query) <= LONGEST_ENCODED);
            assert_eq!(encode(query).len(), encoded_length(query));
            assert!(query.ends_with(") AND IsActive = true"), "{query}");
            found += query.matches('@').count();
        }
        assert_eq!(found, 3000);
    }

    #[test]
    fn no_keys_make_no_query() {
        assert!(keyed_queries("User", &["Id"], "Username", &[], []).is_empty());
    }
}
