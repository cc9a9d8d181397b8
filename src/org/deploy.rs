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
use super::error::OrgError;
use super::error::Refusal;
use super::metadata::DocumentOutcome;
use super::metadata::document_file;
use super::retry::Effect;
use super::transport::Org;
use super::transport::Payload;
use crate::model::Element;
use crate::model::SalesforceId;

/// What separates the parts of the body. The zip between them is compressed, and
/// holds this text by no chance worth a thought.
const BOUNDARY: &str = "orgform-8f14e45fceea167a5a36dedd4bea2543";
/// So often the documents that are well are sent again without those that are not.
const ROUNDS: u32 = 5;

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

impl Org {
    /// Creates, replaces or overlays many documents of a type, up to 10,000. What
    /// came of each is in the order in which they were given.
    ///
    /// # Errors
    /// When the call as a whole fails; a refused document is an outcome.
    pub async fn deploy_documents(
        &self,
        metadata_type: &str,
        documents: &[(String, Vec<Element>)],
    ) -> Result<Vec<DocumentOutcome>, OrgError> {
        let mut outcomes: HashMap<&str, DocumentOutcome> = HashMap::new();
        for _ in 0..ROUNDS {
            let open: Vec<&(String, Vec<Element>)> = documents
                .iter()
                .filter(|(name, _)| !outcomes.contains_key(name.as_str()))
                .collect();
            if open.is_empty() {
                break;
            }
            let result = self.deploy(metadata_type, &open).await?;
            let is_done = result.get("success").and_then(Json::as_bool) == Some(true);
            let refused = told(&result, "componentFailures");
            let made = told(&result, "componentSuccesses");
            let mut is_settled = is_done;
            for (name, _) in &open {
                let refusal = match refused.get(name.as_str()) {
                    Some(failure) => Some(refusal_of(failure)),
                    // It was rolled back with the others, and is sent again.
                    None if !is_done => continue,
                    None => None,
                };
                is_settled = true;
                let success = made.get(name.as_str());
                let text = |key: &str| success.and_then(|told| told.get(key)?.as_str());
                outcomes.insert(
                    name,
                    DocumentOutcome {
                        full_name: name.clone(),
                        created: success.and_then(|told| told.get("created")?.as_bool()),
                        id: text("id").and_then(SalesforceId::parse),
                        refusal,
                    },
                );
            }
            if !is_settled {
                // Nothing tells which document it is about.
                let refusal = whole_refusal(&result);
                let call = format!("deploy of {metadata_type}");
                return Err(OrgError::Refused { call, status: 400, refusal, request_id: None });
            }
        }
        let left_out = |name: &str| DocumentOutcome {
            full_name: name.to_owned(),
            created: None,
            id: None,
            refusal: Some(Refusal::new(
                "DEPLOY_FAILED",
                "it was rolled back again and again, since others of the same deploy were refused",
                Vec::new(),
            )),
        };
        Ok(documents
            .iter()
            .map(|(name, _)| outcomes.remove(name.as_str()).unwrap_or_else(|| left_out(name)))
            .collect())
    }

    /// One deploy, until it is done.
    async fn deploy(
        &self,
        metadata_type: &str,
        documents: &[&(String, Vec<Element>)],
    ) -> Result<Json, OrgError> {
        let unexpected = |reason: String| OrgError::Unexpected {
            call: format!("deploy of {metadata_type}"),
            reason,
        };
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
        let path = Self::data_path("metadata/deployRequest");
        let payload = Payload::Multipart { boundary: BOUNDARY, body: &body };
        let answer = self.send("deploy", &Method::POST, &path, payload, Effect::Write).await?;
        drop(body);
        let answer: Json =
            serde_json::from_str(&answer.body).map_err(|error| unexpected(error.to_string()))?;
        let id = answer.get("id").and_then(Json::as_str);
        let id = id.ok_or_else(|| unexpected("it has no id".to_owned()))?;
        let path = Self::data_path(&format!("metadata/deployRequest/{id}?includeDetails=true"));
        let mut looks = 1;
        loop {
            let mut answer = self.rest("deploy", Method::GET, &path, None).await?;
            let result = answer.get_mut("deployResult").map(Json::take);
            let result = result.ok_or_else(|| unexpected("it has no result".to_owned()))?;
            if result.get("done").and_then(Json::as_bool) == Some(true) {
                return Ok(result);
            }
            self.wait_before_retry(looks).await;
            looks = (looks + 1).min(5);
        }
    }
}

/// What a deploy says of its documents, by full name.
fn told<'a>(result: &'a Json, list: &str) -> HashMap<&'a str, &'a Json> {
    let told = result.pointer(&format!("/details/{list}")).and_then(Json::as_array);
    told.into_iter()
        .flatten()
        .filter_map(|held| Some((held.get("fullName")?.as_str()?, held)))
        .collect()
}

fn refusal_of(failure: &Json) -> Refusal {
    let problem = failure.get("problem").and_then(Json::as_str);
    Refusal::new("DEPLOY_FAILED", problem.unwrap_or("the org gave no reason"), Vec::new())
}

/// Why a deploy failed of which no document is at fault.
fn whole_refusal(result: &Json) -> Refusal {
    let text = |key: &str| result.get(key).and_then(Json::as_str);
    let failures = told(result, "componentFailures");
    let first = failures.values().next().and_then(|failure| failure.get("problem")?.as_str());
    let message = text("errorMessage").or(first).unwrap_or("the org gave no reason");
    Refusal::new(text("errorStatusCode").unwrap_or("DEPLOY_FAILED"), message, Vec::new())
}

/// The documents as files of a zip, with the list of them that every deploy has.
fn zipped(metadata_type: &str, documents: &[&(String, Vec<Element>)]) -> Result<Vec<u8>, String> {
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
        members.push(Element::text("members", name.clone()));
    }
    members.push(Element::text("name", metadata_type));
    let package = [Element::parent("types", members), Element::text("version", API_VERSION)];
    zip.start_file("package.xml", options).map_err(|error| error.to_string())?;
    zip.write_all(document_file("Package", &package).as_bytes())
        .map_err(|error| error.to_string())?;
    zip.finish().map(Cursor::into_inner).map_err(|error| error.to_string())
}
