//! One seed: an org that somebody filled, a file, runs that are struck, and runs that
//! are left in peace.

use orgform::model::UnixMillis;
use std::io::Cursor;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::Either;
use futures_util::future::select;
use futures_util::stream;
use orgform::cli::Environment;
use orgform::cli::Terminal;
use orgform::local_org::Doubts;
use orgform::local_org::InProcess;
use orgform::local_org::Options;
use orgform::local_org::Seed;
use orgform::org::HttpWire;
use orgform::org::Wire;
use serde_json::json;

use super::schedule::Schedule;
use super::schedule::Shape;
use super::schedule::Strike;
use super::schedule::Torn;
use super::server;
use super::wire::End;
use super::wire::SimWire;
use super::wire::URL;
use crate::support::copy;

/// 2026-12-01 09:00:00 UTC, in seconds.
const NOW: i64 = 1_796_115_600;
/// So many runs are struck before one is left in peace.
const STRUCK: usize = 4;

/// What a run came to.
pub struct Ran {
    /// Its exit code; `None` when it was ended from outside.
    pub code: Option<u8>,
    /// All that it printed.
    pub text: String,
}

/// One seed.
pub struct Trial {
    pub schedule: Schedule,
    pub wire: Arc<SimWire>,
    pub org_id: String,
    token: String,
    place: tempfile::TempDir,
    folder: PathBuf,
    entropy: Arc<AtomicU64>,
    /// Where the org is reached over a real connection, in the seeds that use one.
    server: Option<String>,
    moves: usize,
    /// The log's length before and after it was torn last.
    torn: Option<(u64, u64)>,
    /// All that was printed so far.
    pub printed: String,
}

impl Trial {
    pub fn new(seed: u64) -> Self {
        let schedule = Schedule::of(seed);
        let options = Options {
            seed: Seed { users: 0, seats: Some(-1), ..Seed::default() },
            doubts: Doubts { rest_inserts_profiles: seed.is_multiple_of(3), ..Doubts::default() },
            ..Options::new(seed)
        };
        let begun = tokio::time::Instant::now();
        let clock: Arc<dyn Fn() -> i64 + Send + Sync> =
            Arc::new(move || NOW + i64::try_from(begun.elapsed().as_secs()).unwrap_or(0));
        let org = InProcess::open(&options, &clock).expect("an org");
        let place = tempfile::tempdir_in(fast_place()).expect("a folder");
        let folder = place.path().join("0");
        std::fs::create_dir_all(&folder).expect("a folder");
        Self {
            schedule,
            org_id: org.org_id.clone(),
            token: org.access_token.clone(),
            wire: Arc::new(SimWire::new(org)),
            place,
            folder,
            entropy: Arc::new(AtomicU64::new(7)),
            server: None,
            moves: 0,
            torn: None,
            printed: String::new(),
        }
    }

    pub fn trace(&self) -> Vec<String> {
        self.wire.seen().trace.clone()
    }

    /// Fails with all that happened.
    #[track_caller]
    pub fn fail(&self, why: &str) -> ! {
        let trace = self.trace().join("\n");
        panic!("{why}\n{:?}\n--- calls\n{trace}\n--- printed\n{}", self.schedule, self.printed);
    }

    /// From an empty folder to an org that is as it was.
    pub async fn run(&mut self, is_real: bool) {
        if is_real {
            self.server = Some(server::open(Arc::clone(&self.wire)).await);
        }
        self.fill().await;
        std::fs::write(self.folder.join("access.yaml"), self.yaml()).expect("the file");
        let parallelism = self.schedule.parallelism.to_string();
        let apply =
            ["apply", "access.yaml", "--auto-approve", "--parallelism", parallelism.as_str()];
        let strikes = self.schedule.apply.clone();
        self.struck(&apply, &strikes).await;
        self.in_peace(&apply).await;
        self.is_settled().await;
        self.is_as_declared().await;
        self.owns_what_it_made().await;
        self.told_of_each_mail().await;
        let destroy = ["destroy", "access.yaml", "--auto-approve"];
        let strikes = self.schedule.destroy.clone();
        self.struck(&destroy, &strikes).await;
        self.in_peace(&destroy).await;
        self.left_what_is_not_ours().await;
    }

    /// Runs a command until it succeeds or there were enough, with faults.
    async fn struck(&mut self, arguments: &[&str], strikes: &[Strike]) {
        self.wire.strikes(strikes);
        for round in 0..STRUCK {
            let is_full = self.schedule.disk_full && round == 1 && arguments[0] == "apply";
            let before = self.wire.seen().writes;
            let log = self.state().join("state.log");
            let aside = self.state().join("aside");
            if is_full {
                fill_disk(&log, &aside);
            }
            let ran = self.command(arguments).await;
            if is_full {
                free_disk(&log, &aside);
                if self.wire.seen().writes != before {
                    self.fail("a write left before it was announced on a disk that is full");
                }
            }
            if self.schedule.loses_cache {
                let _ = std::fs::remove_dir_all(self.state().join("cache.sled"));
            }
            if ran.code == Some(0) {
                break;
            }
        }
        self.wire.strikes(&[]);
        self.wire.settle().await;
    }

    /// Runs a command that nothing strikes: it finishes.
    async fn in_peace(&mut self, arguments: &[&str]) {
        let first = self.command(arguments).await;
        let is_reported = first.text.contains("not known to have gone out");
        match first.code {
            Some(0) => {}
            // What somebody else gave needs what is ours: the org is right to refuse.
            Some(1) if arguments[0] == "destroy" && self.wire.seen().has_given => {}
            Some(1) if is_reported => {
                let second = self.command(arguments).await;
                if second.code != Some(0) {
                    self.fail("a second run in peace does not finish");
                }
            }
            _ => self.fail("a run in peace does not finish"),
        }
    }

    /// A plan finds nothing to do, from the org and from the state alone.
    async fn is_settled(&mut self) {
        for refresh in ["true", "false"] {
            let plan = ["plan", "access.yaml", "--detailed-exitcode", "--refresh", refresh];
            if self.command(&plan).await.code != Some(0) {
                self.fail("it does not converge");
            }
        }
    }

    /// Runs orgform, and goes on from a copy where it was killed.
    pub async fn command(&mut self, arguments: &[&str]) -> Ran {
        let output = Arc::new(Mutex::new(Vec::new()));
        let environment = self.environment(&output);
        let all = std::iter::once("orgform").chain(arguments.iter().copied()).map(Into::into);
        let woken = Arc::clone(&self.wire.woken);
        {
            let mut seen = self.wire.seen();
            seen.asked = 0;
            seen.runs += 1;
        }
        let mut running = Box::pin(orgform::cli::run(all.collect(), environment));
        let code = loop {
            let ended = std::pin::pin!(woken.notified());
            match select(running.as_mut(), ended).await {
                Either::Left((code, _)) => break Some(code),
                Either::Right(_) => {
                    let end = self.wire.seen().end.take();
                    if let Some(end) = end {
                        self.go_on_from_a_copy(end);
                        break None;
                    }
                }
            }
        };
        drop(running);
        let text = String::from_utf8_lossy(&output.lock().expect("no panic")).into_owned();
        let wrong = self.wire.seen().wrong.take();
        self.printed.push_str(&format!("$ orgform {}\n{text}--- {code:?}\n", arguments.join(" ")));
        if let Some(wrong) = wrong {
            self.fail(&wrong);
        }
        Ran { code, text }
    }

    fn environment(&self, output: &Arc<Mutex<Vec<u8>>>) -> Environment {
        let (token, entropy) = (self.token.clone(), Arc::clone(&self.entropy));
        let stops = Arc::clone(&self.wire);
        let wire: Arc<dyn Wire> = match &self.server {
            Some(_) => Arc::new(HttpWire::default()),
            None => Arc::clone(&self.wire) as Arc<dyn Wire>,
        };
        let url = self.server.clone().unwrap_or_else(|| URL.to_owned());
        // Under the real time pauses and time-outs are short.
        let share = if self.server.is_some() { 200 } else { 1 };
        let begun = tokio::time::Instant::now();
        let clock = Arc::clone(&self.wire);
        let started = NOW * 1000;
        let elapsed = Arc::new(move || begun.elapsed());
        let passed = Arc::clone(&elapsed);
        Environment {
            variable: Arc::new(move |name| match name {
                "SF_INSTANCE_URL" => Some(url.clone()),
                "SF_ACCESS_TOKEN" => Some(token.clone()),
                _ => None,
            }),
            folder: self.folder.clone(),
            temporary: self.folder.join("temporary"),
            clock: Arc::new(move || {
                let hours = clock.seen().hours;
                UnixMillis(
                    started + hours * 3_600_000 + i64::try_from(passed().as_millis()).unwrap_or(0),
                )
            }),
            monotonic: elapsed,
            sleep: Arc::new(move |wait: Duration| Box::pin(tokio::time::sleep(wait / share))),
            wire,
            entropy: Arc::new(move || entropy.fetch_add(1, Ordering::Relaxed)),
            process: 4242,
            terminal: Terminal { input: false, output: false, errors: false, color: false },
            input: Arc::new(Mutex::new(Cursor::new(Vec::new()))),
            output: Arc::clone(output) as Arc<Mutex<dyn Write + Send>>,
            errors: Arc::clone(output) as Arc<Mutex<dyn Write + Send>>,
            stops: Arc::new(move || {
                let wire = Arc::clone(&stops);
                Box::pin(stream::unfold(wire, |wire| async move {
                    loop {
                        let woken = Arc::clone(&wire.woken);
                        let asked = woken.notified();
                        {
                            let mut seen = wire.seen();
                            if seen.asked > 0 {
                                seen.asked -= 1;
                                drop(seen);
                                return Some(((), wire));
                            }
                        }
                        asked.await;
                    }
                }))
            }),
        }
    }

    /// The process is gone: what is on disk at this moment is all there is.
    fn go_on_from_a_copy(&mut self, end: End) {
        self.moves += 1;
        let copied = self.place.path().join(self.moves.to_string());
        copy(&self.folder, &copied);
        self.folder = copied;
        if let End::PowerLost(torn) = end {
            let state = self.state();
            let _ = std::fs::remove_dir_all(state.join("cache.sled"));
            let _ = std::fs::remove_file(state.join("last.json"));
            self.torn = tear(&state.join("state.log"), torn, self.torn);
        }
    }

    pub fn state(&self) -> PathBuf {
        self.folder.join("state").join(&self.org_id)
    }

    /// What is in the org before orgform comes: others with what they hold, and one of
    /// ours where it is to be adopted.
    async fn fill(&self) {
        let profile = self.wire.query("SELECT Id FROM Profile WHERE Name = 'Standard User'").await;
        let profile = profile[0]["Id"].clone();
        let user = |name: &str| {
            json!({
                "Username": format!("{name}@robots.example"), "LastName": name, "Alias": name,
                "Email": "x@robots.example", "ProfileId": profile, "TimeZoneSidKey": "GMT",
                "LocaleSidKey": "en_US", "EmailEncodingKey": "UTF-8", "LanguageLocaleKey": "en_US",
            })
        };
        let other = self.wire.make("User", user("other")).await.expect("another user");
        let sets = "SELECT Id FROM PermissionSet WHERE Name = 'Coconut_Integration_Config'";
        let set = self.wire.query(sets).await[0]["Id"].clone();
        let assignment = json!({"AssigneeId": other, "PermissionSetId": set});
        self.wire.make("PermissionSetAssignment", assignment).await.expect("an assignment");
        if self.schedule.adopts {
            self.wire.make("User", user("u0")).await.expect("a user to adopt");
        }
    }

    /// The file.
    fn yaml(&self) -> String {
        let mut text = "version: 1\nprofiles:\n  Robots: { clone_from: Minimum Access - API Only Integrations }\npermission_sets:\n  S0: { label: Zero, system_permissions: [View Setup and Configuration] }\n".to_owned();
        if self.schedule.shape == Shape::Deploy {
            for number in 1..=101 {
                text.push_str(&format!("  S{number}: {{ label: Set {number} }}\n"));
            }
        }
        if self.schedule.shape == Shape::Group {
            text.push_str("  S1: { objects: { Account: { access: [read, edit] } } }\npermission_set_groups:\n  G: { permission_sets: [S0, S1], muting: { objects: { Account: { access: [edit] } } } }\n");
        }
        text.push_str("users:\n");
        for number in 0..self.schedule.users {
            let group = match self.schedule.shape {
                Shape::Group => "permission_set_groups: [G], ",
                _ => "",
            };
            text.push_str(&format!(
                "  u{number}@robots.example: {{ last_name: U{number}, email: u@robots.example, profile: Robots, permission_set_licenses: [Salesforce API Integration], permission_sets: [S0, coconut__Coconut_Integration_Config], {group}password: email_reset_link }}\n"
            ));
        }
        text
    }
}

/// A place in memory, where there is one: no fsync is waited for.
fn fast_place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// What a power failure leaves of a line that was being written; the log's length before
/// and after. Whoever writes cuts off first what was torn before, so that it goes.
fn tear(log: &Path, torn: Torn, before: Option<(u64, u64)>) -> Option<(u64, u64)> {
    let line = "{\"sum\":\"0123456789abcdef\",\"entry\":{\"serial\":12345,\"begin\":[]}}";
    let bytes: Vec<u8> = match torn {
        Torn::Nothing => Vec::new(),
        Torn::Half => line.as_bytes()[..30].to_vec(),
        Torn::Zeros => vec![0; 700],
        Torn::Garbage => [&line.as_bytes()[20..], b"\n"].concat(),
    };
    let mut file = std::fs::OpenOptions::new().append(true).open(log).ok()?;
    let length = |file: &std::fs::File| file.metadata().expect("a log").len();
    if let Some((whole, torn)) = before
        && torn == length(&file)
    {
        file.set_len(whole).expect("cuts it off");
    }
    let whole = length(&file);
    file.write_all(&bytes).expect("tears it");
    Some((whole, length(&file)))
}

/// Nothing more can be written to the log.
fn fill_disk(log: &Path, aside: &Path) {
    let _ = std::fs::rename(log, aside);
    if let Some(folder) = log.parent()
        && folder.is_dir()
    {
        // A log that is a folder can't be opened for writing.
        std::fs::create_dir(log).expect("a folder in its place");
    }
}

fn free_disk(log: &Path, aside: &Path) {
    let _ = std::fs::remove_dir(log);
    let _ = std::fs::rename(aside, log);
}
