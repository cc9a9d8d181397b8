//! The local org's endpoints: HTTPS, the list of calls, the page for people, calls
//! that stand in each other's way, and how an org is forgotten.

use crate::held_time::HeldTime;
use std::time::Duration;

use orgform::local_org;
use orgform::local_org::Limits;
use orgform::local_org::Options;
use orgform::local_org::Seed;
use orgform::local_org::Tls;
use reqwest::Method;
use serde_json::Value as Json;
use serde_json::json;

use crate::support::World;
use crate::support::client;
use crate::support::client_builder;

async fn send(world: &World, method: Method, path: &str, body: &Json) -> (u16, Json) {
    let request = client()
        .request(method, format!("{}/services/data/v66.0/{path}", world.org().instance_url))
        .bearer_auth(&world.org().access_token)
        .json(body);
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or(Json::Null))
}

#[tokio::test(flavor = "multi_thread")]
async fn https_is_served_with_a_certificate_that_stays_and_names_this_machine() {
    let folder = tempfile::tempdir().expect("a folder");
    let tls = || Tls { listen: ([127, 0, 0, 1], 0).into(), folder: folder.path().join("tls") };
    // Who checks a certificate looks at the real clock.
    #[expect(clippy::disallowed_methods, reason = "certificates are checked by it")]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = i64::try_from(now.expect("after 1970").as_secs()).expect("a time");
    let mut files = Vec::new();
    for _ in 0..2 {
        let options = Options { tls: Some(tls()), ..Options::new(11) };
        let org = local_org::start(options, std::sync::Arc::new(move || now)).await;
        let org = org.expect("the org starts");
        let (url, file) = org.tls.clone().expect("HTTPS");
        let pem = std::fs::read(&file).expect("the certificate");
        let trusted = reqwest::Certificate::from_pem(&pem).expect("a certificate");
        let trusting = client_builder().tls_certs_only([trusted]).build().expect("a client");
        for host in ["localhost", "127.0.0.1"] {
            let at = format!("{}/services/data/", url.replace("localhost", host));
            assert_eq!(trusting.get(&at).send().await.expect("an answer").status(), 200, "{at}");
        }
        let limits = format!("{url}/services/oauth2/userinfo");
        let request = trusting.get(limits).bearer_auth(&org.access_token);
        let told: Json = request.send().await.expect("an answer").json().await.expect("JSON");
        let rest = told["urls"]["rest"].as_str().expect("an address");
        assert!(rest.starts_with(&url), "{rest} leads back to the same endpoint");
        let stranger = client().get(format!("{url}/services/data")).send().await;
        assert!(stranger.is_err(), "who does not trust it, is not served");
        files.push(pem);
        org.stop().await;
    }
    assert_eq!(files[0], files[1], "clients are told once to trust it");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_written_down_without_their_secrets() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("requests.log");
    let options = Options { request_log: Some(file.clone()), ..Options::new(11) };
    let world = World::serving(options).await;
    world.query("SELECT Id FROM User").await;
    let org = world.org();
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        org.consumer_key, org.consumer_secret
    );
    let request = client()
        .post(format!("{}//services/oauth2/token?code=inline", org.instance_url))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    request.send().await.expect("an answer");
    let log = std::fs::read_to_string(&file).expect("the list");
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains(" GET /services/data/v63.0/query?q="), "{log}");
    assert!(lines[0].contains(" 200 ") && lines[0].ends_with(" ms"), "{log}");
    assert!(lines[1].contains("POST //services/oauth2/token?code=... 200"), "{log}");
    for secret in [&org.access_token, &org.consumer_secret, &"inline".to_owned()] {
        assert!(!log.contains(secret.as_str()), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_what_is_in_the_org_and_escapes_it() {
    let world = World::new().await;
    let set = json!({"Name": "Odd", "Label": "<b>Odd</b> & more\u{202e}"});
    world.call(Method::POST, "sobjects/PermissionSet", set).await;
    let page = page_of(&world, &format!("Bearer {}", world.org().access_token)).await;
    let kind = page.headers()["content-type"].to_str().expect("text").to_owned();
    let page = page.text().await.expect("a page");
    assert!(kind.starts_with("text/html"), "{kind}");
    for shown in [
        "admin@local.orgform.example",
        "System Administrator",
        "&lt;b&gt;Odd&lt;/b&gt; &amp; more\\u{202e}",
    ] {
        assert!(page.contains(shown), "{shown} is not on {page}");
    }
    assert!(!page.contains(&world.org().access_token));
    let request = client().get(&world.org().instance_url).header("accept", "application/json");
    let told: Json = request.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(told["organization_id"], json!(world.org().org_id));
}

async fn page_of(world: &World, authorization: &str) -> reqwest::Response {
    let request = client().get(&world.org().instance_url).header("authorization", authorization);
    request.send().await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_for_who_has_the_link_once_or_a_token() {
    let world = World::new().await;
    let url = &world.org().instance_url;
    let client =
        client_builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let get = async |url: &str, cookie: &str| {
        client.get(url).header("cookie", cookie).send().await.expect("an answer")
    };
    for refused in [get(url, "").await, page_of(&world, "Bearer 00Dx!y").await] {
        assert_eq!(refused.status(), 401);
        let policy = refused.headers()["content-security-policy"].to_str().expect("text");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(refused.headers()["x-frame-options"], "DENY");
        let text = refused.text().await.expect("a page");
        assert!(text.contains("type=\"password\"") && !text.contains("admin@"), "{text}");
    }
    assert_eq!(get(&format!("{url}/?code=x"), "").await.status(), 401);
    let admitted = get(&world.org().page_url, "").await;
    assert_eq!(
        (admitted.status().as_u16(), &admitted.headers()["location"]),
        (303, &"/".parse().expect("a path"))
    );
    let cookie = admitted.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().expect("a cookie");
    let seen = get(url, cookie).await.text().await.expect("a page");
    assert!(seen.contains("admin@local.orgform.example"), "{seen}");
    assert_eq!(get(&world.org().page_url, "").await.status(), 401, "good for one use");
    for (token, status) in [(world.org().access_token.as_str(), 303), ("00Dx!y", 401)] {
        let body = format!("token={}", token.replace('!', "%21"));
        let posted = client.post(url).body(body).send().await.expect("an answer");
        assert_eq!(posted.status(), status, "{token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_versions_is_free_ascending_and_of_any_spelling() {
    let world = World::new().await;
    for path in ["/services/data", "/services/data/", "//services/data"] {
        let answer = client().get(format!("{}{path}", world.org().instance_url)).send().await;
        let answer = answer.expect("an answer");
        assert!(!answer.headers().contains_key("sforce-limit-info"), "it does not count");
        let versions: Json = answer.json().await.expect("JSON");
        let versions: Vec<f64> = versions
            .as_array()
            .expect("a list")
            .iter()
            .map(|version| version["version"].as_str().expect("text").parse().expect("a number"))
            .collect();
        assert!(versions.is_sorted() && versions.first() == Some(&51.0), "{versions:?}");
    }
    assert_eq!(send(&world, Method::GET, "", &Json::Null).await.0, 200);
    let old = client()
        .get(format!("{}/services/data/v20.0/limits", world.org().instance_url))
        .bearer_auth(&world.org().access_token);
    assert_eq!(old.send().await.expect("an answer").status(), 404);
}

/// A world whose calls take time, which stands from here on; with a set and some users.
async fn slow(latency_ms: u64, limits: Limits) -> (World, HeldTime, String, Vec<String>) {
    let time = HeldTime::new();
    let options = Options {
        latency_ms,
        time: time.time(),
        seed: Seed { users: 3, limits, ..Seed::default() },
        ..Options::new(11)
    };
    let world = World::serving(options).await;
    let set = json!({"Name": "Shared", "Label": "Shared"});
    let set = world.call(Method::POST, "sobjects/PermissionSet", set).await;
    let users = world.query("SELECT Id FROM User WHERE Username LIKE 'user%' ORDER BY Id").await;
    let id = |row: &Json| row["Id"].as_str().expect("an id").to_owned();
    let users = users.iter().map(id).collect();
    time.hold();
    (world, time, set["id"].as_str().expect("an id").to_owned(), users)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_another_call_holds_is_refused_alone_and_others_are_written() {
    let limits = Limits { lock_wait_ms: 0, ..Limits::default() };
    let (world, time, set, users) = slow(400, limits).await;
    let one = json!({"AssigneeId": users[0], "PermissionSetId": set});
    let record = |user: &String| json!({"attributes": {"type": "PermissionSetAssignment"}, "AssigneeId": user, "PermissionSetId": set});
    let both = json!({"allOrNone": false, "records": [record(&users[0]), record(&users[1])]});
    let first = send(&world, Method::POST, "sobjects/PermissionSetAssignment", &one);
    let second = async {
        time.waits(1).await;
        let second = send(&world, Method::POST, "composite/sobjects", &both);
        let released = async {
            time.waits(2).await;
            time.release();
        };
        tokio::join!(second, released).0
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.0, 201, "{}", first.1);
    assert_eq!(second.1[0]["errors"][0]["statusCode"], json!("UNABLE_TO_LOCK_ROW"), "{}", second.1);
    assert_eq!(second.1[1]["success"], json!(true), "{}", second.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_waits_for_another_about_the_same_user_and_then_passes() {
    let (world, time, set, users) = slow(200, Limits::default()).await;
    time.release();
    let license = world.id("PermissionSetLicense", "DeveloperName = 'SalesConsoleUser'").await;
    time.hold();
    let given = json!({"AssigneeId": users[0], "PermissionSetId": set});
    let licensed = json!({"AssigneeId": users[0], "PermissionSetLicenseId": license});
    let ended = tokio::sync::Notify::new();
    let first = async {
        let first = send(&world, Method::POST, "sobjects/PermissionSetAssignment", &given).await;
        ended.notify_one();
        first
    };
    let second = async {
        time.waits(1).await;
        let second = send(&world, Method::POST, "sobjects/PermissionSetLicenseAssign", &licensed);
        let passing = async {
            // It waits for its turn, the first ends, and it takes its own time.
            time.waits(2).await;
            time.pass(Duration::from_millis(200));
            ended.notified().await;
            time.waits(3).await;
            time.release();
        };
        tokio::join!(second, passing).0
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!((first.0, second.0), (201, 201), "{} {}", first.1, second.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_lets_go_of_what_its_call_holds() {
    let limits = Limits { lock_wait_ms: 0, long_call_ms: 50, long_calls: 1, ..Limits::default() };
    let (world, time, set, users) = slow(400, limits).await;
    let given = json!({"AssigneeId": users[0], "PermissionSetId": set});
    let leaving = send(&world, Method::POST, "sobjects/PermissionSetAssignment", &given);
    let left = async {
        time.waits(1).await;
        time.pass(Duration::from_millis(50));
        time.waits(2).await;
    };
    tokio::select! {
        _ = leaving => panic!("it is under way"),
        () = left => {}
    }
    let title = json!({"Title": "Later"});
    let path = format!("sobjects/User/{}", users[0]);
    let crowded = send(&world, Method::PATCH, &path, &title).await;
    assert_eq!(crowded.0, 403, "its call goes on, and is the only one that may: {}", crowded.1);
    time.release();
    let later = async {
        loop {
            let later = send(&world, Method::PATCH, &path, &title).await;
            if later.0 == 204 {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), later).await.expect("it lets go");
    let held = world
        .query(&format!("SELECT Id FROM PermissionSetAssignment WHERE PermissionSetId = '{set}'"))
        .await;
    assert_eq!(held.len(), 1, "what was asked for is done");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_org_that_ended_leaves_its_data_to_the_next_whatever_goes_on_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let time = HeldTime::new();
    let options = Options {
        data: Some(folder.path().to_owned()),
        time: time.time(),
        latency_ms: 5000,
        ..Options::new(11)
    };
    let start = || local_org::start(options.clone(), std::sync::Arc::new(|| 1_796_115_600));
    let running = start().await.expect("it starts");
    time.hold();
    let url = format!("{}/services/data/v66.0/limits", running.instance_url);
    let request = client().get(url).bearer_auth(&running.access_token);
    let call = tokio::spawn(async move { request.send().await.map(|answer| answer.status()) });
    time.waits(1).await;
    let stopping = async {
        time.waits(2).await;
        // Less than the call takes: it is left under way.
        time.pass(Duration::from_secs(2));
    };
    tokio::join!(running.stop(), stopping);
    let next = start().await.expect("its data is free");
    time.release();
    next.stop().await;
    let _ = call.await.expect("no panic");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_another_call_holds_is_refused_in_the_words_of_soap() {
    let limits = Limits { lock_wait_ms: 0, ..Limits::default() };
    let (world, time, ..) = slow(400, limits).await;
    let upsert = async |number: usize| {
        time.waits(number).await;
        let org = world.org();
        let body = format!(
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns=\"http://soap.sforce.com/2006/04/metadata\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><e:Header><SessionHeader><sessionId>{}</sessionId></SessionHeader></e:Header><e:Body><upsertMetadata><metadata xsi:type=\"PermissionSet\"><fullName>Shared</fullName><label>Now {number}</label></metadata></upsertMetadata></e:Body></e:Envelope>",
            org.access_token
        );
        let request =
            client().post(format!("{}/services/Soap/m/66.0", org.instance_url)).body(body);
        request.send().await.expect("an answer").text().await.expect("a body")
    };
    let released = async {
        time.waits(2).await;
        time.release();
    };
    let (first, second, ()) = tokio::join!(upsert(0), upsert(1), released);
    assert!(first.contains("<success>true</success>"), "{first}");
    assert!(second.contains("<statusCode>UNABLE_TO_LOCK_ROW</statusCode>"), "{second}");
    assert!(second.contains("<success>false</success>"), "{second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_or_none_by_soap_tells_of_no_success_that_is_none() {
    let world = World::new().await;
    let org = world.org();
    let body = format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns=\"http://soap.sforce.com/2006/04/metadata\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><e:Header><SessionHeader><sessionId>{}</sessionId></SessionHeader><AllOrNoneHeader><allOrNone>true</allOrNone></AllOrNoneHeader></e:Header><e:Body><createMetadata><metadata xsi:type=\"PermissionSet\"><fullName>Good</fullName><label>Good</label></metadata><metadata xsi:type=\"PermissionSet\"><fullName>Bad</fullName></metadata></createMetadata></e:Body></e:Envelope>",
        org.access_token
    );
    let request = client().post(format!("{}/services/Soap/m/66.0", org.instance_url)).body(body);
    let text = request.send().await.expect("an answer").text().await.expect("a body");
    assert!(!text.contains("<success>true</success>"), "{text}");
    assert!(text.contains("ALL_OR_NONE_OPERATION_ROLLED_BACK"), "{text}");
    assert!(world.query("SELECT Id FROM PermissionSet WHERE Name = 'Good'").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_different_sizes_lose_no_row() {
    let world =
        World::with(Seed { users: 2600, ..Seed::default() }, orgform::local_org::Doubts::default())
            .await;
    for (first, then) in [("500", None), ("2000", Some("500")), ("700", Some("200"))] {
        let mut path = "/services/data/v66.0/query?q=SELECT+Id+FROM+User".to_owned();
        let (mut size, mut seen) = (Some(first), 0);
        loop {
            let mut request = client()
                .get(format!("{}{path}", world.org().instance_url))
                .bearer_auth(&world.org().access_token);
            if let Some(size) = size {
                request = request.header("Sforce-Query-Options", format!("batchSize={size}"));
            }
            let page: Json = request.send().await.expect("an answer").json().await.expect("JSON");
            assert_eq!(page["totalSize"], json!(2601), "{first} {then:?}");
            seen += page["records"].as_array().map_or(0, Vec::len);
            size = then;
            match page["nextRecordsUrl"].as_str() {
                Some(next) => next.clone_into(&mut path),
                None => break,
            }
        }
        assert_eq!(seen, 2601, "{first} {then:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_long_calls_keep_others_out() {
    let limits = Limits { long_call_ms: 20, long_calls: 1, ..Limits::default() };
    let (world, time, ..) = slow(600, limits).await;
    let long = send(&world, Method::GET, "limits", &Json::Null);
    let other = async {
        time.waits(1).await;
        time.pass(Duration::from_millis(20));
        time.waits(2).await;
        let other = send(&world, Method::GET, "limits", &Json::Null).await;
        time.release();
        other
    };
    let (long, other) = tokio::join!(long, other);
    assert_eq!(long.0, 200);
    assert_eq!(other.0, 403);
    let message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded.";
    assert_eq!(other.1[0]["message"], json!(message));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calls_of_a_day_have_an_end_for_all_endpoints() {
    let world = World::serving(Options {
        seed: Seed { calls_today: 99_999, ..Seed::default() },
        ..Options::new(11)
    })
    .await;
    assert_eq!(send(&world, Method::GET, "limits", &Json::Null).await.0, 200);
    let (status, refused) = send(&world, Method::GET, "limits", &Json::Null).await;
    assert_eq!((status, &refused[0]["errorCode"]), (403, &json!("REQUEST_LIMIT_EXCEEDED")));
    world.pass_hours(24);
    assert_eq!(send(&world, Method::GET, "limits", &Json::Null).await.0, 200, "the next day");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_org_is_forgotten_only_when_that_is_meant() {
    let world = World::bare();
    let reset = ["org", "reset"];
    let none = world.run(&reset).await.succeeds();
    assert!(none.output.starts_with("There is no local org in "), "{}", none.whole());
    world.write("access.yaml", crate::support::example());
    world.run(&["apply", "access.yaml", "--auto-approve"]).await.succeeds();

    let refused = world.run(&reset).await.fails();
    assert!(refused.errors.contains("--auto-approve"), "{}", refused.whole());
    world.types("no\n");
    let kept = world.run(&reset).await.succeeds();
    assert!(kept.output.contains("Nothing was changed."), "{}", kept.whole());
    assert!(world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await.code == 0);

    world.types("yes\n");
    let gone = world.run(&reset).await.succeeds();
    assert!(gone.output.contains("2 users"), "{}", gone.whole());
    assert!(gone.output.contains("The local org is forgotten."), "{}", gone.whole());
    let again = world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await;
    assert_eq!(again.code, 2, "all is to be made anew: {}", again.whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_org_that_is_being_served_is_not_forgotten() {
    let world = World::bare();
    let data = world.path().join("data");
    let options = Options { data: Some(data), ..Options::new(11) };
    let running = local_org::start(options, std::sync::Arc::new(|| 0)).await.expect("starts");
    let refused = world.run(&["org", "reset", "--data", "data", "--auto-approve"]).await.fails();
    assert!(
        refused.errors.contains("another process is using this local org"),
        "{}",
        refused.whole()
    );
    running.stop().await;
    world.run(&["org", "reset", "--data", "data", "--auto-approve"]).await.succeeds();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_none_and_an_address_for_others_are_refused() {
    let world = World::bare();
    world.write("app.crt", "nothing");
    for (arguments, words) in [
        (["org", "serve", "--app-certificate", "app.crt"], "is no X.509 certificate"),
        (["org", "serve", "--app-certificate", "missing.crt"], "missing.crt can't be read"),
        (["org", "serve", "--tls-listen", "0.0.0.0:0"], "can be reached by other machines"),
        (
            ["org", "serve", "--request-log", "no/such/folder/requests.log"],
            "the list of requests can't be written",
        ),
    ] {
        let refused = world.run(&arguments).await.fails();
        assert!(refused.errors.contains(words), "{}", refused.whole());
    }
}
