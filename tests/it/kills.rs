//! Real processes that are killed, or asked to stop: the org is a process of its own, and
//! a proxy between the two says when.

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Output;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::body::to_bytes;
use axum::extract::State;
use axum::http::Request;
use axum::http::Response;
use nix::sys::signal::Signal;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde_json::Value as Json;
use tokio::sync::Notify;

use crate::support::client;

/// So many times a run is killed.
const ROUNDS: usize = 100;
/// Calls of a run of the file, about.
const CALLS: usize = 19;

/// A process that ends with whoever holds it.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An org as a process of its own.
struct Org {
    _process: Ending,
    url: String,
    token: String,
}

impl Org {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_orgform"))
            .args(["org", "serve", "--seed-org", "users=2,seats=unlimited"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the org starts");
        let mut line = String::new();
        let output = process.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let ready: Json = serde_json::from_str(&line).expect("JSON");
        let text = |name: &str| ready[name].as_str().expect("a text").to_owned();
        Self { url: text("instance_url"), token: text("access_token"), _process: Ending(process) }
    }

    async fn count(&self, soql: &str) -> usize {
        let encoded: String = soql.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let request = client()
            .get(format!("{}/services/data/v63.0/query?q={encoded}", self.url))
            .bearer_auth(&self.token);
        let text = request.send().await.expect("an answer").text().await.expect("a body");
        let answer: Json = serde_json::from_str(&text).expect("JSON");
        answer["records"].as_array().expect("records").len()
    }
}

/// At which call it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// The nth of all.
    Call(usize),
    /// The first of these.
    First(&'static str),
}

/// What happens at one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// The process is killed before the org has the call.
    KilledBefore,
    /// The process is killed once the org did it.
    KilledAfter,
    /// The call hangs until it is let go; then it is answered.
    Hangs,
}

struct Proxy {
    to: String,
    client: reqwest::Client,
    calls: AtomicUsize,
    at: At,
    event: Event,
    process: Mutex<Option<i32>>,
    /// Woken when the event happens.
    happened: Notify,
    /// Lets a hanging call go.
    go: Notify,
    /// Mails that the org sent, by the path of their calls.
    mails: Mutex<BTreeMap<String, usize>>,
}

async fn pass_on(proxy: &Proxy, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let is_mail = path.ends_with("/password");
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let mut onward = proxy.client.request(parts.method, format!("{}{path}", proxy.to));
    for (name, value) in &parts.headers {
        if name != "host" && name != "content-length" {
            onward = onward.header(name, value);
        }
    }
    let answer = onward.body(body).send().await.expect("the org answers");
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    if is_mail && answer.status() == 200 {
        *proxy.mails.lock().expect("no panic").entry(path).or_default() += 1;
    }
    if let Some(kind) = answer.headers().get("content-type") {
        response.headers_mut().insert("content-type", kind.clone());
    }
    *response.body_mut() = Body::from(answer.bytes().await.expect("a body"));
    response
}

async fn handle(State(proxy): State<Arc<Proxy>>, request: Request<Body>) -> Response<Body> {
    let is_there = match proxy.at {
        At::Call(nth) => proxy.calls.fetch_add(1, Ordering::Relaxed) == nth,
        At::First(part) => {
            let path = format!("{} {}", request.method(), request.uri().path());
            path.contains(part) && proxy.calls.fetch_add(1, Ordering::Relaxed) == 0
        }
    };
    if !is_there {
        return pass_on(&proxy, request).await;
    }
    match proxy.event {
        Event::Hangs => {
            let go = proxy.go.notified();
            proxy.happened.notify_one();
            go.await;
            pass_on(&proxy, request).await
        }
        event => {
            if event == Event::KilledAfter {
                pass_on(&proxy, request).await;
            }
            let process = *proxy.process.lock().expect("no panic");
            if let Some(process) = process {
                let _ = kill(Pid::from_raw(process), Signal::SIGKILL);
            }
            std::future::pending().await
        }
    }
}

impl Proxy {
    async fn between(org: &Org, at: At, event: Event) -> (Arc<Self>, String) {
        let proxy = Arc::new(Self {
            to: org.url.clone(),
            client: client(),
            calls: AtomicUsize::new(0),
            at,
            event,
            process: Mutex::default(),
            happened: Notify::new(),
            go: Notify::new(),
            mails: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = axum::Router::new().fallback(handle).with_state(Arc::clone(&proxy));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (proxy, format!("http://{address}"))
    }
}

fn yaml() -> String {
    let users: String = (0..4)
        .map(|n| {
            format!(
                "  u{n}@robots.example: {{ last_name: U{n}, email: u@robots.example, profile: Robots, permission_set_licenses: [Salesforce API Integration], permission_sets: [S, coconut__Coconut_Integration_Config], password: email_reset_link }}\n"
            )
        })
        .collect();
    format!(
        "version: 1\nprofiles:\n  Robots: {{ clone_from: Minimum Access - API Only Integrations }}\npermission_sets:\n  S: {{ system_permissions: [View Setup and Configuration] }}\nusers:\n{users}"
    )
}

fn command(folder: &std::path::Path, url: &str, org: &Org, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orgform"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("SF_INSTANCE_URL", url)
        .env("SF_ACCESS_TOKEN", &org.token)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().expect("it runs")).await.expect("it ends")
}

fn text(output: &Output) -> String {
    format!(
        "{}{}{:?}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        output.status
    )
}

const APPLY: [&str; 3] = ["apply", "access.yaml", "--auto-approve"];

/// One run that is killed at a call, and what follows. Whether it was caught.
async fn round(number: usize) -> bool {
    let org = Org::start();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("access.yaml"), yaml()).expect("the file");
    let event = if number.is_multiple_of(2) { Event::KilledBefore } else { Event::KilledAfter };
    let (proxy, url) = Proxy::between(&org, At::Call(number / 2 % CALLS), event).await;
    let what = format!("round {number}, {event:?} call {}", number / 2 % CALLS);
    let child = command(folder.path(), &url, &org, &APPLY).spawn().expect("it starts");
    *proxy.process.lock().expect("no panic") = i32::try_from(child.id()).ok();
    let killed = tokio::task::spawn_blocking(move || child.wait_with_output().expect("it ends"));
    let killed = killed.await.expect("it ends");
    let is_caught = killed.status.code().is_none();
    // What comes now is left in peace.
    proxy.calls.store(usize::MAX / 2, Ordering::Relaxed);
    let again = run(command(folder.path(), &url, &org, &APPLY)).await;
    let is_reported = text(&again).contains("not known to have gone out");
    assert!(again.status.success() || is_reported, "{what}: {}", text(&again));
    let plan = ["plan", "access.yaml", "--detailed-exitcode"];
    let planned = run(command(folder.path(), &url, &org, &plan)).await;
    assert!(planned.status.success(), "{what}: {}", text(&planned));
    let assigned = "SELECT Id FROM PermissionSetAssignment WHERE Assignee.Profile.Name = 'Robots' AND PermissionSet.IsOwnedByProfile = false";
    assert_eq!(org.count(assigned).await, 8, "{what}");
    let mails = proxy.mails.lock().expect("no panic").clone();
    assert!(mails.values().all(|count| *count == 1), "{what}: nobody is mailed twice: {mails:?}");
    assert!(mails.len() == 4 || is_reported, "{what}: {mails:?}, and nobody is told");
    let destroy = ["destroy", "access.yaml", "--auto-approve"];
    let destroyed = run(command(folder.path(), &url, &org, &destroy)).await;
    assert!(destroyed.status.success(), "{what}: {}", text(&destroyed));
    let active = "SELECT Id FROM User WHERE IsActive = true AND Username LIKE 'u%@robots.example'";
    assert_eq!(org.count(active).await, 0, "{what}: all that was made is known to be ours");
    assert_eq!(org.count("SELECT Id FROM Profile WHERE Name = 'Robots'").await, 0, "{what}");
    is_caught
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_is_resolved_by_the_next_and_nothing_is_made_twice() {
    let mut caught = 0;
    for number in 0..ROUNDS {
        caught += usize::from(round(number).await);
    }
    assert!(caught * 2 > ROUNDS, "{caught} of {ROUNDS} runs were caught before their end");
}

/// A run whose call hangs and that is asked to stop so many times.
async fn asked(signal: Signal, times: usize, at: At) -> (ExitStatus, String, Duration) {
    let org = Org::start();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("access.yaml"), yaml()).expect("the file");
    let (proxy, url) = Proxy::between(&org, at, Event::Hangs).await;
    let apply = [APPLY.as_slice(), &["-v"]].concat();
    let mut child = command(folder.path(), &url, &org, &apply).spawn().expect("it starts");
    let errors = child.stderr.take().expect("its errors");
    let process = Pid::from_raw(i32::try_from(child.id()).expect("a number"));
    proxy.happened.notified().await;
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output().expect("it ends"));
    let mut errors = BufReader::new(errors);
    let begun = tokio::time::Instant::now();
    let said = tokio::task::spawn_blocking(move || {
        let mut said = String::new();
        for asked in 1..=times {
            kill(process, signal).expect("it is told");
            // Two that come at once are one to the system: the next comes once it says that
            // it has this one. One that has nothing to finish says nothing and ends.
            let line = format!("asked to stop times={asked}");
            while errors.read_line(&mut said).expect("its errors") > 0 && !said.contains(&line) {}
        }
        (said, errors)
    });
    let (mut said, mut errors) = said.await.expect("it is told");
    if times == 1 && at == WRITE {
        assert!(!ended.is_finished(), "what is under way is waited for");
        proxy.go.notify_one();
    }
    let output = ended.await.expect("it ends");
    let took = begun.elapsed();
    errors.read_to_string(&mut said).expect("its errors");
    // Whatever became of it, the next run goes on.
    let again = run(command(folder.path(), &org.url, &org, &APPLY)).await;
    let is_reported = text(&again).contains("not known to have gone out");
    assert!(again.status.success() || is_reported, "{}", text(&again));
    (output.status, text(&output) + &said, took)
}

/// The insert of users.
const WRITE: At = At::First("POST /services/data/v63.0/composite/sobjects");
/// The first question.
const QUESTION: At = At::Call(0);

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_asked_once_waits_for_what_is_under_way() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (status, text, _) = asked(signal, 1, WRITE).await;
        assert_eq!(status.code(), Some(1), "{text}");
        assert!(text.contains("Apply stopped"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_asked_twice_waits_five_seconds_at_most() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (status, text, took) = asked(signal, 2, WRITE).await;
        assert_eq!(status.code(), Some(1), "{text}");
        assert!(text.contains("Calls were cut off"), "{text}");
        let seconds = Duration::from_secs(4)..Duration::from_secs(9);
        assert!(seconds.contains(&took), "{took:?}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_asked_three_times_ends_at_once() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (status, text, took) = asked(signal, 3, WRITE).await;
        assert_eq!(status.code(), Some(1), "{text}");
        assert!(text.contains("Calls were cut off"), "{text}");
        // Far from the five seconds that two would wait.
        assert!(took < Duration::from_secs(4), "{took:?}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_only_asks_ends_with_the_first_signal() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (status, text, took) = asked(signal, 1, QUESTION).await;
        assert!(!status.success(), "{text}");
        assert!(took < Duration::from_secs(3), "{took:?}: {text}");
    }
}
