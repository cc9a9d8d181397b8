//! Each change's writes, as its kind gives them, numbered for the plan.

use super::lookups::Lookups;
use crate::model::Changes;
use crate::model::RecordEffect;
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
    changes: &'a Changes,
    records: Lookups<'a>,
    deleted: BTreeSet<&'a Address>,
}

impl Context<'_> {
    fn change(&self, address: &Address) -> Option<&Change> {
        self.changes.of(address)
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
        if let Some(record) = self.records.record(address)
            && let Some(id) = record.id
        {
            return Some(IdReference::Known(id));
        }
        let known = kinds::of(address)?.reference().known_id(address.name(), self.input.catalog)?;
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
        self.records.attributes(address)
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
///
/// # Errors
/// All changes that can't be made, or a state that can't be read.
pub fn write(
    input: &Input<'_>,
    renames: &Renames,
    draft: &mut Draft,
) -> Result<Vec<DraftOp>, PlanError> {
    let mut ops = Vec::with_capacity(draft.changes.len());
    let mut problems = Vec::new();
    let mut of_change = Vec::with_capacity(draft.changes.len());
    let of = |is_it: &dyn Fn(&Change) -> bool| -> BTreeSet<&Address> {
        let found = draft.changes.iter().filter(|change| is_it(change));
        found.map(|change| &change.address).collect()
    };
    let is_deleted = |change: &Change| {
        let removal = kinds::of(&change.address).map(kinds::Kind::removal);
        change.action == Action::Delete && removal == Some(Removal::Deletes)
    };
    let context = Context {
        input,
        changes: &draft.changes,
        records: Lookups::new(input.recorded),
        deleted: of(&is_deleted),
    };
    let moves = Moves { renames, gone: of(&|change| change.after.is_none()) };
    for change in &draft.changes {
        let kind = kinds::of(&change.address).filter(|_| change.action != Action::Release);
        let steps = kind.map_or(Ok(Vec::new()), |kind| steps_of(kind, change, &context));
        let mut numbers = Vec::with_capacity(1);
        match steps {
            Ok(steps) => {
                for (place, (step, takes_away)) in steps.into_iter().enumerate() {
                    let number = OpIndex::try_from(ops.len()).unwrap_or(OpIndex::MAX);
                    let before = numbers.last().copied();
                    let mut op = draft_op(change, (step, takes_away), before);
                    moves.add(change, place == 0, &mut op.op.effect);
                    ops.push(op);
                    numbers.push(number);
                }
            }
            Err(mut problem) => {
                match input.desired.declared(&change.address) {
                    Some(declared) => problem.file = declared.file,
                    None => problem.place = None,
                }
                problems.push(problem);
            }
        }
        of_change.push(numbers);
    }
    context.records.finish().map_err(PlanError::State)?;
    drop(moves);
    for (change, numbers) in draft.changes.iter_mut().zip(of_change) {
        change.ops = numbers;
    }
    if problems.is_empty() { Ok(ops) } else { Err(PlanError::Problems(problems)) }
}

/// The op of a step that comes after an earlier one of the same change.
fn draft_op(
    change: &Change,
    (step, takes_away): (Step, bool),
    earlier: Option<OpIndex>,
) -> DraftOp {
    let Step { name, mut write, mut effect, last, lane } = step;
    let was_protected = change.recorded.as_ref().is_some_and(|record| record.protected);
    if !takes_away && (change.protected != was_protected || effect.creates.is_some()) {
        effect.protects = Some(change.protected);
    }
    write.shrink();
    let after = earlier.filter(|_| !last);
    let op = Op {
        address: change.address.clone(),
        step: name,
        write,
        after: after.map(|op| OrderEdge { op, reason: OrderReason::Step }).into_iter().collect(),
        subject: kinds::of(&change.address)
            .and_then(|kind| kind.relation().subject(&change.address)),
        lane: lane.map(Into::into),
        effect,
    };
    DraftOp { op, last, takes_away }
}

/// What records move to other addresses along with an op.
struct Moves<'a> {
    renames: &'a Renames,
    /// Things that are not managed after the plan.
    gone: BTreeSet<&'a Address>,
}

impl Moves<'_> {
    /// Adds the moves that an op of a change makes true.
    fn add(&self, change: &Change, is_first: bool, effect: &mut RecordEffect) {
        if let Some(moves) = self.renames.moves.get(&change.address).filter(|_| is_first) {
            // What is taken away does not move; of what can only be retired, the record
            // stays.
            let stays = |moved: &&RecordMove| {
                let removal = kinds::of(&moved.to).map(kinds::Kind::removal);
                !self.gone.contains(&moved.to) || removal == Some(Removal::Retires)
            };
            effect.moves = moves.iter().filter(stays).cloned().collect();
        }
        if effect.forget
            && let Some((from, _)) = self.renames.moved.get(&change.address)
        {
            effect.moves.push(RecordMove {
                from: from.clone(),
                to: change.address.clone(),
                attributes: Attributes::new(),
            });
        }
    }
}
