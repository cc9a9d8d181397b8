//! What access means: what sources together let a user do, and what a plan
//! changes about that.
//!
//! Access only adds up: a user may do what any source grants, but for what a
//! group mutes of its own members. Some grants stand for many others.

mod changes;
mod privileged;

use crate::model::ObjectAccess;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::model::EVERY;
use crate::model::Grants;
use crate::model::Right;
use crate::model::Source;
use crate::model::SourceName;
use crate::model::SourcedRight;

pub use changes::access_changes;
pub use changes::unknown_sources;
pub use privileged::notes as privileged_notes;

/// What several sources together allow, each right with the sources it is from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effective {
    rights: BTreeMap<Right, BTreeSet<SourceName>>,
}

impl Effective {
    /// What these sources allow.
    pub fn of(sources: &[Source]) -> Self {
        let mut effective = Self::default();
        for source in sources {
            effective.add(&source.name, &Held::of(source));
        }
        effective
    }

    /// Adds what one source holds.
    fn add(&mut self, name: &SourceName, held: &Held) {
        for right in &held.0 {
            self.rights.entry(right.clone()).or_default().insert(name.clone());
        }
    }

    /// The rights in order, with their sources.
    pub fn iter(&self) -> impl Iterator<Item = (&Right, &BTreeSet<SourceName>)> {
        self.rights.iter()
    }

    /// All rights, or those on one object (compared without case), with their
    /// sources; what a wider right of the list stands for is left out, but for
    /// the one object that was asked about.
    pub fn about(&self, object: Option<&str>) -> Vec<SourcedRight> {
        let is_about = |right: &Right| match (object, right) {
            (None, right) => !wider(right).iter().any(|wider| self.rights.contains_key(wider)),
            (Some(_), Right::System(_)) => false,
            (Some(asked), Right::Object { object, .. } | Right::Field { object, .. }) => {
                object.eq_ignore_ascii_case(asked) || object == EVERY
            }
        };
        let rights = self.rights.iter().filter(|(right, _)| is_about(right));
        rights
            .map(|(right, through)| SourcedRight {
                right: right.clone(),
                through: through.iter().cloned().collect(),
            })
            .collect()
    }

    /// Whether a right is held, by itself or by one that stands for it.
    pub fn allows(&self, right: &Right) -> bool {
        self.rights.contains_key(right)
            || wider(right).iter().any(|wider| self.rights.contains_key(wider))
    }

    /// Through what a right is held, those included that stand for it.
    pub fn through(&self, right: &Right) -> BTreeSet<&SourceName> {
        let held = std::iter::once(right.clone()).chain(wider(right));
        held.filter_map(|right| self.rights.get(&right)).flatten().collect()
    }

    /// What this allows and the other does not; what a wider right of the same
    /// list stands for is left out.
    pub fn beyond(&self, other: &Self) -> Vec<SourcedRight> {
        let is_new = |right: &Right| !other.allows(right);
        self.rights
            .iter()
            .filter(|(right, _)| is_new(right))
            .filter(|(right, _)| !wider(right).iter().any(|wider| self.rights.contains_key(wider)))
            .map(|(right, through)| SourcedRight {
                right: right.clone(),
                through: through.iter().cloned().collect(),
            })
            .collect()
    }
}

/// The rights that stand for this one and more.
fn wider(right: &Right) -> Vec<Right> {
    let every = || EVERY.to_owned();
    match right {
        Right::System(_) => Vec::new(),
        Right::Object { object, access } if object != EVERY => {
            vec![Right::Object { object: every(), access: *access }]
        }
        Right::Object { .. } => Vec::new(),
        Right::Field { object, field, edit } if field != EVERY => {
            let of = |field: &str, edit| Right::Field {
                object: object.clone(),
                field: field.to_owned(),
                edit,
            };
            let mut wider = vec![of(EVERY, *edit)];
            if !edit {
                wider.extend([of(field, true), of(EVERY, true)]);
            }
            wider
        }
        Right::Field { .. } => Vec::new(),
    }
}

/// All that one source allows.
#[derive(Clone, Debug)]
struct Held(BTreeSet<Right>);

impl Held {
    fn of(source: &Source) -> Self {
        Self(held(source))
    }
}

/// What one source allows: the union of what it grants, without what is muted,
/// and what follows.
fn held(source: &Source) -> BTreeSet<Right> {
    let mut rights: BTreeSet<Right> = source.grants.iter().flat_map(listed).collect();
    for muted in listed(&source.muted) {
        // To mute reading a field mutes editing it.
        if let Right::Field { object, field, edit: false } = &muted {
            let (object, field) = (object.clone(), field.clone());
            rights.remove(&Right::Field { object, field, edit: true });
        }
        rights.remove(&muted);
    }
    let mut open: Vec<Right> = rights.iter().cloned().collect();
    while let Some(right) = open.pop() {
        for further in follows(&right) {
            if rights.insert(further.clone()) {
                open.push(further);
            }
        }
    }
    rights
}

fn listed(grants: &Grants) -> Vec<Right> {
    let system = grants.system.iter().cloned().map(Right::System);
    let objects = grants.objects.iter().flat_map(|(object, accesses)| {
        accesses.iter().map(|access| Right::Object { object: object.clone(), access: *access })
    });
    let fields = grants.fields.iter().flat_map(|(object, fields)| {
        fields.iter().flat_map(|(field, edit)| {
            let right = |edit| Right::Field { object: object.clone(), field: field.clone(), edit };
            std::iter::once(right(false)).chain(edit.then(|| right(true)))
        })
    });
    system.chain(objects).chain(fields).collect()
}

/// What a right brings along (Object Reference, `ObjectPermissions`; Salesforce
/// Help, "View All and Modify All Permissions Overview").
fn follows(right: &Right) -> Vec<Right> {
    use ObjectAccess::{Create, Delete, Edit, ModifyAll, Read, ViewAll, ViewAllFields};
    let on_every = |accesses: &[ObjectAccess]| -> Vec<Right> {
        let right = |access: &_| Right::Object { object: EVERY.into(), access: *access };
        accesses.iter().map(right).collect()
    };
    match right {
        Right::System(name) if name == "ModifyAllData" => {
            on_every(&[Read, Create, Edit, Delete, ViewAll, ModifyAll])
        }
        Right::System(name) if name == "ViewAllData" => on_every(&[Read, ViewAll]),
        Right::System(_) => Vec::new(),
        Right::Object { object, access } => {
            let mut further: Vec<Right> = access
                .needs()
                .iter()
                .map(|need| Right::Object { object: object.clone(), access: *need })
                .collect();
            if *access == ViewAllFields && object != EVERY {
                further.push(Right::Field {
                    object: object.clone(),
                    field: EVERY.into(),
                    edit: false,
                });
            }
            further
        }
        Right::Field { object, field, edit: true } => {
            vec![Right::Field { object: object.clone(), field: field.clone(), edit: false }]
        }
        Right::Field { .. } => Vec::new(),
    }
}
