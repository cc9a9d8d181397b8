//! `--verbose` and `--log`: what a support person would ask for, on standard error and in a
//! file.
//!
//! Modules say by `tracing` what they call and decide; nothing listens unless somebody
//! asked. A line begins with the time since the run began. What comes from outside is
//! cleaned here as everywhere; tokens and passwords are never said to begin with.

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tracing::Dispatch;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt as _;

use super::environment::Environment;
use super::error::CommandError;
use crate::disk;
use crate::model::Monotonic;
use crate::text::shown;

/// Where lines go.
type Sink = Arc<Mutex<dyn Write + Send>>;

/// Who listens to a run; `None` where nobody asked.
///
/// # Errors
/// When the file can't be written.
pub fn listener(
    environment: &Environment,
    is_verbose: bool,
    file: Option<&Path>,
) -> Result<Option<Dispatch>, CommandError> {
    let mut sinks: Vec<Sink> = Vec::new();
    if is_verbose {
        sinks.push(Arc::clone(&environment.errors));
    }
    if let Some(path) = file {
        let file = disk::create(&environment.folder.join(path)).map_err(|error| {
            let reason = disk::describe(path, &error);
            CommandError::new(format!("the log can't be written: {reason}"))
                .hint("--log names a file for it.")
        })?;
        sinks.push(Arc::new(Mutex::new(file)));
    }
    if sinks.is_empty() {
        return Ok(None);
    }
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_timer(Elapsed::since_now(environment.monotonic.clone()))
        .with_writer(Lines(Arc::new(sinks)));
    // What libraries have to say of connections is left out.
    let ours = Targets::new().with_target("orgform", LevelFilter::DEBUG);
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(lines).with(ours));
    let at = jiff::Timestamp::from_millisecond((environment.clock)().0).unwrap_or_default();
    tracing::dispatcher::with_default(&dispatch, || {
        tracing::debug!(version = env!("CARGO_PKG_VERSION"), %at, "orgform begins");
    });
    Ok(Some(dispatch))
}

/// The time since a run began.
struct Elapsed {
    clock: Monotonic,
    began: std::time::Duration,
}

impl Elapsed {
    fn since_now(clock: Monotonic) -> Self {
        let began = clock();
        Self { clock, began }
    }
}

impl FormatTime for Elapsed {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let since = (self.clock)().saturating_sub(self.began);
        write!(writer, "{:>9.3} s", since.as_secs_f64())
    }
}

/// Writes each line to all sinks, cleaned. That one takes nothing more stops no run.
#[derive(Clone)]
struct Lines(Arc<Vec<Sink>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let line = format!("{}\n", shown::line(text.trim_end_matches('\n')));
        for sink in self.0.iter() {
            let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = sink.write_all(line.as_bytes());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
