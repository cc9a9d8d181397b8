//! The endpoint: reads a request, finds who answers it, waits as long as the org
//! is said to take, and writes it down.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::body::to_bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::Request;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::Response;

use super::Caller;
use super::Server;
use super::call::Call;
use super::call::CallError;
use super::call::Outcome;
use super::call::Payload;
use super::call::Reply;
use super::call::read_json;
use super::call::split_uri;
use super::host::is_address;
use super::oauth;
use super::rest;
use super::scim;
use super::soap;
use super::status_page;
use crate::local_org::error::ApiError;

/// A body larger than this is refused: more than the 39 MB that a deploy may
/// have, as base64.
const LARGEST_BODY: usize = 64 * 1024 * 1024;
/// Longer than this and Salesforce answers 414 (REST API Developer Guide,
/// "Status Codes and Error Responses").
const LONGEST_URI: usize = 16_384;

/// One of the two ways in.
#[derive(Clone)]
pub struct Endpoint {
    /// The org behind it.
    pub server: Arc<Server>,
    /// How its addresses begin.
    pub scheme: &'static str,
    /// Where it listens.
    pub address: std::net::SocketAddr,
}

/// A request that was read.
struct Arrived {
    method: String,
    uri: String,
    headers: HeaderMap,
    body: Vec<u8>,
    caller: Caller,
}

/// Answers any request. A client that goes away in the middle changes nothing:
/// what it asked for is finished, written down, and lets go of what it held.
pub async fn answer(State(endpoint): State<Endpoint>, request: Request<Body>) -> Response {
    let started = tokio::time::Instant::now();
    let server = Arc::clone(&endpoint.server);
    let (parts, body) = request.into_parts();
    let uri = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let method = parts.method.as_str().to_owned();
    let read = match unreadable(&parts.headers, &uri) {
        Some(error) => Err(error),
        None => to_bytes(body, LARGEST_BODY).await.map_err(|_| {
            ApiError::new("REQUEST_TOO_LARGE", "The request is too large").status(413)
        }),
    };
    let has_threads = server.has_threads;
    let answering = async move {
        let reply = match read {
            Err(error) => refused(&uri, &error),
            Ok(body) => {
                let caller = endpoint.caller(&parts.headers);
                let (method, uri, headers) = (method.clone(), uri.clone(), parts.headers);
                let arrived = Arrived { method, uri, headers, body: body.to_vec(), caller };
                work(&server, Arc::new(arrived)).await
            }
        };
        if let Some(log) = &server.log {
            log.write((server.clock)(), &method, &uri, reply.status, started.elapsed());
        }
        response(&server, &uri, reply)
    };
    if !has_threads {
        return answering.await;
    }
    // It is neither cancelled nor does it panic: what runs the org is a task of its own.
    tokio::spawn(answering).await.unwrap_or_default()
}

/// Why a request is not read at all.
fn unreadable(headers: &HeaderMap, uri: &str) -> Option<ApiError> {
    if uri.len() > LONGEST_URI {
        return Some(ApiError::new("URI_TOO_LONG", "The URI is too long").status(414));
    }
    let encoding = headers.get(header::CONTENT_ENCODING)?;
    (encoding != "identity").then(|| {
        let message = "The local org takes no compressed requests";
        ApiError::new("UNSUPPORTED_MEDIA_TYPE", message).status(415)
    })
}

/// A refusal in the shape that its endpoint has for it.
fn refused(uri: &str, error: &ApiError) -> Reply {
    let (path, _) = split_uri(uri);
    match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["services", soap, endpoint, ..] if soap.eq_ignore_ascii_case("Soap") => {
            soap::refused(endpoint, error)
        }
        _ => Reply::refused(error),
    }
}

/// Runs a call on a thread of its own, since it may write to disk; a call that
/// meets another one that holds what it wants waits for it.
async fn work(server: &Arc<Server>, arrived: Arc<Arrived>) -> Reply {
    if server.contention.is_crowded() {
        let message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded.";
        let error = ApiError::new("REQUEST_LIMIT_EXCEEDED", message).status(403);
        return refused(&arrived.uri, &error);
    }
    if counts(&arrived.uri) {
        server.count();
    }
    let mut patience = server.contention.patience();
    let mut is_last_try = false;
    loop {
        let begun = (server.time.passed)();
        let (worker, call) = (Arc::clone(server), Arc::clone(&arrived));
        let answered = if server.has_threads {
            tokio::task::spawn_blocking(move || route(&worker, &call, is_last_try)).await
        } else {
            Ok(route(&worker, &call, is_last_try))
        };
        let mut reply = match answered {
            Ok(Ok(reply)) => reply,
            Ok(Err(CallError::Locked(met))) if !is_last_try => {
                is_last_try = !patience.wait(&met).await;
                continue;
            }
            Ok(Err(CallError::Locked(_))) => refused(&arrived.uri, &ApiError::locked()),
            Ok(Err(CallError::Failed(error))) => refused(&arrived.uri, &error),
            Err(_) => {
                let error = ApiError::new("UNKNOWN_EXCEPTION", "An unexpected error occurred.");
                refused(&arrived.uri, &error.status(500))
            }
        };
        let records = u32::try_from(reply.records).unwrap_or(u32::MAX);
        let takes = server.latency + server.latency_per_record * records;
        // What the local org itself needs is no part of what it stands for.
        let took = (server.time.passed)().saturating_sub(begun);
        server.contention.linger(takes.saturating_sub(took)).await;
        reply.held = None;
        return reply;
    }
}

/// Whether a call counts against the daily limit (REST API Developer Guide,
/// "Limit Info Header": the list of versions does not; nor does signing in).
fn counts(uri: &str) -> bool {
    let path = uri.split('?').next().unwrap_or_default();
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    match (parts.next(), parts.next(), parts.next()) {
        (Some("services"), Some("data"), version) => version.is_some(),
        (Some("services"), Some(endpoint), _) => {
            endpoint.eq_ignore_ascii_case("Soap") || endpoint == "scim"
        }
        _ => false,
    }
}

impl Endpoint {
    /// The address that the client used, so that what it is sent leads back
    /// to the same endpoint.
    fn caller(&self, headers: &HeaderMap) -> Caller {
        let host = headers
            .get(header::HOST)
            .and_then(|value| value.to_str().ok())
            .filter(|host| is_address(host))
            .map_or_else(|| self.address.to_string(), str::to_owned);
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| {
                value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("OAuth "))
            })
            .map(|token| token.trim().to_owned());
        Caller { instance_url: format!("{}://{host}", self.scheme), token, is_last_try: false }
    }
}

fn route(server: &Server, arrived: &Arrived, is_last_try: bool) -> Outcome {
    let (path, query) = split_uri(&arrived.uri);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let caller = &Caller { is_last_try, ..arrived.caller.clone() };
    match path.as_slice() {
        [] => {
            let visit = status_page::Visit {
                method: &arrived.method,
                headers: &arrived.headers,
                query: &query,
                body: &arrived.body,
                token: caller.token.as_deref(),
            };
            status_page::answer(server, &visit)
        }
        ["services", soap, endpoint, version, ..] if soap.eq_ignore_ascii_case("Soap") => {
            soap::answer(server, caller, endpoint, version, &arrived.body)
        }
        ["services", "data"] => Ok(Reply::json(200, rest::versions())),
        ["services", "oauth2", resource] => {
            oauth::answer(server, caller, resource, &arrived.headers, &arrived.body, &query)
        }
        ["id", org, user] => oauth::identity(server, caller, org, user),
        ["services", "scim", _, "Users", rest @ ..] => {
            let method = arrived.method.as_str();
            scim::answer(server, caller, method, rest, &arrived.headers, &arrived.body)
        }
        ["services", "data", version, rest @ ..] => {
            let version = version.trim_start_matches('v').to_owned();
            let content_type = arrived.headers.get(header::CONTENT_TYPE);
            let content_type = content_type.and_then(|value| value.to_str().ok());
            if rest.first() == Some(&"metadata") {
                let call = rest::metadata::Upload {
                    method: &arrived.method,
                    version: &version,
                    path: &rest[1..],
                    query: &query,
                    content_type: content_type.unwrap_or_default(),
                    body: &arrived.body,
                };
                return server
                    .authorised(caller, |_, org| rest::metadata::answer(org, caller, &call));
            }
            if !arrived.body.is_empty() && content_type.is_some_and(|kind| !kind.contains("json")) {
                let message = "Unsupported Media Type";
                let error = ApiError::new("UNSUPPORTED_MEDIA_TYPE", message).status(415);
                return Ok(Reply::refused(&error));
            }
            let body = match read_json(&arrived.body) {
                Ok(body) => body,
                Err(error) => return Ok(Reply::refused(&error)),
            };
            let page = arrived
                .headers
                .get("Sforce-Query-Options")
                .and_then(|value| value.to_str().ok())
                .and_then(|value| value.strip_prefix("batchSize="))
                .and_then(|size| size.trim().parse::<usize>().ok())
                .map_or(2000, |size| size.clamp(200, 2000));
            let path = rest.iter().map(|part| (*part).to_owned()).collect();
            // A client that can't send PATCH names it in a parameter.
            let named = query.iter().find(|(name, _)| name == "_HttpMethod");
            let method = match (arrived.method.as_str(), named) {
                ("POST", Some((_, method))) => method.to_uppercase(),
                ("HEAD", _) => "GET".to_owned(),
                (method, _) => method.to_owned(),
            };
            let call = Call { method, version, path, query, body, page };
            server.authorised(caller, |server, org| rest::handle(server, org, caller, &call))
        }
        _ => Ok(Reply::refused(&ApiError::not_found())),
    }
}

fn response(server: &Server, uri: &str, reply: Reply) -> Response {
    let (content_type, body) = match reply.payload {
        Payload::Nothing => ("application/json;charset=UTF-8", String::new()),
        Payload::Json(body) => ("application/json;charset=UTF-8", body.to_string()),
        Payload::Shared(body) => ("application/json;charset=UTF-8", body.to_string()),
        Payload::Text(content_type, text) => (content_type, text),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if counts(uri) {
        let usage =
            format!("api-usage={}/{}", server.calls.load(Ordering::Relaxed), server.daily_calls);
        if let Ok(usage) = HeaderValue::from_str(&usage) {
            headers.insert("Sforce-Limit-Info", usage);
        }
    }
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    response
}
