//! Deploying by REST (Metadata API Developer Guide, "Deploying with REST"):
//! a multipart body with the zip in one part and the options in another, which
//! clients name `json` or `entity_content`, before the zip or after it.
//! There is no retrieving by REST: real orgs answer 404.

use serde_json::Value as Json;
use serde_json::json;

use super::super::Caller;
use super::super::call::Reply;
use super::super::call::read_json;
use super::is_served;
use crate::local_org::error::ApiError;
use crate::local_org::rules;
use crate::local_org::rules::DeployOptions;
use crate::local_org::rules::Org;

/// A call below `/services/data/vXX.0/metadata`.
pub struct Upload<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The version in the path.
    pub version: &'a str,
    /// The path after `metadata`.
    pub path: &'a [&'a str],
    /// The query parameters.
    pub query: &'a [(String, String)],
    /// The type of the body.
    pub content_type: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// Answers a call.
pub fn answer(org: &mut Org, caller: &Caller, call: &Upload<'_>) -> Reply {
    if !is_served(call.version) {
        return Reply::refused(&ApiError::not_found());
    }
    call.version.clone_into(&mut org.version);
    route(org, caller, call).unwrap_or_else(|error| Reply::refused(&error))
}

fn route(org: &mut Org, caller: &Caller, call: &Upload<'_>) -> Result<Reply, ApiError> {
    match (call.method, call.path) {
        ("POST", ["deployRequest"]) => {
            let id = if call.content_type.contains("json") {
                let body = read_json(call.body)?;
                let id = body["validatedDeployRequestId"].as_str().ok_or_else(|| {
                    ApiError::new("MISSING_ARGUMENT", "validatedDeployRequestId is required")
                })?;
                rules::deploy_validated(org, id)?
            } else {
                let (options, zip) = parts(call)?;
                rules::deploy(org, &zip, options)?
            };
            let mut pending = rules::deploy_status(org, &id, false)?;
            pending["done"] = json!(false);
            pending["status"] = json!("Pending");
            let at = format!(
                "{}/services/data/v{}/metadata/deployRequest/{id}",
                caller.instance_url, call.version
            );
            Ok(Reply::json(201, answered(&id, pending, Some(at))).touching(1))
        }
        ("GET", ["deployRequest", id]) => {
            let with_details =
                call.query.iter().any(|(name, value)| name == "includeDetails" && value == "true");
            let result = rules::deploy_status(org, id, with_details)?;
            Ok(Reply::json(200, answered(id, result, None)))
        }
        ("PATCH", ["deployRequest", id]) => {
            rules::cancel_deploy(org, id).map(|result| Reply::json(202, result))
        }
        _ => Err(ApiError::not_found()),
    }
}

fn answered(id: &str, mut result: Json, url: Option<String>) -> Json {
    // What is null is not shown.
    if let Some(details) = result.get_mut("details").and_then(Json::as_object_mut) {
        for told in details.values_mut().filter_map(Json::as_array_mut).flatten() {
            if let Some(told) = told.as_object_mut() {
                told.retain(|_, value| !value.is_null());
            }
        }
    }
    let options = json!({
        "checkOnly": result["checkOnly"],
        "ignoreWarnings": result["ignoreWarnings"],
        "rollbackOnError": result["rollbackOnError"],
    });
    let mut answer = json!({
        "id": id,
        "validatedDeployRequestId": null,
        "deployOptions": options,
        "deployResult": result,
    });
    if let Some(url) = url {
        answer["url"] = json!(url);
    }
    answer
}

/// The options and the zip of a multipart body.
fn parts(call: &Upload<'_>) -> Result<(DeployOptions, Vec<u8>), ApiError> {
    let broken = |message: String| ApiError::new("INVALID_MULTIPART_REQUEST", message);
    let boundary = multer::parse_boundary(call.content_type)
        .map_err(|error| broken(format!("The content type is no multipart/form-data: {error}")))?;
    let body = bytes::Bytes::copy_from_slice(call.body);
    let stream = futures_util::stream::once(std::future::ready(Ok::<_, std::io::Error>(body)));
    let mut multipart = multer::Multipart::new(stream, boundary);
    // The whole body is here already, so that nothing is waited for.
    let read = futures_util::FutureExt::now_or_never(async {
        let (mut options, mut zip) = (None, None);
        while let Some(field) = multipart.next_field().await? {
            let is_zip = field.name() == Some("file");
            let content = field.bytes().await?;
            if is_zip {
                zip = Some(content.to_vec());
            } else {
                options = Some(content.to_vec());
            }
        }
        Ok::<_, multer::Error>((options, zip))
    });
    let (options, zip) = read
        .ok_or_else(|| broken("The body ends early".to_owned()))?
        .map_err(|error| broken(error.to_string()))?;
    let options: Json = match options {
        None => Json::Null,
        Some(text) => read_json(&text)?,
    };
    let zip = zip.ok_or_else(|| broken("The part `file` with the zip is missing".to_owned()))?;
    Ok((deploy_options(&options["deployOptions"]), zip))
}

/// Yes and no also come as texts.
fn deploy_options(given: &Json) -> DeployOptions {
    DeployOptions::of(|name| match &given[name] {
        Json::Bool(on) => Some(*on),
        Json::String(text) => Some(text.eq_ignore_ascii_case("true")),
        _ => None,
    })
}
