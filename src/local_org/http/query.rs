//! Queries: SOQL over the data API and the one Tooling object that access
//! needs, in pages.

use serde_json::Value as Json;
use serde_json::json;

use super::Server;
use super::call::Call;
use super::call::Reply;
use super::columns::columns;
use crate::local_org::error::ApiError;
use crate::local_org::rules;
use crate::local_org::rules::Org;
use crate::local_org::soql;
use crate::local_org::soql::Selection;

/// Answers `/query?q=` and `/queryAll?q=`. What was deleted is not kept, so
/// that both answer the same.
///
/// # Errors
/// As SOQL is refused.
pub fn query(server: &Server, org: &mut Org, call: &Call) -> Result<Reply, ApiError> {
    let text = call.parameter("q").ok_or_else(|| {
        ApiError::new("MALFORMED_QUERY", "SOQL statements cannot be empty or null")
    })?;
    let mut query = soql::expanded(&org.schema, &call.version, text, soql::parse(text)?)?;
    match query.from.to_ascii_lowercase().as_str() {
        "userlicense" | "permissionsetlicense" | "packagelicense" => rules::count_seats(org),
        "permissionsetgroup" => rules::advance_recalculations(org),
        "userpermissionaccess" => rules::show_rights(org),
        "profile" if org.doubts.profile_filtering && !rules::may(org, "ViewAllProfiles") => {
            only_own_profile(org, &mut query);
        }
        _ => {}
    }
    let further = rules::further_rows(org, &query);
    let source = soql::Source {
        store: &org.store,
        schema: &org.schema,
        version: &call.version,
        now: &org.now,
        further: &further,
    };
    let answer = soql::evaluate(&source, &query, text)?;
    if call.parameter("columns") == Some("true") {
        return Ok(Reply::json(200, columns(&org.schema, &query)));
    }
    let total = answer.total;
    let mut records = answer.records;
    let count = records.len();
    if count <= call.page {
        return Ok(Reply::json(200, json!({"totalSize": total, "done": true, "records": records}))
            .touching(count));
    }
    let rest = records.split_off(call.page);
    let locator = Server::lock(&server.cursors).keep(&org.running_user, call.page, rest);
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

/// Answers the page after `locator-offset`, where the rows kept begin at the first
/// page's end.
pub fn more(server: &Server, org: &Org, call: &Call, locator: &str) -> Result<Reply, ApiError> {
    let unknown = || ApiError::new("INVALID_QUERY_LOCATOR", "invalid query locator");
    let (locator, offset) = locator.rsplit_once('-').ok_or_else(unknown)?;
    let offset: usize = offset.parse().map_err(|_| unknown())?;
    let cursors = Server::lock(&server.cursors);
    let cursor = cursors.get(&org.running_user, locator).ok_or_else(unknown)?;
    let start = offset.checked_sub(cursor.first).ok_or_else(unknown)?;
    let records: Vec<&Json> = cursor.rows.iter().skip(start).take(call.page).collect();
    let count = records.len();
    let total = cursor.rows.len() + cursor.first;
    let mut body = json!({"totalSize": total, "done": offset + count >= total, "records": records});
    if offset + count < total {
        body["nextRecordsUrl"] =
            json!(format!("/services/data/v{}/query/{locator}-{}", call.version, offset + count));
    }
    Ok(Reply::json(200, body).touching(count))
}

/// Answers `/tooling/query?q=`.
///
/// # Errors
/// When another object is asked for.
pub fn tooling(org: &Org, call: &Call) -> Result<Reply, ApiError> {
    let text = call.parameter("q").unwrap_or_default();
    let query = soql::parse(text)?;
    if !query.from.eq_ignore_ascii_case("PermissionDependency") {
        return Err(ApiError::new(
            "INVALID_TYPE",
            format!("sObject type '{}' is not supported.", query.from),
        ));
    }
    if call.parameter("columns") == Some("true") {
        return Ok(Reply::json(200, columns(&org.schema, &query)));
    }
    let at = format!("/services/data/v{}/tooling/sobjects/PermissionDependency", call.version);
    let rows: Vec<Json> = rules::dependency_rows(org)
        .into_iter()
        .filter(|row| {
            let condition = query.condition.as_ref();
            condition.is_none_or(|condition| soql::holds_for_plain_row(row, condition))
        })
        .map(|row| {
            let mut shown = json!({"attributes": {"type": "PermissionDependency", "url": at}});
            for item in &query.select {
                if let Selection::Field(name, _) = item {
                    shown[name] = row.get(name).cloned().unwrap_or(Json::Null);
                }
            }
            shown
        })
        .collect();
    let count = rows.len();
    Ok(Reply::json(200, json!({"size": count, "totalSize": count, "done": true, "records": rows}))
        .touching(count))
}
