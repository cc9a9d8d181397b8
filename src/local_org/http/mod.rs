//! The local org over HTTP: one door for all paths, since real clients write
//! them with and without trailing slashes and in many versions.

mod composite;
mod rest;
mod soap;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::body::to_bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::Request;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::Response;
use serde_json::Value as Json;

use super::error::ApiError;
use super::rules::Org;

/// Calls a day, as a new Enterprise Edition org has them.
pub const DAILY_CALLS: u64 = 100_000;
/// A body larger than this is refused.
const LARGEST_BODY: usize = 64 * 1024 * 1024;
/// Longer than this and Salesforce answers 414 (REST API Developer Guide,
/// "Status Codes and Error Responses").
const LONGEST_URI: usize = 16_384;

/// The time, as the platform writes it.
pub type Now = Arc<dyn Fn() -> String + Send + Sync>;

/// What all calls share.
pub struct Server {
    /// The org; one call at a time touches it.
    pub org: Mutex<Org>,
    /// The token that is accepted.
    pub token: String,
    /// The org's id.
    pub org_id: String,
    /// Where it listens, with `http://`.
    pub instance_url: String,
    /// The clock.
    pub now: Now,
    /// Calls so far.
    pub calls: AtomicU64,
    /// Answers that did not fit one page.
    pub cursors: Mutex<Cursors>,
    /// Waits before each answer.
    pub latency: Duration,
    /// Waits for each record of an answer.
    pub latency_per_record: Duration,
}

/// Rows that wait to be fetched, by locator; the oldest give way.
#[derive(Debug, Default)]
pub struct Cursors {
    held: VecDeque<(String, Vec<Json>)>,
    number: u64,
}

impl Cursors {
    const HELD: usize = 50;

    fn keep(&mut self, rows: Vec<Json>) -> String {
        self.number += 1;
        let locator = format!("01g{:015}", self.number);
        self.held.push_back((locator.clone(), rows));
        while self.held.len() > Self::HELD {
            self.held.pop_front();
        }
        locator
    }

    fn get(&self, locator: &str) -> Option<&[Json]> {
        self.held.iter().find(|(held, _)| held == locator).map(|(_, rows)| rows.as_slice())
    }
}

/// One REST call, also as a part of a composite one.
pub struct Call {
    /// GET, POST, PATCH, DELETE.
    pub method: String,
    /// The version in the path, without `v`.
    pub version: String,
    /// The path after the version, without empty parts.
    pub path: Vec<String>,
    /// The query parameters.
    pub query: Vec<(String, String)>,
    /// The body; null without one.
    pub body: Json,
    /// The most rows in one page.
    pub page: usize,
}

impl Call {
    /// A query parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_str())
    }
}

/// The answer to a call.
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body; none for 204.
    pub body: Option<Json>,
    /// How many records were touched.
    pub records: usize,
}

impl Reply {
    fn json(status: u16, body: Json) -> Self {
        Self { status, body: Some(body), records: 0 }
    }

    fn empty() -> Self {
        Self { status: 204, body: None, records: 1 }
    }

    fn refused(error: &ApiError) -> Self {
        Self { status: error.status, body: Some(error.rest_body()), records: 0 }
    }

    fn touching(mut self, records: usize) -> Self {
        self.records = records;
        self
    }
}

/// Splits a URI into path and parameters.
pub fn split_uri(uri: &str) -> (Vec<String>, Vec<(String, String)>) {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let segments =
        path.split('/').filter(|part| !part.is_empty()).map(|part| decode(part, false)).collect();
    let parameters = query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name, true), decode(value, true))
        })
        .collect();
    (segments, parameters)
}

/// Decodes `%20`, and `+` where it means a space.
fn decode(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while place < bytes.len() {
        let code = text.get(place + 1..place + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[place], code) {
            (b'%', Some(code)) => {
                decoded.push(code);
                place += 3;
                continue;
            }
            (b'+', _) if plus => decoded.push(b' '),
            (byte, _) => decoded.push(byte),
        }
        place += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Answers any request.
pub async fn answer(State(server): State<Arc<Server>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let uri = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    if uri.len() > LONGEST_URI {
        let error = ApiError::new("URI_TOO_LONG", "The URI is too long").status(414);
        return json_response(&server, Reply::refused(&error));
    }
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        let error = ApiError::new("REQUEST_TOO_LARGE", "The request is too large").status(413);
        return json_response(&server, Reply::refused(&error));
    };
    let worker = Arc::clone(&server);
    let method = parts.method.as_str().to_owned();
    let headers = parts.headers;
    let answered =
        tokio::task::spawn_blocking(move || dispatch(&worker, &method, &uri, &headers, &body))
            .await;
    let Ok((response, records)) = answered else {
        let error = ApiError::new("UNKNOWN_EXCEPTION", "An unexpected error occurred.").status(500);
        return json_response(&server, Reply::refused(&error));
    };
    let records = u32::try_from(records).unwrap_or(u32::MAX);
    let wait = server.latency + server.latency_per_record * records;
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    response
}

fn dispatch(
    server: &Arc<Server>,
    method: &str,
    uri: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> (Response, usize) {
    let (path, query) = split_uri(uri);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    if let ["services", soap, door, _, ..] = path.as_slice()
        && soap.eq_ignore_ascii_case("Soap")
    {
        server.calls.fetch_add(1, Ordering::Relaxed);
        return soap::answer(server, door, body);
    }
    let reply = match path.as_slice() {
        ["services", "data"] => Reply::json(200, rest::versions()),
        ["services", "oauth2", "userinfo"] => authorised(server, headers, rest::userinfo),
        ["services", "data", version, rest @ ..] => {
            let version = version.trim_start_matches('v').to_owned();
            let page = headers
                .get("Sforce-Query-Options")
                .and_then(|value| value.to_str().ok())
                .and_then(|value| value.strip_prefix("batchSize="))
                .and_then(|size| size.parse::<usize>().ok())
                .map_or(2000, |size| size.clamp(200, 2000));
            let body = if body.is_empty() {
                Ok(Json::Null)
            } else {
                serde_json::from_slice(body).map_err(|error| {
                    ApiError::new("JSON_PARSER_ERROR", format!("Unexpected character: {error}"))
                })
            };
            let path = rest.iter().map(|part| (*part).to_owned()).collect();
            server.calls.fetch_add(1, Ordering::Relaxed);
            match body {
                Err(error) => Reply::refused(&error),
                Ok(body) => {
                    let call = Call { method: method.to_owned(), version, path, query, body, page };
                    authorised(server, headers, |server, org| rest::handle(server, org, &call))
                }
            }
        }
        [] => Reply::json(
            200,
            serde_json::json!({"organization_id": server.org_id, "emulated": true}),
        ),
        _ => Reply::refused(&ApiError::not_found()),
    };
    let records = reply.records;
    (json_response(server, reply), records)
}

/// Runs a call as one transaction, if its token is ours.
fn authorised(
    server: &Server,
    headers: &HeaderMap,
    run: impl FnOnce(&Server, &mut Org) -> Reply,
) -> Reply {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("OAuth ")));
    if token != Some(server.token.as_str()) {
        let error = ApiError::new("INVALID_SESSION_ID", "Session expired or invalid").status(401);
        return Reply::refused(&error);
    }
    if server.calls.load(Ordering::Relaxed) > DAILY_CALLS {
        let error =
            ApiError::new("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.").status(403);
        return Reply::refused(&error);
    }
    transaction(server, |org| run(server, org)).unwrap_or_else(|error| Reply::refused(&error))
}

/// Runs a call on the org and makes what it changed durable.
fn transaction<T>(server: &Server, run: impl FnOnce(&mut Org) -> T) -> Result<T, ApiError> {
    let mut org = server.org.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // A call that panicked left its changes open: they were never acknowledged.
    org.store.roll_back(0);
    org.now = (server.now)();
    let result = run(&mut org);
    org.store.commit().map_err(|error| {
        ApiError::new("UNKNOWN_EXCEPTION", format!("the local org can't write its data: {error}"))
            .status(500)
    })?;
    Ok(result)
}

fn json_response(server: &Server, reply: Reply) -> Response {
    let body = match &reply.body {
        Some(body) => Body::from(body.to_string()),
        None => Body::empty(),
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    let usage = format!("api-usage={}/{DAILY_CALLS}", server.calls.load(Ordering::Relaxed));
    if let Ok(usage) = HeaderValue::from_str(&usage) {
        headers.insert("Sforce-Limit-Info", usage);
    }
    response
}
