//! The scheduler: ready ops are packed into calls, several of which are in
//! flight, without barriers. A failure stops only what depends on it.
//!
//! It goes in turns: what may leave is announced in the state's log and sent, then
//! what came back is written down while the calls are under way, then the next answer
//! is waited for. A run that ends in between finds its answers by their intents.

use crate::model::UnixSeconds;
use std::collections::HashSet;
use std::time::Duration;

use tracing::debug;

use super::Cause;
use super::EngineError;
use super::Event;
use super::Progress;
use super::call::Caller;
use super::deploying;
use super::deploying::Came;
use super::deploying::Deploying;
use super::effect::before_ops;
use super::flight::Flight;
use super::flight::Landed;
use super::flight::Next;
use super::outcome::Outcome;
use super::prepare::Prepared;
use super::run::Answered;
use super::run::Run;
use crate::facts::Catalog;
use crate::model::Address;
use crate::model::CallShape;
use crate::model::Clock;
use crate::model::Monotonic;
use crate::model::Plan;
use crate::model::StepName;
use crate::org::Org;
use crate::state::Intent;
use crate::state::RecordChange;
use crate::state::Settlement;
use crate::state::Store;

pub use super::flight::Stops;

/// Pauses between looks grow as those between attempts do, up to this one.
const LONGEST_PAUSE: u32 = 4;

/// How a plan is applied.
pub struct ApplyOptions<'a> {
    /// Calls in flight.
    pub parallelism: usize,
    /// Names the run in the state's log.
    pub run: String,
    /// The clock.
    pub clock: Clock,
    /// The clock that only goes on, by which is waited.
    pub monotonic: Monotonic,
    /// How long the org may take for what it does by itself.
    pub wait: Duration,
    /// Says each time when the user wants to stop.
    pub stops: Stops<'a>,
}

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

    /// What the state is told of it.
    fn intent(&self, plan: &Plan, run: &str, now: UnixSeconds) -> Option<Intent> {
        let ops = || self.ops().map(|op| plan.ops[op].announced()).collect();
        (!self.is_look()).then(|| Intent::new(run, now, ops()))
    }
}

/// The calls that may leave, at most so many.
///
/// # Errors
/// When the state can't be read.
fn next_calls(run: &mut Run<'_>, store: &Store, room: usize) -> Result<Vec<Leaving>, EngineError> {
    let mut leaving = Vec::new();
    while leaving.len() < room
        && let Some((shape, ops)) = run.queue.next_batch()
    {
        if let Some(batch) = run.prepare(&ops, store).map_err(EngineError::Record)? {
            leaving.push(Leaving { shape, batch, looks: run.looks(&ops) });
        }
    }
    Ok(leaving)
}

/// Sends a call, after a pause where it is a look again.
async fn fly(caller: Caller<'_>, call: Leaving, intent: Option<u64>, sent_at: Duration) -> Landed {
    let ops = call.ops().collect();
    let Leaving { shape, batch, looks } = call;
    if let Some(looks) = looks {
        caller.org.wait_before_retry(looks.min(LONGEST_PAUSE)).await;
    }
    let came = deploying::send(caller, &shape, batch).await;
    Landed { intent, shape, ops, sent_at, came }
}

/// A deploy whose id is durable now.
struct Begun {
    intent: Option<u64>,
    shape: CallShape,
    ops: Vec<usize>,
    sent_at: Duration,
    deploying: Deploying,
}

async fn go_on(caller: Caller<'_>, begun: Begun) -> Landed {
    let Begun { intent, shape, ops, sent_at, deploying } = begun;
    let came = deploying.go_on(caller).await;
    Landed { intent, shape, ops, sent_at, came }
}

/// Applies a plan.
///
/// # Errors
/// When the state can't be written: nothing more is sent then, and what was in
/// flight is left to its intents.
pub async fn apply(
    org: &Org,
    store: &mut Store,
    plan: &Plan,
    catalog: &mut Catalog,
    progress: &dyn Progress,
    options: ApplyOptions<'_>,
) -> Result<Outcome, EngineError> {
    let now = || (options.clock)().seconds();
    settle_state(store, plan).await?;
    let may_be_ours = made_by_earlier_runs(store);
    let caller = Caller { org, plan, may_be_ours: &may_be_ours, monotonic: &options.monotonic };
    let mut run = Run::new(plan, catalog, progress, options.wait);
    let mut flight = Flight::new(org, options.stops);
    let mut begun: Vec<Begun> = Vec::new();
    loop {
        let may_send = !flight.is_stopping() && run.outcome.fatal.is_none();
        let under_way = flight.open() + begun.len();
        let room = if may_send { options.parallelism.saturating_sub(under_way) } else { 0 };
        let leaving = next_calls(&mut run, store, room)?;
        let intents = leaving.iter().filter_map(|call| call.intent(plan, &options.run, now()));
        let intents: Vec<Intent> = intents.collect();
        let mut numbers = flight.beside(store.begin(intents)).await?;
        let mut sent = Vec::new();
        for call in leaving {
            let intent = if call.is_look() { None } else { numbers.next() };
            if call.looks.is_none() {
                let ops: Vec<(&Address, StepName)> =
                    call.ops().map(|op| (&plan.ops[op].address, plan.ops[op].step)).collect();
                sent.push(Event::Sending { what: call.shape.describe(), ops });
            }
            let ops: Vec<usize> = call.ops().collect();
            debug!(shape = call.shape.describe(), ops = ops.len(), intent, "sends a batch");
            flight.send(ops, fly(caller, call, intent, (options.monotonic)()));
        }
        // The first look at a call makes it leave.
        flight.look();
        let settlements = run.settling();
        flight.beside(store.finish(&settlements)).await?;
        for deploy in begun.drain(..) {
            flight.send(deploy.ops.clone(), go_on(caller, deploy));
        }
        run.tell();
        for event in &sent {
            progress.on(event);
        }
        progress.flush();
        let mut landed = match flight.next().await {
            Next::Landed(landed) => Some(*landed),
            Next::Nothing => break,
            Next::Stop => {
                run.outcome.interrupted = true;
                progress.on(&Event::Stopping { calls: flight.open() });
                progress.flush();
                continue;
            }
            Next::CutOff => {
                // What came by now counts; of the rest nothing is known.
                while let Some(landed) = flight.landed() {
                    begun.extend(take(&mut run, store, landed, now(), (options.monotonic)())?);
                }
                let deploys = begun.iter().flat_map(|begun| begun.ops.iter().copied());
                let cut_off: Vec<usize> = flight.cut_off().into_iter().chain(deploys).collect();
                run.cut_off(&cut_off);
                break;
            }
        };
        // What else came meanwhile is written down with it.
        flight.look();
        while let Some(some) = landed {
            begun.extend(take(&mut run, store, some, now(), (options.monotonic)())?);
            landed = flight.landed();
        }
    }
    end(org, store, run, flight, now()).await
}

/// Takes in what a call came to; the deploy that it began, where it did.
fn take(
    run: &mut Run<'_>,
    store: &Store,
    landed: Landed,
    now: UnixSeconds,
    monotonic: Duration,
) -> Result<Option<Begun>, EngineError> {
    let Landed { intent, shape, ops, sent_at, came } = landed;
    let milliseconds = monotonic.saturating_sub(sent_at).as_millis();
    debug!(shape = shape.describe(), ops = ops.len(), intent, milliseconds, "a batch is back");
    match came {
        Came::Back(report) => {
            let answered = Answered { intent, shape, ops, sent_at, report: *report };
            run.take(answered, store, now, monotonic)?;
            Ok(None)
        }
        Came::Deploying(deploying) => {
            run.note_deploy(intent, deploying.id.clone());
            Ok(Some(Begun { intent, shape, ops, sent_at, deploying: *deploying }))
        }
    }
}

/// What is left once nothing is under way any more.
async fn end(
    org: &Org,
    store: &mut Store,
    mut run: Run<'_>,
    mut flight: Flight<'_>,
    now: UnixSeconds,
) -> Result<Outcome, EngineError> {
    run.leave_out_the_rest();
    store.finish(&run.settling()).await?;
    let may_ask = run.outcome.fatal.is_none() && !run.outcome.interrupted;
    let mut has_looked = true;
    if !run.catalog.access_policies.get(&()).list().is_empty() && may_ask {
        // It only asks: who does not want to wait for that need not.
        match flight.unless_stopped(run.look_for_undone(org)).await {
            Some(looked) => looked?,
            None => has_looked = false,
        }
    }
    run.tell();
    store.finish(&run.settling()).await?;
    // A stop that came when all was done stopped nothing.
    run.outcome.interrupted &= !run.outcome.skipped.is_empty() || run.outcome.cut_off;
    run.outcome.interrupted |= !has_looked;
    if run.outcome.failures.iter().any(|failure| names_what_is_gone(&failure.cause)) {
        // An id that was kept is no longer one.
        store.forget_facts()?;
    }
    store.keep_facts(
        run.outcome.learned.iter().chain(&run.came_back).filter_map(|fact| run.catalog.kept(fact)),
        now,
        crate::org::API_VERSION,
    )?;
    Ok(run.outcome)
}

/// Whether a refusal says that an id stands for nothing any more.
fn names_what_is_gone(cause: &Cause) -> bool {
    let is_gone = |refusal: &crate::org::Refusal| refusal.code == "INVALID_CROSS_REFERENCE_KEY";
    cause.refused().is_some_and(|refused| refused.all().any(is_gone))
}

/// What calls of earlier runs were to make, and may have made yet.
fn made_by_earlier_runs(store: &Store) -> HashSet<Address> {
    let open = store.open_intents().iter().flat_map(Intent::open_ops);
    open.filter(|(_, op)| op.effect.creates.is_some()).map(|(_, op)| op.address.clone()).collect()
}

/// What the state has to say before the first op.
async fn settle_state(store: &mut Store, plan: &Plan) -> Result<(), EngineError> {
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
        store.finish(&[Settlement { changes: some.to_vec(), ..Settlement::default() }]).await?;
    }
    Ok(())
}
