//! The wire between orgform and an org in the same process, on which faults strike.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use axum::body::Body;
use axum::body::to_bytes;
use axum::http::Request;
use orgform::local_org::InProcess;
use orgform::org::Answering;
use orgform::org::Wire;
use orgform::org::WireAnswer;
use orgform::org::WireError;
use orgform::org::WireRequest;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::Value as Json;
use serde_json::json;

use super::schedule::Fault;
use super::schedule::Meddling;
use super::schedule::Strange;
use super::schedule::Strike;
use super::schedule::Torn;

/// Where the org seems to be.
pub const URL: &str = "http://127.0.0.1:9";

/// What sort of call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    Any,
    Read,
    Insert,
    Update,
    Delete,
    Mail,
    WriteMetadata,
    Deploy,
    DeployStatus,
}

impl Class {
    fn of(request: &WireRequest) -> Self {
        let path = request.url.split('?').next().unwrap_or_default();
        let body = String::from_utf8_lossy(&request.body);
        let is = |part: &str| path.contains(part);
        match request.method.as_str() {
            "DELETE" if path.ends_with("/password") => Self::Mail,
            "DELETE" => Self::Delete,
            "PATCH" => Self::Update,
            "POST" if is("/metadata/deployRequest") => Self::Deploy,
            "GET" if is("/metadata/deployRequest") => Self::DeployStatus,
            "POST" if is("/Soap/u/") => Self::Insert,
            "POST" if is("/Soap/m/") => {
                if body.contains("readMetadata") || body.contains("listMetadata") {
                    Self::Read
                } else {
                    Self::WriteMetadata
                }
            }
            "POST" if is("/sobjects") => Self::Insert,
            _ => Self::Read,
        }
    }

    fn is_write(self) -> bool {
        !matches!(self, Self::Any | Self::Read | Self::DeployStatus)
    }
}

/// Why a run is ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Killed,
    PowerLost(Torn),
}

/// A deploy that the org has taken up and works on.
struct Working {
    /// The id that it gave.
    id: String,
    /// So many calls later it is through with it.
    left: u8,
    request: Option<WireRequest>,
    /// The id under which it is found once it is through.
    ended: Option<String>,
    /// The run that began it.
    run: usize,
    /// Whether that run asked how far it is, so that its id was durable by then.
    is_known: bool,
}

/// When a call that is on its way arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrives {
    /// So many calls later.
    After(u8),
    /// Just before the next of its class; so many questions after that are lost.
    BeforeNext(Class, u8),
}

/// What happened so far.
#[derive(Default)]
pub struct Seen {
    strikes: Vec<Strike>,
    counts: BTreeMap<Class, usize>,
    /// Calls, each as one line.
    pub trace: Vec<String>,
    /// Calls that arrive later, with when.
    late: Vec<(Arrives, WireRequest)>,
    lost_look_ups: u8,
    slow_looks: u8,
    deploys: Vec<Working>,
    /// How many runs there were.
    pub runs: usize,
    /// What a call did that none may do.
    pub wrong: Option<String>,
    /// Mails that the org sent, by user.
    pub mails: BTreeMap<String, usize>,
    /// Ids of records that our calls inserted.
    pub made: BTreeSet<String>,
    /// Calls of ours that the org took and that change something.
    pub writes: usize,
    /// Why the run is to end.
    pub end: Option<End>,
    /// How often the user asked to stop.
    pub asked: u8,
    /// By how many hours the clock was set.
    pub hours: i64,
    /// Whether somebody else gave a user of ours something.
    pub has_given: bool,
}

/// The wire.
pub struct SimWire {
    org: InProcess,
    seen: Mutex<Seen>,
    /// Woken when the run is to end, or the user asks to stop.
    pub woken: Arc<tokio::sync::Notify>,
}

impl SimWire {
    pub fn new(org: InProcess) -> Self {
        Self { org, seen: Mutex::default(), woken: Arc::default() }
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("no panic")
    }

    /// What goes wrong from now on. Calls are counted anew.
    pub fn strikes(&self, strikes: &[Strike]) {
        let mut seen = self.seen();
        seen.strikes = strikes.to_vec();
        seen.counts.clear();
        seen.lost_look_ups = 0;
        seen.slow_looks = 0;
    }

    /// All that is on its way arrives.
    pub async fn settle(&self) {
        let late = std::mem::take(&mut self.seen().late);
        for (_, request) in late {
            self.execute(request).await;
        }
        self.deploys_go_on(u8::MAX).await;
    }

    /// The org works on deploys while so many calls go by.
    async fn deploys_go_on(&self, calls: u8) {
        let mut due = Vec::new();
        for (place, held) in self.seen().deploys.iter_mut().enumerate() {
            held.left = held.left.saturating_sub(calls);
            due.extend(held.request.take_if(|_| held.left == 0).map(|request| (place, request)));
        }
        for (place, request) in due {
            let answer = self.execute(request).await;
            let answer: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
            let mut seen = self.seen();
            seen.trace.push("  a deploy ends".to_owned());
            seen.deploys[place].ended = answer["id"].as_str().map(str::to_owned);
        }
    }

    /// A deploy whose id a run knew is waited for by the next before it writes.
    fn note_deploys(&self, request: &WireRequest, class: Class) {
        let mut seen = self.seen();
        let seen = &mut *seen;
        let is_forgotten =
            |held: &Working| held.is_known && held.run < seen.runs && held.ended.is_none();
        if class.is_write() && seen.deploys.iter().any(is_forgotten) {
            let why = "a write left while the deploy of an earlier run was under way";
            seen.wrong.get_or_insert_with(|| why.to_owned());
        }
        for held in &mut seen.deploys {
            held.is_known |= request.url.contains(&held.id);
        }
    }

    /// Puts in the id under which a deploy is found; the answer while it goes on.
    fn still_deploying(&self, request: &mut WireRequest) -> Option<WireAnswer> {
        let seen = self.seen();
        let held = seen.deploys.iter().find(|held| request.url.contains(&held.id))?;
        let Some(ended) = &held.ended else { return Some(in_progress()) };
        request.url = request.url.replace(&held.id, ended);
        None
    }

    fn strike(&self, class: Class) -> Option<Fault> {
        let mut seen = self.seen();
        let mut found = None;
        for counted in [class, Class::Any] {
            let count = *seen.counts.entry(counted).or_default();
            *seen.counts.entry(counted).or_default() += 1;
            let place =
                seen.strikes.iter().position(|held| held.class == counted && held.nth == count);
            if let Some(place) = place {
                found = Some(seen.strikes.remove(place).fault);
            }
        }
        found
    }

    /// The org answers.
    async fn execute(&self, mut request: WireRequest) -> WireAnswer {
        let class = Class::of(&request);
        if let Some(answer) = self.still_deploying(&mut request) {
            return answer;
        }
        let mut built = Request::builder().method(request.method.clone()).uri(request.url.clone());
        if let Some(bearer) = &request.bearer {
            built = built.header("authorization", format!("Bearer {}", bearer.expose_secret()));
        }
        if let Some(content_type) = &request.content_type {
            built = built.header("content-type", content_type);
        }
        if request.is_soap {
            built = built.header("SOAPAction", "\"\"");
        }
        let built = built.body(Body::from(request.body.clone())).expect("a request");
        let response = self.org.answer(built).await;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned())
            })
            .collect();
        let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body").to_vec();
        let answer = WireAnswer { status, headers, body };
        let mut seen = self.seen();
        seen.writes += usize::from(class.is_write());
        if class == Class::Mail && status == 200 {
            let user = request.url.rsplit('/').nth(1).unwrap_or_default().to_owned();
            *seen.mails.entry(user).or_default() += 1;
        }
        if class == Class::Insert {
            seen.made.extend(inserted(&String::from_utf8_lossy(&answer.body)));
        }
        answer
    }

    /// Does something as somebody else does.
    async fn call(&self, method: Method, path: &str, body: Json) -> Json {
        let (made, mails, writes) = {
            let seen = self.seen();
            (seen.made.clone(), seen.mails.clone(), seen.writes)
        };
        let request = WireRequest {
            method,
            url: format!("{URL}/services/data/v63.0/{path}"),
            bearer: Some(self.org.access_token.clone().into()),
            content_type: (!body.is_null()).then(|| "application/json".to_owned()),
            is_soap: false,
            body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
            is_local: true,
            bound: orgform::org::Bound::default(),
        };
        let answer = self.execute(request).await;
        let mut seen = self.seen();
        seen.made = made;
        seen.mails = mails;
        seen.writes = writes;
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    /// The rows of a query.
    pub async fn query(&self, soql: &str) -> Vec<Json> {
        let encoded: String = soql.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let answer = self.call(Method::GET, &format!("query?q={encoded}"), Json::Null).await;
        answer["records"].as_array().cloned().unwrap_or_default()
    }

    /// Makes a record as somebody else; its id.
    pub async fn make(&self, object: &str, fields: Json) -> Option<String> {
        let answer = self.call(Method::POST, &format!("sobjects/{object}"), fields).await;
        answer["id"].as_str().map(str::to_owned)
    }

    /// Changes a record as somebody else.
    pub async fn change(&self, object: &str, id: &str, fields: Json) {
        self.call(Method::PATCH, &format!("sobjects/{object}/{id}"), fields).await;
    }

    async fn meddle(&self, meddling: Meddling) {
        let ours =
            "Assignee.Username LIKE 'u%@robots.example' AND PermissionSet.IsOwnedByProfile = false";
        match meddling {
            Meddling::TakesOff => {
                let rows = self
                    .query(&format!(
                        "SELECT Id FROM PermissionSetAssignment WHERE {ours} ORDER BY Id"
                    ))
                    .await;
                if let Some(id) = rows.first().and_then(|row| row["Id"].as_str()) {
                    let path = format!("sobjects/PermissionSetAssignment/{id}");
                    self.call(Method::DELETE, &path, Json::Null).await;
                }
            }
            Meddling::Gives => {
                let users = self
                    .query(
                        "SELECT Id FROM User WHERE Username LIKE 'u%@robots.example' ORDER BY Id",
                    )
                    .await;
                let sets = self.query("SELECT Id FROM PermissionSet WHERE Name = 'S0'").await;
                for user in users {
                    if let Some(set) = sets.first() {
                        let fields =
                            json!({"AssigneeId": user["Id"], "PermissionSetId": set["Id"]});
                        let made = self.make("PermissionSetAssignment", fields).await;
                        self.seen().has_given |= made.is_some();
                    }
                }
            }
            Meddling::Renames => {
                let users = self
                    .query(
                        "SELECT Id FROM User WHERE Username LIKE 'u%@robots.example' ORDER BY Id",
                    )
                    .await;
                if let Some(id) = users.first().and_then(|user| user["Id"].as_str()) {
                    self.change("User", id, json!({"LastName": "Renamed"})).await;
                }
            }
        }
    }

    async fn exchange(&self, request: WireRequest) -> Result<WireAnswer, WireError> {
        let class = Class::of(&request);
        let fault = self.strike(class);
        let line = describe(&request, class, fault);
        self.seen().trace.push(line);
        self.let_late_ones_arrive(class).await;
        self.deploys_go_on(1).await;
        self.note_deploys(&request, class);
        if class == Class::Read {
            let mut seen = self.seen();
            if seen.lost_look_ups > 0 {
                seen.lost_look_ups -= 1;
                return Err(broken());
            }
        }
        if class == Class::DeployStatus {
            let is_slow = {
                let mut seen = self.seen();
                let is_slow = seen.slow_looks > 0;
                seen.slow_looks = seen.slow_looks.saturating_sub(1);
                is_slow
            };
            if is_slow {
                return Ok(in_progress());
            }
        }
        let Some(fault) = fault else { return Ok(self.execute(request).await) };
        match fault {
            Fault::Refused => Err(WireError::NotConnected(cause("connection refused"))),
            Fault::ResetBefore => Err(broken()),
            Fault::ResetAfter => {
                self.execute(request).await;
                Err(broken())
            }
            Fault::Half => {
                let mut answer = self.execute(request).await;
                answer.body.truncate(answer.body.len() / 2);
                Ok(answer)
            }
            Fault::Strange(status, strange, was_done) => {
                // An answer that is just what the documents say of a deed is no lie.
                let is_exact = matches!(class, Class::Update | Class::Delete)
                    && (status, strange) == (204, Strange::Nothing);
                let was_done = was_done || is_exact;
                if was_done {
                    self.execute(request).await;
                }
                Ok(answer(status, match strange {
                    Strange::Nothing => String::new(),
                    Strange::Html => "<html><body>Please sign in</body></html>".to_owned(),
                    Strange::Json => "{\"ok\":true}".to_owned(),
                }))
            }
            Fault::Late(after) => {
                self.seen().late.push((Arrives::After(after), request));
                Err(broken())
            }
            Fault::Overtaken(lost) => {
                self.seen().late.push((Arrives::BeforeNext(class, lost), request));
                Err(broken())
            }
            Fault::LostLookUps(count) => {
                self.execute(request).await;
                self.seen().lost_look_ups = count;
                Err(broken())
            }
            Fault::NotFound => Ok(not_found(&request)),
            Fault::NoSession => Ok(answer(401, r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#.to_owned())),
            Fault::Crowded => Ok(answer(403, r#"[{"message":"ConcurrentRequests (Concurrent API Requests) Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#.to_owned())),
            Fault::OneLocked => Ok(self.with_one_locked(request).await),
            Fault::Hangs(was_done) => {
                if was_done {
                    self.execute(request).await;
                }
                std::future::pending().await
            }
            Fault::Slow(calls) if class == Class::Deploy => {
                let mut seen = self.seen();
                let id = format!("0AfSIM{:09}", seen.deploys.len());
                let run = seen.runs;
                let body = json!({"id": id, "deployResult": {"done": false, "status": "Pending"}});
                let (request, ended, is_known) = (Some(request), None, false);
                seen.deploys.push(Working { id, left: calls, request, ended, run, is_known });
                Ok(answer(201, body.to_string()))
            }
            Fault::Slow(looks) => {
                self.seen().slow_looks = looks;
                Ok(self.execute(request).await)
            }
            Fault::Admin(meddling) => {
                self.meddle(meddling).await;
                Ok(self.execute(request).await)
            }
            Fault::Killed(was_done) => self.end(request, was_done, End::Killed).await,
            Fault::KilledLate(after) => {
                self.seen().late.push((Arrives::After(after), request.clone()));
                self.end(request, false, End::Killed).await
            }
            Fault::PowerLost(was_done, torn) => {
                self.end(request, was_done, End::PowerLost(torn)).await
            }
            Fault::Stopped(times) => {
                self.seen().asked = times;
                self.woken.notify_waiters();
                if times == 1 {
                    return Ok(self.execute(request).await);
                }
                self.execute(request).await;
                std::future::pending().await
            }
            Fault::ClockSet(hours) => {
                self.seen().hours += i64::from(hours);
                Ok(self.execute(request).await)
            }
        }
    }

    async fn let_late_ones_arrive(&self, class: Class) {
        let due: Vec<WireRequest> = {
            let mut seen = self.seen();
            for (arrives, _) in &mut seen.late {
                if let Arrives::After(calls) = arrives {
                    *calls -= 1;
                }
            }
            let is_due = |arrives: Arrives| {
                arrives == Arrives::After(0)
                    || matches!(arrives, Arrives::BeforeNext(held, _) if held == class)
            };
            let (due, late) =
                std::mem::take(&mut seen.late).into_iter().partition(|(held, _)| is_due(*held));
            seen.late = late;
            let due: Vec<(Arrives, WireRequest)> = due;
            for (arrives, _) in &due {
                if let Arrives::BeforeNext(_, lost) = arrives {
                    seen.lost_look_ups = *lost;
                }
            }
            due.into_iter().map(|(_, request)| request).collect()
        };
        for request in due {
            self.seen().trace.push("  a late call arrives".to_owned());
            self.execute(request).await;
        }
    }

    async fn end(
        &self,
        request: WireRequest,
        was_done: bool,
        end: End,
    ) -> Result<WireAnswer, WireError> {
        if was_done {
            self.execute(request).await;
        }
        self.seen().end = Some(end);
        self.woken.notify_waiters();
        std::future::pending().await
    }

    /// One record of a collection is refused as locked; the others are done.
    async fn with_one_locked(&self, mut request: WireRequest) -> WireAnswer {
        let Ok(mut body) = serde_json::from_slice::<Json>(&request.body) else {
            return self.execute(request).await;
        };
        let Some(records) = body.get_mut("records").and_then(Json::as_array_mut) else {
            return self.execute(request).await;
        };
        let place = records.len() / 2;
        records.remove(place);
        request.body = body.to_string().into_bytes();
        let mut answer = self.execute(request).await;
        let Ok(Json::Array(mut results)) = serde_json::from_slice(&answer.body) else {
            return answer;
        };
        let locked = json!({"success": false, "errors": [{
            "statusCode": "UNABLE_TO_LOCK_ROW",
            "message": "unable to obtain exclusive access to this record",
            "fields": [],
        }]});
        results.insert(place.min(results.len()), locked);
        answer.body = Json::Array(results).to_string().into_bytes();
        answer
    }
}

impl Wire for SimWire {
    fn send(&self, request: WireRequest) -> Answering<'_> {
        Box::pin(self.exchange(request))
    }
}

fn cause(text: &str) -> Arc<dyn std::error::Error + Send + Sync> {
    Arc::new(std::io::Error::other(text.to_owned()))
}

fn broken() -> WireError {
    WireError::Broken(cause("connection reset by peer"))
}

fn answer(status: u16, body: String) -> WireAnswer {
    WireAnswer { status, headers: Vec::new(), body: body.into_bytes() }
}

/// The answer to a delete that finds nothing.
fn not_found(request: &WireRequest) -> WireAnswer {
    let Some((_, ids)) = request.url.split_once("&ids=") else {
        let error =
            json!([{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]);
        return answer(404, error.to_string());
    };
    let errors = json!([{
        "statusCode": "INVALID_CROSS_REFERENCE_KEY",
        "message": "invalid cross reference id",
        "fields": [],
    }]);
    let result = |id| json!({"id": id, "success": false, "errors": errors});
    answer(200, Json::Array(ids.split(',').map(result).collect()).to_string())
}

fn in_progress() -> WireAnswer {
    let body = json!({"id": "x", "deployResult": {"done": false, "status": "InProgress"}});
    answer(200, body.to_string())
}

/// Ids that the answer to an insert tells.
fn inserted(body: &str) -> Vec<String> {
    let id = |result: &Json| {
        let is_done = result["success"] == json!(true);
        result["id"].as_str().filter(|_| is_done).map(str::to_owned)
    };
    match serde_json::from_str(body) {
        Ok(Json::Array(results)) => results.iter().filter_map(id).collect(),
        Ok(result) => id(&result).into_iter().collect(),
        // A SOAP answer.
        Err(_) => body
            .split("<id>")
            .skip(1)
            .filter_map(|rest| rest.split('<').next().map(str::to_owned))
            .collect(),
    }
}

fn describe(request: &WireRequest, class: Class, fault: Option<Fault>) -> String {
    let path = request.url.strip_prefix(URL).unwrap_or(&request.url);
    let path: String = path.chars().take(160).collect();
    let digest = orgform::model::Digest::of(&request.body);
    let body = if request.body.is_empty() { String::new() } else { format!(" {digest:?}") };
    let fault = fault.map(|fault| format!("   !! {fault:?}")).unwrap_or_default();
    format!("{} {path} [{class:?}]{body}{fault}", request.method)
}
