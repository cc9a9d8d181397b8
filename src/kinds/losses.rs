//! Grants that adopting takes away: what a thing has in the org and the files do not give.

use super::access_path::AccessPath;
use super::access_path::FieldLevel;
use super::access_path::muted;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Plan;

/// Grants that one thing loses at one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss<'a> {
    /// Which thing.
    pub address: &'a Address,
    /// Where its attributes have them.
    pub path: &'a str,
    /// Which.
    pub names: Vec<&'a str>,
}

/// Grants that a plan takes away by adopting things.
pub fn losses(plan: &Plan) -> Vec<Loss<'_>> {
    let adopted = plan.changes.iter().filter(|change| change.action == Action::Adopt);
    adopted
        .filter_map(|change| {
            Some((&change.address, change.before.as_ref().zip(change.after.as_ref())?))
        })
        .flat_map(|(address, (before, after))| {
            lost(before, after).into_iter().map(move |(path, names)| Loss { address, path, names })
        })
        .collect()
}

/// What sets of names hold before and not after; a field that may be edited may be
/// read too, and what is muted is held the other way round.
fn lost<'a>(before: &'a Attributes, after: &'a Attributes) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut lost = Vec::new();
    for (path, held) in before.iter().filter(|(path, _)| muted(path).is_none()) {
        let edited = match AccessPath::of(path) {
            Some(AccessPath::Fields(object, FieldLevel::Read)) => {
                Some(AccessPath::Fields(object, FieldLevel::Edit).to_string())
            }
            _ => None,
        };
        let is_kept = |name: &str| {
            after.names(path).any(|kept| kept == name)
                || edited.as_ref().is_some_and(|path| after.names(path).any(|kept| kept == name))
        };
        let names = held.as_set().into_iter().flatten().map(String::as_str);
        let names: Vec<&str> = names.filter(|name| !is_kept(name)).collect();
        if !names.is_empty() {
            lost.push((path, names));
        }
    }
    for (path, member) in before.references() {
        // A group that has a member no more gives what that grants no more.
        if path.starts_with("permission_sets.") && after.get(path).is_none() {
            lost.push(("permission_sets", vec![member.name()]));
        }
    }
    for (path, off) in after.iter().filter(|(path, _)| muted(path).is_some()) {
        let was_muted = |name: &str| before.names(path).any(|held| held == name);
        let names = off.as_set().into_iter().flatten().map(String::as_str);
        let names: Vec<&str> = names.filter(|name| !was_muted(name)).collect();
        if !names.is_empty() {
            lost.push((path, names));
        }
    }
    lost
}
