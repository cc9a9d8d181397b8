//! From a query to rows: names are checked first, indexed conditions narrow
//! the candidates, and the rest of the condition is evaluated row by row.

mod aggregate;
mod condition;
mod narrow;
mod project;

use std::collections::BTreeSet;

use serde_json::Value as Json;

pub use condition::holds_for_plain_row;
pub use project::field_value;

use super::query::FieldSet;
use super::query::Query;
use super::query::Selection;
use super::tokens::at_place;
use crate::local_org::error::ApiError;
use crate::local_org::row::Row;
use crate::local_org::schema::Field;
use crate::local_org::schema::Object;
use crate::local_org::schema::Schema;
use crate::local_org::schema::VIEW_ALL_FIELDS;
use crate::local_org::schema::is_with_view_all_fields;
use crate::local_org::store::Store;

/// Rows that a query may pass over (SOQL and SOSL Reference, "OFFSET").
const FURTHEST: usize = 2000;

/// What a query answers.
#[derive(Debug)]
pub struct Answer {
    /// How many rows fit.
    pub total: usize,
    /// The rows; none for `COUNT()`.
    pub records: Vec<Json>,
}

/// What a query is asked of.
pub struct Source<'a> {
    /// What is stored.
    pub store: &'a Store,
    /// The objects.
    pub schema: &'a Schema,
    /// The API version.
    pub version: &'a str,
    /// The time, as the platform writes it.
    pub now: &'a str,
    /// Further rows, that are kept nowhere.
    pub further: &'a [(&'static str, Row)],
}

/// Evaluates a query.
///
/// # Errors
/// `INVALID_TYPE` and `INVALID_FIELD`, as the platform says them.
pub fn evaluate(source: &Source<'_>, query: &Query, text: &str) -> Result<Answer, ApiError> {
    let object = source.schema.object(&query.from).ok_or_else(|| {
        ApiError::new("INVALID_TYPE", format!("sObject type '{}' is not supported.", query.from))
    })?;
    let Source { store, schema, version, now, further } = *source;
    let evaluation = Evaluation { store, schema, text, version, now, further };
    evaluation.answer(object, query, None)
}

/// A query with the fields in it that `FIELDS()` stands for.
///
/// # Errors
/// Where it stands for fields whose number is not known, and no limit is set
/// (SOQL and SOSL Reference, "FIELDS()").
pub fn expanded(
    schema: &Schema,
    version: &str,
    text: &str,
    query: Query,
) -> Result<Query, ApiError> {
    match schema.object(&query.from) {
        Some(object) => expanded_for(schema, version, text, object, query),
        None => Ok(query),
    }
}

fn expanded_for(
    schema: &Schema,
    version: &str,
    text: &str,
    object: &Object,
    query: Query,
) -> Result<Query, ApiError> {
    let mut select = Vec::new();
    for item in query.select {
        let (set, place) = match item {
            Selection::Fields(set, place) => (set, place),
            Selection::Children(children) => {
                let child = object
                    .children
                    .iter()
                    .find(|(name, ..)| name.eq_ignore_ascii_case(&children.from))
                    .and_then(|(_, child, _)| schema.object(child));
                let children = match child {
                    Some(child) => expanded_for(schema, version, text, child, *children)?,
                    None => *children,
                };
                select.push(Selection::Children(Box::new(children)));
                continue;
            }
            other => {
                select.push(other);
                continue;
            }
        };
        if set != FieldSet::Standard && query.limit.is_none_or(|limit| limit > 200) {
            let message = "The SOQL FIELDS function must have a LIMIT of at most 200";
            return Err(ApiError::new("MALFORMED_QUERY", at_place(text, place, message)));
        }
        let fields = schema.seen_fields(object, version).filter(|field| match set {
            FieldSet::All => true,
            FieldSet::Standard => !field.name.ends_with("__c"),
            FieldSet::Custom => field.name.ends_with("__c"),
        });
        select.extend(fields.map(|field| Selection::Field(field.name.clone(), place)));
    }
    Ok(Query { select, ..query })
}

struct Evaluation<'a> {
    store: &'a Store,
    schema: &'a Schema,
    text: &'a str,
    version: &'a str,
    now: &'a str,
    further: &'a [(&'static str, Row)],
}

/// A path, resolved: the references to follow, then the field.
struct Resolved<'a> {
    parents: Vec<&'a Field>,
    field: &'a Field,
}

impl<'a> Evaluation<'a> {
    fn answer(
        &self,
        object: &'a Object,
        query: &Query,
        within: Option<Vec<&'a Row>>,
    ) -> Result<Answer, ApiError> {
        self.check(object, query)?;
        let condition =
            query.condition.as_ref().map(|condition| self.settled(condition)).transpose()?;
        let is_whole = within.is_none();
        let mut candidates: Vec<&Row> = match (within, &condition) {
            (Some(rows), _) => rows,
            (None, Some(condition)) => match self.narrowed(object, condition) {
                Some(ids) => ids.iter().filter_map(|id| self.store.get(object.name, id)).collect(),
                None => self.store.all(object.name).collect(),
            },
            (None, None) => self.store.all(object.name).collect(),
        };
        if is_whole {
            candidates.extend(self.further(object.name));
        }
        let mut rows = Vec::new();
        for row in candidates {
            let fits = match &condition {
                Some(condition) => self.holds(object, row, condition)?,
                None => true,
            };
            if fits {
                rows.push(row);
            }
        }
        if aggregate::is_grouped(query) {
            return self.aggregated(object, &rows, query);
        }
        self.sort(object, &mut rows, query);
        let rows: Vec<&Row> =
            rows.into_iter().skip(query.offset).take(query.limit.unwrap_or(usize::MAX)).collect();
        if query.select == [Selection::Count] {
            return Ok(Answer { total: rows.len(), records: Vec::new() });
        }
        let records = rows
            .iter()
            .map(|row| self.project(object, row, query))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Answer { total: records.len(), records })
    }

    fn resolve(
        &self,
        object: &'a Object,
        path: &str,
        place: usize,
    ) -> Result<Resolved<'a>, ApiError> {
        let mut here = object;
        let mut parents = Vec::new();
        let mut parts: Vec<&str> = path.split('.').collect();
        // The object's own name may stand in front.
        if parts.len() > 1
            && parts[0].eq_ignore_ascii_case(object.name)
            && here.parent(parts[0]).is_none()
        {
            parts.remove(0);
        }
        let Some(last) = parts.pop() else { return Err(self.no_such_column(object, path, place)) };
        for part in parts {
            let parent = here.parent(part).ok_or_else(|| {
                ApiError::new(
                    "INVALID_FIELD",
                    at_place(
                        self.text,
                        place,
                        &format!(
                            "Didn't understand relationship '{part}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names."
                        ),
                    ),
                )
            })?;
            let target = parent.reference.as_deref().and_then(|name| self.schema.object(name));
            here = target.ok_or_else(|| self.no_such_column(here, path, place))?;
            parents.push(parent);
        }
        let field = here
            .field(last)
            .filter(|field| field.name != VIEW_ALL_FIELDS || is_with_view_all_fields(self.version))
            .ok_or_else(|| self.no_such_column(here, last, place))?;
        Ok(Resolved { parents, field })
    }

    /// The further rows of an object.
    fn further<'b>(&self, object: &'b str) -> impl Iterator<Item = &'a Row> + use<'a, 'b> {
        self.further.iter().filter(move |(held, _)| *held == object).map(|(_, row)| row)
    }

    fn no_such_column(&self, object: &Object, name: &str, place: usize) -> ApiError {
        ApiError::new(
            "INVALID_FIELD",
            at_place(
                self.text,
                place,
                &format!(
                    "No such column '{name}' on entity '{}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.",
                    object.name
                ),
            ),
        )
    }

    fn child(
        &self,
        object: &'a Object,
        query: &Query,
    ) -> Result<(&'a Object, &'static str), ApiError> {
        object
            .children
            .iter()
            .find(|(name, _, _)| name.eq_ignore_ascii_case(&query.from))
            .and_then(|(_, child, field)| Some((self.schema.object(child)?, *field)))
            .ok_or_else(|| {
                ApiError::new(
                    "INVALID_TYPE",
                    format!(
                        "Didn't understand relationship '{}' in FROM part of query call.",
                        query.from
                    ),
                )
            })
    }

    /// Checks all names before any row is looked at.
    fn check(&self, object: &'a Object, query: &Query) -> Result<(), ApiError> {
        if query.offset > FURTHEST {
            let message = format!("Maximum SOQL offset allowed is {FURTHEST}");
            return Err(ApiError::new("NUMBER_OUTSIDE_VALID_RANGE", message));
        }
        let mut selected = BTreeSet::new();
        for item in &query.select {
            match item {
                Selection::Field(path, place) => {
                    self.resolve(object, path, *place)?;
                    if !selected.insert(path.to_lowercase()) {
                        let message = format!("duplicate field selected: {path}");
                        let message = at_place(self.text, *place, &message);
                        return Err(ApiError::new("MALFORMED_QUERY", message));
                    }
                }
                Selection::Children(children) => {
                    let (child, _) = self.child(object, children)?;
                    self.check(child, children)?;
                }
                Selection::Aggregate(aggregate) => {
                    self.resolve(object, &aggregate.path, aggregate.place)?;
                }
                Selection::Count | Selection::Fields(..) => {}
            }
        }
        for (path, place) in &query.group {
            self.resolve(object, path, *place)?;
        }
        for (path, _, _) in &query.order {
            if !aggregate::is_grouped(query) {
                self.resolve(object, path, 0)?;
            }
        }
        query.condition.as_ref().map_or(Ok(()), |condition| self.check_condition(object, condition))
    }

    fn value(&self, row: &'a Row, resolved: &Resolved<'_>) -> Json {
        let mut here = row;
        for parent in &resolved.parents {
            let Some(next) = self.parent_row(here, parent) else { return Json::Null };
            here = next;
        }
        field_value(here, resolved.field)
    }

    fn parent_row(&self, row: &'a Row, parent: &Field) -> Option<&'a Row> {
        let id = row.text(&parent.name)?;
        let object = self.schema.object_of_id(id)?;
        self.store.get(object.name, id)
    }
}
