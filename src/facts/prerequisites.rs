//! What a permission needs, as the org itself says it, by API name or `Object<verb>`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Catalog;
use super::family::Family;
use super::family::Table;
use super::known::Policy;
use super::question::Answer;
use super::question::OnRefusal;
use super::question::Question;
use super::question::Rows;
use crate::model::RowExt as _;

/// What permissions need. What they need is asked for in turn, once.
///
/// Without the right to view Setup the org does not know the object (Tooling API,
/// `PermissionDependency`); the shipped table and rejections have to do then.
#[derive(Debug, Default)]
pub struct Prerequisites {
    /// What was asked for in this round, with what it needs so far.
    needed: BTreeMap<String, BTreeSet<String>>,
    /// What a second round asks for.
    further: BTreeSet<String>,
}

const COLUMNS: &[&str] = &["Permission", "RequiredPermission"];

impl Family for Prerequisites {
    type Key = String;
    type Answer = Vec<String>;

    const TAG: &'static str = "prerequisites";
    const POLICY: Policy = Policy::KeptForADay;
    const FORGETS: bool = false;

    fn describe(permission: &String) -> String {
        format!("prerequisites of `{permission}`")
    }

    fn questions(
        &mut self,
        round: usize,
        asked: &BTreeSet<String>,
        known: &Catalog,
    ) -> Vec<Question> {
        let names: BTreeSet<String> = match round {
            0 => asked.clone(),
            1 => {
                let is_new = |name: &String| !known.prerequisites.is_asked(name);
                std::mem::take(&mut self.further).into_iter().filter(is_new).collect()
            }
            _ => BTreeSet::new(),
        };
        if names.is_empty() {
            return Vec::new();
        }
        self.needed = names.iter().map(|name| (name.clone(), BTreeSet::new())).collect();
        let rows = Rows::keyed("PermissionDependency", COLUMNS, "Permission", &names);
        vec![Question::ToolingRows(rows.on_refusal(OnRefusal::Unknown))]
    }

    fn read(
        &mut self,
        _: usize,
        answer: Answer<'_>,
        asked: &BTreeSet<String>,
        table: &mut Table<Self>,
    ) {
        match answer {
            Answer::Row(row) => {
                if let (Some(name), Some(need)) =
                    (row.text("Permission"), row.text("RequiredPermission"))
                {
                    self.needed.entry(name.to_owned()).or_default().insert(need.to_owned());
                }
            }
            Answer::End => {
                for (name, mut needed) in std::mem::take(&mut self.needed) {
                    if asked.contains(&name) {
                        let further = needed.iter().filter(|need| !asked.contains(*need));
                        self.further.extend(further.cloned());
                    }
                    needed.extend(table.get(&name).list().iter().cloned());
                    table.insert(name, needed.into_iter().collect());
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Prerequisites;
    use crate::facts::testing::asked;

    #[test]
    fn what_is_needed_is_asked_for_in_turn_once() {
        let mut prerequisites = asked::<Prerequisites>(["ModifyAllData"]);
        assert_eq!(prerequisites.questions(0).len(), 1);
        let rows = json!([
            {"Permission": "ModifyAllData", "RequiredPermission": "ViewAllData"},
            {"Permission": "ModifyAllData", "RequiredPermission": "EditTask"},
        ]);
        prerequisites.rows(0, rows);
        let known = prerequisites.table.get("ModifyAllData");
        assert_eq!(known.list(), ["EditTask", "ViewAllData"]);
        assert_eq!(prerequisites.questions(1).len(), 1, "about both of them");
        let further =
            json!([{"Permission": "ViewAllData", "RequiredPermission": "ViewPublicReports"}]);
        prerequisites.rows(0, further);
        assert!(prerequisites.table.get("EditTask").list().is_empty());
        assert_eq!(prerequisites.questions(2), [], "and no further");
    }
}
