//! One planned change: what is done to a resource, and why.

use serde::Deserialize;
use serde::Serialize;

use super::Address;
use super::Attributes;
use super::Observed;
use super::OpIndex;
use super::Path;
use super::Record;

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Made anew.
    Create,
    /// Changed in place.
    Update,
    /// Deleted and made again.
    Replace,
    /// Deleted; a user, which the platform never deletes, is deactivated.
    Delete,
    /// Taken over as it is, and changed where it differs.
    Adopt,
    /// No longer managed, and not touched.
    Release,
}

/// Why it is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Declared, and not in the org.
    NotInOrg,
    /// Recorded and declared, and gone from the org.
    RemovedOutside,
    /// Declared otherwise than it is.
    Differs,
    /// An earlier run ended before it was complete.
    Incomplete,
    /// Declared, and in the org without our state knowing it.
    FoundInOrg,
    /// We deactivated it earlier; it is declared again.
    DeactivatedByUs,
    /// Declared under a new name with `was:`.
    Renamed {
        /// The address it had.
        from: Address,
    },
    /// The user license of the set can't be changed in place.
    LicenseChanged,
    /// It was asked to be made anew.
    ReplaceRequested,
    /// What it refers to is made anew, and it with that.
    RemadeWith {
        /// What it refers to.
        address: Address,
    },
    /// It may leave by itself along with something that the plan takes away, and
    /// is given again.
    MayLeaveWith {
        /// What is taken away.
        address: Address,
    },
    /// One of its members changes, so that the org works it out anew.
    MemberChanges {
        /// The member.
        address: Address,
    },
    /// Held, declared nowhere, and the user is to hold only what is declared.
    Exclusive,
    /// In the state, and declared no more.
    NotDeclared,
    /// The files say that it is no longer to be managed.
    ReleaseRequested,
    /// Destroy was asked for.
    Destroy,
}

/// A grant that was not written but follows from one that was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Implied {
    /// The attribute it stands in.
    pub path: String,
    /// Its name in that attribute's set.
    pub element: String,
    /// The declared element that needs it.
    pub because: String,
    /// Whether only a refusal of the org says that it is needed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub learned: bool,
}

/// One change of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The resource.
    pub address: Address,
    /// What is done.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// Its attributes now; `None` when it is not there.
    pub before: Option<Attributes>,
    /// Its attributes afterwards; `None` when it will not be there.
    pub after: Option<Attributes>,
    /// What the org or we fill in once, at creation, and do not manage.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub defaults: Attributes,
    /// Which elements of `after` were not written but follow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub implied: Vec<Implied>,
    /// Paths of `after` that only tell what the change does and are not
    /// managed afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transient: Vec<Path>,
    /// Whether it is protected from being taken away afterwards.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protected: bool,
    /// What is taken away with which it may leave by itself, so that it is given
    /// again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_leave_with: Option<Address>,
    /// A member of it that the plan changes, so that the org works it out anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_changes: Option<Address>,
    /// Its ops, in the plan's list.
    #[serde(default)]
    pub ops: Vec<OpIndex>,
    /// What the state said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Box<Record>>,
    /// What the org showed, where that is not what the state says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Box<Observed>>,
}

impl Change {
    /// A change without attributes or ops.
    pub fn new(address: Address, action: Action, reason: Reason) -> Self {
        Self {
            address,
            action,
            reason,
            before: None,
            after: None,
            defaults: Attributes::new(),
            implied: Vec::new(),
            transient: Vec::new(),
            protected: false,
            may_leave_with: None,
            member_changes: None,
            ops: Vec::new(),
            recorded: None,
            observed: None,
        }
    }

    /// What the state will say about it when all is done.
    pub fn managed_after(&self) -> Option<Attributes> {
        let mut after = self.after.clone()?;
        for path in &self.transient {
            after.remove(path);
        }
        Some(after)
    }

    /// Whether the thing is in the org before the change.
    pub fn exists(&self) -> bool {
        self.before.is_some()
    }

    /// The id the thing has now, if it is there and the id is known.
    pub fn id(&self) -> Option<&super::SalesforceId> {
        let observed = self.observed.as_ref().and_then(|observed| observed.id.as_ref());
        observed.or_else(|| self.recorded.as_ref().and_then(|record| record.id.as_ref()))
    }

    /// The id of the row that goes with it.
    pub fn companion_id(&self) -> Option<&super::SalesforceId> {
        let observed = self.observed.as_ref().and_then(|observed| observed.companion_id.as_ref());
        observed.or_else(|| self.recorded.as_ref().and_then(|record| record.companion_id.as_ref()))
    }
}
