//! From arguments to a plan: files, state, recovery, refresh, planner. All
//! commands that plan go this one way.

mod facts;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::arguments::ReadArguments;
use super::environment::Environment;
use super::error::CommandError;
use super::plan_file;
use super::session::Session;
use super::view::findings;
use crate::config;
use crate::config::Config;
use crate::config::ConfigError;
use crate::config::Diagnostic;
use crate::config::FilesError;
use crate::config::Reach;
use crate::config::Suffixes;
use crate::config::suffix_of;
use crate::config::with_suffix;
use crate::engine;
use crate::engine::Recovered;
use crate::engine::Refreshing;
use crate::engine::UnknownMail;
use crate::facts::Catalog;
use crate::facts::Fact;
use crate::facts::Inquiry;
use crate::kinds;
use crate::kinds::Scope as _;
use crate::model::Address;
use crate::model::Change;
use crate::model::Circumstances;
use crate::model::Declared;
use crate::model::Observation;
use crate::model::Observations;
use crate::model::Plan;
use crate::model::PlanMode;
use crate::model::Recorded;
use crate::org::API_VERSION;
use crate::plan;
use crate::plan::Choice;
use crate::plan::Desired;
use crate::plan::LookedAt;
use crate::plan::RecordIndex;
use crate::plan::SavedPlan;
use crate::plan::Selection;
use crate::state::Intent;
use crate::state::Store;

/// Of so many profiles and sets the org is asked what they grant, to explain a
/// plan.
const MOST_EXPLAINED: usize = 25;

/// So often a plan is begun anew before it is made with what there is.
const ANEW: usize = 2;

/// A plan, with what it was made from.
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// What the org offers.
    pub catalog: Catalog,
    /// What the user should know before reading it, each a sentence.
    pub notices: Vec<String>,
    /// What is declared, by natural keys.
    pub desired: Arc<Desired>,
    /// What the plan is about.
    pub choice: Choice,
    /// What was observed for it.
    pub observations: Observations,
    /// The plan's findings with their places.
    pub located: Vec<Diagnostic>,
    /// Mails of an earlier run of which it is not known whether they went out.
    pub unknown: Vec<UnknownMail>,
}

impl Planned {
    /// What a saved plan says, where there is nothing to do for it.
    pub fn of_saved(saved: &SavedPlan) -> Self {
        Self {
            plan: saved.plan.clone(),
            catalog: Catalog::new(),
            notices: saved.notices.clone(),
            desired: Arc::default(),
            choice: Choice::everything(),
            observations: Observations::default(),
            located: findings::located(&saved.plan.findings, &Reach::default(), &[]),
            unknown: Vec::new(),
        }
    }
}

/// What a plan is to be about.
enum About {
    /// What somebody selected, or all.
    Selection(Selection),
    /// What a saved plan is about.
    Exactly(Choice),
}

/// A plan that nothing has checked yet, with what it is about.
struct Draft {
    plan: Plan,
    desired: Arc<Desired>,
    choice: Choice,
}

/// Makes plans for one run: the files are read once, the org as often as a
/// plan is made.
pub struct Planning<'a> {
    environment: &'a Environment,
    refresh: bool,
    refresh_catalog: bool,
    mode: PlanMode,
    /// Whether the org is asked what the sources of changed access grant.
    explains: bool,
    /// Whether the plan is applied, so that its guards hold whatever is asked.
    is_to_be_applied: bool,
    about: About,
    desired: Arc<Desired>,
    files: Vec<PathBuf>,
    reach: Reach,
    suffixes: Suffixes,
}

impl<'a> Planning<'a> {
    /// Reads the files. Nothing else has happened yet when they are refused.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn new(
        environment: &'a Environment,
        read: &ReadArguments,
        mode: PlanMode,
        selection: Selection,
    ) -> Result<Self, CommandError> {
        plan_file::refuse(&read.paths, &environment.folder)?;
        let reach = read.allowed.reach(&environment.folder, &read.paths);
        let config = match config::load(&read.paths, &reach) {
            Ok(config) => config,
            // What is recorded can be destroyed or looked at without any file.
            Err(ConfigError::Files(FilesError::Nothing { .. }))
                if mode != PlanMode::Converge && read.paths.is_empty() =>
            {
                Config::default()
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            environment,
            refresh: read.refresh,
            refresh_catalog: read.refresh_catalog,
            mode,
            explains: false,
            is_to_be_applied: false,
            about: About::Selection(selection),
            desired: Arc::new(Desired::new(
                config.declared,
                config.released.into_iter().map(|(pattern, _)| pattern).collect(),
            )),
            files: config.files,
            reach,
            suffixes: config.suffixes,
        })
    }

    /// The same, asking what the sources of changed access grant.
    #[must_use]
    pub fn explaining(mut self) -> Self {
        self.explains = true;
        self
    }

    /// The same, for a plan that is applied.
    #[must_use]
    pub fn applying(mut self) -> Self {
        self.is_to_be_applied = true;
        self
    }

    /// From here on it is about exactly what it was about before, but for what
    /// was made anew already.
    pub fn go_on(&mut self, mut choice: Choice, made: &[Address]) {
        choice.done(made);
        self.about = About::Exactly(choice);
    }

    /// Makes a saved plan again, from what the org and the state have now. All
    /// that it used is asked anew.
    pub fn again(environment: &'a Environment, saved: &SavedPlan) -> Self {
        Self {
            environment,
            refresh: true,
            refresh_catalog: true,
            mode: saved.plan.mode,
            explains: false,
            is_to_be_applied: true,
            about: About::Exactly(saved.choice()),
            desired: Arc::new(Desired::new(saved.declared.clone(), saved.released.clone())),
            files: Vec::new(),
            reach: Reach::default(),
            suffixes: Suffixes::new(),
        }
    }

    /// Makes a plan. Where the org shows on the way that the state has to know more, it
    /// is begun anew with that.
    ///
    /// # Errors
    /// When the org or the state can't be read, or what is declared can't be.
    pub async fn plan(
        &self,
        session: &Session,
        store: &mut Store,
    ) -> Result<Planned, CommandError> {
        for _ in 0..ANEW {
            if let Some(planned) = Box::pin(self.attempt(session, store, true)).await? {
                return Ok(planned);
            }
        }
        let planned = Box::pin(self.attempt(session, store, false)).await?;
        planned
            .ok_or_else(|| CommandError::new("the org changes faster than it can be planned for"))
    }

    /// One attempt at a plan; `None` when it `may_begin_anew` and is to.
    async fn attempt(
        &self,
        session: &Session,
        store: &mut Store,
        may_begin_anew: bool,
    ) -> Result<Option<Planned>, CommandError> {
        let now = (self.environment.clock)() / 1000;
        let mut notices: Vec<String> = store.notices().to_vec();
        let mut unknown = Vec::new();
        self.recover(session, store, now, &mut notices, &mut unknown).await?;

        let mut desired = Arc::clone(&self.desired);
        if let Some(suffix) = suffix_of(&self.suffixes, &session.identity) {
            let declared = with_suffix(desired.iter().cloned().collect(), suffix);
            desired = Arc::new(Desired::new(declared, desired.released().to_vec()));
            notices.push(format!("Usernames have `{suffix}` behind them in this org."));
        }
        let choice = match &self.about {
            About::Selection(selection) => plan::choose(selection, &desired, &*store, self.mode)?,
            About::Exactly(choice) => choice.clone(),
        };
        let index = RecordIndex::of(&*store, &desired).map_err(CommandError::unreadable_state)?;
        let (mut catalog, mut needs) = self.facts(&desired, &choice, store, &index, now)?;
        let mut later = self.defer(&mut needs, &catalog);
        let loaded: BTreeSet<Fact> = catalog.facts().into_iter().collect();
        let mut observations = Observations::default();
        if self.refresh {
            let asked = needs.clone();
            let takes_declared = self.mode != PlanMode::RefreshOnly;
            let declared = desired.iter().map(|declared| declared.address.clone());
            let refreshing = Refreshing {
                declared: &mut declared
                    .filter(|address| takes_declared && choice.looks_at(address)),
                scope: &*desired,
                recorded: &LookedAt { recorded: &index.over(&*store), choice: &choice },
                inquiry: Inquiry::about(needs),
            };
            observations = engine::refresh(&session.org, refreshing, &mut catalog).await?;
            check_org(session, &catalog)?;
            check_visibility(session, &asked, &catalog, &observations).await?;
            if may_begin_anew && came_late(store, &observations) {
                // What a call of an earlier run made came after it was looked for: it is
                // ours, and planned with as that.
                return Ok(None);
            }
            // What was only loaded keeps its age.
            let answered = catalog.facts().into_iter();
            let answered = answered.filter(|fact| asked.contains(fact) || !loaded.contains(fact));
            store.keep_facts(answered.filter_map(|fact| catalog.kept(&fact)), now, API_VERSION)?;
        }
        if let Some((here, elsewhere)) = desired.in_org(&catalog) {
            disown(&elsewhere, store, &mut observations)?;
            desired = Arc::new(here);
        }
        // Once there are changes, what only they rest on is asked, and planned with.
        let draft = loop {
            let recorded = index.over(&*store);
            let about = (&desired, &choice);
            let draft = self.draft(session, about, &mut observations, &catalog, &recorded);
            let is_to_change = draft.as_ref().map_or(true, |draft| draft.plan.has_changes());
            if later.is_empty() || !is_to_change {
                break draft;
            }
            let asked = std::mem::take(&mut later);
            engine::ask_facts(&session.org, &asked, &mut catalog).await?;
            check_visibility(session, &asked, &catalog, &Observations::default()).await?;
            let answered = asked.iter().filter_map(|fact| catalog.kept(fact));
            store.keep_facts(answered, now, API_VERSION)?;
        };
        let Draft { mut plan, desired, choice } = draft?;
        if may_begin_anew && (self.refresh || self.is_to_be_applied) {
            let before = engine::mailed_before(&session.org, store, &plan).await?;
            if !before.is_empty() {
                let named: Vec<String> = before.iter().map(ToString::to_string).collect();
                store.notice(format!(
                    "The org shows that these have logged in, or got their password mail, before; none is sent again: {}.",
                    named.join(", ")
                ));
                return Ok(None);
            }
        }
        let recorded = index.over(&*store);
        let input = self.input(session, &desired, &choice, &observations, &catalog, &recorded);
        let circumstances = if (self.refresh || self.is_to_be_applied) && plan.has_changes() {
            engine::inquire(&session.org, &plan::questions(&plan, &catalog), now).await?
        } else {
            Circumstances { now, ..Circumstances::default() }
        };
        plan.findings = plan::preflight(&plan, &input, &circumstances)
            .map_err(CommandError::unreadable_state)?;
        if !catalog.access_policies.get(&()).list().is_empty()
            && plan.changes.iter().any(plan::policies_may_undo)
        {
            notices.push(format!(
                "This org has active user access policies, which give and take assignments by themselves: {}.",
                catalog.access_policies.get(&()).list().join(", ")
            ));
        }
        let mut known = Cow::Borrowed(&catalog);
        let mut asked_grants = Vec::new();
        if self.explains && self.refresh {
            let unknown = plan::access::unknown_sources(&plan, &input)
                .map_err(CommandError::unreadable_state)?;
            // Each costs a call; what is left out is told as not known.
            let asked: BTreeSet<Fact> =
                unknown.into_iter().take(MOST_EXPLAINED).map(Fact::Grants).collect();
            if !asked.is_empty() {
                engine::ask_facts(&session.org, &asked, known.to_mut()).await?;
                let found = asked.iter().filter(|fact| known.has(fact));
                let found = found.filter_map(|fact| known.kept(fact));
                asked_grants.extend(found);
            }
        }
        plan.access =
            plan::access::access_changes(&plan, &plan::Input { catalog: &known, ..input })
                .map_err(CommandError::unreadable_state)?;
        plan.notes.extend(plan::access::privileged_notes(&plan.access));
        let catalog = known.into_owned();
        store.keep_facts(asked_grants.into_iter(), now, API_VERSION)?;
        if matches!(self.mode, PlanMode::Destroy { .. }) && !self.desired.is_empty() {
            let is_undeclared = |change: &&Change| desired.declared(&change.address).is_none();
            let others = plan.changes.iter().filter(is_undeclared).count();
            if others > 0 && choice.partial.is_none() {
                notices.push(format!(
                    "Destroy takes away all that orgform made in this org: {others} of these are declared in none of the files you named."
                ));
            }
        }
        if store.is_empty() && plan.summary.adopt > 0 {
            notices.push(
                "Nothing is recorded of this org, so that what is there already is taken over (adopted) and will not be removed by destroy.".to_owned(),
            );
        }
        let located = findings::located(&plan.findings, &self.reach, &self.files);
        Ok(Some(Planned {
            plan,
            catalog,
            notices,
            desired,
            choice,
            observations,
            located,
            unknown,
        }))
    }

    /// A plan from what is known now.
    fn draft(
        &self,
        session: &Session,
        (desired, choice): (&Arc<Desired>, &Choice),
        observations: &mut Observations,
        catalog: &Catalog,
        recorded: &(dyn Recorded + Sync),
    ) -> Result<Draft, CommandError> {
        let (mut desired, mut choice) = (Arc::clone(desired), choice.clone());
        let canonical = desired
            .canonical(catalog)
            .map_err(|problems| self.refused(plan::PlanError::Problems(problems)))?;
        if let Some((canonical, respelled)) = canonical {
            choice.respelled(&respelled);
            desired = Arc::new(canonical);
        }
        observations.claim(|address| desired.declared(address).is_some());
        let input = self.input(session, &desired, &choice, observations, catalog, recorded);
        let plan = plan::plan(&input).map_err(|error| self.refused(error))?;
        Ok(Draft { plan, desired, choice })
    }

    fn input<'b>(
        &self,
        session: &Session,
        desired: &'b Desired,
        choice: &'b Choice,
        observations: &'b Observations,
        catalog: &'b Catalog,
        recorded: &'b dyn Recorded,
    ) -> plan::Input<'b> {
        plan::Input {
            mode: self.mode,
            org_id: session.identity.id.clone(),
            desired,
            recorded,
            observations,
            catalog,
            choice,
        }
    }

    fn refused(&self, error: plan::PlanError) -> CommandError {
        CommandError::of_plan(error, &self.reach, &self.files)
    }

    /// Resolves what an earlier run left open.
    async fn recover(
        &self,
        session: &Session,
        store: &mut Store,
        now: i64,
        notices: &mut Vec<String>,
        unknown: &mut Vec<UnknownMail>,
    ) -> Result<(), CommandError> {
        if store.open_intents().is_empty() {
            return Ok(());
        }
        let makes = |intent: &Intent| intent.open_ops().all(|(_, op)| op.effect.creates.is_some());
        if !self.refresh && store.open_intents().iter().all(makes) {
            // What was not there when it was looked for is looked for again by the next
            // run that asks the org.
            notices.push("Calls of an earlier run are not answered yet. What they were to make is taken for not there.".to_owned());
            return Ok(());
        }
        if !self.refresh {
            return Err(CommandError::new(
                "an earlier run ended in the middle of a call, and what it did is not known yet",
            )
            .hint("Run it once without `--refresh=false`: the org is asked then."));
        }
        let monotonic = &self.environment.monotonic;
        let recovered = engine::recover(&session.org, store, monotonic, now).await?;
        if !recovered.is_nothing() {
            notices.push(told(&recovered));
        }
        unknown.extend(recovered.unknown);
        Ok(())
    }
}

/// Whether the org shows something now that a call of an earlier run was to make and
/// that was not there a moment ago.
fn came_late(store: &Store, observations: &Observations) -> bool {
    let open = store.open_intents().iter().flat_map(Intent::open_ops);
    open.filter(|(_, op)| op.effect.creates.is_some()).any(|(_, op)| {
        matches!(observations.differing.get(&op.address), Some(Observation::Found(_)))
    })
}

/// What is declared for other orgs only is nobody's here, unless the state
/// knows it.
fn disown(
    elsewhere: &[Address],
    store: &Store,
    observations: &mut Observations,
) -> Result<(), CommandError> {
    let mut unrecorded = Vec::new();
    for address in elsewhere {
        if store.get(address).map_err(CommandError::unreadable_state)?.is_none() {
            unrecorded.push(address.clone());
        }
    }
    observations.disown(&unrecorded, |address| {
        kinds::of(address)?.subject(address).filter(|subject| subject != address)
    });
    Ok(())
}

fn is_for_every_org(declared: &Declared) -> bool {
    declared.conditional.as_ref().is_none_or(|conditional| conditional.when.is_empty())
}

/// What recovery found, in words.
fn told(recovered: &Recovered) -> String {
    let listed = |addresses: &[Address]| {
        addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let calls = match recovered.calls {
        1 => "a call".to_owned(),
        calls => format!("{calls} calls"),
    };
    let mut text = format!("An earlier run ended in the middle of {calls}.");
    if !recovered.done.is_empty() {
        text.push_str(&format!(
            " The org shows that this had been done, and it is recorded now: {}.",
            listed(&recovered.done)
        ));
    }
    if !recovered.adopted.is_empty() {
        text.push_str(&format!(
            " This is there, made by somebody else, and adopted: {}.",
            listed(&recovered.adopted)
        ));
    }
    if !recovered.absent.is_empty() {
        text.push_str(&format!(
            " This is not there: {}. Should a call of that run still make it, it is recognized as orgform's own.",
            listed(&recovered.absent)
        ));
    }
    if !recovered.unknown.is_empty() {
        text.push_str(&format!(
            " Whether a password mail went out can't be known, and it will not be sent again: {}.",
            listed(&recovered.unknown.iter().map(|mail| mail.address.clone()).collect::<Vec<_>>())
        ));
    }
    let found = [&recovered.done, &recovered.adopted, &recovered.absent];
    if recovered.unknown.is_empty() && found.iter().all(|list| list.is_empty()) {
        text.push_str(
            " The org shows that nothing of it had happened, or that it can be repeated.",
        );
    }
    text
}

/// What is not found may only not be seen; a plan made blindly would make
/// things a second time.
async fn check_visibility(
    session: &Session,
    asked: &BTreeSet<Fact>,
    catalog: &Catalog,
    observations: &Observations,
) -> Result<(), CommandError> {
    for kind in kinds::ALL {
        let Some(visibility) = kind.visibility() else { continue };
        let mut facts = asked.iter().filter(|fact| (visibility.is_about)(fact)).peekable();
        // One that is found shows that they can be seen.
        let lacks_fact = facts.peek().is_some() && facts.all(|fact| !catalog.has(fact));
        let lost_something = observations.differing.iter().any(|(address, seen)| {
            address.kind() == kind.name() && matches!(seen, Observation::Gone)
        });
        if (lacks_fact || lost_something) && !engine::sees(&session.org, &visibility).await? {
            return Err(CommandError::new(visibility.message).hint(visibility.hint));
        }
    }
    Ok(())
}

/// The org must be the one that its token says.
fn check_org(session: &Session, catalog: &Catalog) -> Result<(), CommandError> {
    match catalog.organization.get(&()).is() {
        Some(organization) if organization.id != session.identity.id => {
            Err(engine::EngineError::OtherOrg {
                found: organization.id.to_string(),
                wanted: session.identity.id.to_string(),
            }
            .into())
        }
        _ => Ok(()),
    }
}
