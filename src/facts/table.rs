//! The answers to the facts of one family. Imports `model` alone.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::ops::RangeFrom;

use super::family::Family;
use super::family::Known;

/// Answers by the names of facts; those that were never asked for are not in it.
#[derive(Debug)]
pub struct Table<F: Family> {
    answers: BTreeMap<F::Key, Option<F::Answer>>,
}

impl<F: Family> Clone for Table<F> {
    fn clone(&self) -> Self {
        Self { answers: self.answers.clone() }
    }
}

impl<F: Family> Default for Table<F> {
    fn default() -> Self {
        Self { answers: BTreeMap::new() }
    }
}

impl<F: Family> Table<F> {
    /// What is known of a fact.
    pub fn get<Q>(&self, key: &Q) -> Known<&F::Answer>
    where
        F::Key: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        match self.answers.get(key) {
            None => Known::NotAsked,
            Some(None) => Known::Absent,
            Some(Some(answer)) => Known::Is(answer),
        }
    }

    /// The answer, to be changed.
    pub fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut F::Answer>
    where
        F::Key: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.answers.get_mut(key)?.as_mut()
    }

    /// The answer to be added to; an empty one, where there is none yet.
    pub fn grown(&mut self, key: F::Key) -> &mut F::Answer
    where
        F::Answer: Default,
    {
        self.answers.entry(key).or_default().get_or_insert_default()
    }

    /// Takes note of an answer.
    pub fn insert(&mut self, key: F::Key, answer: F::Answer) {
        self.answers.insert(key, Some(answer));
    }

    /// Takes note that the org has no such thing.
    pub fn insert_absent(&mut self, key: F::Key) {
        self.answers.insert(key, None);
    }

    /// Forgets what is known of a fact.
    pub fn remove(&mut self, key: &F::Key) {
        self.answers.remove(key);
    }

    /// Whether somebody asked.
    pub fn is_asked(&self, key: &F::Key) -> bool {
        self.answers.contains_key(key)
    }

    /// The facts that were asked for, in order.
    pub fn keys(&self) -> impl Iterator<Item = &F::Key> {
        self.answers.keys()
    }

    /// The answers there are, in the order of their names, from a name on.
    pub fn from(&self, keys: RangeFrom<F::Key>) -> impl Iterator<Item = (&F::Key, &F::Answer)> {
        self.answers.range(keys).filter_map(|(key, answer)| Some((key, answer.as_ref()?)))
    }

    /// What the state keeps of a fact, as JSON; `None` where nobody asked.
    pub(super) fn encode(&self, key: &F::Key) -> Option<String> {
        let answer = match self.answers.get(key)? {
            None => return Some(format!("\"{ABSENT}\"")),
            Some(answer) => serde_json::to_string(answer),
        };
        // Answers are made of texts, flags, numbers and lists: they always encode.
        Some(format!("{{\"{}\":{}}}", F::TAG, answer.ok()?))
    }

    /// Takes in what the state kept; whether it could be read.
    pub(super) fn decode(&mut self, key: F::Key, kept: &str) -> bool {
        if serde_json::from_str::<&str>(kept).is_ok_and(|word| word == ABSENT) {
            self.insert_absent(key);
            return true;
        }
        let Ok(mut kept) = serde_json::from_str::<BTreeMap<&str, F::Answer>>(kept) else {
            return false;
        };
        let Some(answer) = kept.remove(F::TAG) else { return false };
        self.answers.insert(key, Some(answer).filter(|answer| !F::is_nothing(answer)));
        true
    }
}

/// The word for what the org does not have, in the state.
const ABSENT: &str = "missing";
