//! Deploying a zip: its files are written as their documents are, all or
//! none, and each is told what became of it (Metadata API Developer Guide,
//! `deploy()` and `DeployResult`).
//!
//! It is done when it is asked for, and told when its status is: so every
//! client sees it pending once.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::io::Read as _;

use base64::Engine as _;
use serde_json::Value as Json;
use serde_json::json;

use super::Org;
use super::files::FileType;
use super::files::Manifest;
use super::files::TYPES;
use super::files::xml_time;
use super::metadata;
use super::metadata::Intent;
use crate::local_org::error::ApiError;
use crate::local_org::row::Cell;
use crate::local_org::row::Row;
use crate::local_org::shapes;
use crate::local_org::xml::NoDocument;
use crate::local_org::xml::Node;

/// Where deploys and retrieves are kept.
pub const TABLE: &str = "AsyncRequest";
/// Files of one deploy (Metadata API Developer Guide, "Metadata Limits").
const FILES: usize = 10_000;
/// Bytes of the zip (the same page).
const ZIPPED: usize = 39 * 1024 * 1024;
/// Bytes of one file; no document of access comes near.
const FILE: u64 = 16 * 1024 * 1024;
/// Requests of one kind that are remembered; the platform forgets after days.
const REMEMBERED: usize = 100;
/// Packages that were tried and are kept, to be deployed in earnest.
const PACKAGES: usize = 5;
/// Under which kind they are kept.
const VALIDATION: &str = "validation";
/// Bytes of all its files, unzipped (the same page).
const BYTES: u64 = 600 * 1024 * 1024;

/// How a deploy is to be done.
#[derive(Clone, Copy, Debug)]
pub struct DeployOptions {
    /// Nothing stays: it is only tried.
    pub check_only: bool,
    /// Nothing stays when anything fails.
    pub rollback_on_error: bool,
    /// Warnings don't fail it.
    pub ignore_warnings: bool,
    /// What is named and has no file is passed over.
    pub allow_missing_files: bool,
    /// What has a file and is not named is taken all the same.
    pub auto_update_package: bool,
}

impl DeployOptions {
    /// The options as a client gives them; what it does not say is off.
    pub fn of(says: impl Fn(&str) -> Option<bool>) -> Self {
        let says = |name: &str| says(name).unwrap_or(false);
        Self {
            check_only: says("checkOnly"),
            rollback_on_error: says("rollbackOnError"),
            ignore_warnings: says("ignoreWarnings"),
            allow_missing_files: says("allowMissingFiles"),
            auto_update_package: says("autoUpdatePackage"),
        }
    }
}

/// What became of one component.
struct ComponentResult {
    metadata_type: String,
    full_name: String,
    file_name: String,
    id: Option<String>,
    changed: bool,
    created: bool,
    deleted: bool,
    problem: Option<(String, (u32, u32))>,
}

impl ComponentResult {
    fn of(metadata_type: &str, full_name: &str, file_name: &str) -> Self {
        Self {
            metadata_type: metadata_type.to_owned(),
            full_name: full_name.to_owned(),
            file_name: file_name.to_owned(),
            id: None,
            changed: false,
            created: false,
            deleted: false,
            problem: None,
        }
    }

    fn failing(mut self, problem: impl Into<String>, place: (u32, u32)) -> Self {
        self.problem = Some((problem.into(), place));
        self
    }

    /// In the order of the WSDL.
    fn json(&self, now: &str) -> Json {
        let place = self.problem.as_ref().map(|(_, place)| *place).filter(|place| place.0 > 0);
        json!({
            "changed": self.changed,
            "columnNumber": place.map(|place| place.1),
            "componentType": self.metadata_type,
            "created": self.created,
            "createdDate": now,
            "deleted": self.deleted,
            "fileName": self.file_name,
            "fullName": self.full_name,
            "id": self.id,
            "lineNumber": place.map(|place| place.0),
            "problem": self.problem.as_ref().map(|(problem, _)| problem),
            "problemType": self.problem.as_ref().map(|_| "Error"),
            "success": self.problem.is_none(),
        })
    }
}

/// Deploys a zip; the id under which its status is asked for.
///
/// # Errors
/// When whoever sends it may not deploy at all.
pub fn deploy(org: &mut Org, zip: &[u8], options: DeployOptions) -> Result<String, ApiError> {
    super::rights::check(org, "metadata")?;
    if zip.len() > ZIPPED {
        let message = "The zip file has more than 39 MB";
        return Err(ApiError::new("LIMIT_EXCEEDED", message));
    }
    let version = org.version.clone();
    let savepoint = org.store.savepoint();
    let mut results = match unzip(zip) {
        Ok(files) => components(org, files, options),
        Err(problem) => {
            vec![
                ComponentResult::of("", "package.xml", "package.xml")
                    .failing(problem.to_string(), (0, 0)),
            ]
        }
    };
    org.version = version;
    let failed = results.iter().any(|one| one.problem.is_some());
    if options.check_only || (failed && options.rollback_on_error) {
        org.store.roll_back(savepoint);
        if failed {
            for one in results.iter_mut().filter(|one| one.created) {
                // What was not made has no id.
                one.id = None;
            }
        }
    }
    let id = org.store.new_id("0Af");
    let result = result(org, &id, &results, options);
    keep(org, &id, "deploy", result);
    if options.check_only && !failed {
        // Kept for as long as it may be asked for to be done in earnest.
        let package = base64::engine::general_purpose::STANDARD.encode(zip);
        let kept = json!({"package": package, "rollbackOnError": options.rollback_on_error});
        keep(org, &validation_id(&id), VALIDATION, kept);
    }
    Ok(id)
}

/// Under which id the package of a validation is kept.
fn validation_id(deploy: &str) -> String {
    format!("{deploy}/validation")
}

/// Does in earnest what was tried and held (Metadata API Developer Guide,
/// `deployRecentValidation()`); the id under which its status is asked for.
///
/// # Errors
/// When nothing of that id was tried with success.
pub fn deploy_validated(org: &mut Org, id: &str) -> Result<String, ApiError> {
    let id = crate::local_org::ids::normal_id(id);
    let kept = kept(org, &validation_id(&id), VALIDATION)?;
    let package = kept["package"].as_str().unwrap_or_default();
    let zip = base64::engine::general_purpose::STANDARD.decode(package).unwrap_or_default();
    let rolls_back = kept["rollbackOnError"] == json!(true);
    let options = DeployOptions::of(|name| Some(name == "rollbackOnError" && rolls_back));
    deploy(org, &zip, options)
}

/// Keeps the results of a request; the oldest of its kind gives way.
pub fn keep(org: &mut Org, id: &str, kind: &str, result: Json) {
    let mut row = Row::new();
    row.set("Id", id);
    row.set("Kind", kind);
    row.set("Result", result);
    org.store.put(TABLE, row);
    let ids: Vec<String> = org
        .store
        .all(TABLE)
        .filter(|row| row.text("Kind") == Some(kind))
        .filter_map(|row| row.text("Id").map(str::to_owned))
        .collect();
    let remembered = if kind == VALIDATION { PACKAGES } else { REMEMBERED };
    for id in ids.iter().take(ids.len().saturating_sub(remembered)) {
        org.store.delete(TABLE, id);
    }
}

/// What is kept of a request of a kind.
///
/// # Errors
/// When there is none.
pub fn kept(org: &Org, id: &str, kind: &str) -> Result<Json, ApiError> {
    let id = crate::local_org::ids::normal_id(id);
    org.store
        .get(TABLE, &id)
        .filter(|row| row.text("Kind") == Some(kind))
        .and_then(|row| row.get("Result").map(Cell::to_json))
        .ok_or_else(|| {
            let message = format!("invalid cross reference id: {id}");
            ApiError::new("INVALID_CROSS_REFERENCE_KEY", message).status(404)
        })
}

/// What became of a deploy, in the order of the WSDL.
///
/// # Errors
/// When there is none of that id.
pub fn status(org: &Org, id: &str, with_details: bool) -> Result<Json, ApiError> {
    let mut result = kept(org, id, "deploy")?;
    if !with_details {
        result["details"] = json!({});
    }
    Ok(result)
}

/// A deploy is done as soon as it is sent, and can't be called back.
///
/// # Errors
/// Always; of another kind when there is no such deploy.
pub fn cancel(org: &Org, id: &str) -> Result<Json, ApiError> {
    kept(org, id, "deploy")?;
    let message = "Deployment already completed";
    Err(ApiError::new("INVALID_ID_FIELD", message))
}

fn result(org: &Org, id: &str, results: &[ComponentResult], options: DeployOptions) -> Json {
    let now = xml_time(&org.now);
    let name = org.text("User", &org.running_user, "Name").unwrap_or_default();
    let (failures, successes): (Vec<&ComponentResult>, Vec<&ComponentResult>) =
        results.iter().partition(|one| one.problem.is_some());
    // The manifest is reported, and counts as no component.
    let count = |results: &[&ComponentResult]| {
        results.iter().filter(|one| !one.metadata_type.is_empty()).count()
    };
    let is_partial = !failures.is_empty() && !options.rollback_on_error && count(&successes) > 0;
    let status = match (failures.is_empty(), is_partial) {
        (true, _) => "Succeeded",
        (false, true) => "SucceededPartial",
        (false, false) => "Failed",
    };
    let list = |results: &[&ComponentResult]| {
        results.iter().map(|one| one.json(&now)).collect::<Vec<Json>>()
    };
    json!({
        "checkOnly": options.check_only,
        "completedDate": now,
        "createdBy": org.running_user,
        "createdByName": name,
        "createdDate": now,
        "details": {
            "componentFailures": list(&failures),
            "componentSuccesses": list(&successes),
            "runTestResult": {"numFailures": 0, "numTestsRun": 0, "totalTime": 0.0},
        },
        "done": true,
        "id": id,
        "ignoreWarnings": options.ignore_warnings,
        "lastModifiedDate": now,
        "numberComponentErrors": failures.len(),
        "numberComponentsDeployed": count(&successes),
        "numberComponentsTotal": count(&successes) + failures.len(),
        "numberTestErrors": 0,
        "numberTestsCompleted": 0,
        "numberTestsTotal": 0,
        "rollbackOnError": options.rollback_on_error,
        "runTestsEnabled": false,
        "startDate": now,
        "status": status,
        "success": failures.is_empty(),
    })
}

type Files = BTreeMap<String, Vec<u8>>;

/// Why a zip is not unpacked.
#[derive(Debug, thiserror::Error)]
enum UnzipError {
    #[error("The zip file can't be read: {0}")]
    Broken(#[from] zip::result::ZipError),
    #[error("The zip file can't be read: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("The zip file has more than {FILES} files")]
    ManyFiles,
    #[error("The file {0} of the zip has more than 16 MB")]
    LargeFile(String),
    #[error("The files of the zip have more than 600 MB in all")]
    Large,
}

/// The files of a zip by path.
fn unzip(zip: &[u8]) -> Result<Files, UnzipError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(zip))?;
    if archive.len() > FILES {
        return Err(UnzipError::ManyFiles);
    }
    let mut files = Files::new();
    let mut left = BYTES;
    for index in 0..archive.len() {
        let file = archive.by_index(index)?;
        if file.is_dir() {
            continue;
        }
        let path = file.name()?.replace('\\', "/");
        let mut content = Vec::new();
        file.take(FILE + 1).read_to_end(&mut content)?;
        if content.len() as u64 > FILE {
            return Err(UnzipError::LargeFile(path));
        }
        left = left.checked_sub(content.len() as u64).ok_or(UnzipError::Large)?;
        files.insert(path, content);
    }
    Ok(files)
}

fn read(content: &[u8]) -> Result<Node, NoDocument> {
    let text = std::str::from_utf8(content).map_err(|error| NoDocument {
        message: format!("the file is not UTF-8: {error}"),
        place: (0, 0),
    })?;
    Node::parse(text.trim_start_matches('\u{feff}'))
}

/// Writes all components of a package.
fn components(org: &mut Org, files: Files, options: DeployOptions) -> Vec<ComponentResult> {
    // The package is at the top, or alone in a folder.
    let root = files
        .keys()
        .filter(|path| *path == "package.xml" || path.ends_with("/package.xml"))
        .min_by_key(|path| path.len())
        .map(|path| path.trim_end_matches("package.xml").to_owned());
    let manifest = ComponentResult::of("", "package.xml", "package.xml");
    let Some(root) = root else {
        return vec![manifest.failing("No package.xml found", (0, 0))];
    };
    let files: Files = files
        .into_iter()
        .filter_map(|(path, content)| Some((path.strip_prefix(&root)?.to_owned(), content)))
        .collect();
    let package = match files.get("package.xml").map(|content| read(content)) {
        Some(Ok(package)) => Manifest::of(&package),
        Some(Err(error)) => {
            let problem = format!("Error parsing file: {}", error.message);
            return vec![manifest.failing(problem, error.place)];
        }
        None => return vec![manifest.failing("No package.xml found", (0, 0))],
    };
    if let Some(version) = &package.version {
        org.version.clone_from(version);
    }
    let mut results = Vec::new();
    destroy(org, &files, "destructiveChangesPre.xml", &mut results);
    for (name, _) in package.types.iter().filter(|(name, _)| FileType::named(name).is_none()) {
        let problem = format!("Unknown type name '{name}' specified in package.xml");
        results
            .push(ComponentResult::of("", "package.xml", "package.xml").failing(problem, (0, 0)));
    }
    for file_type in &TYPES {
        for (path, content) in &files {
            let Some(full_name) = file_type.full_name(path) else { continue };
            let one = ComponentResult::of(file_type.name, &full_name, path);
            if !options.auto_update_package && !package.names(file_type.name, &full_name) {
                results.push(one.failing("Not in package.xml", (0, 0)));
                continue;
            }
            results.push(component(org, one, content));
        }
        for member in package.members(file_type.name).filter(|member| *member != "*") {
            if !files.contains_key(&file_type.path(member)) && !options.allow_missing_files {
                let problem = format!(
                    "An object '{member}' of type {} was named in package.xml, but was not found in zipped directory",
                    file_type.name
                );
                results.push(
                    ComponentResult::of(file_type.name, member, "package.xml")
                        .failing(problem, (0, 0)),
                );
            }
        }
    }
    destroy(org, &files, "destructiveChanges.xml", &mut results);
    destroy(org, &files, "destructiveChangesPost.xml", &mut results);
    results.push(manifest);
    results
}

/// Writes one component.
fn component(org: &mut Org, mut one: ComponentResult, content: &[u8]) -> ComponentResult {
    let (metadata_type, full_name) = (one.metadata_type.clone(), one.full_name.clone());
    let document = match read(content) {
        Ok(document) => document,
        Err(error) => {
            return one.failing(format!("Error parsing file: {}", error.message), error.place);
        }
    };
    if document.name != metadata_type {
        let problem =
            format!("Error parsing file: Element {} is no {metadata_type}", document.name);
        return one.failing(problem, document.place);
    }
    if let Err(misfit) = shapes::check(&document, &metadata_type, &org.version) {
        return one.failing(format!("Error parsing file: {}", misfit.message), misfit.place);
    }
    let before = metadata::document(org, &metadata_type, &full_name);
    match metadata::write_document(org, &metadata_type, &full_name, &document, Intent::Upsert) {
        Err(error) => one.failing(error.message, (0, 0)),
        Ok(created) => {
            one.created = created;
            one.changed = metadata::document(org, &metadata_type, &full_name) != before;
            one.id = metadata::id_of(org, &metadata_type, &full_name);
            one
        }
    }
}

/// Deletes what a manifest of deletions names. What is not there is passed
/// over, as with a warning.
fn destroy(org: &mut Org, files: &Files, name: &str, results: &mut Vec<ComponentResult>) {
    let Some(content) = files.get(name) else { return };
    let manifest = match read(content) {
        Ok(document) => Manifest::of(&document),
        Err(error) => {
            let problem = format!("Error parsing file: {}", error.message);
            results.push(ComponentResult::of("", name, name).failing(problem, error.place));
            return;
        }
    };
    for (metadata_type, members) in &manifest.types {
        for member in members {
            let mut one = ComponentResult::of(metadata_type, member, name);
            one.id = metadata::id_of(org, metadata_type, member);
            let one = match (&one.id, FileType::named(metadata_type)) {
                (_, None) => {
                    let problem =
                        format!("Unknown type name '{metadata_type}' specified in package.xml");
                    one.failing(problem, (0, 0))
                }
                (None, _) => one,
                (Some(_), Some(_)) => match metadata::delete_document(org, metadata_type, member) {
                    Ok(()) => ComponentResult { changed: true, deleted: true, ..one },
                    Err(error) => one.failing(error.message, (0, 0)),
                },
            };
            results.push(one);
        }
    }
}
