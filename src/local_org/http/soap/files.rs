//! The Metadata calls about zips: deploy, retrieve, and how they go on.

use base64::Engine as _;
use serde_json::json;

use super::Answer;
use super::argument;
use crate::local_org::error::ApiError;
use crate::local_org::rules;
use crate::local_org::rules::DeployOptions;
use crate::local_org::rules::Org;
use crate::local_org::xml::Node;

/// A boolean; clients write `True` too.
fn says(options: &Node, name: &str) -> Option<bool> {
    options.child(name).map(|value| value.text.trim().eq_ignore_ascii_case("true"))
}

/// What `deploy` and `retrieve` answer at once.
fn queued(id: &str) -> (Vec<Node>, usize) {
    let result = json!({"done": false, "id": id, "state": "Queued"});
    (Node::of_json("result", &result), 1)
}

/// Answers `deploy`. Names are read in any case: clients write `ZipFile` as
/// the WSDL does.
pub fn deploy(org: &mut Org, operation: &Node) -> Answer {
    let text: String = argument(operation, "ZipFile")
        .chars()
        .filter(|character| !character.is_whitespace())
        .collect();
    let zip = base64::engine::general_purpose::STANDARD.decode(text).map_err(|error| {
        ApiError::new("INVALID_INPUT", format!("ZipFile is no base64: {error}"))
    })?;
    let given = operation.child("DeployOptions").cloned().unwrap_or_default();
    let options = DeployOptions::of(|name| says(&given, name));
    rules::deploy(org, &zip, options).map(|id| queued(&id))
}

/// Answers `deployRecentValidation` with the id of the new deploy.
pub fn deploy_validated(org: &mut Org, operation: &Node) -> Answer {
    let id = rules::deploy_validated(org, &argument(operation, "validationId"))?;
    Ok((vec![Node::text("result", &id)], 1))
}

/// Answers `checkDeployStatus`.
pub fn deploy_status(org: &Org, operation: &Node) -> Answer {
    let with_details = says(operation, "includeDetails").unwrap_or(false);
    let id = argument(operation, "asyncProcessId");
    let id = if id.is_empty() { argument(operation, "id") } else { id };
    let result = rules::deploy_status(org, &id, with_details)?;
    Ok((Node::of_json("result", &result), 1))
}

/// Answers `cancelDeploy`.
pub fn cancel(org: &Org, operation: &Node) -> Answer {
    let result = rules::cancel_deploy(org, &argument(operation, "String"))?;
    Ok((Node::of_json("result", &result), 1))
}

/// Answers `retrieve`; jsforce calls the argument `request`.
pub fn retrieve(org: &mut Org, operation: &Node) -> Answer {
    let request = operation
        .child("retrieveRequest")
        .or_else(|| operation.child("request"))
        .ok_or_else(|| ApiError::new("INVALID_INPUT", "retrieveRequest is required"))?;
    Ok(queued(&rules::retrieve(org, request)))
}

/// Answers `checkRetrieveStatus`.
pub fn retrieve_status(org: &mut Org, operation: &Node) -> Answer {
    let with_zip = says(operation, "includeZip").unwrap_or(true);
    let id = argument(operation, "asyncProcessId");
    let result = rules::retrieve_status(org, &id, with_zip)?;
    let count = result["fileProperties"].as_array().map_or(0, Vec::len);
    let mut result = Node::of_json("result", &result);
    // The zip is there, also where it is empty.
    if let Some(result) = result.first_mut()
        && result.child("zipFile").is_none()
    {
        result.children.push(Node::text("zipFile", ""));
    }
    Ok((result, count))
}
