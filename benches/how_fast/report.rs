//! The figures as a table, and the README's section about them.

use std::path::Path;

use super::terraform::Terraform;

/// What stands around the section in the README.
const BEGIN: &str = "<!-- how fast: begin, written by `cargo bench --bench how_fast` -->";
const END: &str = "<!-- how fast: end -->";

/// One figure and the bound that it keeps.
struct Row {
    what: String,
    figure: String,
    bound: String,
    holds: bool,
}

/// All figures.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// A figure that may be at most so much.
    pub fn at_most(&mut self, what: &str, figure: f64, most: f64, shown: &str) {
        self.add(what, shown.to_owned(), format!("at most {}", number(most)), figure <= most);
    }

    /// A ratio that has to be at least so much.
    pub fn at_least(&mut self, what: &str, ratio: f64, least: f64, shown: &str) {
        let shown = format!("{} times less ({shown})", number(ratio));
        self.add(what, shown, format!("at least {}", number(least)), ratio >= least);
    }

    /// A figure without a bound.
    pub fn figure(&mut self, what: &str, shown: String) {
        self.add(what, shown, String::new(), true);
    }

    fn add(&mut self, what: &str, figure: String, bound: String, holds: bool) {
        let mark = if holds { "" } else { "  << does not hold" };
        eprintln!("{what}: {figure} [{bound}]{mark}");
        self.rows.push(Row { what: what.to_owned(), figure, bound, holds });
    }

    /// Whether every bound holds.
    pub fn holds(&self) -> bool {
        self.rows.iter().all(|row| row.holds)
    }

    /// The section, in Markdown.
    pub fn render(&self, terraform: Option<&Terraform>) -> String {
        let mut text = format!("Measured on {}, on {}", today(), machine());
        if let Some(terraform) = terraform {
            text.push_str(&format!(", beside Terraform {}", terraform.version));
        }
        text.push_str(".\n\n| | measured | bound |\n| --- | --- | --- |\n");
        for Row { what, figure, bound, holds } in &self.rows {
            let mark = if *holds { "" } else { " (**not held**)" };
            text.push_str(&format!("| {what} | {figure} | {bound}{mark} |\n"));
        }
        text
    }
}

/// A number with as many digits as say something.
pub fn number(value: f64) -> String {
    if value.fract() == 0.0 || value >= 100.0 {
        grouped(value)
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// A whole number with its thousands apart.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes for people.
pub fn megabytes(bytes: u64) -> String {
    format!("{} MB", number((bytes as f64 / 1e6).round()))
}

fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

/// The class of this machine.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processor = read("/proc/cpuinfo");
    let model = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("an unknown processor", |(_, model)| model.trim());
    let memory = read("/proc/meminfo");
    let kilobytes = memory
        .lines()
        .find_map(|line| {
            line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse::<f64>().ok()
        })
        .unwrap_or(0.0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores ({model}), {:.0} GB, {}", kilobytes / 1e6, std::env::consts::OS)
}

/// Puts the section into a file, between its marks.
pub fn write(path: &Path, section: &str) -> std::io::Result<()> {
    let text = std::fs::read_to_string(path)?;
    let broken = || std::io::Error::other(format!("{} has no marks", path.display()));
    let (before, rest) = text.split_once(BEGIN).ok_or_else(broken)?;
    let (_, after) = rest.split_once(END).ok_or_else(broken)?;
    std::fs::write(path, format!("{before}{BEGIN}\n{section}{END}{after}"))
}
