//! Which facts a plan rests on: what is remembered of them, what has to be asked
//! before it is made, and what only once it has changes.

use crate::model::UnixSeconds;
use std::collections::BTreeSet;

use super::WorkflowError;
use super::planning::Planning;
use crate::facts::Catalog;
use crate::facts::Fact;
use crate::facts::profile_names;
use crate::kinds;
use crate::model::Declared;
use crate::model::Ownership;
use crate::model::PlanMode;
use crate::model::RecordError;
use crate::model::Recorded;
use crate::model::Standing;
use crate::org::API_VERSION;
use crate::plan::Choice;
use crate::plan::Desired;
use crate::plan::RecordIndex;
use crate::state::Store;

/// For how many seconds facts are kept.
const FRESH: i64 = 24 * 60 * 60;

impl Planning<'_> {
    /// What is remembered of the org, and what must be asked.
    ///
    /// # Errors
    /// When the state can't be read, or nobody is to be asked what was never asked.
    pub(super) fn facts(
        &self,
        (desired, choice): (&Desired, &Choice),
        store: &Store,
        index: &RecordIndex,
        now: UnixSeconds,
    ) -> Result<(Catalog, BTreeSet<Fact>), WorkflowError> {
        let (catalog, fresh) = self.remembered(store, now)?;
        let mut wanted: BTreeSet<Fact> = BTreeSet::new();
        if self.mode == PlanMode::Converge {
            wanted.extend(desired.facts(choice));
        }
        if self.mode != PlanMode::RefreshOnly {
            self.removal_facts(desired, choice, &index.over(store), &mut wanted)?;
        }
        if !self.options.refresh {
            let is_missing =
                |fact: &Fact| !catalog.is_asked(fact) && !fact.policy().is_dispensable();
            let missing: Vec<Fact> = wanted.into_iter().filter(is_missing).collect();
            if !missing.is_empty() {
                return Err(WorkflowError::NeverAsked(missing));
            }
            return Ok((catalog, BTreeSet::new()));
        }
        wanted.retain(|fact| match fact {
            // A profile may have one of several names.
            Fact::Profile(name) => {
                let names = profile_names(name).into_iter();
                !names.map(str::to_owned).any(|name| fresh.contains(&Fact::Profile(name)))
            }
            fact => !fresh.contains(fact),
        });
        // The org says with every refresh who it is.
        wanted.insert(Fact::Organization);
        if self.mode != PlanMode::RefreshOnly {
            wanted.insert(Fact::Rights);
            wanted.insert(Fact::AccessPolicies);
        }
        Ok((catalog, wanted))
    }

    /// What the state remembers of the org, and which of it need not be asked again.
    fn remembered(
        &self,
        store: &Store,
        now: UnixSeconds,
    ) -> Result<(Catalog, BTreeSet<Fact>), WorkflowError> {
        let mut catalog = Catalog::new();
        let mut fresh = BTreeSet::new();
        for kept in store.facts(API_VERSION)? {
            // What was kept by a clock that was ahead is of no known age.
            let is_fresh = (0..FRESH).contains(&now.since(kept.at));
            let is_old = !is_fresh || self.options.refresh_catalog;
            let serves = |fact: &Fact| fact.policy().serves(is_old);
            let Some(fact) = catalog.restore(&kept.fact, &kept.answer, serves) else { continue };
            if catalog.has(&fact) && !fact.policy().is_volatile() && !is_old {
                fresh.insert(fact);
            }
        }
        Ok((catalog, fresh))
    }

    /// Takes out what only a plan with changes rests on: it is asked once there are
    /// some, and a plan without any is spared the calls. What was never answered has
    /// to be asked at once.
    pub(super) fn defer(&self, needs: &mut BTreeSet<Fact>, catalog: &Catalog) -> BTreeSet<Fact> {
        let is_cold =
            needs.iter().any(|fact| !fact.policy().is_dispensable() && !catalog.is_asked(fact));
        if self.options.refresh_catalog || is_cold {
            return BTreeSet::new();
        }
        let (later, now) = std::mem::take(needs)
            .into_iter()
            .partition(|fact: &Fact| fact.policy().only_matters_to_changes());
        *needs = now;
        later
    }

    /// The facts about what is recorded and will be taken away.
    fn removal_facts(
        &self,
        desired: &Desired,
        choice: &Choice,
        recorded: &dyn Recorded,
        wanted: &mut BTreeSet<Fact>,
    ) -> Result<(), RecordError> {
        // Both are in the order of addresses.
        let mut declarations = desired.iter().peekable();
        for stored in recorded.stream() {
            let stored = stored?;
            let Some(kind) = kinds::of(&stored.address) else { continue };
            while declarations.next_if(|held| held.address < stored.address).is_some() {}
            let declared = declarations.next_if(|held| held.address == stored.address);
            let declared = declared.filter(|_| {
                self.mode == PlanMode::Converge && choice.replaces(&stored.address).is_none()
            });
            let stays = declared.is_some_and(|declared| {
                is_for_every_org(declared) && !kind.replacement().may_need_replacing(declared)
            });
            if stays || stored.standing != Standing::Live || !choice.includes(&stored.address) {
                continue;
            }
            let address = stored.address.clone();
            let record = (stored.decode)()?;
            let stays = declared.filter(|declared| is_for_every_org(declared));
            if stays.is_some_and(|declared| {
                kind.replacement().unchangeable(&record.attributes, &declared.attributes).is_none()
            }) {
                continue;
            }
            let takes_adopted =
                matches!(self.mode, PlanMode::Destroy { include_adopted: true, .. });
            if record.ownership == Ownership::Created || takes_adopted {
                wanted.extend(kind.granting().removal_facts(&address, &record.attributes));
            }
        }
        Ok(())
    }
}

fn is_for_every_org(declared: &Declared) -> bool {
    declared.conditional.as_ref().is_none_or(|conditional| conditional.when.is_empty())
}
