//! Guards: against taking away or changing a large share of what is there, the
//! running user's own access, or the last administrator.

use crate::model::KindName;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Checked;
use super::assignee;
use crate::kinds;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Check;
use crate::model::Finding;
use crate::model::Op;
use crate::model::Ownership;
use crate::model::PlanMode;
use crate::model::Reason;
use crate::model::Severity;
use crate::model::Through;
use crate::model::Write;

/// More than this share of a kind is only taken away or changed when a flag
/// says so, in percent; from so many resources on.
const LARGEST_SHARE: u64 = 30;
const SMALLEST_CROWD: u64 = 10;
/// What somebody who runs orgform would miss.
const OWN_RIGHTS: [&str; 8] = [
    "ApiEnabled",
    "AssignPermissionSets",
    "ManageProfilesPermissionsets",
    "ManageUsers",
    "ManageInternalUsers",
    "ModifyAllData",
    "ModifyMetadata",
    "ViewSetup",
];
const MODIFY_ALL_DATA: &str = "ModifyAllData";

/// Whether a change could take something from the user who runs it.
pub fn may_touch_own_access(change: &Change) -> bool {
    change.exists()
        && (takes_from_user(change)
            || !withdrawn_rights(change).is_empty()
            || narrowed_login(change).is_some())
}

/// The login restriction of a profile that a change sets or narrows.
fn narrowed_login(change: &Change) -> Option<&'static str> {
    let after = change.after.as_ref().filter(|_| change.address.is(KindName::PROFILE))?;
    let before = change.before.as_ref();
    ["login_hours", "login_ip_ranges"].into_iter().find(|path| {
        let wanted = after.get(path);
        wanted.is_some() && before.and_then(|before| before.get(path)) != wanted
    })
}

/// Whether a change could take an administrator away.
pub fn may_take_an_administrator(change: &Change) -> bool {
    change.exists() && (takes_from_user(change) || withdraws(change, MODIFY_ALL_DATA))
}

/// The name that a thing has in the org before the plan.
fn name_in_org(change: &Change) -> &str {
    match &change.reason {
        Reason::Renamed { from } => from.name(),
        _ => change.address.name(),
    }
}

/// Whether a user is deactivated or moved, or an assignment taken off.
fn takes_from_user(change: &Change) -> bool {
    match KindName::of(change.address.kind()) {
        Some(KindName::USER) => {
            removes(change) || is_deactivated(change) || moved_from(change).is_some()
        }
        Some(KindName::PERMISSION_SET_ASSIGNMENT) => removes(change),
        _ => false,
    }
}

fn removes(change: &Change) -> bool {
    matches!(change.action, Action::Delete | Action::Replace)
}

fn is_deactivated(change: &Change) -> bool {
    let active = |attributes: &Option<Attributes>| attributes.as_ref()?.flag("active");
    let frozen = |attributes: &Option<Attributes>| attributes.as_ref()?.flag("frozen");
    let is_frozen = frozen(&change.after) == Some(true) && frozen(&change.before) != Some(true);
    is_frozen || (active(&change.after) == Some(false) && active(&change.before) != Some(false))
}

/// The profile that a user leaves.
fn moved_from(change: &Change) -> Option<&Address> {
    let before = change.before.as_ref()?.reference("profile")?;
    let after = change.after.as_ref()?.reference("profile")?;
    (before != after).then_some(before)
}

fn withdraws(change: &Change, permission: &str) -> bool {
    withdrawn_rights(change).contains(permission)
}

/// What a set grants no more that somebody who runs orgform needs.
fn withdrawn_rights(change: &Change) -> BTreeSet<&str> {
    if !change.address.is(KindName::PERMISSION_SET) {
        return BTreeSet::new();
    }
    let names = |attributes: &'_ Option<Attributes>| -> BTreeSet<String> {
        attributes
            .iter()
            .flat_map(|held| held.names("system_permissions"))
            .map(str::to_owned)
            .collect()
    };
    let after = if removes(change) { BTreeSet::new() } else { names(&change.after) };
    let before = names(&change.before);
    OWN_RIGHTS.into_iter().filter(|name| before.contains(*name) && !after.contains(*name)).collect()
}

pub fn check(checked: &Checked<'_>, findings: &mut Vec<Finding>) {
    shares(checked, findings);
    own_access(checked, findings);
    last_administrator(checked, findings);
}

/// How much of each kind is taken away and changed.
fn shares(checked: &Checked<'_>, findings: &mut Vec<Finding>) {
    // Destroy has a question of its own.
    if checked.plan.mode != PlanMode::Converge {
        return;
    }
    let mut removed: BTreeMap<&str, (u64, &Address)> = BTreeMap::new();
    let mut updated: BTreeMap<&str, (u64, &Address)> = BTreeMap::new();
    for change in &checked.plan.changes {
        // What was asked for by name is meant, and what completes a creation was.
        let is_asked =
            matches!(change.reason, Reason::ReplaceRequested | Reason::RemadeWith { .. })
                || completes_a_creation(change, checked);
        let counts = match change.action {
            Action::Delete => &mut removed,
            Action::Update | Action::Adopt if !change.ops.is_empty() => &mut updated,
            _ => continue,
        };
        if !is_asked {
            counts.entry(change.address.kind()).or_insert((0, &change.address)).0 += 1;
        }
    }
    for (check, counts) in [(Check::Removals, removed), (Check::Updates, updated)] {
        let (verb, option) = match check {
            Check::Removals => ("takes away", "--allow-removals"),
            _ => ("changes", "--allow-updates"),
        };
        for (kind, (count, first)) in counts {
            let existing = checked.plan.existing.get(kind).copied().unwrap_or(0);
            if existing < SMALLEST_CROWD || count * 100 <= existing * LARGEST_SHARE {
                continue;
            }
            let message = format!(
                "this plan {verb} {count} of {existing} resources of the kind {kind} ({} %), which is more than {LARGEST_SHARE} %",
                count * 100 / existing
            );
            let hint = format!("if that is meant, apply it with {option} {count}");
            let mut finding = checked.finding(Severity::Guard, check, first, "", message, hint);
            finding.count = Some(count);
            findings.push(finding);
        }
    }
}

/// Whether all that a change does is what was left when it was made: its steps that are
/// done once, and what it never had.
fn completes_a_creation(change: &Change, checked: &Checked<'_>) -> bool {
    if change.reason == Reason::Incomplete {
        return true;
    }
    let is_ours =
        change.recorded.as_ref().is_some_and(|record| record.ownership == Ownership::Created);
    let ops = change.ops.iter().filter_map(|op| checked.plan.ops.get(*op as usize));
    let is_first_time = |op: &Op| op.effect.once.is_some() || matches!(op.write, Write::Await(_));
    is_ours && ops.clone().count() > 0 && ops.into_iter().all(is_first_time)
}

/// The user whose token is used does not lock itself out.
fn own_access(checked: &Checked<'_>, findings: &mut Vec<Finding>) {
    let Some(own) = &checked.circumstances.running_user else { return };
    for change in &checked.plan.changes {
        let what = match KindName::of(change.address.kind()) {
            Some(KindName::USER) if name_in_org(change).to_lowercase() == own.username => {
                if !change.exists() {
                    continue;
                } else if removes(change) || is_deactivated(change) {
                    "deactivates it".to_owned()
                } else if moved_from(change).is_some() {
                    "moves it to another profile".to_owned()
                } else {
                    continue;
                }
            }
            Some(KindName::PERMISSION_SET_ASSIGNMENT)
                if removes(change)
                    && assignee(change).is_some_and(|user| user.to_lowercase() == own.username) =>
            {
                "takes a permission set off it".to_owned()
            }
            Some(KindName::PROFILE) if name_in_org(change) == own.profile => {
                let Some(path) = narrowed_login(change) else { continue };
                format!("changes the `{path}` of its own profile, which may shut it out")
            }
            Some(KindName::PERMISSION_SET) if own.sets.contains(name_in_org(change)) => {
                let withdrawn = withdrawn_rights(change);
                if withdrawn.is_empty() {
                    continue;
                }
                let labels: Vec<String> = withdrawn
                    .into_iter()
                    .map(|name| kinds::element_label("system_permissions", name))
                    .collect();
                format!("takes {} out of a permission set that it holds", labels.join(", "))
            }
            _ => continue,
        };
        let message = format!("the plan is run by {}, and {what}", own.username);
        let hint = "leave that out with --exclude, or run the plan as somebody else".to_owned();
        let check = Check::OwnAccess;
        findings.push(checked.finding(Severity::Error, check, &change.address, "", message, hint));
    }
}

/// At least one active user with Modify All Data must be left, of those that
/// have it now.
fn last_administrator(checked: &Checked<'_>, findings: &mut Vec<Finding>) {
    let Some(administrators) = &checked.circumstances.administrators else { return };
    let by_name: BTreeMap<(&str, &str), &Change> = checked
        .plan
        .changes
        .iter()
        .map(|change| ((change.address.kind(), name_in_org(change)), change))
        .collect();
    let change = |kind: KindName, name: &str| by_name.get(&(kind.as_str(), name)).copied();
    let keeps = |(username, through): &(String, Through)| {
        let user = change(KindName::USER, username);
        if user.is_some_and(|change| removes(change) || is_deactivated(change)) {
            return false;
        }
        match through {
            // A user has one profile, whatever it is called in which language.
            Through::Profile(_) => user.and_then(moved_from).is_none(),
            Through::PermissionSet(set) => {
                let assignment = format!("{username}/{set}");
                let is_taken_off =
                    change(KindName::PERMISSION_SET_ASSIGNMENT, &assignment).is_some_and(removes);
                let held = change(KindName::PERMISSION_SET, set);
                !is_taken_off && !held.is_some_and(|change| withdraws(change, MODIFY_ALL_DATA))
            }
        }
    };
    if administrators.is_empty() || administrators.iter().any(keeps) {
        return;
    }
    let cause = checked.plan.changes.iter().find(|change| may_take_an_administrator(change));
    let Some(cause) = cause else { return };
    let names = super::named(administrators.iter().map(|(username, _)| username.as_str()));
    let message = format!(
        "after this plan no active user would have Modify All Data any more; now it is {names}"
    );
    let hint =
        "leave one of them out with --exclude, or make another administrator first".to_owned();
    let check = Check::LastAdministrator;
    findings.push(checked.finding(Severity::Error, check, &cause.address, "", message, hint));
}
