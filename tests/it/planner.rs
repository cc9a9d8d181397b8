//! Properties of the pure core alone: no org, no disk. What a plan's ops say
//! they will leave in the state is taken at its word.

use orgform::model::UnixSeconds;
use std::collections::BTreeMap;

use orgform::config::both_readings;
use orgform::engine::Confirmed;
use orgform::engine::before_ops;
use orgform::engine::record_changes;
use orgform::facts::Catalog;
use orgform::facts::FieldsFact;
use orgform::facts::GrantableField;
use orgform::facts::LicenseFact;
use orgform::facts::OrganizationFact;
use orgform::facts::ProfileFact;
use orgform::model::Address;
use orgform::model::AddressPattern;
use orgform::model::Observations;
use orgform::model::OrgIdentity;
use orgform::model::Plan;
use orgform::model::PlanMode;
use orgform::model::Record;
use orgform::model::RecordError;
use orgform::model::RecordStream;
use orgform::model::Recorded;
use orgform::model::SalesforceId;
use orgform::model::Standing;
use orgform::model::StoredRecord;
use orgform::plan::Choice;
use orgform::plan::Desired;
use orgform::plan::Input;
use orgform::plan::SavedPlan;
use orgform::plan::Selection;
use orgform::plan::choose;
use orgform::plan::plan;
use orgform::plan::stale;
use orgform::state::RecordChange;
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::properties::Generated;
use crate::properties::a_file;

#[derive(Default)]
pub struct Memory {
    records: BTreeMap<Address, Record>,
    made: u32,
}

impl Recorded for Memory {
    fn stream(&self) -> RecordStream<'_> {
        Box::new(self.records.iter().map(|(address, record)| {
            Ok(StoredRecord {
                address: address.clone(),
                digest: record.attributes.digest(),
                standing: record.standing,
                protected: record.protected,
                decode: Box::new(move || Ok(record.clone())),
            })
        }))
    }

    fn get(&self, address: &Address) -> Result<Option<Record>, RecordError> {
        Ok(self.records.get(address).cloned())
    }
}

impl Memory {
    fn take(&mut self, changes: Vec<RecordChange>) {
        for change in changes {
            match change {
                RecordChange::Put(address, record) => {
                    self.records.insert(address, record);
                }
                RecordChange::Forget(address) => {
                    self.records.remove(&address);
                }
            }
        }
    }

    /// Does what the plan says, op by op, in an order that its edges allow.
    pub fn apply(&mut self, plan: &Plan) {
        let settled = plan.changes.iter().filter_map(before_ops).collect();
        self.take(settled);
        let mut done = vec![false; plan.ops.len()];
        loop {
            let ready = (0..plan.ops.len()).rev().find(|op| {
                !done[*op] && plan.ops[*op].after.iter().all(|edge| done[edge.op as usize])
            });
            let Some(op) = ready else { break };
            done[op] = true;
            self.made += 1;
            let id = SalesforceId::parse(&format!("a00{:012}", self.made)).expect("an id");
            let makes = plan.ops[op].effect.creates.is_some();
            let confirmed = Confirmed { id: makes.then_some(id), ..Confirmed::default() };
            let changes = record_changes(
                &plan.ops[op],
                &confirmed,
                &|address| self.get(address),
                UnixSeconds(1),
            )
            .expect("changes");
            self.take(changes);
        }
        assert!(done.iter().all(|done| *done), "every op had its turn");
    }
}

pub fn id(text: &str) -> SalesforceId {
    SalesforceId::parse(text).expect("an id")
}

/// What a small org offers.
pub fn catalog() -> Catalog {
    let mut catalog = Catalog::new();
    let license = |name: &str, label: &str| LicenseFact {
        id: id("0PL000000000001"),
        name: name.into(),
        label: label.into(),
        status: "Active".into(),
        total: -1,
        used: 0,
        expires: None,
    };
    let profile = ProfileFact {
        id: id("00e000000000001"),
        shown: None,
        name: "Minimum Access - API Only Integrations".into(),
        license_id: id("100000000000001"),
        license: "Salesforce Integration".into(),
    };
    let organization = OrganizationFact {
        id: id("00D000000000001"),
        name: "Org".into(),
        edition: "Enterprise Edition".into(),
        is_sandbox: false,
        time_zone: "GMT".into(),
        locale: "en_US".into(),
        language: "en_US".into(),
    };
    catalog.organization.insert((), organization);
    catalog.permission_set_license.insert(
        "SalesforceAPIIntegrationPsl".into(),
        license("SalesforceAPIIntegrationPsl", "Salesforce API Integration"),
    );
    catalog.profile.insert(profile.name.clone(), profile.clone());
    catalog.profiles_of_license.insert(profile.license.clone(), vec![profile]);
    for object in ["Contact", "Account"] {
        let fields = ["Birthdate", "Email", "MailingAddress", "Phone", "Title"];
        let fields = fields.map(|name| GrantableField {
            name: name.into(),
            editable: name != "Title" || object == "Contact",
        });
        let fact =
            FieldsFact { object: object.into(), fields: fields.to_vec(), hidden: Vec::new() };
        catalog.fields.insert(object.into(), fact);
    }
    catalog
}

pub fn declared(generated: &Generated, reversed: bool) -> Desired {
    let (fast, diagnosed) = both_readings(&generated.yaml(reversed));
    let contents = fast.map_or(diagnosed, Ok).expect("a good file");
    Desired::new(contents.declared, contents.released)
}

pub fn planned(
    generated: &Generated,
    reversed: bool,
    memory: &Memory,
    catalog: &Catalog,
    mode: PlanMode,
) -> Plan {
    let desired = declared(generated, reversed);
    planned_for(&desired, memory, catalog, mode, &Choice::everything())
}

fn planned_for(
    desired: &Desired,
    memory: &Memory,
    catalog: &Catalog,
    mode: PlanMode,
    choice: &Choice,
) -> Plan {
    let input = Input {
        mode,
        org_id: id("00D000000000001"),
        desired,
        recorded: memory,
        observations: &Observations::default(),
        catalog,
        choice,
    };
    plan(&input).expect("a plan that holds its rules")
}

/// Patterns of which some fit something.
fn patterns() -> impl Strategy<Value = Vec<&'static str>> {
    let all = vec![
        "profile.*",
        "permission_set.*",
        "user.*",
        "user.u1@*",
        "permission_set_assignment.u*",
        "permission_set_license_assignment.*",
        "*S?",
        "*",
    ];
    prop::sample::subsequence(all, 0..4)
}

fn chosen(
    targets: &[&str],
    excludes: &[&str],
    replaces: &[&str],
    desired: &Desired,
    memory: &Memory,
    mode: PlanMode,
) -> Option<Choice> {
    let list = |texts: &[&str]| {
        texts.iter().map(|text| AddressPattern::new(text).expect("a pattern")).collect()
    };
    let selection =
        Selection { targets: list(targets), excludes: list(excludes), replaces: list(replaces) };
    choose(&selection, desired, memory, mode).ok()
}

fn identity() -> OrgIdentity {
    let instance_url = "https://robots.example".to_owned();
    OrgIdentity { id: id("00D000000000001"), instance_url, emulated: true }
}

proptest! {
    #![proptest_config(Config { cases: 400, ..Config::default() })]

    #[test]
    fn a_plan_applied_leaves_nothing_to_plan(first in a_file(), second in a_file()) {
        let catalog = catalog();
        let mut memory = Memory::default();
        for generated in [&first, &second, &first] {
            let plan = planned(generated, false, &memory, &catalog, PlanMode::Converge);
            let again = planned(generated, true, &memory, &catalog, PlanMode::Converge);
            let bytes = |plan: &Plan| serde_json::to_string(plan).expect("a plan is JSON");
            prop_assert_eq!(bytes(&plan), bytes(&again), "the same bytes in any order");
            memory.apply(&plan);
            let settled = planned(generated, false, &memory, &catalog, PlanMode::Converge);
            prop_assert!(!settled.has_changes(), "{:#?}", settled.changes);
        }
        let destroy = PlanMode::Destroy { include_adopted: false, rename_usernames: false };
        let plan = planned(&first, false, &memory, &catalog, destroy);
        memory.apply(&plan);
        for (address, record) in &memory.records {
            prop_assert!(record.standing == Standing::Retired, "{address} is left");
        }
        prop_assert!(!planned(&first, false, &memory, &catalog, destroy).has_changes());
    }

    /// Whatever is chosen, the plan holds its rules, applying it settles what
    /// was chosen, and a whole plan afterwards settles the rest.
    #[test]
    fn a_part_of_a_plan_can_be_applied_and_the_rest_later(
        first in a_file(),
        second in a_file(),
        targets in patterns(),
        excludes in patterns(),
    ) {
        let catalog = catalog();
        let mut memory = Memory::default();
        let everything = Choice::everything();
        memory.apply(&planned(&first, false, &memory, &catalog, PlanMode::Converge));
        let desired = declared(&second, false);
        let choice = chosen(&targets, &excludes, &[], &desired, &memory, PlanMode::Converge);
        if let Some(choice) = choice {
            let part = planned_for(&desired, &memory, &catalog, PlanMode::Converge, &choice);
            prop_assert!(part.changes.iter().all(|change| choice.includes(&change.address)));
            memory.apply(&part);
            let settled = planned_for(&desired, &memory, &catalog, PlanMode::Converge, &choice);
            prop_assert!(!settled.has_changes(), "{:#?}", settled.changes);
        }
        let whole = planned_for(&desired, &memory, &catalog, PlanMode::Converge, &everything);
        memory.apply(&whole);
        let settled = planned_for(&desired, &memory, &catalog, PlanMode::Converge, &everything);
        prop_assert!(!settled.has_changes(), "{:#?}", settled.changes);
        let destroy = PlanMode::Destroy { include_adopted: false, rename_usernames: false };
        let choice = chosen(&targets, &excludes, &[], &desired, &memory, destroy);
        if let Some(choice) = choice {
            memory.apply(&planned_for(&desired, &memory, &catalog, destroy, &choice));
        }
        memory.apply(&planned_for(&desired, &memory, &catalog, destroy, &everything));
        prop_assert!(!planned(&second, false, &memory, &catalog, destroy).has_changes());
    }

    /// What is made anew is taken away before and made after what it hangs on.
    #[test]
    fn sets_and_assignments_are_made_anew_in_order(first in a_file()) {
        let catalog = catalog();
        let mut memory = Memory::default();
        memory.apply(&planned(&first, false, &memory, &catalog, PlanMode::Converge));
        let desired = declared(&first, false);
        for pattern in ["permission_set.*", "permission_set_assignment.*", "*assignment.*"] {
            let choice = chosen(&[], &[], &[pattern], &desired, &memory, PlanMode::Converge);
            let Some(choice) = choice else { continue };
            let anew = planned_for(&desired, &memory, &catalog, PlanMode::Converge, &choice);
            prop_assert!(anew.summary.replace > 0);
            let records = memory.records.len();
            memory.apply(&anew);
            prop_assert_eq!(records, memory.records.len());
            prop_assert!(
                !planned(&first, false, &memory, &catalog, PlanMode::Converge).has_changes()
            );
        }
    }

    /// A saved plan reads back as it was, holds as long as nothing changes,
    /// and no longer once it was applied.
    #[test]
    fn a_saved_plan_holds_until_what_it_used_changes(first in a_file(), second in a_file()) {
        let catalog = catalog();
        let mut memory = Memory::default();
        memory.apply(&planned(&first, false, &memory, &catalog, PlanMode::Converge));
        for mode in [PlanMode::Converge, PlanMode::Destroy { include_adopted: false, rename_usernames: false }] {
            let desired = declared(&second, false);
            let everything = Choice::everything();
            let plan = planned_for(&desired, &memory, &catalog, mode, &everything);
            let saved =
                SavedPlan::new(identity(), "lineage".to_owned(), UnixSeconds(1), Vec::new(), plan.clone(), &desired, &everything);
            let key = orgform::plan::PlanKey::new([7; 32]);
            let sealed = orgform::plan::SealedPlan::decode(&saved.encode(&key).0).expect("it reads back");
            prop_assert!(sealed.is_sealed_by(&key));
            let read = sealed.plan;
            prop_assert_eq!(&read, &saved);
            let nothing_seen = Observations::default();
            let again = |memory: &Memory| {
                let desired = Desired::new(read.declared.clone(), read.released.clone());
                planned_for(&desired, memory, &catalog, mode, &read.choice())
            };
            prop_assert_eq!(stale(&read.plan, &again(&memory), &nothing_seen), vec![]);
            memory.apply(&read.plan);
            let found = stale(&read.plan, &again(&memory), &nothing_seen);
            prop_assert_eq!(found.len(), plan.changes.len());
        }
    }
}
