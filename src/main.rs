//! Hands the world in, runs, and ends with an exit code.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::Mutex;

use orgform::cli;
use orgform::cli::Environment;
use orgform::cli::Terminal;

/// Millions of small values are made and dropped, on several threads at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[expect(clippy::disallowed_methods, reason = "the one place that asks clock and environment")]
fn environment() -> Environment {
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
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
        }),
        sleep: Arc::new(|duration| Box::pin(tokio::time::sleep(duration))),
        entropy: Arc::new(|| fastrand::u64(..)),
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
        stop: Arc::new(|| Box::pin(stop())),
    }
}

/// Resolves when the user or the system wants the process to end.
async fn stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::SignalKind;
        use tokio::signal::unix::signal;
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = std::env::args_os().collect();
    ExitCode::from(cli::run(arguments, environment()).await)
}
