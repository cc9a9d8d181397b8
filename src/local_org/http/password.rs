//! A user's password (REST API Developer Guide, "sObject User Password").

use serde_json::Value as Json;
use serde_json::json;

use super::call::Reply;
use crate::local_org::error::ApiError;
use crate::local_org::ids::normal_id;
use crate::local_org::rules;
use crate::local_org::rules::Org;

/// Answers the resource: `DELETE` makes the password invalid, mails the link
/// and returns a temporary one.
///
/// # Errors
/// When the user is not there or not active, or the password is too weak.
pub fn password(org: &mut Org, method: &str, id: &str, body: &Json) -> Result<Reply, ApiError> {
    let id = normal_id(id);
    let mut user = org.store.get("User", &id).cloned().ok_or_else(ApiError::not_found)?;
    let is_active = user.is_on("IsActive");
    match method {
        "GET" => Ok(Reply::json(200, json!({"isExpired": false}))),
        "DELETE" if !is_active => Err(ApiError::new("INVALID_ID_FIELD", "the user is not active")),
        "DELETE" => {
            user.set("LastPasswordChangeDate", &org.now);
            org.store_changed("User", user);
            Ok(Reply::json(200, json!({"NewPassword": format!("tmp{}", &id[9..15])})).touching(1))
        }
        "POST" => {
            rules::set_password(
                org,
                &id,
                body.get("NewPassword").and_then(Json::as_str).unwrap_or_default(),
            )?;
            Ok(Reply::empty())
        }
        _ => {
            Err(ApiError::new("METHOD_NOT_ALLOWED", format!("HTTP Method '{method}' not allowed"))
                .status(405))
        }
    }
}
