//! How the platform says no: a status, a code, a sentence, the fields.

use serde_json::Value as Json;
use serde_json::json;

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status of a call that holds nothing else.
    pub status: u16,
    /// Salesforce's code.
    pub code: &'static str,
    /// Salesforce's sentence.
    pub message: String,
    /// The fields it is about.
    pub fields: Vec<String>,
}

impl ApiError {
    /// A refusal with status 400.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into(), fields: Vec::new() }
    }

    /// The same with another status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same about a field.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.fields.push(field.into());
        self
    }

    /// There is no such resource.
    pub fn not_found() -> Self {
        Self::new("NOT_FOUND", "The requested resource does not exist").status(404)
    }

    /// The token is of no session.
    pub fn no_session() -> Self {
        Self::new("INVALID_SESSION_ID", "Session expired or invalid").status(401)
    }

    /// Another call holds a row that this one wants to change.
    pub fn locked() -> Self {
        Self::new(
            "UNABLE_TO_LOCK_ROW",
            "unable to obtain exclusive access to this record or 1 records",
        )
    }

    /// There is no such object.
    pub fn unknown_object(name: &str) -> Self {
        Self::new("INVALID_TYPE", format!("sObject type '{name}' is not supported.")).status(404)
    }

    /// As the body of a REST answer: an array, with `errorCode`.
    pub fn rest_body(&self) -> Json {
        let mut error = json!({"message": self.message, "errorCode": self.code});
        if !self.fields.is_empty() {
            error["fields"] = json!(self.fields);
        }
        json!([error])
    }

    /// As an item of `errors` in a collection: with `statusCode`.
    pub fn item(&self) -> Json {
        json!({"statusCode": self.code, "message": self.message, "fields": self.fields})
    }
}
