//! The list of calls that `--request-log` keeps: one line a call, with its
//! time, method, path, status and milliseconds. Bodies and headers are not in
//! it, nor what a query string could carry of a session.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use super::Server;
use crate::disk;
use crate::local_org::timestamp;

/// An open list.
#[derive(Debug)]
pub struct RequestLog {
    file: Mutex<File>,
}

/// Parameters that are shown; others could carry a token.
const SHOWN: [&str; 6] = ["q", "fields", "ids", "allOrNone", "includeDetails", "includeZip"];

impl RequestLog {
    /// Goes on in a file, or begins it.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        Ok(Self { file: Mutex::new(disk::append(path)?) })
    }

    /// Writes a call down. A line that can't be written is lost: the call was
    /// answered all the same.
    pub fn write(&self, now: i64, method: &str, uri: &str, status: u16, took: Duration) {
        let line = format!(
            "{} {method} {} {status} {} ms\n",
            timestamp(now),
            without_secrets(uri),
            took.as_millis()
        );
        let _ = Server::lock(&self.file).write_all(line.as_bytes());
    }
}

fn without_secrets(uri: &str) -> String {
    without_tokens(&without_parameters(uri))
}

/// A token is known by its `!`, wherever it stands.
fn without_tokens(uri: &str) -> String {
    let parts = uri.split_inclusive(['/', '?', '&', '=', '\'', '+', ' ']);
    let shown = parts.map(|part| {
        let is_token = part.contains('!') || part.contains("%21");
        if is_token && part.len() > 20 { "..." } else { part }
    });
    shown.collect()
}

fn without_parameters(uri: &str) -> String {
    let Some((path, query)) = uri.split_once('?') else { return uri.to_owned() };
    let shown: Vec<String> = query
        .split('&')
        .map(|part| {
            let name = part.split('=').next().unwrap_or_default();
            if SHOWN.contains(&name) { part.to_owned() } else { format!("{name}=...") }
        })
        .collect();
    format!("{path}?{}", shown.join("&"))
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn a_query_is_shown_and_a_token_in_it_is_not() {
        assert_eq!(
            without_secrets("/services/data/v66.0/query?q=SELECT+Id&oauth_token=00D!x"),
            "/services/data/v66.0/query?q=SELECT+Id&oauth_token=..."
        );
        for uri in ["/x/00D000000000001!AQsecret", "/query?q=x='00D000000000001%21AQsecret'"] {
            assert!(!without_secrets(uri).contains("secret"), "{uri}");
        }
    }
}
