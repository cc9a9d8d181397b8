//! A profile as a document: an overlay, that leaves alone what it does not say
//! (Metadata API Developer Guide, `Profile`).

use super::Org;
use super::contents::content_nodes;
use super::contents::granted;
use super::contents::read_contents;
use super::contents::store_contents;
use super::contents::stored_contents;
use super::nodes::flag;
use super::nodes::no_such;
use super::nodes::text;
use super::nodes::whole;
use super::prerequisites;
use super::profiles;
use super::sections;
use crate::local_org::error::ApiError;
use crate::local_org::row::Row;
use crate::local_org::xml::Node;

/// Standard profiles that metadata names otherwise than Setup (metadata of real
/// orgs in public repositories).
const STANDARD: [(&str, &str); 4] = [
    ("Admin", "System Administrator"),
    ("ReadOnly", "Read Only"),
    ("Standard", "Standard User"),
    ("StandardAul", "Standard Platform User"),
];

/// The profile of a full name.
pub fn named(org: &Org, full_name: &str) -> Option<String> {
    // A standard profile keeps its full name, whatever language it is shown in.
    let by_full_name = org
        .store
        .all("Profile")
        .find(|row| row.text_or_empty("FullName") == full_name)
        .map(|row| row.text_or_empty("Id").to_owned());
    if by_full_name.is_some() {
        return by_full_name;
    }
    let standard = STANDARD.iter().find(|(name, _)| *name == full_name);
    let name = standard.map_or_else(|| unescape(full_name), |(_, name)| (*name).to_owned());
    org.store.ids_by("Profile", "Name", &name).into_iter().next()
}

/// A profile's name from its full name: `%2F` is a slash.
pub fn unescape(full_name: &str) -> String {
    let bytes = full_name.as_bytes();
    let mut name = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while place < bytes.len() {
        let code =
            full_name.get(place + 1..place + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(code) if bytes[place] == b'%' => {
                name.push(code);
                place += 3;
            }
            _ => {
                name.push(bytes[place]);
                place += 1;
            }
        }
    }
    String::from_utf8_lossy(&name).into_owned()
}

/// Makes a profile of a document: it starts with all that a base profile of
/// its license has, which since version 60 is "Minimum Access - Salesforce"
/// (Metadata API Developer Guide, `Profile`).
fn create(org: &mut Org, full_name: &str, document: &Node) -> Result<String, ApiError> {
    let is_new = org.version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    let base = if is_new.is_none_or(|major| major >= 60) {
        "Minimum Access - Salesforce"
    } else {
        "Standard User"
    };
    let base = org.store.ids_by("Profile", "Name", base).into_iter().next().unwrap_or_default();
    let base_license = org.text("Profile", &base, "UserLicenseId").unwrap_or_default().to_owned();
    let license = match text(document, "userLicense") {
        None => base_license.clone(),
        Some(name) => org
            .store
            .all("UserLicense")
            .find(|row| row.text_or_empty("Name") == name)
            .map(|row| row.text_or_empty("Id").to_owned())
            .ok_or_else(|| {
                let message = format!("In field: userLicense - no UserLicense named {name} found");
                ApiError::new("INVALID_CROSS_REFERENCE_KEY", message)
            })?,
    };
    let name = unescape(full_name);
    let fields = super::written([("Name", name.as_str()), ("UserLicenseId", &license)]);
    let id = super::insert(org, "Profile", &fields)?;
    if license == base_license
        && let (Some(from), Some(to)) =
            (profiles::owned_set(org, &base), profiles::owned_set(org, &id))
    {
        let contents = stored_contents(org, &from);
        store_contents(org, &to, &contents);
    }
    Ok(id)
}

/// Lays a document over a profile, or makes one of it; whether it was made.
///
/// # Errors
/// As the document is refused.
pub fn write(
    org: &mut Org,
    full_name: &str,
    document: &Node,
    may_create: bool,
) -> Result<bool, ApiError> {
    let (id, created) = match named(org, full_name) {
        Some(id) => (id, false),
        None if may_create => (create(org, full_name, document)?, true),
        None => return Err(no_such("Profile", full_name)),
    };
    let set = profiles::owned_set(org, &id).ok_or_else(|| no_such("Profile", full_name))?;
    let overlay = read_contents(org, document)?;
    let mut contents = stored_contents(org, &set);
    contents.system.extend(overlay.system);
    contents.objects.extend(overlay.objects);
    contents.fields.extend(overlay.fields);
    sections::overlay(&mut contents.sections, overlay.sections)?;
    prerequisites::check(&granted(&contents), &org.doubts)?;
    store_contents(org, &set, &contents);
    let mut row = org.store.get("Profile", &id).cloned().unwrap_or_default();
    for (name, on) in &contents.system {
        row.set(&format!("Permissions{name}"), *on);
    }
    if let Some(description) = text(document, "description") {
        row.set("Description", description);
    }
    org.store_changed("Profile", row);
    Ok(created)
}

/// The full name of a profile: a standard one's own, or its name with some
/// characters written as `%` and two digits (file names of real retrieves).
pub fn full_name(row: &Row) -> String {
    let held = row.text_or_empty("FullName");
    if !held.is_empty() {
        return held.to_owned();
    }
    let name = row.text_or_empty("Name");
    if let Some((full_name, _)) = STANDARD.iter().find(|(_, standard)| *standard == name) {
        return (*full_name).to_owned();
    }
    name.chars()
        .map(|character| {
            let is_plain = !character.is_ascii()
                || character.is_ascii_alphanumeric()
                || " _-.,".contains(character);
            if is_plain { character.to_string() } else { format!("%{:02X}", u32::from(character)) }
        })
        .collect()
}

/// The document of a profile.
pub fn read(org: &Org, full_name: &str, id: &str) -> Option<Node> {
    let row = org.store.get("Profile", id)?.clone();
    let set = profiles::owned_set(org, id)?;
    let contents = stored_contents(org, &set);
    let (fields, objects, system) = content_nodes(org, &contents);
    let mut children = sections::profile_nodes(org, contents.sections);
    children.push(flag("custom", profiles::is_custom(org, id)));
    let description = row.text_or_empty("Description");
    if !description.is_empty() {
        children.push(Node::text("description", description));
    }
    children.extend(fields);
    children.extend(objects);
    if let Some(name) = org.text("UserLicense", row.text_or_empty("UserLicenseId"), "Name") {
        children.push(Node::text("userLicense", name));
    }
    children.extend(system);
    Some(whole(full_name, children))
}
