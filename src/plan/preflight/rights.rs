//! What the token's user must be allowed to do for this plan.
//!
//! The permissions are those that Salesforce Help names for the tasks in Setup;
//! each is only asked for when the plan needs it.

use std::collections::BTreeMap;

use super::Checked;
use crate::kinds;
use crate::model::Check;
use crate::model::Finding;
use crate::model::Op;
use crate::model::OpIndex;
use crate::model::Severity;
use crate::model::Write;

/// What one of these permissions is needed for.
struct Need {
    /// Any of these will do; the first is named.
    one_of: &'static [&'static str],
    /// What for, as a fragment.
    purpose: &'static str,
}

const VIEW_SETUP: Need =
    Need { one_of: &["ViewSetup"], purpose: "to see licenses, permissions and their needs" };
const USERS: Need =
    Need { one_of: &["ManageUsers", "ManageInternalUsers"], purpose: "to create or change users" };
const SET_LICENSES: Need = Need {
    one_of: &["ManageUsers", "ManageInternalUsers"],
    purpose: "to assign permission set licenses",
};
const LOGINS: Need =
    Need { one_of: &["FreezeUsers", "ManageUsers"], purpose: "to freeze or unfreeze users" };
const PROFILES: Need = Need {
    one_of: &["ManageProfilesPermissionsets"],
    purpose: "to write profiles and permission sets",
};
const ASSIGNMENTS: Need =
    Need { one_of: &["AssignPermissionSets"], purpose: "to assign permission sets" };
const METADATA: Need = Need {
    one_of: &["ModifyMetadata", "ModifyAllData"],
    purpose: "to write what is in profiles and permission sets",
};
const PACKAGES: Need =
    Need { one_of: &["ManagePackageLicenses"], purpose: "to give licenses of packages" };
const MEMBERS: Need =
    Need { one_of: &["ManageUsers"], purpose: "to change who is in queues and public groups" };
const PASSWORDS: Need =
    Need { one_of: &["ResetPasswords", "ManageUsers"], purpose: "to send password mails" };

fn needs(write: &Write) -> &'static [&'static Need] {
    match write {
        Write::UpsertDocument { .. }
        | Write::UpdateDocument { .. }
        | Write::DeleteDocument { .. } => &[&PROFILES, &METADATA],
        Write::ResetPassword { .. } => &[&PASSWORDS],
        Write::Await(_) => &[],
        Write::Insert { object, .. }
        | Write::Update { object, .. }
        | Write::Delete { object, .. } => match object.as_ref() {
            "User" => &[&USERS],
            "UserLogin" => &[&LOGINS],
            "Profile" | "PermissionSet" => &[&PROFILES],
            "PermissionSetAssignment" => &[&ASSIGNMENTS],
            "PermissionSetLicenseAssign" => &[&SET_LICENSES],
            "UserPackageLicense" => &[&PACKAGES],
            "GroupMember" => &[&MEMBERS],
            _ => &[],
        },
    }
}

/// Whether a write gives or takes a license of a package.
pub fn is_about_packages(op: &Op) -> bool {
    matches!(
        &op.write,
        Write::Insert { object, .. } | Write::Delete { object, .. } if object == "UserPackageLicense"
    )
}

pub fn check(checked: &Checked<'_>, findings: &mut Vec<Finding>) {
    let Some(rights) = checked.input.catalog.rights.get(&()).is() else { return };
    let has = |need: &Need| {
        if need.purpose == PACKAGES.purpose {
            return checked.circumstances.may_give_packages != Some(false);
        }
        need.one_of.iter().any(|name| rights.iter().any(|held| held == name))
    };
    let mut lacking: BTreeMap<&str, (&Need, OpIndex)> = BTreeMap::new();
    let mut lacks = |need: &'static Need, op: usize| {
        if !has(need) {
            let op = OpIndex::try_from(op).unwrap_or(OpIndex::MAX);
            lacking.entry(need.purpose).or_insert((need, op));
        }
    };
    for (number, op) in checked.plan.ops.iter().enumerate() {
        lacks(&VIEW_SETUP, number);
        for need in needs(&op.write) {
            lacks(need, number);
        }
    }
    for (need, op) in lacking.values() {
        let Some(op) = checked.plan.ops.get(*op as usize) else { continue };
        let name = kinds::element_label("system_permissions", need.one_of[0]);
        let message = format!(
            "the token's user lacks the permission {name}, which this plan needs {}",
            need.purpose
        );
        let hint = "give it to that user in Setup, or use the token of one that has it".to_owned();
        findings.push(checked.finding(
            Severity::Error,
            Check::Rights,
            &op.address,
            "",
            message,
            hint,
        ));
    }
}
