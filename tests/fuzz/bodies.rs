//! What is fuzzed, as plain functions from bytes: each may refuse what it is given, and
//! none may panic, nor take more than it is allowed. `cargo test` runs them over a kept
//! corpus and its mutations, `cargo fuzz` over whatever it finds.

use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use orgform::config;
use orgform::config::Reach;
use orgform::config::Source;
use orgform::local_org::InProcess;
use orgform::local_org::Options;
use orgform::model::SalesforceId;
use orgform::org::Answering;
use orgform::org::Connection;
use orgform::org::InstanceUrl;
use orgform::org::Org;
use orgform::org::RetryPolicy;
use orgform::org::Wire;
use orgform::org::WireAnswer;
use orgform::org::WireRequest;
use orgform::plan::SealedPlan;
use orgform::state;
use secrecy::SecretString;

/// A body, by the name of its corpus.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const ALL: [Target; 8] = [
    ("yaml", yaml),
    ("csv", csv),
    ("plan", plan),
    ("state", state_files),
    ("json", json_answer),
    ("soap", soap_answer),
    ("soql", soql),
    ("xml", xml),
];

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(future)
}

/// A folder with these files, which goes when it is dropped.
fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, bytes).expect("writes");
    }
    folder
}

/// A file of a person's: read, laid out, and its mistakes rendered as JSON would be.
pub fn yaml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (fast, slow) = config::both_readings(text);
    if let Err(found) = slow {
        // Names that stand twice are found by the fast one when all files are together.
        // Two parsers differ in what is YAML at its edges; in what it says they may not.
        let is_known = |message: &str| {
            message.ends_with("stands here twice") || message.starts_with("this is no YAML")
        };
        let known = found.reported.iter().all(|found| is_known(&found.message));
        assert!(fast.is_none() || known, "what the fast reading takes, both take");
        for diagnostic in found.reported {
            let told = diagnostic.without_secrets();
            assert!(told.at.span.end <= told.at.source.text.len());
        }
    }
    if let Ok(laid_out) = config::format(&Source::new("a.yaml", text)) {
        let again = config::format(&Source::new("a.yaml", &laid_out));
        assert_eq!(again.ok().as_deref(), Some(laid_out.as_str()), "laid out once is for good");
    }
}

/// A CSV file behind a loop.
pub fn csv(data: &[u8]) {
    const YAML: &[u8] = b"version: 1\nusers:\n  ${name}@x.example: { for_each: { csv: a.csv }, last_name: \"${last}\", email: a@x.example, profile: P }\n";
    let folder = folder(&[("a.yaml", YAML), ("a.csv", data)]);
    let paths = [PathBuf::from("a.yaml")];
    let _ = config::load(&paths, &Reach::new(folder.path(), &paths, &[]));
}

/// A saved plan.
pub fn plan(data: &[u8]) {
    let _ = SealedPlan::decode(&String::from_utf8_lossy(data));
}

/// The base and the log of a state, cut at the first zero byte.
pub fn state_files(data: &[u8]) {
    let cut = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (base, log) = data.split_at(cut);
    let log = log.strip_prefix(b"\0").unwrap_or(log);
    let id = SalesforceId::parse("00D000000000001AAA").expect("an id");
    let files = [("00D000000000001AAA/state.json", base), ("00D000000000001AAA/state.log", log)];
    let folder = folder(&files);
    let _ = block_on(state::check(folder.path(), &id));
    let _ = block_on(state::Store::read(folder.path(), &id));
}

/// Answers everything with the same bytes.
struct Same(Vec<u8>);

impl Wire for Same {
    fn send(&self, request: WireRequest) -> Answering<'_> {
        let status =
            if request.method == reqwest::Method::GET || request.is_soap { 200 } else { 201 };
        let body = self.0.clone();
        Box::pin(async move { Ok(WireAnswer { status, headers: Vec::new(), body }) })
    }
}

fn client(data: &[u8]) -> Org {
    let connection = Connection {
        instance_url: InstanceUrl::parse("http://127.0.0.1:9").expect("an address"),
        access_token: SecretString::from("00D000000000001!x"),
        emulated: true,
    };
    // Time-outs never come, pauses are over at once.
    let sleep: orgform::org::Sleep = Arc::new(|wait| {
        Box::pin(async move {
            if wait.as_secs() > 30 {
                std::future::pending::<()>().await;
            }
        })
    });
    Org::new(connection, RetryPolicy::default(), Arc::new(Same(data.to_vec())), sleep, 1)
}

/// A JSON answer to calls of several kinds.
pub fn json_answer(data: &[u8]) {
    let org = client(data);
    let id = SalesforceId::parse("005000000000001AAA").expect("an id");
    let query = ["SELECT Id FROM User".to_owned()];
    let row = orgform::model::Row::new();
    block_on(async {
        let _ = org.query_all(&query, &mut |_, _| {}).await;
        let _ = org.ask(&query, &["User"], &|_| true, &mut |_, _| {}).await;
        let _ = org.tooling_query("SELECT Id FROM Profile").await;
        let _ = org.limits().await;
        let _ = org.insert_records("User", &[&row]).await;
        let _ = org.update_records("User", &[&row, &row]).await;
        let _ = org.reset_password(&id).await;
        if let Ok(Some(result)) = org.look_at_deploy(&id).await {
            let _ = result.outcomes("Profile", &["Admin"]);
        }
    });
}

/// A SOAP answer to calls of several kinds.
pub fn soap_answer(data: &[u8]) {
    let org = client(data);
    let names = ["Admin".to_owned()];
    let row = orgform::model::Row::new();
    block_on(async {
        let _ = org.read_documents("Profile", &names).await;
        let _ = org.list_documents("Profile").await;
        let _ = org.upsert_documents("Profile", &[("Admin".to_owned(), Vec::new())]).await;
        let _ = org.insert_record_by_soap("Profile", &row).await;
    });
}

thread_local! {
    /// Questions change nothing: one org answers all.
    static LOCAL: InProcess =
        InProcess::open(&Options::new(11), &(Arc::new(|| 1_796_115_600_i64) as _)).expect("an org");
}

fn ask_local(request: impl FnOnce(&str) -> Request<Body>) {
    LOCAL.with(|org| {
        let request = request(&org.access_token);
        let answer = block_on(org.answer(request));
        assert_ne!(answer.status(), 500, "the local org has an answer to everything");
    });
}

/// A query that the local org is asked.
pub fn soql(data: &[u8]) {
    let encoded: String = data.iter().map(|byte| format!("%{byte:02X}")).collect();
    ask_local(|token| {
        Request::get(format!("/services/data/v63.0/query?q={encoded}"))
            .header("authorization", format!("Bearer {token}"))
            .body(Body::empty())
            .expect("a request")
    });
}

/// A SOAP envelope that the local org is sent; its faults have status 500.
pub fn xml(data: &[u8]) {
    LOCAL.with(|org| {
        let request = Request::post("/services/Soap/m/63.0")
            .header("content-type", "text/xml")
            .body(Body::from(data.to_vec()))
            .expect("a request");
        let _ = block_on(org.answer(request));
    });
}
