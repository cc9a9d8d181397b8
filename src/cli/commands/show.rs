//! `orgform show`: a plan that `plan --out` kept, as it was shown then.

use crate::cli::DONE;
use crate::cli::arguments::ShowArguments;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::cli::plan_file;
use crate::cli::target::banner;
use crate::cli::view::findings;
use crate::cli::view::plan_json;
use crate::cli::view::plan_markdown;
use crate::cli::view::plan_view;
use crate::text::shown;
use crate::workflow::Declarations;

/// Runs the command.
///
/// # Errors
/// When the file is no plan that can be used.
pub fn run(
    environment: &Environment,
    output: &mut Output,
    arguments: &ShowArguments,
) -> Result<u8, CommandError> {
    let sealed = plan_file::read(&arguments.file, &environment.folder)?;
    let (saved, digest) = (sealed.plan, sealed.digest);
    if arguments.json {
        let located = findings::located(&saved.plan.findings, &Declarations::default());
        let mut document = plan_json::render(&saved.plan, &saved.org, &saved.notices, &located);
        document["saved"] = plan_json::saved(&arguments.file, digest);
        output.json(&document)?;
        return Ok(DONE);
    }
    if arguments.view.markdown {
        let located = findings::located(&saved.plan.findings, &Declarations::default());
        let text = plan_markdown::render(&saved.plan, &saved.org, &saved.notices, &located);
        output.print(&text)?;
        output.line(&format!("The digest of the saved plan is `{digest}`."))?;
        return Ok(DONE);
    }
    output.line(&banner(&saved.org))?;
    let made = jiff::Timestamp::from_second(saved.made_at.0)
        .map(|time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
        .unwrap_or_default();
    output.line(&format!("Planned on {made}, with the digest {digest}."))?;
    for notice in &saved.notices {
        output.line(&shown::line(notice))?;
    }
    output.line("")?;
    output.print(&plan_view::render(&saved.plan, output.painter(), arguments.view.view))?;
    let located = findings::located(&saved.plan.findings, &Declarations::default());
    output.print(&findings::render(&saved.plan.findings, &located, output.painter()))?;
    Ok(DONE)
}
