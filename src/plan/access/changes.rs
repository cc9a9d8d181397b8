//! What a plan changes about what users may do.
//!
//! Only users whose profile, sets or standing change are looked at; those that
//! come from the same sources to the same sources are worked out once.

use crate::model::RecordError;
use crate::plan::lookups::Lookups;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;

use super::Effective;
use super::Held;
use crate::kinds;
use crate::model::AccessChange;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Grants;
use crate::model::Plan;
use crate::model::PlanMode;
use crate::model::Reason;
use crate::model::Record;
use crate::model::Source;
use crate::model::SourceName;
use crate::model::SourcedRight;
use crate::model::Standing;
use crate::plan::Input;

/// What a user has access through: none of it while inactive.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Through(BTreeSet<Address>);

impl Through {
    fn without(&self, things: &BTreeSet<Address>) -> Self {
        Self(self.0.difference(things).cloned().collect())
    }
}

fn source_name(thing: &Address) -> SourceName {
    SourceName { kind: thing.kind().to_owned(), name: thing.name().to_owned() }
}

/// Gains, losses, and what is not known.
type Difference = (Vec<SourcedRight>, Vec<SourcedRight>, Vec<SourceName>);

/// What a plan changes, users that are affected alike together.
///
/// # Errors
/// When the state can't be read.
pub fn access_changes(plan: &Plan, input: &Input<'_>) -> Result<Vec<AccessChange>, RecordError> {
    if plan.mode == PlanMode::RefreshOnly || !plan.has_changes() {
        return Ok(Vec::new());
    }
    let work = Work { plan, input, records: Lookups::new(input.recorded) };
    let mut alike: BTreeMap<(Through, Through), Vec<String>> = BTreeMap::new();
    for (user, (before, after)) in work.users()? {
        // The same sources, of which none is changed, come to the same.
        let is_same = before == after && !before.0.iter().any(|thing| work.is_changed(thing));
        if !is_same {
            alike.entry((before, after)).or_default().push(user.name().to_owned());
        }
    }
    let mut known = HashMap::new();
    let mut found: HashMap<Difference, Vec<String>> = HashMap::new();
    for ((before, after), users) in alike {
        let unknown_before = work.unknown(&before, Moment::Before, &mut known);
        let unknown_after = work.unknown(&after, Moment::After, &mut known);
        // What is not known at one moment can't be compared with the other.
        let known_before = before.without(&unknown_after);
        let known_after = after.without(&unknown_before);
        let before = work.effective(&known_before, Moment::Before, &mut known);
        let after = work.effective(&known_after, Moment::After, &mut known);
        // What is not known on both sides changes nothing.
        let unknown: BTreeSet<SourceName> =
            unknown_before.symmetric_difference(&unknown_after).map(source_name).collect();
        let gains = after.beyond(&before);
        let losses = before.beyond(&after);
        if gains.is_empty() && losses.is_empty() && unknown.is_empty() {
            continue;
        }
        let unknown: Vec<SourceName> = unknown.into_iter().collect();
        found.entry((gains, losses, unknown)).or_default().extend(users);
    }
    let mut found: Vec<AccessChange> = found
        .into_iter()
        .map(|((gains, losses, unknown), mut users)| {
            users.sort();
            AccessChange { users, gains, losses, unknown }
        })
        .collect();
    found.sort_by(|left, right| left.users.cmp(&right.users));
    work.records.finish()?;
    Ok(found)
}

/// The profiles and sets of affected users whose grants were never asked for.
///
/// # Errors
/// When the state can't be read.
pub fn unknown_sources(plan: &Plan, input: &Input<'_>) -> Result<BTreeSet<Address>, RecordError> {
    if plan.mode == PlanMode::RefreshOnly || !plan.has_changes() {
        return Ok(BTreeSet::new());
    }
    let work = Work { plan, input, records: Lookups::new(input.recorded) };
    let mut unknown = BTreeSet::new();
    for (before, after) in work.users()?.into_values() {
        if before == after {
            continue;
        }
        for (through, moment) in [(before, Moment::Before), (after, Moment::After)] {
            unknown.extend(through.0.into_iter().flat_map(|thing| work.not_known(thing, moment)));
        }
    }
    work.records.finish()?;
    Ok(unknown)
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Moment {
    Before,
    After,
}

struct Work<'a> {
    plan: &'a Plan,
    input: &'a Input<'a>,
    records: Lookups<'a>,
}

impl Work<'_> {
    fn change(&self, address: &Address) -> Option<&Change> {
        self.plan.changes.of(address)
    }

    /// The affected users, with through what they have access before and after.
    fn users(&self) -> Result<HashMap<Address, (Through, Through)>, RecordError> {
        let mut affected: HashSet<Address> = HashSet::new();
        let mut changed: HashSet<&Address> = HashSet::new();
        for change in &self.plan.changes {
            let Some(kind) = kinds::of(&change.address) else { continue };
            if let Some((user, _)) = kind.relation().joins(&change.address) {
                affected.insert(user);
            } else if kind.relation().subject(&change.address).is_some() {
                affected.insert(change.address.clone());
            } else if grants_of(&change.address, change.before.as_ref())
                != grants_of(&change.address, change.after.as_ref())
                || combined_in(&change.address, change.before.as_ref())
                    != combined_in(&change.address, change.after.as_ref())
                || change.member_changes.is_some()
            {
                changed.insert(&change.address);
            }
        }
        let renamed: HashMap<&Address, &Address> = self
            .plan
            .changes
            .iter()
            .filter_map(|change| match &change.reason {
                Reason::Renamed { from } => Some((from, &change.address)),
                _ => None,
            })
            .collect();
        let named_now =
            |address: Address| renamed.get(&address).map_or(address, |now| (*now).clone());
        let assignments = || {
            self.input.recorded.stream().filter_map(|stored| match stored {
                Ok(stored) => kinds::of(&stored.address)?
                    .relation()
                    .joins(&stored.address)
                    .map(|(user, thing)| Ok((named_now(user), named_now(thing)))),
                Err(error) => Some(Err(error)),
            })
        };
        if !changed.is_empty() {
            for assignment in assignments() {
                let (user, thing): (Address, Address) = assignment?;
                if changed.contains(&thing) {
                    affected.insert(user);
                }
            }
        }
        let mut users: HashMap<Address, (Through, Through)> = HashMap::new();
        for assignment in assignments() {
            let (user, thing) = assignment?;
            if affected.contains(&user) {
                let (before, after) = users.entry(user).or_default();
                before.0.insert(thing.clone());
                after.0.insert(thing);
            }
        }
        for user in affected {
            users.entry(user).or_default();
        }
        self.follow_changes(&mut users);
        for (user, (before, after)) in &mut users {
            self.add_profile(user, before, after)?;
        }
        Ok(users)
    }

    /// Assignments that come and go, and those that nobody declared.
    fn follow_changes(&self, users: &mut HashMap<Address, (Through, Through)>) {
        for change in &self.plan.changes {
            let joins =
                kinds::of(&change.address).and_then(|kind| kind.relation().joins(&change.address));
            let Some((user, thing)) = joins else { continue };
            let Some((before, after)) = users.get_mut(&user) else { continue };
            if change.exists() {
                before.0.insert(thing.clone());
            } else {
                before.0.remove(&thing);
            }
            if change.after.is_some() || change.action == Action::Release {
                after.0.insert(thing);
            } else {
                after.0.remove(&thing);
            }
        }
        for relations in self.input.observations.undeclared.values() {
            for (address, _) in relations {
                let joins = kinds::of(address).and_then(|kind| kind.relation().joins(address));
                if let Some((user, thing)) = joins
                    && let Some((before, after)) = users.get_mut(&user)
                {
                    before.0.insert(thing.clone());
                    after.0.insert(thing);
                }
            }
        }
    }

    /// What is recorded of a user, under the name that it had.
    fn recorded_user(&self, user: &Address) -> Result<Option<Record>, RecordError> {
        let was = self.change(user).and_then(|change| match &change.reason {
            Reason::Renamed { from } => Some(from),
            _ => None,
        });
        self.input.recorded.get(was.unwrap_or(user))
    }

    /// A user has its profile too; and nothing at all while it is not active.
    fn add_profile(
        &self,
        user: &Address,
        before: &mut Through,
        after: &mut Through,
    ) -> Result<(), RecordError> {
        let profile = |attributes: Option<&Attributes>| attributes?.reference("profile").cloned();
        let is_active = |attributes: &Attributes| attributes.flag("active") != Some(false);
        let recorded = self.recorded_user(user)?;
        let Some(change) = self.change(user) else {
            let held = recorded.filter(|record| record.standing == Standing::Live);
            let profile = profile(held.as_ref().map(|record| &record.attributes));
            before.0.extend(profile.clone());
            after.0.extend(profile);
            return Ok(());
        };
        let was_retired = change.reason == Reason::DeactivatedByUs;
        match &change.before {
            Some(attributes) if is_active(attributes) && !was_retired => {
                before.0.extend(profile(Some(attributes)));
            }
            _ => before.0.clear(),
        }
        match &change.after {
            Some(attributes) if is_active(attributes) => {
                after.0.extend(profile(Some(attributes)));
            }
            None if change.action == Action::Release => {
                after.0.extend(profile(change.before.as_ref()));
            }
            _ => after.0.clear(),
        }
        Ok(())
    }

    fn is_changed(&self, thing: &Address) -> bool {
        self.change(thing).is_some()
    }

    /// What one source holds; worked out once. `None` when it is not known.
    fn held<'k>(
        &self,
        thing: &Address,
        moment: Moment,
        known: &'k mut HashMap<(Address, Moment), Option<Held>>,
    ) -> Option<&'k Held> {
        let held = known.entry((thing.clone(), moment)).or_insert_with(|| {
            let (grants, muted) = self.combined(thing, moment)?;
            Some(Held::of(&Source { name: source_name(thing), grants, muted }))
        });
        held.as_ref()
    }

    /// The sources of which it is not known what they hold.
    fn unknown(
        &self,
        through: &Through,
        moment: Moment,
        known: &mut HashMap<(Address, Moment), Option<Held>>,
    ) -> BTreeSet<Address> {
        let is_unknown = |thing: &&Address| self.held(thing, moment, known).is_none();
        through.0.iter().filter(is_unknown).cloned().collect()
    }

    /// What sources allow together, of which what they hold is known.
    fn effective(
        &self,
        through: &Through,
        moment: Moment,
        known: &mut HashMap<(Address, Moment), Option<Held>>,
    ) -> Effective {
        let mut effective = Effective::default();
        for thing in &through.0 {
            if let Some(held) = self.held(thing, moment, known) {
                effective.add(&source_name(thing), held);
            }
        }
        effective
    }

    /// The members of a group at a moment, and what it mutes.
    fn members(&self, thing: &Address, moment: Moment) -> Option<(Vec<Address>, Grants)> {
        let attributes = match self.change(thing) {
            Some(change) if moment == Moment::Before => change.before.clone(),
            Some(change) => change.after.clone(),
            None => self.records.attributes(thing),
        };
        combined_in(thing, attributes.as_ref())
    }

    /// Whose grants are not known of what a source is added up from.
    fn not_known(&self, thing: Address, moment: Moment) -> Vec<Address> {
        let things =
            self.members(&thing, moment).map_or_else(|| vec![thing], |(members, _)| members);
        things.into_iter().filter(|thing| self.grants(thing, moment).is_none()).collect()
    }

    /// What a source is added up from, and what it leaves out.
    fn combined(&self, thing: &Address, moment: Moment) -> Option<(Vec<Grants>, Grants)> {
        match self.members(thing, moment) {
            Some((members, muted)) => {
                let grants = members.iter().map(|member| self.grants(member, moment));
                Some((grants.collect::<Option<_>>()?, muted))
            }
            None => Some((vec![self.grants(thing, moment)?], Grants::default())),
        }
    }

    /// What a profile or set grants at a moment: planned, recorded, or asked.
    fn grants(&self, thing: &Address, moment: Moment) -> Option<Grants> {
        let kind = kinds::of(thing)?;
        if let Some(change) = self.change(thing) {
            let attributes = match moment {
                Moment::Before => change.before.as_ref(),
                Moment::After => change.after.as_ref(),
            };
            let mut whole = attributes.cloned().unwrap_or_default();
            // What a new profile starts with is set once.
            whole.extend(&change.defaults);
            if let Some(grants) = kind.granting().grants(&whole) {
                return Some(grants);
            }
        } else if let Some(attributes) = self.records.attributes(thing)
            && let Some(grants) = kind.granting().grants(&attributes)
        {
            return Some(grants);
        }
        self.input.catalog.grants.get(thing).is().cloned()
    }
}

fn combined_in(
    address: &Address,
    attributes: Option<&Attributes>,
) -> Option<(Vec<Address>, Grants)> {
    kinds::of(address)?.granting().combines(attributes?)
}

fn grants_of(address: &Address, attributes: Option<&Attributes>) -> Option<Grants> {
    kinds::of(address)?.granting().grants(attributes?)
}
