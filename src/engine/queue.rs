//! Ops that may be sent: by the shape of their calls, cut into batches so that no
//! two calls in flight are about the same user or in the same lane.
//!
//! Knows nothing of answers or of the state.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;
use std::time::Duration;

use crate::model::Address;
use crate::model::CallShape;
use crate::model::Op;

/// A call that takes longer than this makes the batches of its shape smaller.
const SLOW_CALL: Duration = Duration::from_secs(2);
/// Batches don't shrink below this.
const SMALLEST_BATCH: usize = 10;

/// What is ready, and what calls in flight hold.
pub struct Queue<'a> {
    ops: &'a [Op],
    ready: BTreeMap<CallShape, VecDeque<usize>>,
    /// Users that calls in flight are about.
    busy: HashSet<&'a Address>,
    lanes: HashSet<&'a str>,
    limits: HashMap<CallShape, usize>,
}

impl<'a> Queue<'a> {
    /// Nothing is ready yet.
    pub fn new(ops: &'a [Op]) -> Self {
        Self {
            ops,
            ready: BTreeMap::new(),
            busy: HashSet::new(),
            lanes: HashSet::new(),
            limits: HashMap::new(),
        }
    }

    /// An op may be sent.
    pub fn add(&mut self, op: usize) {
        let shape = self.ops[op].write.shape();
        self.ready.entry(shape).or_default().push_back(op);
    }

    /// The next ops that may share a call: of one shape, about users that no
    /// call in flight is about, in lanes that are free. They hold these from
    /// here on.
    pub fn next_batch(&mut self) -> Option<(CallShape, Vec<usize>)> {
        let shapes: Vec<CallShape> = self.ready.keys().cloned().collect();
        for shape in shapes {
            let batch = self.batch_of(&shape);
            if self.ready.get(&shape).is_some_and(VecDeque::is_empty) {
                self.ready.remove(&shape);
            }
            if !batch.is_empty() {
                return Some((shape, batch));
            }
        }
        None
    }

    fn batch_of(&mut self, shape: &CallShape) -> Vec<usize> {
        let ops = self.ops;
        let Some(queue) = self.ready.get_mut(shape) else { return Vec::new() };
        let limit = self.limits.get(shape).copied().unwrap_or_else(|| shape.batch(queue.len()));
        let (mut batch, mut later) = (Vec::new(), Vec::new());
        while batch.len() < limit {
            let Some(op) = queue.pop_front() else { break };
            let held = &ops[op];
            let is_busy = held.subject.as_ref().is_some_and(|subject| self.busy.contains(subject))
                || held.lane.as_ref().is_some_and(|lane| self.lanes.contains(lane.as_ref()));
            if is_busy { later.push(op) } else { batch.push(op) }
        }
        for op in later.into_iter().rev() {
            queue.push_front(op);
        }
        self.busy.extend(batch.iter().filter_map(|op| ops[*op].subject.as_ref()));
        self.lanes.extend(batch.iter().filter_map(|op| ops[*op].lane.as_deref()));
        batch
    }

    /// An op of a batch is settled: others may be about its user.
    pub fn free(&mut self, op: usize) {
        let op = &self.ops[op];
        if let Some(subject) = &op.subject {
            self.busy.remove(subject);
        }
        if let Some(lane) = &op.lane {
            self.lanes.remove(lane.as_ref());
        }
    }

    /// Takes note of how long a call of records took.
    pub fn took(&mut self, shape: &CallShape, records: usize, time: Duration) {
        if time > SLOW_CALL && records > SMALLEST_BATCH && records <= shape.limit() {
            self.limits.insert(shape.clone(), (records / 2).max(SMALLEST_BATCH));
        }
    }

    /// What was ready and never left.
    pub fn take_rest(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.ready).into_values().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Queue;
    use crate::model::Address;
    use crate::model::CallShape;
    use crate::model::Op;
    use crate::model::RecordEffect;
    use crate::model::StepName;
    use crate::model::Write;

    /// An op that gives something to one of so many users.
    fn ops(count: usize, users: usize, lane: Option<&'static str>) -> Vec<Op> {
        (0..count)
            .map(|number| Op {
                address: Address::new("permission_set_assignment", &format!("a{number}")),
                step: StepName::Assign,
                write: Write::Insert { object: "PermissionSetAssignment".into(), fields: vec![] },
                after: Vec::new(),
                subject: Some(Address::new("user", &format!("u{}", number % users))),
                lane: lane.map(Into::into),
                effect: RecordEffect::default(),
            })
            .collect()
    }

    fn filled(ops: &[Op]) -> Queue<'_> {
        let mut queue = Queue::new(ops);
        (0..ops.len()).for_each(|op| queue.add(op));
        queue
    }

    #[test]
    fn no_two_calls_in_flight_are_about_one_user_and_order_is_kept() {
        let ops = ops(600, 300, None);
        let mut queue = filled(&ops);
        let (shape, first) = queue.next_batch().expect("a batch");
        assert_eq!((shape.limit(), first.as_slice()), (200, &(0..200).collect::<Vec<_>>()[..]));
        // The second ones of the first two hundred users wait.
        let (_, second) = queue.next_batch().expect("a batch");
        assert_eq!(second, (200..300).chain(500..600).collect::<Vec<_>>());
        assert_eq!(queue.next_batch(), None, "all users are busy");
        for op in first {
            queue.free(op);
        }
        let (_, third) = queue.next_batch().expect("a batch");
        assert_eq!(third, (300..500).collect::<Vec<_>>());
    }

    #[test]
    fn one_call_at_a_time_is_in_a_lane() {
        let ops = ops(300, 300, Some("group_membership"));
        let mut queue = filled(&ops);
        let (_, first) = queue.next_batch().expect("a batch");
        assert_eq!(queue.next_batch(), None);
        for op in first {
            queue.free(op);
        }
        assert_eq!(queue.next_batch().map(|(_, batch)| batch.len()), Some(100));
    }

    #[test]
    fn batches_shrink_by_halves_when_a_call_was_slow_and_only_then() {
        let ops = ops(500, 500, None);
        let mut queue = filled(&ops);
        let shape = CallShape::Insert("PermissionSetAssignment".into());
        queue.took(&shape, 200, Duration::from_secs(2));
        assert_eq!(queue.next_batch().map(|(_, batch)| batch.len()), Some(200));
        queue.took(&shape, 200, Duration::from_millis(2_001));
        assert_eq!(queue.next_batch().map(|(_, batch)| batch.len()), Some(100));
        queue.took(&shape, 12, Duration::from_secs(9));
        assert_eq!(queue.next_batch().map(|(_, batch)| batch.len()), Some(10));
        assert_eq!(queue.take_rest().len(), 190);
    }
}
