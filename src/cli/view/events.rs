//! The stream of events of apply and destroy: one JSON object a line, on
//! standard output, in a file, or both. `docs/schemas/events.schema.json`
//! describes them.

use std::io::Read as _;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde_json::Value as Json;
use serde_json::json;

use super::plan_json::change_json;
use super::plan_json::drift_json;
use super::plan_json::findings_json;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::config::Diagnostic;
use crate::disk;
use crate::model::OrgIdentity;
use crate::model::Plan;
use crate::text::shown;

/// The version of the stream. It grows by types and keys; one that goes or
/// changes makes it 2.
const FORMAT_VERSION: u32 = 1;

/// Where events go; nowhere, when nobody asked for them.
#[derive(Clone, Default)]
pub struct Events {
    sinks: Vec<Sink>,
}

/// One place, and the path of a file.
#[derive(Clone)]
struct Sink {
    path: Option<PathBuf>,
    into: Arc<Mutex<dyn Write + Send>>,
}

impl Events {
    /// Events on standard output where `json` says so, and into a file.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn open(
        environment: &Environment,
        json: bool,
        into: Option<&Path>,
    ) -> Result<Self, CommandError> {
        let mut sinks: Vec<Sink> = Vec::new();
        if json {
            sinks.push(Sink { path: None, into: Arc::clone(&environment.output) });
        }
        if let Some(path) = into {
            check_place(&environment.folder.join(path), path)?;
            let file = disk::create(&environment.folder.join(path)).map_err(|error| {
                let told = disk::describe(path, &error);
                CommandError::new(format!("the events can't be written: {told}"))
                    .hint("--json-into names a file for the events.")
            })?;
            sinks.push(Sink { path: Some(path.to_owned()), into: Arc::new(Mutex::new(file)) });
        }
        Ok(Self { sinks })
    }

    /// Whether nobody asked.
    pub fn is_empty(&self) -> bool {
        self.sinks.is_empty()
    }

    /// Sends one event.
    ///
    /// # Errors
    /// When a sink takes nothing more.
    pub fn send(&self, event: &Json) -> Result<(), CommandError> {
        self.send_all(std::slice::from_ref(event))
    }

    /// Sends several, in one piece.
    ///
    /// # Errors
    /// When a sink takes nothing more.
    pub fn send_all(&self, events: &[Json]) -> Result<(), CommandError> {
        if self.sinks.is_empty() {
            return Ok(());
        }
        let lines: String =
            events.iter().map(|event| format!("{}\n", shown::json(&event.to_string()))).collect();
        let mut result = Ok(());
        for sink in &self.sinks {
            let mut into = sink.into.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = into.write_all(lines.as_bytes()).and_then(|()| into.flush()) {
                result = Err(match &sink.path {
                    None => error.into(),
                    Some(path) => CommandError::new(format!(
                        "the events can't be written: {}",
                        disk::describe(path, &error)
                    ))
                    .hint(disk::advice(&error)),
                });
            }
        }
        result
    }

    /// What the run is about, before anything else.
    ///
    /// # Errors
    /// When a sink takes nothing more.
    pub fn begin(&self, command: &str, org: &OrgIdentity) -> Result<(), CommandError> {
        self.send(&json!({
            "type": "version",
            "format_version": FORMAT_VERSION,
            "orgform": env!("CARGO_PKG_VERSION"),
            "command": command,
            "org": {"id": org.id, "instance_url": org.instance_url, "emulated": org.emulated},
        }))
    }

    /// A plan, change by change.
    ///
    /// # Errors
    /// When a sink takes nothing more.
    pub fn planned(
        &self,
        plan: &Plan,
        notices: &[String],
        located: &[Diagnostic],
    ) -> Result<(), CommandError> {
        if self.is_empty() {
            return Ok(());
        }
        for notice in notices {
            self.send(&json!({"type": "notice", "text": notice}))?;
        }
        for change in &plan.changes {
            let mut event = json!({"type": "planned_change"});
            extend(&mut event, change_json(change));
            self.send(&event)?;
        }
        for (address, pair) in &plan.drift {
            let mut event = json!({"type": "drift"});
            extend(&mut event, drift_json(address, pair));
            self.send(&event)?;
        }
        for note in &plan.notes {
            let mut event = json!({"type": "note"});
            extend(&mut event, json!(note));
            self.send(&event)?;
        }
        for change in &plan.access {
            let mut event = json!({"type": "access_change"});
            extend(&mut event, json!(change));
            self.send(&event)?;
        }
        for finding in findings_json(plan, located) {
            let mut event = json!({"type": "finding"});
            extend(&mut event, finding);
            self.send(&event)?;
        }
        self.send(&json!({
            "type": "plan",
            "changes": plan.summary,
            "ops": plan.ops.len(),
            "api_calls": {
                "estimated": plan.api_calls.writes + plan.api_calls.reads,
                "writes": plan.api_calls.writes,
                "reads": plan.api_calls.reads,
            },
        }))
    }
}

/// Refuses to write over a file that is something else than earlier events.
fn check_place(whole: &Path, path: &Path) -> Result<(), CommandError> {
    let mut beginning = Vec::new();
    let is_other = whole.is_file()
        && std::fs::File::open(whole)
            .and_then(|file| file.take(16).read_to_end(&mut beginning))
            .is_ok_and(|length| length > 0)
        && !beginning.starts_with(b"{\"type\":");
    if is_other {
        return Err(CommandError::new(format!(
            "`{}` is there already and holds no events, so that it is not written over",
            path.display()
        ))
        .hint("Give --json-into another name."));
    }
    Ok(())
}

fn extend(event: &mut Json, with: Json) {
    if let (Json::Object(event), Json::Object(with)) = (event, with) {
        event.extend(with);
    }
}
