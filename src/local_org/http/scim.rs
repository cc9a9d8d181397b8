//! SCIM Users, as the Salesforce CLI makes users in scratch orgs with it
//! (Salesforce Help, "SCIM"). With `auto-approve-user` the answer carries a
//! refresh token of the new user in a header of that name.

use axum::http::HeaderMap;
use serde_json::Value as Json;
use serde_json::json;

use super::Caller;
use super::Server;
use super::call::Outcome;
use super::call::Reply;
use super::call::read_json;
use super::oauth;
use super::records::in_savepoint;
use crate::local_org::error::ApiError;
use crate::local_org::identity;
use crate::local_org::ids::normal_id;
use crate::local_org::row::Cell;
use crate::local_org::rules;
use crate::local_org::rules::Fields;
use crate::local_org::rules::Org;

/// Answers `/services/scim/v1/Users...`.
///
/// # Errors
/// When nothing of it was done.
pub fn answer(
    server: &Server,
    caller: &Caller,
    method: &str,
    rest: &[&str],
    headers: &HeaderMap,
    body: &[u8],
) -> Outcome {
    server.authorised(caller, |server, org| {
        let result = match (method, rest) {
            ("POST", []) => read_json(body).and_then(|body| create(org, caller, &body)),
            ("GET", [id]) => shown(org, caller, &normal_id(id)),
            _ => Err(ApiError::not_found()),
        };
        let reply = match result {
            Ok(user) => user,
            Err(error) => return refused(&error),
        };
        let id = reply.get("id").and_then(Json::as_str).unwrap_or_default().to_owned();
        let is_new = method == "POST";
        let answer = Reply::json(if is_new { 201 } else { 200 }, reply).touching(1);
        let wants_token = headers.get("auto-approve-user").is_some_and(|value| value == "true");
        if is_new && wants_token {
            answer.header(
                "auto-approve-user",
                oauth::new_refresh_token(server, org, &id, identity::CLI_APP),
            )
        } else {
            answer
        }
    })
}

/// SCIM 1.1 says errors in a list of their own.
fn refused(error: &ApiError) -> Reply {
    let description = format!("{}: {}", error.code, error.message);
    Reply::json(
        error.status,
        json!({"Errors": [{"description": description, "code": error.status.to_string()}]}),
    )
}

/// Makes a user of what SCIM has; what Salesforce needs beside it is the org's
/// default.
fn create(org: &mut Org, caller: &Caller, body: &Json) -> Result<Json, ApiError> {
    let text = |pointer: &str| body.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
    let username = [text("/username"), text("/userName")].concat();
    let email = match text("/emails/0") {
        "" => text("/emails/0/value"),
        email => email,
    };
    let organization = org.store.all("Organization").next().cloned().unwrap_or_default();
    let alias: String =
        username.chars().take_while(|character| *character != '@').take(8).collect();
    let mut fields = Fields::new();
    for (field, value) in [
        ("Username", username.as_str()),
        ("Email", email),
        ("LastName", text("/name/familyName")),
        ("FirstName", text("/name/givenName")),
        ("CommunityNickname", text("/nickName")),
        ("ProfileId", text("/entitlements/0/value")),
        ("Alias", &alias),
        ("EmailEncodingKey", "UTF-8"),
    ] {
        if !value.is_empty() {
            fields.insert(field.to_owned(), json!(value));
        }
    }
    for (field, default) in [
        ("TimeZoneSidKey", "TimeZoneSidKey"),
        ("LocaleSidKey", "DefaultLocaleSidKey"),
        ("LanguageLocaleKey", "LanguageLocaleKey"),
    ] {
        fields
            .insert(field.to_owned(), organization.get(default).map_or(Json::Null, Cell::to_json));
    }
    let id = in_savepoint(org, |org| rules::insert(org, "User", &fields))?;
    shown(org, caller, &id)
}

fn shown(org: &Org, caller: &Caller, id: &str) -> Result<Json, ApiError> {
    let row = org.store.get("User", id).ok_or_else(ApiError::not_found)?;
    let field = |name: &str| row.get(name).map_or(Json::Null, Cell::to_json);
    Ok(json!({
        "schemas": ["urn:scim:schemas:core:1.0"],
        "id": id,
        "userName": field("Username"),
        "name": {"familyName": field("LastName"), "givenName": field("FirstName"), "formatted": field("Name")},
        "nickName": field("CommunityNickname"),
        "active": field("IsActive"),
        "emails": [{"type": "work", "primary": true, "value": field("Email")}],
        "entitlements": [{"value": field("ProfileId"), "primary": true}],
        "meta": {"created": field("CreatedDate"), "location": format!("{}/services/scim/v1/Users/{id}", caller.instance_url)},
    }))
}
