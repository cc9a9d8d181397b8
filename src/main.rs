//! Hands the world in, runs, and ends with an exit code.

use orgform::model::UnixMillis;
use std::io::IsTerminal as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::Mutex;

use orgform::cli;
use orgform::cli::Environment;
use orgform::cli::Terminal;
use orgform::engine::Stops;
use orgform::org::HttpWire;

/// Millions of small values are made and dropped, on several threads at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A number that nobody can guess: keys and tokens are made of them.
fn random() -> u64 {
    let mut bytes = [0; 8];
    let filled = rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes);
    filled.expect("the system has random numbers");
    u64::from_le_bytes(bytes)
}

#[expect(clippy::disallowed_methods, reason = "the one place that asks clock and environment")]
fn environment() -> Environment {
    let started = std::time::Instant::now();
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let output_is_terminal = std::io::stdout().is_terminal();
    let color = output_is_terminal
        && variable("NO_COLOR").is_none()
        && variable("TERM").is_none_or(|terminal| terminal != "dumb");
    Environment {
        variable: Arc::new(variable),
        folder: std::env::current_dir().unwrap_or_default(),
        temporary: std::env::temp_dir(),
        clock: Arc::new(|| {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            let since = since.map_or(0, |since| since.as_millis());
            UnixMillis(i64::try_from(since).unwrap_or(i64::MAX))
        }),
        monotonic: Arc::new(move || started.elapsed()),
        sleep: Arc::new(|duration| Box::pin(tokio::time::sleep(duration))),
        wire: Arc::new(HttpWire::default()),
        entropy: Arc::new(random),
        process: std::process::id(),
        terminal: Terminal {
            input: std::io::stdin().is_terminal(),
            output: output_is_terminal,
            errors: std::io::stderr().is_terminal(),
            color,
        },
        input: Arc::new(Mutex::new(std::io::stdin())),
        output: Arc::new(Mutex::new(std::io::stdout())),
        errors: Arc::new(Mutex::new(std::io::stderr())),
        stops: Arc::new(stops),
    }
}

/// Gives an item each time the user or the system wants the process to end. From its
/// making on, these no longer end the process by themselves.
#[cfg(unix)]
fn stops() -> Stops<'static> {
    use futures_util::stream;
    use tokio::signal::unix::SignalKind;
    use tokio::signal::unix::signal;
    let listen = |kind| {
        let signals = signal(kind).ok();
        stream::unfold(signals, |signals| async move {
            let mut signals = signals?;
            signals.recv().await?;
            Some(((), Some(signals)))
        })
    };
    let (interrupts, terminations) =
        (listen(SignalKind::interrupt()), listen(SignalKind::terminate()));
    Box::pin(stream::select(interrupts, terminations))
}

/// Gives an item each time the user wants the process to end.
#[cfg(not(unix))]
fn stops() -> Stops<'static> {
    use futures_util::stream;
    Box::pin(stream::unfold((), |()| async {
        tokio::signal::ctrl_c().await.ok()?;
        Some(((), ()))
    }))
}

/// A panic is a bug of ours: where it is, and no more, since what it is about may hold
/// what must not be shown.
fn tell_of_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let fixed = panic.payload().downcast_ref::<&'static str>();
        let what = fixed.map(|text| format!(": {text}")).unwrap_or_default();
        let _ = writeln!(
            std::io::stderr(),
            "orgform ended by a bug of its own at {place}{what}. Please report it. What was done is recorded; run the same command again."
        );
    }));
}

/// A file that would grow too large is an error of its write then, which says where, and
/// no signal that ends the process.
#[cfg(unix)]
fn file_too_large() -> Option<tokio::signal::unix::Signal> {
    use tokio::signal::unix::SignalKind;
    tokio::signal::unix::signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())).ok()
}

#[tokio::main]
async fn main() -> ExitCode {
    tell_of_panics();
    #[cfg(unix)]
    let _heeded = file_too_large();
    let arguments = std::env::args_os().collect();
    ExitCode::from(cli::run(arguments, environment()).await)
}
