//! A finished plan, and what it has to say beside its changes.

use super::Changes;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use super::AccessChange;
use super::Action;
use super::Address;
use super::AddressPattern;
use super::Attributes;
use super::Declared;
use super::Finding;
use super::Op;
use super::Place;
use super::Record;
use super::SalesforceId;

/// What a plan was asked to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanMode {
    /// The declared state.
    Converge,
    /// Nothing of ours left.
    Destroy {
        /// Also what was adopted.
        include_adopted: bool,
        /// Users give their usernames back.
        #[serde(default)]
        rename_usernames: bool,
    },
    /// The state as the org is: what changed outside is taken over.
    RefreshOnly,
}

/// What kind of thing a [`Note`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// Kept although it should go, and who holds it.
    Kept,
    /// Kept although it should go, since it is protected.
    Protected,
    /// A thing whose state is left as it is until the file says otherwise.
    LeftAlone,
    /// Relations or grants that nobody declared.
    Undeclared,
    /// Something that can't be known.
    Unknown,
    /// What follows from a change and is not plain from it.
    Remark,
}

/// Something worth saying that is no change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What kind of thing it is.
    pub kind: NoteKind,
    /// The resource it is about.
    pub address: Address,
    /// A whole sentence.
    pub text: String,
}

/// Why no plan can be made, about one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The resource.
    pub address: Address,
    /// Where it was written, when the file is to blame.
    pub place: Option<Place>,
    /// Which file.
    pub file: u32,
    /// What is wrong, as a fragment.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// About a resource; where a file is to blame, the place follows.
    pub fn new(address: &Address, message: impl Into<String>) -> Self {
        let (place, file, hint) = (None, 0, None);
        Self { address: address.clone(), place, file, message: message.into(), hint }
    }

    /// About what a file declares, at a place in it.
    pub fn at(declared: &Declared, place: Place, message: impl Into<String>) -> Self {
        let (place, file) = (Some(place), declared.file);
        Self { place, file, ..Self::new(&declared.address, message) }
    }

    /// Where a change was written. Whoever knows the declaration puts in the file.
    #[must_use]
    pub fn place(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// How many changes there are of each action, no-ops included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Created.
    pub create: u64,
    /// Updated in place.
    pub update: u64,
    /// Deleted and created.
    pub replace: u64,
    /// Deleted or deactivated.
    pub delete: u64,
    /// Taken over.
    pub adopt: u64,
    /// Released.
    pub release: u64,
    /// Equal: nothing to do.
    pub no_op: u64,
}

impl Summary {
    /// Counts one change.
    pub fn count(&mut self, action: Action) {
        *match action {
            Action::Create => &mut self.create,
            Action::Update => &mut self.update,
            Action::Replace => &mut self.replace,
            Action::Delete => &mut self.delete,
            Action::Adopt => &mut self.adopt,
            Action::Release => &mut self.release,
        } += 1;
    }

    /// Whether there is anything to do.
    pub fn has_changes(&self) -> bool {
        self.create + self.update + self.replace + self.delete + self.adopt + self.release > 0
    }
}

/// Why a plan does not cover all that is declared and recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    /// The patterns that chose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<AddressPattern>,
    /// The patterns that left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excludes: Vec<AddressPattern>,
    /// How many resources were not looked at.
    pub left_out: u64,
}

/// What applying will cost, in API calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiCallEstimate {
    /// Calls that write.
    pub writes: u64,
    /// Calls that read back what was written.
    pub reads: u64,
}

/// A plan: complete and immutable, so that applying it makes no choices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use = "a plan that nobody reads or applies was made for nothing"]
pub struct Plan {
    /// What it was asked to reach.
    pub mode: PlanMode,
    /// The org it is for.
    pub org_id: SalesforceId,
    /// Changes in the order of addresses.
    pub changes: Changes,
    /// The writes, each with what it waits for.
    pub ops: Vec<Op>,
    /// Records that differ from the org while the org is as declared: written
    /// to the state when the plan is applied, without a call. `None` forgets.
    #[serde(default)]
    pub sync: BTreeMap<Address, Option<Record>>,
    /// What was changed outside: recorded and observed attributes that differ.
    pub drift: BTreeMap<Address, (Attributes, Option<Attributes>)>,
    /// What else there is to say.
    pub notes: Vec<Note>,
    /// What it was checked for before anything is written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// What it changes about what users may do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access: Vec<AccessChange>,
    /// How many resources of each kind are in use before it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub existing: BTreeMap<String, u64>,
    /// Set when only a part was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<Partial>,
    /// Counts by action.
    pub summary: Summary,
    /// What applying it costs.
    pub api_calls: ApiCallEstimate,
}

impl Plan {
    /// Whether applying it would do anything.
    pub fn has_changes(&self) -> bool {
        self.summary.has_changes()
    }
}
