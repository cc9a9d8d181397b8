//! Properties of the pure core alone: no org, no disk. What a plan's ops say
//! they will leave in the state is taken at its word.

use std::collections::BTreeMap;

use orgform::config::both_readings;
use orgform::engine::Confirmed;
use orgform::engine::before_ops;
use orgform::engine::record_changes;
use orgform::model::Address;
use orgform::model::Catalog;
use orgform::model::Fact;
use orgform::model::FactValue;
use orgform::model::GrantableField;
use orgform::model::LicenseFact;
use orgform::model::Observations;
use orgform::model::OrganizationFact;
use orgform::model::Plan;
use orgform::model::PlanMode;
use orgform::model::ProfileFact;
use orgform::model::Record;
use orgform::model::RecordStream;
use orgform::model::Recorded;
use orgform::model::SalesforceId;
use orgform::model::Standing;
use orgform::model::StoredRecord;
use orgform::plan::Desired;
use orgform::plan::Input;
use orgform::plan::plan;
use orgform::state::RecordChange;
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::properties::Generated;
use crate::properties::a_file;

#[derive(Default)]
struct Memory {
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
                decode: Box::new(move || Ok(record.clone())),
            })
        }))
    }

    fn get(&self, address: &Address) -> Result<Option<Record>, String> {
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
    fn apply(&mut self, plan: &Plan) {
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
            let changes = record_changes(&plan.ops[op], &confirmed, self, 1).expect("changes");
            self.take(changes);
        }
        assert!(done.iter().all(|done| *done), "every op had its turn");
    }
}

fn id(text: &str) -> SalesforceId {
    SalesforceId::parse(text).expect("an id")
}

/// What a small org offers.
fn catalog() -> Catalog {
    let mut catalog = Catalog::new();
    let license = |name: &str, label: &str| LicenseFact {
        id: id("0PL000000000001"),
        name: name.into(),
        label: label.into(),
        status: "Active".into(),
        total: -1,
        used: 0,
    };
    let profile = ProfileFact {
        id: id("00e000000000001"),
        name: "Minimum Access - API Only Integrations".into(),
        license_id: id("100000000000001"),
        license: "Salesforce Integration".into(),
    };
    catalog.insert(
        Fact::Organization,
        FactValue::Organization(OrganizationFact {
            id: id("00D000000000001"),
            name: "Org".into(),
            edition: "Enterprise Edition".into(),
            is_sandbox: false,
            time_zone: "GMT".into(),
            locale: "en_US".into(),
            language: "en_US".into(),
        }),
    );
    catalog.insert(
        Fact::PermissionSetLicense("SalesforceAPIIntegrationPsl".into()),
        FactValue::License(license("SalesforceAPIIntegrationPsl", "Salesforce API Integration")),
    );
    catalog.insert(Fact::Profile(profile.name.clone()), FactValue::Profile(profile.clone()));
    catalog.insert(
        Fact::ProfilesOfLicense(profile.license.clone()),
        FactValue::Profiles(vec![profile]),
    );
    for object in ["Contact", "Account"] {
        let fields = ["Birthdate", "Email", "MailingAddress", "Phone", "Title"];
        let fields = fields.map(|name| GrantableField {
            name: name.into(),
            editable: name != "Title" || object == "Contact",
        });
        catalog.insert(
            Fact::Fields(object.into()),
            FactValue::Fields { object: object.into(), fields: fields.to_vec() },
        );
    }
    catalog
}

fn planned(
    generated: &Generated,
    reversed: bool,
    memory: &Memory,
    catalog: &Catalog,
    mode: PlanMode,
) -> Plan {
    let (fast, diagnosed) = both_readings(&generated.yaml(reversed));
    let declared = fast.or(diagnosed).expect("a good file");
    let desired = Desired::new(declared);
    let input = Input {
        mode,
        org_id: id("00D000000000001"),
        desired: &desired,
        recorded: memory,
        observations: &Observations::default(),
        catalog,
    };
    plan(&input).expect("a plan that holds its rules")
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
            prop_assert_eq!(serde_json::to_string(&plan).ok(), serde_json::to_string(&again).ok(), "the same bytes in any order");
            memory.apply(&plan);
            let settled = planned(generated, false, &memory, &catalog, PlanMode::Converge);
            prop_assert!(!settled.has_changes(), "{:#?}", settled.changes);
        }
        let destroy = PlanMode::Destroy { include_adopted: false };
        let plan = planned(&first, false, &memory, &catalog, destroy);
        memory.apply(&plan);
        for (address, record) in &memory.records {
            prop_assert!(record.standing == Standing::Retired, "{address} is left");
        }
        prop_assert!(!planned(&first, false, &memory, &catalog, destroy).has_changes());
    }
}
