//! One call, from a path to an answer: token, limits, counting, retry.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::Method;
use secrecy::ExposeSecret as _;
use secrecy::SecretString;
use serde_json::Value as Json;

use super::API_VERSION;
use super::error::OrgError;
use super::error::Refusal;
use super::retry::Effect;
use super::retry::RetryPolicy;
use crate::model::SalesforceId;

/// Waits, as `main` says how.
pub type Sleep = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Where an org is and how to get in.
pub struct Connection {
    /// For example `https://coconut.my.salesforce.com`, without a slash.
    pub instance_url: String,
    /// The token; never printed.
    pub access_token: SecretString,
    /// Whether it is on this machine, so that no proxy is asked.
    pub emulated: bool,
}

impl Connection {
    /// The org's id, as the token begins with it.
    pub fn org_id(&self) -> Option<SalesforceId> {
        SalesforceId::parse(self.access_token.expose_secret().split('!').next()?)
    }
}

/// How many calls were made, by what they were, and what the org says of its
/// limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Calls by kind.
    pub by_kind: BTreeMap<&'static str, u64>,
    /// Calls used today and calls a day, as the org said last.
    pub today: Option<(u64, u64)>,
}

impl Usage {
    /// All calls.
    pub fn total(&self) -> u64 {
        self.by_kind.values().sum()
    }
}

/// A client for one org.
pub struct Org {
    /// Made with the first call: a plan from the cache needs none.
    http: OnceLock<reqwest::Client>,
    connection: Connection,
    policy: RetryPolicy,
    sleep: Sleep,
    usage: Mutex<Usage>,
    random: Mutex<fastrand::Rng>,
}

/// The answer to a call.
pub(super) struct Answer {
    pub status: u16,
    pub body: String,
    pub request_id: Option<String>,
}

impl Answer {
    /// Its JSON; `Null` for an empty body.
    pub fn json(&self, method: &Method, path: &str) -> Result<Json, OrgError> {
        if self.body.is_empty() {
            return Ok(Json::Null);
        }
        serde_json::from_str(&self.body).map_err(|error| OrgError::Unexpected {
            call: describe(method, path),
            reason: error.to_string(),
        })
    }
}

/// What a call sends.
#[derive(Clone, Copy)]
pub(super) enum Payload<'a> {
    Nothing,
    Json(&'a Json),
    JsonText(&'a str),
    Soap(&'a str),
    Multipart { boundary: &'a str, body: &'a [u8] },
}

impl Org {
    /// A client; nothing is sent yet.
    pub fn new(connection: Connection, policy: RetryPolicy, sleep: Sleep, entropy: u64) -> Self {
        Self {
            http: OnceLock::new(),
            connection,
            policy,
            sleep,
            usage: Mutex::default(),
            random: Mutex::new(fastrand::Rng::with_seed(entropy)),
        }
    }

    fn http(&self) -> Result<&reqwest::Client, OrgError> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        // The second installation in a process is refused and needs nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("orgform/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(15))
            .timeout(Duration::from_secs(620));
        if self.connection.emulated {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| OrgError::Unreachable {
            call: "set up".to_owned(),
            reason: error.to_string(),
        })?;
        Ok(self.http.get_or_init(|| http))
    }

    /// Calls so far.
    pub fn usage(&self) -> Usage {
        self.usage.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Waits before a row-level retry, by the same policy as calls.
    pub async fn wait_before_retry(&self, attempt: u32) {
        let wait = self.policy.wait(attempt, self.chance());
        (self.sleep)(wait).await;
    }

    /// How often something is tried in all.
    pub fn attempts(&self) -> u32 {
        self.policy.attempts
    }

    fn chance(&self) -> f64 {
        self.random.lock().unwrap_or_else(std::sync::PoisonError::into_inner).f64()
    }

    pub(super) fn token(&self) -> &str {
        self.connection.access_token.expose_secret()
    }

    pub(super) fn data_path(rest: &str) -> String {
        format!("/services/data/v{API_VERSION}/{rest}")
    }

    /// Sends a REST call and reads its JSON; `Null` for an empty body.
    pub(super) async fn rest(
        &self,
        kind: &'static str,
        method: Method,
        path: &str,
        body: Option<&Json>,
    ) -> Result<Json, OrgError> {
        let effect = if method == Method::GET { Effect::Read } else { Effect::Write };
        self.rest_with_effect(kind, method, path, body, effect).await
    }

    /// The same, for a POST that only asks.
    pub(super) async fn rest_with_effect(
        &self,
        kind: &'static str,
        method: Method,
        path: &str,
        body: Option<&Json>,
        effect: Effect,
    ) -> Result<Json, OrgError> {
        let payload = body.map_or(Payload::Nothing, Payload::Json);
        let answer = self.send(kind, &method, path, payload, effect).await?;
        answer.json(&method, path)
    }

    /// Sends a call, by the policy more than once; refusals are errors.
    pub(super) async fn send(
        &self,
        kind: &'static str,
        method: &Method,
        path: &str,
        payload: Payload<'_>,
        effect: Effect,
    ) -> Result<Answer, OrgError> {
        let mut attempt = 1;
        loop {
            let error = match self.send_once(kind, method, path, payload).await {
                Ok(answer) if answer.status < 400 => return Ok(answer),
                Ok(answer) => refused(describe(method, path), &answer),
                Err(error) => error,
            };
            let may_retry = match &error {
                OrgError::Unreachable { .. } => true,
                OrgError::Unanswered { .. } => effect == Effect::Read,
                OrgError::Refused { status, refusal, .. } => {
                    self.policy.retries_status(effect, *status)
                        || refusal.code == "REQUEST_LIMIT_EXCEEDED"
                }
                _ => false,
            };
            if !may_retry || attempt >= self.policy.attempts {
                return Err(error);
            }
            let wait = self.policy.wait(attempt, self.chance());
            (self.sleep)(wait).await;
            attempt += 1;
        }
    }

    async fn send_once(
        &self,
        kind: &'static str,
        method: &Method,
        path: &str,
        payload: Payload<'_>,
    ) -> Result<Answer, OrgError> {
        let url = format!("{}{path}", self.connection.instance_url);
        let mut request = self.http()?.request(method.clone(), url);
        request = match payload {
            Payload::Nothing => request.bearer_auth(self.token()),
            Payload::Json(body) => request.bearer_auth(self.token()).json(body),
            Payload::JsonText(body) => request
                .bearer_auth(self.token())
                .header("Content-Type", "application/json")
                .body(body.to_owned()),
            Payload::Soap(body) => request
                .header("Content-Type", "text/xml; charset=UTF-8")
                .header("SOAPAction", "\"\"")
                .body(body.to_owned()),
            Payload::Multipart { boundary, body } => request
                .bearer_auth(self.token())
                .header("Content-Type", format!("multipart/form-data; boundary={boundary}"))
                .body(body.to_owned()),
        };
        self.count(kind);
        let broken = |error: reqwest::Error| {
            let call = describe(method, path);
            let reason = reason_of(&error);
            if error.is_connect() || error.is_builder() {
                OrgError::Unreachable { call, reason }
            } else {
                OrgError::Unanswered { call, reason }
            }
        };
        let response = request.send().await.map_err(broken)?;
        let status = response.status().as_u16();
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let request_id = header("x-sfdc-request-id");
        let mut today = header("Sforce-Limit-Info").as_deref().and_then(limit_info);
        let body = response.text().await.map_err(broken)?;
        if let Payload::Soap(_) = payload {
            today = today.or_else(|| soap_limit_info(&body));
        }
        if today.is_some() {
            let mut usage = self.usage.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            // Answers may come in another order than the calls were counted.
            usage.today = usage.today.max(today);
        }
        Ok(Answer { status, body, request_id })
    }

    fn count(&self, kind: &'static str) {
        let mut usage = self.usage.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *usage.by_kind.entry(kind).or_default() += 1;
    }
}

/// Method and path, without the query's text, which may be long.
pub(super) fn describe(method: &Method, path: &str) -> String {
    let path = path.split('?').next().unwrap_or(path);
    format!("{method} {path}")
}

/// The innermost cause, which says most.
fn reason_of(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// `api-usage=10018/100000`
fn limit_info(header: &str) -> Option<(u64, u64)> {
    let (used, limit) = header
        .split(',')
        .find_map(|part| part.trim().strip_prefix("api-usage="))?
        .split_once('/')?;
    let limit: String = limit.chars().take_while(char::is_ascii_digit).collect();
    Some((used.parse().ok()?, limit.parse().ok()?))
}

/// The `LimitInfoHeader` in front of a SOAP answer's body, which holds `current`
/// and `limit` (SOAP API Developer Guide, "LimitInfoHeader").
fn soap_limit_info(answer: &str) -> Option<(u64, u64)> {
    let (_, header) = answer.split_once("LimitInfoHeader>")?;
    let (header, _) = header.split_once("LimitInfoHeader>")?;
    let number = |name: &str| {
        let (_, rest) = header.split_once(name)?;
        rest.split('<').next()?.trim().parse().ok()
    };
    Some((number("current>")?, number("limit>")?))
}

/// How the identity service, in one word of plain text with status 403, says
/// that a token is of no session (seen by several clients).
const BAD_TOKEN: &str = "Bad_OAuth_Token";

/// A refusal in an answer: the REST array, a bare object, or a SOAP fault.
fn refused(call: String, answer: &Answer) -> OrgError {
    let refusal = refusal_in(&answer.body).unwrap_or_else(|| {
        let text: String = answer.body.chars().take(200).collect();
        if text.trim() == BAD_TOKEN {
            return Refusal::new(BAD_TOKEN, "the identity service does not accept it", Vec::new());
        }
        Refusal::new(&format!("HTTP_{}", answer.status), &text, Vec::new())
    });
    match refusal.code.as_str() {
        "INVALID_SESSION_ID" | BAD_TOKEN | "API_DISABLED_FOR_ORG" | "API_CURRENTLY_DISABLED" => {
            OrgError::Session { call, refusal }
        }
        "REQUEST_LIMIT_EXCEEDED" if !refusal.message.starts_with("Concurrent") => {
            OrgError::DailyLimit { call, refusal }
        }
        _ => OrgError::Refused {
            call,
            status: if is_definite_fault(answer, &refusal) { 400 } else { answer.status },
            refusal,
            request_id: answer.request_id.clone(),
        },
    }
}

/// A SOAP fault comes with status 500 whatever it is about; unless it is about
/// the server, it is a definite refusal.
fn is_definite_fault(answer: &Answer, refusal: &Refusal) -> bool {
    let is_fault = answer.status == 500 && answer.body.contains("faultcode");
    let is_about_server = matches!(
        refusal.code.as_str(),
        "UNKNOWN_EXCEPTION" | "SERVER_UNAVAILABLE" | "UNABLE_TO_LOCK_ROW" | "Server"
    );
    is_fault && !is_about_server
}

fn refusal_in(body: &str) -> Option<Refusal> {
    if let Ok(json) = serde_json::from_str::<Json>(body) {
        return refusal_of(json.get(0).unwrap_or(&json));
    }
    let document = roxmltree::Document::parse(body).ok()?;
    let text = |name: &str| {
        document
            .descendants()
            .find(|node| node.tag_name().name() == name)
            .and_then(|node| node.text())
            .map(str::trim)
    };
    let code = text("faultcode")?;
    let code = code.rsplit(':').next().unwrap_or(code);
    let message = text("faultstring").unwrap_or_default();
    let message = message.strip_prefix(code).map_or(message, |rest| rest.trim_start_matches(": "));
    Some(Refusal::new(code, message, Vec::new()))
}

/// A refusal in a JSON object: `errorCode` in REST errors, `statusCode` in
/// the results of collections.
pub(super) fn refusal_of(error: &Json) -> Option<Refusal> {
    let code = error.get("errorCode").or_else(|| error.get("statusCode"))?.as_str()?;
    let message = error.get("message").and_then(Json::as_str).unwrap_or_default();
    let fields = error
        .get("fields")
        .and_then(Json::as_array)
        .map(|fields| fields.iter().filter_map(|field| field.as_str().map(str::to_owned)).collect())
        .unwrap_or_default();
    Some(Refusal::new(code, message, fields))
}

#[cfg(test)]
mod tests {
    use super::Answer;
    use super::OrgError;
    use super::limit_info;
    use super::refusal_in;
    use super::refused;
    use super::soap_limit_info;

    #[test]
    fn the_limit_is_read_from_soap_answers_too() {
        let answer = "<e:Header><LimitInfoHeader><limitInfo><current>17</current><limit>5000</limit><type>API REQUESTS</type></limitInfo></LimitInfoHeader></e:Header><e:Body><limit>1</limit></e:Body>";
        assert_eq!(soap_limit_info(answer), Some((17, 5000)));
        assert_eq!(soap_limit_info("<e:Body><current>1</current></e:Body>"), None);
    }

    #[test]
    fn the_limit_header_is_read_with_what_follows_it() {
        assert_eq!(limit_info("api-usage=10018/100000"), Some((10018, 100_000)));
        assert_eq!(
            limit_info("api-usage=25/5000; per-app-api-usage=17/250(appName=sample)"),
            Some((25, 5000))
        );
        assert_eq!(limit_info("nonsense"), None);
    }

    #[test]
    fn refusals_are_found_in_all_three_shapes() {
        let array =
            r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#;
        assert_eq!(refusal_in(array).expect("one").code, "INVALID_SESSION_ID");
        let object = r#"{"errorCode":"NOT_FOUND","message":"x"}"#;
        assert_eq!(refusal_in(object).expect("one").code, "NOT_FOUND");
        let fault = "<e:Envelope xmlns:e='x'><e:Body><e:Fault><faultcode>sf:INVALID_SESSION_ID</faultcode><faultstring>INVALID_SESSION_ID: Invalid Session ID</faultstring></e:Fault></e:Body></e:Envelope>";
        let refusal = refusal_in(fault).expect("one");
        assert_eq!(
            (refusal.code.as_str(), refusal.message.as_str()),
            ("INVALID_SESSION_ID", "Invalid Session ID")
        );
        assert_eq!(refusal_in("<html>Down for maintenance</html>"), None);
    }

    #[test]
    fn the_one_word_of_the_identity_service_is_a_session_that_ended() {
        let body = "Bad_OAuth_Token\n".to_owned();
        let answer = Answer { status: 403, body, request_id: None };
        assert!(matches!(refused("GET".to_owned(), &answer), OrgError::Session { .. }));
    }

    #[test]
    fn a_message_from_outside_brings_no_control_characters() {
        let body = "[{\"message\":\"Duplicate Username.<br>\\u001b[31mred\",\"errorCode\":\"DUPLICATE_USERNAME\"}]";
        assert_eq!(refusal_in(body).expect("one").message, "Duplicate Username.  [31mred");
    }
}
