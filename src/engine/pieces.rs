//! Puts things together whose parts come from several reads: rows, rows by id, documents.

use crate::model::KindName;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::EngineError;
use super::targets::Targets;
use crate::kinds;
use crate::kinds::Document;
use crate::kinds::Kind;
use crate::model::Address;
use crate::model::KeySource;
use crate::model::Observed;
use crate::model::Row;
use crate::model::RowExt as _;
use crate::model::SalesforceId;
use crate::org::DOCUMENTS_OF_ONE_CALL;
use crate::org::IN_FLIGHT;
use crate::org::Org;
use crate::org::keyed_queries;

/// The kind whose rows tell the usernames that ids stand for.
pub(super) const USER_KIND: KindName = KindName::USER;

/// Whether a thing is only known when several reads are put together.
fn is_pieced_together(kind: &dyn Kind) -> bool {
    kind.document().is_some() || kind.queries().iter().any(|query| query.supplementary)
}

/// Things whose parts come from several reads.
#[derive(Default)]
pub(super) struct Pieces {
    held: BTreeMap<usize, HashMap<Address, Observed>>,
    by_id: HashMap<SalesforceId, Vec<(usize, Observed)>>,
    /// Rows that name a user by its id.
    pub(super) of_users: Vec<(usize, usize, Row)>,
}

impl Pieces {
    pub(super) fn take(
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
            if let Some(id) = user.id.as_ref().filter(|_| address.is(USER_KIND)) {
                usernames.insert(id.to_string(), address.name().to_owned());
            }
        }
        let unknown: BTreeSet<&str> = rows
            .iter()
            .filter_map(|(kind, query, row)| row.text(key(*kind, *query)))
            .filter(|id| !usernames.contains_key(*id))
            .collect();
        let queries = keyed_queries("User", &["Id", "Username"], "Id", &[], unknown);
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
    pub(super) async fn complete(
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
                    query.filters,
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
            if let Some(document) = kind.document() {
                let rows_only = targets.rows_only.get(&index);
                let is_read = |address: &Address| {
                    let key = kind.query_key(address).to_lowercase();
                    rows_only.is_none_or(|rows_only| !rows_only.contains(&key))
                };
                read_documents(org, document, &is_read, &mut things, sink).await?;
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
    of_kind: &dyn Document,
    is_read: &(dyn Fn(&Address) -> bool + Sync),
    things: &mut HashMap<Address, Observed>,
    sink: &mut (dyn FnMut(Address, Observed) + Send),
) -> Result<(), EngineError> {
    let mut addresses: Vec<Address> =
        things.keys().filter(|address| is_read(address)).cloned().collect();
    addresses.sort();
    let mut read = stream::iter(addresses.chunks(DOCUMENTS_OF_ONE_CALL))
        .map(async |some: &[Address]| {
            let names: Vec<String> =
                some.iter().map(|address| of_kind.full_name(address)).collect();
            org.read_documents(of_kind.metadata_type(), &names)
                .await
                .map(|documents| (some, documents))
        })
        .buffered(IN_FLIGHT);
    let mut further: BTreeMap<&str, Vec<(Address, String)>> = BTreeMap::new();
    while let Some(answer) = read.next().await {
        let (some, documents) = answer?;
        for (address, document) in some.iter().zip(documents) {
            let Some(mut thing) = things.remove(address) else { continue };
            if let Some(document) = document {
                thing.merge(of_kind.observe(&document));
            }
            if let Some((metadata_type, name)) = of_kind.further(&thing) {
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
        for some in named.chunks(DOCUMENTS_OF_ONE_CALL) {
            let names: Vec<String> = some.iter().map(|(_, name)| name.clone()).collect();
            let documents = org.read_documents(metadata_type, &names).await?;
            for ((address, _), document) in some.iter().zip(documents) {
                if let (Some(thing), Some(document)) = (things.get_mut(address), document) {
                    thing.merge(of_kind.observe_further(&document));
                }
            }
        }
    }
    Ok(())
}
