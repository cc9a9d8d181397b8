//! Families without an org: what unit tests ask and answer.

use std::collections::BTreeSet;

use super::Catalog;
use super::family::Family;
use super::family::Table;
use super::question::Answer;
use super::question::Question;

/// Facts of one family that are asked for.
pub struct Alone<F: Family> {
    family: F,
    keys: BTreeSet<F::Key>,
    pub table: Table<F>,
}

/// Asks for these facts of a family.
pub fn asked<F: Family>(keys: impl IntoIterator<Item = impl Into<F::Key>>) -> Alone<F> {
    let keys = keys.into_iter().map(Into::into).collect();
    Alone { family: F::default(), keys, table: Table::default() }
}

impl<F: Family> Alone<F> {
    /// The questions of a round, of an org of which nothing else is known.
    pub fn questions(&mut self, round: usize) -> Vec<Question> {
        self.family.questions(round, &self.keys, &Catalog::default())
    }

    /// Answers a question of the round.
    pub fn read(&mut self, question: usize, answer: Answer<'_>) {
        self.family.read(question, answer, &self.keys, &mut self.table);
    }

    /// Answers a question of the round with rows.
    pub fn rows(&mut self, question: usize, rows: serde_json::Value) {
        let serde_json::Value::Array(rows) = rows else { panic!("rows are a list") };
        for row in rows {
            let serde_json::Value::Object(row) = row else { panic!("a row is an object") };
            self.read(question, Answer::Row(&row));
        }
        self.read(question, Answer::End);
    }

    /// All answers as the state keeps them, a line each.
    pub fn kept(&self) -> Vec<String> {
        let answer = |key: &F::Key| self.table.encode(key).unwrap_or_default();
        self.table.keys().map(|key| format!("{key:?} {}", answer(key))).collect()
    }
}
