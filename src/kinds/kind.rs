//! What a resource kind is: pure functions between declarations, rows and writes,
//! and the words in which it answers.

use crate::model::KindName;
use std::borrow::Cow;

use super::facets::Columns;
use super::facets::Comparison;
use super::facets::Document;
use super::facets::Feedback;
use super::facets::Granting;
use super::facets::LifecycleRules;
use super::facets::Plain;
use super::facets::Reference;
use super::facets::Relation;
use super::facets::Replacement;
use super::facets::Retirement;
use crate::facts::Catalog;
use crate::facts::Fact;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Declared;
use crate::model::IdReference;
use crate::model::Implied;
use crate::model::Observed;
use crate::model::Place;
use crate::model::Problem;
use crate::model::RecordEffect;
use crate::model::Row;
use crate::model::RowQuery;
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
///
/// A file declares a thing of the kind; the kind names the facts that it must know of the
/// org ([`facts`](Kind::facts)) and says what the declaration means there
/// ([`resolve`](Kind::resolve)). What the org has is found by queries
/// ([`queries`](Kind::queries)) and read row by row ([`observe_row`](Kind::observe_row)).
/// The planner compares the two and asks for the writes that bring one to the other
/// ([`steps`](Kind::steps)). These eight functions are all that a kind must have; what only
/// some have is in the small traits of `facets`, each of which a kind hands out by the
/// function of its name.
pub trait Kind: Sync {
    /// Its name in addresses.
    fn name(&self) -> KindName;

    /// Where in the YAML a path of one of its resources stands.
    fn place(&self, address: &Address, path: &str) -> Place;

    /// Names the facts that resolving `declared` needs.
    fn facts(&self, declared: &Declared, scope: &dyn Scope, want: &mut dyn FnMut(Fact));

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

    /// How its rows are found.
    fn queries(&self) -> &'static [RowQuery];

    /// The key under which a query finds the thing.
    fn query_key(&self, address: &Address) -> String;

    /// The key of that row, and what it says; the address is `None` for rows
    /// found by record id.
    fn observe_row(&self, query: usize, row: &Row) -> Option<(Option<Address>, Observed)>;

    /// The writes that make `change` true, in order.
    ///
    /// # Errors
    /// Why this change can't be made, with what to do.
    fn steps(&self, change: &Change, context: &dyn StepContext) -> Result<Vec<Step>, Problem>;

    /// Values that are filled in when the thing is made, and not managed afterwards:
    /// asked for only where something is to be done. A path that was written stands
    /// for itself.
    fn defaults(&self, _declared: &Declared, _scope: &dyn Scope, _catalog: &Catalog) -> Attributes {
        Attributes::new()
    }

    /// How to tell that what is not found can only not be seen.
    fn visibility(&self) -> Option<Visibility> {
        None
    }

    /// How it is taken away.
    fn removal(&self) -> Removal {
        if self.retirement().is_some() { Removal::Retires } else { Removal::Deletes }
    }

    /// Its metadata documents; `None` where rows say all.
    fn document(&self) -> Option<&dyn Document> {
        None
    }

    /// Its further columns; `None` where its queries select always the same.
    fn columns(&self) -> Option<&dyn Columns> {
        None
    }

    /// How what was observed compares.
    fn comparison(&self) -> &dyn Comparison {
        &Plain
    }

    /// How it is deactivated and brought back; `None` where it is deleted.
    fn retirement(&self) -> Option<&dyn Retirement> {
        None
    }

    /// What of it is managed.
    fn lifecycle_rules(&self) -> &dyn LifecycleRules {
        &Plain
    }

    /// What of it can't be changed in place.
    fn replacement(&self) -> &dyn Replacement {
        &Plain
    }

    /// How it belongs to a user.
    fn relation(&self) -> &dyn Relation {
        &Plain
    }

    /// What it lets its holders do.
    fn granting(&self) -> &dyn Granting {
        &Plain
    }

    /// How it is referred to.
    fn reference(&self) -> &dyn Reference {
        &Plain
    }

    /// What it says and learns of a change.
    fn feedback(&self) -> &dyn Feedback {
        &Plain
    }
}
