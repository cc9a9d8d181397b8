//! What only some kinds have: small traits, which a kind hands out by [`Kind`](super::Kind).
//!
//! Each paragraph tells the whole contract. A kind without a trait of its own gets the one
//! of [`Plain`], where that makes sense, or none. Imports `model` and `facts`.

use crate::model::KindName;
use std::collections::BTreeSet;

use crate::facts::Catalog;
use crate::facts::Fact;
use crate::facts::Holders;
use crate::facts::Known;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Declared;
use crate::model::Element;
use crate::model::Grants;
use crate::model::Observed;
use crate::model::Problem;
use crate::model::SalesforceId;

/// Who holds a thing.
#[derive(Clone, Copy, Debug)]
pub struct Holding<'a> {
    /// What the org says of its holders.
    pub holders: Known<&'a Holders>,
    /// How the holding of a user, by username, is addressed.
    pub held_by: fn(&Address, &str) -> Address,
}

/// A kind that has nothing special to say.
pub struct Plain;

/// A kind of which a metadata document holds what rows don't carry.
///
/// The rows are read first, and say which things there are. The documents of those that
/// need theirs are read then, ten a call; what a document says is laid over what the row
/// said. Where the first document names another one that belongs to the thing (a muting
/// permission set), that is read too. A thing whose attributes say nothing that only a
/// document holds is spared the call.
pub trait Document: Sync {
    /// The metadata type that holds what rows don't carry.
    fn metadata_type(&self) -> &'static str;

    /// The full name of that document.
    fn full_name(&self, address: &Address) -> String {
        address.name().to_owned()
    }

    /// Whether a thing with these attributes, declared or recorded, says
    /// anything that only its document holds.
    fn is_read_for(&self, _attributes: &Attributes) -> bool {
        true
    }

    /// What its metadata document says.
    fn observe(&self, document: &Element) -> Observed;

    /// The type and full name of the document that the first one names, where there
    /// is one to read too.
    fn further(&self, _observed: &Observed) -> Option<(&'static str, String)> {
        None
    }

    /// What that one says.
    fn observe_further(&self, _document: &Element) -> Observed {
        Observed::default()
    }
}

/// A kind whose first query selects columns that depend on what files say, such as custom
/// fields.
///
/// An org refuses a query that names a column which it lacks, so that the fact is asked
/// first and only columns that it has are named.
pub trait Columns: Sync {
    /// The columns that its first query selects beyond its own, for a thing with
    /// these attributes, declared or recorded.
    fn wanted(&self, attributes: &Attributes, into: &mut BTreeSet<String>);

    /// Whether the org is known to have such a column; asked before a query names
    /// it, since one that it lacks makes the org refuse the query.
    fn has(&self, column: &str, catalog: &Catalog) -> bool;

    /// The fact that [`Columns::has`] rests on.
    fn fact(&self) -> Fact;
}

/// How what was observed of a thing compares with what is wanted of it.
///
/// The planner cuts the observed attributes to what is wanted, takes from the state what no
/// read can show, and calls the rest a difference. A kind that holds more than files say
/// (an overlay, such as a profile) or shows less than was sent says so here.
pub trait Comparison: Sync {
    /// The observed attributes, cut to what can be compared with `wanted`.
    fn comparable(&self, observed: &Attributes, _wanted: &Attributes) -> Attributes {
        observed.clone()
    }

    /// All that was or is wanted, to compare what was observed with.
    fn ever_wanted(&self, recorded: &Attributes, wanted: &Attributes) -> Attributes {
        let mut ever = recorded.clone();
        ever.extend(wanted);
        ever
    }

    /// What holds by what was sent, though this time the org does not show it.
    fn unconfirmed(&self, _seen: &Attributes, _history: &Attributes) -> Attributes {
        Attributes::new()
    }

    /// A sentence about an observed state that is left as it is.
    fn left_alone(&self, _observed: &Attributes, _wanted: &Attributes) -> Option<String> {
        None
    }

    /// Paths that stand for a step done rather than for a value: where one is
    /// missing, an earlier run ended before the thing was complete.
    fn milestones(&self) -> &'static [&'static str] {
        &[]
    }

    /// Paths that no read can show: the state alone knows them.
    fn unobservable(&self) -> &'static [&'static str] {
        self.milestones()
    }
}

impl Comparison for Plain {}

/// A kind whose things are never deleted, only deactivated; the state remembers that it was
/// us, so that they are brought back when they are declared again.
pub trait Retirement: Sync {
    /// Adds to the wanted attributes what brings a thing back that we retired.
    fn revive(&self, wanted: &mut Attributes);

    /// Whether a retired thing was taken away as far as it can be.
    fn has_left(&self, recorded: &Attributes) -> bool;
}

/// What of a thing is managed, and for how long: what must be declared, what a file may
/// leave alone (`ignore_changes`), and what stays as it was.
pub trait LifecycleRules: Sync {
    /// Carries over what is history rather than wish, such as a mail that
    /// went out and was declared no more afterwards.
    fn inherit(&self, _wanted: &mut Attributes, _recorded: &Attributes) {}

    /// Whether a path that is declared no more is left as it is in the org,
    /// so that only the state forgets it.
    fn is_left_when_undeclared(&self, _path: &str) -> bool {
        false
    }

    /// The paths without which nothing of this kind can be declared.
    fn must_have(&self) -> &'static [&'static str] {
        &[]
    }

    /// The words that `ignore_changes` may hold, for a message.
    fn ignorable(&self) -> &'static str {
        "none"
    }

    /// Whether a word of `ignore_changes` stands for anything.
    fn may_ignore(&self, word: &str) -> bool {
        self.ignorable().split(", ").any(|known| known == word)
    }

    /// Whether that word covers a path.
    fn ignores(&self, word: &str, path: &str) -> bool {
        path == word
    }
}

impl LifecycleRules for Plain {}

/// What can't be changed in place, so that a thing may have to be deleted and made again.
///
/// The planner looks cheaply first, compares then, and asks last whether it may be done at
/// all: what it loses is somebody else's too.
pub trait Replacement: Sync {
    /// Whether a declaration says something that can't be changed in place, so
    /// that the thing may have to be made anew. A cheap look before
    /// [`Replacement::unchangeable`].
    fn may_need_replacing(&self, _declared: &Declared) -> bool {
        false
    }

    /// The path, if any, that differs and can't be changed in place.
    fn unchangeable(&self, _before: &Attributes, _after: &Attributes) -> Option<&'static str> {
        None
    }

    /// Why a thing of this kind is never deleted to be made anew, and what to
    /// do instead; `None` when it may be.
    fn never_replaced(&self) -> Option<(&'static str, &'static str)> {
        None
    }
}

impl Replacement for Plain {}

/// How a thing belongs to a user, and to what it gives that user.
///
/// Two calls about one user never overlap, so that all that is about a user names it
/// (`subject`). An assignment names besides what it joins, after which other assignments of
/// the same user it comes, and what becomes of its address when one of the two is renamed.
pub trait Relation: Sync {
    /// The user that an address is about, so that calls about it don't overlap.
    fn subject(&self, _address: &Address) -> Option<Address> {
        None
    }

    /// The user and what that user holds by it, for an assignment that gives
    /// access.
    fn joins(&self, _address: &Address) -> Option<(Address, Address)> {
        None
    }

    /// Kinds whose changes about the same subject come before this one's
    /// (and after them when taken away).
    fn follows(&self) -> &'static [KindName] {
        &[]
    }

    /// Whether an assignment of this kind may leave by itself when one that comes
    /// after it does, whose thing carries that license.
    fn may_leave_along(&self, _address: &Address, _license: Option<&str>) -> bool {
        false
    }

    /// The address this one has after `from` was renamed to `to`.
    fn renamed(&self, _address: &Address, _from: &Address, _to: &Address) -> Option<Address> {
        None
    }
}

impl Relation for Plain {}

/// What a thing lets its holders do, and who they are.
///
/// Profiles and permission sets grant by themselves, a group by its members and less what it
/// mutes. What still has holders is not deleted.
pub trait Granting: Sync {
    /// What a thing with these attributes grants to who holds it; `None` when
    /// they do not say.
    fn grants(&self, _attributes: &Attributes) -> Option<Grants> {
        None
    }

    /// The things whose grants together are what this one grants, and what of them it
    /// leaves out; `None` when its own grants are all there is.
    fn combines(&self, _attributes: &Attributes) -> Option<(Vec<Address>, Grants)> {
        None
    }

    /// Who still uses a thing that is to be deleted; `None` for what nobody holds.
    fn holders<'a>(&self, _address: &Address, _catalog: &'a Catalog) -> Option<Holding<'a>> {
        None
    }

    /// Names the facts that removing `address` needs.
    fn removal_facts(&self, _address: &Address, _recorded: &Attributes) -> Vec<Fact> {
        Vec::new()
    }
}

impl Granting for Plain {}

/// How files and rows refer to a thing that is not managed: by a label, or by an id that
/// only the org knows.
pub trait Reference: Sync {
    /// The address by natural key, where the file used a label.
    fn canonical(&self, _declared: &Declared, _catalog: &Catalog) -> Option<Address> {
        None
    }

    /// The id of a thing of this kind that is not managed, from the catalog.
    fn known_id(&self, _name: &str, _catalog: &Catalog) -> Option<SalesforceId> {
        None
    }
}

impl Reference for Plain {}

/// What a kind says of a change beside its steps, and what it learns from how the org took
/// it.
pub trait Feedback: Sync {
    /// What a person should know of a change, beside what it changes.
    fn remarks(&self, _change: &Change, _catalog: &Catalog) -> Vec<String> {
        Vec::new()
    }

    /// Takes into the catalog what a read-back shows about the org, and puts into
    /// `kept` what was sent where the org will never keep it; tells which facts
    /// are new.
    fn learn_from_read_back(
        &self,
        _sent: &Attributes,
        _kept: &mut Attributes,
        _catalog: &mut Catalog,
    ) -> Vec<Fact> {
        Vec::new()
    }

    /// What of `before` would be taken away only since the org does not show it
    /// to the caller.
    fn invisible(
        &self,
        _declared: &Declared,
        _before: &Attributes,
        _catalog: &Catalog,
    ) -> Vec<Problem> {
        Vec::new()
    }
}

impl Feedback for Plain {}
