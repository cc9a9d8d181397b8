//! An org whose calls and answers a test writes down, one after the other.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value as Json;

use crate::org::Answering;
use crate::org::Connection;
use crate::org::InstanceUrl;
use crate::org::Org;
use crate::org::RetryPolicy;
use crate::org::Wire;
use crate::org::WireAnswer;
use crate::org::WireError;
use crate::org::WireRequest;

/// What comes of a call.
pub enum Reply {
    /// A status and a body.
    Json(u16, Json),
    /// The connection breaks: nobody knows whether the call arrived.
    Broken,
}

impl Reply {
    /// A page of rows, which is all.
    pub fn rows(rows: &[Json]) -> Self {
        let page = serde_json::json!({"totalSize": rows.len(), "done": true, "records": rows});
        Self::Json(200, page)
    }
}

/// Answers that wait for their calls.
pub struct Script(Mutex<VecDeque<(&'static str, Reply)>>);

impl Script {
    /// Each call must hold its text, in the order of the list.
    pub fn of(calls: impl IntoIterator<Item = (&'static str, Reply)>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(calls.into_iter().collect())))
    }

    /// The org that answers so. No pause takes any time; a call waits for its answer as
    /// long as it takes.
    pub fn org(self: &Arc<Self>) -> Org {
        let connection = Connection {
            instance_url: InstanceUrl::parse("http://127.0.0.1:9").expect("an address"),
            access_token: SecretString::from("00D000000000001!token"),
            emulated: true,
        };
        let sleep: crate::org::Sleep = Arc::new(|wait| {
            let is_time_out = wait > Duration::from_secs(25);
            Box::pin(async move {
                if is_time_out {
                    std::future::pending::<()>().await;
                }
            })
        });
        Org::new(connection, RetryPolicy::default(), Arc::clone(self) as Arc<dyn Wire>, sleep, 1)
    }

    /// Nothing that was written down was left out.
    pub fn is_over(&self) {
        let left: Vec<&str> = self.left().iter().map(|(text, _)| *text).collect();
        assert!(left.is_empty(), "these were not called: {left:?}");
    }

    fn left(&self) -> std::sync::MutexGuard<'_, VecDeque<(&'static str, Reply)>> {
        self.0.lock().expect("no test panicked")
    }
}

impl Wire for Arc<Script> {
    fn send(&self, request: WireRequest) -> Answering<'_> {
        self.as_ref().send(request)
    }
}

impl Wire for Script {
    fn send(&self, request: WireRequest) -> Answering<'_> {
        let url = decoded(&request.url);
        let call = format!("{} {url} {}", request.method, String::from_utf8_lossy(&request.body));
        let next = self.left().pop_front();
        let (text, reply) = next.unwrap_or_else(|| panic!("a call too many: {call}"));
        assert!(call.contains(text), "expected {text}, and this came: {call}");
        let answer = match reply {
            Reply::Broken => Err(WireError::Broken(Arc::new(std::io::Error::other("it broke")))),
            Reply::Json(status, body) => {
                let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
                Ok(WireAnswer { status, headers, body: body.to_string().into_bytes() })
            }
        };
        Box::pin(std::future::ready(answer))
    }
}

/// An address as it is read.
fn decoded(url: &str) -> String {
    let mut decoded = Vec::new();
    let mut bytes = url.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits =
                    [bytes.next(), bytes.next()].map(|digit| char::from(digit.unwrap_or(b'0')));
                u8::from_str_radix(&String::from_iter(digits), 16).expect("two digits")
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).expect("text")
}
