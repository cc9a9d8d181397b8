//! What is known of a fact, and how long. Imports nothing.

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
