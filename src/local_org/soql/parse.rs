//! The grammar of SOQL, as far as access is read with it.

use crate::local_org::error::ApiError;

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

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Number(String),
    Symbol(&'static str),
    End,
}

/// Reads a query.
///
/// # Errors
/// `MALFORMED_QUERY`, with the place as the platform shows it.
pub fn parse(text: &str) -> Result<Query, ApiError> {
    let tokens = tokens(text)?;
    let mut parser = Parser { text, tokens, place: 0, depth: 0 };
    let query = parser.query()?;
    match parser.peek() {
        Token::End => Ok(query),
        _ => Err(parser.unexpected()),
    }
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

fn malformed(text: &str, place: usize, message: &str) -> ApiError {
    ApiError::new("MALFORMED_QUERY", at_place(text, place, message))
}

const SYMBOLS: [&str; 11] = ["<=", ">=", "!=", "<>", "(", ")", ",", "=", "<", ">", ":"];

fn tokens(text: &str) -> Result<Vec<(Token, usize)>, ApiError> {
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

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(Token, usize)>,
    place: usize,
    depth: usize,
}

/// Deeper nesting than any sensible query has, and far from the stack's end.
const DEEPEST: usize = 60;

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.place].0
    }

    fn at(&self) -> usize {
        self.tokens[self.place].1
    }

    fn next(&mut self) -> Token {
        let token = self.tokens[self.place].0.clone();
        if self.place + 1 < self.tokens.len() {
            self.place += 1;
        }
        token
    }

    fn unexpected(&self) -> ApiError {
        self.unexpected_at(self.place)
    }

    /// Made only when it is needed: it looks at the whole text.
    fn unexpected_at(&self, place: usize) -> ApiError {
        let (token, at) = &self.tokens[place];
        let token = match token {
            Token::Word(word) | Token::Number(word) | Token::Text(word) => word.clone(),
            Token::Symbol(symbol) => (*symbol).to_owned(),
            Token::End => "<EOF>".to_owned(),
        };
        malformed(self.text, *at, &format!("unexpected token: '{token}'"))
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(held) if held.eq_ignore_ascii_case(word))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is = self.is_word(word);
        if is {
            self.next();
        }
        is
    }

    fn need_word(&mut self, word: &str) -> Result<(), ApiError> {
        if self.take_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let is = matches!(self.peek(), Token::Symbol(held) if *held == symbol);
        if is {
            self.next();
        }
        is
    }

    fn need_symbol(&mut self, symbol: &str) -> Result<(), ApiError> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn name(&mut self) -> Result<String, ApiError> {
        match self.peek() {
            Token::Word(_) => match self.next() {
                Token::Word(word) => Ok(word),
                _ => Err(self.unexpected()),
            },
            _ => Err(self.unexpected()),
        }
    }

    fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        if self.depth >= DEEPEST {
            return Err(malformed(self.text, self.at(), "the query is nested too deeply"));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn query(&mut self) -> Result<Query, ApiError> {
        self.need_word("SELECT")?;
        let mut select = vec![self.selection()?];
        while self.take_symbol(",") {
            select.push(self.selection()?);
        }
        self.need_word("FROM")?;
        let from = self.name()?;
        let mut query = Query {
            select,
            from,
            condition: None,
            group: Vec::new(),
            order: Vec::new(),
            limit: None,
            offset: 0,
        };
        if self.take_word("WHERE") {
            query.condition = Some(self.condition()?);
        }
        if self.take_word("GROUP") {
            self.need_word("BY")?;
            loop {
                let place = self.at();
                query.group.push((self.name()?, place));
                if !self.take_symbol(",") {
                    break;
                }
            }
        }
        if self.take_word("ORDER") {
            self.need_word("BY")?;
            loop {
                let path = self.name()?;
                let descending = self.take_word("DESC");
                if !descending {
                    self.take_word("ASC");
                }
                let mut nulls_last = false;
                if self.take_word("NULLS") {
                    nulls_last = self.take_word("LAST");
                    if !nulls_last {
                        self.need_word("FIRST")?;
                    }
                }
                query.order.push((path, descending, nulls_last));
                if !self.take_symbol(",") {
                    break;
                }
            }
        }
        if self.take_word("LIMIT") {
            query.limit = Some(self.count()?);
        }
        if self.take_word("OFFSET") {
            query.offset = self.count()?;
        }
        Ok(query)
    }

    fn count(&mut self) -> Result<usize, ApiError> {
        let place = self.place;
        match self.next() {
            Token::Number(digits) => digits.parse().map_err(|_| self.unexpected_at(place)),
            _ => Err(self.unexpected_at(place)),
        }
    }

    fn selection(&mut self) -> Result<Selection, ApiError> {
        if self.take_symbol("(") {
            let children = self.deeper(Self::query)?;
            self.need_symbol(")")?;
            return Ok(Selection::Children(Box::new(children)));
        }
        let place = self.at();
        let name = self.name()?;
        if !self.take_symbol("(") {
            return Ok(Selection::Field(name, place));
        }
        if name.eq_ignore_ascii_case("COUNT") && self.take_symbol(")") {
            return Ok(Selection::Count);
        }
        let argument = self.name()?;
        self.need_symbol(")")?;
        let upper = |text: &str| text.to_ascii_uppercase();
        if upper(&name) == "FIELDS" {
            let fields = match upper(&argument).as_str() {
                "ALL" => FieldSet::All,
                "STANDARD" => FieldSet::Standard,
                "CUSTOM" => FieldSet::Custom,
                _ => {
                    return Err(malformed(
                        self.text,
                        place,
                        "FIELDS takes ALL, STANDARD or CUSTOM",
                    ));
                }
            };
            return Ok(Selection::Fields(fields, place));
        }
        let function = match upper(&name).as_str() {
            "COUNT" => Function::Count,
            "COUNT_DISTINCT" => Function::CountDistinct,
            "MIN" => Function::Least,
            "MAX" => Function::Greatest,
            "SUM" => Function::Sum,
            "AVG" => Function::Average,
            _ => return Err(malformed(self.text, place, &format!("unexpected token: '{name}'"))),
        };
        let has_alias = matches!(self.peek(), Token::Word(_)) && !self.is_word("FROM");
        let alias = if has_alias { Some(self.name()?) } else { None };
        Ok(Selection::Aggregate(Aggregate { function, path: argument, alias, place }))
    }

    /// AND and OR may not be mixed without parentheses, as on the platform.
    fn condition(&mut self) -> Result<Condition, ApiError> {
        let first = self.simple()?;
        for (word, join) in
            [("AND", Condition::And as fn(Vec<Condition>) -> Condition), ("OR", Condition::Or)]
        {
            if self.is_word(word) {
                let mut all = vec![first];
                while self.take_word(word) {
                    all.push(self.simple()?);
                }
                if self.is_word("AND") || self.is_word("OR") {
                    return Err(self.unexpected());
                }
                return Ok(join(all));
            }
        }
        Ok(first)
    }

    fn simple(&mut self) -> Result<Condition, ApiError> {
        if self.take_word("NOT") {
            let negated = self.deeper(Self::simple)?;
            return Ok(Condition::Not(Box::new(negated)));
        }
        if self.take_symbol("(") {
            let inner = self.deeper(Self::condition)?;
            self.need_symbol(")")?;
            return Ok(inner);
        }
        let place = self.at();
        let path = self.name()?;
        let negated = self.take_word("NOT");
        if self.take_word("IN") {
            self.need_symbol("(")?;
            if self.is_word("SELECT") {
                let query = self.deeper(Self::query)?;
                self.need_symbol(")")?;
                return Ok(Condition::Semi(path, !negated, Box::new(query), place));
            }
            let mut list = vec![self.literal()?];
            while self.take_symbol(",") {
                list.push(self.literal()?);
            }
            self.need_symbol(")")?;
            return Ok(Condition::In(path, !negated, list, place));
        }
        if negated {
            return Err(self.unexpected());
        }
        let operator = if self.take_word("LIKE") {
            Operator::Like
        } else {
            let at = self.place;
            match self.next() {
                Token::Symbol("=") => Operator::Equal,
                Token::Symbol("!=" | "<>") => Operator::NotEqual,
                Token::Symbol("<") => Operator::Less,
                Token::Symbol("<=") => Operator::LessOrEqual,
                Token::Symbol(">") => Operator::Greater,
                Token::Symbol(">=") => Operator::GreaterOrEqual,
                _ => return Err(self.unexpected_at(at)),
            }
        };
        let literal = self.literal()?;
        Ok(Condition::Compare(path, operator, literal, place))
    }

    fn literal(&mut self) -> Result<Literal, ApiError> {
        let place = self.place;
        match self.next() {
            Token::Text(text) => Ok(Literal::Text(text)),
            Token::Number(digits) => match digits.parse() {
                Ok(number) => Ok(Literal::Number(number)),
                Err(_) if digits.len() >= 10 && digits.contains('-') => Ok(Literal::Time(digits)),
                Err(_) => Err(self.unexpected_at(place)),
            },
            Token::Word(word) => match word.to_ascii_lowercase().as_str() {
                "true" => Ok(Literal::Flag(true)),
                "false" => Ok(Literal::Flag(false)),
                "null" => Ok(Literal::Null),
                word => days(word).ok_or_else(|| self.unexpected_at(place)),
            },
            _ => Err(self.unexpected_at(place)),
        }
    }
}

/// The days that a word for a date stands for; it is in lower case.
fn days(word: &str) -> Option<Literal> {
    let (word, count) = match word.split_once(':') {
        Some((word, count)) => (word, Some(count.parse::<u16>().ok()?)),
        None => (word, None),
    };
    match (word, count.map(i64::from)) {
        ("yesterday", None) => Some(Literal::Days(-1, 0)),
        ("today", None) => Some(Literal::Days(0, 1)),
        ("tomorrow", None) => Some(Literal::Days(1, 2)),
        ("last_n_days", Some(count)) => Some(Literal::Days(-count, 1)),
        ("next_n_days", Some(count)) => Some(Literal::Days(1, count + 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Condition;
    use super::Literal;
    use super::Operator;
    use super::parse;

    #[test]
    fn a_query_is_read_whole() {
        let query = parse(
            "select Id, Profile.Name, (SELECT Id FROM PermissionSetAssignments) FROM User \
             WHERE (Username = 'a\\'b' OR IsActive != false) AND NOT Alias LIKE 'x%' \
             ORDER BY Name DESC NULLS LAST LIMIT 5 OFFSET 2",
        )
        .expect("a query");
        assert_eq!(query.from, "User");
        assert_eq!(query.select.len(), 3);
        assert_eq!((query.limit, query.offset), (Some(5), 2));
        let Some(Condition::And(parts)) = query.condition else { panic!("two conditions") };
        let Condition::Or(names) = &parts[0] else { panic!("an or") };
        assert!(matches!(
            &names[0],
            Condition::Compare(path, Operator::Equal, Literal::Text(text), _)
                if path == "Username" && text == "a'b"
        ));
    }

    #[test]
    fn what_is_no_query_is_refused_with_its_place() {
        for (text, column) in [
            ("SELECT FROM User", 13),
            ("SELECT Id FROM User WHERE", 26),
            ("SELECT Id FROM User WHERE a = 'x", 31),
            ("SELECT Id FROM User WHERE a = 1 AND b = 2 OR c = 3", 43),
            ("SELECT Id FROM User LIMIT x", 27),
            ("SELECT Id; FROM User", 10),
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!(error.code, "MALFORMED_QUERY");
            assert!(
                error.message.contains(&format!("Column:{column}")),
                "{text}: {}",
                error.message
            );
        }
    }

    #[test]
    fn nesting_has_an_end() {
        let text = format!("SELECT Id FROM User WHERE {}a = 1", "(".repeat(5000));
        assert_eq!(parse(&text).expect_err("too deep").code, "MALFORMED_QUERY");
    }
}
