//! The facts of one family that an inquiry asks for. Imports `model` alone.

use std::collections::BTreeSet;

use super::Catalog;
use super::family::Family;
use super::family::Table;
use super::question::Answer;
use super::question::Question;

/// What is asked for, with what the family remembers between rounds.
#[derive(Debug)]
pub(super) struct Asked<F: Family> {
    pub keys: BTreeSet<F::Key>,
    /// Whether the org refused a question without whose answer nothing is known.
    pub is_refused: bool,
    family: F,
}

impl<F: Family> Default for Asked<F> {
    fn default() -> Self {
        Self { keys: BTreeSet::new(), is_refused: false, family: F::default() }
    }
}

impl<F: Family> Asked<F> {
    pub(super) fn begin(&self, table: &mut Table<F>) {
        if F::FORGETS {
            for key in &self.keys {
                table.remove(key);
            }
        }
    }

    pub(super) fn questions(&mut self, round: usize, known: &Catalog) -> Vec<Question> {
        if self.keys.is_empty() {
            return Vec::new();
        }
        self.family.questions(round, &self.keys, known)
    }

    pub(super) fn read(&mut self, question: usize, answer: Answer<'_>, table: &mut Table<F>) {
        self.family.read(question, answer, &self.keys, table);
    }

    pub(super) fn finish(&self, table: &mut Table<F>) {
        if self.is_refused {
            return;
        }
        for key in self.keys.iter().filter(|key| !table.is_asked(key)).cloned().collect::<Vec<_>>()
        {
            match F::unanswered() {
                Some(answer) => table.insert(key, answer),
                None => table.insert_absent(key),
            }
        }
    }
}
