//! How often something is tried in all, and how long is waited between: a policy
//! that is data.

use std::time::Duration;

use jiff::fmt::rfc2822;

use super::wire::WireAnswer;

/// How failed calls are tried again.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    /// How often a call is sent in all.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles from there.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
    /// The longest wait that an org may ask for: where it asks for more, the call is
    /// given up.
    pub longest_asked: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_wait: Duration::from_millis(400),
            longest_wait: Duration::from_secs(20),
            longest_asked: Duration::from_secs(120),
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

    /// That wait, and no less than the org asked for; `None` where it asked for more than
    /// is waited.
    pub fn wait_as_asked(&self, wait: Duration, asked: Option<Duration>) -> Option<Duration> {
        let asked = asked.unwrap_or_default();
        (asked <= self.longest_asked).then(|| wait.max(asked))
    }
}

/// How long an answer asks to wait (RFC 9110, "Retry-After"): seconds, or a time, which
/// is held against the answer's own.
pub fn retry_after(answer: &WireAnswer) -> Option<Duration> {
    let asked = answer.header("retry-after")?.trim();
    if !asked.is_empty() && asked.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(asked.parse().unwrap_or(u64::MAX)));
    }
    let time = |text: &str| rfc2822::parse(text).ok().map(|time| time.timestamp());
    let seconds = time(asked)?.duration_since(time(answer.header("date")?)?).as_secs();
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::RetryPolicy;
    use super::WireAnswer;
    use super::retry_after;

    #[test]
    fn waits_grow_and_end() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.wait(1, 1.0), Duration::from_millis(400));
        assert_eq!(policy.wait(2, 1.0), Duration::from_millis(800));
        assert_eq!(policy.wait(30, 1.0), Duration::from_secs(20));
        assert!(policy.wait(1, 0.0) >= Duration::from_millis(200));
    }

    #[test]
    fn what_the_org_asks_for_is_waited_within_bounds() {
        let answer = |asked: &str| WireAnswer {
            headers: vec![
                ("date".to_owned(), "Sun, 06 Nov 1994 08:49:30 GMT".to_owned()),
                ("retry-after".to_owned(), asked.to_owned()),
            ],
            ..WireAnswer::default()
        };
        let policy = RetryPolicy::default();
        for (asked, seconds) in [
            ("7", Some(7)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("soon", None),
            ("", None),
            ("-3", None),
            ("99999999999999999999999", Some(u64::MAX)),
        ] {
            let read = retry_after(&answer(asked));
            assert_eq!(read, seconds.map(Duration::from_secs), "{asked}");
        }
        let wait = Duration::from_secs(1);
        let asked = |seconds| policy.wait_as_asked(wait, Some(Duration::from_secs(seconds)));
        assert_eq!(policy.wait_as_asked(wait, None), Some(wait));
        assert_eq!(asked(0), Some(wait));
        assert_eq!(asked(120), Some(Duration::from_secs(120)));
        assert_eq!(asked(121), None);
    }
}
