//! What the tests share: a world that is fixed, and an org of their own.

use orgform::model::UnixMillis;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use orgform::cli::Environment;
use orgform::cli::Terminal;
use orgform::local_org;
use orgform::local_org::Doubts;
use orgform::local_org::Options;
use orgform::local_org::Running;
use orgform::local_org::Seed;
use orgform::org::HttpWire;
use orgform::org::Sleep;
use orgform::org::Wire;

use crate::traces::traced;

/// 2026-12-01 09:00:00 UTC, in milliseconds.
const NOW: i64 = 1_796_115_600_000;

/// What one command printed.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code.
    pub code: u8,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub errors: String,
}

impl Ran {
    /// Everything, as one text for a snapshot.
    pub fn whole(&self) -> String {
        let mut text = self.output.clone();
        if !self.errors.is_empty() {
            text.push_str("--- standard error\n");
            text.push_str(&self.errors);
        }
        text.push_str(&format!("--- exit code {}\n", self.code));
        text
    }

    /// Fails unless the exit code is 0.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.whole());
        self
    }

    /// Fails unless the exit code is 1.
    #[track_caller]
    pub fn fails(self) -> Self {
        assert_eq!(self.code, 1, "{}", self.whole());
        self
    }
}

/// A folder, a clock, and an org that is served on loopback.
pub struct World {
    folder: tempfile::TempDir,
    variables: Mutex<BTreeMap<String, String>>,
    entropy: Arc<AtomicU64>,
    ticks: Arc<AtomicU64>,
    answers: Mutex<Option<String>>,
    wants_stop: AtomicBool,
    wire: Arc<dyn Wire>,
    org: Option<Running>,
}

impl World {
    /// A world without an org of its own: commands use the local org inside.
    pub fn bare() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            variables: Mutex::default(),
            entropy: Arc::new(AtomicU64::new(7)),
            ticks: Arc::default(),
            answers: Mutex::default(),
            wants_stop: AtomicBool::new(false),
            wire: traced(Arc::new(HttpWire::default())),
            org: None,
        }
    }

    /// A world with a new org.
    pub async fn new() -> Self {
        Self::with(Seed::default(), Doubts::default()).await
    }

    /// A world with an org of that kind.
    pub async fn with(seed: Seed, doubts: Doubts) -> Self {
        Self::serving(Options { seed, doubts, ..Options::new(11) }).await
    }

    /// A world with an org that is served so. The org's clock goes on by the hours
    /// that pass.
    pub async fn serving(options: Options) -> Self {
        let mut world = Self::bare();
        let ticks = Arc::clone(&world.ticks);
        let clock = Arc::new(move || {
            NOW / 1000
                + i64::try_from(ticks.load(Ordering::Relaxed) / 3_600_000 * 3600).unwrap_or(0)
        });
        let running = local_org::start(options, clock).await.expect("the org starts");
        world.set("SF_INSTANCE_URL", &running.instance_url);
        world.set("SF_ACCESS_TOKEN", &running.access_token);
        world.org = Some(running);
        world
    }

    /// The same world with another way to its org.
    pub fn over(mut self, wire: impl Wire + 'static) -> Self {
        self.wire = traced(Arc::new(wire));
        self
    }

    /// Sets an environment variable.
    pub fn set(&self, name: &str, value: &str) {
        self.variables.lock().expect("no panic").insert(name.to_owned(), value.to_owned());
    }

    /// Lets hours pass.
    pub fn pass_hours(&self, hours: u64) {
        self.ticks.fetch_add(hours * 3_600_000, Ordering::Relaxed);
    }

    /// The folder of the org's state.
    pub fn state(&self) -> PathBuf {
        self.path().join("state").join(&self.org().org_id)
    }

    /// Makes the terminal one on which this is typed.
    pub fn types(&self, answer: &str) {
        *self.answers.lock().expect("no panic") = Some(answer.to_owned());
    }

    /// Makes the user stop the next run as soon as it listens.
    pub fn stops(&self) {
        self.wants_stop.store(true, Ordering::Relaxed);
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The org's token and URL.
    pub fn org(&self) -> &Running {
        self.org.as_ref().expect("a world with an org")
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).expect("a folder");
        }
        std::fs::write(&path, text).expect("the file is written");
        path
    }

    /// Runs orgform with these arguments.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        let output = Arc::new(Mutex::new(Vec::new()));
        let errors = Arc::new(Mutex::new(Vec::new()));
        let answers = self.answers.lock().expect("no panic").take();
        let is_terminal = answers.is_some();
        let variables = self.variables.lock().expect("no panic").clone();
        let wants_stop = self.wants_stop.swap(false, Ordering::Relaxed);
        let (entropy, ticks) = (Arc::clone(&self.entropy), Arc::clone(&self.ticks));
        let steps = Arc::clone(&self.ticks);
        let environment = Environment {
            variable: Arc::new(move |name| {
                variables.get(name).cloned().filter(|value| !value.is_empty())
            }),
            folder: self.path().to_owned(),
            temporary: self.path().join("temporary"),
            clock: Arc::new(move || {
                // Each look at the clock is a millisecond later, so that no
                // test depends on how fast the machine is.
                UnixMillis(NOW + i64::try_from(ticks.fetch_add(1, Ordering::Relaxed)).unwrap_or(0))
            }),
            monotonic: Arc::new(move || Duration::from_millis(steps.load(Ordering::Relaxed))),
            sleep: quick_pauses(),
            wire: Arc::clone(&self.wire),
            entropy: Arc::new(move || entropy.fetch_add(1, Ordering::Relaxed)),
            process: 4242,
            terminal: Terminal {
                input: is_terminal,
                output: is_terminal,
                errors: false,
                color: false,
            },
            input: Arc::new(Mutex::new(Cursor::new(answers.unwrap_or_default().into_bytes()))),
            output: Arc::clone(&output) as Arc<Mutex<dyn Write + Send>>,
            errors: Arc::clone(&errors) as Arc<Mutex<dyn Write + Send>>,
            stops: Arc::new(move || {
                let never = futures_util::stream::pending();
                let asked = futures_util::stream::iter(wants_stop.then_some(()));
                Box::pin(futures_util::StreamExt::chain(asked, never))
            }),
        };
        let arguments =
            std::iter::once("orgform").chain(arguments.iter().copied()).map(Into::into).collect();
        let code = orgform::cli::run(arguments, environment).await;
        let text = |buffer: &Arc<Mutex<Vec<u8>>>| {
            String::from_utf8(buffer.lock().expect("no panic").clone()).expect("UTF-8")
        };
        Ran { code, output: self.redacted(&text(&output)), errors: self.redacted(&text(&errors)) }
    }

    /// A text without what differs from run to run: ports, folders, times.
    fn redacted(&self, text: &str) -> String {
        let mut text = text.replace(&self.path().display().to_string(), "FOLDER");
        if let Some(org) = &self.org {
            text = text.replace(&org.instance_url, "http://ORG");
        }
        let mut redacted = String::new();
        for line in text.split_inclusive('\n') {
            redacted.push_str(&without_digest(without_what_is_left(&without_seconds(line))));
        }
        redacted
    }

    /// Applies a file, one call after the other so that its output is always the
    /// same, and then plans it, which must find nothing to do.
    pub async fn converges(&self, what: &str, yaml: &str) -> Ran {
        self.converges_with(what, yaml, "1").await
    }

    /// The same with so many calls at once.
    pub async fn converges_with(&self, what: &str, yaml: &str, parallelism: &str) -> Ran {
        self.write("access.yaml", yaml);
        let arguments = ["apply", "access.yaml", "--auto-approve", "--parallelism", parallelism];
        let applied = self.run(&arguments).await;
        assert_eq!(applied.code, 0, "{what}: {}", applied.whole());
        self.is_settled(what).await;
        applied
    }

    /// Fails unless a plan of `access.yaml` finds nothing to do, from the org
    /// and from the state alone.
    pub async fn is_settled(&self, what: &str) {
        for refresh in ["true", "false"] {
            let arguments = ["plan", "access.yaml", "--detailed-exitcode", "--refresh", refresh];
            let planned = self.run(&arguments).await;
            assert_eq!(
                planned.code,
                0,
                "{what}, planned again (refresh {refresh}): {}",
                planned.whole()
            );
        }
    }

    /// Calls the org behind orgform's back, as some other client would.
    pub async fn call(
        &self,
        method: reqwest::Method,
        path: &str,
        body: serde_json::Value,
    ) -> serde_json::Value {
        let org = self.org();
        let mut request = client()
            .request(method, format!("{}/services/data/v63.0/{path}", org.instance_url))
            .bearer_auth(&org.access_token);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Lays elements over a metadata document behind orgform's back.
    pub async fn overlay(&self, metadata_type: &str, full_name: &str, elements: &str) {
        let org = self.org();
        let body = format!(
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns=\"http://soap.sforce.com/2006/04/metadata\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><e:Header><SessionHeader><sessionId>{}</sessionId></SessionHeader></e:Header><e:Body><updateMetadata><metadata xsi:type=\"{metadata_type}\"><fullName>{full_name}</fullName>{elements}</metadata></updateMetadata></e:Body></e:Envelope>",
            org.access_token
        );
        let request = client()
            .post(format!("{}/services/Soap/m/63.0", org.instance_url))
            .header("content-type", "text/xml")
            .header("SOAPAction", "\"\"")
            .body(body);
        let text = request.send().await.expect("an answer").text().await.expect("a body");
        assert!(text.contains("<success>true</success>"), "{text}");
    }

    /// The rows of a query, asked behind orgform's back.
    pub async fn query(&self, soql: &str) -> Vec<serde_json::Value> {
        let encoded: String = soql.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let answer = self
            .call(reqwest::Method::GET, &format!("query?q={encoded}"), serde_json::Value::Null)
            .await;
        answer["records"].as_array().cloned().unwrap_or_default()
    }

    /// The id of the one row that fits.
    pub async fn id(&self, object: &str, condition: &str) -> String {
        let rows = self.query(&format!("SELECT Id FROM {object} WHERE {condition}")).await;
        assert_eq!(rows.len(), 1, "{object} WHERE {condition}");
        rows[0]["Id"].as_str().expect("an id").to_owned()
    }
}

/// Pauses that are short; how long a call may take stays as it is.
pub fn quick_pauses() -> Sleep {
    Arc::new(|wait: Duration| {
        let is_pause = wait < Duration::from_secs(25);
        Box::pin(tokio::time::sleep(if is_pause { wait / 100 } else { wait }))
    })
}

/// A client as anybody has it.
pub fn client() -> reqwest::Client {
    client_builder().build().expect("a client")
}

/// What such a client is made from. reqwest panics where no crypto was installed in the
/// process, and another test's having done so is nothing to build on.
pub fn client_builder() -> reqwest::ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy()
}

/// `1.2 s,` and `0.04 s,` as `N s,`.
fn without_seconds(line: &str) -> String {
    let Some(end) = line.find(" s, ") else { return line.to_owned() };
    let start = line[..end].rfind(' ').map_or(0, |space| space + 1);
    format!("{}N{}", &line[..start], &line[end..])
}

/// `(99,987 of 100,000 left today)` as `(N of 100,000 left today)`: how many calls
/// were made before depends on which answers came first.
fn without_what_is_left(line: &str) -> String {
    let Some(end) = line.find(" of 100,000 left today") else { return line.to_owned() };
    let start = line[..end].rfind('(').map_or(0, |bracket| bracket + 1);
    format!("{}N{}", &line[..start], &line[end..])
}

/// The digest of a saved plan as `DIGEST`: the plan holds the org's port.
fn without_digest(line: String) -> String {
    let is_one =
        |word: &&str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    match line.split([' ', '`', '\n', '.', '"']).find(is_one) {
        Some(digest) => line.replace(digest, "DIGEST"),
        None => line,
    }
}

/// The example of the manual.
pub fn example() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/integration-user.yaml");
    std::fs::read_to_string(path).expect("the example")
}

/// A published schema, ready to hold documents against.
pub fn schema_of(name: &str) -> jsonschema::Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas").join(name);
    let text = std::fs::read_to_string(path).expect("the schema");
    let schema = serde_json::from_str(&text).expect("JSON");
    jsonschema::validator_for(&schema).expect("a schema")
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copies");
        }
    }
}
