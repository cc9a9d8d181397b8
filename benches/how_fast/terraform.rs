//! Terraform's side, where it is on the path.

use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;

use super::Bench;
use super::measure::Cost;
use super::measure::once;
use super::shape::Shape;

/// What Terraform costs.
pub struct Terraform {
    /// Its version.
    pub version: String,
    /// A plan with nothing to do of 10,000 resources, each a block.
    pub blocks: Cost,
    /// The same of 5,000, by `for_each`.
    pub for_each: Cost,
    /// An apply of 1,000 to its own state file.
    pub apply: Cost,
}

/// Measures; `None` where there is no Terraform.
pub fn measure(bench: &Bench) -> std::io::Result<Option<Terraform>> {
    let Ok(output) = Command::new("terraform").args(["version", "-json"]).output() else {
        eprintln!("There is no terraform on the path: its side is left out.");
        return Ok(None);
    };
    let version: Json = serde_json::from_slice(&output.stdout).map_err(std::io::Error::other)?;
    let version = version["terraform_version"].as_str().unwrap_or("1.0.0").to_owned();
    eprintln!("terraform {version}: plan of 10,000 blocks");
    let blocks = plan(bench, 10_000, false, &version)?;
    eprintln!("terraform {version}: plan of 5,000 by for_each");
    let for_each = plan(bench, 5_000, true, &version)?;
    eprintln!("terraform {version}: apply of 1,000");
    let folder = bench.folder.join("terraform-apply");
    Shape::of(1_000).write_terraform(&folder, false)?;
    succeed(&run(&folder, &["init"])?)?;
    let apply = run(&folder, &["apply", "-auto-approve"])?;
    succeed(&apply)?;
    Ok(Some(Terraform { version, blocks, for_each, apply }))
}

fn plan(bench: &Bench, resources: usize, for_each: bool, version: &str) -> std::io::Result<Cost> {
    let folder = bench.folder.join(format!("terraform-{resources}"));
    let shape = Shape::of(resources);
    shape.write_terraform(&folder, for_each)?;
    shape.write_terraform_state(&folder, version, for_each)?;
    succeed(&run(&folder, &["init"])?)?;
    // The exit code says that nothing differs, so that the state is the right one.
    let cost = run(&folder, &["plan", "-detailed-exitcode"])?;
    succeed(&cost)?;
    Ok(cost)
}

fn run(folder: &Path, arguments: &[&str]) -> std::io::Result<Cost> {
    let mut command = Command::new("terraform");
    command
        .args(arguments)
        .args(["-input=false", "-no-color"])
        .current_dir(folder)
        .env("TF_IN_AUTOMATION", "1")
        .env("CHECKPOINT_DISABLE", "1");
    once(&command)
}

fn succeed(cost: &Cost) -> std::io::Result<()> {
    if cost.code == 0 {
        return Ok(());
    }
    Err(std::io::Error::other(format!("terraform ended with {}: {}", cost.code, cost.said)))
}
