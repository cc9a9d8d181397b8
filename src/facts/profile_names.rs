//! The names of standard profiles: those that have several, and those that metadata calls
//! otherwise.

use std::fmt::Write as _;

/// The API-only profile of the Salesforce Integration license has two names,
/// the newer one first (seen in metadata retrieved from real orgs).
pub const API_ONLY: [&str; 2] =
    ["Minimum Access - API Only Integrations", "Salesforce API Only System Integrations"];
/// Standard profiles that have another name in metadata than in Setup (metadata
/// of real orgs in public repositories).
const STANDARD: [(&str, &str); 8] = [
    ("Contract Manager", "ContractManager"),
    ("Marketing User", "MarketingProfile"),
    ("Read Only", "ReadOnly"),
    ("Solution Manager", "SolutionManager"),
    ("Standard Platform User", "StandardAul"),
    ("Standard User", "Standard"),
    ("System Administrator", "Admin"),
    ("Chatter Free User", "Chatter Free User"),
];

/// The names under which a profile may be found: that of the API-only profile has
/// changed.
pub fn profile_names(name: &str) -> Vec<&str> {
    let mut names = vec![name];
    if API_ONLY.contains(&name) {
        names.extend(API_ONLY.iter().copied().filter(|other| *other != name));
    }
    names
}

/// The metadata full name of a profile: that of a standard one, or its name with some characters
/// written as `%` and two hexadecimal digits (seen in the file names of real
/// retrieves: `%2F`, `%26`, `%3A`).
pub fn profile_full_name(name: &str) -> String {
    if let Some((_, full_name)) = STANDARD.iter().find(|(standard, _)| *standard == name) {
        return (*full_name).to_owned();
    }
    let mut full_name = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_ascii()
            && !character.is_ascii_alphanumeric()
            && !" _-.,".contains(character)
        {
            // Writing to a string does not fail.
            let _ = write!(full_name, "%{:02X}", u32::from(character));
        } else {
            full_name.push(character);
        }
    }
    full_name
}

#[cfg(test)]
mod tests {
    use super::profile_full_name;

    #[test]
    fn full_names_escape_what_real_file_names_escape() {
        assert_eq!(profile_full_name("Partner / Director"), "Partner %2F Director");
        assert_eq!(profile_full_name("Coconut Integration"), "Coconut Integration");
        assert_eq!(
            profile_full_name("Minimum Access - API Only Integrations"),
            "Minimum Access - API Only Integrations"
        );
    }
}
