//! The errors of workflows in words, with what to do.

use super::error::CommandError;
use crate::facts::Fact;
use crate::kinds::element_label;
use crate::model::OrgIdentity;
use crate::model::Permission;
use crate::plan::PlanError;
use crate::text::words;
use crate::workflow::Declarations;
use crate::workflow::Doubt;
use crate::workflow::Refusal;
use crate::workflow::Staleness;
use crate::workflow::WorkflowError;

/// So many reasons are reported why a saved plan is stale.
const REASONS: usize = 20;
/// So many facts are named that nobody asked for.
const FACTS: usize = 5;

impl From<WorkflowError> for CommandError {
    fn from(error: WorkflowError) -> Self {
        Self::of_workflow(error, &Declarations::default())
    }
}

impl CommandError {
    /// The error of a workflow: problems get their places in the files.
    pub fn of_workflow(error: WorkflowError, declarations: &Declarations) -> Self {
        match error {
            WorkflowError::Org(error) => error.into(),
            WorkflowError::State(error) => error.into(),
            WorkflowError::Record(error) => Self::unreadable_state(error),
            WorkflowError::Engine(error) => error.into(),
            WorkflowError::LocalOrg(error) => error.into(),
            WorkflowError::Choice(error) => error.into(),
            WorkflowError::Plan(error) => Self::of_plan(error, declarations),
            WorkflowError::NoSession => Self::new(error.to_string())
                .hint("A token looks like `00D...!AQ...`; a redacted one from `sf org display` does not work, `sf org auth show-access-token` shows it."),
            WorkflowError::NeverAsked(facts) => never_asked(&facts),
            WorkflowError::Unsettled => Self::new(error.to_string())
                .hint("Run it once without `--refresh=false`: the org is asked then."),
            WorkflowError::NotVisible(visibility) => {
                Self::new(visibility.message).hint(visibility.hint)
            }
            WorkflowError::OtherOrg { plan, here } => other_org(&plan, &here),
            WorkflowError::Doubtful(doubt) => doubtful(&doubt),
            WorkflowError::Stale(staleness) => stale(staleness),
            WorkflowError::NothingLeft => Self::new(error.to_string())
                .hint("It was applied already, or the org came to be so by other means."),
            WorkflowError::Refused(refusal) => refused(&refusal),
            WorkflowError::LocalAddress(_) | WorkflowError::ChangesTooFast => {
                Self::new(error.to_string())
            }
        }
    }
}

fn never_asked(facts: &[Fact]) -> CommandError {
    let named = words::few(facts.iter().map(Fact::describe), FACTS);
    CommandError::new(format!("orgform has not asked this org yet for {named}"))
        .hint("Run it once without `--refresh=false`.")
}

fn other_org(plan: &OrgIdentity, here: &OrgIdentity) -> CommandError {
    CommandError::new(format!(
        "the plan is for the org {} ({}), and this is {} ({})",
        plan.id, plan.instance_url, here.id, here.instance_url
    ))
    .hint("Sign in to that org, or plan for this one.")
}

fn doubtful(doubt: &Doubt) -> CommandError {
    CommandError::new(doubt.to_string()).hint(match doubt {
        Doubt::OtherDigest(_) => "Somebody changed the file, or it is another plan. `orgform show FILE` shows what it says now.",
        Doubt::NotSealed => "Plan again; or, if `plan --out` printed its digest elsewhere, give that as `--digest HEX`.",
        Doubt::NoKey => "Give the digest that `plan --out` printed: `orgform apply FILE --digest HEX`.",
        Doubt::OtherState => "What one state knows to be orgform's the other does not: plan again with this one.",
    })
}

/// A saved plan that no longer holds, and why.
fn stale(staleness: Staleness) -> CommandError {
    let reasons: Vec<String> = match staleness {
        Staleness::Changed(found) => found.iter().map(ToString::to_string).collect(),
        Staleness::Unplannable(problems) => {
            let problems = PlanError::Problems(problems);
            match CommandError::of_plan(problems, &Declarations::default()) {
                CommandError::Diagnostics(found) => {
                    found.reported.into_iter().map(|diagnostic| diagnostic.message).collect()
                }
                other => vec![other.message()],
            }
        }
    };
    let mut error = CommandError::new(
        "the saved plan is stale: what it was made from has changed since, so that nothing was done",
    );
    for reason in reasons.iter().take(REASONS) {
        error = error.hint(reason.clone());
    }
    if reasons.len() > REASONS {
        error = error.hint(format!("And {} more.", reasons.len() - REASONS));
    }
    error.hint("Plan again with `orgform plan --out FILE`, and review that.")
}

fn refused(refusal: &Refusal) -> CommandError {
    match refusal {
        Refusal::Findings { count, may_skip } => {
            let checks = match count {
                1 => "a check".to_owned(),
                count => format!("{count} checks"),
            };
            let error = CommandError::new(format!(
                "{checks} before the first write failed; nothing was changed"
            ));
            if *may_skip {
                error.hint("If a check errs, --skip-preflight goes on without it; the org still has the last word.")
            } else {
                error
            }
        }
        Refusal::Losses { count, address, path, names } => {
            let grants = words::counted(*count, "grant");
            let names: Vec<String> = names.iter().map(|name| element_label(path, name)).collect();
            CommandError::new(format!(
                "adopting would take away {grants} that the org has and the files do not give, among them {} of {address}",
                names.join(", ")
            ))
            .hint("`orgform plan --view full` lists each. Write them into the files, or add --allow-loss.")
        }
        Refusal::LearnedPowers { address, permissions } => {
            let words: Vec<String> = permissions.iter().map(Permission::words).collect();
            CommandError::new(format!(
                "a refusal of the org says that {address} needs {}, which gives power and stands in no file; nothing of this plan was changed",
                words.join(", ")
            ))
            .hint("The plan above shows it. Write it into the file if it is meant, or apply in a terminal and answer yes.")
        }
    }
}
