//! Many documents in one call: a deploy by REST (Metadata API Developer Guide,
//! "Deploying and Retrieving Metadata with the REST API").
//!
//! A deploy is all or nothing where it has to be (in production), so that one bad
//! document keeps the others out: those are sent again without it.

use std::collections::HashMap;
use std::io::Cursor;
use std::io::Write as _;

use reqwest::Method;
use serde_json::Value as Json;
use serde_json::json;

use super::API_VERSION;
use super::address::OrgPath;
use super::contract::CallKind;
use super::error::OrgError;
use super::error::Refusal;
use super::error::Refused;
use super::metadata::DocumentOutcome;
use super::metadata::document_file;
use super::transport::Call;
use super::transport::Org;
use super::transport::Payload;
use crate::model::Element;
use crate::model::SalesforceId;

/// What separates the parts of the body. The zip between them is compressed, and
/// holds this text by no chance worth a thought.
const BOUNDARY: &str = "orgform-8f14e45fceea167a5a36dedd4bea2543";

/// The folder of a type's files, and how their names end.
fn place_of(metadata_type: &str) -> Option<(&'static str, &'static str)> {
    match metadata_type {
        "PermissionSet" => Some(("permissionsets", "permissionset")),
        "PermissionSetGroup" => Some(("permissionsetgroups", "permissionsetgroup")),
        "MutingPermissionSet" => Some(("mutingpermissionsets", "mutingpermissionset")),
        "Profile" => Some(("profiles", "profile")),
        _ => None,
    }
}

/// What became of a deploy.
#[derive(Clone, Debug)]
pub struct DeployResult {
    result: Json,
}

impl DeployResult {
    /// What it says of each document, in the order in which they were given; `None`
    /// for one that was rolled back with others, and may be sent again without them.
    ///
    /// # Errors
    /// When it failed as a whole, and nothing tells which document it is about.
    pub fn outcomes(
        &self,
        metadata_type: &str,
        full_names: &[&str],
    ) -> Result<Vec<Option<DocumentOutcome>>, OrgError> {
        let is_done = is_yes(self.result.get("success"));
        let refused = components(&self.result, "componentFailures");
        let made = components(&self.result, "componentSuccesses");
        let outcome = |name: &&str| {
            let refused = match refused.get(*name) {
                Some(failure) => Some(Refused::new(refusal_of(failure))),
                // It was rolled back with the others.
                None if !is_done => return None,
                None => None,
            };
            let success = made.get(*name);
            let id = success.and_then(|made| made.get("id")?.as_str());
            Some(DocumentOutcome {
                full_name: (*name).to_owned(),
                created: success
                    .and_then(|made| made.get("created"))
                    .map(|made| is_yes(Some(made))),
                id: id.and_then(SalesforceId::parse),
                refused,
            })
        };
        let outcomes: Vec<Option<DocumentOutcome>> = full_names.iter().map(outcome).collect();
        if outcomes.iter().any(Option::is_some) {
            return Ok(outcomes);
        }
        let refused = Refused::new(whole_refusal(&self.result));
        Err(OrgError::Refused { call: format!("deploy of {metadata_type}"), status: 400, refused })
    }
}

/// A boolean, which some answers write as a text.
fn is_yes(value: Option<&Json>) -> bool {
    value.is_some_and(|value| value.as_bool() == Some(true) || value.as_str() == Some("true"))
}

impl Org {
    /// Begins a deploy that creates, replaces or overlays many documents of a type, up
    /// to 10,000, and gives its id.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn start_deploy(
        &self,
        metadata_type: &str,
        documents: &[(&str, &[Element])],
    ) -> Result<SalesforceId, OrgError> {
        let unexpected =
            |reason: String| OrgError::unexpected(format!("deploy of {metadata_type}"), reason);
        let zip = zipped(metadata_type, documents).map_err(unexpected)?;
        let options = json!({"deployOptions": {
            "rollbackOnError": true,
            "singlePackage": true,
            "testLevel": "NoTestRun",
        }});
        let mut body = Vec::with_capacity(zip.len() + 1024);
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"json\"\r\nContent-Type: application/json\r\n\r\n{options}\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"deploy.zip\"\r\nContent-Type: application/zip\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&zip);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        drop(zip);
        let path = OrgPath::data("metadata/deployRequest");
        let payload = Payload::Multipart { boundary: BOUNDARY, body: &body };
        let answer = self.json(Call::new(CallKind::Deploy, Method::POST, &path, payload)).await?;
        let id = answer.get("id").and_then(Json::as_str).and_then(SalesforceId::parse);
        id.ok_or_else(|| unexpected("it has no id".to_owned()))
    }

    /// One look at a deploy; `None` while it is under way.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn look_at_deploy(
        &self,
        id: &SalesforceId,
    ) -> Result<Option<DeployResult>, OrgError> {
        let path = OrgPath::data(&format!("metadata/deployRequest/{id}?includeDetails=true"));
        let mut answer = self.json(Call::bare(CallKind::DeployStatus, Method::GET, &path)).await?;
        let result = answer.get_mut("deployResult").map(Json::take).unwrap_or_default();
        if result.get("done").is_none() {
            let call = format!("deploy {id}");
            return Err(OrgError::unexpected(call, "it does not say whether it is done"));
        }
        Ok(is_yes(result.get("done")).then_some(DeployResult { result }))
    }
}

/// What a deploy says of its documents, by full name.
fn components<'a>(result: &'a Json, list: &str) -> HashMap<&'a str, &'a Json> {
    // A list of one may come as that one.
    let listed = match result.pointer(&format!("/details/{list}")) {
        Some(Json::Array(listed)) => listed.as_slice(),
        Some(one @ Json::Object(_)) => std::slice::from_ref(one),
        _ => &[],
    };
    listed.iter().filter_map(|held| Some((held.get("fullName")?.as_str()?, held))).collect()
}

fn refusal_of(failure: &Json) -> Refusal {
    let problem = failure.get("problem").and_then(Json::as_str);
    Refusal::new("DEPLOY_FAILED", problem.unwrap_or("the org gave no reason"), Vec::new())
}

/// Why a deploy failed of which no document is at fault.
fn whole_refusal(result: &Json) -> Refusal {
    let text = |key: &str| result.get(key).and_then(Json::as_str);
    let failures = components(result, "componentFailures");
    let first = failures.values().next().and_then(|failure| failure.get("problem")?.as_str());
    let message = text("errorMessage").or(first).unwrap_or("the org gave no reason");
    Refusal::new(text("errorStatusCode").unwrap_or("DEPLOY_FAILED"), message, Vec::new())
}

/// The documents as files of a zip, with the list of them that every deploy has.
fn zipped(metadata_type: &str, documents: &[(&str, &[Element])]) -> Result<Vec<u8>, String> {
    let (folder, suffix) =
        place_of(metadata_type).ok_or_else(|| format!("{metadata_type} has no files"))?;
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let mut members = Vec::with_capacity(documents.len());
    for (name, elements) in documents {
        zip.start_file(format!("{folder}/{name}.{suffix}"), options)
            .map_err(|error| error.to_string())?;
        zip.write_all(document_file(metadata_type, elements).as_bytes())
            .map_err(|error| error.to_string())?;
        members.push(Element::text("members", *name));
    }
    members.push(Element::text("name", metadata_type));
    let package = [Element::parent("types", members), Element::text("version", API_VERSION)];
    zip.start_file("package.xml", options).map_err(|error| error.to_string())?;
    zip.write_all(document_file("Package", &package).as_bytes())
        .map_err(|error| error.to_string())?;
    zip.finish().map(Cursor::into_inner).map_err(|error| error.to_string())
}
