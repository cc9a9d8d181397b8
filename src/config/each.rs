//! `for_each`: one entry of a file that stands for many, with `${…}` in its texts.
//!
//! Rows come from a number, a list or a CSV file. Each makes a copy of the entry's
//! tree with its texts filled in, which is read like any other, so that a mistake
//! is shown at the place where the text stands. Only the diagnosing path does so;
//! the fast one refuses the key.

use crate::text::words;
use std::collections::BTreeMap;
use std::path::Path;

use super::diagnostic::Source;
use super::reach::FilesError;
use super::tree::NodeId;
use super::tree::Tree;
use super::tree::Value;

/// The key.
pub const FOR_EACH: &str = "for_each";
/// More rows than this are refused, since a slip makes them.
const MOST_ROWS: usize = 100_000;

/// No field of Salesforce's takes a longer text (131,072 characters).
const LONGEST_TEXT: usize = 512 << 10;

/// What the texts of one copy are filled in with, by name.
pub type Row = BTreeMap<String, String>;

/// What is wrong, and where.
#[derive(Debug)]
pub struct EachError {
    /// The node.
    pub node: NodeId,
    /// What is wrong, as a fragment.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl EachError {
    fn new(node: NodeId, message: impl Into<String>) -> Self {
        Self { node, message: message.into(), help: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

const FORMS: &str = "write `for_each: { count: 50 }`, `for_each: { csv: people.csv }`, or a list";

/// The rows that the value of `for_each` stands for; `read` gives a file named
/// from the folder of the one at hand.
pub fn rows(
    tree: &Tree,
    node: NodeId,
    read: &dyn Fn(&Path) -> Result<Source, FilesError>,
) -> Result<Vec<Row>, EachError> {
    let rows = match &tree.node(node).value {
        Value::List(items) => items.iter().map(|item| of_item(tree, *item)).collect(),
        Value::Map(_) => of_map(tree, node, read),
        Value::Scalar { .. } => {
            Err(EachError::new(node, "expected a list, a count or a CSV file").help(FORMS))
        }
    }?;
    if rows.len() > MOST_ROWS {
        let message = format!("there are more rows than the {MOST_ROWS} that are read");
        return Err(EachError::new(node, message));
    }
    Ok(rows)
}

fn of_item(tree: &Tree, item: NodeId) -> Result<Row, EachError> {
    if let Some((text, _)) = tree.scalar(item).filter(|_| !tree.is_null(item)) {
        return Ok(Row::from([("value".to_owned(), text.to_owned())]));
    }
    let Some(entries) = tree.entries(item) else {
        return Err(EachError::new(item, "expected a text, or a map of texts"));
    };
    let mut row = Row::new();
    for (key, value) in entries.iter().copied() {
        match (tree.scalar(key), tree.scalar(value)) {
            (Some((key, _)), Some((text, _))) => {
                row.insert(key.to_owned(), text.to_owned());
            }
            _ => return Err(EachError::new(value, "expected a text")),
        }
    }
    Ok(row)
}

fn of_map(
    tree: &Tree,
    node: NodeId,
    read: &dyn Fn(&Path) -> Result<Source, FilesError>,
) -> Result<Vec<Row>, EachError> {
    let entries = tree.entries(node).unwrap_or_default();
    let [(key, value)] = entries else {
        return Err(EachError::new(node, "expected one key").help(FORMS));
    };
    match (tree.scalar(*key), tree.scalar(*value)) {
        (Some(("count", _)), Some((text, _))) => {
            let count = text.parse::<usize>().ok().filter(|count| *count <= MOST_ROWS);
            let Some(count) = count else {
                let message = format!("expected a number up to {MOST_ROWS}");
                return Err(EachError::new(*value, message));
            };
            let row = |number: usize| Row::from([("n".to_owned(), number.to_string())]);
            Ok((1..=count).map(row).collect())
        }
        (Some(("csv", _)), Some((path, _))) => {
            let source = read(Path::new(path)).map_err(|error| {
                let told = EachError::new(*value, error.to_string());
                match error {
                    FilesError::OutOfReach { .. } => {
                        told.help("`--allow-path DIR` lets files below DIR be read too")
                    }
                    _ => told,
                }
            })?;
            of_csv(&source.text).map_err(|message| EachError::new(*value, message))
        }
        (Some((name, _)), _) => {
            Err(EachError::new(*key, format!("unknown key `{name}`")).help(FORMS))
        }
        (None, _) => Err(EachError::new(*key, "expected a key").help(FORMS)),
    }
}

/// The rows of a CSV text, by the names in its first line.
fn of_csv(text: &str) -> Result<Vec<Row>, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let names = reader.headers().map_err(|error| format!("the CSV file: {error}"))?.clone();
    if names.iter().all(str::is_empty) {
        return Err("the CSV file has no first line with the names of its columns".to_owned());
    }
    // One more than are read tells that there are too many.
    reader
        .records()
        .take(MOST_ROWS + 1)
        .map(|record| {
            let record = record.map_err(|error| format!("the CSV file: {error}"))?;
            let pairs = names.iter().zip(record.iter());
            Ok(pairs.map(|(name, text)| (name.to_owned(), text.to_owned())).collect())
        })
        .collect()
}

/// A text with what stands in `${…}` filled in; `$${` is a plain `${`.
///
/// # Errors
/// What is wrong with it, and what may have been meant.
pub fn fill_in(text: &str, row: &Row) -> Result<String, (String, Option<String>)> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        if rest[..start].ends_with('$') {
            filled.push_str(&rest[..start - 1]);
            filled.push_str("${");
            rest = &rest[start + 2..];
            continue;
        }
        filled.push_str(&rest[..start]);
        let Some(end) = rest[start..].find('}') else {
            return Err(("`${` has no `}`".to_owned(), None));
        };
        let name = rest[start + 2..start + end].trim();
        let Some(value) = row.get(name) else {
            let known: Vec<String> = row.keys().map(|name| format!("`${{{name}}}`")).collect();
            let help = match words::closest(name, row.keys().map(String::as_str)) {
                Some(meant) => format!("did you mean `${{{meant}}}`?"),
                None => format!("there is {}", known.join(", ")),
            };
            let name: String = name.chars().take(80).collect();
            return Err((format!("nothing is called `${{{name}}}` here"), Some(help)));
        };
        filled.push_str(value);
        if filled.len() > LONGEST_TEXT {
            let message = format!("filled in, this text has more than {LONGEST_TEXT} bytes");
            return Err((message, None));
        }
        rest = &rest[start + end + 1..];
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Whether a name could have come from a text with `${…}` in it.
pub fn could_be(template: &str, name: &str) -> bool {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some(start) = rest.find("${") {
        let Some(end) = rest[start..].find('}') else { return false };
        parts.push(&rest[..start]);
        rest = &rest[start + end + 1..];
    }
    if parts.is_empty() {
        return false;
    }
    let Some(mut name) = name.strip_prefix(parts[0]) else { return false };
    for part in &parts[1..] {
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    name.ends_with(rest)
}

#[cfg(test)]
mod tests {
    use super::Row;
    use super::could_be;
    use super::fill_in;
    use super::of_csv;

    #[test]
    fn texts_are_filled_in_and_slips_are_told() {
        let row: Row = [("n", "7"), ("first", "Ada")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert_eq!(fill_in("qa-${n}@x.example", &row).as_deref(), Ok("qa-7@x.example"));
        assert_eq!(fill_in("${first} ${ n }", &row).as_deref(), Ok("Ada 7"));
        assert_eq!(fill_in("$${n} and $5", &row).as_deref(), Ok("${n} and $5"));
        assert_eq!(
            fill_in("${frist}", &row),
            Err((
                "nothing is called `${frist}` here".to_owned(),
                Some("did you mean `${first}`?".to_owned())
            ))
        );
        assert!(fill_in("${n", &row).is_err());
    }

    #[test]
    fn a_csv_file_is_read_with_quotes_and_either_line_end() {
        let rows = of_csv("first,last\r\nAda,\"Love, Lace\"\r\nBob,Ross\r\n").expect("CSV");
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0]["last"], "Love, Lace");
        assert!(of_csv("first,last\nAda\n").is_err(), "a row that is too short is told");
        assert!(of_csv("").is_err());
    }

    #[test]
    fn a_name_is_found_under_the_text_that_it_came_from() {
        assert!(could_be("qa-${n}@x.example", "qa-12@x.example"));
        assert!(could_be("${first}.${last}@x.example", "ada.lovelace@x.example"));
        for (template, name) in
            [("qa-${n}@x.example", "qb-1@x.example"), ("plain", "plain"), ("a${n}b", "a1c")]
        {
            assert!(!could_be(template, name), "{template} {name}");
        }
    }
}
