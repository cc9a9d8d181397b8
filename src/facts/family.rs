//! What a family of facts is: how it is named, asked for, and read; and the table of its
//! answers. Imports `model` alone.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::ops::RangeFrom;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Catalog;
use super::known::Known;
use super::known::Policy;
use super::question::Answer;
use super::question::Question;

/// The name of one fact within its family: `()` where there is only one.
pub trait Key: Ord + Clone + Debug + Serialize + DeserializeOwned {}

impl<T: Ord + Clone + Debug + Serialize + DeserializeOwned> Key for T {}

/// A family of facts: one sort of thing that an org can be asked for.
///
/// An inquiry goes in rounds. In each, the family names its questions, all of which are
/// answered before the next round, together with those of the other families. A family is
/// done with the first round in which none has a question. Most have one round; a family
/// with more keeps what it must remember between them in itself, which is why questions
/// and answers go to a value of it, made anew (`Default`) for each inquiry.
pub trait Family: Default + Debug + Send {
    /// The name of one fact.
    type Key: Key;
    /// The answer to one fact.
    type Answer: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync;

    /// Under which word the state keeps answers. It never changes, so that what an older
    /// version kept is read.
    const TAG: &'static str;
    /// How long an answer holds.
    const POLICY: Policy;
    /// Whether an earlier answer is forgotten as soon as the fact is asked for anew. Where
    /// not, the new answer is laid over it: it holds what refusals taught.
    const FORGETS: bool = true;

    /// What a person would call it, as a fragment.
    fn describe(key: &Self::Key) -> String;

    /// The questions of a round, counted from 0, about the facts that are asked for.
    fn questions(
        &mut self,
        _round: usize,
        _asked: &BTreeSet<Self::Key>,
        _known: &Catalog,
    ) -> Vec<Question> {
        Vec::new()
    }

    /// Reads what came for a question of this round, by its number. What a row lacks that
    /// the fact needs makes the fact absent: there is nothing better to say of it.
    fn read(
        &mut self,
        _question: usize,
        _answer: Answer<'_>,
        _asked: &BTreeSet<Self::Key>,
        _table: &mut Table<Self>,
    ) {
    }

    /// What it means that all questions were answered and none said anything about a fact:
    /// the org has no such thing (`None`), or it has none of many.
    fn unanswered() -> Option<Self::Answer> {
        None
    }

    /// Whether an answer says that the org has no such thing, as older versions kept it.
    fn is_nothing(_answer: &Self::Answer) -> bool {
        false
    }
}

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

/// The key as it was asked for, where the org spells it in another case.
pub fn asked_as<'a>(asked: &'a BTreeSet<String>, name: &str) -> Option<&'a String> {
    let folded = name.to_lowercase();
    asked.get(name).or_else(|| asked.iter().find(|held| held.to_lowercase() == folded))
}
