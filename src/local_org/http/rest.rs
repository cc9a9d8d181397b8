//! The REST resources.

use std::sync::atomic::Ordering;

use serde_json::Value as Json;
use serde_json::json;

use super::Call;
use super::DAILY_CALLS;
use super::Reply;
use super::Server;
use super::composite;
use crate::local_org::error::ApiError;
use crate::local_org::rules;
use crate::local_org::rules::Org;
use crate::local_org::schema::Schema;
use crate::local_org::soql;
use crate::local_org::store::Row;

/// The versions that are served.
const VERSIONS: std::ops::RangeInclusive<u32> = 51..=67;

/// What `/services/data` answers.
pub fn versions() -> Json {
    VERSIONS
        .map(|version| {
            json!({
                "label": format!("v{version}.0"),
                "url": format!("/services/data/v{version}.0"),
                "version": format!("{version}.0"),
            })
        })
        .collect()
}

/// What `/services/oauth2/userinfo` answers.
pub fn userinfo(server: &Server, org: &mut Org) -> Reply {
    let user = org.store.get("User", &org.running_user).cloned().unwrap_or_default();
    Reply::json(
        200,
        json!({
            "sub": format!("{}/id/{}/{}", server.instance_url, server.org_id, org.running_user),
            "user_id": org.running_user,
            "organization_id": server.org_id,
            "preferred_username": user.get("Username"),
            "name": user.get("Name"),
            "email": user.get("Email"),
            "active": true,
        }),
    )
}

/// Answers a call below `/services/data/vXX.0`.
pub fn handle(server: &Server, org: &mut Org, call: &Call) -> Reply {
    let is_served = call
        .version
        .strip_suffix(".0")
        .and_then(|major| major.parse::<u32>().ok())
        .is_some_and(|major| VERSIONS.contains(&major));
    if !is_served {
        return Reply::refused(&ApiError::not_found());
    }
    route(server, org, call).unwrap_or_else(|error| Reply::refused(&error))
}

fn route(server: &Server, org: &mut Org, call: &Call) -> Result<Reply, ApiError> {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let method = call.method.as_str();
    match (method, path.as_slice()) {
        ("GET", []) => {
            let at = |name: &str| format!("/services/data/v{}/{name}", call.version);
            Ok(Reply::json(
                200,
                json!({
                    "sobjects": at("sobjects"), "query": at("query"), "tooling": at("tooling"),
                    "composite": at("composite"), "limits": at("limits"),
                    "identity": format!("{}/id/{}/{}", server.instance_url, server.org_id, org.running_user),
                }),
            ))
        }
        ("GET", ["limits"]) => {
            let remaining = DAILY_CALLS.saturating_sub(server.calls.load(Ordering::Relaxed));
            Ok(Reply::json(
                200,
                json!({"DailyApiRequests": {"Max": DAILY_CALLS, "Remaining": remaining}}),
            ))
        }
        ("GET", ["query" | "queryAll"]) => query(server, org, call),
        ("GET", ["query" | "queryAll", locator]) => more(server, call, locator),
        ("GET", ["tooling", "query"]) => tooling(org, call),
        ("GET", ["sobjects"]) => {
            let objects: Vec<Json> = org.schema.objects().map(Schema::summary).collect();
            Ok(Reply::json(
                200,
                json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects}),
            ))
        }
        ("GET", ["sobjects", name, "describe"]) => {
            let object = org.schema.object(name).ok_or_else(ApiError::not_found)?;
            Ok(Reply::json(200, org.schema.describe(object)))
        }
        ("POST", ["sobjects", name]) => {
            refuse_profile(org, name)?;
            let id = in_savepoint(org, |org| rules::insert(org, name, record(&call.body)?))?;
            Ok(Reply::json(201, json!({"id": id, "success": true, "errors": []})).touching(1))
        }
        ("GET", ["sobjects", name, id]) => {
            let object = org.schema.object(name).ok_or_else(ApiError::not_found)?;
            let id = crate::local_org::store::normal_id(id);
            let row = org.store.get(object.name, &id).ok_or_else(ApiError::not_found)?;
            let mut whole = json!({"attributes": {"type": object.name, "url": format!("/services/data/v{}/sobjects/{}/{id}", call.version, object.name)}});
            for field in &object.fields {
                whole[&field.name] = row.get(&field.name).cloned().unwrap_or(Json::Null);
            }
            Ok(Reply::json(200, whole).touching(1))
        }
        ("PATCH", ["sobjects", name, id]) => {
            in_savepoint(org, |org| rules::update(org, name, id, record(&call.body)?))?;
            Ok(Reply::empty())
        }
        ("DELETE", ["sobjects", name, id]) => {
            in_savepoint(org, |org| rules::delete(org, name, id))?;
            Ok(Reply::empty())
        }
        (_, ["sobjects", name, id, "password"]) if name.eq_ignore_ascii_case("User") => {
            if method != "GET" {
                rules::check_right(org, "password")?;
            }
            password(org, method, id, &call.body)
        }
        ("POST", ["composite"]) => composite::composite(server, org, call),
        (_, ["composite", "sobjects"]) => composite::collection(org, call),
        (_, ["sobjects", _] | ["sobjects", _, _] | ["composite" | "limits" | "query", ..]) => {
            Err(ApiError::new(
                "METHOD_NOT_ALLOWED",
                format!("HTTP Method '{method}' not allowed. Allowed are GET, POST, PATCH, DELETE"),
            )
            .status(405))
        }
        _ => Err(ApiError::not_found()),
    }
}

/// In some orgs REST may not insert profiles at all.
pub fn refuse_profile(org: &Org, object: &str) -> Result<(), ApiError> {
    if object.eq_ignore_ascii_case("Profile") && !org.doubts.rest_inserts_profiles {
        return Err(ApiError::new(
            "METHOD_NOT_ALLOWED",
            "HTTP Method 'POST' not allowed. Allowed are HEAD,GET",
        )
        .status(405));
    }
    Ok(())
}

/// A record in a body.
pub fn record(body: &Json) -> Result<&Row, ApiError> {
    body.as_object().ok_or_else(|| ApiError::new("JSON_PARSER_ERROR", "a record is a JSON object"))
}

/// Runs a write, and takes back what it did if it fails.
pub fn in_savepoint<T>(
    org: &mut Org,
    run: impl FnOnce(&mut Org) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let savepoint = org.store.savepoint();
    let result = run(org);
    if result.is_err() {
        org.store.roll_back(savepoint);
    }
    result
}

fn query(server: &Server, org: &mut Org, call: &Call) -> Result<Reply, ApiError> {
    let text = call.parameter("q").ok_or_else(|| {
        ApiError::new("MALFORMED_QUERY", "SOQL statements cannot be empty or null")
    })?;
    let mut query = soql::parse(text)?;
    match query.from.to_ascii_lowercase().as_str() {
        "userlicense" | "permissionsetlicense" | "packagelicense" => rules::count_seats(org),
        "permissionsetgroup" => rules::pass_time(org),
        "userpermissionaccess" => rules::show_rights(org),
        "profile" if org.doubts.profile_filtering && !rules::may(org, "ViewAllProfiles") => {
            only_own_profile(org, &mut query);
        }
        _ => {}
    }
    let answer = soql::evaluate(&org.store, &org.schema, &query, text, &call.version)?;
    let total = answer.total;
    let mut records = answer.records;
    let count = records.len();
    if count <= call.page {
        return Ok(Reply::json(200, json!({"totalSize": total, "done": true, "records": records}))
            .touching(count));
    }
    let rest = records.split_off(call.page);
    let mut cursors = server.cursors.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let locator = cursors.keep(rest);
    Ok(Reply::json(
        200,
        json!({
            "totalSize": total,
            "done": false,
            "nextRecordsUrl": format!("/services/data/v{}/query/{locator}-{}", call.version, call.page),
            "records": records,
        }),
    )
    .touching(call.page))
}

/// With Profile Filtering on, a user without View All Profiles sees its own
/// profile and no other (Salesforce Help, "Restrict Access to Profiles").
fn only_own_profile(org: &Org, query: &mut soql::Query) {
    let own = org.text("User", &org.running_user, "ProfileId").unwrap_or_default();
    let own = soql::Condition::Compare(
        "Id".to_owned(),
        soql::Operator::Equal,
        soql::Literal::Text(own.to_owned()),
        0,
    );
    let parts = query.condition.take().into_iter().chain([own]).collect();
    query.condition = Some(soql::Condition::And(parts));
}

/// The page after `locator-offset`, where the rows kept begin at the first
/// page's end.
fn more(server: &Server, call: &Call, locator: &str) -> Result<Reply, ApiError> {
    let unknown = || ApiError::new("INVALID_QUERY_LOCATOR", "invalid query locator");
    let (locator, offset) = locator.rsplit_once('-').ok_or_else(unknown)?;
    let offset: usize = offset.parse().map_err(|_| unknown())?;
    let cursors = server.cursors.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let rows = cursors.get(locator).ok_or_else(unknown)?;
    let start = offset.checked_sub(call.page).ok_or_else(unknown)?;
    let records: Vec<&Json> = rows.iter().skip(start).take(call.page).collect();
    let count = records.len();
    let total = rows.len() + call.page;
    let mut body = json!({"totalSize": total, "done": offset + count >= total, "records": records});
    if offset + count < total {
        body["nextRecordsUrl"] =
            json!(format!("/services/data/v{}/query/{locator}-{}", call.version, offset + count));
    }
    Ok(Reply::json(200, body).touching(count))
}

/// The one Tooling object that access needs.
fn tooling(org: &Org, call: &Call) -> Result<Reply, ApiError> {
    let text = call.parameter("q").unwrap_or_default();
    let query = soql::parse(text)?;
    if !query.from.eq_ignore_ascii_case("PermissionDependency") {
        return Err(ApiError::new(
            "INVALID_TYPE",
            format!("sObject type '{}' is not supported.", query.from),
        ));
    }
    let rows: Vec<Json> = rules::dependency_rows(org)
        .into_iter()
        .filter(|row| query.condition.as_ref().is_none_or(|condition| soql::holds_for_plain_row(row, condition)))
        .map(|mut row| {
            row["attributes"] = json!({"type": "PermissionDependency", "url": "/services/data/tooling/sobjects/PermissionDependency"});
            row
        })
        .collect();
    let count = rows.len();
    Ok(Reply::json(200, json!({"size": count, "totalSize": count, "done": true, "records": rows}))
        .touching(count))
}

/// A user's password: `DELETE` makes it invalid, mails the link and returns a
/// temporary one (REST API Developer Guide, "sObject User Password").
fn password(org: &mut Org, method: &str, id: &str, body: &Json) -> Result<Reply, ApiError> {
    let id = crate::local_org::store::normal_id(id);
    let mut user = org.store.get("User", &id).cloned().ok_or_else(ApiError::not_found)?;
    let is_active = user.get("IsActive") == Some(&Json::Bool(true));
    match method {
        "GET" => Ok(Reply::json(200, json!({"isExpired": false}))),
        "DELETE" if !is_active => Err(ApiError::new("INVALID_ID_FIELD", "the user is not active")),
        "DELETE" => {
            user.insert("LastPasswordChangeDate".to_owned(), Json::String(org.now.clone()));
            org.store_changed("User", user);
            Ok(Reply::json(200, json!({"NewPassword": format!("tmp{}", &id[9..15])})).touching(1))
        }
        "POST" => {
            let new = body.get("NewPassword").and_then(Json::as_str).unwrap_or_default();
            if new.len() < 8 {
                return Err(ApiError::new(
                    "INVALID_NEW_PASSWORD",
                    "Your password must be at least 8 characters long",
                ));
            }
            user.insert("LastPasswordChangeDate".to_owned(), Json::String(org.now.clone()));
            org.store_changed("User", user);
            Ok(Reply::empty())
        }
        _ => {
            Err(ApiError::new("METHOD_NOT_ALLOWED", format!("HTTP Method '{method}' not allowed"))
                .status(405))
        }
    }
}
