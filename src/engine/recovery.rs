//! After a run that ended in the middle of a call: what the call did is read
//! by natural key, before anything is planned.

use super::EngineError;
use super::effect::Confirmed;
use super::effect::record_changes;
use super::observe::observe_some;
use crate::kinds;
use crate::model::Address;
use crate::model::Observed;
use crate::model::Op;
use crate::model::Recorded as _;
use crate::model::Standing;
use crate::model::Write;
use crate::org::Org;
use crate::state::Closed;
use crate::state::RecordChange;
use crate::state::Store;

/// What recovery found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// How many calls had no answer.
    pub calls: usize,
    /// What they turned out to have done.
    pub done: Vec<Address>,
    /// One-shot things of which it can't be known.
    pub unknown: Vec<Address>,
}

/// Resolves all open intents.
///
/// # Errors
/// When the org can't be asked, or the state can't be written.
pub async fn recover(org: &Org, store: &mut Store, now: i64) -> Result<Recovered, EngineError> {
    let intents = store.open_intents()?;
    let mut recovered = Recovered { calls: intents.len(), ..Recovered::default() };
    for intent in intents {
        let found = observe_some(org, intent.ops.iter().map(|op| op.address.clone())).await?;
        let mut changes = Vec::new();
        for op in &intent.ops {
            match what_happened(op, found.get(&op.address)) {
                Happened::Done(confirmed) => {
                    if confirmed.unknown {
                        recovered.unknown.push(op.address.clone());
                    } else {
                        recovered.done.push(op.address.clone());
                    }
                    changes.extend(
                        record_changes(op, &confirmed, &|address| store.get(address), now)
                            .map_err(EngineError::Record)?,
                    );
                }
                Happened::NotDone => {
                    // An observed id is worth keeping for a thing that the
                    // state knows already.
                    if let (Some(observed), Ok(Some(mut record))) =
                        (found.get(&op.address), store.get(&op.address))
                    {
                        record.take_over(observed);
                        changes.push(RecordChange::Put(op.address.clone(), record));
                    }
                }
            }
        }
        store.finish(&[Closed { sequence: Some(intent.sequence), changes }])?;
    }
    Ok(recovered)
}

enum Happened {
    Done(Confirmed),
    NotDone,
}

/// What the org shows of an op. An update that can't be told from none is
/// taken as not done: the next plan compares and sends it again.
fn what_happened(op: &Op, found: Option<&Observed>) -> Happened {
    let Some(kind) = kinds::of(&op.address) else { return Happened::NotDone };
    match (&op.write, found) {
        (Write::ResetPassword { .. }, _) => {
            Happened::Done(Confirmed { unknown: true, ..Confirmed::default() })
        }
        (_, None) if op.effect.forget => Happened::Done(Confirmed::default()),
        (_, Some(observed)) if op.effect.creates.is_some() => {
            let read_back = kind.document_type().map(|_| observed.clone());
            Happened::Done(Confirmed { id: observed.id.clone(), read_back, ..Confirmed::default() })
        }
        (Write::Update { .. }, Some(observed)) if !op.effect.forget => {
            let holds = op
                .effect
                .confirm
                .iter()
                .all(|(path, value)| observed.attributes.get(path) == Some(value));
            // Any other update can be repeated, and what it left can't be told
            // from what was there.
            let has_effect =
                !op.effect.moves.is_empty() || op.effect.standing == Some(Standing::Retired);
            if holds && has_effect {
                Happened::Done(Confirmed { id: observed.id.clone(), ..Confirmed::default() })
            } else {
                Happened::NotDone
            }
        }
        _ => Happened::NotDone,
    }
}
