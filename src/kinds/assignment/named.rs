//! Permission sets, groups of them, queues and public groups, as a file names them:
//! by API name or label, declared or there in the org.

use crate::facts::Catalog;
use crate::facts::Fact;
use crate::facts::NamedFact;
use crate::kinds::Scope;
use crate::model::Address;
use crate::model::Declared;
use crate::model::KindName;
use crate::model::PackagedName;
use crate::model::Place;
use crate::model::Problem;
use crate::model::SalesforceId;

/// One sort of thing that is named so.
#[derive(Debug)]
pub struct Named {
    /// Its kind.
    pub kind: KindName,
    /// What a person calls it.
    pub noun: &'static str,
    /// The section, and the list of a user, that holds it.
    pub section: &'static str,
    fact: fn(String) -> Fact,
    /// Those in the org that fit a name or label.
    found: for<'a> fn(&'a Catalog, &str) -> &'a [NamedFact],
    /// Whether a file can declare one.
    is_declared: bool,
}

/// Permission sets.
pub const SETS: Named = Named {
    kind: KindName::PERMISSION_SET,
    noun: "permission set",
    section: "permission_sets",
    fact: Fact::PermissionSet,
    found: |catalog, name| catalog.permission_set.get(name).list(),
    is_declared: true,
};
/// Permission set groups.
pub const GROUPS: Named = Named {
    kind: KindName::PERMISSION_SET_GROUP,
    noun: "permission set group",
    section: "permission_set_groups",
    fact: Fact::PermissionSetGroup,
    found: |catalog, name| catalog.permission_set_group.get(name).list(),
    is_declared: true,
};
/// Queues.
pub const QUEUES: Named = Named {
    kind: KindName::QUEUE,
    noun: "queue",
    section: "queues",
    fact: Fact::Queue,
    found: |catalog, name| catalog.queue.get(name).list(),
    is_declared: false,
};
/// Public groups.
pub const PUBLIC_GROUPS: Named = Named {
    kind: KindName::PUBLIC_GROUP,
    noun: "public group",
    section: "public_groups",
    fact: Fact::PublicGroup,
    found: |catalog, name| catalog.public_group.get(name).list(),
    is_declared: false,
};

impl Named {
    /// The address under what is written.
    pub fn address(&self, written: &str) -> Address {
        Address::new(self.kind, written)
    }

    /// Names the facts that finding one needs that no file declares.
    pub fn facts(&self, thing: &Address, scope: &dyn Scope, want: &mut dyn FnMut(Fact)) {
        if scope.declared(thing).is_none() {
            let written = thing.name();
            want((self.fact)(written.to_owned()));
            if let Some(namespace) = PackagedName::of(written).namespace {
                want(Fact::Package(namespace.to_owned()));
            }
        }
    }

    /// The API name of one that the org has, where that is not what is written.
    pub fn canonical(&self, written: &str, catalog: &Catalog) -> Option<String> {
        match (self.found)(catalog, written) {
            [only] if only.name != written => Some(only.name.clone()),
            _ => None,
        }
    }

    /// The id of one that the org has.
    pub fn known_id(&self, name: &str, catalog: &Catalog) -> Option<SalesforceId> {
        match (self.found)(catalog, name) {
            [only] => Some(only.id.clone()),
            _ => None,
        }
    }

    /// The API name of what is meant, the problem told at a place of what was declared.
    ///
    /// # Errors
    /// When nothing or several things are meant.
    pub fn find_at<'a>(
        &self,
        thing: &'a Address,
        (declared, place): (&Declared, &dyn Fn() -> Place),
        scope: &dyn Scope,
        catalog: &'a Catalog,
    ) -> Result<&'a str, Problem> {
        if scope.declared(thing).is_some() {
            return Ok(thing.name());
        }
        self.find(thing.name(), scope, catalog)
            .map_err(|(message, hint)| Problem::at(declared, place(), message).hint(hint))
    }

    /// The API name of what the org has.
    ///
    /// # Errors
    /// A message and what to do, when it has none or several.
    fn find<'a>(
        &self,
        written: &str,
        scope: &dyn Scope,
        catalog: &'a Catalog,
    ) -> Result<&'a str, (String, String)> {
        let Self { noun, section, .. } = self;
        match (self.found)(catalog, written) {
            [only] => Ok(&only.name),
            [] if !self.is_declared => Err((
                format!("this org has no {noun} `{written}`"),
                format!("write the API name or label of a {noun} as Setup shows it"),
            )),
            [] => Err((
                format!("{noun} `{written}` is neither declared nor in this org"),
                match PackagedName::of(written).namespace {
                    Some(namespace) if catalog.package.get(namespace).is_absent() => {
                        format!("the package `{namespace}` is not installed in this org")
                    }
                    Some(namespace) if catalog.package.get(namespace).is().is_some() => format!(
                        "the package `{namespace}` is installed, but not with this {}: is the name right, and the package's version the one that has it?",
                        if self.kind == KindName::PERMISSION_SET { "set" } else { "group" }
                    ),
                    Some(namespace) => format!(
                        "it belongs to the package `{namespace}`: is the package installed in this org, and the name right?"
                    ),
                    None => scope.meant(&self.address(written)).map_or_else(
                        || format!("declare it under `{section}:`, or write the API name of one that the org has"),
                        |meant| format!("did you mean `{meant}`?"),
                    ),
                },
            )),
            several => Err((
                format!(
                    "the label `{written}` fits {}",
                    several.iter().map(|set| set.name.as_str()).collect::<Vec<_>>().join(" and ")
                ),
                "write the API name of the one that is meant".to_owned(),
            )),
        }
    }
}
