//! One run of a plan: what answers come to, for the state, for the ops that
//! waited, and for whoever looks on.
//!
//! Nothing is told before the state knows it.

use crate::model::RecordError;
use crate::model::UnixSeconds;
use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use super::EngineError;
use super::Event;
use super::Progress;
use super::cause::Cause;
use super::cause::NotSent;
use super::effect::Confirmed;
use super::effect::made_by;
use super::effect::record_changes;
use super::outcome::Failure;
use super::outcome::Outcome;
use super::outcome::Skipped;
use super::policies;
use super::prepare::Prepared;
use super::prepare::prepare;
use super::queue::Queue;
use super::report::OpResult;
use super::report::Report;
use crate::facts::Catalog;
use crate::facts::Fact;
use crate::graph::Frontier;
use crate::kinds;
use crate::kinds::learn_from_refusal;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::CallShape;
use crate::model::Op;
use crate::model::Ownership;
use crate::model::Plan;
use crate::model::Record;
use crate::model::Recorded as _;
use crate::model::SalesforceId;
use crate::model::Value;
use crate::model::Write;
use crate::org::Org;
use crate::state::RecordChange;
use crate::state::Settlement;
use crate::state::Store;

/// What came back of one call.
pub struct Answered {
    /// The number of its intent; a look has none.
    pub intent: Option<u64>,
    /// What the call did.
    pub shape: CallShape,
    /// The ops that it held.
    pub ops: Vec<usize>,
    /// When it left, by the clock that only goes on.
    pub sent_at: Duration,
    /// What became of them.
    pub report: Report,
}

/// Whether an op is something that is done once, and never again on a doubt.
fn is_once(op: &Op) -> bool {
    op.effect.once.is_some()
}

/// Whether something that is done once may have happened all the same.
fn may_have_happened(cause: &Cause) -> bool {
    matches!(cause, Cause::Unknown { .. })
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
    since: Duration,
    looks: u32,
}

/// What is told once the state knows it: an op, and what is said of it.
enum Reported {
    Done(usize),
    Repeated(usize),
    Adopted(usize),
    KeptLess(usize, String),
    Unknown(usize, Cause),
    Failed(usize, Cause),
    Skipped(usize, Address),
}

/// What is known while a plan is applied.
pub struct Run<'a> {
    plan: &'a Plan,
    /// What the org offers, with what refusals teach.
    pub catalog: &'a mut Catalog,
    progress: &'a dyn Progress,
    frontier: Frontier,
    /// What may be sent.
    pub queue: Queue<'a>,
    ids: HashMap<Address, SalesforceId>,
    /// Ops that wait for the org.
    waits: HashMap<usize, Wait>,
    wait: Duration,
    done: Vec<usize>,
    /// Answers that the state does not know yet.
    settling: Vec<Settlement>,
    /// The records that these write.
    written: HashMap<Address, Option<Record>>,
    to_report: Vec<Reported>,
    /// What is settled only once somebody was told of it.
    once_reported: Vec<Settlement>,
    /// Facts about what came back, to be remembered.
    pub came_back: Vec<Fact>,
    /// What it comes to.
    pub outcome: Outcome,
}

impl<'a> Run<'a> {
    /// A run that begins. The org may take `wait` for what it does by itself.
    pub fn new(
        plan: &'a Plan,
        catalog: &'a mut Catalog,
        progress: &'a dyn Progress,
        wait: Duration,
    ) -> Self {
        let edges =
            plan.ops.iter().enumerate().flat_map(|(number, op)| {
                op.after.iter().map(move |edge| (edge.op as usize, number))
            });
        let frontier = Frontier::new(plan.ops.len(), edges);
        let mut queue = Queue::new(&plan.ops);
        for op in frontier.ready() {
            queue.add(op);
        }
        Self {
            plan,
            catalog,
            progress,
            frontier,
            queue,
            ids: HashMap::new(),
            waits: HashMap::new(),
            wait,
            done: Vec::new(),
            settling: Vec::new(),
            written: HashMap::new(),
            to_report: Vec::new(),
            once_reported: Vec::new(),
            came_back: Vec::new(),
            outcome: Outcome::default(),
        }
    }

    /// Puts the ids in; ops whose ids are not known fail here.
    ///
    /// # Errors
    /// When the state can't be read.
    pub fn prepare(
        &mut self,
        ops: &[usize],
        store: &Store,
    ) -> Result<Option<Vec<Prepared>>, RecordError> {
        let plan = self.plan;
        let mut failure = None;
        let mut batch = Vec::with_capacity(ops.len());
        for op in ops {
            match prepare(*op, &plan.ops[*op], &mut |address| {
                self.id_of(address, store).unwrap_or_else(|error| {
                    failure = Some(error);
                    None
                })
            }) {
                Ok(prepared) => batch.push(prepared),
                Err(_) if failure.is_some() => break,
                Err(address) => {
                    self.queue.free(*op);
                    self.failed(*op, Cause::NotSent(NotSent::IdUnknown(address)));
                }
            }
        }
        match failure {
            Some(error) => Err(error),
            None => Ok((!batch.is_empty()).then_some(batch)),
        }
    }

    /// The id of what this run made, or an earlier one: a set that thousands are
    /// given is looked up once.
    fn id_of(
        &mut self,
        address: &Address,
        store: &Store,
    ) -> Result<Option<SalesforceId>, RecordError> {
        if let Some(id) = self.ids.get(address) {
            return Ok(Some(id.clone()));
        }
        let id = self.recorded(address, store)?.and_then(|record| record.id);
        if let Some(id) = &id {
            self.ids.insert(address.clone(), id.clone());
        }
        Ok(id)
    }

    /// What is recorded of a thing, that included which the state does not know yet.
    fn recorded(&self, address: &Address, store: &Store) -> Result<Option<Record>, RecordError> {
        match self.written.get(address) {
            Some(record) => Ok(record.clone()),
            None => store.get(address),
        }
    }

    /// How often these were looked at already; `None` for ops that are no looks.
    pub fn looks(&self, ops: &[usize]) -> Option<u32> {
        ops.iter().filter_map(|op| self.waits.get(op).map(|wait| wait.looks)).min()
    }

    /// Takes in what came back. The state gets to know it by [`Self::settling`]. `now`
    /// is in seconds since 1970, `monotonic` by the clock that only goes on.
    ///
    /// # Errors
    /// When the state can't be read.
    pub fn take(
        &mut self,
        answered: Answered,
        store: &Store,
        now: UnixSeconds,
        monotonic: Duration,
    ) -> Result<(), EngineError> {
        let Answered { intent, shape, ops, sent_at, report } = answered;
        if intent.is_some() {
            self.queue.took(&shape, ops.len(), monotonic.saturating_sub(sent_at));
        }
        let mut settled = Settlement { intent, ..Settlement::default() };
        let mut once_reported = Settlement { intent, ..Settlement::default() };
        for (op, result) in &report.results {
            let held = &self.plan.ops[*op];
            let confirmed = match result {
                OpResult::Done(confirmed) => Cow::Borrowed(confirmed),
                // That it may have gone out is what the state is to know of it.
                OpResult::Failed(cause) if is_once(held) && may_have_happened(cause) => {
                    Cow::Owned(Confirmed { unknown: true, ..Confirmed::default() })
                }
                OpResult::Failed(cause) if cause.leaves_open() || report.open.contains(op) => {
                    continue;
                }
                OpResult::Failed(_) | OpResult::Waiting(_) => {
                    settled.settle(&ops, *op);
                    continue;
                }
            };
            // Of what nothing is known somebody is told first.
            if confirmed.unknown { &mut once_reported } else { &mut settled }.settle(&ops, *op);
            if let (Some(address), Some(id)) = (made_by(held), &confirmed.id) {
                self.ids.insert(address.clone(), id.clone());
            }
            let recorded = |address: &Address| self.recorded(address, store);
            settled.changes.extend(
                record_changes(held, &confirmed, &recorded, now).map_err(EngineError::Record)?,
            );
        }
        self.note_written(&settled.changes);
        self.settling.push(settled);
        if !once_reported.is_empty() {
            self.once_reported.push(once_reported);
        }
        for op in ops {
            self.queue.free(op);
        }
        self.to_report.extend(report.repeated.into_iter().map(Reported::Repeated));
        for (op, result) in report.results {
            match result {
                OpResult::Done(confirmed) => {
                    self.compare(op, &confirmed);
                    self.done(op, &confirmed);
                }
                OpResult::Waiting(seen) => self.wait(op, &seen, sent_at, monotonic),
                OpResult::Failed(cause)
                    if is_once(&self.plan.ops[op]) && may_have_happened(&cause) =>
                {
                    self.outcome.unknown.push(self.plan.ops[op].address.clone());
                    self.to_report.push(Reported::Unknown(op, cause));
                    self.leave_out_after(op);
                }
                OpResult::Failed(Cause::Stopped) => {
                    let own = self.plan.ops[op].address.clone();
                    self.skip(op, &own);
                    self.leave_out_after(op);
                }
                OpResult::Failed(cause) => self.failed(op, cause),
            }
        }
        if report.fatal.is_some() {
            self.outcome.fatal = report.fatal;
        }
        Ok(())
    }

    /// A deploy was begun: its id is to be known before it is waited for.
    pub fn note_deploy(&mut self, intent: Option<u64>, deploy: SalesforceId) {
        self.settling.push(Settlement { intent, deploy: Some(deploy), ..Settlement::default() });
    }

    /// Ops whose call was cut off: their intents stay open.
    pub fn cut_off(&mut self, ops: &[usize]) {
        self.outcome.cut_off = true;
        for op in ops {
            self.queue.free(*op);
            if is_once(&self.plan.ops[*op]) {
                self.outcome.unknown.push(self.plan.ops[*op].address.clone());
                self.to_report.push(Reported::Unknown(*op, Cause::CutOff));
                self.leave_out_after(*op);
            } else {
                self.failed(*op, Cause::CutOff);
            }
        }
    }

    /// Keeps what the state does not know yet, for whoever asks in between.
    fn note_written(&mut self, changes: &[RecordChange]) {
        for change in changes {
            let (address, record) = match change {
                RecordChange::Put(address, record) => (address, Some(record.clone())),
                RecordChange::Forget(address) => (address, None),
            };
            // What is given again has another id than the one that was looked up.
            match record.as_ref().and_then(|record| record.id.as_ref()) {
                Some(id) if self.ids.contains_key(address) => {
                    self.ids.insert(address.clone(), id.clone());
                }
                Some(_) => {}
                None => {
                    self.ids.remove(address);
                }
            }
            self.written.insert(address.clone(), record);
        }
    }

    /// What the state does not know yet of what came back.
    pub fn settling(&mut self) -> Vec<Settlement> {
        self.written.clear();
        std::mem::take(&mut self.settling)
    }

    /// Tells what the state knows by now.
    pub fn tell(&mut self) {
        for reported in self.to_report.drain(..) {
            let (Reported::Done(op)
            | Reported::Repeated(op)
            | Reported::Adopted(op)
            | Reported::KeptLess(op, _)
            | Reported::Unknown(op, _)
            | Reported::Failed(op, _)
            | Reported::Skipped(op, _)) = &reported;
            let (address, step) = (&self.plan.ops[*op].address, self.plan.ops[*op].step);
            let event = match &reported {
                Reported::Done(_) => Event::Done { address, step },
                Reported::Repeated(_) => Event::Repeated { address, step },
                Reported::Adopted(_) => Event::Adopted { address, step },
                Reported::KeptLess(_, what) => Event::KeptLess { address, step, what },
                Reported::Unknown(_, cause) => Event::Unknown { address, step, cause },
                Reported::Failed(_, cause) => Event::Failed { address, step, cause },
                Reported::Skipped(_, because) => Event::Skipped { address, step, because },
            };
            self.progress.on(&event);
        }
        self.progress.flush();
        self.settling.append(&mut self.once_reported);
    }

    /// What was read back is held against what was sent: what that teaches is
    /// learned, and what else is missing is reported.
    fn compare(&mut self, op: usize, confirmed: &Confirmed) {
        let held = &self.plan.ops[op];
        let (Some(kind), Some(observed)) = (kinds::of(&held.address), &confirmed.read_back) else {
            return;
        };
        let sent = &held.effect.confirm;
        let mut kept = kind.comparison().comparable(&observed.attributes, sent);
        let learned = kind.feedback().learn_from_read_back(sent, &mut kept, self.catalog);
        self.outcome.learned.extend(learned);
        let missing = missing(sent, &kept);
        if !missing.is_empty() {
            self.outcome.kept_less.push(held.address.clone());
            let what = missing.join(", ");
            self.to_report.push(Reported::KeptLess(op, what));
        }
    }

    /// Tells what the org's policies undid, and remembers what came back, so that it
    /// is not taken off again and again.
    pub async fn look_for_undone(&mut self, org: &Org) -> Result<(), EngineError> {
        let policies = self.catalog.access_policies.get(&()).list().to_vec();
        for reverted in policies::reverted(org, self.plan, &self.done).await? {
            let what = format!(
                "{}: look at the active user access policies {}",
                if reverted.came_back {
                    "it was taken off and is there again"
                } else {
                    "it was given and is gone again"
                },
                policies.join(", ")
            );
            self.to_report.push(Reported::KeptLess(reverted.op, what));
            if reverted.came_back {
                let fact = Fact::CameBack(reverted.address.clone());
                self.catalog.came_back.insert(reverted.address.clone(), policies.clone());
                self.came_back.push(fact);
            }
            self.outcome.kept_less.push(reverted.address);
        }
        Ok(())
    }

    /// The org is not as far yet: it is looked at again, until it took too long.
    fn wait(&mut self, op: usize, seen: &str, first_look: Duration, now: Duration) {
        let wait = self.waits.entry(op).or_insert(Wait { since: first_look, looks: 0 });
        wait.looks += 1;
        let waited = now.saturating_sub(wait.since);
        if waited < self.wait {
            self.queue.add(op);
            return;
        }
        let look_at = match &self.plan.ops[op].write {
            Write::Await(awaited) => awaited.look_at.clone(),
            _ => "it".to_owned(),
        };
        let (seen, seconds) = (seen.to_owned(), waited.as_secs());
        self.failed(op, Cause::WaitedInVain { seen, seconds, look_at });
    }

    fn done(&mut self, op: usize, confirmed: &Confirmed) {
        let held = &self.plan.ops[op];
        if confirmed.was_there && held.effect.creates == Some(Ownership::Created) {
            self.outcome.adopted.push(held.address.clone());
            self.to_report.push(Reported::Adopted(op));
        } else {
            self.to_report.push(Reported::Done(op));
        }
        self.done.push(op);
        for ready in self.frontier.complete(op) {
            self.queue.add(ready);
        }
    }

    fn failed(&mut self, op: usize, cause: Cause) {
        let held = &self.plan.ops[op];
        for refusal in cause.refused().into_iter().flat_map(crate::org::Refused::all) {
            let learned = learn_from_refusal(held, &refusal.code, &refusal.message, self.catalog);
            self.outcome.learned.extend(learned);
        }
        self.to_report.push(Reported::Failed(op, cause.clone()));
        let (address, step) = (held.address.clone(), held.step);
        self.outcome.failures.push(Failure { address, step, cause });
        self.leave_out_after(op);
    }

    /// What waited for an op that is not done is left out.
    fn leave_out_after(&mut self, op: usize) {
        let plan = self.plan;
        for (skipped, cause) in self.frontier.fail(op) {
            self.skip(skipped, &plan.ops[cause].address.clone());
        }
    }

    fn skip(&mut self, op: usize, because: &Address) {
        let held = &self.plan.ops[op];
        self.to_report.push(Reported::Skipped(op, because.clone()));
        self.outcome.skipped.push(Skipped {
            address: held.address.clone(),
            step: held.step,
            because: because.clone(),
        });
    }

    /// What was ready when the run stopped, and what waited for it.
    pub fn leave_out_the_rest(&mut self) {
        for op in self.queue.take_rest() {
            let own = self.plan.ops[op].address.clone();
            self.skip(op, &own);
            for (skipped, cause) in self.frontier.fail(op) {
                let because = self.plan.ops[cause].address.clone();
                self.skip(skipped, &because);
            }
        }
    }
}
