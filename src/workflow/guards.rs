//! What holds a plan back before its first write, unless somebody consents.

use crate::kinds;
use crate::kinds::Loss;
use crate::kinds::learned_powers;
use crate::model::Address;
use crate::model::Check;
use crate::model::Finding;
use crate::model::Permission;
use crate::model::Plan;
use crate::model::Severity;

/// What somebody consents to beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Consent {
    /// A plan is applied without asking.
    pub auto_approve: bool,
    /// Adopting may take grants away unasked.
    pub losses: bool,
    /// So many resources of a kind may be taken away.
    pub removals: u64,
    /// So many resources of a kind may be changed.
    pub updates: u64,
    /// Errors of the checks are overlooked.
    pub errors: bool,
}

impl Consent {
    /// Whether a finding lets the plan through.
    pub fn lets_through(self, finding: &Finding) -> bool {
        match (finding.severity, finding.check) {
            (Severity::Warning, _) => true,
            (_, check) if check.is_absolute() => false,
            (_, Check::Removals) => finding.count.unwrap_or(0) <= self.removals,
            (_, Check::Updates) => finding.count.unwrap_or(0) <= self.updates,
            (_, _) => self.errors,
        }
    }
}

/// Why a plan is held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// So many checks failed.
    Findings {
        /// How many.
        count: usize,
        /// Whether all of them are errors that may be overlooked.
        may_skip: bool,
    },
    /// Adopting would take grants away, and nobody is asked.
    Losses {
        /// How many grants.
        count: usize,
        /// The first resource that would lose some.
        address: Address,
        /// Where it has them.
        path: String,
        /// Which.
        names: Vec<String>,
    },
    /// What only a refusal of the org says to be needed gives power, and nobody is asked.
    LearnedPowers {
        /// The resource that would give it.
        address: Address,
        /// The permissions that give it.
        permissions: Vec<Permission>,
    },
}

/// What the checks found that nobody consents to.
pub(super) fn findings(plan: &Plan, consent: Consent) -> Option<Refusal> {
    let refused: Vec<&Finding> =
        plan.findings.iter().filter(|finding| !consent.lets_through(finding)).collect();
    let is_skippable =
        |finding: &&Finding| finding.severity == Severity::Error && !finding.check.is_absolute();
    let may_skip = refused.iter().all(is_skippable);
    (!refused.is_empty()).then_some(Refusal::Findings { count: refused.len(), may_skip })
}

/// Where nobody is asked, adopting takes nothing away by itself.
pub(super) fn losses(plan: &Plan) -> Option<Refusal> {
    let losses = kinds::losses(plan);
    let count = losses.iter().map(|loss| loss.names.len()).sum();
    let Loss { address, path, names } = losses.into_iter().next()?;
    let names = names.into_iter().map(ToOwned::to_owned).collect();
    Some(Refusal::Losses { count, address: address.clone(), path: path.to_owned(), names })
}

/// What only a refusal of the org says to be needed gives no power unasked.
pub(super) fn learned(plan: &Plan) -> Option<Refusal> {
    plan.changes.iter().find_map(|change| {
        let permissions = learned_powers(change);
        let address = change.address.clone();
        (!permissions.is_empty()).then_some(Refusal::LearnedPowers { address, permissions })
    })
}
