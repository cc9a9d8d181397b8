//! A permission set that is there, by `namespace__Name`, name or label.

use super::known::Policy;
use super::named::ByName;
use super::named::Named;
use crate::model::Filter;

/// Permission sets by name or label: not those that profiles and groups own.
pub type PermissionSet = ByName<PermissionSetRows>;

/// The rows that tell of them.
pub struct PermissionSetRows;

impl Named for PermissionSetRows {
    const NOUN: &'static str = "permission set";
    const TAG: &'static str = "permission_sets";
    const POLICY: Policy = Policy::ForChanges;
    const OBJECT: &'static str = "PermissionSet";
    const NAME_AND_LABEL: (&'static str, &'static str) = ("Name", "Label");
    const COLUMNS: &'static [&'static str] = &["Id", "Name", "NamespacePrefix", "Label"];
    const FILTERS: &'static [Filter] =
        &[Filter::IsFalse("IsOwnedByProfile"), Filter::IsNull("PermissionSetGroupId")];
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
