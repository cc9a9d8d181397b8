//! The local org over HTTP and HTTPS: one endpoint for all paths, since real
//! clients write them with and without trailing slashes and in many versions.

mod call;
mod columns;
mod composite;
mod contention;
mod cursors;
mod describe;
mod endpoint;
mod host;
mod oauth;
mod password;
mod query;
mod records;
mod request_log;
mod rest;
mod scim;
mod soap;
mod status_page;

use crate::local_org::time::Time;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::error::ApiError;
use super::identity;
use super::rules::Org;
use super::timestamp;
use crate::disk;

pub use contention::Contention;
pub use cursors::Cursors;
pub use describe::Described;
pub use endpoint::Endpoint;
pub use endpoint::answer;
pub use oauth::is_usable_certificate;
pub use request_log::RequestLog;
pub use status_page::Entrance;

use call::CallError;
use call::Outcome;
use call::Reply;

/// Seconds since 1970.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What all calls share.
pub struct Server {
    /// The org; one call at a time touches it.
    pub org: Mutex<Org>,
    /// The org's id.
    pub org_id: String,
    /// The clock.
    pub clock: Clock,
    /// Makes tokens.
    pub random: Mutex<fastrand::Rng>,
    /// Calls so far.
    pub calls: AtomicU64,
    /// Calls that a day has.
    pub daily_calls: u64,
    /// The day on which they are counted, since 1970.
    pub day: AtomicI64,
    /// Answers that did not fit one page.
    pub cursors: Mutex<Cursors>,
    /// Describes that were asked for.
    pub described: Described,
    /// What calls under way hold.
    pub contention: Arc<Contention>,
    /// What calls take their time by.
    pub time: Time,
    /// How long each call takes, the work for it included.
    pub latency: Duration,
    /// How much longer it takes for each record.
    pub latency_per_record: Duration,
    /// How long a session lasts, in seconds.
    pub session_seconds: i64,
    /// Who may see the page at `/`.
    pub entrance: Entrance,
    /// Where calls are written down.
    pub log: Option<RequestLog>,
    /// Whether each call runs on a thread of its own, since it may write to disk. One
    /// that is handed its requests runs them where it is asked, in the order of asking.
    pub has_threads: bool,
}

/// What is known of a call before its path is looked at.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The address that the client used, with `http://` or `https://`.
    pub instance_url: String,
    /// What the client sent as its token.
    pub token: Option<String>,
    /// Whether rows that another call holds are refused now, each on its own.
    pub is_last_try: bool,
}

impl Server {
    /// Locks what calls share; a call that panicked left nothing behind.
    pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Counts a call; each day begins at none.
    fn count(&self) {
        let day = (self.clock)().div_euclid(86_400);
        if self.day.swap(day, Ordering::Relaxed) != day {
            self.calls.store(0, Ordering::Relaxed);
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// Runs a call on the org and makes what it changed durable.
    ///
    /// # Errors
    /// When it is to wait for others, or the data can't be written.
    fn transaction(&self, run: impl FnOnce(&mut Org) -> Reply) -> Outcome {
        let mut org = Self::lock(&self.org);
        // A call that panicked left its changes open: they were never acknowledged.
        org.store.roll_back(0);
        org.now = timestamp((self.clock)());
        org.locks = self.contention.locks();
        let mut reply = run(&mut org);
        match self.contention.hold(&org) {
            Ok(held) => reply.held = Some(held),
            Err(met) => {
                org.store.roll_back(0);
                return Err(CallError::Locked(met));
            }
        }
        match org.store.commit() {
            Ok(()) => Ok(reply),
            Err(error) => {
                let told = org
                    .store
                    .place()
                    .map_or_else(|| error.to_string(), |place| disk::describe(place, &error));
                let message = format!("the local org can't write its data: {told}");
                Err(CallError::Failed(ApiError::new("UNKNOWN_EXCEPTION", message).status(500)))
            }
        }
    }

    /// Runs a call as one transaction, as the user of its token.
    ///
    /// # Errors
    /// As [`Self::transaction`].
    fn authorised(&self, caller: &Caller, run: impl FnOnce(&Self, &mut Org) -> Reply) -> Outcome {
        self.transaction(|org| match self.enter(org, caller) {
            Ok(()) => run(self, org),
            Err(error) => Reply::refused(&error),
        })
    }

    /// Lets the user of a token in.
    ///
    /// # Errors
    /// `INVALID_SESSION_ID`, `API_DISABLED_FOR_ORG` and `REQUEST_LIMIT_EXCEEDED`.
    fn enter(&self, org: &mut Org, caller: &Caller) -> Result<(), ApiError> {
        let user = caller
            .token
            .as_deref()
            .and_then(|token| identity::user_of(org, token, (self.clock)()))
            .ok_or_else(ApiError::no_session)?;
        org.running_user = user;
        org.locks.is_last_try = caller.is_last_try;
        if !super::rules::may(org, "ApiEnabled") {
            return Err(ApiError::new(
                "API_DISABLED_FOR_ORG",
                "The REST API is not enabled for this Organization.",
            )
            .status(403));
        }
        if self.calls.load(Ordering::Relaxed) > self.daily_calls {
            return Err(ApiError::new("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
                .status(403));
        }
        Ok(())
    }
}
