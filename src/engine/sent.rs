//! What a call sends of its items, and what its answer says of each.

use super::item::Item;
use super::prepare::Body;
use crate::model::Element;
use crate::model::Row;
use crate::model::SalesforceId;
use crate::org::DocumentOutcome;
use crate::org::OrgError;
use crate::org::RecordOutcome;
use crate::org::Refused;

/// What an answer says of one op.
pub enum Sent {
    /// It is done.
    Done {
        /// The id of what was made.
        id: Option<SalesforceId>,
        /// An upsert found the document there.
        was_there: bool,
    },
    /// The org refused it.
    Refused(Refused),
    /// Its own call came to nothing.
    NotAnswered(OrgError),
}

impl From<RecordOutcome> for Sent {
    fn from(outcome: RecordOutcome) -> Self {
        match outcome {
            Ok(id) => Self::Done { id, was_there: false },
            Err(refused) => Self::Refused(refused),
        }
    }
}

/// What answers about documents say.
pub fn of_documents(outcomes: Vec<DocumentOutcome>) -> Vec<Sent> {
    let sent = |outcome: DocumentOutcome| match outcome.refused {
        Some(refused) => Sent::Refused(refused),
        None => Sent::Done { id: outcome.id, was_there: outcome.created == Some(false) },
    };
    outcomes.into_iter().map(sent).collect()
}

/// The records that items send.
pub fn records(items: &[Item]) -> Vec<&Row> {
    items
        .iter()
        .filter_map(|item| match &item.prepared.body {
            Body::Record(row) => Some(row),
            _ => None,
        })
        .collect()
}

/// The ids that items send.
pub fn ids(items: &[Item]) -> Vec<SalesforceId> {
    items
        .iter()
        .filter_map(|item| match &item.prepared.body {
            Body::Id(id) => Some(id.clone()),
            _ => None,
        })
        .collect()
}

/// The documents that items send.
pub fn documents(items: &[Item]) -> Vec<(String, Vec<Element>)> {
    items
        .iter()
        .filter_map(|item| match &item.prepared.body {
            Body::Document(name, body) => Some((name.clone(), body.clone())),
            _ => None,
        })
        .collect()
}

/// The full names that items send.
pub fn names(items: &[Item]) -> Vec<String> {
    items
        .iter()
        .filter_map(|item| match &item.prepared.body {
            Body::Name(name) => Some(name.clone()),
            _ => None,
        })
        .collect()
}

/// Whether REST does not insert records of this object at all, so that SOAP is
/// tried. By their documented calls REST inserts profiles; shipping clients use
/// SOAP for them, and only a real org can tell.
pub fn is_refused_by_rest(outcome: &RecordOutcome) -> bool {
    matches!(outcome, Err(refused) if refused.is_wholly(|refusal| matches!(
        refusal.code.as_str(),
        "METHOD_NOT_ALLOWED" | "NOT_FOUND" | "INVALID_TYPE_FOR_OPERATION"
    )))
}
