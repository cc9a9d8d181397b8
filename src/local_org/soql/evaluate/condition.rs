//! Whether a row fits a condition: its names and types are checked first, what
//! other queries select is put in once, and then it is held to each row.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::Evaluation;
use crate::local_org::error::ApiError;
use crate::local_org::row::Row;
use crate::local_org::schema::Field;
use crate::local_org::schema::Object;
use crate::local_org::soql::compare::compare;
use crate::local_org::soql::query::Condition;
use crate::local_org::soql::query::Literal;
use crate::local_org::soql::query::Operator;
use crate::local_org::soql::query::Selection;
use crate::local_org::soql::tokens::at_place;
use crate::local_org::timestamp;

impl<'a> Evaluation<'a> {
    /// The condition with what other queries select put in, so that each of
    /// them runs once.
    pub(super) fn settled(&self, condition: &Condition) -> Result<Condition, ApiError> {
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
    pub(super) fn day(&self, days: i64) -> String {
        let today = format!("{}T00:00:00Z", self.now.get(..10).unwrap_or_default());
        let today: jiff::Timestamp = today.parse().unwrap_or_default();
        timestamp(today.as_second() + days * 86_400).get(..10).unwrap_or_default().to_owned()
    }

    pub(super) fn check_condition(
        &self,
        object: &'a Object,
        condition: &Condition,
    ) -> Result<(), ApiError> {
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

    pub(super) fn check_type(
        &self,
        field: &Field,
        literal: &Literal,
        place: usize,
    ) -> Result<(), ApiError> {
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
        if let ("id" | "reference", Literal::Text(text)) = (field.kind.as_str(), literal) {
            let is_id = matches!(text.len(), 15 | 18)
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if !is_id && !text.is_empty() {
                let message = at_place(self.text, place, &format!("invalid ID field: {text}"));
                return Err(ApiError::new("INVALID_QUERY_FILTER_OPERATOR", message));
            }
        }
        if fits {
            return Ok(());
        }
        let message = format!(
            "filter criteria must be of type {} and the value has another type: {}",
            field.kind, field.name
        );
        Err(ApiError::new("INVALID_FIELD", at_place(self.text, place, &message)))
    }

    pub(super) fn holds(
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
