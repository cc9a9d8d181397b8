//! Licenses that are not in force, and what a license lets its users hold.

use crate::model::KindName;
use crate::model::ObjectAccess;
use crate::model::Permission;
use crate::model::UnixSeconds;
use crate::text::words;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashSet;

use super::Checked;
use super::assignee;
use super::takes_seat;
use crate::facts::LicenseFact;
use crate::kinds;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Check;
use crate::model::Finding;
use crate::model::Grants;
use crate::model::Severity;

pub fn check(checked: &Checked<'_>, findings: &mut Vec<Finding>) {
    in_force(checked, findings);
    allowed(checked, findings);
    ended(checked, findings);
}

/// Assignments whose last day is over give nothing.
fn ended(checked: &Checked<'_>, findings: &mut Vec<Finding>) {
    for change in &checked.plan.changes {
        let day = |attributes: Option<&Attributes>| {
            attributes.and_then(|held| held.text("expires")).map(str::to_owned)
        };
        let Some(last) = day(change.after.as_ref()) else { continue };
        if day(change.before.as_ref()).as_ref() == Some(&last)
            || !is_past(Some(&last), checked.circumstances.now)
        {
            continue;
        }
        findings.push(checked.finding(
            Severity::Error,
            Check::LicenseStatus,
            &change.address,
            "",
            format!("its last day, {last}, is over"),
            Some("write a day to come, or take the line out".to_owned()),
        ));
    }
}

/// Each license and package that the plan takes seats of, once.
fn in_force(checked: &Checked<'_>, findings: &mut Vec<Finding>) {
    let mut seen: BTreeSet<(&str, String)> = BTreeSet::new();
    let catalog = checked.input.catalog;
    for change in checked.plan.changes.iter().filter(|change| takes_seat(change)) {
        let Some(after) = &change.after else { continue };
        let is_user = change.address.is(KindName::USER);
        let license = if is_user {
            let name =
                after.reference("profile").and_then(|profile| checked.license_of_profile(profile));
            name.and_then(|name| catalog.user_license(&name)).map(|license| ("user", license))
        } else {
            after
                .reference("permission_set_license")
                .and_then(|license| catalog.permission_set_license.get(license.name()).is())
                .map(|license| ("permission set", license))
        };
        if let Some((sort, license)) = license
            && seen.insert((sort, license.name.clone()))
            && let Some(why) = why_not(license, checked.circumstances.now)
        {
            let path = if is_user { "profile" } else { "" };
            let message = format!("the {sort} license `{}` {why}", license.label);
            let hint =
                Some("Setup > Company Information shows it; talk to who buys licenses".to_owned());
            let check = Check::LicenseStatus;
            findings.push(checked.finding(
                Severity::Error,
                check,
                &change.address,
                path,
                message,
                hint,
            ));
        }
        if let Some(namespace) = super::namespace_of_set(after)
            && let Some(package) = catalog.package.get(namespace).is()
            && seen.insert(("package", namespace.to_owned()))
        {
            let expired = is_past(package.expires.as_deref(), checked.circumstances.now);
            if expired || !matches!(package.status.as_str(), "Active" | "Free" | "Trial") {
                let why = if expired {
                    "has expired".to_owned()
                } else {
                    format!("is {}", package.status)
                };
                let message = format!("the license of the package `{namespace}` {why}");
                let hint =
                    Some("Setup > Installed Packages shows it; talk to its vendor".to_owned());
                let check = Check::LicenseStatus;
                findings.push(checked.finding(
                    Severity::Error,
                    check,
                    &change.address,
                    "",
                    message,
                    hint,
                ));
            }
        }
    }
}

fn why_not(license: &LicenseFact, now: UnixSeconds) -> Option<String> {
    if is_past(license.expires.as_deref(), now) {
        return Some(format!("expired on {}", license.expires.as_deref().unwrap_or_default()));
    }
    (!license.status.is_empty() && license.status != "Active")
        .then(|| format!("is not in force: it is `{}`", license.status))
}

/// Whether a day, as `YYYY-MM-DD`, lies before today.
fn is_past(day: Option<&str>, now: UnixSeconds) -> bool {
    let today = jiff::Timestamp::from_second(now.0)
        .map(|time| time.strftime("%Y-%m-%d").to_string())
        .unwrap_or_default();
    day.and_then(|day| day.get(..10)).is_some_and(|day| day < today.as_str())
}

/// Sets that are given to users whose licenses do not allow what they hold.
/// Known is the one user license that allows next to nothing by itself; of
/// others the org tells when it refuses.
fn allowed(checked: &Checked<'_>, findings: &mut Vec<Finding>) {
    let mut opened: Option<HashSet<(String, String)>> = None;
    let mut found: BTreeMap<(Address, String), (&Change, Vec<&str>)> = BTreeMap::new();
    let mut misfits: BTreeMap<(Address, String), (&Change, Vec<&str>)> = BTreeMap::new();
    let made = checked.plan.changes.iter().filter(|change| change.action == Action::Create);
    for (change, given) in made.flat_map(|change| sets_given(checked, change)) {
        let Some(user) = assignee(change) else { continue };
        let set = &given.set;
        let profile = checked
            .after(&Address::new(KindName::USER, user))
            .and_then(|attributes| attributes.reference("profile").cloned());
        let Some(license) = profile.and_then(|profile| checked.license_of_profile(&profile)) else {
            continue;
        };
        let carried = carried_license(checked, set);
        if let Some(carried) = &carried
            && checked.input.catalog.permission_set_license.get(carried).is().is_none()
            && *carried != license
        {
            let key = (set.clone(), format!("`{carried}`"));
            misfits.entry(key).or_insert((change, Vec::new())).1.push(user);
            continue;
        }
        let Some(rule) = kinds::license_rule(&license) else { continue };
        // A set that carries the license brings it along.
        if carried.is_some_and(|carried| carried == rule.opened_by) {
            continue;
        }
        let opened = opened.get_or_insert_with(|| set_licenses(checked));
        if opened.contains(&(user.to_owned(), rule.opened_by.to_owned())) {
            continue;
        }
        let held = checked.after(set);
        let Some(beyond) = held.and_then(|held| beyond(&held, &rule.allows, &given.muted)) else {
            continue;
        };
        let entry = found.entry((set.clone(), beyond)).or_insert((change, Vec::new()));
        entry.1.push(user);
    }
    for ((set, license), (change, users)) in misfits {
        let message = format!(
            "{set} is for users with the license {license}, which {} {}",
            super::named(users.iter().copied()),
            words::agreeing(users.len(), "lacks", "lack")
        );
        let hint = "give them a profile of that license, or another set".to_owned();
        let check = Check::LicenseAllows;
        findings.push(checked.finding(
            Severity::Error,
            check,
            &change.address,
            "",
            message,
            Some(hint),
        ));
    }
    for ((set, beyond), (change, users)) in found {
        let Some(rule) = users
            .first()
            .and_then(|user| checked.after(&Address::new(KindName::USER, user)))
            .and_then(|attributes| attributes.reference("profile").cloned())
            .and_then(|profile| checked.license_of_profile(&profile))
            .and_then(|license| kinds::license_rule(&license))
        else {
            continue;
        };
        let message = format!(
            "the user license `{}` does not allow {beyond}, which {set} grants to {}",
            rule.license,
            super::named(users.into_iter())
        );
        let hint = format!("give the user `permission_set_licenses: [{}]`", rule.opened_by_label);
        findings.push(checked.finding(
            Severity::Error,
            Check::LicenseAllows,
            &change.address,
            "",
            message,
            hint,
        ));
    }
}

/// A set that an assignment gives, by itself or as the member of a group.
pub(super) struct Given {
    /// The set.
    pub set: Address,
    /// What the group leaves out.
    muted: Grants,
}

/// The sets that an assignment gives, each with the change.
pub(super) fn sets_given<'a>(
    checked: &Checked<'_>,
    change: &'a Change,
) -> Vec<(&'a Change, Given)> {
    let joins = kinds::of(&change.address).and_then(|kind| kind.relation().joins(&change.address));
    let Some((_, thing)) = joins else { return Vec::new() };
    let combined = kinds::of(&thing)
        .zip(checked.after(&thing))
        .and_then(|(kind, attributes)| kind.granting().combines(&attributes));
    let (sets, muted) = combined.unwrap_or_else(|| (vec![thing], Grants::default()));
    let given = |set| (change, Given { set, muted: muted.clone() });
    sets.into_iter().map(given).collect()
}

/// The first thing that a set grants beyond what is allowed, without what is muted.
fn beyond(set: &Attributes, allowed: &[&str], muted: &Grants) -> Option<String> {
    let mut objects = kinds::objects_granted(set);
    let object = objects.find_map(|(object, accesses)| {
        let off = muted.objects.get(object);
        let is_on = |access: &ObjectAccess| off.is_none_or(|off| !off.contains(access));
        let access = accesses.into_iter().find(is_on)?;
        Some(Permission::object(object, access).words())
    });
    object.or_else(|| {
        let is_beyond = |name: &&str| !allowed.contains(name) && !muted.system.contains(*name);
        let beyond = set.names("system_permissions").find(is_beyond)?;
        Some(kinds::element_label("system_permissions", beyond))
    })
}

/// The license that a set carries, as metadata names it.
pub(super) fn carried_license(checked: &Checked<'_>, set: &Address) -> Option<String> {
    checked.after(set)?.text("license").map(str::to_owned)
}

/// Who holds which permission set license after the plan: as declared or
/// recorded, and as seen in the org.
pub(super) fn set_licenses(checked: &Checked<'_>) -> HashSet<(String, String)> {
    let pair = |attributes: &Attributes| {
        let user = attributes.reference("assignee")?.name().to_owned();
        Some((user, attributes.reference("permission_set_license")?.name().to_owned()))
    };
    let input = checked.input;
    let declared = input.desired.iter().filter_map(|declared| pair(&declared.attributes));
    let undeclared = input.observations.undeclared.values().flatten();
    let seen = undeclared.filter_map(|(_, observed)| pair(&observed.attributes));
    let planned = checked.plan.changes.iter().filter_map(|change| pair(change.after.as_ref()?));
    declared.chain(seen).chain(planned).collect()
}
