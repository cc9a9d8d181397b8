//! Rows put together: one answer for each group of them, with what is counted
//! or worked out (SOQL and SOSL Reference, "GROUP BY", "Aggregate Functions").

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value as Json;
use serde_json::json;

use super::Answer;
use super::Evaluation;
use crate::local_org::error::ApiError;
use crate::local_org::row::Row;
use crate::local_org::schema::Object;
use crate::local_org::soql::compare::order_of;
use crate::local_org::soql::query::Aggregate;
use crate::local_org::soql::query::Function;
use crate::local_org::soql::query::Query;
use crate::local_org::soql::query::Selection;
use crate::local_org::soql::tokens::at_place;

/// Whether a query puts rows together.
pub fn is_grouped(query: &Query) -> bool {
    !query.group.is_empty()
        || query.select.iter().any(|item| matches!(item, Selection::Aggregate(_)))
}

impl<'a> Evaluation<'a> {
    /// One answer for each group of rows, the groups in the order of their
    /// values or as `ORDER BY` says.
    ///
    /// # Errors
    /// When a field is selected that the groups don't have.
    pub(super) fn aggregated(
        &self,
        object: &'a Object,
        rows: &[&'a Row],
        query: &Query,
    ) -> Result<Answer, ApiError> {
        let keys = query
            .group
            .iter()
            .map(|(path, place)| self.resolve(object, path, *place))
            .collect::<Result<Vec<_>, _>>()?;
        let mut groups: BTreeMap<Vec<String>, Vec<&'a Row>> = BTreeMap::new();
        if keys.is_empty() {
            groups.insert(Vec::new(), Vec::new());
        }
        for row in rows {
            // Texts that differ in case alone are one group.
            let key =
                keys.iter().map(|key| self.value(row, key).to_string().to_lowercase()).collect();
            groups.entry(key).or_default().push(row);
        }
        let mut records = Vec::new();
        for rows in groups.values() {
            records.push(self.of_group(object, rows, query)?);
        }
        for (path, descending, _) in query.order.iter().rev() {
            let name = self.name_in_answer(object, path, query)?;
            records.sort_by(|left: &Json, right: &Json| {
                let order = order_of(&left[&name], &right[&name]);
                if *descending { order.reverse() } else { order }
            });
        }
        let records: Vec<Json> = records
            .into_iter()
            .skip(query.offset)
            .take(query.limit.unwrap_or(usize::MAX))
            .collect();
        Ok(Answer { total: records.len(), records })
    }

    /// Under which name an answer has what it is to be ordered by: an alias, or a
    /// field by which the rows are grouped.
    fn name_in_answer(
        &self,
        object: &'a Object,
        path: &str,
        query: &Query,
    ) -> Result<String, ApiError> {
        let alias = query.select.iter().find_map(|item| match item {
            Selection::Aggregate(aggregate) => {
                aggregate.alias.clone().filter(|alias| alias.eq_ignore_ascii_case(path))
            }
            _ => None,
        });
        if let Some(alias) = alias {
            return Ok(alias);
        }
        match query.group.iter().find(|(held, _)| held.eq_ignore_ascii_case(path)) {
            Some((path, place)) => Ok(self.resolve(object, path, *place)?.field.name.clone()),
            None => {
                let message = format!("Ordered field must be grouped or aggregated: {path}");
                Err(ApiError::new("MALFORMED_QUERY", at_place(self.text, 0, &message)))
            }
        }
    }

    fn of_group(
        &self,
        object: &'a Object,
        rows: &[&'a Row],
        query: &Query,
    ) -> Result<Json, ApiError> {
        let mut record = Map::new();
        record.insert("attributes".to_owned(), json!({"type": "AggregateResult"}));
        let mut unnamed = 0;
        for item in &query.select {
            match item {
                Selection::Field(path, place) => {
                    let is_key =
                        query.group.iter().any(|(held, _)| held.eq_ignore_ascii_case(path));
                    if !is_key {
                        let message = format!("Field must be grouped or aggregated: {path}");
                        let message = at_place(self.text, *place, &message);
                        return Err(ApiError::new("MALFORMED_QUERY", message));
                    }
                    let resolved = self.resolve(object, path, *place)?;
                    let value = rows.first().map_or(Json::Null, |row| self.value(row, &resolved));
                    let name = resolved.field.name.clone();
                    if record.contains_key(&name) {
                        let message = format!("duplicate alias: {name}");
                        let message = at_place(self.text, *place, &message);
                        return Err(ApiError::new("MALFORMED_QUERY", message));
                    }
                    record.insert(name, value);
                }
                Selection::Aggregate(aggregate) => {
                    let name = aggregate.alias.clone().unwrap_or_else(|| {
                        unnamed += 1;
                        format!("expr{}", unnamed - 1)
                    });
                    record.insert(name, self.worked_out(object, rows, aggregate)?);
                }
                Selection::Count => {
                    record.insert(format!("expr{unnamed}"), json!(rows.len()));
                    unnamed += 1;
                }
                Selection::Children(_) | Selection::Fields(..) => {}
            }
        }
        Ok(Json::Object(record))
    }

    fn worked_out(
        &self,
        object: &'a Object,
        rows: &[&'a Row],
        aggregate: &Aggregate,
    ) -> Result<Json, ApiError> {
        let resolved = self.resolve(object, &aggregate.path, aggregate.place)?;
        let values: Vec<Json> = rows
            .iter()
            .map(|row| self.value(row, &resolved))
            .filter(|value| !value.is_null())
            .collect();
        let number = |value: &Json| value.as_f64().unwrap_or(0.0);
        let sum: f64 = values.iter().map(number).sum();
        Ok(match aggregate.function {
            Function::Count => json!(values.len()),
            Function::CountDistinct => {
                let distinct: BTreeSet<String> =
                    values.iter().map(|value| value.to_string().to_lowercase()).collect();
                json!(distinct.len())
            }
            Function::Least => values.into_iter().min_by(order_of).unwrap_or(Json::Null),
            Function::Greatest => values.into_iter().max_by(order_of).unwrap_or(Json::Null),
            Function::Sum if values.is_empty() => Json::Null,
            Function::Sum => json!(sum),
            Function::Average if values.is_empty() => Json::Null,
            Function::Average => {
                let count = u32::try_from(values.len()).unwrap_or(u32::MAX);
                json!(sum / f64::from(count))
            }
        })
    }
}
