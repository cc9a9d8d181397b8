//! An org that means harm: wherever its answers point and however large they are, the
//! token stays with it, and memory and calls stay within bounds.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::http::Response;
use orgform::org::Connection;
use orgform::org::HttpWire;
use orgform::org::InstanceUrl;
use orgform::org::Org;
use orgform::org::OrgError;
use orgform::org::RetryPolicy;
use orgform::org::TooLarge;
use secrecy::SecretString;
use serde_json::json;

use crate::support::quick_pauses;

type Answer = Box<dyn Fn(&str) -> Response<Body> + Send + Sync>;

/// What serves for an org, and what it was asked.
struct Hostile {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    waits: Arc<Mutex<Vec<Duration>>>,
}

impl Hostile {
    async fn answering(answer: impl Fn(&str) -> Response<Body> + Send + Sync + 'static) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state: Arc<(Answer, Arc<Mutex<Vec<String>>>)> =
            Arc::new((Box::new(answer), Arc::clone(&asked)));
        let handle = |state: axum::extract::State<Arc<(Answer, Arc<Mutex<Vec<String>>>)>>,
                      request: Request<Body>| async move {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            state.1.lock().expect("no panic").push(path.to_owned());
            (state.0.0)(path)
        };
        let router = axum::Router::new().fallback(handle).with_state(state);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked, waits: Arc::default() }
    }

    fn client(&self) -> Org {
        let connection = Connection {
            instance_url: InstanceUrl::parse(&self.url).expect("an address"),
            access_token: SecretString::from("00D000000000001!SECRET"),
            emulated: true,
        };
        let waits = Arc::clone(&self.waits);
        let quick = quick_pauses();
        let sleep: orgform::org::Sleep = Arc::new(move |wait| {
            // Time-outs of calls are never reached here.
            if wait < Duration::from_secs(60) {
                waits.lock().expect("no panic").push(wait);
            }
            quick(wait)
        });
        Org::new(connection, RetryPolicy::default(), Arc::new(HttpWire::default()), sleep, 1)
    }

    async fn query(&self) -> Result<usize, OrgError> {
        let mut rows = 0;
        let queries = ["SELECT Id FROM User".to_owned()];
        self.client().query_all(&queries, &mut |_, page| rows += page.len()).await.map(|()| rows)
    }

    fn calls(&self) -> usize {
        self.asked.lock().expect("no panic").len()
    }
}

fn json_answer(body: &serde_json::Value) -> Response<Body> {
    Response::new(Body::from(body.to_string()))
}

fn page(total: u64, rows: usize, next: Option<&str>) -> Response<Body> {
    let rows = vec![json!({"Id": "005000000000001"}); rows];
    json_answer(&json!({
        "totalSize": total, "records": rows, "done": next.is_none(), "nextRecordsUrl": next,
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_never_follows_an_address_to_another_host() {
    let other = Hostile::answering(|_| page(2, 1, None)).await;
    let authority = other.url.trim_start_matches("http://").to_owned();
    for address in [
        format!("@{authority}/services/data/v63.0/query/x"),
        format!("//{authority}/services/data/v63.0/query/x"),
        format!("\\\\{authority}/services/data/v63.0/query/x"),
        format!("http://{authority}/services/data/v63.0/query/x"),
        "/services/oauth2/revoke?token=x".to_owned(),
    ] {
        let next = address.clone();
        let org = Hostile::answering(move |_| page(2, 1, Some(&next))).await;
        let error = org.query().await.expect_err(&address);
        assert!(matches!(error, OrgError::Unexpected { .. }), "{address}: {error}");
        assert_eq!((org.calls(), other.calls()), (1, 0), "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed_with_a_token() {
    let other = Hostile::answering(|_| page(0, 0, None)).await;
    for status in [301, 302, 303, 307, 308] {
        let to = format!("{}/services/data/v63.0/query", other.url);
        let org = Hostile::answering(move |_| {
            let response = Response::builder().status(status).header("location", &to);
            response.body(Body::empty()).expect("a response")
        })
        .await;
        let error = org.query().await.expect_err("a redirect");
        assert!(matches!(error, OrgError::Unexpected { .. }), "{status}: {error}");
        assert_eq!((org.calls(), other.calls()), (1, 0), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_rows_end_where_the_org_said_that_they_end() {
    let next = "/services/data/v63.0/query/01g-2000";
    let endless = Hostile::answering(move |_| page(200, 0, Some(next))).await;
    let error = endless.query().await.expect_err("no end");
    assert!(matches!(error, OrgError::TooLarge { excess: TooLarge::Pages(200), .. }), "{error}");
    assert_eq!(endless.calls(), 12);
    let many = Hostile::answering(move |_| page(5, 2, Some(next))).await;
    let error = many.query().await.expect_err("more rows");
    assert!(matches!(error, OrgError::TooLarge { excess: TooLarge::Rows(5), .. }), "{error}");
    assert_eq!(many.calls(), 3);
    let short = Hostile::answering(move |path| match path {
        path if path.contains("01g") => page(5, 2, None),
        _ => page(5, 2, Some(next)),
    })
    .await;
    assert_eq!(short.query().await.expect("rows that went meanwhile are no fault"), 4);
}

/// A gzip of so many MiB of one character.
fn bomb(mib: usize) -> Vec<u8> {
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..mib {
        zip.write_all(&vec![b' '; 1 << 20]).expect("memory");
    }
    zip.finish().expect("memory")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_few_bytes_unzip_to_is_bounded_by_kind_of_call() {
    let body = bomb(80);
    assert!(body.len() < 100_000, "{}", body.len());
    for status in [200, 500] {
        let zipped = body.clone();
        let org = Hostile::answering(move |_| {
            let response = Response::builder().status(status).header("content-encoding", "gzip");
            response.body(Body::from(zipped.clone())).expect("a response")
        })
        .await;
        let error = org.query().await.expect_err("too large");
        let limit = if status == 200 { 64 } else { 1 };
        let told = format!(
            "GET /services/data/v63.0/query: the answer is not read: it has more than {limit} MiB, and no query call has"
        );
        assert_eq!(error.to_string(), told);
        assert_eq!(org.calls(), 1, "another answer is no better");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_bounded_before_they_become_a_tree() {
    let org = Hostile::answering(|_| {
        Response::new(Body::from(format!("{{\"records\":[{}0]}}", "0,".repeat(2_000_000))))
    })
    .await;
    let error = org.query().await.expect_err("too many values");
    assert!(matches!(error, OrgError::TooLarge { excess: TooLarge::Values(_), .. }), "{error}");
    let org = Hostile::answering(|_| {
        let elements = "<a/>".repeat(4_000_000);
        Response::new(Body::from(format!("<Envelope>{elements}</Envelope>")))
    })
    .await;
    let error = org.client().read_documents("Profile", &["Admin".into()]).await;
    let error = error.expect_err("too many elements");
    assert!(matches!(error, OrgError::TooLarge { excess: TooLarge::Values(_), .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_that_are_too_much_together_are_asked_one_by_one() {
    let org = Hostile::answering(|path| match path {
        path if path.contains("composite") => Response::builder()
            .header("content-encoding", "gzip")
            .body(Body::from(bomb(70)))
            .expect("a response"),
        path if path.contains("describe") => json_answer(&json!({"fields": []})),
        _ => page(1, 1, None),
    })
    .await;
    let queries = vec!["SELECT Id FROM User".to_owned(); 2];
    let mut rows = [0, 0];
    let described = org
        .client()
        .ask(&queries, &["User", "Contact"], &|_| false, &mut |index, page| {
            rows[index] += page.len();
        })
        .await
        .expect("answers");
    assert_eq!((rows, described.iter().flatten().count()), ([1, 1], 2));
    assert_eq!(org.calls(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wait_that_an_org_asks_for_is_heeded_within_bounds() {
    let busy = |asked: &'static str| {
        move |_: &str| {
            let response = Response::builder().status(503).header("retry-after", asked);
            response.body(Body::from("busy")).expect("a response")
        }
    };
    let org = Hostile::answering(busy("9")).await;
    org.query().await.expect_err("busy");
    let waits = org.waits.lock().expect("no panic").clone();
    assert_eq!((org.calls(), waits), (5, vec![Duration::from_secs(9); 4]));
    let org = Hostile::answering(busy("86400")).await;
    org.query().await.expect_err("busy until tomorrow");
    assert_eq!((org.calls(), org.waits.lock().expect("no panic").len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn xml_that_takes_long_to_read_is_not_read() {
    let names =
        |count: usize| -> String { (0..count).map(|n| format!(" xmlns:n{n}='u'")).collect() };
    for (what, body) in [
        ("namespaces", format!("<a>{}</a>", "<b xmlns:x='y'/>".repeat(50_000))),
        ("namespaces in a tag", format!("<a{}/>", names(4_000))),
        ("an instruction", format!("<a><?p > <!-- ?>{}</a>", "<b/>".repeat(200_000))),
        ("attributes behind a sign", format!("<a z='>'{}/>", " x=''".repeat(100_000))),
        ("depth", "<a>".repeat(300_000)),
        ("a document type", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>".to_owned()),
    ] {
        for status in [200, 500] {
            let body = body.clone();
            let org = Hostile::answering(move |_| {
                let response = Response::builder().status(status);
                response.body(Body::from(body.clone())).expect("a response")
            })
            .await;
            let error = org.client().read_documents("Profile", &["Admin".into()]).await;
            let error = error.expect_err(what);
            let is_bounded = match status {
                200 => matches!(error, OrgError::TooLarge { .. }),
                _ => matches!(error, OrgError::Unexpected { status: Some(500), .. }),
            };
            assert!(is_bounded, "{what} at {status}: {error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_gateway_is_no_answer_and_the_question_is_asked_again() {
    let left = std::sync::atomic::AtomicUsize::new(2);
    let html = "<!DOCTYPE html>\n<html><head><meta charset=utf-8></head><body>502<br></html>";
    let org = Hostile::answering(move |_| {
        let one_less = |left: usize| left.checked_sub(1);
        let order = std::sync::atomic::Ordering::Relaxed;
        if left.fetch_update(order, order, one_less).is_err() {
            return page(1, 1, None);
        }
        Response::builder().status(502).body(Body::from(html)).expect("a response")
    })
    .await;
    assert_eq!((org.query().await.expect("rows"), org.calls()), (1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_in_records_are_told_once() {
    let nested = "<records><fullName>Admin</fullName>".repeat(50) + &"</records>".repeat(50);
    let body = format!("<Envelope><Body><r><result>{nested}</result></r></Body></Envelope>");
    let org = Hostile::answering(move |_| Response::new(Body::from(body.clone()))).await;
    let found = org.client().read_documents("Profile", &["Admin".into()]).await.expect("one");
    assert!(found[0].is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_has_more_rows_than_any_org() {
    let next = "/services/data/v63.0/query/01g-2000";
    let org = Hostile::answering(move |_| page(1_000_000_000_000, 2, Some(next))).await;
    let error = org.query().await.expect_err("too many");
    assert!(matches!(error, OrgError::TooLarge { excess: TooLarge::Rows(_), .. }), "{error}");
    assert_eq!(org.calls(), 1);
}
