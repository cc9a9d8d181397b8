//! The refresh: what the org has of what is declared or recorded, compared
//! with the state while the pages come in. Only differences are kept.

use crate::model::Record;
use crate::model::RecordError;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

use super::EngineError;
use super::observe::ask_facts;
use super::observe::observe;
use super::pieces::USER_KIND;
use super::targets::Targets;
use crate::facts::Catalog;
use crate::facts::Fact;
use crate::facts::Inquiry;
use crate::kinds;
use crate::kinds::Scope;
use crate::kinds::as_seen;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Condition;
use crate::model::Observation;
use crate::model::Observations;
use crate::model::Observed;
use crate::model::Recorded;
use crate::model::SalesforceId;
use crate::model::Value;
use crate::org::Org;
use crate::org::keyed_queries;

/// What a refresh is about.
pub struct Refreshing<'a> {
    /// The addresses that are declared.
    pub declared: &'a mut dyn Iterator<Item = Address>,
    /// What was declared, by address.
    pub scope: &'a (dyn Scope + Sync),
    /// The state.
    pub recorded: &'a (dyn Recorded + Sync),
    /// The facts to ask for.
    pub inquiry: Inquiry,
}

/// Refreshes; answers to facts go into the catalog.
///
/// # Errors
/// When the org refuses a question, or the state can't be read.
pub async fn refresh(
    org: &Org,
    refreshing: Refreshing<'_>,
    catalog: &mut Catalog,
) -> Result<Observations, EngineError> {
    let Refreshing { declared, scope, recorded, mut inquiry } = refreshing;
    let mut targets = Targets::default();
    let mut addresses = Vec::new();
    let mut reads_document: HashSet<Address> = HashSet::new();
    let mut recorded_users: HashSet<Address> = HashSet::new();
    for stored in recorded.stream() {
        let stored = stored.map_err(EngineError::Record)?;
        let Some(kind) = kinds::of(&stored.address) else { continue };
        let by_id = kind.queries().iter().any(|query| query.supplementary);
        let mut id = None;
        if by_id || is_selective(kind) {
            let record = (stored.decode)().map_err(EngineError::Record)?;
            targets.look_at(&stored.address, &record.attributes);
            if reads_document_of(kind, &record.attributes) {
                reads_document.insert(stored.address.clone());
            }
            id = record.id.filter(|_| by_id);
        }
        targets.add(&stored.address, id);
        if stored.address.is(USER_KIND) {
            recorded_users.insert(stored.address.clone());
        }
        addresses.push(stored.address);
    }
    // A user that may have to be made has nothing as yet: what it holds is only asked
    // for once it was found.
    let may_be_new =
        |user: &Address| scope.declared(user).is_some() && !recorded_users.contains(user);
    for address in declared {
        let Some(kind) = kinds::of(&address) else { continue };
        if !subject(kind, &address).is_some_and(|user| may_be_new(&user)) {
            targets.add(&address, None);
        }
        if let Some(declared) = scope.declared(&address) {
            targets.look_at(&address, &declared.attributes);
            for kind in declared.lifecycle.exclusive.iter().filter(|_| !may_be_new(&address)) {
                targets.add_relations(&address, kind);
            }
            if is_selective(kind) {
                // What is said for orgs unlike this one needs no look.
                let may_hold = |condition: &Condition| {
                    !catalog.is_asked(&Fact::of_condition(*condition)) || catalog.holds(*condition)
                };
                let besides = declared.conditional.iter().flat_map(|held| &held.besides);
                let besides = besides.filter(|(condition, _)| may_hold(condition));
                let mut said =
                    std::iter::once(&declared.attributes).chain(besides.map(|(_, said)| said));
                if said.any(|attributes| reads_document_of(kind, attributes)) {
                    reads_document.insert(address.clone());
                }
            }
        }
        addresses.push(address);
    }
    for address in &addresses {
        let is_selective = kinds::of(address).is_some_and(is_selective);
        if is_selective && !reads_document.contains(address) {
            targets.without_document(address);
        }
    }

    // A column that the org lacks makes it refuse the query, so that these are
    // asked for first.
    let mut is_to_ask = |fact: &Fact| inquiry.remove(fact) || !catalog.is_asked(fact);
    let first: Vec<Fact> = targets.columns_facts().into_iter().filter(&mut is_to_ask).collect();
    if !first.is_empty() {
        ask_facts(org, &first.into_iter().collect(), catalog).await?;
    }
    let mut comparison = Comparison {
        scope,
        recorded,
        addresses,
        respelled: None,
        observations: Observations::default(),
        seen: HashSet::new(),
        error: None,
    };
    observe(org, &targets, inquiry, catalog, &mut |address, observed| {
        comparison.take(address, observed);
    })
    .await?;
    let found = comparison.holdings_of_found(&may_be_new);
    if let Some(targets) = found {
        observe(org, &targets, Inquiry::default(), catalog, &mut |address, observed| {
            comparison.take(address, observed);
        })
        .await?;
    }
    let mut observations = comparison.finish()?;
    look_for_new_names(org, recorded, &mut observations).await?;
    Ok(observations)
}

/// The user that a thing belongs to.
fn subject(kind: &dyn kinds::Kind, address: &Address) -> Option<Address> {
    kind.relation().subject(address).filter(|user| user != address)
}

/// Whether documents of a kind are read for some things only.
fn is_selective(kind: &dyn kinds::Kind) -> bool {
    kind.document().is_some_and(|document| !document.is_read_for(&Attributes::new()))
}

/// Whether the document of a thing with these attributes is read.
fn reads_document_of(kind: &dyn kinds::Kind, attributes: &Attributes) -> bool {
    kind.document().is_some_and(|document| document.is_read_for(attributes))
}

/// What is gone under its name may be there under another: its id tells.
async fn look_for_new_names(
    org: &Org,
    recorded: &(dyn Recorded + Sync),
    observations: &mut Observations,
) -> Result<(), EngineError> {
    let mut missing: BTreeMap<usize, BTreeMap<SalesforceId, Address>> = BTreeMap::new();
    for (address, seen) in &observations.differing {
        let Some(index) = kinds::position(address.kind()) else {
            continue;
        };
        // An assignment has no name of its own.
        let belongs =
            kinds::ALL[index].relation().subject(address).is_some_and(|user| user != *address);
        if belongs || !matches!(seen, Observation::Gone) {
            continue;
        }
        let record = recorded.get(address).map_err(EngineError::Record)?;
        if let Some(id) = record.and_then(|record| record.id) {
            missing.entry(index).or_default().insert(id, address.clone());
        }
    }
    for (index, ids) in missing {
        let kind = kinds::ALL[index];
        let Some(query) = kind.queries().first() else { continue };
        let keys = ids.keys().map(SalesforceId::as_str);
        let queries = keyed_queries(query.object, query.fields, "Id", query.filters, keys);
        org.query_all(&queries, &mut |_, rows| {
            for row in rows {
                let Some((Some(now), observed)) = kind.observe_row(0, &row) else { continue };
                if let Some(was) =
                    observed.id.and_then(|id| ids.get(&id)).filter(|was| **was != now)
                {
                    observations.renamed.insert(was.clone(), now);
                }
            }
        })
        .await?;
    }
    Ok(())
}

struct Comparison<'a> {
    scope: &'a (dyn Scope + Sync),
    recorded: &'a (dyn Recorded + Sync),
    /// All addresses that are declared or recorded.
    addresses: Vec<Address>,
    /// The same by their names in lower case, once one was needed.
    respelled: Option<HashMap<String, Address>>,
    observations: Observations,
    seen: HashSet<Address>,
    error: Option<RecordError>,
}

impl Comparison<'_> {
    /// Salesforce compares names without case, so that the org may spell one
    /// otherwise than the file does.
    fn respell(&mut self, address: Address) -> Address {
        let fold = |address: &Address| address.folded();
        let addresses = &self.addresses;
        let respelled = self.respelled.get_or_insert_with(|| {
            addresses.iter().map(|address| (fold(address), address.clone())).collect()
        });
        respelled.get(&fold(&address)).cloned().unwrap_or(address)
    }

    fn is_known(&mut self, address: &Address) -> bool {
        self.scope.declared(address).is_some() || self.record(address).is_some()
    }

    /// What is recorded; that it can't be read is raised at the end.
    fn record(&mut self, address: &Address) -> Option<Record> {
        self.recorded.get(address).unwrap_or_else(|error| {
            self.error.get_or_insert(error);
            None
        })
    }

    fn take(&mut self, address: Address, mut observed: Observed) {
        let Some(kind) = kinds::of(&address) else { return };
        let address = if self.is_known(&address) { address } else { self.respell(address) };
        let references = observed.attributes.references();
        let mut references: Vec<(String, Address)> = references
            .filter(|(_, referred)| kinds::of(referred).is_some())
            .map(|(path, referred)| (path.to_owned(), referred.clone()))
            .collect();
        references.retain(|(_, referred)| !self.is_known(referred));
        for (path, referred) in references {
            observed.attributes.set(path, Value::Reference(self.respell(referred)));
        }
        let Some(record) = self.record(&address) else {
            if self.scope.declared(&address).is_some() {
                self.observations.differing.insert(address, Observation::Found(observed));
            } else if let Some(subject) = kind.relation().subject(&address)
                && subject != address
            {
                let relations = self.observations.undeclared.entry(subject).or_default();
                relations.push((address, observed));
            }
            return;
        };
        let same_ids = record.id == observed.id
            && (observed.companion_id.is_none() || record.companion_id == observed.companion_id);
        let is_equal = same_ids
            && record.carried == observed.carried
            && as_seen(kind, &observed.attributes, &record.attributes, &record.attributes)
                == record.attributes
            && kind.comparison().left_alone(&observed.attributes, &record.attributes).is_none();
        if !is_equal {
            self.observations.differing.insert(address.clone(), Observation::Found(observed));
        }
        self.seen.insert(address);
    }

    /// What to look for of users that were not recorded and were found all the same.
    fn holdings_of_found(&self, may_be_new: &dyn Fn(&Address) -> bool) -> Option<Targets> {
        let is_found = |user: &Address| {
            may_be_new(user)
                && matches!(self.observations.differing.get(user), Some(Observation::Found(_)))
        };
        if !self
            .observations
            .differing
            .keys()
            .any(|address| address.is(USER_KIND) && is_found(address))
        {
            return None;
        }
        let mut targets = Targets::default();
        for address in &self.addresses {
            let Some(kind) = kinds::of(address) else { continue };
            if subject(kind, address).is_some_and(|user| is_found(&user)) {
                targets.add(address, None);
            }
            if address.is(USER_KIND) && is_found(address) {
                let declared = self.scope.declared(address);
                for kind in declared.iter().flat_map(|declared| &declared.lifecycle.exclusive) {
                    targets.add_relations(address, kind);
                }
            }
        }
        Some(targets)
    }

    /// What is recorded and was not seen is gone.
    fn finish(mut self) -> Result<Observations, EngineError> {
        if let Some(error) = self.error {
            return Err(EngineError::Record(error));
        }
        for stored in self.recorded.stream() {
            let address = stored.map_err(EngineError::Record)?.address;
            if !self.seen.contains(&address) && kinds::of(&address).is_some() {
                self.observations.differing.insert(address, Observation::Gone);
            }
        }
        Ok(self.observations)
    }
}
