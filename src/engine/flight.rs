//! The calls under way: looked at while the state is written, and ended when the user
//! wants that.
//!
//! Once asked to stop, nothing new leaves and what is under way is waited for; asked
//! twice, for five seconds at most; asked three times, not at all.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::Either;
use futures_util::future::select;
use futures_util::stream::FuturesUnordered;
use futures_util::stream::Stream;
use tracing::debug;

use super::deploying::Came;
use crate::model::CallShape;
use crate::org::Org;

/// How long calls under way are waited for once the user has asked twice.
const GRACE: Duration = Duration::from_secs(5);

/// Gives an item each time the user wants to stop.
pub type Stops<'a> = Pin<Box<dyn Stream<Item = ()> + Send + 'a>>;

/// A call that has come to something.
pub struct Landed {
    /// The number of its intent; a look has none.
    pub intent: Option<u64>,
    /// What the call does.
    pub shape: CallShape,
    /// Its ops, in the order of its intent.
    pub ops: Vec<usize>,
    /// When it left, by the clock that only goes on.
    pub sent_at: Duration,
    /// What it came to.
    pub came: Came,
}

/// What is waited for next.
pub enum Next {
    /// A call landed.
    Landed(Box<Landed>),
    /// The user wants to stop, for the first time.
    Stop,
    /// The user does not want to wait any longer.
    CutOff,
    /// Nothing is under way.
    Nothing,
}

type Flying<'a> = Pin<Box<dyn Future<Output = (u64, Landed)> + 'a>>;

/// Calls under way, and the wish to stop.
pub struct Flight<'a> {
    calls: FuturesUnordered<Flying<'a>>,
    /// The ops of each call under way.
    ops: BTreeMap<u64, Vec<usize>>,
    landed: VecDeque<Landed>,
    number: u64,
    org: &'a Org,
    stops: Stops<'a>,
    asked: u32,
    time_up: Option<Pin<Box<dyn Future<Output = ()> + 'a>>>,
}

impl<'a> Flight<'a> {
    /// Nothing is under way.
    pub fn new(org: &'a Org, stops: Stops<'a>) -> Self {
        Self {
            calls: FuturesUnordered::new(),
            ops: BTreeMap::new(),
            landed: VecDeque::new(),
            number: 0,
            org,
            stops,
            asked: 0,
            time_up: None,
        }
    }

    /// How many calls left and were not taken in yet.
    pub fn open(&self) -> usize {
        self.calls.len() + self.landed.len()
    }

    /// Whether the user wants to stop.
    pub fn is_stopping(&self) -> bool {
        self.asked > 0
    }

    /// A call leaves with the next look.
    pub fn send(&mut self, ops: Vec<usize>, call: impl Future<Output = Landed> + 'a) {
        self.number += 1;
        let number = self.number;
        self.ops.insert(number, ops);
        self.calls.push(Box::pin(async move { (number, call.await) }));
    }

    /// Looks at the calls once, which makes new ones leave.
    pub fn look(&mut self) {
        while let Some(Some((number, landed))) = self.calls.next().now_or_never() {
            self.land(number, landed);
        }
    }

    fn land(&mut self, number: u64, landed: Landed) {
        self.ops.remove(&number);
        self.landed.push_back(landed);
    }

    /// Does something else while the calls go on.
    pub async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            if self.calls.is_empty() {
                return work.await;
            }
            match select(work.as_mut(), self.calls.next()).await {
                Either::Left((done, _)) => return done,
                Either::Right((Some((number, landed)), _)) => self.land(number, landed),
                Either::Right((None, _)) => {}
            }
        }
    }

    /// Waits for what comes next. The wish to stop comes first: answers may follow
    /// each other without a pause.
    pub async fn next(&mut self) -> Next {
        while self.stops.next().now_or_never().flatten().is_some() {
            if let Some(next) = self.ask_to_stop() {
                return next;
            }
        }
        loop {
            if let Some(landed) = self.landed.pop_front() {
                return Next::Landed(Box::new(landed));
            }
            if self.calls.is_empty() {
                return Next::Nothing;
            }
            match wait(&mut self.calls, &mut self.stops, self.time_up.as_mut()).await {
                Woken::Landed(number, landed) => self.land(number, *landed),
                Woken::TimeUp => return Next::CutOff,
                Woken::Asked => {
                    if let Some(next) = self.ask_to_stop() {
                        return next;
                    }
                }
            }
        }
    }

    /// Does something that a wish to stop ends at once; `None` when there was one.
    pub async fn unless_stopped<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let asked = next_of(&mut self.stops);
        match select(pin!(asked), pin!(work)).await {
            Either::Left(_) => None,
            Either::Right((done, _)) => Some(done),
        }
    }

    /// What else landed by now.
    pub fn landed(&mut self) -> Option<Landed> {
        self.landed.pop_front()
    }

    /// The user asked once more.
    fn ask_to_stop(&mut self) -> Option<Next> {
        self.asked += 1;
        debug!(times = self.asked, "asked to stop");
        match self.asked {
            1 => {
                self.org.stop_writing();
                Some(Next::Stop)
            }
            2 => {
                self.time_up = Some(Box::pin(self.org.pause(GRACE)));
                None
            }
            _ => Some(Next::CutOff),
        }
    }

    /// Gives up the calls under way; the ops that they held.
    pub fn cut_off(&mut self) -> Vec<usize> {
        self.calls = FuturesUnordered::new();
        std::mem::take(&mut self.ops).into_values().flatten().collect()
    }
}

/// What ends a wait.
enum Woken {
    Landed(u64, Box<Landed>),
    Asked,
    TimeUp,
}

/// Waits for a call, a wish to stop, or the end of the time that calls have.
async fn wait<'a>(
    calls: &mut FuturesUnordered<Flying<'a>>,
    stops: &mut Stops<'_>,
    time_up: Option<&mut Pin<Box<dyn Future<Output = ()> + 'a>>>,
) -> Woken {
    let time_up = async {
        match time_up {
            Some(time_up) => time_up.await,
            None => std::future::pending().await,
        }
    };
    let asked = next_of(stops);
    let ends = pin!(async {
        match select(pin!(asked), pin!(time_up)).await {
            Either::Left(_) => Woken::Asked,
            Either::Right(_) => Woken::TimeUp,
        }
    });
    match select(calls.next(), ends).await {
        Either::Left((Some((number, landed)), _)) => Woken::Landed(number, Box::new(landed)),
        Either::Left((None, ends)) => ends.await,
        Either::Right((woken, _)) => woken,
    }
}

/// The next wish to stop; a stream that has ended brings none.
async fn next_of(stops: &mut Stops<'_>) {
    if stops.next().await.is_none() {
        std::future::pending::<()>().await;
    }
}
