//! The grammar of SOQL, as far as access is read with it: from a text to a
//! tree.

use super::query::Aggregate;
use super::query::Condition;
use super::query::FieldSet;
use super::query::Function;
use super::query::Literal;
use super::query::Operator;
use super::query::Query;
use super::query::Selection;
use super::tokens::Token;
use super::tokens::malformed;
use super::tokens::tokens;
use crate::local_org::error::ApiError;

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
