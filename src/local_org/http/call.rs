//! A call and its answer, as the resources below see them: whatever came over
//! HTTP, or as one part of a composite request.

use std::sync::Arc;

use serde_json::Value as Json;

use super::contention::Held;
use crate::local_org::error::ApiError;
use crate::text::size::has_json_values;

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

/// What an answer holds.
#[derive(Debug)]
pub enum Payload {
    /// Nothing, as with 204.
    Nothing,
    /// JSON.
    Json(Json),
    /// JSON that others hold too.
    Shared(Arc<Json>),
    /// A text of another content type.
    Text(&'static str, String),
}

/// Why a call was not done, whatever its endpoint: nothing of it is left.
#[derive(Debug)]
pub enum CallError {
    /// Other calls hold these rows.
    Locked(Vec<String>),
    /// It can't be done at all.
    Failed(ApiError),
}

/// What a call ends with.
pub type Outcome = Result<Reply, CallError>;

/// The answer to a call.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// What it holds.
    pub payload: Payload,
    /// Headers of its own.
    pub headers: Vec<(&'static str, String)>,
    /// How many records were touched.
    pub records: usize,
    /// The rows that its call holds until it is sent.
    pub held: Option<Held>,
}

impl Reply {
    fn new(status: u16, payload: Payload, records: usize) -> Self {
        Self { status, payload, headers: Vec::new(), records, held: None }
    }

    /// JSON.
    pub fn json(status: u16, body: Json) -> Self {
        Self::new(status, Payload::Json(body), 0)
    }

    /// JSON that others hold too.
    pub fn shared(status: u16, body: Arc<Json>) -> Self {
        Self::new(status, Payload::Shared(body), 0)
    }

    /// A text of another content type.
    pub fn text(status: u16, content_type: &'static str, text: impl Into<String>) -> Self {
        Self::new(status, Payload::Text(content_type, text.into()), 0)
    }

    /// 204, about one record.
    pub fn empty() -> Self {
        Self::new(204, Payload::Nothing, 1)
    }

    /// A refusal, in the shape that REST has for it.
    pub fn refused(error: &ApiError) -> Self {
        Self::json(error.status, error.rest_body())
    }

    /// The same, about so many records.
    #[must_use]
    pub fn touching(mut self, records: usize) -> Self {
        self.records = records;
        self
    }

    /// The same with a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Its JSON, if it has any.
    pub fn body(&self) -> Option<&Json> {
        match &self.payload {
            Payload::Json(body) => Some(body),
            Payload::Shared(body) => Some(body),
            _ => None,
        }
    }
}

/// More values than any call has: 200 records of 800 fields are 160,000.
const MOST_VALUES: usize = 500_000;

/// A body as JSON; null for none.
///
/// # Errors
/// `JSON_PARSER_ERROR`.
pub fn read_json(body: &[u8]) -> Result<Json, ApiError> {
    if body.is_empty() {
        return Ok(Json::Null);
    }
    let refused = |what: String| ApiError::new("JSON_PARSER_ERROR", what);
    let text = std::str::from_utf8(body)
        .map_err(|error| refused(format!("Unexpected character: {error}")))?;
    if !has_json_values(text, MOST_VALUES) {
        return Err(refused(format!("The body has more than {MOST_VALUES} values")));
    }
    serde_json::from_str(text).map_err(|error| refused(format!("Unexpected character: {error}")))
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
pub fn decode(text: &str, plus: bool) -> String {
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
