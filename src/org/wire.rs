//! What crosses the network: one HTTP request and its answer, as data.
//!
//! The client sends everything through a [`Wire`] that is handed in like the
//! clock, so that a test can join it to an org without a socket. [`HttpWire`] is
//! the real one. Imports how large an answer may be, and nothing else of the crate.
//!
//! A failure says whether anything can have arrived: that alone decides whether
//! a write may be repeated.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::Method;
use secrecy::ExposeSecret as _;
use secrecy::SecretString;

use super::size::Bound;
use super::size::TooLarge;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(15);

/// One request.
#[derive(Clone)]
pub struct WireRequest {
    /// The method.
    pub method: Method,
    /// The whole address.
    pub url: String,
    /// The token of the `Authorization` header, where the call carries one there.
    pub bearer: Option<SecretString>,
    /// The `Content-Type`, where there is a body.
    pub content_type: Option<String>,
    /// Whether an empty `SOAPAction` header goes along.
    pub is_soap: bool,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// Whether the address is on this machine, so that no proxy is asked.
    pub is_local: bool,
    /// How much of the answer is read.
    pub bound: Bound,
}

/// One answer, whole.
#[derive(Clone, Debug, Default)]
pub struct WireAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Header names in lower case, with their values.
    pub headers: Vec<(String, String)>,
    /// The body, unzipped.
    pub body: Vec<u8>,
}

impl WireAnswer {
    /// The first header of a name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WireError {
    /// No connection was made: nothing arrived.
    #[error("no connection could be made")]
    NotConnected(#[source] Arc<dyn Error + Send + Sync>),
    /// The connection broke, before or while the answer came.
    #[error("the connection broke")]
    Broken(#[source] Arc<dyn Error + Send + Sync>),
    /// The answer took longer than such a call may take.
    #[error("no answer came within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The answer is larger than such a call's may be; the rest was not read.
    #[error("{0}")]
    TooLarge(TooLarge),
}

impl WireError {
    /// The innermost cause, which says most.
    pub fn reason(&self) -> String {
        let mut cause: &dyn Error = self;
        while let Some(source) = cause.source() {
            cause = source;
        }
        cause.to_string()
    }
}

/// An answer that is under way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<WireAnswer, WireError>> + Send + 'a>>;

/// Sends requests.
pub trait Wire: Send + Sync {
    /// Sends one request and reads its answer whole. It neither repeats nor follows
    /// anything, and ends when it is dropped.
    fn send(&self, request: WireRequest) -> Answering<'_>;
}

/// HTTP over TCP and TLS.
#[derive(Default)]
pub struct HttpWire {
    /// Made with the first call: a plan from the cache needs none.
    remote: OnceLock<reqwest::Client>,
    local: OnceLock<reqwest::Client>,
}

impl HttpWire {
    fn client(&self, is_local: bool) -> Result<&reqwest::Client, WireError> {
        let place = if is_local { &self.local } else { &self.remote };
        if let Some(client) = place.get() {
            return Ok(client);
        }
        // The second installation in a process is refused and needs nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("orgform/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT);
        if is_local {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| WireError::NotConnected(Arc::new(error)))?;
        Ok(place.get_or_init(|| client))
    }

    async fn exchange(&self, request: WireRequest) -> Result<WireAnswer, WireError> {
        let client = self.client(request.is_local)?;
        let mut sent = client.request(request.method, request.url);
        if let Some(bearer) = &request.bearer {
            sent = sent.bearer_auth(bearer.expose_secret());
        }
        if let Some(content_type) = &request.content_type {
            sent = sent.header("Content-Type", content_type);
        }
        if request.is_soap {
            sent = sent.header("SOAPAction", "\"\"");
        }
        if !request.body.is_empty() {
            sent = sent.body(request.body);
        }
        let mut response = sent.send().await.map_err(wire_error)?;
        let status = response.status().as_u16();
        let text = |value: &reqwest::header::HeaderValue| value.to_str().ok().map(str::to_owned);
        let headers = response
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?)))
            .collect();
        let most = request.bound.of(status);
        let announced = response
            .content_length()
            .map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
        if announced > most {
            return Err(WireError::TooLarge(TooLarge::Bytes(most)));
        }
        let mut body = Vec::with_capacity(announced);
        // Unzipped piece by piece: what a few bytes unzip to is never held whole.
        while let Some(piece) = response.chunk().await.map_err(wire_error)? {
            if body.len() + piece.len() > most {
                return Err(WireError::TooLarge(TooLarge::Bytes(most)));
            }
            body.extend_from_slice(&piece);
        }
        Ok(WireAnswer { status, headers, body })
    }
}

impl Wire for HttpWire {
    fn send(&self, request: WireRequest) -> Answering<'_> {
        Box::pin(self.exchange(request))
    }
}

fn wire_error(error: reqwest::Error) -> WireError {
    if error.is_connect() || error.is_builder() {
        WireError::NotConnected(Arc::new(error))
    } else {
        WireError::Broken(Arc::new(error))
    }
}
