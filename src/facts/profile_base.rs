//! What a clone of a profile starts with.
//!
//! It is read from the base's document; from its row where the name in metadata is not
//! known, which tells the system permissions alone.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::Catalog;
use super::family::Family;
use super::family::Table;
use super::known::Known;
use super::known::Policy;
use super::profile_names::profile_full_name;
use super::question::Answer;
use super::question::Question;
use super::sections::PERMISSIONS;
use super::sections::is_on;
use super::sections::named_by;
use crate::model::Element;
use crate::model::Row;
use crate::model::SalesforceId;

/// What clones of profiles start with, by the profiles' names.
#[derive(Debug, Default)]
pub struct ProfileBase {
    /// Whose document was asked for in this round.
    documents: Vec<(String, SalesforceId)>,
    /// Whose row was asked for in this round.
    rows: Vec<(String, SalesforceId)>,
    /// Whose row is to be asked for, since metadata has no document of that name.
    without: Vec<(String, SalesforceId)>,
    /// Whose document was asked for in any round.
    done: BTreeSet<String>,
}

impl Family for ProfileBase {
    type Key = String;
    type Answer = Vec<Element>;

    const TAG: &'static str = "profile_base";
    const POLICY: Policy = Policy::KeptForADay;

    fn describe(name: &String) -> String {
        format!("what profile `{name}` holds")
    }

    fn questions(&mut self, _: usize, asked: &BTreeSet<String>, known: &Catalog) -> Vec<Question> {
        // Which round it is depends on when its profile is found.
        let found = asked.iter().filter(|name| !self.done.contains(*name)).filter_map(|name| {
            match known.profile.get(name) {
                Known::Is(profile) => Some((name.clone(), profile.id.clone())),
                Known::NotAsked | Known::Absent => None,
            }
        });
        self.documents = found.collect();
        self.done.extend(self.documents.iter().map(|(name, _)| name.clone()));
        self.rows = std::mem::take(&mut self.without);
        let mut questions: Vec<Question> = self
            .rows
            .iter()
            .map(|(_, id)| Question::Record { object: "Profile", id: id.clone() })
            .collect();
        if !self.documents.is_empty() {
            let names = self.documents.iter().map(|(name, _)| profile_full_name(name)).collect();
            questions.push(Question::Documents { metadata_type: "Profile", names });
        }
        questions
    }

    fn read(
        &mut self,
        question: usize,
        answer: Answer<'_>,
        _: &BTreeSet<String>,
        table: &mut Table<Self>,
    ) {
        match answer {
            Answer::Document(place, document) => {
                let Some((name, id)) = self.documents.get(place).cloned() else { return };
                match document {
                    Some(document) => table.insert(name, taken_over(&document)),
                    None => self.without.push((name, id)),
                }
            }
            Answer::Row(row) => {
                if let Some((name, _)) = self.rows.get(question) {
                    table.insert(name.clone(), taken_over(&of_row(row)));
                }
            }
            _ => {}
        }
    }
}

/// What of a base's document a clone takes over.
fn taken_over(document: &Element) -> Vec<Element> {
    let is_copied = |entry: &&Element| named_by(&entry.name).is_some() && is_on(entry);
    document.children.iter().filter(is_copied).cloned().collect()
}

/// The system permissions of a profile's row, as its document would say them.
fn of_row(row: &Row) -> Element {
    let on = |(field, value): (&String, &Json)| {
        let name = field.strip_prefix("Permissions").filter(|_| *value == Json::Bool(true))?;
        let children = vec![Element::text("enabled", "true"), Element::text("name", name)];
        Some(Element::parent(PERMISSIONS, children))
    };
    Element::parent("records", row.iter().filter_map(on).collect())
}
