//! The scheduler: ready ops are packed into calls, several of which are in
//! flight, without barriers. A failure stops only what depends on it.
//!
//! It goes in turns: what may leave is announced in the journal and sent, then what
//! came back is written down while the calls are under way, then the next answer is
//! waited for. A run that ends in between finds its answers by their intents.

use std::future::Future;
use std::pin::Pin;

use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::Either;
use futures_util::future::select;
use futures_util::stream::FuturesUnordered;

use super::EngineError;
use super::Event;
use super::Progress;
use super::call::Prepared;
use super::call::send;
use super::effect::before_ops;
use super::outcome::Outcome;
use super::run::Answered;
use super::run::Run;
use crate::model::CallShape;
use crate::model::Catalog;
use crate::model::Clock;
use crate::model::Plan;
use crate::org::Org;
use crate::state::Intent;
use crate::state::RecordChange;
use crate::state::Store;

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

type InFlight<'a> = Pin<Box<dyn Future<Output = Answered> + 'a>>;

/// A call that is about to leave.
struct Leaving {
    shape: CallShape,
    batch: Vec<Prepared>,
    /// How often its ops were looked at already, where they are looks.
    looks: Option<u32>,
}

impl Leaving {
    /// A look changes nothing that would have to be found out after a crash.
    fn is_look(&self) -> bool {
        matches!(self.shape, CallShape::Await(_))
    }

    fn ops(&self) -> impl Iterator<Item = usize> {
        self.batch.iter().map(|item| item.op)
    }

    /// What the journal is told of it.
    fn intent(&self, plan: &Plan, run: &str) -> Option<Intent> {
        let ops = || self.ops().map(|op| plan.ops[op].announced()).collect();
        (!self.is_look()).then(|| Intent { sequence: 0, run: run.to_owned(), ops: ops() })
    }
}

/// The calls that may leave, at most so many.
fn next_calls(run: &mut Run<'_>, store: &Store, room: usize) -> Vec<Leaving> {
    let mut leaving = Vec::new();
    while leaving.len() < room
        && let Some((shape, ops)) = run.queue.next_batch()
    {
        if let Some(batch) = run.prepare(&ops, store) {
            leaving.push(Leaving { shape, batch, looks: run.looks(&ops) });
        }
    }
    leaving
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
    let mut run = Run::new(plan, catalog, progress, options.wait);
    let mut in_flight: FuturesUnordered<InFlight<'_>> = FuturesUnordered::new();
    let mut stop = options.stop;
    let mut stopping = false;
    loop {
        let room = if stopping { 0 } else { options.parallelism.saturating_sub(in_flight.len()) };
        let leaving = next_calls(&mut run, store, room);
        let intents = leaving.iter().filter_map(|call| call.intent(plan, &options.run));
        let mut sequences = store.begin(&intents.collect::<Vec<_>>())?;
        let mut sent = Vec::new();
        for call in leaving {
            let sequence = if call.is_look() { None } else { sequences.next() };
            if call.looks.is_none() {
                let ops = call.ops().map(|op| (&plan.ops[op].address, plan.ops[op].step.as_ref()));
                sent.push(Event::Sending { what: call.shape.describe(), ops: ops.collect() });
            }
            let sent_at = (options.clock)();
            in_flight.push(Box::pin(async move {
                let ops = call.ops().collect();
                let Leaving { shape, batch, looks } = call;
                if let Some(looks) = looks {
                    org.wait_before_retry(looks.min(LONGEST_PAUSE)).await;
                }
                let report = send(org, &shape, batch).await;
                Answered { sequence, shape, ops, sent_at, report }
            }));
        }
        // The first look at a call makes it leave.
        let at_once = in_flight.next().now_or_never().flatten();
        store.finish(&run.closing())?;
        run.tell();
        for event in &sent {
            progress.on(event);
        }
        progress.flush();
        if in_flight.is_empty() && at_once.is_none() {
            break;
        }
        // The wish to stop comes first: answers may follow each other without a pause.
        if !stopping && (&mut stop).now_or_never().is_some() {
            stopping = true;
            run.outcome.interrupted = true;
        }
        let mut answered = match at_once {
            Some(answered) => Some(answered),
            None if stopping => in_flight.next().await,
            None => match select(&mut stop, in_flight.next()).await {
                Either::Left(((), _)) => {
                    stopping = true;
                    run.outcome.interrupted = true;
                    continue;
                }
                Either::Right((answered, _)) => answered,
            },
        };
        // What else came meanwhile is written down with it.
        while let Some(some) = answered {
            run.take(some, store, (options.clock)())?;
            answered = in_flight.next().now_or_never().flatten();
        }
        stopping |= run.outcome.fatal.is_some();
    }
    run.leave_out_the_rest();
    if !run.catalog.access_policies().is_empty() && run.outcome.fatal.is_none() {
        run.look_for_undone(org).await?;
    }
    run.tell();
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
