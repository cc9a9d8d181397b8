//! What became of ops of which no answer tells: the org is read, by natural key.
//!
//! What a plan found absent, what was announced before its call left, and what is
//! there now is our own, unless the org says that somebody else made it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;

use tracing::debug;

use super::EngineError;
use super::effect::Confirmed;
use super::observe::observe_some;
use crate::kinds;
use crate::model::Address;
use crate::model::Observed;
use crate::model::Op;
use crate::model::RowExt as _;
use crate::model::SalesforceId;
use crate::model::Write;
use crate::org::DOCUMENTS_OF_ONE_CALL;
use crate::org::Org;
use crate::org::keyed_queries;

/// Objects whose records tell who made them (Object Reference: `CreatedById`;
/// assignments and memberships have none).
const WITH_MAKER: [&str; 6] = [
    "PermissionSet",
    "PermissionSetGroup",
    "PermissionSetLicenseAssign",
    "Profile",
    "User",
    "UserPackageLicense",
];

/// What the org shows of an op.
#[derive(Clone, Debug)]
pub enum Shown {
    /// It was done.
    Done(Confirmed),
    /// It is not done now; a call that is still on its way may do it yet.
    NotDone,
    /// Nothing in the org tells.
    Never,
}

/// Looks at what ops without a known outcome did, in their order.
///
/// # Errors
/// When the org can't be asked.
pub async fn look(org: &Org, ops: &[&Op]) -> Result<Vec<Shown>, EngineError> {
    let asked = ops.iter().filter(|op| !matches!(op.write, Write::ResetPassword { .. }));
    let asked: Vec<Address> = asked.map(|op| op.address.clone()).collect();
    if asked.is_empty() {
        return Ok(ops.iter().map(|_| Shown::Never).collect());
    }
    let found = observe_some(org, asked).await?;
    let others = made_by_others(org, ops, &found).await?;
    let documents = deleted_documents(org, ops).await?;
    let shown = ops.iter().map(|op| match &op.write {
        // A document may be a part of what its op is about: it is looked at itself.
        Write::DeleteDocument { metadata_type, full_name } => {
            if documents.contains(&(metadata_type.as_ref(), full_name.as_str())) {
                Shown::NotDone
            } else {
                Shown::Done(Confirmed::default())
            }
        }
        _ => shown(op, found.get(&op.address), others.contains_key(&op.address)),
    });
    let shown: Vec<Shown> = shown.collect();
    for (op, shown) in ops.iter().zip(&shown) {
        debug!(address = %op.address, step = op.step.as_str(), ?shown, "settles by looking");
    }
    Ok(shown)
}

/// Documents that ops were to delete, and that are there.
async fn deleted_documents<'a>(
    org: &Org,
    ops: &[&'a Op],
) -> Result<BTreeSet<(&'a str, &'a str)>, EngineError> {
    let mut by_type: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for op in ops {
        if let Write::DeleteDocument { metadata_type, full_name } = &op.write {
            by_type.entry(metadata_type).or_default().push(full_name);
        }
    }
    let mut there = BTreeSet::new();
    for (metadata_type, names) in by_type {
        for some in names.chunks(DOCUMENTS_OF_ONE_CALL) {
            let texts: Vec<String> = some.iter().map(|name| (*name).to_owned()).collect();
            let read = org.read_documents(metadata_type, &texts).await?;
            let found = some.iter().zip(read).filter(|(_, document)| document.is_some());
            there.extend(found.map(|(name, _)| (metadata_type, *name)));
        }
    }
    Ok(there)
}

/// What the org shows of an op.
fn shown(op: &Op, found: Option<&Observed>, is_of_others: bool) -> Shown {
    let Some(kind) = kinds::of(&op.address) else { return Shown::NotDone };
    let effect = &op.effect;
    match (&op.write, found) {
        (Write::ResetPassword { .. }, _) => Shown::Never,
        (_, None) if effect.forget => Shown::Done(Confirmed::default()),
        (_, None) => Shown::NotDone,
        // It was renamed on its way out: what is found has the old name still.
        (_, Some(_)) if effect.forget => Shown::NotDone,
        (_, Some(observed)) if effect.creates.is_some() || effect.gives_again => {
            let read_back = kind.document().map(|_| observed.clone());
            let was_there = is_of_others;
            let id = observed.id.clone();
            Shown::Done(Confirmed { id, read_back, was_there, ..Confirmed::default() })
        }
        (_, Some(observed)) => {
            let held = kind.comparison().comparable(&observed.attributes, &effect.confirm);
            let holds = effect.confirm.iter().all(|(path, value)| {
                held.get(path).or_else(|| observed.attributes.get(path)) == Some(value)
            });
            let takes_nothing = effect.withdraw.iter().all(|path| held.get(path).is_none());
            // A step that confirms nothing leaves no trace of its own.
            if holds && takes_nothing && !effect.confirm.is_empty() {
                Shown::Done(Confirmed { id: observed.id.clone(), ..Confirmed::default() })
            } else {
                Shown::NotDone
            }
        }
    }
}

/// What other users made of what is found, where the org tells who made it.
async fn made_by_others(
    org: &Org,
    ops: &[&Op],
    found: &BTreeMap<Address, Observed>,
) -> Result<HashMap<Address, SalesforceId>, EngineError> {
    let mut by_object: BTreeMap<&str, BTreeMap<SalesforceId, Address>> = BTreeMap::new();
    for op in ops.iter().filter(|op| op.effect.creates.is_some()) {
        let object = match &op.write {
            Write::Insert { object, .. } => object.as_ref(),
            Write::UpsertDocument { metadata_type, .. } => metadata_type.as_ref(),
            _ => continue,
        };
        let id = found.get(&op.address).and_then(|observed| observed.id.clone());
        if let Some(id) = id.filter(|_| WITH_MAKER.contains(&object)) {
            by_object.entry(object).or_default().insert(id, op.address.clone());
        }
    }
    let mut others = HashMap::new();
    if by_object.is_empty() {
        return Ok(others);
    }
    let own = match org.running_user().await {
        Ok(Some(own)) => own,
        // Whoever may not ask who he is stays with what was announced.
        Ok(None) => return Ok(others),
        Err(error) if error.refused().is_some() && !error.is_final() => return Ok(others),
        Err(error) => return Err(error.into()),
    };
    let mut queries = Vec::new();
    let mut objects = Vec::new();
    for (object, ids) in &by_object {
        let ids = ids.keys().map(SalesforceId::as_str);
        for query in keyed_queries(object, &["Id", "CreatedById"], "Id", &[], ids) {
            objects.push(*object);
            queries.push(query);
        }
    }
    let nothing: [&str; 0] = [];
    let mut take = |index: usize, rows: Vec<crate::model::Row>| {
        for row in rows {
            let id = |field: &str| row.text(field).and_then(SalesforceId::parse);
            let (Some(held), Some(maker)) = (id("Id"), id("CreatedById")) else { continue };
            let address = by_object.get(objects[index]).and_then(|ids| ids.get(&held));
            if let Some(address) = address.filter(|_| maker != own) {
                others.insert(address.clone(), maker);
            }
        }
    };
    org.ask(&queries, &nothing, &|_| true, &mut take).await?;
    Ok(others)
}
