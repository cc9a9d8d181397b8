//! Errors for the person who gets them: every module's typed errors become a
//! message, places, hints and an exit code in this file and nowhere else.

use crate::model::RecordError;
use crate::text::words;
use std::collections::HashMap;
use std::path::PathBuf;

use super::view::hints;
use crate::config::ConfigError;
use crate::config::Diagnostic;
use crate::config::FilesError;
use crate::config::Found;
use crate::config::Locator;
use crate::config::MOST_ERRORS;
use crate::config::Source;
use crate::disk;
use crate::engine::EngineError;
use crate::local_org::StartError;
use crate::model::Problem;
use crate::org::OrgError;
use crate::plan::ChoiceError;
use crate::plan::PlanError;
use crate::state::Diagnosis;
use crate::state::StateError;
use crate::workflow::Declarations;

/// Why a command ends without having done its work.
#[derive(Debug)]
pub enum CommandError {
    /// What went wrong, and what to do about it.
    Failed {
        /// One sentence, without a full stop.
        message: String,
        /// Each a whole sentence.
        hints: Vec<String>,
    },
    /// Something in the files is wrong.
    Diagnostics(Found),
    /// Nobody reads the output any more.
    BrokenPipe,
}

impl CommandError {
    /// A failure without hints.
    pub fn new(message: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), hints: Vec::new() }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Failed { hints, .. } = &mut self {
            hints.push(hint.into());
        }
        self
    }

    /// It all in one line.
    pub fn message(&self) -> String {
        match self {
            Self::Failed { message, .. } => message.clone(),
            Self::Diagnostics(found) => {
                let messages: Vec<&str> =
                    found.reported.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
                messages.join("; ")
            }
            Self::BrokenPipe => "nobody reads the output".to_owned(),
        }
    }

    /// A record of the state that this version can't read.
    pub fn unreadable_state(reason: RecordError) -> Self {
        Self::new(format!("the state can't be read: {reason}"))
            .hint("Use the version of orgform that wrote the state.")
    }

    /// The error of a plan: problems get their places in the files.
    pub fn of_plan(error: PlanError, declarations: &Declarations) -> Self {
        match error {
            PlanError::Problems(problems) => {
                let mut locator = Locator::new(&declarations.reach);
                let problems = reported_once(&problems);
                let shown = problems.iter().take(MOST_ERRORS);
                let reported = shown.map(|(problem, alike)| {
                    place(problem, *alike, &mut locator, &declarations.files)
                });
                let reported = reported.collect();
                Self::Diagnostics(Found {
                    reported,
                    more: problems.len().saturating_sub(MOST_ERRORS),
                })
            }
            PlanError::State(reason) => Self::unreadable_state(reason),
            PlanError::Audit(violations) => {
                let rules: Vec<String> = violations.iter().map(ToString::to_string).collect();
                Self::new(format!("the plan breaks its own rules and was not used: {}", rules.join("; ")))
                    .hint("This is a bug in orgform; nothing was changed. Please report it with the YAML.")
            }
        }
    }
}

/// What is wrong alike with the copies of one entry is told once, with how many
/// more it is true of.
fn reported_once(problems: &[Problem]) -> Vec<(&Problem, usize)> {
    let mut order: Vec<(&Problem, usize)> = Vec::new();
    let mut seen: HashMap<(u32, &str, &str), usize> = HashMap::new();
    for problem in problems {
        let key = (problem.file, problem.address.kind(), problem.message.as_str());
        match seen.get(&key) {
            Some(index) => order[*index].1 += 1,
            None => {
                seen.insert(key, order.len());
                order.push((problem, 0));
            }
        }
    }
    order
}

fn place(
    problem: &Problem,
    alike: usize,
    locator: &mut Locator<'_>,
    files: &[PathBuf],
) -> Diagnostic {
    let file = files.get(problem.file as usize);
    let found =
        problem.place.as_ref().and_then(|place| file.and_then(|file| locator.find(file, place)));
    let (source, span) =
        found.unwrap_or_else(|| (Source::new(file.cloned().unwrap_or_default(), ""), 0..0));
    let others = match alike {
        0 => String::new(),
        1 => " and 1 other".to_owned(),
        count => format!(" and {count} others"),
    };
    let message = format!("{}{others}: {}", problem.address, problem.message);
    let diagnostic = Diagnostic::new(&source, span, message);
    match &problem.hint {
        Some(hint) => diagnostic.help(hint).without_secrets(),
        None => diagnostic.without_secrets(),
    }
}

impl From<ChoiceError> for CommandError {
    fn from(error: ChoiceError) -> Self {
        let failed = Self::new(error.to_string());
        match error {
            ChoiceError::NothingFits { meant: Some(meant), .. } => {
                failed.hint(format!("Did you mean `{meant}`?"))
            }
            ChoiceError::NothingFits { meant: None, .. } => failed
                .hint("An address is a kind, a dot and a name; `*` stands for any characters: `user.*@qa.example`.")
                .hint("`orgform state list` lists what is recorded."),
            ChoiceError::NotReplaceable { hint, .. } => failed.hint(hint),
            ChoiceError::State(reason) => Self::unreadable_state(reason),
        }
    }
}

impl From<std::io::Error> for CommandError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            std::io::ErrorKind::StorageFull => {
                Self::new("the output can't be written: the disk is full where it goes")
                    .hint(disk::advice(&error))
            }
            _ => Self::new(format!("the output can't be written: {error}")),
        }
    }
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Files(error) => {
                let failed = Self::new(error.to_string());
                match error {
                    FilesError::Unreadable { .. } | FilesError::Nothing { .. } => failed.hint(
                        "Name a YAML file or a folder of them, as in `orgform plan access.yaml`.",
                    ),
                    FilesError::OutOfReach { .. } => {
                        failed.hint("`--allow-path DIR` lets files below DIR be read too.")
                    }
                    FilesError::TooLarge { .. }
                    | FilesError::NotRegular { .. }
                    | FilesError::NotUtf8 { .. } => failed,
                }
            }
            ConfigError::Diagnostics(diagnostics) => Self::Diagnostics(diagnostics),
        }
    }
}

/// A damaged state: what is wrong, what is in doubt, and how to go on.
fn damaged(diagnosis: &Diagnosis) -> CommandError {
    /// So many resources are named.
    const NAMED: usize = 10;
    let mut error = CommandError::new(
        "the state of this org is damaged, so that it is in doubt what orgform made; nothing was changed",
    );
    for damage in &diagnosis.damages {
        error = error.hint(damage.to_string());
    }
    let named = words::few(&diagnosis.in_doubt, NAMED);
    error = match diagnosis.in_doubt.len() {
        0 => error.hint("What orgform made in the missing part would be taken for somebody else's: adopted, and never removed by destroy."),
        _ => error.hint(format!("In doubt: {named}.")),
    };
    error.hint("`orgform state check` says all that is wrong and what there is to go back to; `orgform state restore` goes back to it.")
}

impl From<StateError> for CommandError {
    fn from(error: StateError) -> Self {
        let hint = match &error {
            StateError::Locked { .. } => {
                "Wait until it has ended. A lock ends with its process; there is nothing to remove."
            }
            StateError::Newer { .. } => "Use the version of orgform that wrote it, or a newer one.",
            StateError::Damaged { diagnosis } => return damaged(diagnosis),
            StateError::Cache { .. } => {
                "Run the same command again: it is a cache, and made anew from state.json and state.log."
            }
            StateError::OnlyRead => {
                "Wait until the other run has ended, or let this user write into the folder of the state."
            }
            StateError::OtherOrg { .. } => {
                "Each org has a folder of its own; this one was copied or renamed."
            }
            StateError::Io { source, .. } => disk::advice(source),
        };
        Self::new(error.to_string()).hint(hint)
    }
}

impl From<OrgError> for CommandError {
    fn from(error: OrgError) -> Self {
        let hint = match &error {
            OrgError::Unreachable { .. } => {
                "Check the instance URL (SF_INSTANCE_URL) and the network."
            }
            OrgError::Unanswered { .. } => {
                "Run the same command again: what was sent is looked up before anything is repeated."
            }
            OrgError::Session { .. } => {
                "Get a new token, for example with `sf org auth show-access-token`, and set SF_ACCESS_TOKEN to it."
            }
            OrgError::DailyLimit { .. } => {
                "The org takes calls again within 24 hours; what was done is recorded."
            }
            OrgError::Refused { refused, .. } => {
                hints::hint(&refused.first().code).unwrap_or("The message is Salesforce's own.")
            }
            OrgError::TooLarge { .. } => {
                "Is the instance URL that of a Salesforce org? If so, please report what was asked of it."
            }
            OrgError::Unexpected { .. } => "Is the instance URL that of a Salesforce org?",
            OrgError::Stopped { .. } => "Run the same command again to go on.",
        };
        Self::new(error.to_string()).hint(hint)
    }
}

impl From<EngineError> for CommandError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Org(error) => error.into(),
            EngineError::State(error) => error.into(),
            EngineError::Record(reason) => Self::unreadable_state(reason),
            EngineError::OtherOrg { .. } => Self::new(error.to_string())
                .hint("The token and the instance URL belong to different orgs."),
        }
    }
}

impl From<StartError> for CommandError {
    fn from(error: StartError) -> Self {
        let hint = match &error {
            StartError::Data { source, .. } if source.kind() == std::io::ErrorKind::WouldBlock => {
                "Wait until the other one has ended."
            }
            StartError::Data { source, .. } => disk::advice(source),
            StartError::Listen { .. } => "Port 0 picks a free port.",
            StartError::Certificate { source, .. } | StartError::RequestLog { source, .. } => {
                disk::advice(source)
            }
            StartError::AppCertificate => {
                "`openssl req -x509 -newkey rsa:2048 -nodes -keyout server.key -out server.crt -subj /CN=app` makes one, with its key."
            }
        };
        Self::new(error.to_string()).hint(hint)
    }
}
