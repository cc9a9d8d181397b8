//! A seeded simulator: whole runs of the command line against an org in the same
//! process, under a time that passes at once, with faults where a seed says so.
//!
//! Only HTTP messages cross between the two. After each seed and a clean run nothing may
//! be lost, done twice, or taken for done that isn't (`check`). A seed that fails prints
//! how it is run alone:
//!
//! ```text
//! ORGFORM_SEED=4711 cargo test --test it simulator -- --nocapture
//! ORGFORM_SEEDS=100000 cargo test --release --test it simulator
//! ```

mod check;
mod schedule;
mod server;
mod trial;
mod wire;

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use trial::Trial;

/// As many seeds as a build server runs.
const SEEDS: u64 = 2_000;
/// Of so many seeds one goes over a real connection.
const REAL: u64 = 50;
/// Of so many seeds one is run twice, which must make the same calls.
const TWICE: u64 = 40;

/// Whether a seed goes over a real connection, under the real time.
fn is_real(seed: u64) -> bool {
    seed.is_multiple_of(REAL)
}

/// One seed, from an empty folder to an org that is as it was.
fn run(seed: u64) -> Vec<String> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime =
        if is_real(seed) { runtime.enable_all() } else { runtime.enable_time().start_paused(true) };
    runtime.build().expect("a runtime").block_on(async {
        let mut trial = Trial::new(seed);
        trial.run(is_real(seed)).await;
        trial.trace()
    })
}

/// Runs a seed; what went wrong, with what happened.
fn attempt(seed: u64) -> Result<Vec<String>, String> {
    std::panic::catch_unwind(AssertUnwindSafe(|| run(seed))).map_err(|cause| {
        let text = cause.downcast_ref::<String>().cloned();
        text.or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "it panicked".to_owned())
    })
}

#[expect(clippy::disallowed_methods, reason = "how many seeds is asked of whoever runs it")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
#[expect(clippy::print_stdout, reason = "the calls of one seed, for whoever asked")]
fn whatever_happens_nothing_is_lost_or_done_twice_or_taken_for_done() {
    if let Some(seed) = number("ORGFORM_SEED") {
        for line in run(seed) {
            println!("{line}");
        }
        return;
    }
    let seeds = number("ORGFORM_SEEDS").unwrap_or(SEEDS);
    let first = number("ORGFORM_FIRST_SEED").unwrap_or(0);
    let next = AtomicU64::new(first);
    let failures: Mutex<Vec<(u64, String)>> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds || failures.lock().expect("no panic").len() >= 5 {
                        return;
                    }
                    let ran = attempt(seed).and_then(|trace| {
                        let is_run_twice = seed.is_multiple_of(TWICE) && !is_real(seed);
                        let again = if is_run_twice { attempt(seed)? } else { trace.clone() };
                        if again == trace { Ok(()) } else { Err(differing(&trace, &again)) }
                    });
                    if let Err(reason) = ran {
                        failures.lock().expect("no panic").push((seed, reason));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().expect("no panic");
    failures.sort();
    let told: Vec<String> = failures
        .iter()
        .map(|(seed, reason)| {
            format!("seed {seed}: ORGFORM_SEED={seed} cargo test --test it simulator -- --nocapture\n{reason}")
        })
        .collect();
    assert!(told.is_empty(), "{} seeds failed, the first:\n{}", told.len(), told.join("\n\n"));
}

/// The first call in which two runs of a seed differ.
fn differing(first: &[String], second: &[String]) -> String {
    let place = first.iter().zip(second).position(|(left, right)| left != right);
    let place = place.unwrap_or_else(|| first.len().min(second.len()));
    format!(
        "the same seed made other calls, from call {place} on: {:?} and {:?}",
        first.get(place),
        second.get(place)
    )
}
