//! The stages of a plan, each by itself: read the YAML, merge what is declared with
//! what is recorded, write a record as bytes, commit records durably.

use std::collections::BTreeMap;
use std::path::PathBuf;

use divan::Bencher;
use futures_util::FutureExt as _;
use orgform::config;
use orgform::facts::Catalog;
use orgform::model::Address;
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
use orgform::plan;
use orgform::plan::Choice;
use orgform::plan::Desired;
use orgform::state::Holder;
use orgform::state::RecordChange;
use orgform::state::Settlement;
use orgform::state::Store;

#[path = "how_fast/shape.rs"]
#[expect(dead_code, reason = "Terraform is no part of these")]
mod shape;

use shape::Shape;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

fn main() {
    divan::main();
}

/// A folder with the YAML of so many resources.
fn written(resources: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let files = if resources < 100_000 { 1 } else { 16 };
    Shape::of(resources).write_yaml(folder.path(), files, 0).expect("is written");
    folder
}

fn declared(resources: usize) -> Vec<Declared> {
    let folder = written(resources);
    let config = config::load(&[PathBuf::from(".")], &config::Reach::new(folder.path(), &[], &[]))
        .expect("is well");
    // Profiles start from a base that only an org can tell, and stay out.
    config.declared.into_iter().filter(|held| held.address.kind() != "profile").collect()
}

fn record(declared: &Declared) -> Record {
    let id = SalesforceId::parse("005000000000001AAA");
    Record { id, attributes: declared.attributes.clone(), ..Record::new(Ownership::Created) }
}

#[divan::bench(args = SIZES, sample_count = 5)]
fn read_yaml(bencher: Bencher<'_, '_>, resources: usize) {
    let folder = written(resources);
    bencher.bench_local(|| {
        config::load(&[PathBuf::from(".")], &config::Reach::new(folder.path(), &[], &[]))
            .expect("is well")
    });
}

/// Records in memory.
struct Held(BTreeMap<Address, Record>);

impl Recorded for Held {
    fn stream(&self) -> RecordStream<'_> {
        Box::new(self.0.iter().map(|(address, record)| {
            Ok(StoredRecord {
                address: address.clone(),
                digest: record.attributes.digest(),
                standing: record.standing,
                protected: record.protected,
                decode: Box::new(|| Ok(record.clone())),
            })
        }))
    }

    fn get(&self, address: &Address) -> Result<Option<Record>, RecordError> {
        Ok(self.0.get(address).cloned())
    }
}

#[divan::bench(args = SIZES, sample_count = 5)]
fn merge(bencher: Bencher<'_, '_>, resources: usize) {
    let kinds = ["permission_set_assignment"];
    let declared: Vec<Declared> = declared(resources);
    let desired = Desired::new(declared, Vec::new());
    let held = desired.iter().filter(|held| kinds.contains(&held.address.kind()));
    let held = Held(held.map(|held| (held.address.clone(), record(held))).collect());
    let choice = Choice::only(held.0.keys().cloned());
    bencher.bench_local(|| {
        let plan = plan::plan(&plan::Input {
            mode: PlanMode::Converge,
            org_id: SalesforceId::parse("00D000000000001AAA").expect("an id"),
            desired: &desired,
            recorded: &held,
            observations: &Observations::default(),
            catalog: &Catalog::new(),
            choice: &choice,
        });
        let plan = plan.expect("a plan");
        let held = u64::try_from(held.0.len()).unwrap_or(u64::MAX);
        assert_eq!(plan.summary.no_op, held, "all is as it is recorded");
    });
}

#[divan::bench(args = SIZES, sample_count = 5)]
fn encode(bencher: Bencher<'_, '_>, resources: usize) {
    let records: Vec<Record> = declared(resources).iter().map(record).collect();
    bencher.bench_local(|| {
        records
            .iter()
            .map(|record| serde_json::to_vec(record).map_or(0, |bytes| bytes.len()))
            .sum::<usize>()
    });
}

/// Two hundred records, as many as a call brings, into a state of this size.
#[divan::bench(args = [1_000, 10_000], sample_count = 5)]
fn commit(bencher: Bencher<'_, '_>, resources: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let org = SalesforceId::parse("00D000000000001AAA").expect("an id");
    let holder = Holder {
        process: std::process::id(),
        machine: "bench".to_owned(),
        command: "bench".to_owned(),
        since: String::new(),
    };
    // A folder is done with what it is asked at once.
    let store = Store::open(folder.path(), &org, &holder, "bench").now_or_never();
    let mut store = store.expect("is done").expect("a state");
    let mut commit = |changes: &[RecordChange]| {
        let settled = [Settlement { changes: changes.to_vec(), ..Settlement::default() }];
        store.finish(&settled).now_or_never().expect("is done").expect("is durable");
    };
    let changes: Vec<RecordChange> = declared(resources)
        .iter()
        .map(|declared| RecordChange::Put(declared.address.clone(), record(declared)))
        .collect();
    for some in changes.chunks(500) {
        commit(some);
    }
    bencher.bench_local(|| commit(&changes[..200]));
}
