//! After a run that ended before it knew what became of its calls: the org is read by
//! natural key, before anything is planned.
//!
//! What is found is recorded as what it was announced to be. What is not found, and
//! was to be made, stays open: its call may still be on its way, and what a later look
//! finds is ours all the same.

use super::EngineError;
use super::deploying::wait_for_deploy;
use super::effect::Confirmed;
use super::effect::record_changes;
use super::observe::observe_some;
use super::settle::Shown;
use super::settle::look;
use crate::model::Address;
use crate::model::Monotonic;
use crate::model::Once;
use crate::model::Op;
use crate::model::Recorded as _;
use crate::model::UnixSeconds;
use crate::org::Org;
use crate::org::OrgError;
use crate::state::Intent;
use crate::state::RecordChange;
use crate::state::Settlement;
use crate::state::Store;

/// No call is under way for longer: what is not there by then never comes, in
/// seconds. Salesforce itself ends calls after ten minutes; a day leaves room for
/// clocks that differ.
const ON_ITS_WAY: i64 = 24 * 60 * 60;

/// What recovery found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// How many calls had no answer.
    pub calls: usize,
    /// What they turned out to have done.
    pub done: Vec<Address>,
    /// What was there, made by somebody else: it is adopted.
    pub adopted: Vec<Address>,
    /// What was to be made and is not there, so that it stays open.
    pub absent: Vec<Address>,
    /// One-shot things of which it can't be known.
    pub unknown: Vec<UnknownMail>,
}

/// Something that is done once, of which it can't be known whether it happened. It is
/// recorded as that, and its intent stays open until somebody was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownMail {
    /// The resource.
    pub address: Address,
    intent: u64,
    place: u32,
}

/// Closes what somebody was told of.
///
/// # Errors
/// When the state can't be written.
pub async fn acknowledge(store: &mut Store, mail: &[UnknownMail]) -> Result<(), EngineError> {
    let settled = |mail: &UnknownMail| Settlement {
        intent: Some(mail.intent),
        ops: vec![mail.place],
        ..Settlement::default()
    };
    let settled: Vec<Settlement> = mail.iter().map(settled).collect();
    store.finish(&settled).await?;
    Ok(())
}

impl Recovered {
    /// Whether there is anything to tell.
    pub fn is_nothing(&self) -> bool {
        self.calls == 0
    }
}

/// Finds out what became of all open ops.
///
/// # Errors
/// When the org can't be asked, or the state can't be written.
pub async fn recover(
    org: &Org,
    store: &mut Store,
    monotonic: &Monotonic,
    now: UnixSeconds,
) -> Result<Recovered, EngineError> {
    let numbers: Vec<u64> = store.open_intents().iter().map(|intent| intent.number).collect();
    let mut recovered = Recovered { calls: numbers.len(), ..Recovered::default() };
    for number in numbers {
        // What an earlier one settled may have been all of it.
        let Some(intent) = store.open_intent(number).cloned() else { continue };
        for deploy in &intent.deploys {
            match wait_for_deploy(org, deploy, monotonic).await {
                Ok(_) => {}
                // The org forgets deploys after a while; what they left is read anyway.
                Err(OrgError::Refused { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let settled = settled_now(org, store, &intent, now, &mut recovered).await?;
        store.finish(&[settled]).await?;
    }
    Ok(recovered)
}

/// What one intent comes to by what the org shows.
async fn settled_now(
    org: &Org,
    store: &Store,
    intent: &Intent,
    now: UnixSeconds,
    recovered: &mut Recovered,
) -> Result<Settlement, EngineError> {
    let open: Vec<(u32, &Op)> = intent.open_ops().collect();
    let ops: Vec<&Op> = open.iter().map(|(_, op)| *op).collect();
    let shown = look(org, &ops).await?;
    let is_old = now.since(intent.at) >= ON_ITS_WAY;
    let mut settled = Settlement { intent: Some(intent.number), ..Settlement::default() };
    let mut not_done = Vec::new();
    for ((place, op), shown) in open.into_iter().zip(shown) {
        let address = op.address.clone();
        let confirmed = match shown {
            Shown::Done(confirmed) => confirmed,
            Shown::Never => Confirmed { unknown: true, ..Confirmed::default() },
            Shown::NotDone if op.effect.creates.is_some() && !is_old => {
                recovered.absent.push(address);
                continue;
            }
            Shown::NotDone => {
                settled.ops.push(place);
                not_done.push(address);
                continue;
            }
        };
        if confirmed.unknown {
            recovered.unknown.push(UnknownMail {
                address: address.clone(),
                intent: intent.number,
                place,
            });
            if is_recorded_as_unknown(store, op)? {
                continue;
            }
        } else {
            settled.ops.push(place);
            let was_there = confirmed.was_there;
            if was_there { &mut recovered.adopted } else { &mut recovered.done }.push(address);
        }
        settled.changes.extend(
            record_changes(op, &confirmed, &|address| store.get(address), now)
                .map_err(EngineError::Record)?,
        );
    }
    settled.changes.extend(kept_ids(org, store, not_done).await?);
    Ok(settled)
}

fn is_recorded_as_unknown(store: &Store, op: &Op) -> Result<bool, EngineError> {
    let record = store.get(&op.address).map_err(EngineError::Record)?;
    let once = op.effect.once.as_ref().zip(record);
    Ok(once.is_some_and(|(once, record)| record.once.get(once) == Some(&Once::Unknown)))
}

/// Observed ids are worth keeping for things that the state knows already.
async fn kept_ids(
    org: &Org,
    store: &Store,
    addresses: Vec<Address>,
) -> Result<Vec<RecordChange>, EngineError> {
    let mut kept = Vec::new();
    if addresses.is_empty() {
        return Ok(kept);
    }
    for (address, observed) in observe_some(org, addresses).await? {
        if let Some(mut record) = store.get(&address).map_err(EngineError::Record)? {
            record.take_over(&observed);
            kept.push(RecordChange::Put(address, record));
        }
    }
    Ok(kept)
}
