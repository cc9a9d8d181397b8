//! What a resource kind is: pure functions between declarations, rows and writes,
//! and the words in which it answers.

use std::borrow::Cow;
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
use crate::model::IdReference;
use crate::model::Implied;
use crate::model::Observed;
use crate::model::Place;
use crate::model::Problem;
use crate::model::RecordEffect;
use crate::model::Row;
use crate::model::RowQuery;
use crate::model::SalesforceId;
use crate::model::StepName;
use crate::model::Write;

/// How the platform takes a thing of a kind away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is deleted, and forgotten.
    Deletes,
    /// It can only be deactivated; the state remembers that we did.
    Retires,
}

/// What a declaration means in this org.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved<'a> {
    /// The attributes that are managed: what was written, where that is all.
    pub attributes: Cow<'a, Attributes>,
    /// Which elements were not written but follow.
    pub implied: Vec<Implied>,
}

impl<'a> Resolved<'a> {
    /// Exactly what was written.
    pub fn as_written(declared: &'a Declared) -> Self {
        Self { attributes: Cow::Borrowed(&declared.attributes), implied: Vec::new() }
    }

    /// Something else.
    pub fn to(attributes: Attributes) -> Self {
        Self { attributes: Cow::Owned(attributes), implied: Vec::new() }
    }
}

/// What else was declared, for a kind to look at.
pub trait Scope {
    /// The declaration of an address.
    fn declared(&self, address: &Address) -> Option<&Declared>;

    /// The name of a declaration that was probably meant. For messages only:
    /// it looks at all of them.
    fn meant(&self, address: &Address) -> Option<String>;
}

/// One step of a change, before the planner gives it its place in the order.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it is.
    pub name: StepName,
    /// What is written.
    pub write: Write,
    /// What the state says afterwards.
    pub effect: RecordEffect,
    /// Whether it waits for everything else about its subject.
    pub last: bool,
    /// The lane it goes in: one call at a time.
    pub lane: Option<&'static str>,
}

impl Step {
    /// A step without particular timing.
    pub fn new(name: StepName, write: Write, effect: RecordEffect) -> Self {
        Self { name, write, effect, last: false, lane: None }
    }
}

/// How to tell that the caller does not see the things of a kind, so that one
/// that is not found may be there all the same.
#[derive(Clone, Copy, Debug)]
pub struct Visibility {
    /// A query that finds at least so many rows in every org, for who sees them.
    pub query: &'static str,
    /// How many.
    pub least: usize,
    /// The facts whose absence may only be that.
    pub is_about: fn(&Fact) -> bool,
    /// What is the matter, as a fragment.
    pub message: &'static str,
    /// What to do.
    pub hint: &'static str,
}

/// Who holds a thing.
#[derive(Clone, Copy, Debug)]
pub struct Holding<'a> {
    /// What the org says of its holders.
    pub holders: Known<&'a Holders>,
    /// How the holding of a user, by username, is addressed.
    pub held_by: fn(&Address, &str) -> Address,
}

/// What a kind may ask while it writes the steps of a change.
pub trait StepContext {
    /// What the org offers.
    fn catalog(&self) -> &Catalog;
    /// The id of a resource, known or to come; `None` when it is neither.
    fn id(&self, address: &Address) -> Option<IdReference>;
    /// Whether users that are taken away give their usernames back.
    fn renames_usernames(&self) -> bool;
    /// Whether the plan deletes this address.
    fn is_deleted(&self, address: &Address) -> bool;
    /// The attributes of a resource before the plan, when it is recorded.
    fn attributes(&self, address: &Address) -> Option<Attributes>;
    /// The attributes of a resource after the plan, when it is managed.
    fn attributes_after(&self, address: &Address) -> Option<Attributes>;
}

/// A resource kind: pure functions between declarations, rows and writes.
pub trait Kind: Sync {
    /// Its name in addresses.
    fn name(&self) -> &'static str;

    /// Where in the YAML a path of one of its resources stands.
    fn place(&self, address: &Address, path: &str) -> Place;

    /// Names the facts that resolving `declared` needs.
    fn facts(&self, declared: &Declared, scope: &dyn Scope, want: &mut dyn FnMut(Fact));

    /// Names the facts that removing `address` needs.
    fn removal_facts(&self, _address: &Address, _recorded: &Attributes) -> Vec<Fact> {
        Vec::new()
    }

    /// The address by natural key, where the file used a label.
    fn canonical(&self, _declared: &Declared, _catalog: &Catalog) -> Option<Address> {
        None
    }

    /// What the declaration means in this org.
    ///
    /// # Errors
    /// All that is wrong with it, each with its place.
    fn resolve<'a>(
        &self,
        declared: &'a Declared,
        scope: &dyn Scope,
        catalog: &Catalog,
    ) -> Result<Resolved<'a>, Vec<Problem>>;

    /// Values that are filled in when the thing is made, and not managed afterwards:
    /// asked for only where something is to be done. A path that was written stands
    /// for itself.
    fn defaults(&self, _declared: &Declared, _scope: &dyn Scope, _catalog: &Catalog) -> Attributes {
        Attributes::new()
    }

    /// How its rows are found.
    fn queries(&self) -> &'static [RowQuery];

    /// The columns that its first query selects beyond its own, for a thing with
    /// these attributes, declared or recorded.
    fn columns(&self, _attributes: &Attributes, _into: &mut BTreeSet<String>) {}

    /// Whether the org is known to have such a column; asked before a query names
    /// it, since one that it lacks makes the org refuse the query.
    fn has_column(&self, _column: &str, _catalog: &Catalog) -> bool {
        true
    }

    /// The fact that [`Kind::has_column`] rests on.
    fn columns_fact(&self) -> Option<Fact> {
        None
    }

    /// The key under which a query finds the thing.
    fn query_key(&self, address: &Address) -> String;

    /// The key of that row, and what it says; the address is `None` for rows
    /// found by record id.
    fn observe_row(&self, query: usize, row: &Row) -> Option<(Option<Address>, Observed)>;

    /// The metadata type that holds what rows don't carry.
    fn document_type(&self) -> Option<&'static str> {
        None
    }

    /// The full name of that document.
    fn document_name(&self, address: &Address) -> String {
        self.query_key(address)
    }

    /// Whether a thing with these attributes, declared or recorded, says
    /// anything that only its document holds.
    fn reads_document(&self, _attributes: &Attributes) -> bool {
        true
    }

    /// What its metadata document says.
    fn observe_document(&self, _document: &Element) -> Observed {
        Observed::default()
    }

    /// The type and full name of the document that the first one names, where there
    /// is one to read too.
    fn further_document(&self, _observed: &Observed) -> Option<(&'static str, String)> {
        None
    }

    /// What that one says.
    fn observe_further_document(&self, _document: &Element) -> Observed {
        Observed::default()
    }

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
    fn unshown(&self, _seen: &Attributes, _history: &Attributes) -> Attributes {
        Attributes::new()
    }

    /// What a person should know of a change, beside what it changes.
    fn remarks(&self, _change: &Change, _catalog: &Catalog) -> Vec<String> {
        Vec::new()
    }

    /// A sentence about an observed state that is left as it is.
    fn left_alone(&self, _observed: &Attributes, _wanted: &Attributes) -> Option<String> {
        None
    }

    /// Adds to the wanted attributes what brings a thing back that we retired.
    fn revive(&self, _wanted: &mut Attributes) {}

    /// Paths that stand for a step done rather than for a value: where one is
    /// missing, an earlier run ended before the thing was complete.
    fn milestones(&self) -> &'static [&'static str] {
        &[]
    }

    /// Paths that no read can show: the state alone knows them.
    fn unobservable(&self) -> &'static [&'static str] {
        self.milestones()
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

    /// Whether a path that is declared no more is left as it is in the org,
    /// so that only the state forgets it.
    fn is_left_when_undeclared(&self, _path: &str) -> bool {
        false
    }

    /// Whether a retired thing was taken away as far as it can be.
    fn has_left(&self, _recorded: &Attributes) -> bool {
        true
    }

    /// Carries over what is history rather than wish, such as a mail that
    /// went out and was declared no more afterwards.
    fn inherit(&self, _wanted: &mut Attributes, _recorded: &Attributes) {}

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

    /// Whether a declaration says something that can't be changed in place, so
    /// that the thing may have to be made anew. A cheap look before
    /// [`Kind::unchangeable`].
    fn may_need_replacing(&self, _declared: &Declared) -> bool {
        false
    }

    /// The path, if any, that differs and can't be changed in place.
    fn unchangeable(&self, _before: &Attributes, _after: &Attributes) -> Option<&'static str> {
        None
    }

    /// The writes that make `change` true, in order.
    ///
    /// # Errors
    /// Why this change can't be made, with what to do.
    fn steps(&self, change: &Change, context: &dyn StepContext) -> Result<Vec<Step>, Problem>;

    /// How it is taken away.
    fn removal(&self) -> Removal {
        Removal::Deletes
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

    /// How to tell that what is not found can only not be seen.
    fn visibility(&self) -> Option<Visibility> {
        None
    }

    /// Why a thing of this kind is never deleted to be made anew, and what to
    /// do instead; `None` when it may be.
    fn never_replaced(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// Who still uses a thing that is to be deleted; `None` for what nobody holds.
    fn holders<'a>(&self, _address: &Address, _catalog: &'a Catalog) -> Option<Holding<'a>> {
        None
    }

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

    /// The user and what that user holds by it, for an assignment that gives
    /// access.
    fn joins(&self, _address: &Address) -> Option<(Address, Address)> {
        None
    }

    /// Whether an assignment of this kind may leave by itself when one that comes
    /// after it does, whose thing carries that license.
    fn may_leave_along(&self, _address: &Address, _license: Option<&str>) -> bool {
        false
    }

    /// The user that an address is about, so that calls about it don't overlap.
    fn subject(&self, _address: &Address) -> Option<Address> {
        None
    }

    /// Kinds whose changes about the same subject come before this one's
    /// (and after them when taken away).
    fn follows(&self) -> &'static [&'static str] {
        &[]
    }

    /// The id of a thing of this kind that is not managed, from the catalog.
    fn known_id(&self, _name: &str, _catalog: &Catalog) -> Option<SalesforceId> {
        None
    }

    /// The address this one has after `from` was renamed to `to`.
    fn renamed(&self, _address: &Address, _from: &Address, _to: &Address) -> Option<Address> {
        None
    }
}
