//! Licenses of managed packages that are sold by the seat, given to users: a
//! packaged permission set can only be assigned to who holds one (Object
//! Reference, `UserPackageLicense`).

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
use crate::facts::Catalog;
use crate::facts::Fact;
use crate::kinds::Relation;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Declared;
use crate::model::KeySource;
use crate::model::KindName;
use crate::model::Observed;
use crate::model::Place;
use crate::model::Problem;
use crate::model::Row;
use crate::model::RowExt;
use crate::model::RowQuery;
use crate::model::SalesforceId;
use crate::model::Value;

/// The kind `package_license_assignment`.
pub struct PackageLicenseAssignment;

/// Its name in addresses.
pub const KIND: KindName = KindName::PACKAGE_LICENSE_ASSIGNMENT;
/// The kind name under which a package is referred to; it is never managed.
const PACKAGE_KIND: KindName = KindName::PACKAGE;
const USER: &str = "assignee";
const PACKAGE: &str = "package";

/// The address and attributes of one assignment.
pub fn declare(user: &Address, namespace: &str) -> (Address, Attributes) {
    let mut attributes = Attributes::new();
    attributes.set(USER, Value::Reference(user.clone()));
    attributes.set(PACKAGE, Value::Reference(Address::new(PACKAGE_KIND, namespace)));
    (joined(KIND, user.name(), namespace), attributes)
}

impl Kind for PackageLicenseAssignment {
    fn name(&self) -> KindName {
        KIND
    }

    fn place(&self, address: &Address, _path: &str) -> Place {
        let (username, namespace) = halves(address);
        Place::keys([user::SECTION, username, "package_licenses"]).item(namespace)
    }

    fn facts(&self, declared: &Declared, _scope: &dyn Scope, want: &mut dyn FnMut(Fact)) {
        want(Fact::Package(halves(&declared.address).1.to_owned()));
    }

    fn resolve<'a>(
        &self,
        declared: &'a Declared,
        _scope: &dyn Scope,
        catalog: &Catalog,
    ) -> Result<Resolved<'a>, Vec<Problem>> {
        let namespace = halves(&declared.address).1;
        let refuse = |message: String, hint: &str| {
            Err(vec![
                Problem::at(declared, self.place(&declared.address, ""), message)
                    .hint(hint.to_owned()),
            ])
        };
        if catalog.package.get(namespace).is_absent() {
            return refuse(
                format!("the package `{namespace}` is not installed in this org"),
                "write the package's namespace, as Setup > Installed Packages shows it",
            );
        }
        if catalog.package.get(namespace).is().is_some_and(|package| package.allowed < 0) {
            return refuse(
                format!("the package `{namespace}` has a site license: every user may use it"),
                "take the line out",
            );
        }
        Ok(Resolved::as_written(declared))
    }

    fn queries(&self) -> &'static [RowQuery] {
        const QUERIES: [RowQuery; 1] = [RowQuery {
            object: "UserPackageLicense",
            fields: &["Id", "User.Username", "PackageLicense.NamespacePrefix"],
            key: "User.Username",
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
        let username = row.username("User.Username")?;
        let user = Address::new(KindName::USER, &username);
        let (address, attributes) = declare(&user, row.text("PackageLicense.NamespacePrefix")?);
        let id = SalesforceId::parse(row.text("Id")?);
        Some((Some(address), Observed { id, attributes, ..Observed::default() }))
    }

    fn steps(&self, change: &Change, context: &dyn StepContext) -> Result<Vec<Step>, Problem> {
        let context = WithUnmanaged {
            context,
            kind: PACKAGE_KIND,
            id: &|name, catalog| catalog.package.get(name).is()?.id.clone(),
        };
        assignment_steps(
            change,
            &context,
            "UserPackageLicense",
            &[("UserId", USER), ("PackageLicenseId", PACKAGE)],
        )
    }

    fn relation(&self) -> &dyn Relation {
        self
    }
}

impl Relation for PackageLicenseAssignment {
    fn subject(&self, address: &Address) -> Option<Address> {
        Some(Address::new(KindName::USER, halves(address).0))
    }

    fn renamed(&self, address: &Address, from: &Address, to: &Address) -> Option<Address> {
        let (username, namespace) = halves(address);
        (from.is(KindName::USER) && from.name() == username)
            .then(|| joined(KIND, to.name(), namespace))
    }
}
