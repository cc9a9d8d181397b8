//! Time and memory as a configuration grows: plan from the cache, plan against the
//! org, apply, and what one more user costs the state.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use super::Bench;
use super::READ_ONLY;
use super::calls::calls_in;
use super::measure::Cost;
use super::measure::Served;
use super::measure::exponent;
use super::measure::median;
use super::measure::once;
use super::report::Report;
use super::report::megabytes;
use super::report::number;
use super::shape::Shape;
use super::terraform::Terraform;

/// What one size came to.
struct Size {
    resources: usize,
    apply: Cost,
    refreshed: Cost,
    cached: Cost,
    read_only: Cost,
    org_memory: u64,
}

/// Measures.
pub fn measure(
    bench: &Bench,
    terraform: Option<&Terraform>,
    million: bool,
    report: &mut Report,
) -> std::io::Result<()> {
    let mut sizes = Vec::new();
    let all = [1_000, 5_000, 10_000, 100_000, 1_000_000];
    for resources in all.into_iter().take(if million { 5 } else { 4 }) {
        sizes.push(size(bench, resources)?);
    }
    let of = |resources: usize| sizes.iter().find(|size| size.resources == resources);
    if let (Some(terraform), Some(small), Some(middle), Some(size)) =
        (terraform, of(1_000), of(5_000), of(10_000))
    {
        report.at_least(
            "10,000 resources, nothing to do, from the cache: processor time against Terraform with a block each",
            terraform.blocks.cpu / size.cached.cpu,
            150.0,
            &format!("{:.2} s, {:.1} s", size.cached.cpu, terraform.blocks.cpu),
        );
        report.at_least(
            "The same: memory",
            terraform.blocks.memory as f64 / size.cached.memory as f64,
            20.0,
            &format!("{}, {}", megabytes(size.cached.memory), megabytes(terraform.blocks.memory)),
        );
        report.at_least(
            "5,000 resources, nothing to do: processor time against Terraform with `for_each`",
            terraform.for_each.cpu / middle.cached.cpu,
            2_000.0,
            &format!("{:.3} s, {:.0} s", middle.cached.cpu, terraform.for_each.cpu),
        );
        report.at_least(
            "1,000 resources from nothing: time to apply against Terraform's to its own state file",
            terraform.apply.wall / small.apply.wall,
            100.0,
            &format!("{:.2} s, {:.1} s", small.apply.wall, terraform.apply.wall),
        );
    }
    let large = sizes.iter().filter(|size| size.resources >= 100_000);
    for size in large {
        let name = number(size.resources as f64);
        report.at_most(
            &format!("{name} resources, nothing to do, from the cache: processor time against only reading the YAML"),
            size.cached.cpu / size.read_only.cpu,
            3.5,
            &format!(
                "{:.2} times ({:.2} s, {:.2} s)",
                size.cached.cpu / size.read_only.cpu,
                size.cached.cpu,
                size.read_only.cpu
            ),
        );
    }
    if let Some(size) = of(1_000_000) {
        report.at_most(
            "The same: seconds",
            size.cached.wall,
            10.0,
            &format!("{:.1} s", size.cached.wall),
        );
        report.at_most(
            "The same: memory, in MB",
            size.cached.memory as f64 / 1e6,
            1_500.0,
            &megabytes(size.cached.memory),
        );
        report.at_most(
            "1,000,000 resources applied to the local org: minutes",
            size.apply.wall / 60.0,
            15.0,
            &format!(
                "{:.1} min, {} calls, {} (the org: {})",
                size.apply.wall / 60.0,
                calls_in(&size.apply.said).unwrap_or(0),
                megabytes(size.apply.memory),
                megabytes(size.org_memory)
            ),
        );
        let most = size.apply.memory.max(size.org_memory);
        report.at_most(
            "The same: memory of either process, in MB",
            most as f64 / 1e6,
            4_000.0,
            &megabytes(most),
        );
    }
    let points = |from: usize, to: usize, of: &dyn Fn(&Size) -> f64| -> Vec<(f64, f64)> {
        let sizes = sizes.iter().filter(|size| (from..=to).contains(&size.resources));
        sizes.map(|size| (size.resources as f64, of(size))).collect()
    };
    let growth = exponent(&points(10_000, 1_000_000, &|size| size.cached.cpu));
    report.at_most(
        "Plan from the cache: growth of processor time, as an exponent",
        growth,
        1.10,
        &format!("{growth:.2}"),
    );
    let growth = exponent(&points(1_000, 100_000, &|size| size.apply.wall));
    report.at_most(
        "Apply: growth of time to 100,000, as an exponent",
        growth,
        1.15,
        &format!("{growth:.2}"),
    );
    if let Some(size) = of(10_000) {
        let shape = Shape::of(10_000);
        let pages = |rows: usize| rows.div_ceil(2_000) as f64;
        let rows = pages(shape.users) * 2.0
            + pages(shape.users * 3)
            + pages(shape.sets)
            + pages(shape.profiles);
        let calls = calls_in(&size.refreshed.said).unwrap_or(u64::MAX) as f64;
        let most = (1.1 * (rows + (shape.sets as f64 / 10.0).ceil()) + 12.0).floor();
        report.at_most(
            "10,000 resources, nothing to do, against the org: calls",
            calls,
            most,
            &number(calls),
        );
        report.at_most(
            "The same: processor time against the plan from the cache",
            size.refreshed.cpu / size.cached.cpu,
            4.0,
            &format!(
                "{:.2} times ({:.2} s)",
                size.refreshed.cpu / size.cached.cpu,
                size.refreshed.cpu
            ),
        );
    }
    for size in &sizes {
        report.figure(
            &format!(
                "{} resources: apply, plan against the org, plan from the cache",
                number(size.resources as f64)
            ),
            format!(
                "{:.2} s, {:.2} s, {:.2} s; {}, {}, {}",
                size.apply.wall,
                size.refreshed.wall,
                size.cached.wall,
                megabytes(size.apply.memory),
                megabytes(size.refreshed.memory),
                megabytes(size.cached.memory)
            ),
        );
    }
    others(bench, report)?;
    one_more(bench, report)
}

fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    Ok(files)
}

fn size(bench: &Bench, resources: usize) -> std::io::Result<Size> {
    eprintln!("orgform: {resources} resources");
    let folder = bench.folder.join(format!("yaml-{resources}"));
    let state = bench.folder.join(format!("state-{resources}"));
    Shape::of(resources).write_yaml(&folder, if resources < 100_000 { 1 } else { 16 }, 0)?;
    let served = Served::start(&bench.binary, &["--seed-org", "seats=unlimited"])?;
    let path = folder.to_string_lossy().into_owned();
    let run = |arguments: &[&str]| bench.command(arguments, Some(&served), &state);
    let apply = once(&run(&["apply", &path, "--auto-approve"]))?;
    expect(&apply, "Apply complete")?;
    let org_memory = served.memory();
    let runs = if resources < 1_000_000 { 5 } else { 1 };
    let refreshed = median(&run(&["plan", &path]), runs.min(3))?;
    expect(&refreshed, "No changes.")?;
    let cached = median(&run(&["plan", &path, "--refresh=false"]), runs)?;
    expect(&cached, "No changes.")?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(READ_ONLY).args(files(&folder)?);
    let read_only = median(&command, runs)?;
    Ok(Size { resources, apply, refreshed, cached, read_only, org_memory })
}

fn expect(cost: &Cost, text: &str) -> std::io::Result<()> {
    if cost.code == 0 && cost.said.contains(text) {
        return Ok(());
    }
    Err(std::io::Error::other(format!("orgform ended with {}: {}", cost.code, cost.said)))
}

/// What an org costs that has 100,000 other users.
fn others(bench: &Bench, report: &mut Report) -> std::io::Result<()> {
    eprintln!("orgform: an org with 100,000 other users");
    let mut costs = Vec::new();
    for seed in ["seats=unlimited", "seats=unlimited,users=100000"] {
        let state = bench.folder.join(format!("state-others-{}", costs.len()));
        let served = Served::start(&bench.binary, &["--seed-org", seed])?;
        let folder = bench.folder.join("yaml-10000");
        let path = folder.to_string_lossy().into_owned();
        let run = |arguments: &[&str]| bench.command(arguments, Some(&served), &state);
        expect(&once(&run(&["apply", &path, "--auto-approve"]))?, "Apply complete")?;
        let cost = median(&run(&["plan", &path]), 3)?;
        expect(&cost, "No changes.")?;
        costs.push(cost);
    }
    let [alone, among] = costs.as_slice() else { return Ok(()) };
    let calls = |cost: &Cost| calls_in(&cost.said).unwrap_or(0) as f64;
    report.at_most(
        "10,000 resources in an org with 100,000 other users: further calls of a plan",
        calls(among) - calls(alone),
        0.0,
        &number(calls(among) - calls(alone)),
    );
    report.at_most(
        "The same: processor time, compared",
        among.cpu / alone.cpu,
        1.2,
        &format!("{:.2} times", among.cpu / alone.cpu),
    );
    Ok(())
}

/// What one more user writes to the state, in a small and in a large one.
fn one_more(bench: &Bench, report: &mut Report) -> std::io::Result<()> {
    eprintln!("orgform: one more user");
    let mut written = Vec::new();
    for resources in [1_000, 100_000] {
        let folder = bench.folder.join(format!("yaml-{resources}"));
        let files = if resources < 100_000 { 1 } else { 16 };
        let state = bench.folder.join(format!("state-more-{resources}"));
        let shape = Shape::of(resources);
        let served = Served::start(&bench.binary, &["--seed-org", "seats=unlimited"])?;
        let path = folder.to_string_lossy().into_owned();
        let run = || bench.command(&["apply", &path, "--auto-approve"], Some(&served), &state);
        expect(&once(&run())?, "Apply complete")?;
        // The second one takes in what only the org could tell of the new users: the ids
        // of the rows that freeze them. It is written once.
        expect(&once(&run())?, "")?;
        let before = log_of(&state)?;
        shape.write_yaml(&folder, files, 1)?;
        let cost = once(&run())?;
        expect(&cost, "Apply complete: 4 created")?;
        shape.write_yaml(&folder, files, 0)?;
        written.push(log_of(&state)? - before);
    }
    let [small, large] = written.as_slice() else { return Ok(()) };
    // The names of the two users differ in length, and serial numbers do.
    let most = *small as f64 * 1.05;
    report.at_most(
        "One more user in 100,000 resources: bytes added to the state, compared with 1,000",
        *large as f64 / *small as f64,
        most / *small as f64,
        &format!("{large} and {small} bytes"),
    );
    Ok(())
}

/// The bytes of the state's log.
fn log_of(state: &Path) -> std::io::Result<u64> {
    for entry in std::fs::read_dir(state)? {
        let log = entry?.path().join("state.log");
        if log.is_file() {
            return Ok(log.metadata()?.len());
        }
    }
    Err(std::io::Error::other("there is no log of the state"))
}
