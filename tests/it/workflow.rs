//! The use cases as values: what is planned, refused, applied and reported, without a
//! command line and its texts.

use orgform::model::UnixMillis;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use orgform::config::Reach;
use orgform::engine::Event;
use orgform::engine::Outcome;
use orgform::engine::Progress;
use orgform::model::PlanMode;
use orgform::org::HttpWire;
use orgform::plan::Selection;
use orgform::workflow;
use orgform::workflow::Access;
use orgform::workflow::Consent;
use orgform::workflow::Declarations;
use orgform::workflow::Notice;
use orgform::workflow::Operator;
use orgform::workflow::PlanOptions;
use orgform::workflow::Planned;
use orgform::workflow::Planning;
use orgform::workflow::Refusal;
use orgform::workflow::Report;
use orgform::workflow::RunError;
use orgform::workflow::Session;
use orgform::workflow::Target;
use orgform::workflow::Work;
use orgform::workflow::WorkflowError;
use orgform::workflow::World;
use orgform::workflow::WriteOptions;

use crate::support::quick_pauses;

/// A world in which pauses are short and time goes on by a millisecond each look.
fn world() -> World {
    let (now, next) = (Arc::new(AtomicI64::new(1_796_115_600_000)), Arc::new(AtomicU64::new(7)));
    World {
        clock: Arc::new(move || UnixMillis(now.fetch_add(1, Ordering::Relaxed))),
        monotonic: Arc::new(|| Duration::ZERO),
        sleep: quick_pauses(),
        wire: Arc::new(HttpWire::default()),
        entropy: Arc::new(move || next.fetch_add(1, Ordering::Relaxed)),
        stops: Arc::new(|| Box::pin(futures_util::stream::pending())),
        process: 4242,
        machine: "test".to_owned(),
    }
}

const TO_PLAN: PlanOptions =
    PlanOptions { refresh: true, refresh_catalog: false, explains: false, is_to_be_applied: false };
const UNASKED: Consent =
    Consent { auto_approve: true, losses: false, removals: 0, updates: 0, errors: false };

/// Somebody who answers always the same, and remembers what happened.
struct Silent {
    answer: bool,
    /// How many changes each plan had.
    planned: Vec<usize>,
    notices: Vec<Notice>,
    asked: usize,
    declined: usize,
}

impl Silent {
    fn who_says(answer: bool) -> Self {
        Self { answer, planned: Vec::new(), notices: Vec::new(), asked: 0, declined: 0 }
    }
}

struct Nothing;

impl Progress for Nothing {
    fn on(&self, _: &Event<'_>) {}
    fn flush(&self) {}
}

impl Operator for Silent {
    type Error = std::convert::Infallible;
    type Progress = Nothing;

    fn planned(&mut self, planned: &Planned) -> Result<(), Self::Error> {
        self.planned.push(planned.plan.changes.len());
        self.notices.extend(planned.notices.iter().cloned());
        Ok(())
    }
    fn checked(&mut self, _: &Planned, _: Consent) {}
    async fn approves(&mut self) -> Result<bool, Self::Error> {
        self.asked += 1;
        Ok(self.answer)
    }
    fn declined(&mut self) -> Result<(), Self::Error> {
        self.declined += 1;
        Ok(())
    }
    fn begins(&mut self, _: usize) -> Nothing {
        Nothing
    }
    fn ends(&mut self, _: Nothing) {}
    fn plans_again(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
    fn applied(&mut self, _: &Outcome, _: bool) {}
}

/// A folder with one file, and the local org in it.
struct Place(tempfile::TempDir);

impl Place {
    fn with(yaml: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("access.yaml"), yaml).expect("a file");
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn state(&self) -> PathBuf {
        self.path().join("state")
    }

    fn declarations(&self, mode: PlanMode) -> Declarations {
        let paths = [PathBuf::from("access.yaml")].map(|file| self.path().join(file));
        let reach = Reach::new(self.path(), &paths, &[]);
        Declarations::read(&paths, reach, mode).expect("a good file")
    }

    async fn apply(
        &self,
        mode: PlanMode,
        consent: Consent,
        operator: &mut Silent,
    ) -> Result<Option<Report>, WorkflowError> {
        let declarations = self.declarations(mode);
        let options = PlanOptions { is_to_be_applied: true, ..TO_PLAN };
        let planning = Planning::new(&declarations, mode, Selection::default(), options);
        let mut work = Work::Plan(Box::new(planning));
        let written = WriteOptions { parallelism: 5, wait: Duration::from_secs(60) };
        Session::with(&world(), Target::Local, &self.state(), async |session| {
            session
                .with_store("apply", Access::ToApply, async |store| {
                    let applied =
                        workflow::apply((session, store), &mut work, (consent, written), operator);
                    applied.await.map_err(|error| match error {
                        RunError::Workflow(error) => error,
                        RunError::Operator(never) => match never {},
                    })
                })
                .await
        })
        .await
    }
}

const FILE: &str = "version: 1
permission_sets:
  Robot_Access: { label: Robot Access, system_permissions: [View Setup and Configuration] }
";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_applied_is_counted_and_a_second_run_has_nothing_to_do() {
    let place = Place::with(FILE);
    let mut operator = Silent::who_says(true);
    let report = place.apply(PlanMode::Converge, UNASKED, &mut operator).await;
    let report = report.expect("it is applied").expect("nobody said no");
    assert_eq!((report.done.create, report.is_complete()), (1, true));
    let report = place.apply(PlanMode::Converge, UNASKED, &mut operator).await;
    let report = report.expect("it is planned").expect("nobody said no");
    assert_eq!((report.done.create, report.done.no_op), (0, 1));
    assert_eq!((operator.planned, operator.asked), (vec![1, 0], 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_leaves_everything_as_it_is() {
    let place = Place::with(FILE);
    let mut operator = Silent::who_says(false);
    let asks = Consent { auto_approve: false, ..UNASKED };
    for _ in 0..2 {
        let report = place.apply(PlanMode::Converge, asks, &mut operator).await;
        assert!(report.expect("it is planned").is_none());
    }
    assert_eq!((operator.planned, operator.asked, operator.declined), (vec![1, 1], 2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guard_is_a_value_and_what_it_guards_is_untouched() {
    let users: String =
        (0..30).map(|number| format!("  R{number}: {{ label: R{number} }}\n")).collect();
    let place = Place::with(&format!("version: 1\npermission_sets:\n{users}"));
    let mut operator = Silent::who_says(true);
    place.apply(PlanMode::Converge, UNASKED, &mut operator).await.expect("it is applied");
    std::fs::write(place.path().join("access.yaml"), FILE).expect("a file");
    let refused = place.apply(PlanMode::Converge, UNASKED, &mut operator).await;
    let Err(WorkflowError::Refused(Refusal::Findings { count, may_skip })) = refused else {
        panic!("a guard: {refused:?}");
    };
    assert_eq!((count, may_skip), (1, false));
    let allowed = Consent { removals: 30, ..UNASKED };
    let report = place.apply(PlanMode::Converge, allowed, &mut operator).await;
    let report = report.expect("it is applied").expect("nobody said no");
    assert_eq!((report.done.delete, report.done.create), (30, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_and_its_state_are_closed_however_the_work_ends() {
    let place = Place::with(FILE);
    for _ in 0..3 {
        let ended = Session::with(&world(), Target::Local, &place.state(), async |session| {
            let result: Result<(), WorkflowError> = session
                .with_store("apply", Access::ToApply, async |_| Err(WorkflowError::Unsettled))
                .await;
            assert!(matches!(result, Err(WorkflowError::Unsettled)));
            // The lock of the state is free again, while the session is still open.
            session
                .with_store("apply", Access::ToApply, async |_| Ok::<_, WorkflowError>(()))
                .await?;
            Err::<(), _>(WorkflowError::ChangesTooFast)
        })
        .await;
        // So is the local org: it is served by one process at a time.
        assert!(matches!(ended, Err(WorkflowError::ChangesTooFast)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_from_the_state_alone_names_what_was_never_asked() {
    let place = Place::with(FILE);
    let declarations = place.declarations(PlanMode::Converge);
    let options = PlanOptions { refresh: false, ..TO_PLAN };
    let planning = Planning::new(&declarations, PlanMode::Converge, Selection::default(), options);
    let planned = Session::with(&world(), Target::Local, &place.state(), async |session| {
        let plan = async |store: &mut _| planning.plan(session, store).await.map(|_| ());
        session.with_store("plan", Access::ToPlan, plan).await
    })
    .await;
    let Err(WorkflowError::NeverAsked(facts)) = planned else { panic!("facts") };
    let facts: Vec<String> = facts.iter().map(orgform::facts::Fact::describe).collect();
    assert!(facts.contains(&"the org's system permissions".to_owned()), "{facts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_a_user_comes_from_the_org_or_from_the_state() {
    let place = Place::with(
        "version: 1
users:
  one@robots.example: { last_name: One, email: one@robots.example, profile: Standard User }
",
    );
    let mut operator = Silent::who_says(true);
    place.apply(PlanMode::Converge, UNASKED, &mut operator).await.expect("it is applied");
    Session::with(&world(), Target::Local, &place.state(), async |session| {
        for refresh in [true, false] {
            let explained = workflow::explain_user(session, "one@robots.example", refresh).await?;
            let (user, unknown) = explained.expect("the user");
            assert!(user.is_active);
            let known = user.sources.iter().map(|source| source.name.name.as_str());
            let mut names: Vec<&str> = known.collect();
            names.extend(unknown.iter().map(|name| name.name.as_str()));
            assert_eq!(names, ["Standard User"], "refresh {refresh}");
            assert!(workflow::explain_user(session, "no@one.example", refresh).await?.is_none());
        }
        Ok::<_, WorkflowError>(())
    })
    .await
    .expect("it is explained");
}
