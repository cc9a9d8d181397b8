//! From a query to rows: names are checked first, indexed conditions narrow
//! the candidates, and the rest of the condition is evaluated row by row.

mod aggregate;
mod project;

use std::collections::BTreeSet;

use serde_json::Value as Json;

pub use project::field_value;

use super::compare::compare;
use super::parse::Condition;
use super::parse::FieldSet;
use super::parse::Literal;
use super::parse::Operator;
use super::parse::Query;
use super::parse::Selection;
use super::parse::at_place;
use crate::local_org::error::ApiError;
use crate::local_org::schema::Field;
use crate::local_org::schema::Object;
use crate::local_org::schema::Schema;
use crate::local_org::schema::VIEW_ALL_FIELDS;
use crate::local_org::schema::is_with_view_all_fields;
use crate::local_org::store::Row;
use crate::local_org::store::Store;
use crate::local_org::store::normal_id;

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
    let Some(object) = schema.object(&query.from) else { return Ok(query) };
    let mut select = Vec::new();
    for item in query.select {
        let Selection::Fields(set, place) = item else {
            select.push(item);
            continue;
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

    /// The condition with what other queries select put in, so that each of
    /// them runs once.
    fn settled(&self, condition: &Condition) -> Result<Condition, ApiError> {
        let all = |parts: &[Condition]| {
            parts.iter().map(|part| self.settled(part)).collect::<Result<Vec<_>, _>>()
        };
        Ok(match condition {
            Condition::And(parts) => Condition::And(all(parts)?),
            Condition::Or(parts) => Condition::Or(all(parts)?),
            Condition::Not(inner) => Condition::Not(Box::new(self.settled(inner)?)),
            Condition::Semi(path, positive, query, place) => {
                let other = self
                    .schema
                    .object(&query.from)
                    .ok_or_else(|| ApiError::unknown_object(&query.from))?;
                let Some(Selection::Field(selected, at)) = query.select.first() else {
                    return Err(ApiError::new("MALFORMED_QUERY", "a semi-join selects one field"));
                };
                let field = self.resolve(other, selected, *at)?.field.name.clone();
                let answer = self.answer(other, query, None)?;
                let values: BTreeSet<&str> = answer
                    .records
                    .iter()
                    .filter_map(|record| record.get(&field).and_then(Json::as_str))
                    .collect();
                let list =
                    values.into_iter().map(|value| Literal::Text(value.to_owned())).collect();
                Condition::In(path.clone(), *positive, list, *place)
            }
            Condition::Compare(path, operator, Literal::Days(from, to), place) => {
                let range = Literal::Range(self.day(*from), self.day(*to));
                Condition::Compare(path.clone(), *operator, range, *place)
            }
            other => other.clone(),
        })
    }

    /// The day that is so many days from today, as the platform writes it.
    fn day(&self, days: i64) -> String {
        let today = format!("{}T00:00:00Z", self.now.get(..10).unwrap_or_default());
        let today: jiff::Timestamp = today.parse().unwrap_or_default();
        super::super::timestamp(today.as_second() + days * 86_400)
            .get(..10)
            .unwrap_or_default()
            .to_owned()
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
        for item in &query.select {
            match item {
                Selection::Field(path, place) => {
                    self.resolve(object, path, *place)?;
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

    fn check_condition(&self, object: &'a Object, condition: &Condition) -> Result<(), ApiError> {
        match condition {
            Condition::And(parts) | Condition::Or(parts) => {
                parts.iter().try_for_each(|part| self.check_condition(object, part))
            }
            Condition::Not(inner) => self.check_condition(object, inner),
            Condition::Compare(path, _, literal, place) => {
                let resolved = self.resolve(object, path, *place)?;
                self.check_type(resolved.field, literal, *place)
            }
            Condition::In(path, _, list, place) => {
                let resolved = self.resolve(object, path, *place)?;
                list.iter().try_for_each(|literal| self.check_type(resolved.field, literal, *place))
            }
            Condition::Semi(path, _, query, place) => {
                self.resolve(object, path, *place)?;
                let other = self.schema.object(&query.from).ok_or_else(|| {
                    ApiError::new(
                        "INVALID_TYPE",
                        format!("sObject type '{}' is not supported.", query.from),
                    )
                })?;
                self.check(other, query)
            }
        }
    }

    fn check_type(&self, field: &Field, literal: &Literal, place: usize) -> Result<(), ApiError> {
        let fits = match (field.kind.as_str(), literal) {
            (_, Literal::Null) => true,
            ("boolean", literal) => matches!(literal, Literal::Flag(_)),
            ("int" | "double" | "currency" | "percent", literal) => {
                matches!(literal, Literal::Number(_))
            }
            ("date" | "datetime", literal) => {
                matches!(literal, Literal::Time(_) | Literal::Days(..))
            }
            (_, literal) => matches!(literal, Literal::Text(_)),
        };
        if fits {
            return Ok(());
        }
        let message = format!(
            "filter criteria must be of type {} and the value has another type: {}",
            field.kind, field.name
        );
        Err(ApiError::new("INVALID_FIELD", at_place(self.text, place, &message)))
    }

    /// The ids that an indexed part of the condition leaves; `None` where
    /// nothing is indexed.
    fn narrowed(&self, object: &'a Object, condition: &Condition) -> Option<BTreeSet<String>> {
        match condition {
            Condition::And(parts) => {
                let mut best: Option<BTreeSet<String>> = None;
                for part in parts {
                    if let Some(ids) = self.narrowed(object, part)
                        && best.as_ref().is_none_or(|held| ids.len() < held.len())
                    {
                        best = Some(ids);
                    }
                }
                best
            }
            Condition::Or(parts) => {
                let mut all = BTreeSet::new();
                for part in parts {
                    all.extend(self.narrowed(object, part)?);
                }
                Some(all)
            }
            Condition::Compare(path, Operator::Equal, Literal::Text(text), _) => {
                self.found(object, path, std::slice::from_ref(text))
            }
            Condition::In(path, true, list, _) => {
                let texts: Option<Vec<String>> = list
                    .iter()
                    .map(|literal| match literal {
                        Literal::Text(text) => Some(text.clone()),
                        _ => None,
                    })
                    .collect();
                self.found(object, path, &texts?)
            }
            _ => None,
        }
    }

    /// The ids of rows whose value at an indexed path is one of these.
    fn found(&self, object: &'a Object, path: &str, texts: &[String]) -> Option<BTreeSet<String>> {
        let resolved = self.resolve(object, path, 0).ok()?;
        let mut owners = vec![object];
        for parent in &resolved.parents {
            owners.push(self.schema.object(parent.reference.as_deref()?)?);
        }
        let owner = owners.last()?;
        let mut ids: BTreeSet<String> = if resolved.field.name == "Id" {
            texts
                .iter()
                .map(|text| normal_id(text))
                .filter(|id| self.store.get(owner.name, id).is_some())
                .collect()
        } else if Store::is_indexed(owner.name, &resolved.field.name) {
            texts
                .iter()
                .flat_map(|text| {
                    self.store.ids_by(
                        owner.name,
                        &resolved.field.name,
                        &Self::comparable(resolved.field, text),
                    )
                })
                .collect()
        } else {
            return None;
        };
        for (parent, owner) in resolved.parents.iter().zip(&owners).rev() {
            if !Store::is_indexed(owner.name, &parent.name) {
                return None;
            }
            ids =
                ids.iter().flat_map(|id| self.store.ids_by(owner.name, &parent.name, id)).collect();
        }
        Some(ids)
    }

    fn comparable(field: &Field, text: &str) -> String {
        if field.kind == "reference" || field.kind == "id" {
            normal_id(text)
        } else {
            text.to_owned()
        }
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
        let id = row.get(&parent.name)?.as_str()?;
        let object = self.schema.object_of_id(id)?;
        self.store.get(object.name, id)
    }

    fn holds(
        &self,
        object: &'a Object,
        row: &'a Row,
        condition: &Condition,
    ) -> Result<bool, ApiError> {
        Ok(match condition {
            Condition::And(parts) => {
                for part in parts {
                    if !self.holds(object, row, part)? {
                        return Ok(false);
                    }
                }
                true
            }
            Condition::Or(parts) => {
                for part in parts {
                    if self.holds(object, row, part)? {
                        return Ok(true);
                    }
                }
                false
            }
            Condition::Not(inner) => !self.holds(object, row, inner)?,
            Condition::Compare(path, operator, literal, place) => {
                let resolved = self.resolve(object, path, *place)?;
                let value = self.value(row, &resolved);
                compare(&value, *operator, literal, resolved.field)
            }
            Condition::In(path, positive, list, place) => {
                let resolved = self.resolve(object, path, *place)?;
                let value = self.value(row, &resolved);
                let is_in = list
                    .iter()
                    .any(|literal| compare(&value, Operator::Equal, literal, resolved.field));
                is_in == *positive
            }
            // Put in as a list before any row is looked at.
            Condition::Semi(..) => false,
        })
    }
}

/// Whether a condition holds for a row of texts that is in no table.
pub fn holds_for_plain_row(row: &Json, condition: &Condition) -> bool {
    let is = |path: &str, literal: &Literal| match literal {
        Literal::Text(text) => {
            row.get(path).and_then(Json::as_str).is_some_and(|held| held.eq_ignore_ascii_case(text))
        }
        _ => false,
    };
    match condition {
        Condition::And(parts) => parts.iter().all(|part| holds_for_plain_row(row, part)),
        Condition::Or(parts) => parts.iter().any(|part| holds_for_plain_row(row, part)),
        Condition::Not(inner) => !holds_for_plain_row(row, inner),
        Condition::Compare(path, Operator::Equal, literal, _) => is(path, literal),
        Condition::Compare(path, Operator::NotEqual, literal, _) => !is(path, literal),
        Condition::In(path, positive, list, _) => {
            list.iter().any(|literal| is(path, literal)) == *positive
        }
        Condition::Compare(..) | Condition::Semi(..) => false,
    }
}
