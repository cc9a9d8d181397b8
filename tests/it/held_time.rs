//! A time for a local org that stands until a test lets it go on, so that what calls do to
//! each other while they last is played without waiting.

use std::sync::Arc;
use std::time::Duration;

use orgform::local_org::Time;
use tokio::sync::watch;

#[derive(Clone, Copy, Default)]
struct State {
    passed: Duration,
    /// Waits that were begun since the time was held.
    begun: usize,
    is_held: bool,
}

/// A time that passes at once, until it is held.
#[derive(Clone)]
pub struct HeldTime(Arc<watch::Sender<State>>);

impl HeldTime {
    /// One that is not held yet.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(State::default())))
    }

    /// As an org takes it.
    pub fn time(&self) -> Time {
        let (of, sleep) = (self.clone(), self.clone());
        Time {
            passed: Arc::new(move || of.0.borrow().passed),
            sleep: Arc::new(move |wait| Box::pin(sleep.clone().wait(wait))),
        }
    }

    async fn wait(self, wait: Duration) {
        let mut state = self.0.subscribe();
        let mut until = Duration::ZERO;
        self.0.send_modify(|state| {
            state.begun += usize::from(state.is_held);
            until = state.passed + wait;
        });
        let is_over = |state: &State| !state.is_held || state.passed >= until;
        // Whoever sends is held by this very wait.
        let _ = state.wait_for(is_over).await;
    }

    /// Lets no more time pass by itself.
    pub fn hold(&self) {
        self.0.send_modify(|state| state.is_held = true);
    }

    /// Lets this much pass.
    pub fn pass(&self, time: Duration) {
        self.0.send_modify(|state| state.passed += time);
    }

    /// Lets all waits end at once again.
    pub fn release(&self) {
        self.0.send_modify(|state| state.is_held = false);
    }

    /// Returns once so many waits were begun since it was held.
    pub async fn waits(&self, number: usize) {
        let mut state = self.0.subscribe();
        let _ = state.wait_for(|state| state.begun >= number).await;
    }
}
