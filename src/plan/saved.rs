//! A plan kept for later: what was shown, the writes exactly as they will be
//! sent, and the declarations it came from, so that it can be planned again
//! and compared before anything is sent.
//!
//! Two lines of JSON: a head that every version can read, and the body, which the head
//! seals (`seal`). Whoever applies a plan asks for the seal or the digest first. No secret
//! is part of a plan.

use crate::model::UnixSeconds;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::Choice;
use super::Desired;
use super::seal::ContentDigest;
use super::seal::PlanKey;
use super::seal::Seal;
use crate::kinds;
use crate::kinds::Scope as _;
use crate::model::Address;
use crate::model::AddressPattern;
use crate::model::Attributes;
use crate::model::Declared;
use crate::model::OrgIdentity;
use crate::model::Plan;
use crate::model::Reason;

/// The version of the format. A plan of another one is refused, not guessed at: making
/// a plan again costs little.
const FORMAT_VERSION: u64 = 3;
/// How every saved plan begins.
const MAGIC: &str = "{\"format\":\"orgform plan\"";

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format: String,
    format_version: u64,
    /// The version of orgform that wrote it.
    orgform: String,
    /// What came on the way to this file is noticed by it; who means harm is by the seal.
    digest: ContentDigest,
    seal: Seal,
}

/// The part of a head that versions to come keep.
#[derive(Debug, Deserialize)]
struct Version {
    format_version: u64,
    #[serde(default)]
    orgform: String,
}

/// A plan as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedPlan {
    /// The org it is for.
    pub org: OrgIdentity,
    /// The name of the state that it was made with.
    pub lineage: String,
    /// When it was made, in seconds since 1970.
    pub made_at: UnixSeconds,
    /// What the user was told before reading it.
    #[serde(default)]
    pub notices: Vec<String>,
    /// The plan.
    pub plan: Plan,
    /// The declarations that it came from.
    pub declared: Vec<Declared>,
    /// What the files say is no longer to be managed.
    #[serde(default)]
    pub released: Vec<AddressPattern>,
    /// What was asked to be made anew, and what is made anew with it.
    #[serde(default)]
    pub replaced: BTreeMap<Address, Option<Address>>,
}

/// Why a text is no saved plan that can be used.
#[derive(Debug, thiserror::Error)]
pub enum SavedPlanError {
    /// It is something else.
    #[error("it is no saved plan")]
    NotAPlan,
    /// It was written by a later version.
    #[error(
        "it is a saved plan of format {found}, written by orgform {by}; this version reads up to format {known}"
    )]
    Newer {
        /// Its format.
        found: u64,
        /// What this version reads.
        known: u64,
        /// What wrote it.
        by: String,
    },
    /// It was written by an earlier version.
    #[error(
        "it is a saved plan of format {found}, written by orgform {by}; this version applies format {known}"
    )]
    Older {
        /// Its format.
        found: u64,
        /// What this version reads.
        known: u64,
        /// What wrote it.
        by: String,
    },
    /// It is not as it was written.
    #[error("the saved plan is damaged or was changed: {0}")]
    Damaged(String),
}

impl SavedPlan {
    /// Keeps a plan with the declarations that it needs to be made again.
    pub fn new(
        org: OrgIdentity,
        lineage: String,
        made_at: UnixSeconds,
        notices: Vec<String>,
        plan: Plan,
        desired: &Desired,
        choice: &Choice,
    ) -> Self {
        let declared = declarations_of(&plan, desired);
        let replaced = choice
            .replaced()
            .filter(|address| plan.changes.iter().any(|change| change.address == **address))
            .map(|address| (address.clone(), choice.replaces(address).flatten().cloned()))
            .collect();
        let released = desired.released().to_vec();
        Self { org, lineage, made_at, notices, plan, declared, released, replaced }
    }

    /// The choice that plans this again: what it changes or corrects, watching
    /// what that refers to.
    pub fn choice(&self) -> Choice {
        let changed = self.plan.changes.iter().map(|change| change.address.clone());
        let corrected = self.plan.sync.keys().cloned();
        let referred = self.plan.changes.iter().flat_map(|change| {
            change.after.iter().flat_map(Attributes::references).map(|(_, address)| address.clone())
        });
        // What is renamed stands in the org and the state under its old name.
        let renamed = self.plan.changes.iter().filter_map(|change| match &change.reason {
            Reason::Renamed { from } => Some(from.clone()),
            _ => None,
        });
        let moved = self.plan.ops.iter().flat_map(|op| &op.effect.moves);
        let watched = referred.chain(renamed).chain(moved.map(|moved| moved.from.clone()));
        Choice::only(changed.chain(corrected)).watching(watched).replacing(self.replaced.clone())
    }

    /// The text of the file, and its digest.
    pub fn encode(&self, key: &PlanKey) -> (String, ContentDigest) {
        // A plan is made of texts, flags, numbers and lists: it always encodes.
        let body = serde_json::to_string(self).unwrap_or_default();
        let head = Head {
            format: "orgform plan".to_owned(),
            format_version: FORMAT_VERSION,
            orgform: env!("CARGO_PKG_VERSION").to_owned(),
            digest: ContentDigest::of(body.as_bytes()),
            seal: key.seal(body.as_bytes()),
        };
        let digest = head.digest;
        let head = serde_json::to_string(&head).unwrap_or_default();
        (format!("{head}\n{body}\n"), digest)
    }

    /// Whether a text begins as a saved plan does.
    pub fn is_one(beginning: &[u8]) -> bool {
        beginning.starts_with(MAGIC.as_bytes())
    }
}

/// A saved plan as a file has it: what it says, and what it is known by.
pub struct SealedPlan {
    /// What it says, whoever says it.
    pub plan: SavedPlan,
    /// Which content it is.
    pub digest: ContentDigest,
    seal: Seal,
    content: String,
}

impl SealedPlan {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// When it is no saved plan, of another version, or not as it was written.
    pub fn decode(text: &str) -> Result<Self, SavedPlanError> {
        if !SavedPlan::is_one(text.as_bytes()) {
            return Err(SavedPlanError::NotAPlan);
        }
        let damaged = |error: serde_json::Error| SavedPlanError::Damaged(error.to_string());
        let (head, body) = text.split_once('\n').unwrap_or((text, ""));
        let version: Version = serde_json::from_str(head).map_err(damaged)?;
        let (found, known, by) = (version.format_version, FORMAT_VERSION, version.orgform);
        match found.cmp(&known) {
            Ordering::Greater => return Err(SavedPlanError::Newer { found, known, by }),
            Ordering::Less => return Err(SavedPlanError::Older { found, known, by }),
            Ordering::Equal => {}
        }
        let head: Head = serde_json::from_str(head).map_err(damaged)?;
        let content = body.trim_end_matches(['\n', '\r']);
        if ContentDigest::of(content.as_bytes()) != head.digest {
            return Err(SavedPlanError::Damaged("its digest does not fit its content".to_owned()));
        }
        let plan = serde_json::from_str(content).map_err(damaged)?;
        Ok(Self { plan, digest: head.digest, seal: head.seal, content: content.to_owned() })
    }

    /// Whether who knows the key wrote it.
    pub fn is_sealed_by(&self, key: &PlanKey) -> bool {
        key.seal(self.content.as_bytes()) == self.seal
    }
}

/// The declarations of all that a plan changes, and of what those refer to.
fn declarations_of(plan: &Plan, desired: &Desired) -> Vec<Declared> {
    let mut open: Vec<Address> = plan.changes.iter().map(|change| change.address.clone()).collect();
    open.extend(plan.sync.keys().cloned());
    let mut seen: BTreeSet<Address> = BTreeSet::new();
    let mut held = Vec::new();
    while let Some(address) = open.pop() {
        if !seen.insert(address.clone()) {
            continue;
        }
        open.extend(kinds::of(&address).and_then(|kind| kind.relation().subject(&address)));
        if let Some(declared) = desired.declared(&address) {
            open.extend(declared.attributes.references().map(|(_, referred)| referred.clone()));
            held.push(declared.clone());
        }
    }
    held.sort_by(|left, right| left.address.cmp(&right.address));
    held
}
