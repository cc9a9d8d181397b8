//! Faults on the wire and kills of the process: whatever happens in the
//! middle, the next run ends as if nothing had.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::body::to_bytes;
use axum::extract::State;
use axum::http::Request;
use axum::http::Response;
use serde_json::json;

use crate::support::World;
use crate::support::client;
use crate::support::copy;
use crate::support::example;

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The org does what is asked, and the answer is lost on the way.
    AnswerLost,
    /// The call never arrives, and the connection breaks.
    NeverSent,
    /// The org is busy and takes nothing up.
    Busy,
    /// The org answers with a page of its load balancer.
    BadGateway,
    /// The password mail is asked for, and no answer ever comes.
    MailHangs,
}

struct Proxy {
    to: String,
    client: reqwest::Client,
    calls: AtomicUsize,
    fault: Fault,
    /// Which call it strikes, counted from 0, and how many in a row.
    strikes: std::ops::Range<usize>,
}

async fn pass_on(proxy: &Proxy, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let mut onward = proxy.client.request(parts.method, format!("{}{path}", proxy.to));
    for (name, value) in &parts.headers {
        if name != "host" && name != "content-length" {
            onward = onward.header(name, value);
        }
    }
    let answer = onward.body(body).send().await.expect("the org answers");
    let status = answer.status();
    let kind = answer.headers().get("content-type").cloned();
    let usage = answer.headers().get("sforce-limit-info").cloned();
    let mut response = Response::new(Body::from(answer.bytes().await.expect("a body")));
    *response.status_mut() = status;
    for (name, value) in [("content-type", kind), ("sforce-limit-info", usage)] {
        if let Some(value) = value {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

async fn handle(State(proxy): State<Arc<Proxy>>, request: Request<Body>) -> Response<Body> {
    let number = proxy.calls.fetch_add(1, Ordering::Relaxed);
    if !proxy.strikes.contains(&number) {
        return pass_on(&proxy, request).await;
    }
    let broken = || {
        // A body that fails breaks the connection before the answer is whole.
        let failing = futures_util::stream::once(async {
            Err::<Vec<u8>, _>(std::io::Error::other("broken"))
        });
        Response::new(Body::from_stream(failing))
    };
    match proxy.fault {
        Fault::AnswerLost => {
            pass_on(&proxy, request).await;
            broken()
        }
        Fault::NeverSent => broken(),
        Fault::Busy => {
            let body = json!([{"message": "busy", "errorCode": "SERVER_UNAVAILABLE"}]);
            let mut response = Response::new(Body::from(body.to_string()));
            *response.status_mut() = axum::http::StatusCode::SERVICE_UNAVAILABLE;
            response
        }
        Fault::MailHangs if request.uri().path().ends_with("/password") => {
            std::future::pending().await
        }
        Fault::MailHangs => pass_on(&proxy, request).await,
        Fault::BadGateway => {
            let mut response = Response::new(Body::from("<html>502 Bad Gateway</html>"));
            *response.status_mut() = axum::http::StatusCode::BAD_GATEWAY;
            response
        }
    }
}

/// An endpoint of the world's org in which one fault waits.
async fn with_fault(world: &World, fault: Fault, strikes: std::ops::Range<usize>) {
    let proxy = Arc::new(Proxy {
        to: world.org().instance_url.clone(),
        client: client(),
        calls: AtomicUsize::new(0),
        fault,
        strikes,
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = axum::Router::new().fallback(handle).with_state(proxy);
    tokio::spawn(async move { axum::serve(listener, router).await });
    world.set("SF_INSTANCE_URL", &format!("http://{address}"));
}

async fn is_whole(world: &World, what: &str) {
    let rows = world
        .query("SELECT AssigneeId, PermissionSetId FROM PermissionSetAssignment WHERE Assignee.Username = 'integration@coconut.example' AND PermissionSet.IsOwnedByProfile = false")
        .await;
    let distinct: BTreeSet<String> =
        rows.iter().map(|row| row["PermissionSetId"].to_string()).collect();
    assert_eq!((rows.len(), distinct.len()), (2, 2), "{what}: both sets, once each");
    assert_eq!(
        world
            .query("SELECT Id FROM User WHERE Username = 'integration@coconut.example'")
            .await
            .len(),
        1,
        "{what}"
    );
    world.is_settled(what).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_fault_at_any_call_is_survived_within_the_run() {
    for fault in [Fault::AnswerLost, Fault::NeverSent, Fault::Busy, Fault::BadGateway] {
        for call in 0..14 {
            let what = format!("{fault:?} at call {call}");
            let world = World::new().await;
            world.write("access.yaml", example());
            with_fault(&world, fault, call..call + 1).await;
            let applied = world.run(&["apply", "access.yaml", "--auto-approve"]).await;
            // A mail of which no answer tells is told, and is no success.
            let is_mail = applied.output.contains("password mail went out is not known");
            assert_eq!(applied.code, u8::from(is_mail), "{what}: {}", applied.whole());
            is_whole(&world, &what).await;
            let destroyed = world.run(&["destroy", "access.yaml", "--auto-approve"]).await;
            assert_eq!(destroyed.code, 0, "{what}: {}", destroyed.whole());
            assert!(
                world
                    .query("SELECT Id FROM Profile WHERE Name = 'Coconut Integration'")
                    .await
                    .is_empty(),
                "{what}: what we made is known to be ours"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_org_that_stays_away_fails_the_run_and_the_next_one_goes_on() {
    for call in [5, 8, 10] {
        let what = format!("away from call {call}");
        let world = World::new().await;
        world.write("access.yaml", example());
        with_fault(&world, Fault::AnswerLost, call..usize::MAX).await;
        let applied = world.run(&["apply", "access.yaml", "--auto-approve"]).await;
        assert_eq!(applied.code, 1, "{what}: {}", applied.whole());
        let direct = world.org().instance_url.clone();
        world.set("SF_INSTANCE_URL", &direct);
        let again = world.run(&["apply", "access.yaml", "--auto-approve"]).await;
        assert_eq!(again.code, 0, "{what}: {}", again.whole());
        is_whole(&world, &what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_that_stopped_half_way_is_undone_by_apply_and_finished_by_destroy() {
    for call in 0..12 {
        for finish in ["apply", "destroy"] {
            let what = format!("destroy away from call {call}, then {finish}");
            let world = World::new().await;
            world.converges("create", &example()).await;
            with_fault(&world, Fault::NeverSent, call..usize::MAX).await;
            world.run(&["destroy", "access.yaml", "--auto-approve"]).await;
            let direct = world.org().instance_url.clone();
            world.set("SF_INSTANCE_URL", &direct);
            let finished = world.run(&[finish, "access.yaml", "--auto-approve"]).await;
            assert_eq!(finished.code, 0, "{what}: {}", finished.whole());
            if finish == "apply" {
                is_whole(&world, &what).await;
                let user = &world
                    .query(
                        "SELECT IsActive FROM User WHERE Username = 'integration@coconut.example'",
                    )
                    .await[0];
                assert_eq!(user["IsActive"], json!(true), "{what}");
                let frozen = world.query("SELECT Id FROM UserLogin WHERE IsFrozen = true").await;
                assert!(frozen.is_empty(), "{what}: nobody is left frozen");
                world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
            }
            let active = world.query("SELECT Id FROM User WHERE IsActive = true").await;
            assert_eq!(active.len(), 1, "{what}");
            let profiles =
                world.query("SELECT Id FROM Profile WHERE Name = 'Coconut Integration'").await;
            assert!(profiles.is_empty(), "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ended_while_a_mail_was_sent_says_so_and_sends_no_second_one() {
    let world = World::new().await;
    world.write("access.yaml", example());
    with_fault(&world, Fault::MailHangs, 0..usize::MAX).await;
    let cut_off = tokio::time::timeout(
        Duration::from_secs(5),
        world.run(&["apply", "access.yaml", "--auto-approve"]),
    );
    assert!(cut_off.await.is_err(), "it waits for the answer until it is cut off");
    let direct = world.org().instance_url.clone();
    world.set("SF_INSTANCE_URL", &direct);
    let applied = world.run(&["apply", "access.yaml", "--auto-approve"]).await.fails();
    assert!(applied.output.contains("1 mail not known to have gone out"), "{}", applied.output);
    assert!(
        applied.output.contains("Whether a password mail went out can't be known"),
        "{}",
        applied.output
    );
    assert!(!applied.output.contains("can be repeated"), "{}", applied.output);
    assert!(!applied.output.contains("password mail done"), "{}", applied.output);
    is_whole(&world, "after the mail was cut off").await;
    world.run(&["apply", "access.yaml", "--auto-approve"]).await.succeeds();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_cache_is_rebuilt_from_the_files_beside_it() {
    let world = World::new().await;
    world.converges("create", &example()).await;
    let state = world.path().join("state").join(&world.org().org_id);
    std::fs::write(state.join("cache.sled/db"), b"this is no database").expect("damages it");
    let planned = world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await.succeeds();
    assert!(!planned.whole().contains("damaged"), "no harm, and no word: {}", planned.whole());
    assert!(planned.output.contains("No changes."), "{}", planned.output);
    let destroyed = world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    assert!(destroyed.output.contains("6 taken away"), "ownership is known: {}", destroyed.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_cache_is_rebuilt_too() {
    let world = World::new().await;
    world.converges("create", &example()).await;
    let state = world.path().join("state").join(&world.org().org_id);
    std::fs::remove_dir_all(state.join("cache.sled")).expect("removes it");
    world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await.succeeds();
    let destroyed = world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    assert!(destroyed.output.contains("6 taken away"), "ownership is known: {}", destroyed.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_state_is_refused_with_what_to_do() {
    let world = World::new().await;
    world.converges("create", &example()).await;
    let state = world.path().join("state").join(&world.org().org_id);
    std::fs::remove_dir_all(state.join("cache.sled")).expect("removes it");
    let base = state.join("state.json");
    let text = std::fs::read_to_string(&base)
        .expect("the copy")
        .replace("\"format_version\": 2", "\"format_version\": 3");
    std::fs::write(&base, &text).expect("writes it");
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    assert!(refused.errors.contains("format version 3"), "{}", refused.errors);
    assert_eq!(
        std::fs::read_to_string(&base).expect("the copy"),
        text,
        "nothing is written over it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_is_told_who_works_on_the_org() {
    let world = World::new().await;
    world.converges("create", &example()).await;
    let state = world.path().join("state").join(&world.org().org_id);
    let lock = std::fs::File::create(state.join("lock")).expect("a lock");
    lock.lock().expect("is taken");
    std::fs::write(
        state.join("lock.json"),
        r#"{"process":99,"machine":"laptop","command":"apply","since":"2026-12-01 08:59:00 UTC"}"#,
    )
    .expect("says who");
    let refused = world.run(&["apply", "access.yaml", "--auto-approve"]).await.fails();
    assert!(
        refused
            .errors
            .contains("`orgform apply`, process 99 on laptop, since 2026-12-01 08:59:00 UTC"),
        "{}",
        refused.errors
    );
    // Who only looks need not wait.
    let planned = world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await.succeeds();
    assert!(planned.output.contains("process 99 on laptop"), "{}", planned.output);
    assert!(planned.output.contains("No changes."), "{}", planned.output);
    world.run(&["state", "list"]).await.succeeds();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_line_of_the_log_costs_no_other() {
    let world = World::new().await;
    world.converges("create", &example()).await;
    let log = world.state().join("state.log");
    let mut bytes = std::fs::read(&log).expect("the log");
    bytes.extend_from_slice(
        b"{\"sum\":\"0011223344556677\",\"entry\":{\"serial\":99,\"set\":{\"user.\xc3",
    );
    std::fs::write(&log, bytes).expect("tears it");
    let more = example().replace("users:\n", "users:\n  late@robots.example: { last_name: Late, email: l@robots.example, profile: Standard User }\n");
    world.converges("one more", &more).await;
    std::fs::remove_dir_all(world.state().join("cache.sled")).expect("the cache is lost");
    let planned = world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await.succeeds();
    assert!(planned.output.contains("No changes."), "{}", planned.output);
    let destroyed = world.run(&["destroy", "access.yaml", "--auto-approve"]).await.succeeds();
    assert!(
        destroyed.output.contains("7 taken away"),
        "all are known to be ours: {}",
        destroyed.output
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_cache_beside_a_newer_copy_is_brought_up_to_it() {
    let world = World::new().await;
    world.converges("create", &example()).await;
    let (cache, aside) = (world.state().join("cache.sled"), world.path().join("older"));
    copy(&cache, &aside);
    let more = example().replace("users:\n", "users:\n  late@robots.example: { last_name: Late, email: l@robots.example, profile: Standard User }\n");
    world.converges("one more", &more).await;
    std::fs::remove_dir_all(&cache).expect("the cache is lost");
    copy(&aside, &cache);
    world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await.succeeds();
    let listed = world.run(&["state", "list"]).await.succeeds();
    assert!(listed.output.contains("user.late@robots.example"), "{}", listed.output);
}
