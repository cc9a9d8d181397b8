//! Asks the questions of facts, those about the same rows together, and those of kinds
//! along with them where they fit.

#[cfg(test)]
mod tests;

use crate::model::PackagedName;
use futures_util::future::try_join;
use tracing::debug;

use super::EngineError;
use crate::facts::Answer;
use crate::facts::By;
use crate::facts::Catalog;
use crate::facts::FamilyName;
use crate::facts::Inquiry;
use crate::facts::OnRefusal;
use crate::facts::Question;
use crate::facts::Rows;
use crate::model::Filter;
use crate::model::Row;
use crate::model::RowExt as _;
use crate::model::RowQuery;
use crate::org::DOCUMENTS_OF_ONE_CALL;
use crate::org::Org;
use crate::org::OrgError;
use crate::org::keyed_queries;
use crate::org::named_query;
use crate::org::query;

/// The most names in one query by names or labels, and with which a kind's question still
/// goes along with one of facts.
const NAMES: usize = 100;

/// A question by its family and its number in the round.
type Number = (FamilyName, usize);

/// Who reads the rows of a query.
#[derive(Debug)]
enum Reader {
    /// A family, which asked this.
    Family(Number, Rows),
    /// A kind by its number among kinds, whose first query this also is.
    Kind {
        kind: usize,
        /// The column with the names that it looks for.
        column: &'static str,
        keys: Vec<String>,
        /// What holds of its rows and not of all that the query finds.
        filters: Vec<Filter>,
    },
}

impl Reader {
    /// Whether a row of a query that several read is for this one.
    fn accepts(&self, row: &Row) -> bool {
        let is_among = |keys: &[String], text: &str| {
            let text = text.to_lowercase();
            keys.iter().any(|key| key.to_lowercase() == text)
        };
        match self {
            Self::Kind { column, keys, filters, .. } => {
                filters.iter().all(|filter| filter.holds(row))
                    && row.text(column).is_some_and(|name| is_among(keys, name))
            }
            Self::Family(_, rows) => match &rows.by {
                By::All => true,
                By::Key { column, keys } => {
                    row.text(column).is_some_and(|text| is_among(keys, text))
                }
                By::NameOrLabel { name, label, written } => {
                    let name = row.packaged_name("NamespacePrefix", name).unwrap_or_default();
                    let label = row.text(label);
                    is_among(written, &name) || label.is_some_and(|text| is_among(written, text))
                }
            },
        }
    }
}

/// One question about rows, with all who read its answer.
#[derive(Debug)]
struct Query {
    object: &'static str,
    columns: Vec<&'static str>,
    by: By,
    /// Names that a kind looks for besides.
    names: Vec<String>,
    filters: &'static [Filter],
    on_refusal: OnRefusal,
    readers: Vec<Reader>,
}

impl Query {
    fn of(number: Number, rows: Rows) -> Self {
        Self {
            object: rows.object,
            columns: rows.columns.to_vec(),
            by: rows.by.clone(),
            names: Vec::new(),
            filters: rows.filters,
            on_refusal: rows.on_refusal,
            readers: vec![Reader::Family(number, rows)],
        }
    }

    /// Takes in another question about the same rows; gives it back where it is about
    /// others.
    fn merge(&mut self, number: Number, rows: Rows) -> Option<Rows> {
        let is_same = self.object == rows.object
            && self.columns == rows.columns
            && self.filters == rows.filters
            && self.on_refusal == rows.on_refusal;
        match (&mut self.by, &rows.by) {
            (By::Key { column, keys }, By::Key { column: other, keys: further })
                if is_same && column == other =>
            {
                keys.extend(further.iter().cloned());
            }
            (
                By::NameOrLabel { name, label, written },
                By::NameOrLabel { name: other, label: other_label, written: further },
            ) if is_same && (&*name, &*label) == (other, other_label) => {
                written.extend(further.iter().cloned());
            }
            _ => return Some(rows),
        }
        self.readers.push(Reader::Family(number, rows));
        None
    }

    /// Lets a kind's first query go along, where it is about the same rows and few enough.
    fn piggyback(&mut self, kind: usize, query: &'static RowQuery, keys: &[String]) -> bool {
        let (column, asked) = match &self.by {
            By::All => return false,
            By::Key { column, keys } => (*column, keys.len()),
            By::NameOrLabel { name, written, .. } => (*name, written.len()),
        };
        let fits = query.piggybacks
            && (query.object, query.key) == (self.object, column)
            && self.filters.iter().all(|filter| query.filters.contains(filter))
            && asked + keys.len() <= NAMES;
        if !fits {
            return false;
        }
        let further = query.filters.iter().filter(|filter| !self.filters.contains(filter));
        let filters: Vec<Filter> = further.copied().collect();
        let columns = query.fields.iter().copied().chain(filters.iter().map(Filter::column));
        for column in columns {
            if !self.columns.contains(&column) {
                self.columns.push(column);
            }
        }
        self.names.extend(keys.iter().cloned());
        self.readers.push(Reader::Kind { kind, column: query.key, keys: keys.to_vec(), filters });
        true
    }

    fn texts(&self) -> Vec<String> {
        texts_of(&self.by, &self.names, (self.object, &self.columns, self.filters))
    }
}

/// The queries for rows that are found so, and for those of further names.
fn texts_of(
    by: &By,
    further: &[String],
    (object, columns, filters): (&str, &[&str], &[Filter]),
) -> Vec<String> {
    match by {
        By::All => vec![query(object, columns, filters)],
        By::Key { column, keys } => {
            let keys = keys.iter().chain(further).map(String::as_str);
            keyed_queries(object, columns, column, filters, keys)
        }
        By::NameOrLabel { name, label, written } => {
            let has_namespace = columns.contains(&"NamespacePrefix");
            let text = |some: &[String]| {
                let labels: Vec<&str> = some.iter().map(String::as_str).collect();
                let mut names = labels.clone();
                if has_namespace {
                    names = names.into_iter().map(|name| PackagedName::of(name).bare).collect();
                }
                names.extend(further.iter().map(String::as_str));
                named_query(object, columns, (name, label), filters, (&names, &labels))
            };
            written.chunks(NAMES).map(text).collect()
        }
    }
}

/// What one round asks, sorted by how it is asked.
#[derive(Debug, Default)]
pub(super) struct Round {
    queries: Vec<Query>,
    /// Objects to describe, each with who asked.
    describes: Vec<(String, Vec<Number>)>,
    /// Everything else.
    others: Vec<(Number, Question)>,
    /// Which query a text is of.
    of_text: Vec<usize>,
    /// Whether an answer to a text came.
    is_answered: Vec<bool>,
}

impl Round {
    /// Sorts and merges questions.
    pub(super) fn of(questions: Vec<(FamilyName, usize, Question)>) -> Self {
        let mut round = Self::default();
        let mut shared: Vec<(String, Vec<Number>)> = Vec::new();
        for (family, number, question) in questions {
            let number = (family, number);
            match question {
                Question::Rows(rows) => {
                    let mut rows = Some(rows);
                    for query in &mut round.queries {
                        rows = rows.and_then(|rows| query.merge(number, rows));
                    }
                    round.queries.extend(rows.map(|rows| Query::of(number, rows)));
                }
                Question::Describe { object, is_shared: false } => {
                    round.describes.push((object, vec![number]));
                }
                Question::Describe { object, is_shared: true } => {
                    match shared.iter_mut().find(|(held, _)| *held == object) {
                        Some((_, readers)) => readers.push(number),
                        None => shared.push((object, vec![number])),
                    }
                }
                other => round.others.push((number, other)),
            }
        }
        round.describes.extend(shared);
        round
    }

    /// Whether nothing is asked.
    pub(super) fn is_empty(&self) -> bool {
        self.queries.is_empty() && self.describes.is_empty() && self.others.is_empty()
    }

    /// Lets a kind's first query go along with one of these; whether it does.
    pub(super) fn piggyback(
        &mut self,
        kind: usize,
        query: &'static RowQuery,
        keys: &[String],
    ) -> bool {
        self.queries.iter_mut().any(|held| held.piggyback(kind, query, keys))
    }

    /// The texts of all queries, in order.
    pub(super) fn texts(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        for (index, query) in self.queries.iter().enumerate() {
            let texts = query.texts();
            self.of_text.extend(texts.iter().map(|_| index));
            all.extend(texts);
        }
        self.is_answered = vec![false; all.len()];
        debug!(
            queries = all.len(),
            describes = self.describes.len(),
            others = self.others.len(),
            "asks a round"
        );
        all
    }

    /// The objects to describe, in order.
    pub(super) fn objects(&self) -> Vec<String> {
        self.describes.iter().map(|(object, _)| object.clone()).collect()
    }

    /// Of which texts a refusal is no failure.
    pub(super) fn may_be_refused(&self) -> Vec<bool> {
        let of = |query: &usize| self.queries[*query].on_refusal != OnRefusal::Fail;
        self.of_text.iter().map(of).collect()
    }

    /// Reads a page of the answer to a text; rows for kinds go to `of_kind`.
    pub(super) fn take_page(
        &mut self,
        text: usize,
        rows: &[Row],
        (inquiry, catalog): (&mut Inquiry, &mut Catalog),
        of_kind: &mut dyn FnMut(usize, &Row),
    ) {
        self.is_answered[text] = true;
        let query = &self.queries[self.of_text[text]];
        let is_alone = query.readers.len() == 1;
        for row in rows {
            for reader in query.readers.iter().filter(|reader| is_alone || reader.accepts(row)) {
                match reader {
                    Reader::Family(number, _) => {
                        inquiry.read(*number, Answer::Row(row), catalog);
                    }
                    Reader::Kind { kind, .. } => of_kind(*kind, row),
                }
            }
        }
    }

    /// Takes note of which queries were answered whole, once all pages are in, and reads
    /// the descriptions.
    pub(super) fn take_rest(
        &self,
        described: &[Option<serde_json::Value>],
        inquiry: &mut Inquiry,
        catalog: &mut Catalog,
    ) {
        for (index, query) in self.queries.iter().enumerate() {
            let texts = self.of_text.iter().zip(&self.is_answered);
            let is_answered =
                texts.filter(|(of, _)| **of == index).all(|(_, is_answered)| *is_answered);
            for reader in &query.readers {
                let Reader::Family(number, _) = reader else { continue };
                finish(*number, is_answered, query.on_refusal, inquiry, catalog);
            }
        }
        for ((_, readers), described) in self.describes.iter().zip(described) {
            for number in readers {
                inquiry.read(*number, Answer::Described(described.as_ref()), catalog);
            }
        }
    }

    /// Asks what no query and no describe answers.
    ///
    /// # Errors
    /// When the org refuses what it must answer, or a call breaks.
    pub(super) async fn ask_others(
        &self,
        org: &Org,
        inquiry: &mut Inquiry,
        catalog: &mut Catalog,
    ) -> Result<(), EngineError> {
        let (tooling, others): (Vec<_>, Vec<_>) = self
            .others
            .iter()
            .partition(|(_, question)| matches!(question, Question::ToolingRows(_)));
        let (tooling, others) = try_join(ask_all(org, &tooling), ask_all(org, &others)).await?;
        for (number, answered) in tooling.into_iter().chain(others) {
            match answered {
                Answered::Rows(rows) => {
                    for row in &rows {
                        inquiry.read(number, Answer::Row(row), catalog);
                    }
                    inquiry.read(number, Answer::End, catalog);
                }
                Answered::Listed(listed) => {
                    inquiry.read(number, Answer::Listed(&listed), catalog);
                }
                Answered::Documents(documents) => {
                    for (place, document) in documents.into_iter().enumerate() {
                        inquiry.read(number, Answer::Document(place, document), catalog);
                    }
                }
                Answered::Refused(on_refusal) => {
                    finish(number, false, on_refusal, inquiry, catalog);
                }
            }
        }
        Ok(())
    }
}

/// Asks questions that are no facts, and hands out the rows that come with the number of
/// their question.
///
/// # Errors
/// When the org refuses one, or a call breaks.
pub(super) async fn ask_alone(
    org: &Org,
    questions: Vec<Question>,
    take: &mut (dyn FnMut(usize, &Row) + Send),
) -> Result<(), EngineError> {
    let mut texts = Vec::new();
    let mut numbers = Vec::new();
    for (number, question) in questions.into_iter().enumerate() {
        let Question::Rows(rows) = question else {
            if let Answered::Rows(rows) = ask(org, &question).await? {
                for row in &rows {
                    take(number, row);
                }
            }
            continue;
        };
        let further = texts_of(&rows.by, &[], (rows.object, rows.columns, rows.filters));
        numbers.extend(further.iter().map(|_| number));
        texts.extend(further);
    }
    let mut pages = |text: usize, rows: Vec<Row>| {
        for row in &rows {
            take(numbers[text], row);
        }
    };
    org.query_all(&texts, &mut pages).await?;
    Ok(())
}

/// Ends a question about rows.
fn finish(
    number: Number,
    is_answered: bool,
    on_refusal: OnRefusal,
    inquiry: &mut Inquiry,
    catalog: &mut Catalog,
) {
    if is_answered {
        inquiry.read(number, Answer::End, catalog);
    } else if on_refusal == OnRefusal::Unknown {
        inquiry.refuse(number.0);
    }
}

/// What came for a question that is asked on its own.
enum Answered {
    Rows(Vec<Row>),
    Listed(Vec<(String, crate::model::SalesforceId)>),
    Documents(Vec<Option<crate::model::Element>>),
    Refused(OnRefusal),
}

/// Asks one after the other.
async fn ask_all(
    org: &Org,
    questions: &[&(Number, Question)],
) -> Result<Vec<(Number, Answered)>, OrgError> {
    let mut answers = Vec::new();
    for (number, question) in questions {
        answers.push((*number, ask(org, question).await?));
    }
    Ok(answers)
}

async fn ask(org: &Org, question: &Question) -> Result<Answered, OrgError> {
    let (answer, on_refusal) = match question {
        Question::ToolingRows(rows) => (ask_tooling(org, rows).await, rows.on_refusal),
        Question::List { metadata_type, on_refusal } => {
            (org.list_documents(metadata_type).await.map(Answered::Listed), *on_refusal)
        }
        Question::Documents { metadata_type, names } => {
            let mut documents = Vec::new();
            for some in names.chunks(DOCUMENTS_OF_ONE_CALL) {
                documents.extend(org.read_documents(metadata_type, some).await?);
            }
            return Ok(Answered::Documents(documents));
        }
        Question::Record { object, id } => {
            return Ok(Answered::Rows(vec![org.record(object, id).await?]));
        }
        // These were asked together.
        Question::Rows(_) | Question::Describe { .. } => return Ok(Answered::Rows(Vec::new())),
    };
    match answer {
        Err(error)
            if on_refusal != OnRefusal::Fail && error.refused().is_some() && !error.is_final() =>
        {
            Ok(Answered::Refused(on_refusal))
        }
        answer => answer,
    }
}

async fn ask_tooling(org: &Org, rows: &Rows) -> Result<Answered, OrgError> {
    let By::Key { column, keys } = &rows.by else { return Ok(Answered::Rows(Vec::new())) };
    let keys = keys.iter().map(String::as_str);
    let mut found = Vec::new();
    for text in keyed_queries(rows.object, rows.columns, column, rows.filters, keys) {
        found.extend(org.tooling_query(&text).await?);
    }
    Ok(Answered::Rows(found))
}
