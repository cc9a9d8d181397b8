//! What a family of facts is: how it is named, asked for, read, and how long an answer
//! holds. Imports `model` alone.

use std::collections::BTreeSet;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Catalog;
use super::question::Answer;
use super::question::Question;
use super::table::Table;

/// What is known of one fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known<T> {
    /// Nobody asked, or the org refused to say.
    NotAsked,
    /// The org was asked and has no such thing.
    Absent,
    /// The org's answer.
    Is(T),
}

impl<T> Known<T> {
    /// The answer, where there is one.
    pub fn is(self) -> Option<T> {
        match self {
            Self::Is(answer) => Some(answer),
            Self::NotAsked | Self::Absent => None,
        }
    }

    /// What `change` makes of the answer.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Known<U> {
        match self {
            Self::NotAsked => Known::NotAsked,
            Self::Absent => Known::Absent,
            Self::Is(answer) => Known::Is(change(answer)),
        }
    }

    /// Whether the org was asked and has no such thing.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl<'a, T> Known<&'a Vec<T>> {
    /// The items of the answer; none where there is no answer.
    pub fn list(self) -> &'a [T] {
        self.is().map_or(&[], Vec::as_slice)
    }
}

/// What a plan needs the facts of a family for, which decides how long an answer holds
/// and when the org is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// No plan can be made without; an answer holds for a day.
    KeptForADay,
    /// No plan can be made without, and it changes by itself: each refresh asks anew. A
    /// plan from the cache uses the last answer.
    EachRefresh,
    /// Like [`Policy::EachRefresh`], but only a plan that changes something rests on it,
    /// so that it is asked once there are changes.
    ForChanges,
    /// It only helps to check a plan that changes something, and would do so wrongly with
    /// an old answer: none is ever used again.
    ForChecks,
    /// It only helps to explain a plan: an answer holds for a day and is forgotten then.
    ForExplanations,
}

impl Policy {
    /// Whether a plan can be made without.
    pub fn is_dispensable(self) -> bool {
        matches!(self, Self::ForChecks | Self::ForExplanations)
    }

    /// Whether a plan without changes is the same whatever the org says now.
    pub fn only_matters_to_changes(self) -> bool {
        matches!(self, Self::ForChanges | Self::ForChecks)
    }

    /// Whether each refresh asks anew.
    pub fn is_volatile(self) -> bool {
        matches!(self, Self::EachRefresh | Self::ForChanges | Self::ForChecks)
    }

    /// Whether an answer can be used that is `old` (not of today).
    pub fn serves(self, is_old: bool) -> bool {
        match self {
            Self::KeptForADay | Self::EachRefresh | Self::ForChanges => true,
            Self::ForExplanations => !is_old,
            Self::ForChecks => false,
        }
    }
}

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

/// The key as it was asked for, where the org spells it in another case.
pub fn asked_as<'a>(asked: &'a BTreeSet<String>, name: &str) -> Option<&'a String> {
    let folded = name.to_lowercase();
    asked.get(name).or_else(|| asked.iter().find(|held| held.to_lowercase() == folded))
}
