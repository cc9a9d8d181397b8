//! What calls under way stand in each other's way with: the rows that they
//! write, and how many take long.
//!
//! A call holds its rows until it is answered. One that wants the same rows
//! waits, and is refused with `UNABLE_TO_LOCK_ROW` when that takes too long;
//! a real org waits about ten seconds. While calls take no time, none is ever
//! in the way of another. Calls that take longer than 20 seconds are counted:
//! beyond 25 of them a production org refuses each further call (Salesforce
//! Developer Limits, "API Request Limits and Allocations").

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::select;
use tokio::sync::Notify;

use super::Server;
use crate::local_org::rules::Locks;
use crate::local_org::rules::Org;
use crate::local_org::rules::lock_keys;
use crate::local_org::time::Time;

/// How often a call that waits looks again.
const LOOK: Duration = Duration::from_millis(20);

/// What calls under way hold.
#[derive(Debug)]
pub struct Contention {
    held: Mutex<HashSet<String>>,
    freed: Notify,
    long_calls: AtomicU32,
    time: Time,
    /// Whether calls take any time at all.
    pub takes_time: bool,
    /// How long a call waits for another.
    pub longest_wait: Duration,
    /// How long a call takes that counts as long.
    pub long: Duration,
    /// How many of these there may be.
    pub most_long_calls: u32,
}

impl Contention {
    /// Nothing is held yet.
    pub fn new(
        time: Time,
        takes_time: bool,
        longest_wait: Duration,
        long: Duration,
        most: u32,
    ) -> Self {
        Self {
            held: Mutex::default(),
            freed: Notify::new(),
            long_calls: AtomicU32::new(0),
            time,
            takes_time,
            longest_wait,
            long,
            most_long_calls: most,
        }
    }

    /// Whether too many calls take long for one more.
    pub fn is_crowded(&self) -> bool {
        self.long_calls.load(Ordering::Relaxed) >= self.most_long_calls
    }

    /// What other calls hold now, as a call begins.
    pub fn locks(&self) -> Locks {
        let held = if self.takes_time { Server::lock(&self.held).clone() } else { HashSet::new() };
        Locks::new(held)
    }

    /// Takes what a transaction is about to change, until what comes back is
    /// dropped.
    ///
    /// # Errors
    /// What is in the way, when the call is to wait for it first.
    pub fn hold(self: &Arc<Self>, org: &Org) -> Result<Held, Vec<String>> {
        let mut taken = Held { contention: Arc::clone(self), keys: Vec::new() };
        if !self.takes_time {
            return Ok(taken);
        }
        let met = org.locks.to_wait_for();
        if !met.is_empty() {
            return Err(met);
        }
        let wanted: Vec<String> =
            org.store.changes().flat_map(|(object, row)| lock_keys(object, row)).collect();
        let mut held = Server::lock(&self.held);
        let met: Vec<String> = wanted.iter().filter(|key| held.contains(*key)).cloned().collect();
        if !met.is_empty() {
            return Err(met);
        }
        held.extend(wanted.iter().cloned());
        taken.keys = wanted;
        Ok(taken)
    }

    /// How long one call may wait for others, from now on.
    pub fn patience(&self) -> Patience<'_> {
        Patience { contention: self, until: (self.time.passed)() + self.longest_wait }
    }

    /// Lets a call take its time.
    pub async fn linger(&self, time: Duration) {
        if let Some(rest) = time.checked_sub(self.long).filter(|rest| !rest.is_zero()) {
            (self.time.sleep)(self.long).await;
            self.long_calls.fetch_add(1, Ordering::Relaxed);
            (self.time.sleep)(rest).await;
            self.long_calls.fetch_sub(1, Ordering::Relaxed);
        } else if !time.is_zero() {
            (self.time.sleep)(time).await;
        }
    }
}

/// Rows that a call holds as long as this lives.
#[derive(Debug)]
pub struct Held {
    contention: Arc<Contention>,
    keys: Vec<String>,
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.keys.is_empty() {
            return;
        }
        let mut all = Server::lock(&self.contention.held);
        for key in &self.keys {
            all.remove(key);
        }
        drop(all);
        self.contention.freed.notify_waiters();
    }
}

/// How long one call goes on waiting.
pub struct Patience<'a> {
    contention: &'a Contention,
    until: Duration,
}

impl Patience<'_> {
    /// Waits until rows are free; false when time is up before.
    pub async fn wait(&mut self, keys: &[String]) -> bool {
        loop {
            let freed = self.contention.freed.notified();
            let is_held = {
                let held = Server::lock(&self.contention.held);
                keys.iter().any(|key| held.contains(key))
            };
            if !is_held {
                return true;
            }
            let time = &self.contention.time;
            let left = self.until.saturating_sub((time.passed)());
            if left.is_zero() {
                return false;
            }
            // What is freed between the look and the wait is seen at the next look.
            select(pin!(freed), (time.sleep)(left.min(LOOK))).await;
        }
    }
}
