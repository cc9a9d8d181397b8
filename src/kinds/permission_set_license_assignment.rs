//! Assignments of permission set licenses to users. They come before the sets
//! that need them, and leave after them.

use crate::kinds::Reference;
use crate::kinds::Relation;
use crate::model::KindName;
use std::sync::OnceLock;

use super::Kind;
use super::Resolved;
use super::Scope;
use super::Step;
use super::StepContext;
use super::assignment::WithUnmanaged;
use super::assignment::assignment_steps;
use super::assignment::halves;
use super::assignment::joined;
use super::user;
use crate::data;
use crate::facts::Catalog;
use crate::facts::Fact;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Declared;
use crate::model::KeySource;
use crate::model::Observed;
use crate::model::Place;
use crate::model::Problem;
use crate::model::Row;
use crate::model::RowExt;
use crate::model::RowQuery;
use crate::model::SalesforceId;
use crate::model::Value;

/// The kind `permission_set_license_assignment`.
pub struct PermissionSetLicenseAssignment;

/// Its name in addresses.
pub const KIND: KindName = KindName::PERMISSION_SET_LICENSE_ASSIGNMENT;
/// The kind name under which a license itself is referred to; it is never
/// managed, only looked up.
const LICENSE_KIND: KindName = KindName::PERMISSION_SET_LICENSE;
const USER: &str = "assignee";
const LICENSE: &str = "permission_set_license";

/// The developer name of a license as written, by the shipped table; what is
/// not in the table stays as it is until the org has been asked.
pub fn developer_name(written: &str) -> &str {
    static TABLE: OnceLock<Vec<(&str, &str)>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        data::rows(data::PERMISSION_SET_LICENSES).map(|row| (row[0], row[1])).collect()
    });
    table
        .iter()
        .find(|(name, label)| {
            label.eq_ignore_ascii_case(written) || name.eq_ignore_ascii_case(written)
        })
        .map_or(written, |(name, _)| name)
}

/// A user license that allows next to nothing until a permission set license
/// opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenseRule {
    /// The user license's name.
    pub license: &'static str,
    /// What it allows by itself: API names of system permissions.
    pub allows: Vec<&'static str>,
    /// The developer name of the license that opens it.
    pub opened_by: &'static str,
    /// Its label in Setup.
    pub opened_by_label: &'static str,
}

/// The rule of a user license, where there is one.
pub fn license_rule(user_license: &str) -> Option<LicenseRule> {
    let row = data::rows(data::LICENSE_RULES).find(|row| row[0] == user_license)?;
    let opened_by = row.get(2).copied().unwrap_or_default();
    Some(LicenseRule {
        license: row[0],
        allows: row.get(1).copied().unwrap_or_default().split(',').collect(),
        opened_by,
        opened_by_label: label(opened_by).unwrap_or(opened_by),
    })
}

/// The label of a license in Setup, by the shipped table.
fn label(developer_name: &str) -> Option<&'static str> {
    data::rows(data::PERMISSION_SET_LICENSES).find(|row| row[0] == developer_name).map(|row| row[1])
}

/// The address and attributes of one assignment.
pub fn declare(user: &Address, license: &str) -> (Address, Attributes) {
    let mut attributes = Attributes::new();
    attributes.set(USER, Value::Reference(user.clone()));
    attributes.set(LICENSE, Value::Reference(Address::new(LICENSE_KIND, license)));
    (joined(KIND, user.name(), license), attributes)
}

impl Kind for PermissionSetLicenseAssignment {
    fn name(&self) -> KindName {
        KIND
    }

    fn place(&self, address: &Address, _path: &str) -> Place {
        let (username, license) = halves(address);
        Place::keys([user::SECTION, username, "permission_set_licenses"])
            .item(label(license).unwrap_or(license))
    }

    fn facts(&self, declared: &Declared, _scope: &dyn Scope, want: &mut dyn FnMut(Fact)) {
        if let Some(license) = declared.attributes.reference(LICENSE) {
            want(Fact::PermissionSetLicense(license.name().to_owned()));
        }
    }

    fn resolve<'a>(
        &self,
        declared: &'a Declared,
        _scope: &dyn Scope,
        catalog: &Catalog,
    ) -> Result<Resolved<'a>, Vec<Problem>> {
        let written = declared.attributes.reference(LICENSE).map_or("", Address::name);
        let (username, license) = halves(&declared.address);
        if catalog.permission_set_license.get(written).is().is_some() {
            return Ok(if license == written {
                Resolved::as_written(declared)
            } else {
                Resolved::to(declare(&Address::new(KindName::USER, username), license).1)
            });
        }
        Err(vec![Problem::at(declared, self.place(&declared.address, ""), format!("this org has no permission set license `{written}`")).hint("write its developer name, or its label as Setup > Company Information shows it; it may not be bought for this org")])
    }

    fn queries(&self) -> &'static [RowQuery] {
        const QUERIES: [RowQuery; 1] = [RowQuery {
            object: "PermissionSetLicenseAssign",
            fields: &["Id", "Assignee.Username", "PermissionSetLicense.DeveloperName"],
            key: "Assignee.Username",
            key_source: KeySource::Name,
            filters: &[],
            supplementary: false,
            piggybacks: false,
        }];
        &QUERIES
    }

    fn query_key(&self, address: &Address) -> String {
        halves(address).0.to_owned()
    }

    fn observe_row(&self, _query: usize, row: &Row) -> Option<(Option<Address>, Observed)> {
        let license = developer_name(row.text("PermissionSetLicense.DeveloperName")?);
        let username = row.username("Assignee.Username")?;
        let (address, attributes) = declare(&Address::new(KindName::USER, &username), license);
        let id = SalesforceId::parse(row.text("Id")?);
        Some((Some(address), Observed { id, attributes, ..Observed::default() }))
    }

    fn steps(&self, change: &Change, context: &dyn StepContext) -> Result<Vec<Step>, Problem> {
        let context = WithUnmanaged {
            context,
            kind: LICENSE_KIND,
            id: &|name, catalog| Some(catalog.permission_set_license.get(name).is()?.id.clone()),
        };
        assignment_steps(
            change,
            &context,
            "PermissionSetLicenseAssign",
            &[("AssigneeId", USER), ("PermissionSetLicenseId", LICENSE)],
        )
    }

    fn relation(&self) -> &dyn Relation {
        self
    }

    fn reference(&self) -> &dyn Reference {
        self
    }
}

impl Relation for PermissionSetLicenseAssignment {
    /// It leaves with a set that carries it; and one that opens a user license may
    /// leave with the last set that needs it.
    fn may_leave_along(&self, address: &Address, license: Option<&str>) -> bool {
        let (_, held) = halves(address);
        license.is_some_and(|license| license.eq_ignore_ascii_case(held))
            || data::rows(data::LICENSE_RULES).any(|row| row.get(2) == Some(&held))
    }

    fn subject(&self, address: &Address) -> Option<Address> {
        Some(Address::new(KindName::USER, halves(address).0))
    }

    fn renamed(&self, address: &Address, from: &Address, to: &Address) -> Option<Address> {
        let (username, license) = halves(address);
        (from.is(KindName::USER) && from.name() == username)
            .then(|| joined(KIND, to.name(), license))
    }
}

impl Reference for PermissionSetLicenseAssignment {
    fn canonical(&self, declared: &Declared, catalog: &Catalog) -> Option<Address> {
        let written = declared.attributes.reference(LICENSE)?.name();
        let license = catalog.permission_set_license.get(written).is()?;
        (license.name != written).then(|| joined(KIND, halves(&declared.address).0, &license.name))
    }
}
