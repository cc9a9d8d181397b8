//! Each row: what is declared, what is recorded and what is observed of one set, and what
//! the merge makes of it.

use std::collections::BTreeMap;

use super::merge;
use crate::facts::Catalog;
use crate::facts::LicenseFact;
use crate::model::Address;
use crate::model::AddressPattern;
use crate::model::Attributes;
use crate::model::Declared;
use crate::model::KindName;
use crate::model::Observation;
use crate::model::Observations;
use crate::model::Observed;
use crate::model::Ownership;
use crate::model::PlanMode;
use crate::model::Record;
use crate::model::RecordError;
use crate::model::RecordStream;
use crate::model::Recorded;
use crate::model::SalesforceId;
use crate::model::StoredRecord;
use crate::model::Value;
use crate::plan::Choice;
use crate::plan::Desired;
use crate::plan::Input;
use crate::plan::PlanError;
use crate::plan::draft::Draft;
use crate::plan::rename::Renames;

#[derive(Default)]
struct Records(BTreeMap<Address, Record>);

impl Recorded for Records {
    fn stream(&self) -> RecordStream<'_> {
        Box::new(self.0.iter().map(|(address, record)| {
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
        Ok(self.0.get(address).cloned())
    }
}

fn labelled(label: &str) -> Attributes {
    let mut attributes = Attributes::new();
    attributes.set("label", Value::Text(label.to_owned()));
    attributes
}

fn address() -> Address {
    Address::new(KindName::PERMISSION_SET, "S")
}

fn declared(label: &str) -> Declared {
    Declared::new(address(), labelled(label))
}

fn ours(label: &str) -> Record {
    Record { attributes: labelled(label), ..Record::new(Ownership::Created) }
}

fn seen(label: &str) -> Observation {
    let id = SalesforceId::parse("0PS000000000001");
    Observation::Found(Observed { id, attributes: labelled(label), ..Observed::default() })
}

/// An org that sells the license `Y`.
fn catalog() -> Catalog {
    let mut catalog = Catalog::new();
    let license = LicenseFact {
        id: SalesforceId::parse("0PL000000000001").expect("an id"),
        name: "Y".to_owned(),
        label: "Y".to_owned(),
        status: "Active".to_owned(),
        total: 1,
        used: 0,
        expires: None,
    };
    catalog.permission_set_license.insert("Y".to_owned(), license);
    catalog
}

/// What the merge makes of one set, in a line.
fn of(
    mode: PlanMode,
    declared: Option<Declared>,
    record: Option<Record>,
    observation: Option<Observation>,
) -> String {
    told(mode, &Desired::new(declared.into_iter().collect(), Vec::new()), record, observation)
}

fn told(
    mode: PlanMode,
    desired: &Desired,
    record: Option<Record>,
    observation: Option<Observation>,
) -> String {
    let recorded = Records(record.into_iter().map(|record| (address(), record)).collect());
    let mut observations = Observations::default();
    observations.differing.extend(observation.map(|seen| (address(), seen)));
    let (catalog, choice) = (catalog(), Choice::everything());
    let input = Input {
        mode,
        org_id: SalesforceId::parse("00D000000000001").expect("an id"),
        desired,
        recorded: &recorded,
        observations: &observations,
        catalog: &catalog,
        choice: &choice,
    };
    let mut draft = Draft::default();
    match merge(&input, &Renames::default(), &mut draft) {
        Ok(()) => {}
        Err(PlanError::Problems(problems)) => {
            return problems.iter().map(|problem| problem.message.as_str()).collect();
        }
        Err(other) => return other.to_string(),
    }
    let mut parts: Vec<String> = Vec::new();
    for change in &draft.changes {
        let label = |held: &Option<Attributes>| match held {
            Some(held) => held.text("label").unwrap_or("?").to_owned(),
            None => "-".to_owned(),
        };
        let (before, after) = (label(&change.before), label(&change.after));
        parts.push(format!("{:?} {:?}: {before} to {after}", change.action, change.reason));
    }
    if draft.no_op > 0 {
        parts.push(format!("{} as it is", draft.no_op));
    }
    parts.extend(draft.sync.values().map(|record| match record {
        Some(_) => "the record is corrected".to_owned(),
        None => "the record is dropped".to_owned(),
    }));
    parts.extend(draft.drift.values().map(|(_, now)| match now {
        Some(now) => format!("drifted to {}", now.text("label").unwrap_or("?")),
        None => "drifted: gone".to_owned(),
    }));
    parts.extend(draft.notes.iter().map(|note| note.text.clone()));
    parts.join("; ")
}

#[test]
fn what_is_declared_is_made_taken_over_changed_or_left() {
    let converge =
        |record, observation| of(PlanMode::Converge, Some(declared("A")), record, observation);
    assert_eq!(converge(None, None), "Create NotInOrg: - to A");
    assert_eq!(converge(None, Some(seen("A"))), "Adopt FoundInOrg: A to A");
    assert_eq!(converge(None, Some(seen("B"))), "Adopt FoundInOrg: B to A");
    assert_eq!(converge(Some(ours("A")), None), "1 as it is");
    assert_eq!(converge(Some(ours("B")), None), "Update Differs: B to A");
    assert_eq!(converge(Some(ours("A")), Some(seen("B"))), "Update Differs: B to A; drifted to B");
    assert_eq!(
        converge(Some(ours("A")), Some(Observation::Gone)),
        "Create RemovedOutside: - to A; drifted: gone"
    );
    // Somebody did by hand what the file says.
    assert_eq!(
        converge(Some(ours("B")), Some(seen("A"))),
        "1 as it is; the record is corrected; drifted to A"
    );
}

#[test]
fn what_is_declared_no_more_goes_if_it_is_ours() {
    let converge = |record, observation| of(PlanMode::Converge, None, Some(record), observation);
    let taken_over = || Record { attributes: labelled("A"), ..Record::new(Ownership::Adopted) };
    assert_eq!(converge(ours("A"), None), "Delete NotDeclared: A to -");
    assert_eq!(converge(ours("A"), Some(seen("B"))), "Delete NotDeclared: B to -; drifted to B");
    assert_eq!(
        converge(ours("A"), Some(Observation::Gone)),
        "the record is dropped; drifted: gone"
    );
    assert_eq!(converge(taken_over(), None), "Release NotDeclared: A to -");
    let protected = Record { protected: true, ..ours("A") };
    assert_eq!(converge(protected, None), "kept, since `prevent_destroy` protects it");
}

#[test]
fn what_is_released_stays_in_the_org() {
    let pattern = AddressPattern::new("permission_set.S").expect("a pattern");
    let desired = Desired::new(Vec::new(), vec![pattern]);
    let released = told(PlanMode::Converge, &desired, Some(ours("A")), None);
    assert_eq!(released, "Release ReleaseRequested: A to -");
}

#[test]
fn destroy_takes_what_is_ours_and_what_was_taken_over_only_when_asked() {
    let destroy = |include_adopted, record| {
        let mode = PlanMode::Destroy { include_adopted, rename_usernames: false };
        of(mode, Some(declared("A")), Some(record), None)
    };
    let taken_over = || Record { attributes: labelled("A"), ..Record::new(Ownership::Adopted) };
    assert_eq!(destroy(false, ours("A")), "Delete Destroy: A to -");
    assert_eq!(destroy(false, taken_over()), "Release Destroy: A to -");
    assert_eq!(destroy(true, taken_over()), "Delete Destroy: A to -");
}

#[test]
fn a_refresh_changes_records_alone() {
    let refresh =
        |observation| of(PlanMode::RefreshOnly, Some(declared("A")), Some(ours("B")), observation);
    assert_eq!(refresh(None), "1 as it is");
    assert_eq!(refresh(Some(seen("C"))), "1 as it is; the record is corrected; drifted to C");
    assert_eq!(refresh(Some(Observation::Gone)), "the record is dropped; drifted: gone");
}

#[test]
fn what_is_protected_is_not_made_anew_and_what_is_not_ours_neither() {
    let with_license = |license: &str| {
        let mut attributes = labelled("A");
        attributes.set("license", Value::Text(license.to_owned()));
        attributes
    };
    let change = |ownership, protected| {
        let record = Record { attributes: with_license("X"), protected, ..Record::new(ownership) };
        let declared = Declared::new(address(), with_license("Y"));
        of(PlanMode::Converge, Some(declared), Some(record), None)
    };
    assert_eq!(change(Ownership::Created, false), "Replace LicenseChanged: A to A");
    let protected = "it is to be replaced, and `prevent_destroy` protects it";
    assert_eq!(change(Ownership::Created, true), protected);
    let not_ours =
        "its `license` can't be changed once it is there, and orgform did not make it: it has `X`";
    assert_eq!(change(Ownership::Adopted, false), not_ours);
}
