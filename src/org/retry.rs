//! How often something is tried in all, and how long is waited between: a policy
//! that is data.

use std::time::Duration;

/// How failed calls are tried again.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    /// How often a call is sent in all.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles from there.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_wait: Duration::from_millis(400),
            longest_wait: Duration::from_secs(20),
        }
    }
}

impl RetryPolicy {
    /// The wait before the attempt after `attempt` (counted from 1), with a
    /// share of chance between 0 and 1, so that many don't return at once.
    pub fn wait(&self, attempt: u32, chance: f64) -> Duration {
        let doubled = self.first_wait.saturating_mul(1 << attempt.saturating_sub(1).min(10));
        doubled.min(self.longest_wait).mul_f64(0.5 + chance / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::RetryPolicy;

    #[test]
    fn waits_grow_and_end() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.wait(1, 1.0), Duration::from_millis(400));
        assert_eq!(policy.wait(2, 1.0), Duration::from_millis(800));
        assert_eq!(policy.wait(30, 1.0), Duration::from_secs(20));
        assert!(policy.wait(1, 0.0) >= Duration::from_millis(200));
    }
}
