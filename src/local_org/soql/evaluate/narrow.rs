//! Which rows can fit a condition at all, by the indexes of the store.

use std::collections::BTreeSet;

use super::Evaluation;
use crate::local_org::ids::normal_id;
use crate::local_org::schema::Field;
use crate::local_org::schema::Object;
use crate::local_org::soql::query::Condition;
use crate::local_org::soql::query::Literal;
use crate::local_org::soql::query::Operator;
use crate::local_org::store::Store;

impl<'a> Evaluation<'a> {
    /// The ids that an indexed part of the condition leaves; `None` where
    /// nothing is indexed.
    pub(super) fn narrowed(
        &self,
        object: &'a Object,
        condition: &Condition,
    ) -> Option<BTreeSet<String>> {
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
    pub(super) fn found(
        &self,
        object: &'a Object,
        path: &str,
        texts: &[String],
    ) -> Option<BTreeSet<String>> {
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

    pub(super) fn comparable(field: &Field, text: &str) -> String {
        if field.kind == "reference" || field.kind == "id" {
            normal_id(text)
        } else {
            text.to_owned()
        }
    }
}
