//! Each change's writes, as its kind gives them, numbered for the plan.

use std::collections::BTreeSet;

use super::Input;
use super::PlanError;
use super::draft::Draft;
use super::rename::Renames;
use crate::facts::Catalog;
use crate::kinds;
use crate::kinds::Removal;
use crate::kinds::Scope as _;
use crate::kinds::Step;
use crate::kinds::StepContext;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::IdReference;
use crate::model::Observation;
use crate::model::Op;
use crate::model::OpIndex;
use crate::model::OrderEdge;
use crate::model::OrderReason;
use crate::model::PlanMode;
use crate::model::Problem;
use crate::model::RecordMove;

/// An op whose place in the order is still to be found.
#[derive(Debug)]
pub struct DraftOp {
    /// The op, with the edges to earlier steps of its own change.
    pub op: Op,
    /// Whether it waits for everything else about its subject.
    pub last: bool,
    /// Whether it takes the thing away, or the old one of a thing made anew.
    pub takes_away: bool,
}

struct Context<'a> {
    input: &'a Input<'a>,
    changes: &'a [Change],
    deleted: BTreeSet<&'a Address>,
}

impl Context<'_> {
    fn change(&self, address: &Address) -> Option<&Change> {
        let index = self.changes.binary_search_by(|change| change.address.cmp(address)).ok()?;
        self.changes.get(index)
    }
}

impl StepContext for Context<'_> {
    fn catalog(&self) -> &Catalog {
        self.input.catalog
    }

    fn id(&self, address: &Address) -> Option<IdReference> {
        if let Some(change) = self.change(address) {
            let stays = change.exists() && change.action != Action::Replace;
            if let Some(id) = change.id().filter(|_| stays) {
                return Some(IdReference::Known(id.clone()));
            }
            if change.after.is_some() {
                return Some(IdReference::Of(address.clone()));
            }
        }
        // What the org showed is newer than what is recorded.
        if let Some(Observation::Found(observed)) = self.input.observations.differing.get(address)
            && let Some(id) = &observed.id
        {
            return Some(IdReference::Known(id.clone()));
        }
        if let Ok(Some(record)) = self.input.recorded.get(address)
            && let Some(id) = record.id
        {
            return Some(IdReference::Known(id));
        }
        let known = kinds::of(address)?.known_id(address.name(), self.input.catalog)?;
        Some(IdReference::Known(known))
    }

    fn renames_usernames(&self) -> bool {
        matches!(self.input.mode, PlanMode::Destroy { rename_usernames: true, .. })
    }

    fn is_deleted(&self, address: &Address) -> bool {
        self.deleted.contains(address)
    }

    fn attributes_after(&self, address: &Address) -> Option<Attributes> {
        if let Some(change) = self.change(address) {
            return change.after.clone();
        }
        self.attributes(address)
    }

    fn attributes(&self, address: &Address) -> Option<Attributes> {
        if let Some(change) = self.change(address) {
            return change.before.clone();
        }
        self.input.recorded.get(address).ok().flatten().map(|record| record.attributes)
    }
}

/// The steps of a change, each with whether it takes the thing away. What is
/// made anew is taken away and made, in the steps of its kind for each.
fn steps_of(
    kind: &dyn kinds::Kind,
    change: &Change,
    context: &Context<'_>,
) -> Result<Vec<(Step, bool)>, Problem> {
    if change.action != Action::Replace {
        let takes_away = change.after.is_none();
        let steps = kind.steps(change, context)?;
        return Ok(steps.into_iter().map(|step| (step, takes_away)).collect());
    }
    let removal = Change { action: Action::Delete, after: None, ..change.clone() };
    let making = Change { action: Action::Create, before: None, ..change.clone() };
    let removal = kind.steps(&removal, context)?.into_iter().map(|step| (step, true));
    let making = kind.steps(&making, context)?.into_iter().map(|step| (step, false));
    Ok(removal.chain(making).collect())
}

/// Writes the ops of all changes.
pub fn write(
    input: &Input<'_>,
    renames: &Renames,
    draft: &mut Draft,
) -> Result<Vec<DraftOp>, PlanError> {
    let mut ops: Vec<DraftOp> = Vec::with_capacity(draft.changes.len());
    let mut of_change: Vec<Vec<OpIndex>> = Vec::with_capacity(draft.changes.len());
    let mut problems = Vec::new();
    {
        let deleted = draft
            .changes
            .iter()
            .filter(|change| {
                change.action == Action::Delete
                    && kinds::of(&change.address)
                        .is_some_and(|kind| kind.removal() == Removal::Deletes)
            })
            .map(|change| &change.address)
            .collect();
        let context = Context { input, changes: &draft.changes, deleted };
        let gone: BTreeSet<&Address> = draft
            .changes
            .iter()
            .filter(|change| change.after.is_none())
            .map(|change| &change.address)
            .collect();
        for change in &draft.changes {
            let mut numbers = Vec::with_capacity(1);
            let kind = kinds::of(&change.address).filter(|_| change.action != Action::Release);
            if let Some(kind) = kind {
                match steps_of(kind, change, &context) {
                    Ok(steps) => {
                        for (place, (step, takes_away)) in steps.into_iter().enumerate() {
                            let number = OpIndex::try_from(ops.len()).unwrap_or(OpIndex::MAX);
                            let mut effect = step.effect;
                            let was_protected =
                                change.recorded.as_ref().is_some_and(|record| record.protected);
                            if !takes_away
                                && (change.protected != was_protected || effect.creates.is_some())
                            {
                                effect.protects = Some(change.protected);
                            }
                            if place == 0
                                && let Some(moves) = renames.moves.get(&change.address)
                            {
                                // What is taken away does not move; of what can only be
                                // retired, the record stays.
                                let stays = |moved: &&RecordMove| {
                                    !gone.contains(&moved.to)
                                        || kinds::of(&moved.to)
                                            .is_some_and(|kind| kind.removal() == Removal::Retires)
                                };
                                effect.moves = moves.iter().filter(stays).cloned().collect();
                            }
                            if effect.forget
                                && let Some((from, _)) = renames.moved.get(&change.address)
                            {
                                effect.moves.push(RecordMove {
                                    from: from.clone(),
                                    to: change.address.clone(),
                                    attributes: Attributes::new(),
                                });
                            }
                            let mut write = step.write;
                            write.shrink();
                            let after = numbers
                                .last()
                                .filter(|_| !step.last)
                                .map(|op| OrderEdge { op: *op, reason: OrderReason::Step });
                            ops.push(DraftOp {
                                op: Op {
                                    address: change.address.clone(),
                                    step: step.name,
                                    write,
                                    after: after.into_iter().collect(),
                                    subject: kind.subject(&change.address),
                                    lane: step.lane.map(Into::into),
                                    effect,
                                },
                                last: step.last,
                                takes_away,
                            });
                            numbers.push(number);
                        }
                    }
                    Err(mut problem) => {
                        if let Some(declared) = input.desired.declared(&change.address) {
                            problem.file = declared.file;
                        } else {
                            problem.place = None;
                        }
                        problems.push(problem);
                    }
                }
            }
            of_change.push(numbers);
        }
    }
    for (change, numbers) in draft.changes.iter_mut().zip(of_change) {
        change.ops = numbers;
    }
    if problems.is_empty() { Ok(ops) } else { Err(PlanError::Problems(problems)) }
}
