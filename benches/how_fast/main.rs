//! How fast orgform is, side by side with Terraform on the same shape: the same
//! binary and commands that people run, as whole processes.
//!
//! ```text
//! cargo bench --bench how_fast -- [--million] [--without-terraform] [--write README.md]
//! cargo bench --bench how_fast -- --only-calls
//! ```
//!
//! Ratios, exponents and calls are what counts; seconds are this machine's alone.
//! Everything talks to loopback only and is gone afterwards. It takes some ten minutes,
//! most of which are Terraform's, and a few more with a million resources.
//! `--only-calls` measures calls, latency and start-up alone.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program of its own")]
#![allow(clippy::cast_precision_loss, reason = "figures for people")]

mod calls;
mod growth;
mod measure;
mod report;
mod shape;
mod terraform;

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::ExitCode;

use measure::Served;
use report::Report;

/// The argument that makes this program read files on the fast path, and do nothing
/// else.
const READ_ONLY: &str = "--read-only";

/// Where things are.
pub struct Bench {
    /// The binary under test.
    pub binary: PathBuf,
    /// A folder that is gone afterwards.
    pub folder: PathBuf,
}

impl Bench {
    /// The binary with these arguments, about this org and state.
    pub fn command(&self, arguments: &[&str], served: Option<&Served>, state: &Path) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).arg("--state-dir").arg(state);
        if let Some(served) = served {
            command.envs(served.environment.clone());
        }
        command
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|held| held != "--bench").collect();
    let result = match arguments.first().map(String::as_str) {
        Some(measure::ALONE) => measure::alone(&arguments[1..]),
        Some(READ_ONLY) => {
            let files: Vec<PathBuf> = arguments[1..].iter().map(PathBuf::from).collect();
            println!("{}", orgform::config::read_only(&files, Path::new("/")));
            Ok(())
        }
        _ => run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> std::io::Result<()> {
    let has = |name: &str| arguments.iter().any(|held| held == name);
    let folder = tempfile::tempdir()?;
    let bench = Bench {
        binary: PathBuf::from(env!("CARGO_BIN_EXE_orgform")),
        folder: folder.path().to_owned(),
    };
    let mut report = Report::default();
    let mut terraform = None;
    if !has("--only-calls") {
        if !has("--without-terraform") {
            terraform = terraform::measure(&bench)?;
        }
        growth::measure(&bench, terraform.as_ref(), has("--million"), &mut report)?;
    }
    calls::measure(&bench, &mut report)?;
    let text = report.render(terraform.as_ref());
    println!("\n{text}");
    if let Some(place) = arguments.iter().position(|held| held == "--write") {
        let path = arguments.get(place + 1).map_or("README.md", String::as_str);
        report::write(Path::new(path), &text)?;
    }
    if report.holds() { Ok(()) } else { Err(std::io::Error::other("a bound does not hold")) }
}
