//! What profiles and sets hold beside permissions: sections of a document, each
//! entry kept as it was said.
//!
//! A set holds only what is on; a profile shows a record type whether assigned or
//! not, and takes part of an entry as a change of that part (Metadata API
//! Developer Guide, `Profile` and `PermissionSet`).

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::Org;
use super::nodes::is_true;
use super::nodes::text;
use crate::local_org::error::ApiError;
use crate::local_org::row::Cell;
use crate::local_org::row::Row;
use crate::local_org::xml::Node;

/// Where entries are kept.
pub const TABLE: &str = "SectionEntry";

/// Entries by section and name; each by the names of its elements.
pub type Entries = BTreeMap<(String, String), BTreeMap<String, String>>;

/// Sections: the element that names an entry, the one that says whether it is
/// on, and what sort of thing it names.
const SECTIONS: [(&str, &str, &str, &str); 17] = [
    ("agentAccesses", "agentName", "enabled", ""),
    ("applicationVisibilities", "application", "visible", "CustomApplication"),
    ("categoryGroupVisibilities", "dataCategoryGroup", "", ""),
    ("classAccesses", "apexClass", "enabled", "ApexClass"),
    ("customMetadataTypeAccesses", "name", "enabled", "CustomMetadata"),
    ("customPermissions", "name", "enabled", "CustomPermission"),
    ("customSettingAccesses", "name", "enabled", "CustomObject"),
    ("emailRoutingAddressAccesses", "name", "enabled", ""),
    (
        "externalCredentialPrincipalAccesses",
        "externalCredentialPrincipal",
        "enabled",
        "ExternalCredentialPrincipal",
    ),
    ("externalDataSourceAccesses", "externalDataSource", "enabled", "ExternalDataSource"),
    ("flowAccesses", "flow", "enabled", "FlowDefinition"),
    ("layoutAssignments", "layout", "", ""),
    ("pageAccesses", "apexPage", "enabled", "ApexPage"),
    ("recordTypeVisibilities", "recordType", "visible", "RecordType"),
    ("servicePresenceStatusAccesses", "servicePresenceStatus", "enabled", ""),
    ("tabSettings", "tab", "", "tab"),
    ("tabVisibilities", "tab", "", "tab"),
];
const RECORD_TYPES: &str = "recordTypeVisibilities";
const HOURS: &str = "loginHours";
const ADDRESSES: &str = "loginIpRanges";

/// Things of each sort that the org has.
const THINGS: [(&str, &[&str]); 9] = [
    ("ApexClass", &["CoconutApi", "CoconutSync"]),
    ("ApexPage", &["CoconutSetup"]),
    ("CustomApplication", &["Coconut", "standard__AllTabSet", "standard__LightningSales"]),
    ("CustomMetadata", &["Coconut_Setting__mdt"]),
    ("CustomObject", &["Coconut_Options__c"]),
    ("CustomPermission", &["Coconut_Admin", "Coconut_Export"]),
    ("ExternalCredentialPrincipal", &["Coconut_Api-Integration"]),
    ("ExternalDataSource", &["Coconut_Archive"]),
    ("FlowDefinition", &["Coconut_Onboarding"]),
];
const TABS: [&str; 5] =
    ["Coconut__c", "standard-Account", "standard-Contact", "standard-Event", "standard-Lead"];

/// A record type's name in metadata: that of a person account's begins with
/// `PersonAccount.`.
fn full_name(row: &Row) -> String {
    let is_person = row.is_on("IsPersonType");
    let object = if is_person { "PersonAccount" } else { row.text_or_empty("SobjectType") };
    format!("{object}.{}", row.text_or_empty("DeveloperName"))
}

fn exists(org: &Org, sort: &str, name: &str) -> bool {
    match sort {
        "" => true,
        "RecordType" => org.store.all("RecordType").any(|row| full_name(row) == name),
        "tab" => TABS.contains(&name),
        sort => things(sort).contains(&name),
    }
}

/// The entries of a document.
///
/// # Errors
/// When one names what the org does not have.
pub fn read(org: &Org, document: &Node) -> Result<Entries, ApiError> {
    let mut entries = Entries::new();
    for (section, named, _, sort) in SECTIONS {
        for entry in document.all(section) {
            let name = text(entry, named).unwrap_or_default();
            if !exists(org, sort, name) {
                let message = if sort == "tab" {
                    format!("You can't edit tab settings for {name}, as it's not a valid tab.")
                } else {
                    format!("In field: {named} - no {sort} named {name} found")
                };
                return Err(ApiError::new("INVALID_CROSS_REFERENCE_KEY", message));
            }
            let key = match text(entry, "recordType").filter(|_| section == "layoutAssignments") {
                Some(record_type) => format!("{name}/{record_type}"),
                None => name.to_owned(),
            };
            entries.insert((section.to_owned(), key), children(entry));
        }
    }
    for hours in document.all(HOURS) {
        entries.insert((HOURS.to_owned(), String::new()), children(hours));
    }
    for range in document.all(ADDRESSES) {
        let start = text(range, "startAddress").unwrap_or_default();
        entries.insert((ADDRESSES.to_owned(), start.to_owned()), children(range));
    }
    Ok(entries)
}

fn children(entry: &Node) -> BTreeMap<String, String> {
    entry.children.iter().map(|child| (child.name.clone(), child.text.trim().to_owned())).collect()
}

/// Whether an entry is on, so that a set keeps it.
pub fn is_on(section: &str, entry: &BTreeMap<String, String>) -> bool {
    let switch = SECTIONS.iter().find(|(held, ..)| *held == section).map_or("", |held| held.2);
    let says = |name: &str| entry.get(name).map(String::as_str);
    if section == "tabSettings" {
        return says("visibility") != Some("None");
    }
    switch.is_empty() || says(switch) == Some("true")
}

/// Lays entries over those of a profile.
///
/// # Errors
/// When an object is left with record types and not exactly one default.
pub fn overlay(held: &mut Entries, overlay: Entries) -> Result<(), ApiError> {
    if overlay.keys().any(|(section, _)| section == ADDRESSES) {
        held.retain(|(section, _), _| section != ADDRESSES);
    }
    let touches = overlay.keys().any(|(section, _)| section == RECORD_TYPES);
    for (key, entry) in overlay {
        if key.0 == HOURS {
            held.insert(key, entry);
        } else {
            held.entry(key).or_default().extend(entry);
        }
    }
    held.retain(|(section, _), entry| section != HOURS || !entry.is_empty());
    let is_default_app =
        |((section, _), entry): &(&(String, String), &BTreeMap<String, String>)| {
            section == "applicationVisibilities"
                && entry.get("default").is_some_and(|value| value == "true")
        };
    if held.iter().filter(is_default_app).count() > 1 {
        return Err(ApiError::new(
            "FIELD_INTEGRITY_EXCEPTION",
            "Only one default application is allowed",
        ));
    }
    if touches { check_defaults(held) } else { Ok(()) }
}

fn check_defaults(entries: &Entries) -> Result<(), ApiError> {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for ((_, name), entry) in entries.iter().filter(|((section, _), _)| section == RECORD_TYPES) {
        let object = match name.split('.').next().unwrap_or_default() {
            "PersonAccount" => "Account",
            object => object,
        };
        let says = |name: &str| entry.get(name).is_some_and(|value| value == "true");
        let count = counts.entry(object).or_default();
        count.0 += usize::from(says("visible"));
        count.1 += usize::from(says("default"));
        if says("default") && !says("visible") {
            return Err(ApiError::new(
                "FIELD_INTEGRITY_EXCEPTION",
                format!("The default record type {name} must be visible"),
            ));
        }
    }
    for (object, (visible, defaults)) in counts {
        if defaults > 1 {
            return Err(ApiError::new(
                "FIELD_INTEGRITY_EXCEPTION",
                format!("Only one default record type is allowed for {object}"),
            ));
        }
        if visible > 0 && defaults == 0 {
            return Err(ApiError::new(
                "FIELD_INTEGRITY_EXCEPTION",
                format!("You must specify a default record type for {object}"),
            ));
        }
    }
    Ok(())
}

/// What is kept for a set, or for the set of a profile.
pub fn stored(org: &Org, set: &str) -> Entries {
    org.store
        .by(TABLE, "ParentId", set)
        .map(|row| {
            let said = row.get("Said").and_then(Cell::as_object).into_iter().flatten();
            let said = said
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect();
            ((row.text_or_empty("Section").to_owned(), row.text_or_empty("Name").to_owned()), said)
        })
        .collect()
}

/// Keeps these and no others.
pub fn store(org: &mut Org, set: &str, entries: &Entries) {
    remove(org, set);
    for ((section, name), said) in entries {
        let id = org.store.new_id("0SE");
        let mut row = Row::new();
        for (field, value) in
            [("Id", &id), ("Section", section), ("Name", name), ("ParentId", &set.to_owned())]
        {
            row.set(field, value);
        }
        let said = said.iter().map(|(name, value)| (name.clone(), Json::String(value.clone())));
        row.set("Said", Json::Object(said.collect()));
        org.store.put(TABLE, row);
    }
}

/// Keeps nothing any more.
pub fn remove(org: &mut Org, set: &str) {
    for id in org.store.ids_by(TABLE, "ParentId", set) {
        org.store.delete(TABLE, &id);
    }
}

/// The things of a sort that the org has.
pub fn things(sort: &str) -> &'static [&'static str] {
    THINGS.iter().find(|(held, _)| *held == sort).map_or(&[], |(_, names)| names)
}

/// The entries as a set's document shows them.
pub fn nodes(entries: &Entries) -> Vec<Node> {
    entries
        .iter()
        .map(|((section, _), said)| {
            let children = said.iter().map(|(name, value)| Node::text(name, value)).collect();
            Node::parent(section, children)
        })
        .collect()
}

/// The entries as a profile's document shows them: every active record type is
/// among them. That a person account's type is the default of its half is not
/// shown where it is the default of both and `person_default_shown` says so.
pub fn profile_nodes(org: &Org, mut entries: Entries) -> Vec<Node> {
    for row in org.store.all("RecordType") {
        let name = full_name(row);
        if row.get("IsActive") == Some(&Cell::Flag(false)) {
            continue;
        }
        let key = (RECORD_TYPES.to_owned(), name.clone());
        let entry = entries.entry(key).or_default();
        entry.insert("recordType".to_owned(), name.clone());
        for flag in ["default", "visible"] {
            entry.entry(flag.to_owned()).or_insert_with(|| "false".to_owned());
        }
        let is_default = entry.get("default").is_some_and(|value| value == "true");
        let is_person = name.starts_with("PersonAccount.");
        if is_default && is_person && !org.doubts.person_default_shown {
            entry.remove("personAccountDefault");
        }
    }
    nodes(&entries)
}

/// Whether a document has an element that says true.
pub fn says(document: &Node, name: &str) -> Option<bool> {
    document.child(name).map(|_| is_true(document, name))
}
