//! Who holds something, as the families about holders read it.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::family::Family;
use super::family::Table;
use super::family::asked_as;

/// Who holds something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holders {
    /// Usernames.
    pub usernames: Vec<String>,
    /// Permission set groups, by name, of which it is a member.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// The holders of the thing of that name, to be added to.
pub(super) fn of<'a, F>(
    name: &str,
    asked: &BTreeSet<String>,
    table: &'a mut Table<F>,
) -> &'a mut Holders
where
    F: Family<Key = String, Answer = Holders>,
{
    let name = asked_as(asked, name).cloned().unwrap_or_else(|| name.to_owned());
    table.grown(name)
}
