//! What a finished plan is checked for before anything is written: seats,
//! rights, licenses, calls; and guards against taking too much away.
//!
//! Pure like the planner: what only the org can say comes in as the catalog
//! and as [`Circumstances`], asked for by [`questions`] once the plan is there.

mod guards;
mod licenses;
mod rights;
mod seats;

use super::lookups::Lookups;
use crate::model::PackagedName;
use crate::model::RecordError;
use crate::text::words;
use std::collections::BTreeSet;

use super::Input;
use crate::facts::Catalog;
use crate::kinds;
use crate::kinds::Scope as _;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Check;
use crate::model::Circumstances;
use crate::model::Finding;
use crate::model::Plan;
use crate::model::PlanMode;
use crate::model::Questions;
use crate::model::Reason;
use crate::model::Severity;

/// What a plan makes worth asking the org.
pub fn questions(plan: &Plan, catalog: &Catalog) -> Questions {
    if plan.mode == PlanMode::RefreshOnly {
        return Questions::default();
    }
    let package_users = plan
        .changes
        .iter()
        .filter(|change| change.action == Action::Create)
        .filter_map(|change| namespace_of_set(change.after.as_ref()?))
        // A site license needs no seat.
        .filter(|namespace| {
            catalog.package.get(*namespace).is().is_some_and(|package| package.allowed >= 0)
        })
        .map(str::to_owned)
        .collect();
    Questions {
        running_user: plan.changes.iter().any(guards::may_touch_own_access),
        administrators: plan.changes.iter().any(guards::may_take_an_administrator),
        package_users,
        package_right: plan.ops.iter().any(rights::is_about_packages),
    }
}

/// All that the checks find, errors first.
///
/// # Errors
/// When the state can't be read.
pub fn preflight(
    plan: &Plan,
    input: &Input<'_>,
    circumstances: &Circumstances,
) -> Result<Vec<Finding>, RecordError> {
    if plan.mode == PlanMode::RefreshOnly || !plan.has_changes() {
        return Ok(Vec::new());
    }
    let records = Lookups::new(input.recorded);
    let checked = Checked { plan, input, circumstances, records };
    let mut findings = Vec::new();
    seats::check(&checked, &mut findings);
    licenses::check(&checked, &mut findings);
    rights::check(&checked, &mut findings);
    guards::check(&checked, &mut findings);
    calls(&checked, &mut findings);
    losses(&checked, &mut findings);
    findings.sort_by(|left, right| {
        (left.severity, left.check, &left.address).cmp(&(
            right.severity,
            right.check,
            &right.address,
        ))
    });
    checked.records.finish()?;
    Ok(findings)
}

/// What the checks look at.
struct Checked<'a> {
    plan: &'a Plan,
    input: &'a Input<'a>,
    circumstances: &'a Circumstances,
    records: Lookups<'a>,
}

impl Checked<'_> {
    /// A finding about a resource, at a path of its entry.
    fn finding(
        &self,
        severity: Severity,
        check: Check,
        address: &Address,
        path: &str,
        message: String,
        hint: impl Into<Option<String>>,
    ) -> Finding {
        let declared = self.input.desired.declared(address);
        let place = declared
            .and_then(|_| kinds::of(address))
            .map(|kind| kind.place(address, path))
            .map(|place| if path.is_empty() { place.itself() } else { place });
        Finding {
            severity,
            check,
            address: Some(address.clone()),
            place,
            file: declared.map_or(0, |declared| declared.file),
            message,
            hint: hint.into(),
            count: None,
        }
    }

    fn change(&self, address: &Address) -> Option<&Change> {
        self.plan.changes.of(address)
    }

    /// The attributes of a resource after the plan.
    fn after(&self, address: &Address) -> Option<Attributes> {
        match self.change(address) {
            Some(change) => change.after.clone(),
            None => self.records.attributes(address),
        }
    }

    /// The user license of a profile after the plan.
    fn license_of_profile(&self, profile: &Address) -> Option<String> {
        let planned = self.after(profile);
        let named = planned.as_ref().and_then(|attributes| attributes.text("user_license"));
        named.map(str::to_owned).or_else(|| {
            self.input
                .catalog
                .profile
                .get(profile.name())
                .is()
                .map(|profile| profile.license.clone())
        })
    }
}

/// Whether a change makes a user or assignment take a seat.
fn takes_seat(change: &Change) -> bool {
    match change.action {
        Action::Create => {
            change.after.as_ref().and_then(|after| after.flag("active")) != Some(false)
        }
        Action::Update => change.reason == Reason::DeactivatedByUs,
        _ => false,
    }
}

/// The package of the set that an assignment gives.
fn namespace_of_set(assignment: &Attributes) -> Option<&str> {
    let namespace = PackagedName::of(assignment.reference("permission_set")?.name()).namespace?;
    assignment.reference("assignee").map(|_| namespace)
}

/// The user that an assignment gives something to.
fn assignee(change: &Change) -> Option<&str> {
    let attributes = change.after.as_ref().or(change.before.as_ref())?;
    attributes.reference("assignee").map(Address::name)
}

/// Grants that are lost by adopting, since where nobody is asked a flag has to
/// allow it.
fn losses(checked: &Checked<'_>, findings: &mut Vec<Finding>) {
    let losses = kinds::losses(checked.plan);
    let Some(first) = losses.first() else { return };
    let count: usize = losses.iter().map(|loss| loss.names.len()).sum();
    let grants = words::counted(count, "grant");
    let message =
        format!("adopting takes away {grants} that the org has and the files do not give");
    let hint = "write what is to stay into the files; where apply can't ask, it needs --allow-loss";
    let hint = hint.to_owned();
    findings.push(checked.finding(
        Severity::Warning,
        Check::Losses,
        first.address,
        "",
        message,
        hint,
    ));
}

/// Calls left today, against what the plan costs.
fn calls(checked: &Checked<'_>, findings: &mut Vec<Finding>) {
    let Some(left) = checked.circumstances.calls_left else { return };
    let cost = checked.plan.api_calls.writes + checked.plan.api_calls.reads;
    let (severity, message) = if cost > left {
        (
            Severity::Error,
            format!("the plan costs about {cost} API calls, and {left} are left today"),
        )
    } else if cost * 2 > left {
        (
            Severity::Warning,
            format!("the plan costs about {cost} of the {left} API calls that are left today"),
        )
    } else {
        return;
    };
    findings.push(Finding {
        severity,
        check: Check::ApiCalls,
        address: None,
        place: None,
        file: 0,
        message,
        hint: Some(
            "the org takes calls again within 24 hours; --target applies a part of it".to_owned(),
        ),
        count: None,
    });
}

/// Names, the first few of many.
fn named<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const NAMED: usize = 5;
    let names: BTreeSet<&str> = names.collect();
    words::few(names, NAMED)
}
