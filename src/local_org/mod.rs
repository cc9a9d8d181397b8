//! The local org: an emulated Salesforce org, served over real HTTP on
//! loopback, so that everything can be tried and tested without an account.
//!
//! Imports nothing of the rest of the crate. It and the client meet only at
//! HTTP: no shared type, no back door, so that other people's clients can
//! check it, and a dry run goes the way a real run goes.

mod error;
mod http;
mod options;
mod picklists;
mod rules;
mod schema;
mod seed;
mod soql;
mod store;
mod xml;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value as Json;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub use options::Doubts;
pub use options::Options;
pub use options::SETTINGS;
pub use options::Seed;
pub use options::UnknownSetting;
pub use options::set;

use http::Server;
use schema::Schema;
use store::Row;
use store::Store;

/// A local org that is being served.
pub struct Running {
    /// Where it is reached, for example `http://127.0.0.1:4711`.
    pub instance_url: String,
    /// The token of its admin.
    pub access_token: String,
    /// The username of its admin.
    pub username: String,
    /// Its id.
    pub org_id: String,
    stop: Option<oneshot::Sender<()>>,
    served: tokio::task::JoinHandle<()>,
    server: Arc<Server>,
}

impl Running {
    /// Ends it; calls under way are finished.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let _ = tokio::time::timeout(Duration::from_secs(2), &mut self.served).await;
        self.served.abort();
        keep_count(&self.server);
    }
}

/// Why a local org can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its data can't be read or written.
    #[error("the data of the local org in {folder} can't be used: {source}")]
    Data {
        /// Where the data is.
        folder: String,
        /// What went wrong.
        source: std::io::Error,
    },
    /// It can't listen there.
    #[error("the local org can't listen on {address}: {source}")]
    Listen {
        /// Where.
        address: String,
        /// What went wrong.
        source: std::io::Error,
    },
}

/// Formats seconds since 1970 as the platform writes times.
fn timestamp(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map(|time| time.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string())
        .unwrap_or_default()
}

/// Starts a local org. `clock` gives seconds since 1970.
///
/// # Errors
/// When its data or its port can't be used.
pub async fn start(
    options: Options,
    clock: Arc<dyn Fn() -> i64 + Send + Sync>,
) -> Result<Running, StartError> {
    let (store, is_new) = match &options.data {
        Some(folder) => Store::open(folder)
            .map_err(|source| StartError::Data { folder: folder.display().to_string(), source })?,
        None => (Store::in_memory(), true),
    };
    let mut variations = schema::Variations {
        person_accounts: options.seed.person_accounts,
        custom_fields: options.seed.custom_fields.clone(),
        read_only_fields: options.seed.read_only_fields.clone(),
        unseen_fields: options.seed.unseen_fields.clone(),
        state_codes: options.seed.state_codes,
        german: options.seed.german,
        undescribed: Vec::new(),
    };
    if !options.doubts.uninstalled_apps_described {
        variations.undescribed.push("CanApproveUninstalledApps".to_owned());
    }
    let mut org = rules::Org {
        store,
        schema: Arc::new(Schema::new(&variations)),
        doubts: options.doubts.clone(),
        user_rule: options.seed.user_rule.clone(),
        recalculation: options.seed.recalculation.clone(),
        access_policy: options.seed.access_policy.clone(),
        workflow_user: options.seed.workflow_user.clone(),
        running_user: String::new(),
        now: timestamp(clock()),
    };
    let (org_id, access_token) = if is_new {
        create_org(&mut org, &options)
    } else {
        let setting = org.store.all(SETTINGS_TABLE).next().cloned().unwrap_or_default();
        let text =
            |name: &str| setting.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
        org.running_user = text("running_user");
        let list = |name: &str| -> Vec<String> {
            let names = setting.get(name).and_then(Json::as_array).into_iter().flatten();
            names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
        };
        // What the org is made of stays as it was made.
        variations.person_accounts = setting.get("person_accounts") == Some(&Json::Bool(true));
        variations.german = setting.get("german") == Some(&Json::Bool(true));
        variations.state_codes = setting.get("state_codes") == Some(&Json::Bool(true));
        variations.custom_fields = list("custom_fields");
        variations.read_only_fields = list("read_only_fields");
        variations.unseen_fields = list("unseen_fields");
        org.schema = Arc::new(Schema::new(&variations));
        (text("org_id"), text("access_token"))
    };
    let calls = if is_new { options.seed.calls_today } else { calls_of_today(&org) };
    org.store.commit().map_err(|source| StartError::Data {
        folder: options
            .data
            .as_ref()
            .map(|folder| folder.display().to_string())
            .unwrap_or_default(),
        source,
    })?;

    let refused = |source| StartError::Listen { address: options.listen.to_string(), source };
    let listener = TcpListener::bind(options.listen).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let instance_url = format!("http://{address}");
    let server = Arc::new(Server {
        org: Mutex::new(org),
        token: access_token.clone(),
        org_id: org_id.clone(),
        instance_url: instance_url.clone(),
        now: Arc::new(move || timestamp(clock())),
        calls: AtomicU64::new(calls),
        cursors: Mutex::default(),
        latency: Duration::from_millis(options.latency_ms),
        latency_per_record: Duration::from_millis(options.latency_per_record_ms),
    });
    let router = axum::Router::new().fallback(http::answer).with_state(Arc::clone(&server));
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(async move {
        let until = async move {
            let _ = stopped.await;
        };
        let _ = axum::serve(listener, router).with_graceful_shutdown(until).await;
    });
    Ok(Running {
        instance_url,
        access_token,
        username: seed::ADMIN.to_owned(),
        org_id,
        stop: Some(stop),
        served,
        server,
    })
}

/// The day of a time, as the platform writes it.
fn day(time: &str) -> &str {
    time.get(..10).unwrap_or_default()
}

/// How many calls were made today before this start.
fn calls_of_today(org: &rules::Org) -> u64 {
    let Some(setting) = org.store.all(SETTINGS_TABLE).next() else { return 0 };
    if setting.get("day").and_then(Json::as_str) == Some(day(&org.now)) {
        setting.get("calls").and_then(Json::as_u64).unwrap_or(0)
    } else {
        0
    }
}

/// Writes down how many calls were made today. A count that a kill loses does
/// no harm.
fn keep_count(server: &Server) {
    let mut org = server.org.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(mut setting) = org.store.all(SETTINGS_TABLE).next().cloned() else { return };
    let today = (server.now)();
    setting.insert("day".to_owned(), json!(day(&today)));
    setting.insert("calls".to_owned(), json!(server.calls.load(Ordering::Relaxed)));
    org.store.put(SETTINGS_TABLE, setting);
    let _ = org.store.commit();
}

/// Where the org keeps what is about itself.
const SETTINGS_TABLE: &str = "Setting";

/// Fills a new org, with an id and a token of its own.
fn create_org(org: &mut rules::Org, options: &Options) -> (String, String) {
    let mut random = fastrand::Rng::with_seed(options.entropy);
    let mut characters =
        |count: usize| -> String { (0..count).map(|_| random.alphanumeric()).collect() };
    let org_id = store::with_checksum(&format!("00D000{}", characters(9)));
    let access_token = format!("{}!AQ{}", &org_id[..15], characters(60));
    seed::seed(org, &org_id, &options.seed);
    let setting = json!({
        "Id": "setting",
        "org_id": org_id,
        "access_token": access_token,
        "running_user": org.running_user,
        "person_accounts": options.seed.person_accounts,
        "state_codes": options.seed.state_codes,
        "german": options.seed.german,
        "custom_fields": options.seed.custom_fields,
        "read_only_fields": options.seed.read_only_fields,
        "unseen_fields": options.seed.unseen_fields,
    });
    if let Json::Object(row) = setting {
        let row: Row = row;
        org.store.put(SETTINGS_TABLE, row);
    }
    (org_id, access_token)
}
