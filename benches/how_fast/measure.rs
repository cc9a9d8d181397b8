//! What a command costs as a whole process, by the operating system's own account.
//!
//! A process that has ended can be asked about only by its parent, and only about
//! all its children together. So this program starts itself as a parent of each
//! command alone.

use std::io::BufRead as _;
use std::io::BufReader;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use nix::sys::resource::UsageWho;
use nix::sys::resource::getrusage;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value as Json;

/// The argument that makes this program the parent of one command.
pub const ALONE: &str = "--alone";

/// What one run cost.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Cost {
    /// Seconds from start to end.
    pub wall: f64,
    /// Seconds on processors, the kernel's among them.
    pub cpu: f64,
    /// Most memory at a time, in bytes.
    pub memory: u64,
    /// The exit code.
    pub code: i32,
    /// The last lines that it wrote.
    pub said: String,
}

/// Runs one command and prints what it cost; for [`ALONE`].
pub fn alone(arguments: &[String]) -> std::io::Result<()> {
    let started = Instant::now();
    let output = Command::new(&arguments[0])
        .args(&arguments[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()?;
    let wall = started.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: nix::sys::time::TimeVal| {
        Duration::from_micros(
            u64::try_from(time.tv_sec()).unwrap_or(0) * 1_000_000
                + u64::try_from(time.tv_usec()).unwrap_or(0),
        )
        .as_secs_f64()
    };
    let text = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    };
    let cost = Cost {
        wall,
        cpu: seconds(usage.user_time()) + seconds(usage.system_time()),
        memory: u64::try_from(usage.max_rss()).unwrap_or(0) * 1024,
        code: output.status.code().unwrap_or(-1),
        said: format!("{}\n{}", text(&output.stdout), text(&output.stderr)),
    };
    println!("{}", serde_json::to_string(&cost)?);
    Ok(())
}

/// Runs a command once.
pub fn once(command: &Command) -> std::io::Result<Cost> {
    let mut parent = Command::new(std::env::current_exe()?);
    parent.arg(ALONE).arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        parent.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => parent.env(name, value),
            None => parent.env_remove(name),
        };
    }
    let output = parent.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    serde_json::from_slice(&output.stdout).map_err(std::io::Error::other)
}

/// Runs a command several times, after a run that does not count; each figure is the
/// median of its own.
pub fn median(command: &Command, runs: usize) -> std::io::Result<Cost> {
    let mut costs = Vec::new();
    for run in 0..=runs {
        let cost = once(command)?;
        if run > 0 || runs == 1 {
            costs.push(cost);
        }
        if runs == 1 {
            break;
        }
    }
    let middle = |of: &dyn Fn(&Cost) -> f64| {
        let mut values: Vec<f64> = costs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let wall = middle(&|cost| cost.wall);
    let cpu = middle(&|cost| cost.cpu);
    let mut memory: Vec<u64> = costs.iter().map(|cost| cost.memory).collect();
    memory.sort_unstable();
    let memory = memory[memory.len() / 2];
    let last = costs.pop().unwrap_or_default();
    Ok(Cost { wall, cpu, memory, ..last })
}

/// A local org served by the binary under test, ended when this is dropped.
pub struct Served {
    child: Child,
    /// Where it is and how to get in, as environment variables.
    pub environment: [(&'static str, String); 2],
}

impl Served {
    /// Starts one and waits until it is ready.
    pub fn start(binary: &Path, options: &[&str]) -> std::io::Result<Self> {
        let mut child = Command::new(binary)
            .args(["org", "serve", "--listen", "127.0.0.1:0"])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        let output = child.stdout.take().ok_or_else(|| std::io::Error::other("no output"))?;
        BufReader::new(output).read_line(&mut line)?;
        let ready: Json = serde_json::from_str(&line).map_err(std::io::Error::other)?;
        let text = |key: &str| ready[key].as_str().unwrap_or_default().to_owned();
        let environment =
            [("SF_INSTANCE_URL", text("instance_url")), ("SF_ACCESS_TOKEN", text("access_token"))];
        Ok(Self { child, environment })
    }

    /// The most memory that it had at a time until now, in bytes.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        number.unwrap_or(0) * 1024
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The exponent with which `values` grow with `sizes`, fitted over all of them.
pub fn exponent(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> =
        points.iter().map(|(size, value)| (size.ln(), value.ln())).collect();
    let count = f64::from(u32::try_from(logs.len()).unwrap_or(1));
    let (sum_x, sum_y) = logs.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let across: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let along: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    across / along
}
