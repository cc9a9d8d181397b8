//! Makes a plan with orgform as a library and shows it: what `orgform plan` does, without
//! its command line.
//!
//! ```text
//! cargo run --example plan -- examples/integration-user.yaml
//! ```
//!
//! It plans for the local org inside orgform, in a folder that is gone afterwards, so that
//! it needs no account and leaves nothing behind.

use orgform::model::UnixMillis;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use orgform::config::Reach;
use orgform::model::PlanMode;
use orgform::org::HttpWire;
use orgform::plan::Selection;
use orgform::workflow::Access;
use orgform::workflow::Declarations;
use orgform::workflow::PlanOptions;
use orgform::workflow::Planning;
use orgform::workflow::Session;
use orgform::workflow::Target;
use orgform::workflow::WorkflowError;
use orgform::workflow::World;

/// The world as it is. A program that runs beside others hands in its own.
#[expect(clippy::disallowed_methods, reason = "a program of its own asks the clock itself")]
fn world() -> World {
    let started = Instant::now();
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    World {
        clock: Arc::new(move || UnixMillis(i64::try_from(now().as_millis()).unwrap_or(i64::MAX))),
        monotonic: Arc::new(move || started.elapsed()),
        sleep: Arc::new(|duration| Box::pin(tokio::time::sleep(duration))),
        wire: Arc::new(HttpWire::default()),
        // Good enough for an org that lives as long as this program. What is kept must
        // have numbers that nobody can guess.
        entropy: Arc::new(|| fastrand::u64(..)),
        stops: Arc::new(|| Box::pin(futures_util::stream::pending())),
        process: std::process::id(),
        machine: "an example".to_owned(),
    }
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "it is there to show something")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let folder = tempfile::tempdir()?;
    let reach = Reach::new(&std::env::current_dir()?, &paths, &[]);
    let declarations = Declarations::read(&paths, reach, PlanMode::Converge)?;
    let options = PlanOptions {
        refresh: true,
        refresh_catalog: false,
        explains: true,
        is_to_be_applied: false,
    };
    let everything = Selection::default();
    let planning = Planning::new(&declarations, PlanMode::Converge, everything, options);
    let state = folder.path().join("state");
    let planned = Session::with(&world(), Target::Local, &state, async |session| {
        let plan = async |store: &mut _| planning.plan(session, store).await;
        session.with_store::<_, WorkflowError>("plan", Access::ToPlan, plan).await
    })
    .await?;
    for change in &planned.plan.changes {
        println!("{:?} {} in steps: {}", change.action, change.address, change.ops.len());
    }
    for finding in &planned.plan.findings {
        println!("{:?}: {}", finding.severity, finding.message);
    }
    Ok(())
}
