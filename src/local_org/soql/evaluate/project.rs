//! What an answer shows: rows in order, each with the fields, parents and
//! children that are selected.

use std::cmp::Ordering;

use serde_json::Map;
use serde_json::Value as Json;
use serde_json::json;

use super::Evaluation;
use super::Resolved;
use crate::local_org::error::ApiError;
use crate::local_org::row::Cell;
use crate::local_org::row::Row;
use crate::local_org::schema::Field;
use crate::local_org::schema::Object;
use crate::local_org::soql::compare::order_of;
use crate::local_org::soql::query::Query;
use crate::local_org::soql::query::Selection;

impl<'a> Evaluation<'a> {
    /// Sorts as `ORDER BY` says.
    pub(super) fn sort(&self, object: &'a Object, rows: &mut [&'a Row], query: &Query) {
        rows.sort_by(|left, right| {
            for (path, descending, nulls_last) in &query.order {
                let Ok(resolved) = self.resolve(object, path, 0) else { continue };
                let (left, right) = (self.value(left, &resolved), self.value(right, &resolved));
                let order = match (left.is_null(), right.is_null()) {
                    (true, true) => Ordering::Equal,
                    (true, false) => nulls_are(*nulls_last),
                    (false, true) => nulls_are(*nulls_last).reverse(),
                    (false, false) => {
                        let order = order_of(&left, &right);
                        if *descending { order.reverse() } else { order }
                    }
                };
                if order != Ordering::Equal {
                    return order;
                }
            }
            Ordering::Equal
        });
    }

    /// One row with what is selected of it.
    ///
    /// # Errors
    /// When a name is none.
    pub(super) fn project(
        &self,
        object: &'a Object,
        row: &'a Row,
        query: &Query,
    ) -> Result<Json, ApiError> {
        let mut record = Map::new();
        record.insert("attributes".to_owned(), self.attributes(object, row));
        for item in &query.select {
            match item {
                Selection::Aggregate(_) | Selection::Count | Selection::Fields(..) => {}
                Selection::Field(path, place) => {
                    let resolved = self.resolve(object, path, *place)?;
                    self.project_field(object, row, &resolved, &mut record);
                }
                Selection::Children(children) => {
                    let (child, field) = self.child(object, children)?;
                    let id = row.text("Id").unwrap_or_default();
                    let rows: Vec<&Row> = self
                        .store
                        .ids_by(child.name, field, id)
                        .iter()
                        .filter_map(|id| self.store.get(child.name, id))
                        .chain(self.further(child.name).filter(|row| row.text(field) == Some(id)))
                        .collect();
                    let answer = self.answer(child, children, Some(rows))?;
                    // An empty child relationship is null, as real clients see it.
                    let value = if answer.records.is_empty() {
                        Json::Null
                    } else {
                        json!({"totalSize": answer.total, "done": true, "records": answer.records})
                    };
                    let name = object
                        .children
                        .iter()
                        .find(|(name, _, _)| name.eq_ignore_ascii_case(&children.from))
                        .map_or(children.from.as_str(), |(name, _, _)| name);
                    record.insert(name.to_owned(), value);
                }
            }
        }
        Ok(Json::Object(record))
    }

    fn project_field(
        &self,
        object: &Object,
        row: &'a Row,
        resolved: &Resolved<'_>,
        into: &mut Map<String, Json>,
    ) {
        let mut here = Some(row);
        let mut level = into;
        for parent in &resolved.parents {
            let name = parent.relationship().unwrap_or_default().to_owned();
            here = here.and_then(|row| self.parent_row(row, parent));
            let Some(row) = here else {
                level.entry(name).or_insert(Json::Null);
                return;
            };
            let owner =
                row.text("Id").and_then(|id| self.schema.object_of_id(id)).unwrap_or(object);
            let attributes = self.attributes(owner, row);
            let entry = level.entry(name).or_insert_with(|| json!({"attributes": attributes}));
            let Json::Object(next) = entry else { return };
            level = next;
        }
        if let Some(row) = here {
            level.insert(resolved.field.name.clone(), field_value(row, resolved.field));
        }
    }

    fn attributes(&self, object: &Object, row: &Row) -> Json {
        let id = row.text("Id").unwrap_or_default();
        json!({
            "type": object.name,
            "url": format!("/services/data/v{}/sobjects/{}/{id}", self.version, object.name),
        })
    }
}

fn nulls_are(last: bool) -> Ordering {
    if last { Ordering::Greater } else { Ordering::Less }
}

/// A field's value; what was never set is null, or false for a boolean.
pub fn field_value(row: &Row, field: &Field) -> Json {
    match row.get(&field.name) {
        None | Some(Cell::Null) if field.kind == "boolean" => Json::Bool(false),
        Some(value) => value.to_json(),
        None => Json::Null,
    }
}
