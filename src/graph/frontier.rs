//! Which things can be done now, while others are being done.

/// Walks an order: things become ready when all they wait for is done, and
/// are skipped when something that they wait for failed. Every step costs the
/// number of edges it touches, so a whole walk is linear.
#[derive(Debug)]
pub struct Frontier {
    waits_for: Vec<u32>,
    followers: Vec<Vec<u32>>,
    state: Vec<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Settled,
}

impl Frontier {
    /// `count` things; `edges` yields pairs of what comes first and what then.
    pub fn new(count: usize, edges: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut frontier = Self {
            waits_for: vec![0; count],
            followers: vec![Vec::new(); count],
            state: vec![State::Waiting; count],
        };
        for (first, then) in edges {
            frontier.waits_for[then] += 1;
            frontier.followers[first].push(u32::try_from(then).unwrap_or(u32::MAX));
        }
        frontier
    }

    /// What waits for nothing.
    pub fn ready(&self) -> Vec<usize> {
        (0..self.waits_for.len()).filter(|thing| self.waits_for[*thing] == 0).collect()
    }

    /// `thing` is done: what has become ready by that.
    pub fn complete(&mut self, thing: usize) -> Vec<usize> {
        self.state[thing] = State::Settled;
        let mut ready = Vec::new();
        for follower in std::mem::take(&mut self.followers[thing]) {
            let follower = follower as usize;
            self.waits_for[follower] -= 1;
            if self.waits_for[follower] == 0 && self.state[follower] == State::Waiting {
                ready.push(follower);
            }
        }
        ready
    }

    /// `thing` failed: all that waited for it, directly or not, with the thing
    /// that each waited for directly.
    pub fn fail(&mut self, thing: usize) -> Vec<(usize, usize)> {
        self.state[thing] = State::Settled;
        let mut skipped = Vec::new();
        let mut open = vec![thing];
        while let Some(cause) = open.pop() {
            for follower in std::mem::take(&mut self.followers[cause]) {
                let follower = follower as usize;
                if self.state[follower] == State::Waiting {
                    self.state[follower] = State::Settled;
                    skipped.push((follower, cause));
                    open.push(follower);
                }
            }
        }
        skipped
    }
}

#[cfg(test)]
mod tests {
    use super::Frontier;

    #[test]
    fn a_thing_is_ready_when_the_last_it_waits_for_is_done() {
        let mut frontier = Frontier::new(3, [(0, 2), (1, 2)]);
        assert_eq!(frontier.ready(), [0, 1]);
        assert!(frontier.complete(0).is_empty());
        assert_eq!(frontier.complete(1), [2]);
    }

    #[test]
    fn what_waits_for_a_failure_is_skipped_once_and_the_rest_goes_on() {
        let mut frontier = Frontier::new(5, [(0, 1), (1, 2), (0, 2), (3, 4), (3, 2)]);
        let skipped = frontier.fail(0);
        assert_eq!(skipped.len(), 2);
        assert!(skipped.contains(&(1, 0)));
        assert_eq!(frontier.complete(3), [4], "2 was skipped and does not come back");
    }
}
