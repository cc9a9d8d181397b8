//! A query as a tree.

/// One query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// What is selected.
    pub select: Vec<Selection>,
    /// From which object (or child relationship).
    pub from: String,
    /// Which rows.
    pub condition: Option<Condition>,
    /// The paths by whose values rows are put together, with their places.
    pub group: Vec<(String, usize)>,
    /// In which order: path, descending, nulls last.
    pub order: Vec<(String, bool, bool)>,
    /// At most how many.
    pub limit: Option<usize>,
    /// After how many.
    pub offset: usize,
}

/// One item after SELECT.
#[derive(Clone, Debug, PartialEq)]
pub enum Selection {
    /// A field, by path, with its place in the text.
    Field(String, usize),
    /// A value worked out from all rows of a group.
    Aggregate(Aggregate),
    /// `FIELDS(ALL)`, `FIELDS(STANDARD)` or `FIELDS(CUSTOM)`, with its place.
    Fields(FieldSet, usize),
    /// Rows of a child relationship.
    Children(Box<Query>),
    /// `COUNT()`.
    Count,
}

/// The fields that `FIELDS()` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldSet {
    /// All that the user sees.
    All,
    /// Those of the platform.
    Standard,
    /// Those of the org.
    Custom,
}

/// A value worked out from all rows of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// What is worked out.
    pub function: Function,
    /// From which field.
    pub path: String,
    /// Its name in the answer; `expr0` and so on without one.
    pub alias: Option<String>,
    /// Its place in the text.
    pub place: usize,
}

/// What is worked out from the rows of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// How many have a value.
    Count,
    /// How many values there are.
    CountDistinct,
    /// The least value.
    Least,
    /// The greatest value.
    Greatest,
    /// All together.
    Sum,
    /// The mean.
    Average,
}

/// A condition of WHERE.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// All hold.
    And(Vec<Condition>),
    /// One holds.
    Or(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// A comparison: path, operator, value, place in the text.
    Compare(String, Operator, Literal, usize),
    /// The value is (or is not) one of a list.
    In(String, bool, Vec<Literal>, usize),
    /// The value is (or is not) one that another query selects.
    Semi(String, bool, Box<Query>, usize),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=` and `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `LIKE`
    Like,
}

/// A value in the text.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// A text in quotes.
    Text(String),
    /// A number.
    Number(f64),
    /// A date or time, as written.
    Time(String),
    /// Days from today, from the first on and before the second: `TODAY` is
    /// (0, 1).
    Days(i64, i64),
    /// Times from the first on and before the second.
    Range(String, String),
    /// True or false.
    Flag(bool),
    /// Null.
    Null,
}

/// The texts that a path has to be one of, where a condition says so for all
/// rows.
pub fn texts_of<'a>(condition: &'a Condition, path: &str) -> Option<Vec<&'a str>> {
    let text = |literal: &'a Literal| match literal {
        Literal::Text(text) => Some(text.as_str()),
        _ => None,
    };
    match condition {
        Condition::And(parts) => parts.iter().find_map(|part| texts_of(part, path)),
        Condition::Compare(held, Operator::Equal, literal, _)
            if held.eq_ignore_ascii_case(path) =>
        {
            Some(vec![text(literal)?])
        }
        Condition::In(held, true, list, _) if held.eq_ignore_ascii_case(path) => {
            list.iter().map(text).collect()
        }
        _ => None,
    }
}
