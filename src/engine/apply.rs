//! The scheduler: ready ops are packed into calls, several of which are in
//! flight, without barriers. A failure stops only what depends on it.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;

use futures_util::StreamExt as _;
use futures_util::future::Either;
use futures_util::future::select;
use futures_util::stream::FuturesUnordered;

use super::EngineError;
use super::Event;
use super::Progress;
use super::call::prepare;
use super::call::send;
use super::effect::Confirmed;
use super::effect::before_ops;
use super::effect::made_by;
use super::effect::record_changes;
use super::policies;
use super::report::OpResult;
use super::report::Report;
use crate::graph::Frontier;
use crate::kinds;
use crate::kinds::learn_from_rejection;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::CallShape;
use crate::model::Catalog;
use crate::model::Clock;
use crate::model::Fact;
use crate::model::FactValue;
use crate::model::Plan;
use crate::model::Recorded as _;
use crate::model::SalesforceId;
use crate::model::Value;
use crate::model::Write;
use crate::org::Org;
use crate::org::OrgError;
use crate::state::Intent;
use crate::state::RecordChange;
use crate::state::Store;

/// A call that takes longer than this makes the batches of its shape smaller,
/// in milliseconds.
const SLOW_CALL: i64 = 2_000;
/// Batches don't shrink below this.
const SMALLEST_BATCH: usize = 10;
/// Pauses between looks grow as those between attempts do, up to this one.
const LONGEST_PAUSE: u32 = 4;

/// How a plan is applied.
pub struct ApplyOptions<'a> {
    /// Calls in flight.
    pub parallelism: usize,
    /// Names the run in the journal.
    pub run: String,
    /// The clock.
    pub clock: Clock,
    /// How long the org may take for what it does by itself, in milliseconds.
    pub wait: i64,
    /// Ends when the user wants to stop: calls in flight are waited for.
    pub stop: Pin<Box<dyn Future<Output = ()> + Send + 'a>>,
}

/// An op that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The resource.
    pub address: Address,
    /// Which step.
    pub step: String,
    /// Why.
    pub reason: String,
}

/// An op that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The resource.
    pub address: Address,
    /// Which step.
    pub step: String,
    /// What it waited for; itself when the run stopped before it.
    pub because: Address,
}

/// What applying a plan came to.
#[derive(Debug, Default)]
#[must_use = "failures are in here"]
pub struct Outcome {
    /// Ops that failed.
    pub failures: Vec<Failure>,
    /// Ops that were left out.
    pub skipped: Vec<Skipped>,
    /// What rejections taught: facts that are new in the catalog.
    pub learned: Vec<Fact>,
    /// What the org did not keep as it was sent.
    pub kept_less: Vec<Address>,
    /// One-shot things of which it is not known whether they happened.
    pub unknown: Vec<Address>,
    /// Why no further call was made.
    pub fatal: Option<OrgError>,
    /// Whether the user stopped it.
    pub interrupted: bool,
}

impl Outcome {
    /// Whether everything was done.
    pub fn is_complete(&self) -> bool {
        self.failures.is_empty()
            && self.skipped.is_empty()
            && self.kept_less.is_empty()
            && self.fatal.is_none()
            && !self.interrupted
    }
}

type InFlight<'a> = Pin<Box<dyn Future<Output = Answered> + 'a>>;

struct Answered {
    /// Its place in the journal; a look has none.
    sequence: Option<u64>,
    shape: CallShape,
    ops: Vec<usize>,
    sent_at: i64,
    report: Report,
}

/// Applies a plan.
///
/// # Errors
/// When the state can't be written: nothing more is sent then, and what was in
/// flight is left to the journal.
pub async fn apply(
    org: &Org,
    store: &mut Store,
    plan: &Plan,
    catalog: &mut Catalog,
    progress: &dyn Progress,
    options: ApplyOptions<'_>,
) -> Result<Outcome, EngineError> {
    settle_state(store, plan)?;
    let edges = plan
        .ops
        .iter()
        .enumerate()
        .flat_map(|(number, op)| op.after.iter().map(move |edge| (edge.op as usize, number)));
    let frontier = Frontier::new(plan.ops.len(), edges);
    let mut run = Run {
        plan,
        catalog,
        progress,
        frontier,
        ready: BTreeMap::new(),
        busy: HashSet::new(),
        lanes: HashSet::new(),
        ids: HashMap::new(),
        limits: HashMap::new(),
        waits: HashMap::new(),
        wait: options.wait,
        done: Vec::new(),
        came_back: Vec::new(),
        outcome: Outcome::default(),
    };
    for op in run.frontier.ready() {
        run.enqueue(op);
    }
    let mut in_flight: FuturesUnordered<InFlight<'_>> = FuturesUnordered::new();
    let mut stop = options.stop;
    let mut stopping = false;
    loop {
        while !stopping && in_flight.len() < options.parallelism {
            let Some((shape, ops)) = run.next_batch() else { break };
            let Some(batch) = run.prepare(&ops, store) else { continue };
            let held: Vec<usize> = batch.iter().map(|item| item.op).collect();
            let is_look = matches!(shape, CallShape::Await(_));
            // A look changes nothing that would have to be found out after a crash.
            let sequence = if is_look {
                None
            } else {
                Some(store.begin(&Intent {
                    sequence: 0,
                    run: options.run.clone(),
                    ops: held.iter().map(|op| plan.ops[*op].clone()).collect(),
                })?)
            };
            let looks = held.iter().filter_map(|op| run.waits.get(op).map(|wait| wait.looks)).min();
            if looks.is_none() {
                let sent =
                    held.iter().map(|op| (&plan.ops[*op].address, plan.ops[*op].step.as_ref()));
                progress.on(&Event::Sending { what: shape.describe(), ops: sent.collect() });
            }
            let sent_at = (options.clock)();
            in_flight.push(Box::pin(async move {
                if let Some(looks) = looks {
                    org.wait_before_retry(looks.min(LONGEST_PAUSE)).await;
                }
                let report = send(org, &shape, batch).await;
                Answered { sequence, shape, ops: held, sent_at, report }
            }));
        }
        if in_flight.is_empty() {
            break;
        }
        let answered = if stopping {
            in_flight.next().await
        } else {
            // The wish to stop comes first: answers may follow each other
            // without a pause.
            match select(&mut stop, in_flight.next()).await {
                Either::Left(((), _)) => {
                    stopping = true;
                    run.outcome.interrupted = true;
                    continue;
                }
                Either::Right((answered, _)) => answered,
            }
        };
        let Some(answered) = answered else { break };
        let now = (options.clock)();
        run.take(answered, store, now)?;
        stopping |= run.outcome.fatal.is_some();
    }
    run.leave_out_the_rest();
    if !run.catalog.access_policies().is_empty() && run.outcome.fatal.is_none() {
        run.look_for_undone(org).await?;
    }
    // A stop that came when all was done stopped nothing.
    run.outcome.interrupted &= !run.outcome.skipped.is_empty();
    let names_what_is_gone = run
        .outcome
        .failures
        .iter()
        .any(|failure| failure.reason.contains("INVALID_CROSS_REFERENCE_KEY"));
    if names_what_is_gone {
        // An id that was kept is no longer one.
        store.forget_facts()?;
    }
    store.keep_facts(
        run.outcome
            .learned
            .iter()
            .chain(&run.came_back)
            .filter_map(|fact| Some((fact, run.catalog.get(fact)?))),
        (options.clock)() / 1000,
        crate::org::API_VERSION,
    )?;
    Ok(run.outcome)
}

/// What the state has to say before the first op.
fn settle_state(store: &mut Store, plan: &Plan) -> Result<(), EngineError> {
    let mut changes: Vec<RecordChange> = plan
        .sync
        .iter()
        .map(|(address, record)| match record {
            Some(record) => RecordChange::Put(address.clone(), record.clone()),
            None => RecordChange::Forget(address.clone()),
        })
        .collect();
    changes.extend(plan.changes.iter().filter_map(before_ops));
    for some in changes.chunks(500) {
        store.commit(some)?;
    }
    Ok(())
}

/// What was sent and not kept, as a person reads it.
fn missing(sent: &Attributes, kept: &Attributes) -> Vec<String> {
    let mut missing = Vec::new();
    for (path, value) in sent.iter().filter(|(path, value)| kept.get(path) != Some(*value)) {
        match (value.as_set(), kept.get(path).and_then(Value::as_set)) {
            (Some(names), held) => {
                let lost: Vec<&str> = names
                    .iter()
                    .filter(|name| held.is_none_or(|held| !held.contains(*name)))
                    .map(String::as_str)
                    .collect();
                if !lost.is_empty() {
                    missing.push(format!("{path}: {}", lost.join(" ")));
                }
            }
            (None, _) => missing.push(path.to_owned()),
        }
    }
    missing
}

/// Since when an op waits, and how often was looked.
struct Wait {
    since: i64,
    looks: u32,
}

struct Run<'a> {
    plan: &'a Plan,
    catalog: &'a mut Catalog,
    progress: &'a dyn Progress,
    frontier: Frontier,
    ready: BTreeMap<CallShape, VecDeque<usize>>,
    /// Users that calls in flight are about.
    busy: HashSet<Address>,
    lanes: HashSet<String>,
    ids: HashMap<Address, SalesforceId>,
    limits: HashMap<CallShape, usize>,
    /// Ops that wait for the org.
    waits: HashMap<usize, Wait>,
    wait: i64,
    done: Vec<usize>,
    /// Facts about what came back, to be remembered.
    came_back: Vec<Fact>,
    outcome: Outcome,
}

impl Run<'_> {
    fn enqueue(&mut self, op: usize) {
        let shape = self.plan.ops[op].write.shape();
        self.ready.entry(shape).or_default().push_back(op);
    }

    /// The next ops that may share a call: of one shape, about users that no
    /// call in flight is about, in lanes that are free.
    fn next_batch(&mut self) -> Option<(CallShape, Vec<usize>)> {
        let shapes: Vec<CallShape> = self.ready.keys().cloned().collect();
        for shape in shapes {
            let Some(queue) = self.ready.get_mut(&shape) else { continue };
            let limit = shape.batch(queue.len());
            let limit = self.limits.get(&shape).copied().unwrap_or(limit);
            let mut batch = Vec::new();
            let mut later = VecDeque::new();
            let mut lanes = HashSet::new();
            while batch.len() < limit {
                let Some(op) = queue.pop_front() else { break };
                let held = &self.plan.ops[op];
                let is_busy = held
                    .subject
                    .as_ref()
                    .is_some_and(|subject| self.busy.contains(subject))
                    || held.lane.as_ref().is_some_and(|lane| self.lanes.contains(lane.as_ref()));
                if is_busy {
                    later.push_back(op);
                } else {
                    lanes.extend(held.lane.as_ref().map(ToString::to_string));
                    batch.push(op);
                }
            }
            for op in later.into_iter().rev() {
                queue.push_front(op);
            }
            if queue.is_empty() {
                self.ready.remove(&shape);
            }
            if !batch.is_empty() {
                for op in &batch {
                    self.busy.extend(self.plan.ops[*op].subject.clone());
                }
                self.lanes.extend(lanes);
                return Some((shape, batch));
            }
        }
        None
    }

    /// Puts the ids in; ops whose ids are not known fail here.
    fn prepare(&mut self, ops: &[usize], store: &Store) -> Option<Vec<super::call::Prepared>> {
        let mut batch = Vec::with_capacity(ops.len());
        let mut unknown = Vec::new();
        for op in ops {
            let id_of = |address: &Address| {
                self.ids.get(address).cloned().or_else(|| store.get(address).ok().flatten()?.id)
            };
            match prepare(*op, &self.plan.ops[*op], &id_of) {
                Ok(prepared) => batch.push(prepared),
                Err(address) => unknown.push((*op, address)),
            }
        }
        for (op, address) in unknown {
            self.free(op);
            self.failed(op, &format!("the id of {address} is not known"));
        }
        (!batch.is_empty()).then_some(batch)
    }

    fn free(&mut self, op: usize) {
        let op = &self.plan.ops[op];
        if let Some(subject) = &op.subject {
            self.busy.remove(subject);
        }
        if let Some(lane) = &op.lane {
            self.lanes.remove(lane.as_ref());
        }
    }

    fn take(&mut self, answered: Answered, store: &mut Store, now: i64) -> Result<(), EngineError> {
        let is_look = answered.sequence.is_none();
        let is_deploy = answered.ops.len() > answered.shape.limit();
        let is_slow = !is_look && !is_deploy && now - answered.sent_at > SLOW_CALL;
        if is_slow && answered.ops.len() > SMALLEST_BATCH {
            let smaller = (answered.ops.len() / 2).max(SMALLEST_BATCH);
            self.limits.insert(answered.shape.clone(), smaller);
        }
        let mut changes = Vec::new();
        for (op, result) in &answered.report.results {
            if let OpResult::Done(confirmed) = result {
                let op = &self.plan.ops[*op];
                if let (Some(address), Some(id)) = (made_by(op), &confirmed.id) {
                    self.ids.insert(address.clone(), id.clone());
                }
                changes.extend(
                    record_changes(op, confirmed, store, now / 1000)
                        .map_err(EngineError::Record)?,
                );
            }
        }
        match answered.sequence {
            Some(sequence) => store.finish(sequence, &changes)?,
            None => store.commit(&changes)?,
        }
        for op in &answered.ops {
            self.free(*op);
        }
        for (op, result) in answered.report.results {
            match result {
                OpResult::Done(confirmed) => {
                    self.compare(op, &confirmed);
                    self.done(op, confirmed.unknown);
                }
                OpResult::Waiting(seen) => self.wait(op, &seen, answered.sent_at, now),
                OpResult::Failed(reason) => self.failed(op, &reason),
            }
        }
        if answered.report.fatal.is_some() {
            self.outcome.fatal = answered.report.fatal;
        }
        Ok(())
    }

    /// What was read back is held against what was sent: what that teaches is
    /// learned, and what else is missing is told.
    fn compare(&mut self, op: usize, confirmed: &Confirmed) {
        let held = &self.plan.ops[op];
        let (Some(kind), Some(observed)) = (kinds::of(&held.address), &confirmed.read_back) else {
            return;
        };
        let sent = &held.effect.confirm;
        let mut kept = kind.comparable(&observed.attributes, sent);
        let learned = kind.learn_from_read_back(sent, &mut kept, self.catalog);
        self.outcome.learned.extend(learned);
        let missing = missing(sent, &kept);
        if !missing.is_empty() {
            self.outcome.kept_less.push(held.address.clone());
            let what = missing.join(", ");
            let event = Event::KeptLess { address: &held.address, step: &held.step, what: &what };
            self.progress.on(&event);
        }
    }

    /// Tells what the org's policies undid, and remembers what came back, so that it
    /// is not taken off again and again.
    async fn look_for_undone(&mut self, org: &Org) -> Result<(), EngineError> {
        let policies = self.catalog.access_policies().to_vec();
        for undone in policies::undone(org, self.plan, &self.done).await? {
            let what = format!(
                "{}: look at the active user access policies {}",
                if undone.came_back {
                    "it was taken off and is there again"
                } else {
                    "it was given and is gone again"
                },
                policies.join(", ")
            );
            let step = &self.plan.ops[undone.op].step;
            let event = Event::KeptLess { address: &undone.address, step, what: &what };
            self.progress.on(&event);
            if undone.came_back {
                let fact = Fact::CameBack(undone.address.clone());
                let value = FactValue::AccessPolicies(policies.clone());
                self.catalog.insert(fact.clone(), value);
                self.came_back.push(fact);
            }
            self.outcome.kept_less.push(undone.address);
        }
        Ok(())
    }

    /// The org is not as far yet: it is looked at again, until it took too long.
    fn wait(&mut self, op: usize, seen: &str, first_look: i64, now: i64) {
        let wait = self.waits.entry(op).or_insert(Wait { since: first_look, looks: 0 });
        wait.looks += 1;
        let waited = now - wait.since;
        if waited < self.wait {
            self.enqueue(op);
            return;
        }
        let look_at = match &self.plan.ops[op].write {
            Write::Await(awaited) => awaited.look_at.as_str(),
            _ => "it",
        };
        let reason = format!(
            "it is still {seen} after {} s: apply again later, or with a longer `--wait`, and look at {look_at}",
            waited / 1000
        );
        self.failed(op, &reason);
    }

    fn done(&mut self, op: usize, unknown: bool) {
        let held = &self.plan.ops[op];
        self.progress.on(&Event::Done { address: &held.address, step: &held.step });
        self.done.push(op);
        if unknown {
            self.outcome.unknown.push(held.address.clone());
        }
        for ready in self.frontier.complete(op) {
            self.enqueue(ready);
        }
    }

    fn failed(&mut self, op: usize, reason: &str) {
        let plan = self.plan;
        let held = &plan.ops[op];
        self.progress.on(&Event::Failed { address: &held.address, step: &held.step, reason });
        self.outcome.learned.extend(learn_from_rejection(reason, self.catalog));
        self.outcome.failures.push(Failure {
            address: held.address.clone(),
            step: held.step.to_string(),
            reason: reason.to_owned(),
        });
        for (skipped, cause) in self.frontier.fail(op) {
            self.skip(skipped, &plan.ops[cause].address.clone());
        }
    }

    fn skip(&mut self, op: usize, because: &Address) {
        let held = &self.plan.ops[op];
        self.progress.on(&Event::Skipped { address: &held.address, step: &held.step, because });
        self.outcome.skipped.push(Skipped {
            address: held.address.clone(),
            step: held.step.to_string(),
            because: because.clone(),
        });
    }

    /// What was ready when the run stopped, and what waited for it.
    fn leave_out_the_rest(&mut self) {
        let ready: Vec<usize> = std::mem::take(&mut self.ready).into_values().flatten().collect();
        for op in ready {
            let own = self.plan.ops[op].address.clone();
            self.skip(op, &own);
            for (skipped, cause) in self.frontier.fail(op) {
                let because = self.plan.ops[cause].address.clone();
                self.skip(skipped, &because);
            }
        }
    }
}
