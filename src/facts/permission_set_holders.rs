//! Who holds a permission set of that name (no namespace): users, and groups of which it
//! is a member.

use std::collections::BTreeSet;

use super::Catalog;
use super::family::Family;
use super::family::Table;
use super::holders;
use super::holders::Holders;
use super::known::Policy;
use super::question::Answer;
use super::question::OnRefusal;
use super::question::Question;
use super::question::Rows;
use crate::model::Filter;
use crate::model::RowExt as _;

/// Who holds permission sets.
#[derive(Debug, Default)]
pub struct PermissionSetHolders;

const COLUMNS: &[&str] = &["Assignee.Username", "PermissionSet.Name"];
const FILTERS: &[Filter] = &[Filter::IsNull("PermissionSet.NamespacePrefix")];
const MEMBER_COLUMNS: &[&str] = &["PermissionSetGroup.DeveloperName", "PermissionSet.Name"];

impl Family for PermissionSetHolders {
    type Key = String;
    type Answer = Holders;

    const TAG: &'static str = "holders";
    const POLICY: Policy = Policy::EachRefresh;

    fn describe(name: &String) -> String {
        format!("holders of permission set `{name}`")
    }

    fn questions(&mut self, round: usize, asked: &BTreeSet<String>, _: &Catalog) -> Vec<Question> {
        if round > 0 {
            return Vec::new();
        }
        let users = Rows::keyed("PermissionSetAssignment", COLUMNS, "PermissionSet.Name", asked)
            .filtered(FILTERS);
        // An org without groups does not know the object.
        let groups =
            Rows::keyed("PermissionSetGroupComponent", MEMBER_COLUMNS, "PermissionSet.Name", asked)
                .on_refusal(OnRefusal::Nothing);
        [users, groups].into_iter().flat_map(Rows::questions).collect()
    }

    fn read(
        &mut self,
        _: usize,
        answer: Answer<'_>,
        asked: &BTreeSet<String>,
        table: &mut Table<Self>,
    ) {
        let Answer::Row(row) = answer else { return };
        let Some(name) = row.text("PermissionSet.Name") else { return };
        if let Some(username) = row.text("Assignee.Username") {
            holders::of(name, asked, table).usernames.push(username.to_lowercase());
        } else if let Some(group) = row.text("PermissionSetGroup.DeveloperName") {
            holders::of(name, asked, table).groups.push(group.to_owned());
        }
    }

    fn unanswered() -> Option<Holders> {
        Some(Holders::default())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::PermissionSetHolders;
    use crate::facts::question::OnRefusal;
    use crate::facts::question::Question;
    use crate::facts::testing::asked;

    #[test]
    fn users_and_groups_hold_a_set_as_it_was_asked_for() {
        let mut holders = asked::<PermissionSetHolders>(["robot_access"]);
        let questions = holders.questions(0);
        let [Question::Rows(users), Question::Rows(groups)] = &questions[..] else {
            panic!("two questions about rows: {questions:?}");
        };
        assert_eq!((users.on_refusal, groups.on_refusal), (OnRefusal::Fail, OnRefusal::Nothing));
        let set = json!({"Name": "Robot_Access"});
        holders.rows(0, json!([{"Assignee": {"Username": "One@X.example"}, "PermissionSet": set}]));
        let group = json!({"DeveloperName": "Robots"});
        holders.rows(1, json!([{"PermissionSetGroup": group, "PermissionSet": set}]));
        let held = holders.table.get("robot_access").is().expect("an answer");
        assert_eq!(held.usernames, ["one@x.example"]);
        assert_eq!(held.groups, ["Robots"]);
    }
}
