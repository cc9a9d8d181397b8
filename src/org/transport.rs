//! One call, from a path to an answer that its contract describes: token, limits,
//! counting, time-outs, and what may be sent again.
//!
//! Sent again is what only asks, what never arrived, and what the org says that it
//! did not take up. A write of which it is not known what became of it is the
//! caller's to settle.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::Either;
use futures_util::future::select;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use secrecy::SecretString;
use serde_json::Value as Json;
use tracing::debug;

use super::address::InstanceUrl;
use super::address::OrgPath;
use super::contract::CallKind;
use super::contract::Effect;
use super::contract::Shape;
use super::error::OrgError;
use super::refusals::Answered;
use super::refusals::error_of;
use super::refusals::refused_in;
use super::refusals::strange;
use super::retry::RetryPolicy;
use super::retry::retry_after;
use super::size::TooLarge;
use super::wire::Wire;
use super::wire::WireAnswer;
use super::wire::WireError;
use super::wire::WireRequest;
use crate::model::Monotonic;
use crate::model::SalesforceId;
use crate::text::size::xml_values;

/// Waits, as `main` says how.
pub type Sleep = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Where an org is and how to get in.
pub struct Connection {
    /// Its origin.
    pub instance_url: InstanceUrl,
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
    wire: Arc<dyn Wire>,
    connection: Connection,
    policy: RetryPolicy,
    sleep: Sleep,
    /// How long calls take is measured by it.
    clock: Monotonic,
    usage: Mutex<Usage>,
    random: Mutex<fastrand::Rng>,
    is_stopped: AtomicBool,
}

/// An answer as its contract describes it.
pub(super) struct Answer {
    /// The text of a SOAP envelope; empty otherwise.
    pub body: String,
    /// What was read; `Null` for nothing and for an envelope.
    pub json: Json,
    /// Salesforce's id of the request.
    pub request_id: Option<String>,
}

/// Why there is no answer, and how long the org asks to wait before it is asked again.
struct Failed {
    error: OrgError,
    retry_after: Option<Duration>,
}

impl From<OrgError> for Failed {
    fn from(error: OrgError) -> Self {
        Self { error, retry_after: None }
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

/// One call: what it is, and where it goes.
#[derive(Clone)]
pub(super) struct Call<'a> {
    pub kind: CallKind,
    pub method: Method,
    pub path: &'a OrgPath,
    pub payload: Payload<'a>,
    /// What it is called in errors, where its path does not say.
    pub name: Option<&'a str>,
}

impl<'a> Call<'a> {
    pub fn new(kind: CallKind, method: Method, path: &'a OrgPath, payload: Payload<'a>) -> Self {
        Self { kind, method, path, payload, name: None }
    }

    /// A call that carries nothing.
    pub fn bare(kind: CallKind, method: Method, path: &'a OrgPath) -> Self {
        Self::new(kind, method, path, Payload::Nothing)
    }

    /// Method and path, without the query's text, which may be long.
    fn describe(&self) -> String {
        let resource = self.path.resource();
        self.name.map_or_else(|| format!("{} {resource}", self.method), str::to_owned)
    }
}

impl Org {
    /// A client; nothing is sent yet.
    pub fn new(
        connection: Connection,
        policy: RetryPolicy,
        wire: Arc<dyn Wire>,
        sleep: Sleep,
        entropy: u64,
    ) -> Self {
        Self {
            wire,
            connection,
            policy,
            sleep,
            clock: Arc::new(|| Duration::ZERO),
            usage: Mutex::default(),
            random: Mutex::new(fastrand::Rng::with_seed(entropy)),
            is_stopped: AtomicBool::new(false),
        }
    }

    /// The same, which measures how long calls take by a clock that only goes on.
    #[must_use]
    pub fn timed_by(mut self, clock: Monotonic) -> Self {
        self.clock = clock;
        self
    }

    /// From here on no write leaves, nor is one sent again. What is under way goes on,
    /// and what only asks may still be sent.
    pub fn stop_writing(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    /// Whether writes are still sent.
    pub fn may_write(&self) -> bool {
        !self.is_stopped.load(Ordering::Relaxed)
    }

    fn counted(&self) -> MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls so far.
    pub fn usage(&self) -> Usage {
        self.counted().clone()
    }

    /// Waits before a row-level retry, by the same policy as calls.
    pub async fn wait_before_retry(&self, attempt: u32) {
        let wait = self.policy.wait(attempt, self.chance());
        (self.sleep)(wait).await;
    }

    /// Waits as `main` says how.
    pub async fn pause(&self, time: Duration) {
        (self.sleep)(time).await;
    }

    /// How often something is tried in all.
    pub fn attempts(&self) -> u32 {
        self.policy.attempts
    }

    fn chance(&self) -> f64 {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).f64()
    }

    /// A REST resource that an answer of the org names.
    pub(super) fn followed(&self, address: &str) -> Option<OrgPath> {
        OrgPath::followed(&self.connection.instance_url, address)
    }

    pub(super) fn token(&self) -> &str {
        self.connection.access_token.expose_secret()
    }

    /// Sends a call and gives its JSON; `Null` where its contract says that there is
    /// no body.
    pub(super) async fn json(&self, call: Call<'_>) -> Result<Json, OrgError> {
        Ok(self.send(call).await?.json)
    }

    /// Sends a call, by the policy more than once; all but the answer that its
    /// contract describes is an error.
    pub(super) async fn send(&self, call: Call<'_>) -> Result<Answer, OrgError> {
        let effect = call.kind.contract().effect;
        let mut attempt = 1;
        loop {
            if effect == Effect::Write && !self.may_write() {
                return Err(OrgError::Stopped { call: call.describe() });
            }
            let Failed { error, retry_after } = match self.send_once(&call, attempt).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            if attempt >= self.policy.attempts || !may_repeat(effect, &error, attempt) {
                return Err(error);
            }
            let wait = self.policy.wait(attempt, self.chance());
            let Some(wait) = self.policy.wait_as_asked(wait, retry_after) else {
                return Err(error);
            };
            let milliseconds = wait.as_millis();
            debug!(call = call.describe(), attempt, milliseconds, "waits to send it again");
            (self.sleep)(wait).await;
            attempt += 1;
        }
    }

    async fn send_once(&self, call: &Call<'_>, attempt: u32) -> Result<Answer, Failed> {
        let contract = call.kind.contract();
        *self.counted().by_kind.entry(contract.name).or_default() += 1;
        let request = self.request(call);
        let bytes = request.body.len();
        // An address that is followed was the org's to make.
        debug!(method = %request.method, path = self.without_token(call.path.as_str()), bytes, attempt, "call leaves");
        let left = (self.clock)();
        let sent = self.wire.send(request);
        let time_up = (self.sleep)(contract.time_out);
        let answer = match select(sent, time_up).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), _)) => Err(WireError::TimedOut(contract.time_out)),
        };
        let milliseconds = (self.clock)().saturating_sub(left).as_millis();
        let answer = answer.map_err(|source| {
            let name = contract.name;
            let call = call.describe();
            let reason = source.to_string();
            debug!(call, attempt, milliseconds, reason, "no answer came");
            match source {
                WireError::NotConnected(_) => OrgError::Unreachable { call, source },
                WireError::TooLarge(excess) => OrgError::TooLarge { call, name, excess },
                _ => OrgError::Unanswered { call, source },
            }
        })?;
        self.note_limit(call, &answer);
        let (status, bytes) = (answer.status, answer.body.len());
        let request_id = answer.header("x-sfdc-request-id").unwrap_or_default();
        debug!(
            call = call.describe(),
            attempt,
            milliseconds,
            status,
            bytes,
            request_id = self.without_token(request_id),
            "answer came"
        );
        let retry_after = retry_after(&answer);
        self.check(call, answer).map_err(|error| Failed { error, retry_after })
    }

    /// An answer that is told of, without what must not be: something on the way may say
    /// back what was sent, and an answer to a reset holds a temporary password.
    fn without_secrets(&self, call: &Call<'_>, body: String) -> String {
        // What is odd as XML is no refusal, and takes long to read as one.
        let is_refusal = || xml_values(&body).is_ok() && refused_in(&body).is_some();
        if call.kind == CallKind::ResetPassword && !is_refusal() {
            return "(what may be a password, and is not shown)".to_owned();
        }
        self.without_token(&body)
    }

    /// A text without the token, or a long beginning of it.
    fn without_token(&self, text: &str) -> String {
        /// So much of it is known again; no session is shorter.
        const HEAD: usize = 16;
        let token = self.token();
        let secret = token.split_once('!').map_or(token, |(_, secret)| secret);
        let Some(head) = secret.get(..HEAD) else { return text.to_owned() };
        let mut rest = text;
        let mut cleaned = String::new();
        while let Some(at) = rest.find(head) {
            cleaned.push_str(&rest[..at]);
            cleaned.push('…');
            let same = rest[at..].chars().zip(secret.chars()).take_while(|(a, b)| a == b);
            let same: usize = same.map(|(character, _)| character.len_utf8()).sum();
            rest = &rest[at + same..];
        }
        cleaned.push_str(rest);
        cleaned
    }

    fn request(&self, call: &Call<'_>) -> WireRequest {
        let (content_type, body) = match call.payload {
            Payload::Nothing => (None, Vec::new()),
            // What is made of texts, numbers and lists always encodes.
            Payload::Json(body) => {
                (Some("application/json".to_owned()), serde_json::to_vec(body).unwrap_or_default())
            }
            Payload::JsonText(body) => {
                (Some("application/json".to_owned()), body.as_bytes().to_vec())
            }
            Payload::Soap(body) => {
                (Some("text/xml; charset=UTF-8".to_owned()), body.as_bytes().to_vec())
            }
            Payload::Multipart { boundary, body } => {
                (Some(format!("multipart/form-data; boundary={boundary}")), body.to_vec())
            }
        };
        let is_soap = matches!(call.payload, Payload::Soap(_));
        WireRequest {
            method: call.method.clone(),
            url: call.path.on(&self.connection.instance_url),
            // SOAP carries it in its envelope.
            bearer: (!is_soap).then(|| self.connection.access_token.clone()),
            content_type,
            is_soap,
            body,
            is_local: self.connection.emulated,
            bound: call.kind.contract().bound(),
        }
    }

    fn note_limit(&self, call: &Call<'_>, answer: &WireAnswer) {
        let mut today = answer.header("sforce-limit-info").and_then(limit_info);
        if let Payload::Soap(_) = call.payload {
            today = today.or_else(|| soap_limit_info(&String::from_utf8_lossy(&answer.body)));
        }
        if today.is_some() {
            let mut usage = self.counted();
            // Answers may come in another order than the calls were counted.
            usage.today = usage.today.max(today);
        }
    }

    /// Holds an answer against the contract of its call.
    fn check(&self, call: &Call<'_>, answer: WireAnswer) -> Result<Answer, OrgError> {
        let contract = call.kind.contract();
        let request_id = answer.header("x-sfdc-request-id").map(str::to_owned);
        let status = answer.status;
        let body = String::from_utf8(answer.body).map_err(|_| OrgError::Unexpected {
            call: call.describe(),
            status: Some(status),
            reason: format!("status {status} with bytes that are no text"),
            request_id: request_id.clone(),
        })?;
        let most = contract.bound().of(status);
        let held = match contract.shape {
            _ if body.len() > most => Err(TooLarge::Bytes(most)),
            _ if body.trim_start().starts_with('<') => contract.size.holds_xml(&body),
            _ => contract.size.holds_json(&body),
        };
        let is_asked_for = status == contract.status && contract.shape == Shape::Envelope;
        match held {
            Ok(()) => {}
            // A page of HTML, as gateways send: no refusal, and not read as one.
            Err(TooLarge::Odd(_)) if !is_asked_for => {
                let body = self.without_secrets(call, body);
                let reason = strange(status, &body);
                let (call, status) = (call.describe(), Some(status));
                return Err(OrgError::Unexpected { call, status, reason, request_id });
            }
            Err(excess) => {
                let (call, name) = (call.describe(), contract.name);
                return Err(OrgError::TooLarge { call, name, excess });
            }
        }
        // What was sent may be said back in a part of an answer too.
        let has_token = !self.token().is_empty() && body.contains(self.token());
        let body = if has_token { self.without_token(&body) } else { body };
        if status == contract.status
            && let Some(json) = read_as(contract.shape, &body)
        {
            let body = if contract.shape == Shape::Envelope { body } else { String::new() };
            return Ok(Answer { body, json, request_id });
        }
        let body = self.without_secrets(call, body);
        let error = error_of(Answered {
            call: &call.describe(),
            status,
            body: &body,
            request_id: request_id.as_deref(),
        });
        // It may have stood there escaped.
        Err(error.map_words(|words| self.without_token(words)))
    }
}

/// Whether a call may simply be sent again.
fn may_repeat(effect: Effect, error: &OrgError, attempt: u32) -> bool {
    match error {
        // Each further one would be waited for as long.
        OrgError::Unanswered { source: WireError::TimedOut(_), .. } => {
            effect == Effect::Read && attempt == 1
        }
        OrgError::Unreachable { .. } => true,
        // Where every answer is a redirect or too large, another one is no better.
        OrgError::Unexpected { status: Some(300..=399), .. } | OrgError::TooLarge { .. } => false,
        error if error.is_crowded() => true,
        error => effect == Effect::Read && error.is_unknown(),
    }
}

/// Reads a body as the contract says that it looks; `None` when it does not.
fn read_as(shape: Shape, body: &str) -> Option<Json> {
    match shape {
        Shape::Nothing => body.is_empty().then_some(Json::Null),
        // Whoever asked reads the tree.
        Shape::Envelope => {
            let is_one = body.trim_start().starts_with('<') && body.contains("Envelope");
            (is_one && !body.contains("<faultcode")).then_some(Json::Null)
        }
        Shape::Array => serde_json::from_str(body).ok().filter(Json::is_array),
        Shape::AnyObject => serde_json::from_str(body).ok().filter(Json::is_object),
        Shape::Object(key) => {
            serde_json::from_str(body).ok().filter(|json: &Json| json.get(key).is_some())
        }
    }
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

#[cfg(test)]
mod tests {
    use super::Shape;
    use super::limit_info;
    use super::read_as;
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
    fn an_answer_has_the_shape_of_its_call_or_is_none() {
        let password = Shape::Object("NewPassword");
        assert!(read_as(password, "{\"NewPassword\":\"x\"}").is_some());
        for body in ["", "{}", "<html>NewPassword</html>", "[\"NewPassword\"]", "{\"NewPassword\""]
        {
            assert_eq!(read_as(password, body), None, "{body}");
        }
        assert!(read_as(Shape::Nothing, "").is_some());
        assert_eq!(read_as(Shape::Nothing, "<html>"), None);
        let fault = "<e:Envelope><faultcode>x</faultcode></e:Envelope>";
        assert_eq!(read_as(Shape::Envelope, fault), None);
    }
}
