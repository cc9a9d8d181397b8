//! Several operations in one call: composite requests and sObject collections
//! (REST API Developer Guide, "Composite" and "sObject Collections").

use std::borrow::Cow;

use serde_json::Value as Json;
use serde_json::json;

use super::Server;
use super::call::Call;
use super::call::Reply;
use super::call::split_uri;
use super::records::in_savepoint;
use super::records::record;
use super::records::record_of;
use super::records::refuse_profile;
use crate::local_org::error::ApiError;
use crate::local_org::rules;
use crate::local_org::rules::Org;

/// Parts of one composite request, and how many of them may be queries or
/// collections.
const PARTS: usize = 25;
const QUERIES: usize = 5;
/// Records of one collection.
const RECORDS: usize = 200;

fn flag(body: &Json, name: &str) -> bool {
    match body.get(name) {
        Some(Json::Bool(flag)) => *flag,
        Some(Json::String(text)) => text == "true",
        _ => false,
    }
}

/// Answers `POST /composite`; `run` answers each part.
pub fn composite(
    server: &Server,
    org: &mut Org,
    call: &Call,
    run: impl Fn(&Server, &mut Org, &Call) -> Reply,
) -> Result<Reply, ApiError> {
    let parts = call
        .body
        .get("compositeRequest")
        .and_then(Json::as_array)
        .ok_or_else(|| ApiError::new("JSON_PARSER_ERROR", "compositeRequest is required"))?;
    if parts.len() > PARTS {
        return Err(ApiError::new(
            "INVALID_INPUT",
            format!("The number of subrequests {} exceeds the limit of {PARTS}", parts.len()),
        ));
    }
    let url = |part: &Json| part.get("url").and_then(Json::as_str).unwrap_or_default().to_owned();
    let queries = parts
        .iter()
        .filter(|part| {
            let url = url(part);
            url.contains("/query") || url.contains("/composite/sobjects")
        })
        .count();
    if queries > QUERIES {
        return Err(ApiError::new(
            "INVALID_INPUT",
            format!(
                "The number of query and collection subrequests {queries} exceeds the limit of {QUERIES}"
            ),
        ));
    }
    let all_or_none = flag(&call.body, "allOrNone");
    let savepoint = org.store.savepoint();
    let mut replies: Vec<(String, Reply)> = Vec::new();
    let mut failed = false;
    for part in parts {
        let id = part.get("referenceId").and_then(Json::as_str).unwrap_or_default().to_owned();
        let is_name = id.starts_with(|first: char| first.is_ascii_alphanumeric())
            && id.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
        if !is_name {
            org.store.roll_back(savepoint);
            return Err(ApiError::new(
                "INVALID_INPUT",
                format!("The referenceId {id} is not valid"),
            ));
        }
        let reply = if failed && all_or_none {
            Reply::refused(&halted())
        } else {
            let filled = fill(part, &replies);
            let (path, query) = split_uri(&url(&filled));
            match path.as_slice() {
                [services, data, version, rest @ ..]
                    if services == "services" && data == "data" =>
                {
                    let sub = Call {
                        method: filled
                            .get("method")
                            .and_then(Json::as_str)
                            .unwrap_or("GET")
                            .to_uppercase(),
                        version: version.trim_start_matches('v').to_owned(),
                        path: rest.to_vec(),
                        query,
                        body: filled.get("body").cloned().unwrap_or(Json::Null),
                        page: call.page,
                    };
                    if sub.path.first().is_some_and(|first| first == "composite")
                        && sub.path.len() == 1
                    {
                        Reply::refused(&ApiError::not_found())
                    } else {
                        run(server, org, &sub)
                    }
                }
                _ => Reply::refused(&ApiError::not_found()),
            }
        };
        failed |= reply.status >= 400;
        replies.push((id, reply));
    }
    if failed && all_or_none {
        org.store.roll_back(savepoint);
        for (_, reply) in replies.iter_mut().filter(|(_, reply)| reply.status < 400) {
            *reply = Reply::refused(&halted());
        }
    }
    let records = replies.iter().map(|(_, reply)| reply.records).sum();
    let parts: Vec<Json> = replies
        .into_iter()
        .map(|(id, reply)| {
            json!({"body": reply.body(), "httpHeaders": {}, "httpStatusCode": reply.status, "referenceId": id})
        })
        .collect();
    Ok(Reply::json(200, json!({"compositeResponse": parts})).touching(records))
}

fn halted() -> ApiError {
    ApiError::new(
        "PROCESSING_HALTED",
        "The transaction was rolled back since another operation in the same transaction failed.",
    )
}

/// Puts `@{name.path}` in from earlier answers.
fn fill(part: &Json, replies: &[(String, Reply)]) -> Json {
    match part {
        Json::String(text) => {
            let mut filled = String::new();
            let mut rest = text.as_str();
            // What is put in is not looked at again.
            while let Some((before, after)) = rest.split_once("@{")
                && let Some((path, after)) = after.split_once('}')
            {
                filled.push_str(before);
                filled.push_str(&value_at(path, replies));
                rest = after;
            }
            filled.push_str(rest);
            Json::String(filled)
        }
        Json::Array(items) => items.iter().map(|item| fill(item, replies)).collect(),
        Json::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), fill(value, replies))).collect()
        }
        other => other.clone(),
    }
}

/// The value that `name.path` has in an earlier answer; empty for none.
fn value_at(path: &str, replies: &[(String, Reply)]) -> String {
    let (name, path) = path.split_once('.').unwrap_or((path, ""));
    let pointer = format!("/{}", path.replace(['.', '['], "/").replace(']', ""));
    replies
        .iter()
        .find(|(held, _)| held == name)
        .and_then(|(_, reply)| reply.body())
        .and_then(|body| body.pointer(&pointer))
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .unwrap_or_default()
}

/// Answers `/composite/sobjects`.
pub fn collection(org: &mut Org, call: &Call) -> Result<Reply, ApiError> {
    let no_records = || ApiError::new("INVALID_INPUT", "records are required");
    let (items, all_or_none): (Cow<'_, [Json]>, bool) = if call.method == "DELETE" {
        let ids = call.parameter("ids").ok_or_else(no_records)?;
        let items = ids.split(',').map(|id| json!({"id": id.trim()})).collect();
        (items, call.parameter("allOrNone") == Some("true"))
    } else {
        let records = call.body.get("records").and_then(Json::as_array).ok_or_else(no_records)?;
        (Cow::Borrowed(records), flag(&call.body, "allOrNone"))
    };
    if items.len() > RECORDS {
        return Err(ApiError::new(
            "EXCEEDED_MAX_SIZE_REQUEST",
            format!("record limit reached. cannot process more than {RECORDS} records"),
        ));
    }
    let objects: Vec<String> = items.iter().map(|item| object_of(org, call, item)).collect();
    refuse_mixed_setup(org, &objects)?;

    let savepoint = org.store.savepoint();
    let mut results = Vec::new();
    let mut failed = false;
    for (item, object) in items.iter().zip(&objects) {
        let result = in_savepoint(org, |org| one(org, call, item, object));
        failed |= result.is_err();
        results.push(result);
    }
    if failed && all_or_none {
        org.store.roll_back(savepoint);
        for result in results.iter_mut().filter(|result| result.is_ok()) {
            *result = Err(ApiError::new(
                "ALL_OR_NONE_OPERATION_ROLLED_BACK",
                "Record rolled back because not all records were valid and the request was using AllOrNone header",
            ));
        }
    }
    let count = results.len();
    let answers: Json = results
        .into_iter()
        .map(|result| match result {
            Ok(id) => json!({"id": id, "success": true, "errors": []}),
            Err(error) => json!({"success": false, "errors": [error.item()]}),
        })
        .collect();
    Ok(Reply::json(200, answers).touching(count))
}

/// Records that one call reads (REST API Developer Guide, "Retrieve Multiple
/// Records": 800 by GET, since its address is limited, 2,000 by POST).
const READ: usize = 2000;

/// Answers `/composite/sobjects/OBJECT`: records by id, null where one is not
/// there.
///
/// # Errors
/// When the object or a field is none, or too many are asked for.
pub fn read(org: &Org, call: &Call, object: &str) -> Result<Reply, ApiError> {
    let listed = |name: &str| match call.body.get(name).and_then(Json::as_array) {
        Some(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        None => call
            .parameter(name)
            .map(|text| text.split(',').map(|part| part.trim().to_owned()).collect::<Vec<_>>())
            .unwrap_or_default(),
    };
    let (ids, fields) = (listed("ids"), listed("fields"));
    if ids.is_empty() || fields.is_empty() {
        return Err(ApiError::new("MISSING_ARGUMENT", "ids and fields are required"));
    }
    if ids.len() > READ {
        return Err(ApiError::new(
            "EXCEEDED_MAX_SIZE_REQUEST",
            format!("record limit reached. cannot process more than {READ} records"),
        ));
    }
    let mut records = Vec::new();
    for id in &ids {
        records.push(match record_of(org, &call.version, object, id, Some(&fields)) {
            Ok(record) => record,
            Err(error) if error.status == 404 && org.schema.object(object).is_some() => Json::Null,
            Err(error) => return Err(error),
        });
    }
    Ok(Reply::json(200, Json::Array(records)).touching(ids.len()))
}

fn object_of(org: &Org, call: &Call, item: &Json) -> String {
    if call.method == "DELETE" {
        let id = item.get("id").and_then(Json::as_str).unwrap_or_default();
        return org
            .schema
            .object_of_id(id)
            .map(|object| object.name.to_owned())
            .unwrap_or_default();
    }
    item.pointer("/attributes/type").and_then(Json::as_str).unwrap_or_default().to_owned()
}

/// Objects of Setup can't share a call with any other (REST API Developer
/// Guide, "sObject Collections": considerations).
fn refuse_mixed_setup(org: &Org, objects: &[String]) -> Result<(), ApiError> {
    let is_mixed = objects.windows(2).any(|pair| !pair[0].eq_ignore_ascii_case(&pair[1]));
    let has_setup = objects
        .iter()
        .any(|object| org.schema.object(object).is_some_and(|object| object.is_setup));
    if is_mixed && has_setup {
        return Err(ApiError::new(
            "INVALID_INPUT",
            "You can't process records for multiple object types in one call when one of the types is related to a feature in the Salesforce Setup area.",
        ));
    }
    Ok(())
}

fn one(org: &mut Org, call: &Call, item: &Json, object: &str) -> Result<String, ApiError> {
    match call.method.as_str() {
        "POST" => {
            refuse_profile(org, object)?;
            rules::insert(org, object, record(item)?)
        }
        "PATCH" => {
            let id = item
                .get("id")
                .or_else(|| item.get("Id"))
                .and_then(Json::as_str)
                .ok_or_else(|| {
                    ApiError::new("MISSING_ARGUMENT", "Id not specified in an update call")
                })?
                .to_owned();
            let mut fields = record(item)?.clone();
            fields.remove("id");
            rules::update(org, object, &id, &fields)?;
            Ok(crate::local_org::ids::normal_id(&id))
        }
        "DELETE" => {
            let id = item.get("id").and_then(Json::as_str).unwrap_or_default();
            if object.is_empty() {
                return Err(ApiError::new("MALFORMED_ID", format!("malformed id {id}")));
            }
            rules::delete(org, object, id)?;
            Ok(crate::local_org::ids::normal_id(id))
        }
        other => {
            Err(ApiError::new("METHOD_NOT_ALLOWED", format!("HTTP Method '{other}' not allowed"))
                .status(405))
        }
    }
}
