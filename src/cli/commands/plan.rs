//! `orgform plan`: shows what would change, and changes nothing.

use crate::model::UnixSeconds;
use std::path::Path;

use crate::cli::CHANGES_PRESENT;
use crate::cli::DONE;
use crate::cli::FAILED;
use crate::cli::arguments::PlanArguments;
use crate::cli::environment::Environment;
use crate::cli::error::CommandError;
use crate::cli::inputs::declarations;
use crate::cli::inputs::selection;
use crate::cli::output::Output;
use crate::cli::plan_file;
use crate::cli::target::banner;
use crate::cli::target::with_session;
use crate::cli::view::findings;
use crate::cli::view::notices;
use crate::cli::view::plan_json;
use crate::cli::view::plan_markdown;
use crate::cli::view::plan_view;
use crate::cli::view::summary;
use crate::config::Diagnostic;
use crate::model::OrgIdentity;
use crate::model::PlanMode;
use crate::model::Severity;
use crate::org::Usage;
use crate::plan::ContentDigest;
use crate::plan::PlanKey;
use crate::plan::SavedPlan;
use crate::text::shown;
use crate::workflow::Access;
use crate::workflow::PlanOptions;
use crate::workflow::Planned;
use crate::workflow::Planning;

/// Runs the command.
///
/// # Errors
/// When no plan can be made.
pub async fn run(
    environment: &Environment,
    output: &mut Output,
    arguments: PlanArguments,
) -> Result<u8, CommandError> {
    let started = (environment.clock)();
    let begun = (environment.monotonic)();
    let mode = if arguments.destroy {
        PlanMode::Destroy {
            include_adopted: arguments.include_adopted,
            rename_usernames: arguments.rename_usernames,
        }
    } else if arguments.replace.refresh_only {
        PlanMode::RefreshOnly
    } else {
        PlanMode::Converge
    };
    let folder = &environment.folder;
    if let Some(path) = &arguments.out {
        plan_file::check_place(path, folder)?;
    }
    let selection = selection(&arguments.choice, &arguments.replace.replace)?;
    let declarations = declarations(environment, &arguments.read, mode)?;
    let options = PlanOptions {
        refresh: arguments.read.refresh,
        refresh_catalog: arguments.read.refresh_catalog,
        explains: true,
        is_to_be_applied: false,
    };
    let planning = Planning::new(&declarations, mode, selection, options);
    let made = with_session(environment, &arguments.read.org, async |session| {
        let (planned, lineage, key) = session
            .with_store("plan", Access::ToPlan, async |store| {
                let planned = planning.plan(session, store).await;
                let planned =
                    planned.map_err(|error| CommandError::of_workflow(error, &declarations))?;
                let key = arguments.out.as_ref().map(|_| plan_file::key(environment, store));
                Ok::<_, CommandError>((planned, store.lineage().to_owned(), key.transpose()?))
            })
            .await?;
        let (identity, usage) = (session.identity.clone(), session.org.usage());
        Ok(Made { planned, lineage, key, identity, usage })
    })
    .await?;
    let saved = made.keep(&arguments, folder, started.seconds())?;
    let located = findings::located(&made.planned.plan.findings, &declarations);
    let elapsed = summary::milliseconds((environment.monotonic)().saturating_sub(begun));
    made.show(output, &arguments, (&located, elapsed), saved)?;
    let plan = &made.planned.plan;
    let has_changes = match mode {
        PlanMode::RefreshOnly => !plan.sync.is_empty(),
        _ => plan.has_changes(),
    };
    if plan.findings.iter().any(|found| found.severity == Severity::Error) {
        return Ok(FAILED);
    }
    Ok(if arguments.detailed_exitcode && has_changes { CHANGES_PRESENT } else { DONE })
}

/// A plan, with what is shown and kept along with it.
struct Made {
    planned: Planned,
    lineage: String,
    key: Option<PlanKey>,
    identity: OrgIdentity,
    usage: Usage,
}

/// Where a plan is kept, and its digest.
type Saved<'a> = Option<(&'a Path, ContentDigest)>;

impl Made {
    /// Keeps the plan where that is asked for.
    fn keep<'a>(
        &self,
        arguments: &'a PlanArguments,
        folder: &Path,
        made_at: UnixSeconds,
    ) -> Result<Saved<'a>, CommandError> {
        let (Some(path), Some(key)) = (&arguments.out, &self.key) else { return Ok(None) };
        let saved = SavedPlan::new(
            self.identity.clone(),
            self.lineage.clone(),
            made_at,
            notices::of(&self.planned),
            self.planned.plan.clone(),
            &self.planned.desired,
            &self.planned.choice,
        );
        Ok(Some((path, plan_file::write(path, folder, &saved, key)?)))
    }

    fn show(
        &self,
        output: &mut Output,
        arguments: &PlanArguments,
        (located, elapsed): (&[Diagnostic], i64),
        saved: Saved<'_>,
    ) -> Result<(), CommandError> {
        let (plan, identity) = (&self.planned.plan, &self.identity);
        let notices = notices::of(&self.planned);
        if arguments.read.json {
            let mut document = plan_json::render(plan, identity, &notices, located);
            if let Some((path, digest)) = saved {
                document["saved"] = plan_json::saved(path, digest);
            }
            return output.json(&document);
        }
        if arguments.view.markdown {
            output.print(&plan_markdown::render(plan, identity, &notices, located))?;
            return match saved {
                None => Ok(()),
                Some((_, digest)) => {
                    output.line(&format!("The digest of the saved plan is `{digest}`."))
                }
            };
        }
        output.line(&banner(identity))?;
        for notice in &notices {
            output.line(&shown::line(notice))?;
        }
        output.line("")?;
        output.print(&plan_view::render(plan, output.painter(), arguments.view.view))?;
        let found = findings::render(&plan.findings, located, output.painter());
        if !found.is_empty() {
            output.line("")?;
            output.print(&found)?;
        }
        output.line(&format!("Planned in {}", summary::cost(elapsed, &self.usage)))?;
        if let Some((path, digest)) = saved {
            let path = path.display();
            output.line(&format!("Kept in {path}: `orgform apply {path}` does exactly this."))?;
            output.line(&format!(
                "On a machine without this state: `orgform apply {path} --digest {digest}`."
            ))?;
        }
        Ok(())
    }
}
