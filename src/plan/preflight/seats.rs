//! Seats of user licenses, permission set licenses and packages, against what
//! the plan takes and frees.

use crate::model::KindName;
use crate::text::words;
use std::collections::BTreeMap;
use std::collections::HashSet;

use super::Checked;
use super::assignee;
use super::licenses::carried_license;
use super::licenses::set_licenses;
use super::licenses::sets_given;
use super::namespace_of_set;
use super::takes_seat;
use crate::facts::LicenseFact;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Check;
use crate::model::Finding;
use crate::model::Severity;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    User,
    PermissionSet,
}

/// Seats of one license that the plan takes and frees, and the first that
/// takes one.
#[derive(Default)]
struct Seats<'a> {
    taken: u64,
    freed: u64,
    first: Option<(&'a Address, &'static str)>,
}

pub fn check(checked: &Checked<'_>, findings: &mut Vec<Finding>) {
    let mut licenses: BTreeMap<(Sort, String), Seats<'_>> = BTreeMap::new();
    for change in &checked.plan.changes {
        let takes = takes_seat(change);
        let frees = change.action == Action::Delete;
        if !takes && !frees {
            continue;
        }
        let attributes = if takes { &change.after } else { &change.before };
        let Some((sort, name)) =
            attributes.as_ref().and_then(|held| license(checked, change, held))
        else {
            continue;
        };
        let seats = licenses.entry((sort, name)).or_default();
        if takes {
            seats.taken += 1;
            let path = if sort == Sort::User { "profile" } else { "" };
            seats.first.get_or_insert((&change.address, path));
        } else {
            seats.freed += 1;
        }
    }
    brought_along(checked, &mut licenses);
    for ((sort, name), seats) in licenses {
        let catalog = checked.input.catalog;
        let license = match sort {
            Sort::User => catalog.user_license(&name),
            Sort::PermissionSet => catalog.permission_set_license.get(&name).is(),
        };
        if let (Some(license), Some((address, path))) = (license, seats.first) {
            findings.extend(shortage(checked, license, &seats, address, path));
        }
    }
    packages(checked, findings);
}

/// Seats of the licenses that sets bring along for users who don't hold them.
fn brought_along<'a>(checked: &Checked<'a>, licenses: &mut BTreeMap<(Sort, String), Seats<'a>>) {
    let mut holders = None;
    let mut counted = HashSet::new();
    let made = checked.plan.changes.iter().filter(|change| change.action == Action::Create);
    for (change, given) in made.flat_map(|change| sets_given(checked, change)) {
        let Some(user) = assignee(change) else { continue };
        let Some(license) = carried_license(checked, &given.set) else { continue };
        if checked.input.catalog.permission_set_license.get(&license).is().is_none() {
            continue;
        }
        let holders = holders.get_or_insert_with(|| set_licenses(checked));
        let pair = (user.to_owned(), license.clone());
        if !holders.contains(&pair) && counted.insert(pair) {
            let seats = licenses.entry((Sort::PermissionSet, license)).or_default();
            seats.taken += 1;
            seats.first.get_or_insert((&change.address, ""));
        }
    }
}

/// The license whose seat a user or an assignment takes.
fn license(
    checked: &Checked<'_>,
    change: &Change,
    attributes: &Attributes,
) -> Option<(Sort, String)> {
    if change.address.is(KindName::USER) {
        let profile = attributes.reference("profile")?;
        return Some((Sort::User, checked.license_of_profile(profile)?));
    }
    let license = attributes.reference("permission_set_license")?;
    Some((Sort::PermissionSet, license.name().to_owned()))
}

fn shortage(
    checked: &Checked<'_>,
    license: &LicenseFact,
    seats: &Seats<'_>,
    address: &Address,
    path: &str,
) -> Option<Finding> {
    if license.total < 0 {
        return None;
    }
    let left = u64::try_from(license.total - license.used).unwrap_or(0);
    if seats.taken <= left {
        return None;
    }
    let (severity, end) = if seats.taken <= left + seats.freed {
        (Severity::Warning, format!("; this plan frees {}", seats.freed))
    } else {
        let refused = seats.taken - left - seats.freed;
        (Severity::Error, format!(": the org will refuse {refused}"))
    };
    let message = format!(
        "{} of the license `{}` {} needed and {left} of {} are left{end}",
        words::counted(seats.taken, "seat"),
        license.label,
        words::agreeing(seats.taken, "is", "are"),
        license.total
    );
    let hint = if severity == Severity::Error {
        "buy seats, or free some: Setup > Company Information shows who could go without"
    } else {
        "if the org refuses some, apply again: the seats are free by then"
    };
    let hint = Some(hint.to_owned());
    Some(checked.finding(severity, Check::Seats, address, path, message, hint))
}

/// Licenses of packages that the files give, and whether the plan needs more of
/// them than are left.
fn package_licenses(
    checked: &Checked<'_>,
    findings: &mut Vec<Finding>,
) -> HashSet<(String, String)> {
    let given = |attributes: &Attributes| {
        let user = attributes.reference("assignee")?.name().to_owned();
        Some((user, attributes.reference("package")?.name().to_owned()))
    };
    let mut needed: BTreeMap<String, (u64, &Address)> = BTreeMap::new();
    for change in checked.plan.changes.iter().filter(|change| change.action == Action::Create) {
        if let Some((_, namespace)) = change.after.as_ref().and_then(given) {
            needed.entry(namespace).or_insert((0, &change.address)).0 += 1;
        }
    }
    for (namespace, (count, address)) in needed {
        let Some(package) = checked.input.catalog.package.get(&namespace).is() else { continue };
        let left = u64::try_from((package.allowed - package.used).max(0)).unwrap_or(0);
        if package.allowed >= 0 && count > left {
            let message = format!(
                "{} of the package `{namespace}` {} needed and {left} of {} are left",
                words::counted(count, "license"),
                words::agreeing(count, "is", "are"),
                package.allowed
            );
            let hint = "buy licenses of it, or take some off: Setup > Installed Packages > Manage Licenses";
            let check = Check::Seats;
            findings.push(checked.finding(
                Severity::Error,
                check,
                address,
                "",
                message,
                Some(hint.to_owned()),
            ));
        }
    }
    checked.input.desired.iter().filter_map(|declared| given(&declared.attributes)).collect()
}

/// A packaged set can only be assigned to who holds a license of the package,
/// where the package is sold by the seat.
fn packages(checked: &Checked<'_>, findings: &mut Vec<Finding>) {
    let given = package_licenses(checked, findings);
    let mut lacking: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
    for change in checked.plan.changes.iter().filter(|change| change.action == Action::Create) {
        let Some(namespace) = change.after.as_ref().and_then(namespace_of_set) else { continue };
        let Some(package) = checked.input.catalog.package.get(namespace).is() else { continue };
        // Who holds one is only known when the org was asked and told.
        let Some(users) = checked.circumstances.package_users.get(namespace) else { continue };
        let holds = assignee(change).is_some_and(|user| {
            let pair = (user.to_owned(), namespace.to_owned());
            users.contains(&user.to_lowercase()) || given.contains(&pair)
        });
        if package.allowed >= 0 && !holds {
            lacking.entry(namespace).or_default().push(change);
        }
    }
    for (namespace, changes) in lacking {
        let Some(package) = checked.input.catalog.package.get(namespace).is() else { continue };
        let users = super::named(changes.iter().filter_map(|change| assignee(change)));
        let left = (package.allowed - package.used).max(0);
        let message = format!(
            "the package `{namespace}` is licensed by the seat, and no license of it is held by {users} ({left} of {} seats are left)",
            package.allowed
        );
        let hint = Some(format!("give them one: `package_licenses: [{namespace}]`"));
        findings.push(checked.finding(
            Severity::Error,
            Check::PackageLicense,
            &changes[0].address,
            "",
            message,
            hint,
        ));
    }
}
