//! What grows with a configuration, and how: counted in calls, records and bytes,
//! never in seconds.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use allocation_counter::AllocationInfo;
use allocation_counter::measure;
use orgform::facts::Catalog;
use orgform::local_org::Doubts;
use orgform::local_org::Seed;
use orgform::model::Address;
use orgform::model::Attributes;
use orgform::model::Declared;
use orgform::model::Observations;
use orgform::model::Ownership;
use orgform::model::PlanMode;
use orgform::model::Record;
use orgform::model::RecordError;
use orgform::model::RecordStream;
use orgform::model::Recorded;
use orgform::model::SalesforceId;
use orgform::model::StoredRecord;
use orgform::model::Value;
use orgform::plan::Choice;
use orgform::plan::Desired;
use orgform::plan::Input;
use orgform::plan::plan;
use serde_json::Value as Json;

use crate::support::World;
use crate::support::example;

async fn roomy() -> World {
    World::with(Seed { seats: Some(-1), ..Seed::default() }, Doubts::default()).await
}

/// So many users, each with a license and two sets. All names are of one length.
fn users(count: usize) -> String {
    let mut text = String::from("version: 1\npermission_sets: { A: {}, B: {} }\nusers:\n");
    for number in 0..count {
        let _ = writeln!(
            text,
            "  u{number:05}@coconut.example: {{ last_name: U, email: u@coconut.example, profile: Minimum Access - API Only Integrations, permission_set_licenses: [Salesforce API Integration], permission_sets: [A, B] }}"
        );
    }
    text
}

/// What the last event of a run says of its calls.
async fn calls(world: &World, arguments: &[&str]) -> Json {
    let ran = world.run(arguments).await.succeeds();
    let last = ran.output.lines().last().unwrap_or_default().to_owned();
    let summary: Json = serde_json::from_str(&last).expect("the summary");
    summary["api_calls"].clone()
}

const APPLY: [&str; 4] = ["apply", "access.yaml", "--auto-approve", "--json"];

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_new_users_with_three_assignments_cost_twenty_writes_and_few_reads() {
    let world = roomy().await;
    world.write("access.yaml", users(0).replace("users:\n", ""));
    world.run(&APPLY).await.succeeds();
    world.write("access.yaml", users(1_000));
    let calls = calls(&world, &APPLY).await;
    let number = |json: &Json| json.as_u64().expect("a number");
    let writes = number(&calls["by_kind"]["collections"]);
    assert_eq!(writes, 20, "{calls}");
    assert!(number(&calls["total"]) - writes <= 12, "{calls}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manuals_example_costs_twelve_calls_beside_its_mail_and_three_when_nothing_is_to_do() {
    // Calls do not wait for others to be as full as can be: where the set's document is
    // slow, its assignment goes alone, which is one call more.
    let (mut fewest, mut fewest_again) = (u64::MAX, u64::MAX);
    for _ in 0..3 {
        let world = World::new().await;
        world.write("access.yaml", example());
        let cold = calls(&world, &APPLY).await;
        assert_eq!(cold["by_kind"]["password"], 1, "{cold}");
        fewest = fewest.min(cold["total"].as_u64().expect("a number"));
        let again = calls(&world, &APPLY).await;
        fewest_again = fewest_again.min(again["total"].as_u64().expect("a number"));
    }
    assert!(fewest <= 12 + 1, "{fewest} calls, the mail among them");
    assert!(fewest_again <= 3, "{fewest_again} calls");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_changes_reads_by_the_page_whoever_else_is_in_the_org() {
    let mut totals = Vec::new();
    for others in [0, 3_000] {
        let seed = Seed { seats: Some(-1), users: others, ..Seed::default() };
        let world = World::with(seed, Doubts::default()).await;
        world.write("access.yaml", users(600));
        world.run(&APPLY).await.succeeds();
        world.run(&APPLY).await.succeeds();
        let calls = calls(&world, &APPLY).await;
        totals.push(calls["total"].as_u64().expect("a number"));
    }
    let [alone, among] = totals[..] else { unreachable!("two orgs") };
    assert_eq!(alone, among, "other users cost nothing");
    // Four objects by user, two sets by their rows and one call of documents, five
    // queries a call, each with as many names as an address holds.
    assert!(alone <= 12, "{alone} calls");
}

/// The bytes that one more user adds to the state of so many.
async fn added(count: usize) -> u64 {
    let world = roomy().await;
    world.write("access.yaml", users(count));
    world.run(&APPLY).await.succeeds();
    // The second time what only the org could tell of them is taken in.
    world.run(&APPLY).await.succeeds();
    let log = world.state().join("state.log");
    let bytes = || std::fs::metadata(&log).expect("the log").len();
    let before = bytes();
    world.write("access.yaml", users(count + 1));
    world.run(&APPLY).await.succeeds();
    bytes() - before
}

#[tokio::test(flavor = "multi_thread")]
async fn one_more_user_writes_as_much_to_a_large_state_as_to_a_small_one() {
    let (small, large) = (added(50).await, added(1_000).await);
    assert!(small > 0, "something is written");
    // Serial numbers have more digits.
    assert!(large.abs_diff(small) <= 16, "{small} and {large} bytes");
}

/// What an apply of so many users from nothing allocates, and a plan from the cache
/// after it. All runs on one thread, the org too but for its tables.
fn allocated(count: usize) -> [AllocationInfo; 2] {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let world = runtime.block_on(roomy());
    world.write("access.yaml", users(count));
    let run = |arguments: &[&str]| {
        runtime.block_on(async { drop(world.run(arguments).await.succeeds()) });
    };
    let apply = measure(|| run(&APPLY));
    // What only the org can tell of them is taken in.
    run(&APPLY);
    [apply, measure(|| run(&["plan", "access.yaml", "--refresh=false"]))]
}

#[test]
fn what_is_allocated_grows_as_fast_as_what_is_declared_and_no_faster() {
    // Tables grow by doubling, and so do these.
    let [small, middle, large] = [400, 800, 1_600].map(allocated);
    let each = |command: usize, counted: &dyn Fn(&AllocationInfo) -> u64| {
        let [small, middle, large] =
            [&small, &middle, &large].map(|allocated| counted(&allocated[command]));
        ((middle - small) / 400, (large - middle) / 800)
    };
    // What one more user with three assignments may cost. What is held at once is known
    // of the plan alone: an apply hands memory on to other threads.
    let count = |info: &AllocationInfo| info.count_total;
    for (what, (first, then), tolerated, most) in [
        ("allocations of an apply", each(0, &count), 50, 1_030),
        ("allocations of a plan", each(1, &count), 50, 175),
        ("bytes that a plan holds", each(1, &|info| info.bytes_max), 5, 6_500),
    ] {
        let told = format!("{what}: {first} for one user, {then} for one among more");
        assert!(then <= first + first / tolerated, "{told}");
        assert!(then <= most, "{told}, and at most {most}");
    }
}

/// Records that count how they are looked at.
struct Counted {
    records: BTreeMap<Address, Record>,
    streams: Cell<usize>,
    decoded: Cell<usize>,
}

impl Recorded for Counted {
    fn stream(&self) -> RecordStream<'_> {
        self.streams.set(self.streams.get() + 1);
        Box::new(self.records.iter().map(|(address, record)| {
            Ok(StoredRecord {
                address: address.clone(),
                digest: record.attributes.digest(),
                standing: record.standing,
                protected: record.protected,
                decode: Box::new(|| {
                    self.decoded.set(self.decoded.get() + 1);
                    Ok(record.clone())
                }),
            })
        }))
    }

    fn get(&self, address: &Address) -> Result<Option<Record>, RecordError> {
        self.decoded.set(self.decoded.get() + 1);
        Ok(self.records.get(address).cloned())
    }
}

#[test]
fn a_plan_without_changes_goes_through_the_records_once_and_decodes_none() {
    for count in [10, 1_000] {
        let declared: Vec<Declared> = (0..count)
            .map(|number| {
                let label = Value::Text(format!("Set {number}"));
                let attributes: Attributes = [("label", label)].into_iter().collect();
                Declared::new(Address::new("permission_set", &format!("S{number}")), attributes)
            })
            .collect();
        let record = |declared: &Declared| {
            let record = Record::new(Ownership::Created);
            Record { attributes: declared.attributes.clone(), ..record }
        };
        let records = declared.iter().map(|held| (held.address.clone(), record(held))).collect();
        let recorded = Counted { records, streams: Cell::new(0), decoded: Cell::new(0) };
        let plan = plan(&Input {
            mode: PlanMode::Converge,
            org_id: SalesforceId::parse("00D000000000001AAA").expect("an id"),
            desired: &Desired::new(declared, Vec::new()),
            recorded: &recorded,
            observations: &Observations::default(),
            catalog: &Catalog::new(),
            choice: &Choice::everything(),
        })
        .expect("a plan");
        assert_eq!(plan.summary.no_op, count, "all is as it is recorded");
        assert!(plan.changes.is_empty(), "equal pairs are not kept");
        assert_eq!((recorded.streams.get(), recorded.decoded.get()), (1, 0));
    }
}

fn sets(count: usize, of_one: &str) -> String {
    let mut text = String::from("version: 1\npermission_sets:\n");
    for number in 0..count {
        let also = if number == 7 { of_one } else { "" };
        let _ = writeln!(text, "  S{number}: {{ label: Set {number}{also} }}");
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_hundred_documents_go_as_one_deploy_and_a_hundred_do_not() {
    let world = World::new().await;
    world.write("access.yaml", sets(100, ""));
    let few = calls(&world, &APPLY).await;
    assert_eq!(few["by_kind"].get("deploy"), None, "{few}");
    let world = World::new().await;
    world.converges("many documents", &sets(150, "")).await;
    world.write("access.yaml", sets(150, "").replace("label: Set", "label: The set"));
    let arguments = [APPLY.as_slice(), &["--allow-updates", "150"]].concat();
    let many = calls(&world, &arguments).await;
    // It is sent, and looked at once.
    assert_eq!(many["by_kind"]["deploy"], 2, "{many}");
    world.is_settled("many documents, changed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_a_deploy_refuses_is_told_and_keeps_no_other_out() {
    let world = World::new().await;
    world.write("access.yaml", sets(150, ", apex_classes: [Nope]"));
    let ran = world.run(&["apply", "access.yaml", "--auto-approve"]).await.fails();
    assert!(ran.output.contains("149 created, 1 step failed"), "{}", ran.whole());
    assert!(
        ran.output.contains("permission_set.S7") && ran.whole().contains("Nope"),
        "{}",
        ran.whole()
    );
    let made = world
        .query("SELECT Id FROM PermissionSet WHERE Name LIKE 'S%' AND Label LIKE 'Set %'")
        .await;
    assert_eq!(made.len(), 149);
    world.converges("without it", &sets(150, "")).await;
}
