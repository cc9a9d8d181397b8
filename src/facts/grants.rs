//! What a profile, permission set or group that is not managed grants.

use crate::model::KindName;
use crate::model::ObjectAccess;
use crate::model::PackagedName;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::Catalog;
use super::family::Family;
use super::family::Table;
use super::known::Policy;
use super::question::Answer;
use super::question::Question;
use super::question::Rows;
use crate::model::Address;
use crate::model::Filter;
use crate::model::Grants as Granted;
use crate::model::Row;
use crate::model::RowExt as _;
use crate::model::SalesforceId;

const SET_COLUMNS: &[&str] = &["Id", "Name", "NamespacePrefix", "IsOwnedByProfile", "Profile.Name"];
const GROUP_COLUMNS: &[&str] =
    &["Id", "PermissionSetGroup.DeveloperName", "PermissionSetGroup.NamespacePrefix"];
const OBJECT_COLUMNS: &[&str] = &[
    "ParentId",
    "SobjectType",
    "PermissionsRead",
    "PermissionsCreate",
    "PermissionsEdit",
    "PermissionsDelete",
    "PermissionsViewAllRecords",
    "PermissionsModifyAllRecords",
    "PermissionsViewAllFields",
];
const FIELD_COLUMNS: &[&str] = &["ParentId", "Field", "PermissionsEdit", "PermissionsRead"];
/// What profiles, sets and groups grant. What a group grants, without what it mutes, is in
/// a permission set that the org keeps (Object Reference, `PermissionSetGroup`).
#[derive(Debug, Default)]
pub struct Grants {
    /// What is asked for, by the ids of the permission sets that hold its grants.
    things: BTreeMap<SalesforceId, Address>,
    reading: GrantsOfSets,
}

impl Family for Grants {
    type Key = Address;
    type Answer = Granted;

    const TAG: &'static str = "grants";
    const POLICY: Policy = Policy::ForExplanations;

    fn describe(address: &Address) -> String {
        format!("what {address} grants")
    }

    fn questions(&mut self, round: usize, asked: &BTreeSet<Address>, _: &Catalog) -> Vec<Question> {
        match round {
            0 => sets_of(asked),
            1 => self.reading.questions(self.things.keys().cloned().collect()),
            _ => Vec::new(),
        }
    }

    fn read(
        &mut self,
        question: usize,
        answer: Answer<'_>,
        asked: &BTreeSet<Address>,
        table: &mut Table<Self>,
    ) {
        let Answer::Row(row) = answer else { return };
        if self.reading.ids.is_empty() {
            let id = row.text("Id").and_then(SalesforceId::parse);
            if let (Some(id), Some(thing)) = (id, source("", row))
                && asked.contains(&thing)
            {
                self.things.insert(id, thing);
            }
            return;
        }
        if let Some((id, part)) = self.reading.read(question, row)
            && let Some(thing) = self.things.get(&id)
        {
            add(table.grown(thing.clone()), part);
        }
    }
}

/// What is asked to find the permission sets that hold the grants of these.
fn sets_of(things: &BTreeSet<Address>) -> Vec<Question> {
    let of_kind = |kind: KindName| things.iter().filter(move |thing| thing.is(kind));
    let bare = |thing: &Address| PackagedName::of(thing.name()).bare.to_owned();
    let sets: BTreeSet<String> = of_kind(KindName::PERMISSION_SET).map(bare).collect();
    let profiles: Vec<String> =
        of_kind(KindName::PROFILE).map(|thing| thing.name().to_owned()).collect();
    let groups: BTreeSet<String> = of_kind(KindName::PERMISSION_SET_GROUP).map(bare).collect();
    let of_group = "PermissionSetGroup.DeveloperName";
    [
        Rows::keyed("PermissionSet", SET_COLUMNS, "Name", &sets)
            .filtered(&[Filter::IsFalse("IsOwnedByProfile")]),
        Rows::keyed("PermissionSet", SET_COLUMNS, "Profile.Name", &profiles)
            .filtered(&[Filter::IsTrue("IsOwnedByProfile")]),
        Rows::keyed("PermissionSet", GROUP_COLUMNS, of_group, &groups),
    ]
    .into_iter()
    .flat_map(Rows::questions)
    .collect()
}

/// The profile, set or group that a row of `PermissionSet`, or one that refers to it by a
/// path such as `PermissionSet.`, is about.
pub fn source(path: &str, row: &Row) -> Option<Address> {
    let at = |name: &str| row.text(&format!("{path}{name}"));
    if let Some(bare) = at("PermissionSetGroup.DeveloperName") {
        let name = PackagedName { namespace: at("PermissionSetGroup.NamespacePrefix"), bare };
        return Some(Address::new(KindName::PERMISSION_SET_GROUP, &name.to_string()));
    }
    if row.flag(&format!("{path}IsOwnedByProfile")) == Some(true) {
        return Some(Address::new(KindName::PROFILE, at("Profile.Name")?));
    }
    let name = PackagedName { namespace: at("NamespacePrefix"), bare: at("Name")? };
    Some(Address::new(KindName::PERMISSION_SET, &name.to_string()))
}

/// Reads what the permission sets of given ids grant.
#[derive(Debug, Default)]
pub struct GrantsOfSets {
    ids: Vec<SalesforceId>,
}

impl GrantsOfSets {
    /// The questions: the row of each, which has the system permissions, and the rows of
    /// objects and fields.
    pub fn questions(&mut self, ids: BTreeSet<SalesforceId>) -> Vec<Question> {
        self.ids = ids.into_iter().collect();
        let keys: Vec<String> = self.ids.iter().map(ToString::to_string).collect();
        let records =
            self.ids.iter().map(|id| Question::Record { object: "PermissionSet", id: id.clone() });
        let rows = [
            Rows::keyed("ObjectPermissions", OBJECT_COLUMNS, "ParentId", &keys),
            Rows::keyed("FieldPermissions", FIELD_COLUMNS, "ParentId", &keys),
        ];
        records.chain(rows.into_iter().flat_map(Rows::questions)).collect()
    }

    /// What a row for one of these questions says: of which set, and a part of what it
    /// grants.
    pub fn read(&self, question: usize, row: &Row) -> Option<(SalesforceId, Granted)> {
        let mut granted = Granted::default();
        if let Some(id) = self.ids.get(question) {
            let on = |(field, value): (&String, &Json)| {
                let name = field.strip_prefix("Permissions")?;
                (*value == Json::Bool(true)).then(|| name.to_owned())
            };
            granted.system = row.iter().filter_map(on).collect();
            return Some((id.clone(), granted));
        }
        let parent = SalesforceId::parse(row.text("ParentId")?)?;
        if question == self.ids.len() {
            let object = row.text("SobjectType")?;
            let is_on = |access: &ObjectAccess| row.flag(access.column()) == Some(true);
            let on = ObjectAccess::ALL.into_iter().filter(is_on).collect();
            granted.objects.insert(object.to_owned(), on);
        } else {
            let (object, field) = row.text("Field")?.split_once('.')?;
            if row.flag("PermissionsRead") == Some(true) {
                let edit = row.flag("PermissionsEdit") == Some(true);
                let fields = BTreeMap::from([(field.to_owned(), edit)]);
                granted.fields.insert(object.to_owned(), fields);
            }
        }
        Some((parent, granted))
    }
}

/// Adds a part to what something grants.
pub fn add(granted: &mut Granted, part: Granted) {
    granted.system.extend(part.system);
    for (object, words) in part.objects {
        granted.objects.entry(object).or_default().extend(words);
    }
    for (object, fields) in part.fields {
        granted.fields.entry(object).or_default().extend(fields);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Grants;
    use crate::facts::question::Question;
    use crate::facts::testing::asked;
    use crate::model::Address;

    #[test]
    fn grants_come_from_the_set_its_objects_and_its_fields() {
        let base = Address::new("permission_set", "Base");
        let mut grants = asked::<Grants>([base.clone()]);
        assert_eq!(grants.questions(0).len(), 1, "no profile and no group is asked for");
        let id = "0PS000000000001AAA";
        grants.rows(0, json!([{"Id": id, "Name": "Base", "IsOwnedByProfile": false}]));
        let questions = grants.questions(1);
        assert!(matches!(
            questions[..],
            [Question::Record { .. }, Question::Rows(_), Question::Rows(_)]
        ));
        grants.rows(
            0,
            json!([{"Id": id, "PermissionsApiEnabled": true, "PermissionsEditTask": false}]),
        );
        grants.rows(1, json!([
            {"ParentId": id, "SobjectType": "Lead", "PermissionsRead": true, "PermissionsEdit": true},
            {"ParentId": "0PS000000000009AAA", "SobjectType": "Case", "PermissionsRead": true},
        ]));
        grants.rows(2, json!([
            {"ParentId": id, "Field": "Lead.Phone", "PermissionsRead": true, "PermissionsEdit": false},
            {"ParentId": id, "Field": "Lead.Email", "PermissionsRead": false},
        ]));
        let granted = grants.table.get(&base).is().expect("an answer");
        let shown = serde_json::to_string(granted).expect("JSON");
        insta::assert_snapshot!(shown, @r#"{"system":["ApiEnabled"],"objects":{"Lead":["edit","read"]},"fields":{"Lead":{"Phone":false}}}"#);
    }
}
