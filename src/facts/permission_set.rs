//! A permission set that is there, by `namespace__Name`, name or label.

use std::collections::BTreeSet;

use super::Catalog;
use super::family::Family;
use super::family::Table;
use super::known::Policy;
use super::named::NamedFact;
use super::named::take;
use super::question::Answer;
use super::question::Question;
use super::question::Rows;
use crate::model::Filter;

/// Permission sets by name or label: not those that profiles and groups own.
#[derive(Debug, Default)]
pub struct PermissionSet;

const NAMED: (&str, &str) = ("Name", "Label");
const COLUMNS: &[&str] = &["Id", "Name", "NamespacePrefix", "Label"];
const FILTERS: &[Filter] =
    &[Filter::IsFalse("IsOwnedByProfile"), Filter::IsNull("PermissionSetGroupId")];

impl Family for PermissionSet {
    type Key = String;
    type Answer = Vec<NamedFact>;

    const TAG: &'static str = "permission_sets";
    const POLICY: Policy = Policy::ForChanges;

    fn describe(name: &String) -> String {
        format!("permission set `{name}`")
    }

    fn questions(&mut self, round: usize, asked: &BTreeSet<String>, _: &Catalog) -> Vec<Question> {
        if round > 0 {
            return Vec::new();
        }
        Rows::named("PermissionSet", COLUMNS, NAMED, asked).filtered(FILTERS).questions()
    }

    fn read(
        &mut self,
        _: usize,
        answer: Answer<'_>,
        asked: &BTreeSet<String>,
        table: &mut Table<Self>,
    ) {
        if let Answer::Row(row) = answer
            && let Some(found) = NamedFact::read(row, NAMED)
        {
            take(&found, asked, table);
        }
    }

    fn is_nothing(answer: &Self::Answer) -> bool {
        answer.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::PermissionSet;
    use crate::facts::Known;
    use crate::facts::testing::asked;

    #[test]
    fn a_name_comes_before_labels_and_a_label_may_fit_several() {
        let mut sets = asked::<PermissionSet>(["Base", "coconut__Base", "Sales", "None"]);
        sets.rows(
            0,
            json!([
                {"Id": "0PS000000000001", "Name": "Odd", "Label": "Base"},
                {"Id": "0PS000000000002", "Name": "Base", "Label": "Sales"},
                {"Id": "0PS000000000003", "Name": "Base", "NamespacePrefix": "coconut"},
                {"Id": "0PS000000000004", "Name": "Other", "Label": "sales"},
                {"Id": "no id", "Name": "None", "Label": "None"},
            ]),
        );
        let names = |written: &str| -> Vec<&str> {
            sets.table.get(written).list().iter().map(|set| set.name.as_str()).collect()
        };
        assert_eq!(names("Base"), ["Base"]);
        assert_eq!(names("coconut__Base"), ["coconut__Base"]);
        assert_eq!(names("Sales"), ["Base", "Other"]);
        assert_eq!(names("Other"), ["Other"], "what came along is known too");
        assert_eq!(sets.table.get("None"), Known::NotAsked, "a row that says too little");
    }
}
