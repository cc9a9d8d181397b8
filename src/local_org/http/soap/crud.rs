//! The Metadata calls about documents: create, read, update, upsert, delete,
//! rename, list and describe. Elements come in the order of the WSDL.

use serde_json::json;

use super::Answer;
use super::argument;
use crate::local_org::error::ApiError;
use crate::local_org::rules;
use crate::local_org::rules::DocumentOutcome;
use crate::local_org::rules::FILE_TYPES;
use crate::local_org::rules::FileType;
use crate::local_org::rules::Intent;
use crate::local_org::rules::Org;
use crate::local_org::xml::Node;

/// Documents of one call (Metadata API Developer Guide, CRUD calls).
const DOCUMENTS: usize = 10;
/// Queries of one `listMetadata`.
const QUERIES: usize = 3;

/// Refuses more records or documents than one call takes.
///
/// # Errors
/// `EXCEEDED_ID_LIMIT`.
pub fn limit(count: usize, most: usize) -> Result<(), ApiError> {
    if count > most {
        let message =
            format!("record limit reached. cannot submit more than {most} records into this call");
        return Err(ApiError::new("EXCEEDED_ID_LIMIT", message));
    }
    Ok(())
}

fn full_names(operation: &Node) -> Result<Vec<String>, ApiError> {
    let names: Vec<String> =
        operation.all("fullNames").map(|name| name.text.trim().to_owned()).collect();
    limit(names.len(), DOCUMENTS)?;
    Ok(names)
}

/// Answers `readMetadata`; what is not there is nil.
pub fn read(org: &Org, operation: &Node) -> Answer {
    let metadata_type = argument(operation, "type");
    let names = full_names(operation)?;
    let records = rules::read_documents(org, &metadata_type, &names)?;
    let records: Vec<Node> = records
        .into_iter()
        .map(|document| {
            let xsi_type =
                if document.is_some() { metadata_type.clone() } else { "nil".to_owned() };
            let mut record = document.unwrap_or_default();
            "records".clone_into(&mut record.name);
            record.xsi_type = Some(xsi_type);
            record
        })
        .collect();
    Ok((vec![Node::parent("result", records)], names.len()))
}

/// Answers `listMetadata`: what there is of up to three types.
pub fn list(org: &Org, operation: &Node) -> Answer {
    limit(operation.all("queries").count(), QUERIES)?;
    let mut entries = Vec::new();
    for query in operation.all("queries") {
        let name = argument(query, "type");
        let Some(file_type) = FileType::named(&name) else {
            let message = format!("Unknown type:{name}");
            return Err(ApiError::new("INVALID_TYPE", message));
        };
        for (full_name, row) in rules::rows_of(org, &name) {
            let properties = rules::file_properties(org, file_type, &full_name, row);
            entries.extend(Node::of_json("result", &properties));
        }
    }
    let count = entries.len();
    Ok((entries, count))
}

/// Answers `describeMetadata` with the types of access.
pub fn describe() -> (Vec<Node>, usize) {
    let types: Vec<_> = FILE_TYPES
        .iter()
        .map(|file_type| {
            json!({
                "directoryName": file_type.folder,
                "inFolder": false,
                "metaFile": false,
                "suffix": file_type.suffix,
                "xmlName": file_type.name,
            })
        })
        .collect();
    let described = json!({
        "metadataObjects": types,
        "organizationNamespace": "",
        "partialSaveAllowed": true,
        "testRequired": false,
    });
    (Node::of_json("result", &described), 0)
}

/// Answers `createMetadata`, `updateMetadata` and `upsertMetadata`.
pub fn write(org: &mut Org, operation: &Node) -> Answer {
    let intent = match operation.name.as_str() {
        "createMetadata" => Intent::Create,
        "updateMetadata" => Intent::Update,
        _ => Intent::Upsert,
    };
    let documents: Vec<Node> = operation.all("metadata").cloned().collect();
    limit(documents.len(), DOCUMENTS)?;
    let type_of = |document: &Node| document.xsi_type.clone().unwrap_or_default();
    let metadata_type = documents.first().map(type_of).unwrap_or_default();
    if documents.iter().any(|document| type_of(document) != metadata_type) {
        return Err(ApiError::new("INVALID_INPUT", "one call takes one type of metadata"));
    }
    let outcomes = rules::write_documents(org, &metadata_type, &documents, intent)?;
    let is_upsert = intent == Intent::Upsert;
    let results: Vec<Node> = outcomes.iter().map(|outcome| result(outcome, is_upsert)).collect();
    let count = results.len();
    Ok((results, count))
}

/// Answers `deleteMetadata`.
pub fn delete(org: &mut Org, operation: &Node) -> Answer {
    let metadata_type = argument(operation, "type");
    let names = full_names(operation)?;
    let outcomes = rules::delete_documents(org, &metadata_type, &names)?;
    Ok((outcomes.iter().map(|outcome| result(outcome, false)).collect(), names.len()))
}

/// Answers `renameMetadata`.
pub fn rename(org: &mut Org, operation: &Node) -> (Vec<Node>, usize) {
    let to = argument(operation, "newFullName");
    let renamed = rules::rename_document(
        org,
        &argument(operation, "type"),
        &argument(operation, "oldFullName"),
        &to,
    );
    let outcome = DocumentOutcome { full_name: to, created: false, error: renamed.err() };
    (vec![result(&outcome, false)], 1)
}

/// `created`, `errors`, `fullName`, `success`.
fn result(outcome: &DocumentOutcome, is_upsert: bool) -> Node {
    let mut children = Vec::new();
    if is_upsert {
        children.push(Node::text("created", &outcome.created.to_string()));
    }
    if let Some(error) = &outcome.error {
        children.push(errors(error));
    }
    children.push(Node::text("fullName", &outcome.full_name));
    children.push(Node::text("success", &outcome.error.is_none().to_string()));
    Node::parent("result", children)
}

/// `fields`, `message`, `statusCode`.
pub fn errors(error: &ApiError) -> Node {
    let mut parts: Vec<Node> =
        error.fields.iter().map(|field| Node::text("fields", field)).collect();
    parts.push(Node::text("message", &error.message));
    parts.push(Node::text("statusCode", error.code));
    Node::parent("errors", parts)
}
