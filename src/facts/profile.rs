//! A profile that is there, by name.

use std::collections::BTreeSet;

use super::Catalog;
use super::family::Family;
use super::family::Table;
use super::known::Policy;
use super::profile_names::profile_full_name;
use super::profile_names::profile_names;
use super::profiles::COLUMNS;
use super::profiles::ProfileFact;
use super::question::Answer;
use super::question::OnRefusal;
use super::question::Question;
use super::question::Rows;
use crate::model::SalesforceId;

/// Profiles by name.
///
/// Those not found by name are looked for by their full names in metadata, since the org
/// may show them in another language; who may not list these has to write the names as
/// they are shown.
#[derive(Debug, Default)]
pub struct Profile {
    /// Names that no row had, by the ids that metadata has for them.
    meant: Vec<(String, SalesforceId)>,
    /// Names that no row had.
    missing: Vec<String>,
}

impl Family for Profile {
    type Key = String;
    type Answer = ProfileFact;

    const TAG: &'static str = "profile";
    const POLICY: Policy = Policy::KeptForADay;

    fn describe(name: &String) -> String {
        format!("profile `{name}`")
    }

    fn questions(
        &mut self,
        round: usize,
        asked: &BTreeSet<String>,
        known: &Catalog,
    ) -> Vec<Question> {
        match round {
            0 => Rows::keyed("Profile", COLUMNS, "Name", asked).questions(),
            1 => {
                let is_found = |name: &str| known.profile.get(name).is().is_some();
                let is_missing = |name: &&String| !profile_names(name).into_iter().any(is_found);
                self.missing = asked.iter().filter(is_missing).cloned().collect();
                if self.missing.is_empty() {
                    return Vec::new();
                }
                vec![Question::List { metadata_type: "Profile", on_refusal: OnRefusal::Nothing }]
            }
            2 => {
                let ids: Vec<String> = self.meant.iter().map(|(_, id)| id.to_string()).collect();
                Rows::keyed("Profile", COLUMNS, "Id", &ids).questions()
            }
            _ => Vec::new(),
        }
    }

    fn read(
        &mut self,
        _: usize,
        answer: Answer<'_>,
        asked: &BTreeSet<String>,
        table: &mut Table<Self>,
    ) {
        match answer {
            Answer::Listed(listed) => {
                for name in std::mem::take(&mut self.missing) {
                    let full_name = profile_full_name(&name);
                    if let Some((_, id)) = listed.iter().find(|(held, _)| *held == full_name) {
                        self.meant.push((name, id.clone()));
                    }
                }
            }
            Answer::Row(row) => {
                let Some(found) = ProfileFact::read(row) else { return };
                if self.meant.is_empty() {
                    let is_meant =
                        |name: &&String| name.to_lowercase() == found.name.to_lowercase();
                    for name in asked.iter().filter(is_meant).chain([&found.name]) {
                        table.insert(name.clone(), found.clone());
                    }
                    return;
                }
                for (name, _) in self.meant.iter().filter(|(_, id)| *id == found.id) {
                    let shown = Some(found.name.clone()).filter(|shown| shown != name);
                    let fact = ProfileFact { name: name.clone(), shown, ..found.clone() };
                    table.insert(name.clone(), fact);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Profile;
    use crate::facts::question::Answer;
    use crate::facts::question::By;
    use crate::facts::question::Question;
    use crate::facts::testing::asked;
    use crate::model::SalesforceId;

    #[test]
    fn one_that_the_org_shows_in_another_language_is_found_by_its_full_name() {
        let mut profiles = asked::<Profile>(["System Administrator", "robots"]);
        let row = |id: &str, name: &str| {
            let license = json!({"Name": "Salesforce"});
            json!([{"Id": id, "Name": name, "UserLicenseId": "100000000000001", "UserLicense": license}])
        };
        assert_eq!(profiles.questions(0).len(), 1);
        profiles.rows(0, row("00e000000000001", "Robots"));
        assert!(matches!(
            profiles.questions(1)[..],
            [Question::List { metadata_type: "Profile", .. }]
        ));
        let id = |text: &str| SalesforceId::parse(text).expect("an id");
        let listed = [
            ("Robots".to_owned(), id("00e000000000001")),
            ("Admin".to_owned(), id("00e000000000002")),
        ];
        profiles.read(0, Answer::Listed(&listed));
        let [Question::Rows(rows)] = &profiles.questions(2)[..] else { panic!("rows by id") };
        let keys = vec!["00e000000000002AAA".to_owned()];
        assert_eq!(rows.by, By::Key { column: "Id", keys });
        profiles.rows(0, row("00e000000000002", "Systemadministrator"));
        let found = profiles.table.get("System Administrator").is().expect("it is found");
        assert_eq!(
            (found.name.as_str(), found.shown.as_deref()),
            ("System Administrator", Some("Systemadministrator"))
        );
        assert_eq!(profiles.table.get("robots").is().expect("it is found").name, "Robots");
        assert_eq!(profiles.questions(3), []);
    }
}
