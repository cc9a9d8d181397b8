//! Makes plans: recovery, refresh, planner, checks, and what the plan means for users.
//!
//! Everything that plans goes this one way. It decides what is asked of the org and when
//! a plan is begun anew; what a plan does is decided by `plan`.

use crate::model::UnixSeconds;
use std::collections::BTreeSet;
use std::sync::Arc;

use tracing::debug;

use super::Declarations;
use super::Notice;
use super::WorkflowError;
use super::session::Session;
use super::visibility;
use crate::config::suffix_of;
use crate::config::with_suffix;
use crate::engine;
use crate::engine::EngineError;
use crate::engine::Refreshing;
use crate::engine::UnknownMail;
use crate::facts::Catalog;
use crate::facts::Fact;
use crate::facts::Inquiry;
use crate::kinds;
use crate::model::Address;
use crate::model::Change;
use crate::model::Circumstances;
use crate::model::Observation;
use crate::model::Observations;
use crate::model::Plan;
use crate::model::PlanMode;
use crate::model::RecordError;
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
    /// What somebody should know before reading it.
    pub notices: Vec<Notice>,
    /// What is declared, by natural keys.
    pub desired: Arc<Desired>,
    /// What the plan is about.
    pub choice: Choice,
    /// What was observed for it.
    pub observations: Observations,
    /// Mails of an earlier run of which it is not known whether they went out.
    pub unknown: Vec<UnknownMail>,
}

impl Planned {
    /// What a saved plan says, where there is nothing to do for it.
    pub fn of_saved(saved: &SavedPlan) -> Self {
        Self {
            plan: saved.plan.clone(),
            catalog: Catalog::new(),
            notices: saved.notices.iter().cloned().map(Notice::Said).collect(),
            desired: Arc::default(),
            choice: Choice::everything(),
            observations: Observations::default(),
            unknown: Vec::new(),
        }
    }
}

/// How a plan is made.
#[derive(Clone, Copy, Debug)]
pub struct PlanOptions {
    /// The org is looked at; otherwise the plan is made from the state alone.
    pub refresh: bool,
    /// The org is asked again for what is otherwise kept for a day.
    pub refresh_catalog: bool,
    /// The org is asked what the sources of changed access grant.
    pub explains: bool,
    /// The plan is applied, so that its guards hold whatever is asked.
    pub is_to_be_applied: bool,
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

/// What an attempt at a plan rests on.
struct Basis {
    desired: Arc<Desired>,
    choice: Choice,
    catalog: Catalog,
    observations: Observations,
    /// What is only asked once the plan has changes.
    later: BTreeSet<Fact>,
    notices: Vec<Notice>,
    unknown: Vec<UnknownMail>,
    /// Seconds since 1970.
    now: UnixSeconds,
}

/// Makes plans for one run: the files are read once, the org as often as a
/// plan is made.
pub struct Planning<'a> {
    pub(super) mode: PlanMode,
    pub(super) options: PlanOptions,
    about: About,
    declarations: &'a Declarations,
}

impl<'a> Planning<'a> {
    /// Plans for what is declared.
    pub fn new(
        declarations: &'a Declarations,
        mode: PlanMode,
        selection: Selection,
        options: PlanOptions,
    ) -> Self {
        Self { mode, options, about: About::Selection(selection), declarations }
    }

    /// Makes a saved plan again, from what the org and the state have now. All
    /// that it used is asked anew.
    pub fn again(declarations: &'a Declarations, saved: &SavedPlan) -> Self {
        let options = PlanOptions {
            refresh: true,
            refresh_catalog: true,
            explains: false,
            is_to_be_applied: true,
        };
        let about = About::Exactly(saved.choice());
        Self { mode: saved.plan.mode, options, about, declarations }
    }

    /// From here on it is about exactly what it was about before, but for what
    /// was made anew already.
    pub fn go_on(&mut self, mut choice: Choice, made: &[Address]) {
        choice.done(made);
        self.about = About::Exactly(choice);
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
    ) -> Result<Planned, WorkflowError> {
        for _ in 0..ANEW {
            if let Some(planned) = Box::pin(self.attempt(session, store, true)).await? {
                return Ok(planned);
            }
        }
        let planned = Box::pin(self.attempt(session, store, false)).await?;
        planned.ok_or(WorkflowError::ChangesTooFast)
    }

    /// One attempt at a plan; `None` when it `may_begin_anew` and is to.
    async fn attempt(
        &self,
        session: &Session,
        store: &mut Store,
        may_begin_anew: bool,
    ) -> Result<Option<Planned>, WorkflowError> {
        let now = session.world().now();
        let mut notices: Vec<Notice> = store.notices().iter().cloned().map(Notice::Said).collect();
        let mut unknown = Vec::new();
        self.recover(session, store, now, (&mut notices, &mut unknown)).await?;

        let mut desired = Arc::clone(&self.declarations.desired);
        if let Some(suffix) = suffix_of(&self.declarations.suffixes, &session.identity) {
            let declared = with_suffix(desired.iter().cloned().collect(), suffix);
            desired = Arc::new(Desired::new(declared, desired.released().to_vec()));
            notices.push(Notice::Suffix(suffix.to_owned()));
        }
        let choice = match &self.about {
            About::Selection(selection) => plan::choose(selection, &desired, &*store, self.mode)?,
            About::Exactly(choice) => choice.clone(),
        };
        let index = RecordIndex::of(&*store, &desired)?;
        let (catalog, mut needs) = self.facts((&desired, &choice), store, &index, now)?;
        let later = self.defer(&mut needs, &catalog);
        let observations = Observations::default();
        let mut basis =
            Basis { desired, choice, catalog, observations, later, notices, unknown, now };
        if self.options.refresh {
            self.refresh(session, store, (&index, needs), &mut basis).await?;
            if may_begin_anew && came_late(store, &basis.observations) {
                // What a call of an earlier run made came after it was looked for: it is
                // ours, and planned with as that.
                debug!("begins anew: what an earlier run was to make is there now");
                return Ok(None);
            }
        }
        if let Some((here, elsewhere)) = basis.desired.in_org(&basis.catalog) {
            disown(&elsewhere, store, &mut basis.observations)?;
            basis.desired = Arc::new(here);
        }
        let draft = self.settled_draft(session, store, &index, &mut basis).await?;
        for change in &draft.plan.changes {
            let Change { address, action, reason, .. } = change;
            debug!(%address, ?action, ?reason, steps = change.ops.len(), "plans a change");
        }
        if may_begin_anew && (self.options.refresh || self.options.is_to_be_applied) {
            let before = engine::mailed_before(&session.org, store, &draft.plan).await?;
            if !before.is_empty() {
                debug!("begins anew: some have got their password mail before");
                let named: Vec<String> = before.iter().map(ToString::to_string).collect();
                store.notice(format!(
                    "The org shows that these have logged in, or got their password mail, before; none is sent again: {}.",
                    named.join(", ")
                ));
                return Ok(None);
            }
        }
        self.finish(session, store, &index, (draft, basis)).await.map(Some)
    }

    /// Looks at the org; what it answers is kept.
    async fn refresh(
        &self,
        session: &Session,
        store: &mut Store,
        (index, needs): (&RecordIndex, BTreeSet<Fact>),
        basis: &mut Basis,
    ) -> Result<(), WorkflowError> {
        let Basis { desired, choice, catalog, observations, later, now, .. } = basis;
        let loaded: BTreeSet<Fact> = catalog.facts().into_iter().collect();
        debug!(remembered = loaded.len(), asked = needs.len(), later = later.len(), "refreshes");
        for fact in &needs {
            debug!(fact = fact.describe(), policy = ?fact.policy(), "asks");
        }
        let asked = needs.clone();
        let takes_declared = self.mode != PlanMode::RefreshOnly;
        let declared = desired.iter().map(|declared| declared.address.clone());
        let refreshing = Refreshing {
            declared: &mut declared.filter(|address| takes_declared && choice.looks_at(address)),
            scope: &**desired,
            recorded: &LookedAt { recorded: &index.over(&*store), choice },
            inquiry: Inquiry::about(needs),
        };
        *observations = engine::refresh(&session.org, refreshing, catalog).await?;
        check_org(session, catalog)?;
        visibility::check(session, &asked, catalog, observations).await?;
        // What was only loaded keeps its age.
        let answered = catalog.facts().into_iter();
        let answered = answered.filter(|fact| asked.contains(fact) || !loaded.contains(fact));
        store.keep_facts(answered.filter_map(|fact| catalog.kept(&fact)), *now, API_VERSION)?;
        Ok(())
    }

    /// A plan; once there are changes, what only they rest on is asked, and planned with.
    async fn settled_draft(
        &self,
        session: &Session,
        store: &mut Store,
        index: &RecordIndex,
        basis: &mut Basis,
    ) -> Result<Draft, WorkflowError> {
        loop {
            let draft = self.draft(session, &index.over(&*store), basis);
            let is_to_change = draft.as_ref().map_or(true, |draft| draft.plan.has_changes());
            if basis.later.is_empty() || !is_to_change {
                return draft;
            }
            let asked = std::mem::take(&mut basis.later);
            debug!(asked = asked.len(), "there are changes: asks what only they rest on");
            let catalog = &mut basis.catalog;
            engine::ask_facts(&session.org, &asked, catalog).await?;
            visibility::check(session, &asked, catalog, &Observations::default()).await?;
            let answered = asked.iter().filter_map(|fact| catalog.kept(fact));
            store.keep_facts(answered, basis.now, API_VERSION)?;
        }
    }

    /// A plan from what is known now.
    fn draft(
        &self,
        session: &Session,
        recorded: &dyn Recorded,
        basis: &mut Basis,
    ) -> Result<Draft, WorkflowError> {
        let Basis { desired, choice, catalog, observations, .. } = basis;
        let (mut desired, mut choice) = (Arc::clone(desired), choice.clone());
        let canonical = desired
            .canonical(catalog)
            .map_err(|problems| WorkflowError::Plan(plan::PlanError::Problems(problems)))?;
        if let Some((canonical, respelled)) = canonical {
            choice.respelled(&respelled);
            desired = Arc::new(canonical);
        }
        observations.claim(|address| kinds::Scope::declared(&*desired, address).is_some());
        let input = self.input(session, (&desired, &choice), observations, catalog, recorded);
        let plan = plan::plan(&input).map_err(WorkflowError::Plan)?;
        Ok(Draft { plan, desired, choice })
    }

    fn input<'b>(
        &self,
        session: &Session,
        (desired, choice): (&'b Desired, &'b Choice),
        observations: &'b Observations,
        catalog: &'b Catalog,
        recorded: &'b dyn Recorded,
    ) -> plan::Input<'b> {
        let org_id = session.identity.id.clone();
        plan::Input { mode: self.mode, org_id, desired, recorded, observations, catalog, choice }
    }

    /// Checks a plan, and works out what it means for users.
    async fn finish(
        &self,
        session: &Session,
        store: &mut Store,
        index: &RecordIndex,
        (draft, basis): (Draft, Basis),
    ) -> Result<Planned, WorkflowError> {
        let Draft { mut plan, desired, choice } = draft;
        let Basis { mut catalog, observations, mut notices, unknown, now, .. } = basis;
        let about = (&*desired, &choice);
        let recorded = index.over(&*store);
        let asks = self.options.refresh || self.options.is_to_be_applied;
        let circumstances = if asks && plan.has_changes() {
            engine::inquire(&session.org, &plan::questions(&plan, &catalog), now).await?
        } else {
            Circumstances { now, ..Circumstances::default() }
        };
        let input = self.input(session, about, &observations, &catalog, &recorded);
        plan.findings = plan::preflight(&plan, &input, &circumstances)?;
        let policies = catalog.access_policies.get(&()).list();
        if !policies.is_empty() && plan.changes.iter().any(plan::policies_may_undo) {
            notices.push(Notice::AccessPolicies(policies.to_vec()));
        }
        let mut grants = Vec::new();
        if self.options.explains && self.options.refresh {
            let unknown = plan::access::unknown_sources(&plan, &input)?;
            // Each costs a call; what is left out is reported as not known.
            let asked: BTreeSet<Fact> =
                unknown.into_iter().take(MOST_EXPLAINED).map(Fact::Grants).collect();
            if !asked.is_empty() {
                engine::ask_facts(&session.org, &asked, &mut catalog).await?;
                let found = asked.iter().filter(|fact| catalog.has(fact));
                grants.extend(found.filter_map(|fact| catalog.kept(fact)));
            }
        }
        let input = self.input(session, about, &observations, &catalog, &recorded);
        plan.access = plan::access::access_changes(&plan, &input)?;
        plan.notes.extend(plan::access::privileged_notes(&plan.access));
        store.keep_facts(grants.into_iter(), now, API_VERSION)?;
        self.notice_scope(store, (&plan, about), &mut notices);
        Ok(Planned { plan, catalog, notices, desired, choice, observations, unknown })
    }

    /// What somebody may not expect of how much a plan is about.
    fn notice_scope(
        &self,
        store: &Store,
        (plan, (desired, choice)): (&Plan, (&Desired, &Choice)),
        notices: &mut Vec<Notice>,
    ) {
        if matches!(self.mode, PlanMode::Destroy { .. }) && !self.declarations.desired.is_empty() {
            let is_undeclared =
                |change: &&Change| kinds::Scope::declared(desired, &change.address).is_none();
            let others = plan.changes.iter().filter(is_undeclared).count();
            if others > 0 && choice.partial.is_none() {
                notices.push(Notice::Undeclared(others));
            }
        }
        if store.is_empty() && plan.summary.adopt > 0 {
            notices.push(Notice::NothingRecorded);
        }
    }

    /// Resolves what an earlier run left open.
    async fn recover(
        &self,
        session: &Session,
        store: &mut Store,
        now: UnixSeconds,
        (notices, unknown): (&mut Vec<Notice>, &mut Vec<UnknownMail>),
    ) -> Result<(), WorkflowError> {
        if store.open_intents().is_empty() {
            return Ok(());
        }
        let makes = |intent: &Intent| intent.open_ops().all(|(_, op)| op.effect.creates.is_some());
        if !self.options.refresh {
            // What was not there when it was looked for is looked for again by the next
            // run that asks the org.
            if store.open_intents().iter().all(makes) {
                notices.push(Notice::OpenCalls);
                return Ok(());
            }
            return Err(WorkflowError::Unsettled);
        }
        let monotonic = &session.world().monotonic;
        let mut recovered = engine::recover(&session.org, store, monotonic, now).await?;
        unknown.extend(recovered.unknown.iter().cloned());
        if !recovered.is_nothing() {
            notices.push(Notice::Recovered(Box::new(std::mem::take(&mut recovered))));
        }
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
) -> Result<(), RecordError> {
    let mut unrecorded = Vec::new();
    for address in elsewhere {
        if store.get(address)?.is_none() {
            unrecorded.push(address.clone());
        }
    }
    observations.disown(&unrecorded, |address| {
        kinds::of(address)?.relation().subject(address).filter(|subject| subject != address)
    });
    Ok(())
}

/// The org must be the one that its token says.
fn check_org(session: &Session, catalog: &Catalog) -> Result<(), EngineError> {
    match catalog.organization.get(&()).is() {
        Some(organization) if organization.id != session.identity.id => {
            Err(EngineError::OtherOrg {
                found: organization.id.to_string(),
                wanted: session.identity.id.to_string(),
            })
        }
        _ => Ok(()),
    }
}
