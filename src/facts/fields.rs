//! The fields of an object that can be granted.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value as Json;

use super::Catalog;
use super::describe::flag;
use super::describe::listed;
use super::family::Family;
use super::family::Table;
use super::known::Policy;
use super::question::Answer;
use super::question::Question;
use crate::data;

/// The fields of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldsFact {
    /// The object's name as the org spells it.
    pub object: String,
    /// The fields that can be granted, in the order of names.
    pub fields: Vec<GrantableField>,
    /// Fields that the org has and the caller does not see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<String>,
}

/// A field that a permission set can grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantableField {
    /// Its API name.
    pub name: String,
    /// Whether editing it can be granted too.
    pub editable: bool,
}

/// The fields of objects.
///
/// An object's own describe shows its caller only those fields that the caller may see;
/// that of `FieldPermissions` lists the fields of all objects for everybody.
#[derive(Debug, Default)]
pub struct Fields {
    /// The names of all fields that an object's describe shows, by the object.
    shown: BTreeMap<String, BTreeSet<String>>,
}

impl Family for Fields {
    type Key = String;
    type Answer = FieldsFact;

    const TAG: &'static str = "fields";
    const POLICY: Policy = Policy::KeptForADay;
    const FORGETS: bool = false;

    fn describe(object: &String) -> String {
        format!("fields of `{object}`")
    }

    fn questions(&mut self, round: usize, asked: &BTreeSet<String>, _: &Catalog) -> Vec<Question> {
        if round > 0 {
            return Vec::new();
        }
        let own = asked.iter().map(|object| (object.as_str(), false));
        own.chain([("FieldPermissions", true)])
            .map(|(object, is_shared)| Question::Describe { object: object.to_owned(), is_shared })
            .collect()
    }

    fn read(
        &mut self,
        question: usize,
        answer: Answer<'_>,
        asked: &BTreeSet<String>,
        table: &mut Table<Self>,
    ) {
        let Answer::Described(described) = answer else { return };
        let Some(object) = asked.iter().nth(question) else {
            let all = described.map(fields_of_all).unwrap_or_default();
            for (object, shown) in std::mem::take(&mut self.shown) {
                if let Some(fact) = table.get_mut(&object) {
                    fact.hidden = hidden(&fact.object, &shown, &all);
                }
            }
            return;
        };
        let Some(described) = described else {
            table.insert_absent(object.clone());
            return;
        };
        let known = table.get(object).is().map(|fact| fact.fields.as_slice());
        let spelled = described.get("name").and_then(Json::as_str).unwrap_or(object).to_owned();
        let fields = grantable(object, described, known.unwrap_or_default());
        let names = listed(described, "fields").filter_map(|field| field.get("name")?.as_str());
        self.shown.insert(object.clone(), names.map(str::to_owned).collect());
        let fact = FieldsFact { object: spelled, fields, hidden: Vec::new() };
        table.insert(object.clone(), fact);
    }
}

/// The fields of a describe that a set can grant. Parts of a compound field
/// are granted by the compound; what describe calls updateable depends on the
/// caller's own access, so that editing is decided by the nature of the field
/// (Object Reference, `FieldPermissions`).
fn grantable(object: &str, described: &Json, known: &[GrantableField]) -> Vec<GrantableField> {
    // What a write taught stays known.
    let is_read_only = |name: &str| known.iter().any(|field| field.name == name && !field.editable);
    let never: BTreeSet<&str> = data::rows(data::NEVER_EDITABLE)
        .filter(|row| row[0] == object)
        .filter_map(|row| row.get(1).copied())
        .collect();
    let mut fields: Vec<GrantableField> = listed(described, "fields")
        .filter(|field| flag(field, "permissionable"))
        .filter(|field| field.get("compoundFieldName").is_none_or(Json::is_null))
        .filter_map(|field| {
            let name = field.get("name")?.as_str()?.to_owned();
            let editable = !flag(field, "calculated")
                && !flag(field, "autoNumber")
                && !never.contains(name.as_str())
                && !is_read_only(&name);
            Some(GrantableField { name, editable })
        })
        .collect();
    fields.sort_by(|left, right| left.name.cmp(&right.name));
    fields
}

/// The fields on which permissions can exist, as `Object.Field`, of all objects:
/// the values of a list, which do not depend on what the caller may see.
fn fields_of_all(described: &Json) -> BTreeSet<&str> {
    let mut fields = listed(described, "fields");
    let field = fields.find(|field| field.get("name") == Some(&Json::from("Field")));
    let values = field.map(|field| listed(field, "picklistValues"));
    values.into_iter().flatten().filter_map(|value| value.get("value")?.as_str()).collect()
}

/// Fields of an object that are listed and that its describe does not show. A
/// reference is listed by both its names, `Account` and `AccountId`.
fn hidden(object: &str, shown: &BTreeSet<String>, all: &BTreeSet<&str>) -> Vec<String> {
    let prefix = format!("{object}.");
    all.range::<&str, _>(prefix.as_str()..)
        .map_while(|name| name.strip_prefix(prefix.as_str()))
        .filter(|name| !shown.contains(*name) && !shown.contains(format!("{name}Id").as_str()))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Fields;
    use crate::facts::Known;
    use crate::facts::question::Answer;
    use crate::facts::testing::asked;

    #[test]
    fn what_the_caller_does_not_see_is_hidden_and_what_a_write_taught_stays() {
        let contact = json!({"name": "Contact", "fields": [
            {"name": "Phone", "permissionable": true},
            {"name": "Score__c", "permissionable": true, "calculated": true},
            {"name": "AccountId", "permissionable": true},
            {"name": "Id", "permissionable": false},
            {"name": "MailingCity", "permissionable": true, "compoundFieldName": "MailingAddress"},
        ]});
        let all = json!({"fields": [{"name": "Field", "picklistValues": [
            {"value": "Contact.Account"}, {"value": "Contact.Phone"}, {"value": "Contact.Pin__c"},
            {"value": "Lead.Phone"},
        ]}]});
        let mut fields = asked::<Fields>(["contact"]);
        for _ in 0..2 {
            fields.read(0, Answer::Described(Some(&contact)));
            fields.read(1, Answer::Described(Some(&all)));
            let fact = fields.table.get_mut("contact").expect("it is there");
            let known: Vec<(&str, bool)> =
                fact.fields.iter().map(|field| (field.name.as_str(), field.editable)).collect();
            let phone = fact.fields.len() == 3 && known[1].1;
            assert_eq!(known, [("AccountId", true), ("Phone", phone), ("Score__c", false)]);
            assert_eq!(
                (fact.object.as_str(), fact.hidden.as_slice()),
                ("Contact", &["Pin__c".to_owned()][..])
            );
            fact.fields[1].editable = false;
        }
        fields.read(0, Answer::Described(None));
        assert_eq!(fields.table.get("contact"), Known::Absent);
    }
}
