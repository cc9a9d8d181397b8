//! Retrieving documents as a zip (Metadata API Developer Guide, `retrieve()`).
//!
//! A permission set comes whole. A profile shows of what it grants only what
//! belongs to components that the same manifest names, apart from its system
//! permissions, login hours and address ranges (the same guide, `Profile`).

use std::collections::HashSet;
use std::io::Cursor;
use std::io::Write as _;

use base64::Engine as _;
use serde_json::Value as Json;
use serde_json::json;
use zip::write::SimpleFileOptions;

use super::Org;
use super::deploy::keep;
use super::deploy::kept;
use super::files::FileType;
use super::files::Manifest;
use super::files::manifest_properties;
use super::files::properties;
use super::metadata;
use crate::local_org::error::ApiError;
use crate::local_org::shapes::METADATA;
use crate::local_org::xml::Node;

/// Remembers what is to be retrieved; the id under which it is asked for.
pub fn retrieve(org: &mut Org, request: &Node) -> String {
    let package = request.child("unpackaged").cloned().unwrap_or_default();
    let manifest = Manifest::of(&package);
    let version = request.child("apiVersion").map(|version| version.text.trim().to_owned());
    let version = manifest.version.or(version).unwrap_or_else(|| org.version.clone());
    let id = org.store.new_id("09S");
    let request = json!({"types": manifest.types, "version": version});
    keep(org, &id, "retrieve", request);
    id
}

/// What was retrieved, in the order of the WSDL. It is put together when it is
/// asked for.
///
/// # Errors
/// When there is no such request.
pub fn status(org: &mut Org, id: &str, with_zip: bool) -> Result<Json, ApiError> {
    let request = kept(org, id, "retrieve")?;
    let types = serde_json::from_value(request["types"].clone()).unwrap_or_default();
    let version = request["version"].as_str().map(str::to_owned);
    let manifest = Manifest { types, version };
    if let Some(version) = &manifest.version {
        org.version.clone_from(version);
    }
    let mut files = Vec::new();
    let mut properties_of_all = Vec::new();
    let mut messages = Vec::new();
    for (metadata_type, members) in &manifest.types {
        let Some(file_type) = FileType::named(metadata_type) else {
            let problem = format!(
                "The local org has no {metadata_type} to retrieve; profiles show what they say of it"
            );
            messages.push(json!({"fileName": "unpackaged/package.xml", "problem": problem}));
            continue;
        };
        let rows = metadata::rows_of(org, metadata_type);
        let is_wanted = |full_name: &str| members.contains("*") || members.contains(full_name);
        let there: HashSet<&str> = rows.iter().map(|(full_name, _)| full_name.as_str()).collect();
        for (full_name, row) in rows.iter().filter(|(full_name, _)| is_wanted(full_name)) {
            if with_zip && let Some(document) = metadata::document(org, metadata_type, full_name) {
                let document = as_file(document, metadata_type, &manifest);
                files.push((file_type.path(full_name), document.to_file(METADATA)));
            }
            properties_of_all.push(properties(org, file_type, full_name, row));
        }
        for member in members.iter().filter(|member| *member != "*") {
            if !there.contains(member.as_str()) {
                let problem =
                    format!("Entity of type '{metadata_type}' named '{member}' cannot be found");
                messages.push(json!({"fileName": "unpackaged/package.xml", "problem": problem}));
            }
        }
    }
    files.push(("package.xml".to_owned(), package(&manifest, &files)));
    properties_of_all.push(manifest_properties(org));
    let zip = if with_zip { zipped(&files)? } else { String::new() };
    Ok(json!({
        "done": true,
        "fileProperties": properties_of_all,
        "id": crate::local_org::ids::normal_id(id),
        "messages": messages,
        "status": "Succeeded",
        "success": true,
        "zipFile": zip,
    }))
}

/// A document as its file shows it.
fn as_file(mut document: Node, metadata_type: &str, manifest: &Manifest) -> Node {
    metadata_type.clone_into(&mut document.name);
    document.xsi_type = None;
    if metadata_type == "MutingPermissionSet" {
        // In a file its label stands once.
        document.children.pop();
    }
    document.children.retain(|child| {
        child.name != "fullName" && (metadata_type != "Profile" || is_shown(child, manifest))
    });
    document
}

/// Whether a profile's file shows an entry.
fn is_shown(entry: &Node, manifest: &Manifest) -> bool {
    let name = |element: &str| {
        entry.child(element).map(|child| child.text.trim().to_owned()).unwrap_or_default()
    };
    let names = |metadata_type: &str, element: &str| manifest.names(metadata_type, &name(element));
    // A star stands for custom objects, and for no standard one.
    let names_object = |object: &str| {
        manifest
            .members("CustomObject")
            .any(|member| member == object || (member == "*" && object.ends_with("__c")))
    };
    match entry.name.as_str() {
        "objectPermissions" => names_object(&name("object")),
        "fieldPermissions" => {
            let field = name("field");
            let object = field.split('.').next().unwrap_or_default();
            names_object(object) || manifest.names("CustomField", &field)
        }
        "recordTypeVisibilities" => {
            let record_type = name("recordType");
            let object = record_type.split('.').next().unwrap_or_default();
            names_object(object) || manifest.names("RecordType", &record_type)
        }
        "applicationVisibilities" => names("CustomApplication", "application"),
        "classAccesses" => names("ApexClass", "apexClass"),
        "customMetadataTypeAccesses" | "customSettingAccesses" => names_object(&name("name")),
        "customPermissions" => names("CustomPermission", "name"),
        "externalDataSourceAccesses" => names("ExternalDataSource", "externalDataSource"),
        "flowAccesses" => names("Flow", "flow"),
        "layoutAssignments" => names("Layout", "layout"),
        "pageAccesses" => names("ApexPage", "apexPage"),
        "tabVisibilities" => names("CustomTab", "tab"),
        _ => true,
    }
}

/// The manifest of what was found.
fn package(manifest: &Manifest, files: &[(String, String)]) -> String {
    let mut types: Vec<Node> = Vec::new();
    for (metadata_type, _) in &manifest.types {
        let Some(file_type) = FileType::named(metadata_type) else { continue };
        let mut found: Vec<Node> = files
            .iter()
            .filter_map(|(path, _)| file_type.full_name(path))
            .map(|full_name| Node::text("members", &full_name))
            .collect();
        if found.is_empty() {
            continue;
        }
        found.push(Node::text("name", metadata_type));
        types.push(Node::parent("types", found));
    }
    types.push(Node::text("version", manifest.version.as_deref().unwrap_or_default()));
    Node::parent("Package", types).to_file(METADATA)
}

/// The files as a zip in base64.
fn zipped(files: &[(String, String)]) -> Result<String, ApiError> {
    let failed = |error: &dyn std::fmt::Display| {
        ApiError::new("UNKNOWN_EXCEPTION", format!("the zip can't be made: {error}")).status(500)
    };
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, text) in files {
        writer
            .start_file(format!("unpackaged/{path}"), SimpleFileOptions::default())
            .map_err(|error| failed(&error))?;
        writer.write_all(text.as_bytes()).map_err(|error| failed(&error))?;
    }
    let bytes = writer.finish().map_err(|error| failed(&error))?.into_inner();
    Ok(base64::engine::general_purpose::STANDARD.encode(bytes))
}
