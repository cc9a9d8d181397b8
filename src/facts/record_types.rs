//! The record types of an object.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::Catalog;
use super::family::Family;
use super::family::Table;
use super::known::Policy;
use super::question::Answer;
use super::question::Question;
use super::question::Rows;
use crate::model::Row;
use crate::model::RowExt as _;

/// A record type that is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordTypeFact {
    /// Its developer name, with a namespace in front where there is one.
    pub name: String,
    /// Its label.
    pub label: String,
    /// Whether it can be used.
    pub is_active: bool,
}

/// The record types of objects.
#[derive(Debug, Default)]
pub struct RecordTypes;

const COLUMNS: &[&str] = &["DeveloperName", "NamespacePrefix", "Name", "SobjectType", "IsActive"];

impl Family for RecordTypes {
    type Key = String;
    type Answer = Vec<RecordTypeFact>;

    const TAG: &'static str = "record_types";
    const POLICY: Policy = Policy::KeptForADay;

    fn describe(object: &String) -> String {
        format!("record types of `{object}`")
    }

    fn questions(&mut self, round: usize, asked: &BTreeSet<String>, _: &Catalog) -> Vec<Question> {
        if round > 0 {
            return Vec::new();
        }
        Rows::keyed("RecordType", COLUMNS, "SobjectType", asked).questions()
    }

    fn read(
        &mut self,
        _: usize,
        answer: Answer<'_>,
        asked: &BTreeSet<String>,
        table: &mut Table<Self>,
    ) {
        let Answer::Row(row) = answer else { return };
        let Some(object) = row.text("SobjectType") else { return };
        let meant = asked.iter().find(|asked| asked.eq_ignore_ascii_case(object));
        if let (Some(object), Some(record_type)) = (meant, read(row)) {
            table.grown(object.clone()).push(record_type);
        }
    }

    fn unanswered() -> Option<Self::Answer> {
        Some(Vec::new())
    }
}

fn read(row: &Row) -> Option<RecordTypeFact> {
    Some(RecordTypeFact {
        name: row.packaged_name("NamespacePrefix", "DeveloperName")?,
        label: row.text("Name").unwrap_or_default().to_owned(),
        is_active: row.flag("IsActive").unwrap_or(true),
    })
}
