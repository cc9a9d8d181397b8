//! Which sections a profile's document has, what names an entry of each, and how an entry
//! says that it is on (Metadata API Developer Guide, `Profile`). Imports `model` alone.

use crate::model::Element;

/// Lists of names, each of which is on or off: the path in attributes, the metadata
/// section, its element that names the thing, and the one that says whether it is on.
pub const SECTIONS: [(&str, &str, &str, &str); 9] = [
    ("apex_classes", "classAccesses", "apexClass", "enabled"),
    ("apps", "applicationVisibilities", "application", "visible"),
    ("custom_metadata_types", "customMetadataTypeAccesses", "name", "enabled"),
    ("custom_permissions", "customPermissions", "name", "enabled"),
    ("custom_settings", "customSettingAccesses", "name", "enabled"),
    (
        "external_credential_principals",
        "externalCredentialPrincipalAccesses",
        "externalCredentialPrincipal",
        "enabled",
    ),
    ("external_data_sources", "externalDataSourceAccesses", "externalDataSource", "enabled"),
    ("flows", "flowAccesses", "flow", "enabled"),
    ("visualforce_pages", "pageAccesses", "apexPage", "enabled"),
];

/// Sections that a clone copies beside lists of names: the children by which an
/// entry is known, the one that says whether it is on, and what a person calls
/// them.
pub const COPIED: [(&str, &[&str], Option<&str>, &str); 8] = [
    ("categoryGroupVisibilities", &["dataCategoryGroup"], None, "data category groups"),
    ("fieldPermissions", &["field"], Some("readable"), "field permissions"),
    ("layoutAssignments", &["layout", "recordType"], None, "page layouts"),
    ("objectPermissions", &["object"], Some("allowRead"), "object permissions"),
    ("recordTypeVisibilities", &["recordType"], Some("visible"), "record types"),
    ("tabVisibilities", &["tab"], None, "tabs"),
    ("loginHours", &[], None, "login hours"),
    ("loginIpRanges", &["startAddress"], None, "login IP ranges"),
];

/// The section of system permissions.
pub const PERMISSIONS: &str = "userPermissions";

/// The children that name an entry of a section; `None` for a section that a clone does
/// not copy.
pub fn named_by(section: &str) -> Option<Vec<&'static str>> {
    if section == PERMISSIONS {
        return Some(vec!["name"]);
    }
    let list = SECTIONS.iter().find(|(_, element, _, _)| *element == section);
    if let Some((_, _, named, _)) = list {
        return Some(vec![named]);
    }
    COPIED.iter().find(|(name, ..)| *name == section).map(|(_, named, ..)| named.to_vec())
}

/// Whether an entry says that its thing is on.
pub fn is_on(entry: &Element) -> bool {
    let switch = SECTIONS
        .iter()
        .find(|(_, element, _, _)| *element == entry.name)
        .map(|(_, _, _, on)| *on)
        .or_else(|| {
            COPIED.iter().find(|(name, ..)| *name == entry.name).and_then(|(_, _, on, _)| *on)
        })
        .or((entry.name == PERMISSIONS).then_some("enabled"));
    let is_hidden_tab = entry.child_text("visibility") == Some("Hidden");
    !is_hidden_tab && switch.is_none_or(|switch| entry.child_is_true(switch))
}
