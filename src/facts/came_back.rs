//! That something was taken off a user and came back by itself.

use super::family::Family;
use super::known::Policy;
use crate::model::Address;

/// The labels of the user access policies that may have brought something back. Nobody
/// asks for it: the end of a run looks whether what was taken off stayed off.
#[derive(Debug, Default)]
pub struct CameBack;

impl Family for CameBack {
    type Key = Address;
    type Answer = Vec<String>;

    const TAG: &'static str = "access_policies";
    const POLICY: Policy = Policy::ForExplanations;

    fn describe(address: &Address) -> String {
        format!("whether {address} came back")
    }
}
