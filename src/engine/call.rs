//! One call for a batch of ops: sent, understood, and where needed sent again.
//!
//! An answer says that an op is done, as the documents describe it, or refuses it.
//! Anything else leaves it unknown: the org is read then (`settle`), and only what is
//! not there is sent again, a mail never. What stays unknown keeps its intent open.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::collections::VecDeque;
use std::sync::Arc;

use super::EngineError;
use super::cause::Cause;
use super::cause::NotSent;
use super::effect::Confirmed;
use super::item::Item;
use super::observe::observe_some;
use super::prepare::Body;
use super::prepare::Prepared;
use super::report::OpResult;
use super::report::Report;
use super::sent::Sent;
use super::sent::documents;
use super::sent::ids;
use super::sent::is_refused_by_rest;
use super::sent::names;
use super::sent::of_documents;
use super::sent::records;
use super::settle::Shown;
use super::settle::look;
use super::wait;
use crate::model::Address;
use crate::model::CallShape;
use crate::model::Monotonic;
use crate::model::Op;
use crate::model::Plan;
use crate::model::Row;
use crate::org::Org;
use crate::org::OrgError;
use crate::org::RecordOutcome;
use crate::org::Refusal;
use crate::org::Refused;

/// What calls are made with.
#[derive(Clone, Copy)]
pub struct Caller<'a> {
    /// The org.
    pub org: &'a Org,
    /// The plan whose ops are sent.
    pub plan: &'a Plan,
    /// What calls of earlier runs may have made, of which it is not known yet.
    pub may_be_ours: &'a HashSet<Address>,
    /// A clock that only goes on.
    pub monotonic: &'a Monotonic,
}

/// Items that are sent together, and how often that was tried.
type Attempt = (Vec<Item>, u32);

impl<'a> Caller<'a> {
    /// An op of the plan.
    pub fn plan_op(self, op: usize) -> &'a Op {
        &self.plan.ops[op]
    }

    /// Sends a batch until each op is done, failed or unknown.
    pub async fn send(self, shape: &CallShape, batch: Vec<Prepared>) -> Report {
        if matches!(shape, CallShape::Await(_)) {
            let awaited = batch.into_iter().filter_map(|item| match item.body {
                Body::Awaited(awaited) => Some((item.op, awaited)),
                _ => None,
            });
            return wait::look(self.org, awaited.collect()).await;
        }
        let items: Vec<Item> = batch.into_iter().map(Item::new).collect();
        let mut report = Report { results: Vec::with_capacity(items.len()), ..Report::default() };
        let mut work: VecDeque<Attempt> = VecDeque::from([(items, 1)]);
        while let Some((items, attempt)) = work.pop_front() {
            let again = match self.send_once(shape, &items).await {
                Ok(outcomes) => self.sort_out(shape, items, outcomes, attempt, &mut report).await,
                Err(error) if error.is_unknown() => {
                    self.settle(items, error, attempt, &mut report).await
                }
                Err(error) if items.len() > 1 && is_about_one_item(&error) => {
                    // One item can spoil a whole call: the halves tell which.
                    let mut items = items;
                    let half = items.split_off(items.len() / 2);
                    work.push_front((half, attempt));
                    work.push_front((items, attempt));
                    continue;
                }
                Err(error) => {
                    give_up(&items, error, &mut work, &mut report);
                    continue;
                }
            };
            if !again.is_empty() {
                self.org.wait_before_retry(attempt).await;
                work.push_back((again, attempt + 1));
            }
        }
        if matches!(shape, CallShape::UpsertDocuments(_)) {
            self.read_back(&mut report).await;
        }
        report
    }

    async fn send_once(self, shape: &CallShape, items: &[Item]) -> Result<Vec<Sent>, OrgError> {
        let org = self.org;
        let sent = |outcomes: Vec<RecordOutcome>| outcomes.into_iter().map(Sent::from).collect();
        match shape {
            CallShape::Insert(object) => self.insert(object, &records(items)).await,
            CallShape::Update(object) => {
                org.update_records(object, &records(items)).await.map(sent)
            }
            CallShape::Delete(object) => org.delete_records(object, &ids(items)).await.map(sent),
            CallShape::UpsertDocuments(name) => {
                org.upsert_documents(name, &documents(items)).await.map(of_documents)
            }
            CallShape::UpdateDocuments(name) => {
                org.update_documents(name, &documents(items)).await.map(of_documents)
            }
            CallShape::DeleteDocuments(name) => {
                org.delete_documents(name, &names(items)).await.map(of_documents)
            }
            // Nothing is sent: it is looked for, by `wait::look`.
            CallShape::Await(_) => Ok(Vec::new()),
            CallShape::ResetPassword => {
                let mut results = Vec::new();
                for id in ids(items) {
                    results.push(match org.reset_password(&id).await {
                        Ok(()) => Ok(None),
                        Err(error) if error.is_unknown() => return Err(error),
                        Err(OrgError::Refused { refused, .. }) => Err(refused),
                        Err(error) => return Err(error),
                    });
                }
                Ok(sent(results))
            }
        }
    }

    async fn insert(self, object: &str, records: &[&Row]) -> Result<Vec<Sent>, OrgError> {
        let results = match self.org.insert_records(object, records).await {
            Err(OrgError::Refused { refused, .. }) if is_refused_by_rest(&Err(refused.clone())) => {
                vec![Err(refused); records.len()]
            }
            other => other?,
        };
        Ok(self.insert_by_soap(object, records, results).await)
    }

    /// Inserts over SOAP what REST does not insert, one by one: what came of one says
    /// nothing of the others.
    async fn insert_by_soap(
        self,
        object: &str,
        records: &[&Row],
        results: Vec<RecordOutcome>,
    ) -> Vec<Sent> {
        let mut sent = Vec::with_capacity(results.len());
        let mut ended: Option<OrgError> = None;
        for (record, result) in records.iter().zip(results) {
            if !is_refused_by_rest(&result) {
                sent.push(result.into());
                continue;
            }
            if let Some(error) = &ended {
                sent.push(Sent::NotAnswered(error.clone()));
                continue;
            }
            sent.push(match self.org.insert_record_by_soap(object, record).await {
                Ok(outcome) => outcome.into(),
                Err(OrgError::Refused { refused, status, call }) => {
                    let error = OrgError::Refused { refused: refused.clone(), status, call };
                    if error.is_unknown() { Sent::NotAnswered(error) } else { Err(refused).into() }
                }
                Err(error) => {
                    let ends = error.is_final() || matches!(error, OrgError::Stopped { .. });
                    ended = Some(error.clone()).filter(|_| ends);
                    Sent::NotAnswered(error)
                }
            });
        }
        sent
    }

    /// Takes the outcomes of an answered call; returns what is to be sent again.
    async fn sort_out(
        self,
        shape: &CallShape,
        items: Vec<Item>,
        outcomes: Vec<Sent>,
        attempt: u32,
        report: &mut Report,
    ) -> Vec<Item> {
        let mut again = Vec::new();
        let mut in_doubt = Vec::new();
        let mut unknown: Vec<(Item, OrgError)> = Vec::new();
        for (item, sent) in items.into_iter().zip(outcomes) {
            match sent {
                Sent::Done { id, was_there } => {
                    // After a call without an answer, what is there is our own.
                    let was_there = was_there && !self.may_be_own(&item);
                    let confirmed = Confirmed { id, was_there, ..Confirmed::default() };
                    report.done(item.op(), confirmed);
                }
                Sent::Refused(refused)
                    if refused.is_wholly(Refusal::is_contention)
                        && attempt < self.org.attempts()
                        && self.org.may_write() =>
                {
                    again.push(item);
                }
                Sent::Refused(refused) if self.contradicts(shape, &item, &refused) => {
                    in_doubt.push((item, refused));
                }
                Sent::Refused(refused) => item.failed(Cause::Refused(refused), report),
                Sent::NotAnswered(error) if error.is_unknown() => unknown.push((item, error)),
                Sent::NotAnswered(error) => {
                    item.failed(item.cause(error.clone()), report);
                    if error.is_final() {
                        report.fatal = Some(error);
                    }
                }
            }
        }
        if !in_doubt.is_empty() {
            self.look_at_refused(in_doubt, report).await;
        }
        for (item, error) in unknown {
            again.extend(self.settle(vec![item], error, attempt, report).await);
        }
        again
    }

    /// Whether an op may have been done by an attempt of which nothing is known.
    pub fn may_be_own(self, item: &Item) -> bool {
        item.unknown.is_some() || self.may_be_ours.contains(&item.prepared.address)
    }

    /// Whether a refusal may say that the op is done already: what was to be made is
    /// there, what was to be deleted is gone. The org is looked at before that is
    /// believed.
    fn contradicts(self, shape: &CallShape, item: &Item, refused: &Refused) -> bool {
        match shape {
            CallShape::Insert(_) => {
                self.may_be_own(item) || refused.is_wholly(Refusal::is_duplicate)
            }
            CallShape::Delete(_) | CallShape::DeleteDocuments(_) => {
                item.unknown.is_some() || refused.is_wholly(Refusal::is_already_gone)
            }
            _ => false,
        }
    }

    /// Ops that were refused since they may be done already: the org is read, and
    /// what was there before any of our calls is adopted.
    async fn look_at_refused(self, items: Vec<(Item, Refused)>, report: &mut Report) {
        let ops: Vec<&Op> = items.iter().map(|(item, _)| self.plan_op(item.op())).collect();
        let Ok(shown) = look(self.org, &ops).await else {
            // The refusal itself is certain; what is there is read by the next run.
            for (item, refused) in items {
                item.failed(Cause::Refused(refused), report);
            }
            return;
        };
        for ((item, refused), shown) in items.into_iter().zip(shown) {
            match shown {
                Shown::Done(mut confirmed) => {
                    confirmed.was_there |= !self.may_be_own(&item);
                    report.done(item.op(), confirmed);
                }
                Shown::NotDone | Shown::Never => item.failed(Cause::Refused(refused), report),
            }
        }
    }

    /// After a call of which it is not known what became of it; returns what is to be
    /// sent again.
    pub async fn settle(
        self,
        items: Vec<Item>,
        error: OrgError,
        attempt: u32,
        report: &mut Report,
    ) -> Vec<Item> {
        let error = Arc::new(error);
        let stays = |item: &Item, look_up: Option<Arc<OrgError>>| Cause::Unknown {
            error: Arc::clone(item.unknown.as_ref().unwrap_or(&error)),
            look_up,
        };
        let is_mail = |item: &Item| {
            let write = &self.plan_op(item.op()).write;
            matches!(write, crate::model::Write::ResetPassword { .. })
        };
        if items.iter().all(is_mail) {
            for item in &items {
                report.failed(item.op(), stays(item, None));
            }
            return Vec::new();
        }
        self.org.wait_before_retry(attempt).await;
        let ops: Vec<&Op> = items.iter().map(|item| self.plan_op(item.op())).collect();
        let shown = match look(self.org, &ops).await {
            Ok(shown) => shown,
            Err(second) => {
                let second = match second {
                    EngineError::Org(second) => Some(second),
                    _ => None,
                };
                report.fatal = second.clone().filter(OrgError::is_final);
                let second = second.map(Arc::new);
                for item in &items {
                    report.failed(item.op(), stays(item, second.clone()));
                }
                return Vec::new();
            }
        };
        let may_repeat = attempt < self.org.attempts() && self.org.may_write();
        let mut again = Vec::new();
        for (item, shown) in items.into_iter().zip(shown) {
            match shown {
                Shown::Done(confirmed) => report.done(item.op(), confirmed),
                Shown::NotDone if may_repeat => {
                    report.repeated.push(item.op());
                    again.push(Item { unknown: Some(Arc::clone(&error)), ..item });
                }
                Shown::NotDone | Shown::Never => report.failed(item.op(), stays(&item, None)),
            }
        }
        again
    }

    /// Reads written documents back, for their ids and for what the org kept. A
    /// failure here takes nothing back: the next refresh reads them anyway.
    pub async fn read_back(self, report: &mut Report) {
        let address = |op: usize| &self.plan_op(op).address;
        let is_done = |result: &OpResult| matches!(result, OpResult::Done(_));
        let done = report.results.iter().filter(|(_, result)| is_done(result));
        let done: Vec<Address> = done.map(|(op, _)| address(*op).clone()).collect();
        if done.is_empty() {
            return;
        }
        let Ok(found) = observe_some(self.org, done).await else { return };
        for (op, result) in &mut report.results {
            let OpResult::Done(confirmed) = result else { continue };
            match found.get(address(*op)) {
                Some(observed) => {
                    confirmed.id = observed.id.clone().or(confirmed.id.take());
                    confirmed.read_back = Some(observed.clone());
                }
                // Whatever was said of it: it is not there. (A step before the one that
                // makes the thing leaves nothing under its name.)
                None if self.plan_op(*op).effect.creates.is_some() => {
                    *result = OpResult::Failed(Cause::unknown(not_there()));
                }
                None => {}
            }
        }
    }
}

fn not_there() -> OrgError {
    OrgError::Unexpected {
        call: "read back".to_owned(),
        status: None,
        reason: "it was said to be written, and is not there".to_owned(),
        request_id: None,
    }
}

fn is_about_one_item(error: &OrgError) -> bool {
    matches!(error, OrgError::Refused { status, refused, .. }
        if (400..500).contains(status)
            && *status != 403
            && !refused.first().code.starts_with("INSUFFICIENT_ACCESS"))
}

/// A call that came to nothing; after one that ends all, neither is the rest sent.
fn give_up(items: &[Item], error: OrgError, work: &mut VecDeque<Attempt>, report: &mut Report) {
    for item in items {
        item.failed(item.cause(error.clone()), report);
    }
    if error.is_final() {
        for item in work.drain(..).flat_map(|(rest, _)| rest) {
            let cause = match &item.unknown {
                Some(_) => item.cause(error.clone()),
                None => Cause::NotSent(NotSent::NoFurtherCall),
            };
            report.failed(item.op(), cause);
        }
        report.fatal = Some(error);
    }
}
