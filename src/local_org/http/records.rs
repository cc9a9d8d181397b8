//! Single records: how one is read, and how a write of one begins and ends.

use serde_json::Value as Json;
use serde_json::json;

use crate::local_org::error::ApiError;
use crate::local_org::ids::normal_id;
use crate::local_org::rules::Fields;
use crate::local_org::rules::Org;
use crate::local_org::soql;

/// A record by its id.
///
/// # Errors
/// When it, its object or a field is none.
pub fn record_of(
    org: &Org,
    version: &str,
    name: &str,
    id: &str,
    wanted: Option<&[String]>,
) -> Result<Json, ApiError> {
    let object = org.schema.object(name).ok_or_else(ApiError::not_found)?;
    for name in wanted.into_iter().flatten() {
        if object.field(name).is_none() {
            let message = format!("No such column '{name}' on sobject of type {}", object.name);
            return Err(ApiError::new("INVALID_FIELD", message));
        }
    }
    let id = normal_id(id);
    let row = org.store.get(object.name, &id).ok_or_else(ApiError::not_found)?;
    let url = format!("/services/data/v{version}/sobjects/{}/{id}", object.name);
    let mut record = json!({"attributes": {"type": object.name, "url": url}});
    let is_wanted = |name: &str| {
        wanted.is_none_or(|wanted| wanted.iter().any(|held| held.eq_ignore_ascii_case(name)))
    };
    for field in org.schema.seen_fields(object, version) {
        if is_wanted(&field.name) {
            record[&field.name] = soql::field_value(row, field);
        }
    }
    Ok(record)
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
pub fn record(body: &Json) -> Result<&Fields, ApiError> {
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
