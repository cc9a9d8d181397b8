//! The REST resources of the data API.

pub mod metadata;

use std::sync::atomic::Ordering;

use serde_json::Value as Json;
use serde_json::json;

use super::Caller;
use super::Server;
use super::call::Call;
use super::call::Reply;
use super::composite;
use super::describe;
use super::oauth;
use super::password::password;
use super::query::more;
use super::query::query;
use super::query::tooling;
use super::records::in_savepoint;
use super::records::record;
use super::records::record_of;
use super::records::refuse_profile;
use crate::local_org::error::ApiError;
use crate::local_org::ids::normal_id;
use crate::local_org::rules;
use crate::local_org::rules::Org;

/// The versions that are served.
const VERSIONS: std::ops::RangeInclusive<u32> = 51..=67;

/// What `/services/data` answers, the oldest version first. Three releases a
/// year, named after seasons; version 63 was Spring '25.
pub fn versions() -> Json {
    VERSIONS
        .map(|version| {
            let season = ["Spring", "Summer", "Winter"][(version as usize) % 3];
            let year = 4 + (version + u32::from(season == "Winter")) / 3;
            json!({
                "label": format!("{season} '{year}"),
                "url": format!("/services/data/v{version}.0"),
                "version": format!("{version}.0"),
            })
        })
        .collect()
}

/// Whether a version, such as `63.0`, is served.
pub fn is_served(version: &str) -> bool {
    version
        .strip_suffix(".0")
        .and_then(|major| major.parse::<u32>().ok())
        .is_some_and(|major| VERSIONS.contains(&major))
}

/// Answers a call below `/services/data/vXX.0`.
pub fn handle(server: &Server, org: &mut Org, caller: &Caller, call: &Call) -> Reply {
    if !is_served(&call.version) {
        return Reply::refused(&ApiError::not_found());
    }
    org.version.clone_from(&call.version);
    route(server, org, caller, call).unwrap_or_else(|error| Reply::refused(&error))
}

fn route(server: &Server, org: &mut Org, caller: &Caller, call: &Call) -> Result<Reply, ApiError> {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let method = call.method.as_str();
    match (method, path.as_slice()) {
        ("GET", []) => Ok(Reply::json(200, resources(server, org, caller, call))),
        ("GET", ["limits"]) => Ok(Reply::json(200, limits(server))),
        ("GET", ["query" | "queryAll"]) => query(server, org, call),
        ("GET", ["query" | "queryAll", locator]) => more(server, org, call, locator),
        ("GET", ["tooling", "query"]) => tooling(org, call),
        ("GET", ["sobjects"]) => {
            let objects: Vec<Json> = org
                .schema
                .objects()
                .map(|object| describe::summary(object, &call.version))
                .collect();
            Ok(Reply::json(
                200,
                json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects}),
            ))
        }
        ("GET", ["sobjects", name]) => {
            let object = org.schema.object(name).ok_or_else(ApiError::not_found)?;
            let described = describe::summary(object, &call.version);
            Ok(Reply::json(200, json!({"objectDescribe": described, "recentItems": []})))
        }
        ("GET", ["sobjects", name, "describe"]) => {
            let object = org.schema.object(name).ok_or_else(ApiError::not_found)?;
            Ok(Reply::shared(200, server.described.get(&org.schema, object, &call.version)))
        }
        ("POST", ["sobjects", name]) => {
            refuse_profile(org, name)?;
            let id = in_savepoint(org, |org| rules::insert(org, name, record(&call.body)?))?;
            Ok(Reply::json(201, json!({"id": id, "success": true, "errors": []})).touching(1))
        }
        ("GET", ["sobjects", name, id]) => one(org, call, name, id),
        ("PATCH", ["sobjects", name, id]) => change(org, call, name, id),
        // The one key that all objects have; of others, none is an external id.
        ("PATCH", ["sobjects", name, key, id]) if key.eq_ignore_ascii_case("Id") => {
            change(org, call, name, id)
        }
        ("DELETE", ["sobjects", name, id]) => {
            in_savepoint(org, |org| rules::delete(org, name, id))?;
            Ok(Reply::empty())
        }
        (_, ["sobjects", name, id, "password"]) if name.eq_ignore_ascii_case("User") => {
            if method != "GET" {
                rules::check_password_right(org, &normal_id(id))?;
            }
            password(org, method, id, &call.body)
        }
        ("POST", ["composite"]) => composite::composite(server, org, call, |server, org, part| {
            handle(server, org, caller, part)
        }),
        ("GET" | "POST", ["composite", "sobjects", name]) => composite::read(org, call, name),
        (_, ["composite", "sobjects"]) => composite::collection(org, call),
        (
            _,
            ["sobjects" | "composite" | "limits" | "query" | "queryAll"]
            | ["sobjects" | "query" | "queryAll", _]
            | ["sobjects", _, _],
        ) => {
            Err(ApiError::new("METHOD_NOT_ALLOWED", format!("HTTP Method '{method}' not allowed"))
                .status(405))
        }
        _ => Err(ApiError::not_found()),
    }
}

/// What a version has.
fn resources(server: &Server, org: &Org, caller: &Caller, call: &Call) -> Json {
    let mut resources = serde_json::Map::new();
    for name in ["sobjects", "query", "queryAll", "tooling", "composite", "limits", "metadata"] {
        let at = format!("/services/data/v{}/{name}", call.version);
        resources.insert(name.to_owned(), Json::String(at));
    }
    let identity = oauth::identity_url(server, caller, &org.running_user);
    resources.insert("identity".to_owned(), Json::String(identity));
    Json::Object(resources)
}

/// The limits that this org keeps count of.
fn limits(server: &Server) -> Json {
    let remaining = server.daily_calls.saturating_sub(server.calls.load(Ordering::Relaxed));
    json!({"DailyApiRequests": {"Max": server.daily_calls, "Remaining": remaining}})
}

/// Changes one record.
fn change(org: &mut Org, call: &Call, name: &str, id: &str) -> Result<Reply, ApiError> {
    let fields = record(&call.body)?;
    if fields.keys().any(|field| field.eq_ignore_ascii_case("Id")) {
        let message = "The Id field should not be specified in the sobject data.";
        return Err(ApiError::new("INVALID_FIELD", message));
    }
    in_savepoint(org, |org| rules::update(org, name, id, fields))?;
    Ok(Reply::empty())
}

/// One record, with all its fields or those of `fields`.
fn one(org: &Org, call: &Call, name: &str, id: &str) -> Result<Reply, ApiError> {
    let wanted: Option<Vec<String>> = call
        .parameter("fields")
        .map(|names| names.split(',').map(|name| name.trim().to_owned()).collect());
    let record = record_of(org, &call.version, name, id, wanted.as_deref())?;
    Ok(Reply::json(200, record).touching(1))
}
