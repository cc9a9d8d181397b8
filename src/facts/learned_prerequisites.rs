//! What a permission needs as a refusal of the org taught.

use super::family::Family;
use super::known::Policy;

/// What permissions need as refusals taught. Nobody asks for it: a refusal is read while a
/// plan is applied.
#[derive(Debug, Default)]
pub struct LearnedPrerequisites;

impl Family for LearnedPrerequisites {
    type Key = String;
    type Answer = Vec<String>;

    const TAG: &'static str = "prerequisites";
    const POLICY: Policy = Policy::ForExplanations;

    fn describe(permission: &String) -> String {
        format!("learned prerequisites of `{permission}`")
    }
}
