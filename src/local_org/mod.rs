//! The local org: an emulated Salesforce org, served over real HTTP on
//! loopback, so that everything can be tried and tested without an account.
//!
//! Imports nothing of the rest of the crate. It and the client meet only at
//! HTTP: no shared type, no back door, so that other people's clients can
//! check it, and a dry run goes the way a real run goes.

mod certificate;
mod error;
mod http;
mod identity;
mod ids;
mod index;
mod listen;
mod log;
mod opening;
mod options;
mod picklists;
mod row;
mod rules;
mod schema;
mod seed;
mod shapes;
mod soql;
mod store;
mod stored;
mod time;
mod xml;

use futures_util::future::select;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use options::Doubts;
pub use options::Limits;
pub use options::Options;
pub use options::SETTINGS;
pub use options::Seed;
pub use options::Tls;
pub use options::UnknownSetting;
pub use options::set;
pub use stored::StoredOrg;
pub use time::Time;

use crate::disk;
use http::Clock;
use http::Contention;
use http::Endpoint;
use http::Entrance;
use http::RequestLog;
use http::Server;

/// A local org that is being served.
pub struct Running {
    /// Where it is reached, for example `http://127.0.0.1:4711`.
    pub instance_url: String,
    /// Where a browser sees what is in it; the link is good for one use.
    pub page_url: String,
    /// Where it is reached by HTTPS, with the file of the certificate that
    /// clients are to trust.
    pub tls: Option<(String, PathBuf)>,
    /// The token of its admin; it lasts as long as the org.
    pub access_token: String,
    /// A refresh token of its admin; good for one use.
    pub refresh_token: String,
    /// A refresh token of its admin for the Salesforce CLI's own app, which stays.
    pub cli_refresh_token: String,
    /// What is to be told of its data, as whole sentences.
    pub notices: Vec<String>,
    /// Whether it was made by this start, and not taken up again.
    pub is_new: bool,
    /// The key of the app that programs sign in with.
    pub consumer_key: String,
    /// Its secret.
    pub consumer_secret: String,
    /// The username of its admin.
    pub username: String,
    /// Its id.
    pub org_id: String,
    stop: watch::Sender<bool>,
    served: Vec<JoinHandle<()>>,
    server: Arc<Server>,
}

impl Running {
    /// Ends it; calls under way have two seconds.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        for served in &mut self.served {
            let time_up = (self.server.time.sleep)(Duration::from_secs(2));
            select(&mut *served, time_up).await;
            served.abort();
        }
        opening::keep_count(&self.server);
        // A call that goes on all the same, or a connection that is being closed, is no
        // reason to keep its data from the next one.
        Server::lock(&self.server.org).store.end();
    }
}

/// Why a local org can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its data can't be read or written.
    #[error(
        "the data of the local org can't be used: {}",
        disk::describe(Path::new(folder), source)
    )]
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
    /// Its own certificate can't be made or read.
    #[error(
        "the certificate of the local org can't be used: {}",
        disk::describe(Path::new(folder), source)
    )]
    Certificate {
        /// Where it is kept.
        folder: String,
        /// What went wrong.
        source: std::io::Error,
    },
    /// Calls can't be written down.
    #[error("the list of requests can't be written: {}", disk::describe(Path::new(file), source))]
    RequestLog {
        /// The file.
        file: String,
        /// What went wrong.
        source: std::io::Error,
    },
    /// A certificate for the app is none.
    #[error("the certificate of the app is no X.509 certificate in PEM")]
    AppCertificate,
}

/// Formats seconds since 1970 as the platform writes times.
fn timestamp(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map(|time| time.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string())
        .unwrap_or_default()
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let refused = |source| StartError::Listen { address: address.to_string(), source };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    Ok((listener, bound))
}

/// An org that is opened, and what serves it.
struct Ready {
    server: Arc<Server>,
    opened: Entry,
}

/// By what an org is entered.
struct Entry {
    org_id: String,
    access_token: String,
    refresh_token: String,
    cli_refresh_token: String,
    is_new: bool,
    notices: Vec<String>,
    app: identity::App,
}

fn ready(options: &Options, clock: &Clock, has_threads: bool) -> Result<Ready, StartError> {
    let opened = opening::open(options, clock())?;
    let log = options.request_log.as_ref().map(|file| {
        RequestLog::open(file)
            .map_err(|source| StartError::RequestLog { file: file.display().to_string(), source })
    });
    let takes_time = options.latency_ms > 0 || options.latency_per_record_ms > 0;
    let limits = &options.seed.limits;
    let milliseconds = |count: u64| Duration::from_millis(count);
    let server = Arc::new(Server {
        org: Mutex::new(opened.org),
        org_id: opened.org_id.clone(),
        clock: Arc::clone(clock),
        random: Mutex::new(opened.random),
        calls: AtomicU64::new(opened.calls),
        daily_calls: limits.daily_calls,
        day: AtomicI64::new(clock().div_euclid(86_400)),
        cursors: Mutex::default(),
        described: http::Described::default(),
        contention: Arc::new(Contention::new(
            options.time.clone(),
            takes_time,
            milliseconds(limits.lock_wait_ms),
            milliseconds(limits.long_call_ms),
            limits.long_calls,
        )),
        time: options.time.clone(),
        latency: milliseconds(options.latency_ms),
        latency_per_record: milliseconds(options.latency_per_record_ms),
        session_seconds: limits.session_seconds,
        // Secrets of its own: what the org makes stays the same, page or not.
        entrance: Entrance::new(&mut fastrand::Rng::with_seed(!options.entropy)),
        log: log.transpose()?,
        has_threads,
    });
    let entry = Entry {
        org_id: opened.org_id,
        access_token: opened.access_token,
        refresh_token: opened.refresh_token,
        cli_refresh_token: opened.cli_refresh_token,
        is_new: opened.is_new,
        notices: opened.damage.iter().map(ToString::to_string).collect(),
        app: opened.app,
    };
    Ok(Ready { server, opened: entry })
}

/// A local org without a port: requests are handed to it, and it answers them one after
/// the other where it is asked.
#[derive(Clone)]
pub struct InProcess {
    /// The token of its admin.
    pub access_token: String,
    /// Its id.
    pub org_id: String,
    endpoint: Endpoint,
}

impl InProcess {
    /// Opens one. `clock` gives seconds since 1970.
    ///
    /// # Errors
    /// When its data can't be used.
    pub fn open(options: &Options, clock: &Clock) -> Result<Self, StartError> {
        let Ready { server, opened } = ready(options, clock, false)?;
        let endpoint = Endpoint { server, scheme: "http", address: options.listen };
        Ok(Self { access_token: opened.access_token, org_id: opened.org_id, endpoint })
    }

    /// Answers a request.
    pub async fn answer(&self, request: Request<Body>) -> Response {
        http::answer(State(self.endpoint.clone()), request).await
    }
}

/// Starts a local org. `clock` gives seconds since 1970.
///
/// # Errors
/// When its data, its certificate or its ports can't be used.
pub async fn start(options: Options, clock: Clock) -> Result<Running, StartError> {
    let Ready { server, opened } = ready(&options, &clock, true)?;
    let (stop, stopped) = watch::channel(false);
    let (listener, address) = bind(options.listen).await?;
    let instance_url = format!("http://{address}");
    let endpoint = |scheme, address| Endpoint { server: Arc::clone(&server), scheme, address };
    let mut served = vec![listen::serve(listener, endpoint("http", address), stopped.clone())];
    let mut tls = None;
    if let Some(wanted) = &options.tls {
        let (listener, address) = bind(wanted.listen).await?;
        let certificate = certificate::open(&wanted.folder, clock()).map_err(|source| {
            StartError::Certificate { folder: wanted.folder.display().to_string(), source }
        })?;
        let endpoint = endpoint("https", address);
        served.push(listen::serve_tls(listener, certificate.config, endpoint, stopped));
        tls = Some((format!("https://localhost:{}", address.port()), certificate.file));
    }
    let code = server.entrance.code().unwrap_or_default();
    Ok(Running {
        page_url: format!("{instance_url}/?code={code}"),
        instance_url,
        tls,
        access_token: opened.access_token,
        refresh_token: opened.refresh_token,
        cli_refresh_token: opened.cli_refresh_token,
        is_new: opened.is_new,
        notices: opened.notices,
        consumer_key: opened.app.key,
        consumer_secret: opened.app.secret.unwrap_or_default(),
        username: seed::ADMIN.to_owned(),
        org_id: opened.org_id,
        stop,
        served,
        server,
    })
}

/// How many calls were made so far, where a server counts them.
fn calls_of(server: &Server) -> u64 {
    server.calls.load(Ordering::Relaxed)
}
