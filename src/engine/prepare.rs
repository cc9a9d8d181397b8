//! Ops with their ids put in: what a call sends of them.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::model::Address;
use crate::model::Awaited;
use crate::model::Element;
use crate::model::FieldValue;
use crate::model::IdReference;
use crate::model::Op;
use crate::model::Row;
use crate::model::SalesforceId;
use crate::model::Write;

/// An op with its ids put in.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Its place in the plan.
    pub op: usize,
    /// Its resource.
    pub address: Address,
    /// What is sent.
    pub body: Body,
}

/// What an op sends.
#[derive(Clone, Debug)]
pub enum Body {
    /// The fields of a record.
    Record(Row),
    /// A record's id.
    Id(SalesforceId),
    /// A document's full name and elements.
    Document(String, Vec<Element>),
    /// A document's full name.
    Name(String),
    /// What is looked at.
    Awaited(Awaited),
}

/// Gives the id that a reference stands for, or the address whose id is not known.
type IdOf<'a> = &'a mut dyn FnMut(&IdReference) -> Result<SalesforceId, Address>;

/// Puts ids into an op's write.
///
/// # Errors
/// The address whose id is not known.
pub fn prepare(
    index: usize,
    op: &Op,
    id_of: &mut dyn FnMut(&Address) -> Option<SalesforceId>,
) -> Result<Prepared, Address> {
    let mut id = |reference: &IdReference| match reference {
        IdReference::Known(id) => Ok(id.clone()),
        IdReference::Of(address) => id_of(address).ok_or_else(|| address.clone()),
    };
    let record = |fields: &[(Cow<'static, str>, FieldValue)], id: IdOf<'_>| {
        let mut row = Row::new();
        for (name, value) in fields {
            let value = match value {
                FieldValue::Text(text) => Json::String(text.clone()),
                FieldValue::Flag(flag) => Json::Bool(*flag),
                FieldValue::Number(number) => {
                    serde_json::from_str(number).unwrap_or_else(|_| Json::from(number.as_str()))
                }
                FieldValue::Null => Json::Null,
                FieldValue::Id(reference) => Json::String(id(reference)?.to_string()),
            };
            row.insert(name.to_string(), value);
        }
        Ok::<Row, Address>(row)
    };
    let body = match &op.write {
        Write::Insert { fields, .. } => Body::Record(record(fields, &mut id)?),
        Write::Update { id: of, fields, .. } => {
            let mut row = Row::new();
            row.insert("Id".to_owned(), Json::String(id(of)?.to_string()));
            row.extend(record(fields, &mut id)?);
            Body::Record(row)
        }
        Write::Delete { id: of, .. } | Write::ResetPassword { id: of } => Body::Id(id(of)?),
        Write::UpsertDocument { full_name, body, .. }
        | Write::UpdateDocument { full_name, body, .. } => {
            Body::Document(full_name.clone(), body.clone())
        }
        Write::DeleteDocument { full_name, .. } => Body::Name(full_name.clone()),
        Write::Await(awaited) => Body::Awaited(awaited.as_ref().clone()),
    };
    Ok(Prepared { op: index, address: op.address.clone(), body })
}
