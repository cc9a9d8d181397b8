//! Reading what the org has of given resources, in as few calls as can be.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::EngineError;
use super::facts::FactNeeds;
use super::facts::FactRows;
use super::facts::Rider;
use crate::kinds;
use crate::kinds::Kind;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Catalog;
use crate::model::Fact;
use crate::model::FactValue;
use crate::model::KeySource;
use crate::model::Observed;
use crate::model::Row;
use crate::model::RowExt as _;
use crate::model::SalesforceId;
use crate::model::Value;
use crate::org::IN_FLIGHT;
use crate::org::Org;
use crate::org::keyed_queries;
use crate::org::queries_by_username;

/// The kind whose rows tell the usernames that ids stand for.
pub(super) const USER_KIND: &str = "user";
/// Documents of one readMetadata call (Metadata API Developer Guide).
pub(super) const DOCUMENTS: usize = 10;

/// What to look for, by kind: natural keys, and ids where they are known.
#[derive(Debug, Default)]
pub struct Targets {
    keys: BTreeMap<usize, BTreeSet<String>>,
    ids: BTreeMap<usize, BTreeMap<SalesforceId, Address>>,
    /// What the first query of a kind selects beyond its own columns.
    columns: BTreeMap<usize, BTreeSet<String>>,
    /// Those of which no document is read, by kind: keys in lower case.
    rows_only: BTreeMap<usize, BTreeSet<String>>,
}

impl Targets {
    /// Looks at further columns, as the attributes of a resource need them.
    pub fn look_at(&mut self, address: &Address, attributes: &Attributes) {
        if let Some(index) = kinds::ALL.iter().position(|kind| kind.name() == address.kind()) {
            kinds::ALL[index].columns(attributes, self.columns.entry(index).or_default());
        }
    }

    /// The facts that tell whether the org has the further columns.
    pub fn columns_facts(&self) -> Vec<Fact> {
        let wanted = self.columns.iter().filter(|(_, columns)| !columns.is_empty());
        wanted.filter_map(|(index, _)| kinds::ALL[*index].columns_fact()).collect()
    }

    /// Looks at no document of a resource: its row tells all that is wanted.
    pub fn without_document(&mut self, address: &Address) {
        if let Some(index) = kinds::ALL.iter().position(|kind| kind.name() == address.kind()) {
            let key = kinds::ALL[index].query_key(address).to_lowercase();
            self.rows_only.entry(index).or_default().insert(key);
        }
    }

    /// Looks for all things of a kind that a user has.
    pub fn add_relations(&mut self, user: &Address, kind: &str) {
        if let Some(index) = kinds::ALL.iter().position(|held| held.name() == kind) {
            self.keys.entry(index).or_default().insert(user.name().to_owned());
        }
    }

    /// Looks for one resource.
    pub fn add(&mut self, address: &Address, id: Option<SalesforceId>) {
        let Some(index) = kinds::ALL.iter().position(|kind| kind.name() == address.kind()) else {
            return;
        };
        let kind = kinds::ALL[index];
        self.keys.entry(index).or_default().insert(kind.query_key(address));
        let by_id = kind.queries().iter().any(|query| query.key_source == KeySource::RecordId);
        if let Some(id) = id.filter(|_| by_id) {
            self.ids.entry(index).or_default().insert(id, address.clone());
        }
    }
}

/// How the rows of one query read.
#[derive(Clone, Copy)]
enum Reading {
    Facts(FactRows),
    Kind {
        kind: usize,
        query: usize,
    },
    /// Rows of facts, with which the first question of a kind is asked.
    Both {
        facts: FactRows,
        kind: usize,
    },
}

/// The kinds whose first question may ride along with that of facts.
const RIDERS: [(&str, FactRows); 2] =
    [("profile", FactRows::Profiles), ("permission_set", FactRows::PermissionSets)];

/// Whether a thing is only known when several reads are put together.
fn is_pieced_together(kind: &dyn Kind) -> bool {
    kind.document_type().is_some() || kind.queries().iter().any(|query| query.supplementary)
}

/// Reads facts and resources together. Things that one row tells whole go to
/// `sink` while their page is read; the others when all their parts are in.
pub async fn observe(
    org: &Org,
    targets: &Targets,
    needs: &FactNeeds,
    catalog: &mut Catalog,
    sink: &mut (dyn FnMut(Address, Observed) + Send),
) -> Result<(), EngineError> {
    needs.prepare(catalog);
    let mut readings = Vec::new();
    let mut queries = Vec::new();
    let riders: Vec<(usize, FactRows)> = targets
        .keys
        .iter()
        .filter_map(|(index, keys)| {
            let (_, rows) = RIDERS.iter().find(|(kind, _)| *kind == kinds::ALL[*index].name())?;
            needs.carries(*rows, keys).then_some((*index, *rows))
        })
        .collect();
    let rider = |rows: FactRows| {
        let (index, _) = riders.iter().find(|(_, held)| *held == rows)?;
        let fields = kinds::ALL[*index].queries().first()?.fields;
        Some(Rider { fields, names: targets.keys.get(index)? })
    };
    for (rows, query) in needs.queries(&rider) {
        let kind = riders.iter().find(|(_, held)| *held == rows).map(|(kind, _)| *kind);
        readings.push(match kind {
            Some(kind) => Reading::Both { facts: rows, kind },
            None => Reading::Facts(rows),
        });
        queries.push(query);
    }
    for (index, keys) in &targets.keys {
        for (number, query) in kinds::ALL[*index].queries().iter().enumerate() {
            if number == 0 && riders.iter().any(|(kind, _)| kind == index) {
                continue;
            }
            let mut fields: Vec<&str> = query.fields.to_vec();
            if number == 0 {
                let kind = kinds::ALL[*index];
                let further = targets.columns.get(index).into_iter().flatten();
                let known = further.filter(|column| kind.has_column(column, catalog));
                fields.extend(known.map(String::as_str));
            }
            let texts: Vec<String> = match query.key_source {
                KeySource::Name => keyed_queries(
                    query.object,
                    &fields,
                    query.key,
                    query.condition,
                    keys.iter().map(String::as_str),
                ),
                KeySource::User => queries_by_username(
                    query.object,
                    &fields,
                    query.key,
                    query.condition,
                    keys.iter().map(String::as_str),
                ),
                KeySource::RecordId => {
                    let ids = targets.ids.get(index).into_iter().flat_map(BTreeMap::keys);
                    keyed_queries(
                        query.object,
                        query.fields,
                        query.key,
                        query.condition,
                        ids.map(SalesforceId::as_str),
                    )
                }
            };
            for text in texts {
                readings.push(Reading::Kind { kind: *index, query: number });
                queries.push(text);
            }
        }
    }

    let mut pieces = Pieces::default();
    let describes = needs.describes();
    let described = {
        let may_be_refused =
            |index: usize| matches!(readings[index], Reading::Facts(rows) if rows.may_be_refused());
        let is_wanted = |kind: usize, row: &Row| {
            let keys = targets.keys.get(&kind);
            let name = row.text("Name").unwrap_or_default().to_lowercase();
            row.text("NamespacePrefix").is_none()
                && keys.into_iter().flatten().any(|key| key.to_lowercase() == name)
        };
        let mut pages = |index: usize, rows: Vec<Row>| {
            for row in rows {
                match readings[index] {
                    Reading::Facts(kind) => needs.take_row(kind, &row, catalog),
                    Reading::Both { facts, kind } => {
                        if is_wanted(kind, &row) {
                            pieces.take(kind, 0, &row, sink);
                        }
                        if needs.asks_for(&row) {
                            needs.take_row(facts, &row, catalog);
                        }
                    }
                    Reading::Kind { kind, query } => {
                        if kinds::ALL[kind].queries()[query].key_source == KeySource::User {
                            pieces.of_users.push((kind, query, row));
                        } else {
                            pieces.take(kind, query, &row, sink);
                        }
                    }
                }
            }
            if let Reading::Facts(kind) = readings[index] {
                needs.take_answer(kind, catalog);
            }
        };
        org.ask(&queries, &describes, &may_be_refused, &mut pages).await?
    };
    let may_have_person_accounts = needs.take_describes(described, catalog);
    needs.ask_the_rest(org, may_have_person_accounts, catalog).await?;
    let aliases = profile_aliases(catalog);
    let mut renamed = |address: Address, mut observed: Observed| {
        if !aliases.is_empty() {
            in_english(&mut observed, &aliases);
        }
        sink(address, observed);
    };
    pieces.complete(org, targets, &mut renamed).await
}

/// Profiles by the name that the org shows, where that is not the one meant.
fn profile_aliases(catalog: &Catalog) -> HashMap<Address, Address> {
    catalog
        .iter()
        .filter_map(|(fact, value)| {
            let (Fact::Profile(_), FactValue::Profile(profile)) = (fact, value) else {
                return None;
            };
            let shown = profile.shown.as_ref()?;
            Some((Address::new("profile", shown), Address::new("profile", &profile.name)))
        })
        .collect()
}

fn in_english(observed: &mut Observed, aliases: &HashMap<Address, Address>) {
    let meant: Vec<(String, Address)> = observed
        .attributes
        .references()
        .filter_map(|(path, shown)| Some((path.to_owned(), aliases.get(shown)?.clone())))
        .collect();
    for (path, address) in meant {
        observed.attributes.set(path, Value::Reference(address));
    }
}

/// Things whose parts come from several reads.
#[derive(Default)]
struct Pieces {
    held: BTreeMap<usize, HashMap<Address, Observed>>,
    by_id: HashMap<SalesforceId, Vec<(usize, Observed)>>,
    /// Rows that name a user by its id.
    of_users: Vec<(usize, usize, Row)>,
}

impl Pieces {
    fn take(
        &mut self,
        index: usize,
        query: usize,
        row: &Row,
        sink: &mut (dyn FnMut(Address, Observed) + Send),
    ) {
        let kind = kinds::ALL[index];
        match kind.observe_row(query, row) {
            Some((Some(address), observed)) if is_pieced_together(kind) => {
                self.held.entry(index).or_default().entry(address).or_default().merge(observed);
            }
            Some((Some(address), observed)) => sink(address, observed),
            Some((None, observed)) => {
                if let Some(id) = observed.id.clone() {
                    self.by_id.entry(id).or_default().push((index, observed));
                }
            }
            None => {}
        }
    }

    /// Gives the rows that name a user by its id the username.
    async fn name_users(
        &mut self,
        org: &Org,
        sink: &mut (dyn FnMut(Address, Observed) + Send),
    ) -> Result<(), EngineError> {
        let rows = std::mem::take(&mut self.of_users);
        let key = |kind: usize, query: usize| kinds::ALL[kind].queries()[query].key;
        let mut usernames: HashMap<String, String> = HashMap::new();
        for (address, user) in self.held.values().flatten() {
            if let Some(id) = user.id.as_ref().filter(|_| address.kind() == USER_KIND) {
                usernames.insert(id.to_string(), address.name().to_owned());
            }
        }
        let unknown: BTreeSet<&str> = rows
            .iter()
            .filter_map(|(kind, query, row)| row.text(key(*kind, *query)))
            .filter(|id| !usernames.contains_key(*id))
            .collect();
        let queries = keyed_queries("User", &["Id", "Username"], "Id", None, unknown);
        let mut found = Vec::new();
        org.query_all(&queries, &mut |_, rows| found.extend(rows)).await?;
        for row in found {
            if let (Some(id), Some(username)) = (row.text("Id"), row.text("Username")) {
                usernames.insert(id.to_owned(), username.to_owned());
            }
        }
        for (kind, query, mut row) in rows {
            let username = row.text(key(kind, query)).and_then(|id| usernames.get(id)).cloned();
            if let Some(username) = username {
                row.insert("Username".to_owned(), username.into());
                self.take(kind, query, &row, sink);
            }
        }
        Ok(())
    }

    /// Reads what only the first answers made known: rows by id, documents.
    async fn complete(
        mut self,
        org: &Org,
        targets: &Targets,
        sink: &mut (dyn FnMut(Address, Observed) + Send),
    ) -> Result<(), EngineError> {
        self.name_users(org, sink).await?;
        let held = std::mem::take(&mut self.held);
        for (index, mut things) in held {
            let kind = kinds::ALL[index];
            let asked: HashSet<&SalesforceId> =
                targets.ids.get(&index).into_iter().flat_map(BTreeMap::keys).collect();
            let mut late = Vec::new();
            for query in
                kind.queries().iter().filter(|query| query.key_source == KeySource::RecordId)
            {
                // In order, so that the same run makes the same calls.
                let ids: BTreeSet<&str> = things
                    .values()
                    .filter_map(|thing| thing.id.as_ref())
                    .filter(|id| !asked.contains(id))
                    .map(SalesforceId::as_str)
                    .collect();
                late.extend(keyed_queries(
                    query.object,
                    query.fields,
                    query.key,
                    query.condition,
                    ids,
                ));
            }
            if !late.is_empty() {
                let number = kind
                    .queries()
                    .iter()
                    .position(|query| query.key_source == KeySource::RecordId)
                    .unwrap_or_default();
                let mut rows = Vec::new();
                org.query_all(&late, &mut |_, page| rows.extend(page)).await?;
                for row in rows {
                    self.take(index, number, &row, sink);
                }
            }
            let mut names: HashMap<SalesforceId, Address> = HashMap::new();
            for (address, thing) in &things {
                if let Some(id) = &thing.id {
                    names.insert(id.clone(), address.clone());
                }
            }
            for (id, parts) in &self.by_id {
                let Some(thing) = names.get(id).and_then(|address| things.get_mut(address)) else {
                    continue;
                };
                for (_, part) in parts.iter().filter(|(of, _)| *of == index) {
                    thing.merge(part.clone());
                }
            }
            if let Some(metadata_type) = kind.document_type() {
                let rows_only = targets.rows_only.get(&index);
                let is_read = |address: &Address| {
                    let key = kind.query_key(address).to_lowercase();
                    rows_only.is_none_or(|rows_only| !rows_only.contains(&key))
                };
                read_documents(org, kind, metadata_type, &is_read, &mut things, sink).await?;
            }
            for (address, thing) in things {
                sink(address, thing);
            }
        }
        Ok(())
    }
}

/// Reads documents into what rows told of these things; what is whole by that goes on
/// at once.
async fn read_documents(
    org: &Org,
    kind: &dyn Kind,
    metadata_type: &str,
    is_read: &(dyn Fn(&Address) -> bool + Sync),
    things: &mut HashMap<Address, Observed>,
    sink: &mut (dyn FnMut(Address, Observed) + Send),
) -> Result<(), EngineError> {
    let mut addresses: Vec<Address> =
        things.keys().filter(|address| is_read(address)).cloned().collect();
    addresses.sort();
    let mut read = stream::iter(addresses.chunks(DOCUMENTS))
        .map(async |some: &[Address]| {
            let names: Vec<String> =
                some.iter().map(|address| kind.document_name(address)).collect();
            org.read_documents(metadata_type, &names).await.map(|documents| (some, documents))
        })
        .buffered(IN_FLIGHT);
    let mut further: BTreeMap<&str, Vec<(Address, String)>> = BTreeMap::new();
    while let Some(answer) = read.next().await {
        let (some, documents) = answer?;
        for (address, document) in some.iter().zip(documents) {
            let Some(mut thing) = things.remove(address) else { continue };
            if let Some(document) = document {
                thing.merge(kind.observe_document(&document));
            }
            if let Some((metadata_type, name)) = kind.further_document(&thing) {
                further.entry(metadata_type).or_default().push((address.clone(), name));
                things.insert(address.clone(), thing);
            } else {
                // It is whole: none is kept longer than it has to be.
                sink(address.clone(), thing);
            }
        }
    }
    drop(read);
    for (metadata_type, named) in further {
        for some in named.chunks(DOCUMENTS) {
            let names: Vec<String> = some.iter().map(|(_, name)| name.clone()).collect();
            let documents = org.read_documents(metadata_type, &names).await?;
            for ((address, _), document) in some.iter().zip(documents) {
                if let (Some(thing), Some(document)) = (things.get_mut(address), document) {
                    thing.merge(kind.observe_further_document(&document));
                }
            }
        }
    }
    Ok(())
}

/// Asks for facts alone.
///
/// # Errors
/// When the org refuses a question, or a call breaks.
pub async fn ask_facts(
    org: &Org,
    facts: &BTreeSet<Fact>,
    catalog: &mut Catalog,
) -> Result<(), EngineError> {
    let needs = FactNeeds::new(facts.iter().cloned());
    observe(org, &Targets::default(), &needs, catalog, &mut |_, _| {}).await
}

/// Reads single resources, by natural key.
pub async fn observe_some(
    org: &Org,
    addresses: impl IntoIterator<Item = Address>,
) -> Result<BTreeMap<Address, Observed>, EngineError> {
    let mut targets = Targets::default();
    let wanted: BTreeSet<Address> = addresses.into_iter().collect();
    for address in &wanted {
        targets.add(address, None);
        if kinds::of(address).is_some_and(|kind| !kind.reads_document(&Attributes::new())) {
            targets.without_document(address);
        }
    }
    // Salesforce compares names without case.
    let spelled: HashMap<String, Address> = wanted
        .iter()
        .map(|address| (String::from_utf8_lossy(address.key()).to_lowercase(), address.clone()))
        .collect();
    let mut found = BTreeMap::new();
    let mut nothing = Catalog::new();
    observe(org, &targets, &FactNeeds::default(), &mut nothing, &mut |address, observed| {
        let key = String::from_utf8_lossy(address.key()).to_lowercase();
        if let Some(address) = spelled.get(&key) {
            found.insert(address.clone(), observed);
        }
    })
    .await?;
    Ok(found)
}
