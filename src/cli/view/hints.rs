//! What to do about refusals that people meet most, by Salesforce's code.

/// A hint for a code, as a whole sentence; `None` where Salesforce's own words say all.
pub fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "LICENSE_LIMIT_EXCEEDED" => {
            "All seats of the license are taken: Setup, Company Information shows them. Free one, or buy more."
        }
        "DUPLICATE_USERNAME" => {
            "Usernames are unique over all Salesforce orgs, sandboxes included: write another, or give this org's users a `username_suffix`."
        }
        "DUPLICATE_COMM_NICKNAME" => "Another user of this org has that nickname already.",
        "DUPLICATE_DEVELOPER_NAME" => {
            "Something in this org has that API name already, perhaps where the token's user does not see it."
        }
        "FIELD_CUSTOM_VALIDATION_EXCEPTION" => {
            "A validation rule of this org refuses it; its message is the org's own."
        }
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" => {
            "A trigger or a flow of this org failed on it: its owner can tell why."
        }
        "REQUIRED_FIELD_MISSING" => "Write the field under the user's `fields:`.",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" => {
            "The org's list does not have that value: Setup, Object Manager shows what it has."
        }
        "INVALID_EMAIL_ADDRESS" => "The org does not take that address.",
        "STRING_TOO_LONG" => "The field takes fewer characters.",
        "UNABLE_TO_LOCK_ROW" => {
            "Somebody else changes the same users at this moment: run it again, or with `--parallelism 1`."
        }
        "INVALID_CROSS_REFERENCE_KEY" => {
            "It names something that this org does not have any more: run it again, and the org is asked anew."
        }
        "PACKAGE_LICENSE_REQUIRED" => {
            "Its users need a license of the package: give it under `package_licenses:`."
        }
        "MIXED_DML_OPERATION" => {
            "A trigger of this org writes other records along with it: its owner can make that part asynchronous."
        }
        "DELETE_FAILED" | "DEPENDENCY_EXISTS" => "Something in this org still uses it.",
        "CANNOT_DELETE_MANAGED_OBJECT" | "CANNOT_MODIFY_MANAGED_OBJECT" => {
            "It belongs to a package, so that only its publisher changes it."
        }
        "LIMIT_EXCEEDED" | "STORAGE_LIMIT_EXCEEDED" => "The org is at its limit for this.",
        code if code.starts_with("INSUFFICIENT_ACCESS") => {
            "The token's user lacks a right: it needs View Setup, Manage Users, Manage Profiles and Permission Sets, Assign Permission Sets, and Modify Metadata or Modify All Data."
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::hint;

    #[test]
    fn those_that_people_meet_have_a_hint_and_others_have_none() {
        assert!(hint("LICENSE_LIMIT_EXCEEDED").is_some());
        assert!(hint("INSUFFICIENT_ACCESS_OR_READONLY").is_some());
        assert_eq!(hint("DUPLICATE_VALUE"), None);
    }
}
