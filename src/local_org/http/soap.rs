//! The SOAP doors: Metadata (`/services/Soap/m`) and, for inserting records
//! where REST can't, partner (`/services/Soap/u`). Dispatched by the body's
//! element, since real clients send any SOAPAction.

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::Response;
use quick_xml::Writer;
use serde_json::Value as Json;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::DAILY_CALLS;
use super::Server;
use super::transaction;
use crate::local_org::error::ApiError;
use crate::local_org::rules;
use crate::local_org::rules::DocumentOutcome;
use crate::local_org::rules::Org;
use crate::local_org::store::Row;
use crate::local_org::xml::Node;

const METADATA: &str = "http://soap.sforce.com/2006/04/metadata";
const PARTNER: &str = "urn:partner.soap.sforce.com";

/// Documents of one call (Metadata API Developer Guide, CRUD calls).
const DOCUMENTS: usize = 10;

/// Answers a SOAP call.
pub fn answer(server: &Arc<Server>, door: &str, body: &[u8]) -> (Response, usize) {
    let namespace = if door == "m" { METADATA } else { PARTNER };
    match run(server, door, body) {
        Ok((operation, results, records)) => {
            let result = Node::parent(&format!("{operation}Response"), results);
            (envelope(server, namespace, result, 200), records)
        }
        Err(error) => {
            let fault = Node::parent(
                "soapenv:Fault",
                vec![
                    Node::text("faultcode", &format!("sf:{}", error.code)),
                    Node::text("faultstring", &format!("{}: {}", error.code, error.message)),
                ],
            );
            (envelope(server, namespace, fault, 500), 0)
        }
    }
}

type Answer = (String, Vec<Node>, usize);

fn run(server: &Server, door: &str, body: &[u8]) -> Result<Answer, ApiError> {
    let text = std::str::from_utf8(body)
        .map_err(|error| ApiError::new("INVALID_INPUT", error.to_string()))?;
    let document = Node::parse(text).map_err(|error| ApiError::new("INVALID_INPUT", error))?;
    let token = document
        .child("Header")
        .and_then(|header| header.child("SessionHeader"))
        .and_then(|session| session.child("sessionId"))
        .map(|token| token.text.trim().to_owned());
    if token.as_deref() != Some(server.token.as_str()) {
        return Err(ApiError::new(
            "INVALID_SESSION_ID",
            "Invalid Session ID found in SessionHeader: Illegal Session",
        ));
    }
    if server.calls.load(Ordering::Relaxed) > DAILY_CALLS {
        return Err(ApiError::new("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."));
    }
    let operation = document
        .child("Body")
        .and_then(|body| body.children.first())
        .ok_or_else(|| ApiError::new("INVALID_INPUT", "the body is empty"))?;
    let all_or_none = document
        .child("Header")
        .and_then(|header| header.child("AllOrNoneHeader"))
        .and_then(|header| header.child("allOrNone"))
        .is_some_and(|flag| flag.text.trim() == "true");
    transaction(server, |org| {
        let savepoint = org.store.savepoint();
        let results = match (door, operation.name.as_str()) {
            ("m", "readMetadata") => read(org, operation),
            ("m", "upsertMetadata") => write(org, operation, true),
            ("m", "updateMetadata" | "createMetadata") => write(org, operation, false),
            ("m", "listMetadata") => list(org, operation),
            ("m", "deleteMetadata") => delete(org, operation),
            ("u", "create") => Ok(create(org, operation)),
            (_, other) => Err(ApiError::new(
                "UNKNOWN_EXCEPTION",
                format!("No operation available for request {other}"),
            )),
        }?;
        let failed = results
            .iter()
            .any(|result| result.child("success").is_some_and(|success| success.text == "false"));
        if failed && all_or_none {
            org.store.roll_back(savepoint);
        }
        let records = results.len();
        Ok((operation.name.clone(), results, records))
    })?
}

fn full_names(operation: &Node) -> Result<Vec<String>, ApiError> {
    let names: Vec<String> =
        operation.all("fullNames").map(|name| name.text.trim().to_owned()).collect();
    limit(names.len())?;
    Ok(names)
}

fn limit(count: usize) -> Result<(), ApiError> {
    if count > DOCUMENTS {
        return Err(ApiError::new(
            "EXCEEDED_ID_LIMIT",
            format!(
                "record limit reached. cannot submit more than {DOCUMENTS} records into this call"
            ),
        ));
    }
    Ok(())
}

fn type_of(operation: &Node) -> String {
    operation.child("type").map(|name| name.text.trim().to_owned()).unwrap_or_default()
}

fn read(org: &Org, operation: &Node) -> Result<Vec<Node>, ApiError> {
    let metadata_type = type_of(operation);
    let names = full_names(operation)?;
    let records = rules::read_documents(org, &metadata_type, &names)?
        .into_iter()
        .map(|document| {
            let mut record = document.unwrap_or_default();
            "records".clone_into(&mut record.name);
            record.xsi_type = Some(if record.children.is_empty() {
                "nil".to_owned()
            } else {
                metadata_type.clone()
            });
            record
        })
        .collect();
    Ok(vec![Node::parent("result", records)])
}

/// `listMetadata`: what there is of up to three types.
fn list(org: &Org, operation: &Node) -> Result<Vec<Node>, ApiError> {
    let mut entries = Vec::new();
    for query in operation.all("queries") {
        let metadata_type = type_of(query);
        for (full_name, id) in rules::list_documents(org, &metadata_type)? {
            let folder = if metadata_type == "Profile" { "profiles" } else { "permissionsets" };
            let suffix = folder.trim_end_matches('s');
            entries.push(Node::parent(
                "result",
                vec![
                    Node::text("fileName", &format!("unpackaged/{folder}/{full_name}.{suffix}")),
                    Node::text("fullName", &full_name),
                    Node::text("id", &id),
                    Node::text("type", &metadata_type),
                ],
            ));
        }
    }
    Ok(entries)
}

fn write(org: &mut Org, operation: &Node, may_create: bool) -> Result<Vec<Node>, ApiError> {
    let documents: Vec<Node> = operation.all("metadata").cloned().collect();
    limit(documents.len())?;
    let metadata_type =
        documents.first().and_then(|document| document.xsi_type.clone()).unwrap_or_default();
    if documents.iter().any(|document| document.xsi_type.as_deref() != Some(metadata_type.as_str()))
    {
        return Err(ApiError::new("INVALID_INPUT", "one call takes one type of metadata"));
    }
    let outcomes = rules::write_documents(org, &metadata_type, &documents, may_create)?;
    Ok(outcomes.into_iter().map(|outcome| result(outcome, may_create)).collect())
}

fn delete(org: &mut Org, operation: &Node) -> Result<Vec<Node>, ApiError> {
    let metadata_type = type_of(operation);
    let names = full_names(operation)?;
    let outcomes = rules::delete_documents(org, &metadata_type, &names)?;
    Ok(outcomes.into_iter().map(|outcome| result(outcome, false)).collect())
}

/// `created`, `errors`, `fullName`, `success`: the order of the WSDL.
fn result(outcome: DocumentOutcome, is_upsert: bool) -> Node {
    let mut children = Vec::new();
    if is_upsert {
        children.push(Node::text("created", if outcome.created { "true" } else { "false" }));
    }
    if let Some(error) = &outcome.error {
        let mut parts: Vec<Node> =
            error.fields.iter().map(|field| Node::text("fields", field)).collect();
        parts.push(Node::text("message", &error.message));
        parts.push(Node::text("statusCode", error.code));
        children.push(Node::parent("errors", parts));
    }
    children.push(Node::text("fullName", &outcome.full_name));
    children.push(Node::text("success", if outcome.error.is_none() { "true" } else { "false" }));
    Node::parent("result", children)
}

/// Partner `create`: records with their type and fields as elements.
fn create(org: &mut Org, operation: &Node) -> Vec<Node> {
    let mut results = Vec::new();
    for record in operation.all("sObjects") {
        let object = record
            .xsi_type
            .clone()
            .or_else(|| record.child("type").map(|name| name.text.trim().to_owned()))
            .unwrap_or_default();
        let fields: Row = record
            .children
            .iter()
            .filter(|field| field.name != "type")
            .map(|field| (field.name.clone(), Json::String(field.text.clone())))
            .collect();
        let savepoint = org.store.savepoint();
        let children = match rules::insert(org, &object, &fields) {
            Ok(id) => vec![Node::text("id", &id), Node::text("success", "true")],
            Err(error) => {
                org.store.roll_back(savepoint);
                let parts = vec![
                    Node::text("message", &error.message),
                    Node::text("statusCode", error.code),
                ];
                vec![Node::parent("errors", parts), Node::text("success", "false")]
            }
        };
        results.push(Node::parent("result", children));
    }
    results
}

fn envelope(server: &Server, namespace: &str, content: Node, status: u16) -> Response {
    let mut writer = Writer::new(Vec::new());
    // Writing to memory does not fail.
    let _ = content.write(&mut writer);
    let content = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    let used = server.calls.load(Ordering::Relaxed);
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns=\"{namespace}\" xmlns:sf=\"urn:fault.{}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Header><LimitInfoHeader><limitInfo><current>{used}</current><limit>{DAILY_CALLS}</limit><type>API REQUESTS</type></limitInfo></LimitInfoHeader></soapenv:Header><soapenv:Body>{content}</soapenv:Body></soapenv:Envelope>",
        namespace.trim_start_matches("urn:").trim_start_matches("http://"),
    );
    let mut response = Response::new(Body::from(text));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml;charset=UTF-8"));
    response
}
