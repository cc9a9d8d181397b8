//! One call for a batch of ops: sent, understood, and where needed sent again.
//!
//! A write is not idempotent by itself. After an unknown outcome inserts are
//! looked up by natural key before they are sent again; updates, deletes and
//! whole documents may be repeated; mail never is.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::effect::Confirmed;
use super::observe::observe_some;
use super::report::OpResult;
use super::report::Report;
use super::wait;
use crate::model::Address;
use crate::model::Awaited;
use crate::model::CallShape;
use crate::model::Element;
use crate::model::FieldValue;
use crate::model::IdReference;
use crate::model::Op;
use crate::model::Row;
use crate::model::SalesforceId;
use crate::model::Write;
use crate::org::Org;
use crate::org::OrgError;
use crate::org::RecordOutcome;
use crate::org::Refusal;

/// An op with its ids put in.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Its place in the plan.
    pub op: usize,
    /// Its resource.
    pub address: Address,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    Record(Row),
    Id(SalesforceId),
    Document(String, Vec<Element>),
    Name(String),
    Awaited(Awaited),
}

/// Gives the id that a reference stands for, or the address whose id is not known.
type IdOf<'a> = &'a mut dyn FnMut(&IdReference) -> Result<SalesforceId, Address>;

/// Puts ids into an op's write.
///
/// # Errors
/// The address whose id is not known.
pub fn prepare(
    index: usize,
    op: &Op,
    id_of: &mut dyn FnMut(&Address) -> Option<SalesforceId>,
) -> Result<Prepared, Address> {
    let mut id = |reference: &IdReference| match reference {
        IdReference::Known(id) => Ok(id.clone()),
        IdReference::Of(address) => id_of(address).ok_or_else(|| address.clone()),
    };
    let record = |fields: &[(Cow<'static, str>, FieldValue)], id: IdOf<'_>| {
        let mut row = Row::new();
        for (name, value) in fields {
            let value = match value {
                FieldValue::Text(text) => Json::String(text.clone()),
                FieldValue::Flag(flag) => Json::Bool(*flag),
                FieldValue::Number(number) => {
                    serde_json::from_str(number).unwrap_or_else(|_| Json::from(number.as_str()))
                }
                FieldValue::Null => Json::Null,
                FieldValue::Id(reference) => Json::String(id(reference)?.to_string()),
            };
            row.insert(name.to_string(), value);
        }
        Ok::<Row, Address>(row)
    };
    let body = match &op.write {
        Write::Insert { fields, .. } => Body::Record(record(fields, &mut id)?),
        Write::Update { id: of, fields, .. } => {
            let mut row = Row::new();
            row.insert("Id".to_owned(), Json::String(id(of)?.to_string()));
            row.extend(record(fields, &mut id)?);
            Body::Record(row)
        }
        Write::Delete { id: of, .. } | Write::ResetPassword { id: of } => Body::Id(id(of)?),
        Write::UpsertDocument { full_name, body, .. }
        | Write::UpdateDocument { full_name, body, .. } => {
            Body::Document(full_name.clone(), body.clone())
        }
        Write::DeleteDocument { full_name, .. } => Body::Name(full_name.clone()),
        Write::Await(awaited) => Body::Awaited(awaited.as_ref().clone()),
    };
    Ok(Prepared { op: index, address: op.address.clone(), body })
}

/// Sends a batch until each op is done or failed.
pub async fn send(org: &Org, shape: &CallShape, batch: Vec<Prepared>) -> Report {
    if matches!(shape, CallShape::Await(_)) {
        let awaited = batch.into_iter().filter_map(|item| match item.body {
            Body::Awaited(awaited) => Some((item.op, awaited)),
            _ => None,
        });
        return wait::look(org, awaited.collect()).await;
    }
    let mut report = Report { results: Vec::with_capacity(batch.len()), fatal: None };
    let written: Vec<(usize, Address)> =
        batch.iter().map(|item| (item.op, item.address.clone())).collect();
    let mut work = vec![(batch, 1)];
    while let Some((items, attempt)) = work.pop() {
        let again = match send_once(org, shape, &items).await {
            Ok(outcomes) => sort_out(org, shape, items, outcomes, attempt, &mut report).await,
            Err(error) if error.is_unanswered() => {
                look_up(org, shape, items, &error, attempt, &mut report).await
            }
            Err(error) if items.len() > 1 && is_about_one_item(&error) => {
                // One item can spoil a whole call: the halves tell which.
                let mut items = items;
                let half = items.split_off(items.len() / 2);
                work.push((half, attempt));
                work.push((items, attempt));
                continue;
            }
            Err(error) => {
                fail_all(&items, &error.to_string(), &mut report);
                if error.is_final() {
                    report.fatal = Some(error);
                    for (rest, _) in work.drain(..) {
                        fail_all(
                            &rest,
                            "not sent, since the org takes no further call",
                            &mut report,
                        );
                    }
                }
                continue;
            }
        };
        if !again.is_empty() {
            org.wait_before_retry(attempt).await;
            work.push((again, attempt + 1));
        }
    }
    if matches!(shape, CallShape::UpsertDocuments(_)) {
        read_back(org, &written, &mut report).await;
    }
    report
}

fn is_about_one_item(error: &OrgError) -> bool {
    matches!(error, OrgError::Refused { status, refusal, .. }
        if (400..500).contains(status) && *status != 403 && !refusal.code.starts_with("INSUFFICIENT_ACCESS"))
}

fn fail_all(items: &[Prepared], reason: &str, report: &mut Report) {
    for item in items {
        report.results.push((item.op, OpResult::Failed(reason.to_owned())));
    }
}

/// What an answer says of one op.
struct Sent {
    outcome: RecordOutcome,
    /// An upsert found the document there.
    was_there: bool,
}

impl From<RecordOutcome> for Sent {
    fn from(outcome: RecordOutcome) -> Self {
        Self { outcome, was_there: false }
    }
}

async fn send_once(
    org: &Org,
    shape: &CallShape,
    items: &[Prepared],
) -> Result<Vec<Sent>, OrgError> {
    let sent = |outcomes: Vec<RecordOutcome>| outcomes.into_iter().map(Sent::from).collect();
    let records = || -> Vec<&Row> {
        items
            .iter()
            .filter_map(|item| match &item.body {
                Body::Record(row) => Some(row),
                _ => None,
            })
            .collect()
    };
    let ids = || -> Vec<SalesforceId> {
        items
            .iter()
            .filter_map(|item| match &item.body {
                Body::Id(id) => Some(id.clone()),
                _ => None,
            })
            .collect()
    };
    let documents = || -> Vec<(String, Vec<Element>)> {
        items
            .iter()
            .filter_map(|item| match &item.body {
                Body::Document(name, body) => Some((name.clone(), body.clone())),
                _ => None,
            })
            .collect()
    };
    let outcomes = |outcomes: Vec<crate::org::DocumentOutcome>| -> Vec<Sent> {
        outcomes
            .into_iter()
            .map(|outcome| Sent {
                was_there: outcome.created == Some(false),
                outcome: outcome.refusal.map_or(Ok(outcome.id), Err),
            })
            .collect()
    };
    match shape {
        CallShape::Insert(object) => match org.insert_records(object, &records()).await {
            Ok(results) if results.iter().any(is_refused_by_rest) => {
                insert_by_soap(org, object, &records(), results).await
            }
            Err(OrgError::Refused { refusal, .. }) if is_refused_by_rest(&Err(refusal.clone())) => {
                let records = records();
                let results = vec![Err(refusal); records.len()];
                insert_by_soap(org, object, &records, results).await
            }
            other => other,
        }
        .map(sent),
        CallShape::Update(object) => org.update_records(object, &records()).await.map(sent),
        CallShape::Delete(object) => org.delete_records(object, &ids()).await.map(sent),
        CallShape::UpsertDocuments(name) | CallShape::UpdateDocuments(name)
            if items.len() > shape.limit() =>
        {
            org.deploy_documents(name, &documents()).await.map(outcomes)
        }
        CallShape::UpsertDocuments(name) => {
            org.upsert_documents(name, &documents()).await.map(outcomes)
        }
        CallShape::UpdateDocuments(name) => {
            org.update_documents(name, &documents()).await.map(outcomes)
        }
        CallShape::DeleteDocuments(name) => {
            let names: Vec<String> = items
                .iter()
                .filter_map(|item| match &item.body {
                    Body::Name(name) => Some(name.clone()),
                    _ => None,
                })
                .collect();
            org.delete_documents(name, &names).await.map(outcomes)
        }
        // Nothing is sent: it is looked for, by `wait::look`.
        CallShape::Await(_) => Ok(Vec::new()),
        CallShape::ResetPassword => {
            let mut results = Vec::new();
            for id in ids() {
                results.push(match org.reset_password(&id).await {
                    Ok(()) => Ok(None),
                    Err(OrgError::Refused { status, refusal, .. }) if status < 500 => Err(refusal),
                    Err(error) => return Err(error),
                });
            }
            Ok(sent(results))
        }
    }
}

/// Whether REST does not insert records of this object at all, so that SOAP is
/// tried. By their documented calls REST inserts profiles; shipping clients use
/// SOAP for them, and only a real org can tell.
fn is_refused_by_rest(outcome: &RecordOutcome) -> bool {
    matches!(outcome, Err(refusal) if matches!(
        refusal.code.as_str(),
        "METHOD_NOT_ALLOWED" | "NOT_FOUND" | "INVALID_TYPE_FOR_OPERATION"
    ))
}

async fn insert_by_soap(
    org: &Org,
    object: &str,
    records: &[&Row],
    mut results: Vec<RecordOutcome>,
) -> Result<Vec<RecordOutcome>, OrgError> {
    for (record, result) in records.iter().zip(results.iter_mut()) {
        if is_refused_by_rest(result) {
            *result = org.insert_record_by_soap(object, record).await?;
        }
    }
    Ok(results)
}

/// Takes the outcomes of an answered call; returns what is to be sent again.
async fn sort_out(
    org: &Org,
    shape: &CallShape,
    items: Vec<Prepared>,
    outcomes: Vec<Sent>,
    attempt: u32,
    report: &mut Report,
) -> Vec<Prepared> {
    let mut again = Vec::new();
    let mut there_already = Vec::new();
    for (item, Sent { outcome, was_there }) in items.into_iter().zip(outcomes) {
        match outcome {
            Ok(id) => {
                // After a call without an answer, what is there is our own.
                let was_there = was_there && attempt == 1;
                let confirmed = Confirmed { id, was_there, ..Confirmed::default() };
                report.results.push((item.op, OpResult::Done(confirmed)));
            }
            Err(refusal) if refusal.is_already_gone() && deletes(shape) => {
                report.results.push((item.op, OpResult::Done(Confirmed::default())));
            }
            Err(refusal) if refusal.is_duplicate() && matches!(shape, CallShape::Insert(_)) => {
                there_already.push((item, refusal));
            }
            Err(refusal) if refusal.is_contention() && attempt < org.attempts() => again.push(item),
            Err(refusal) => report.results.push((item.op, OpResult::Failed(refusal.to_string()))),
        }
    }
    if !there_already.is_empty() {
        take_over(org, there_already, report).await;
    }
    again
}

fn deletes(shape: &CallShape) -> bool {
    matches!(shape, CallShape::Delete(_) | CallShape::DeleteDocuments(_))
}

/// Inserts that were refused as duplicates: what is there is read and adopted.
async fn take_over(org: &Org, items: Vec<(Prepared, Refusal)>, report: &mut Report) {
    let addresses = items.iter().map(|(item, _)| item.address.clone());
    let found = observe_some(org, addresses).await.unwrap_or_default();
    for (item, refusal) in items {
        let result = match found.get(&item.address).and_then(|observed| observed.id.clone()) {
            Some(id) => {
                OpResult::Done(Confirmed { id: Some(id), was_there: true, ..Confirmed::default() })
            }
            None => OpResult::Failed(refusal.to_string()),
        };
        report.results.push((item.op, result));
    }
}

/// After a call without an answer; returns what is to be sent again.
async fn look_up(
    org: &Org,
    shape: &CallShape,
    items: Vec<Prepared>,
    error: &OrgError,
    attempt: u32,
    report: &mut Report,
) -> Vec<Prepared> {
    if *shape == CallShape::ResetPassword {
        for item in items {
            let confirmed = Confirmed { unknown: true, ..Confirmed::default() };
            report.results.push((item.op, OpResult::Done(confirmed)));
        }
        return Vec::new();
    }
    if attempt >= org.attempts() {
        fail_all(&items, &error.to_string(), report);
        return Vec::new();
    }
    if !matches!(shape, CallShape::Insert(_)) {
        return items;
    }
    org.wait_before_retry(attempt).await;
    match observe_some(org, items.iter().map(|item| item.address.clone())).await {
        Ok(found) => {
            let mut again = Vec::new();
            for item in items {
                match found.get(&item.address).and_then(|observed| observed.id.clone()) {
                    Some(id) => {
                        let confirmed = Confirmed { id: Some(id), ..Confirmed::default() };
                        report.results.push((item.op, OpResult::Done(confirmed)));
                    }
                    None => again.push(item),
                }
            }
            again
        }
        Err(second) => {
            fail_all(&items, &format!("{error}; and looking it up failed: {second}"), report);
            Vec::new()
        }
    }
}

/// Reads written documents back, for their ids and for what the org kept. A
/// failure here takes nothing back: the next refresh reads them anyway.
async fn read_back(org: &Org, written: &[(usize, Address)], report: &mut Report) {
    let done: Vec<usize> = report
        .results
        .iter()
        .filter(|(_, result)| matches!(result, OpResult::Done(_)))
        .map(|(op, _)| *op)
        .collect();
    let addresses: Vec<Address> = written
        .iter()
        .filter(|(op, _)| done.contains(op))
        .map(|(_, address)| address.clone())
        .collect();
    if addresses.is_empty() {
        return;
    }
    let Ok(found) = observe_some(org, addresses).await else { return };
    for (op, result) in &mut report.results {
        let OpResult::Done(confirmed) = result else { continue };
        let address = written.iter().find(|(held, _)| held == op).map(|(_, address)| address);
        if let Some(observed) = address.and_then(|address| found.get(address)) {
            confirmed.id = observed.id.clone().or(confirmed.id.take());
            confirmed.read_back = Some(observed.clone());
        }
    }
}
