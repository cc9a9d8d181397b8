//! Users. The platform never deletes one (Object Reference, `User`): what is
//! taken away is frozen, deactivated and moved off the profile; and nobody is
//! brought back unasked, unless our state says that we deactivated them.

mod spec;
mod steps;

use crate::kinds::Kind;
use crate::kinds::Removal;
use crate::kinds::Resolved;
use crate::kinds::Scope;
use crate::kinds::Step;
use crate::kinds::StepContext;
use crate::kinds::profile;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Catalog;
use crate::model::Change;
use crate::model::Declared;
use crate::model::Fact;
use crate::model::KeySource;
use crate::model::Observed;
use crate::model::Place;
use crate::model::Problem;
use crate::model::Row;
use crate::model::RowExt;
use crate::model::RowQuery;
use crate::model::SalesforceId;
use crate::model::Value;

/// The kind `user`.
pub struct User;

/// Its name in addresses.
pub const KIND: &str = "user";
/// Its section in the YAML.
pub const SECTION: &str = "users";
const PROFILE: &str = "profile";
const ACTIVE: &str = "active";
const FROZEN: &str = "frozen";
/// Holds once the mail with the link went out.
const PASSWORD: &str = "password";
/// The one-shot thing under which the state remembers the mail.
pub const PASSWORD_EMAIL: &str = "password_email";
/// Our paths and the fields they stand for.
const FIELDS: [(&str, &str); 8] = [
    ("alias", "Alias"),
    ("email", "Email"),
    ("email_encoding", "EmailEncodingKey"),
    ("first_name", "FirstName"),
    ("language", "LanguageLocaleKey"),
    ("last_name", "LastName"),
    ("locale", "LocaleSidKey"),
    ("time_zone", "TimeZoneSidKey"),
];

/// An alias for a user without one: the username's first letters and digits.
fn default_alias(username: &str) -> String {
    let alias: String = username.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    if alias.is_empty() { "user".to_owned() } else { alias }
}

impl Kind for User {
    fn name(&self) -> &'static str {
        KIND
    }

    fn place(&self, address: &Address, path: &str) -> Place {
        let entry = Place::keys([SECTION, address.name()]);
        if path.is_empty() { entry } else { entry.key(path) }
    }

    fn facts(&self, declared: &Declared, scope: &dyn Scope, want: &mut dyn FnMut(Fact)) {
        want(Fact::Organization);
        want(Fact::UserLicenses);
        if let Some(profile) = declared.attributes.reference(PROFILE)
            && scope.declared(profile).is_none()
        {
            want(Fact::Profile(profile.name().to_owned()));
        }
    }

    fn resolve(
        &self,
        declared: &Declared,
        scope: &dyn Scope,
        catalog: &Catalog,
    ) -> Result<Resolved, Vec<Problem>> {
        let mut resolved =
            Resolved { attributes: declared.attributes.clone(), ..Resolved::default() };
        if let Some(profile) = declared.attributes.reference(PROFILE)
            && scope.declared(profile).is_none()
            && catalog.profile(profile.name()).is_none()
        {
            return Err(vec![Problem {
                address: declared.address.clone(),
                place: Some(self.place(&declared.address, PROFILE)),
                file: declared.file,
                message: format!(
                    "profile `{}` is neither declared nor in this org",
                    profile.name()
                ),
                hint: Some(scope.meant(profile).map_or_else(
                    || {
                        "declare it under `profiles:`, or write the name of one that the org has"
                            .to_owned()
                    },
                    |meant| format!("did you mean `{meant}`?"),
                )),
            }]);
        }
        if declared.attributes.flag(ACTIVE) == Some(false)
            && declared.attributes.get(PASSWORD).is_some()
        {
            return Err(vec![Problem {
                address: declared.address.clone(),
                place: Some(self.place(&declared.address, PASSWORD)),
                file: declared.file,
                message: "a user that is not active gets no password mail".to_owned(),
                hint: Some("take `password` out until the user is active".to_owned()),
            }]);
        }
        if declared.attributes.flag(ACTIVE) == Some(true) {
            // An active user is one that can be used.
            resolved.attributes.set(FROZEN, Value::Flag(false));
        }
        let organization = catalog.organization();
        let defaults = [
            ("alias", Some(default_alias(declared.address.name()))),
            ("email_encoding", Some("UTF-8".to_owned())),
            ("time_zone", organization.map(|organization| organization.time_zone.clone())),
            ("locale", organization.map(|organization| organization.locale.clone())),
            ("language", organization.map(|organization| organization.language.clone())),
        ];
        for (path, value) in defaults {
            if resolved.attributes.get(path).is_none() {
                resolved.defaults.set_some(path, value.map(Value::Text));
            }
        }
        Ok(resolved)
    }

    fn queries(&self) -> &'static [RowQuery] {
        const QUERIES: [RowQuery; 2] = [
            RowQuery {
                object: "User",
                fields: &[
                    "Id",
                    "Username",
                    "LastName",
                    "FirstName",
                    "Email",
                    "Alias",
                    "Profile.Name",
                    "TimeZoneSidKey",
                    "LocaleSidKey",
                    "LanguageLocaleKey",
                    "EmailEncodingKey",
                    "IsActive",
                ],
                key: "Username",
                key_source: KeySource::Name,
                condition: None,
                supplementary: false,
            },
            RowQuery {
                object: "UserLogin",
                fields: &["Id", "UserId", "IsFrozen"],
                key: "UserId",
                key_source: KeySource::RecordId,
                condition: None,
                supplementary: true,
            },
        ];
        &QUERIES
    }

    fn query_key(&self, address: &Address) -> String {
        address.name().to_owned()
    }

    fn observe_row(&self, query: usize, row: &Row) -> Option<(Option<Address>, Observed)> {
        let mut attributes = Attributes::new();
        if query == 1 {
            attributes.set_some(FROZEN, row.flag("IsFrozen").map(Value::Flag));
            let observed = Observed {
                id: SalesforceId::parse(row.text("UserId")?),
                companion_id: SalesforceId::parse(row.text("Id")?),
                attributes,
                ..Observed::default()
            };
            return Some((None, observed));
        }
        for (path, field) in FIELDS {
            attributes.set_some(path, row.text(field).map(|text| Value::Text(text.to_owned())));
        }
        attributes.set_some(ACTIVE, row.flag("IsActive").map(Value::Flag));
        attributes.set_some(
            PROFILE,
            row.text("Profile.Name")
                .map(|name| Value::Reference(Address::new(profile::KIND, name))),
        );
        let id = SalesforceId::parse(row.text("Id")?);
        let address = Address::new(KIND, &row.text("Username")?.to_lowercase());
        Some((Some(address), Observed { id, attributes, ..Observed::default() }))
    }

    fn comparable(&self, observed: &Attributes, wanted: &Attributes) -> Attributes {
        let mut comparable = observed.clone();
        comparable.retain(|path, _| wanted.get(path).is_some());
        // Before its first login a user may have no row that says it.
        if wanted.get(FROZEN).is_some() && observed.get(FROZEN).is_none() {
            comparable.set(FROZEN, Value::Flag(false));
        }
        comparable
    }

    fn left_alone(&self, observed: &Attributes, wanted: &Attributes) -> Option<String> {
        if wanted.get(ACTIVE).is_some() {
            return None;
        }
        if observed.flag(ACTIVE) == Some(false) {
            return Some(
                "the user is inactive in the org and is left so; `active: true` brings it back"
                    .to_owned(),
            );
        }
        (observed.flag(FROZEN) == Some(true)).then(|| {
            "the user is frozen in the org and is left so; `active: true` unfreezes it".to_owned()
        })
    }

    fn revive(&self, wanted: &mut Attributes) {
        if wanted.get(ACTIVE).is_none() {
            wanted.set(ACTIVE, Value::Flag(true));
        }
        wanted.set(FROZEN, Value::Flag(false));
    }

    fn unobservable(&self) -> &'static [&'static str] {
        &[PASSWORD]
    }

    fn is_left_when_undeclared(&self, path: &str) -> bool {
        path != "first_name" && path != PROFILE
    }

    fn has_left(&self, recorded: &Attributes) -> bool {
        recorded.flag(ACTIVE) == Some(false)
    }

    fn inherit(&self, wanted: &mut Attributes, recorded: &Attributes) {
        if wanted.get(PASSWORD).is_none() {
            wanted.set_some(PASSWORD, recorded.get(PASSWORD).cloned());
        }
    }

    fn steps(&self, change: &Change, context: &dyn StepContext) -> Result<Vec<Step>, Problem> {
        match (&change.before, &change.after) {
            (None, Some(after)) => self.create(change, after, context),
            (Some(before), Some(after)) => self.update(change, before, after, context),
            (before, None) => {
                Ok(Self::retire(change, before.as_ref().unwrap_or(&Attributes::new()), context))
            }
        }
    }

    fn removal(&self) -> Removal {
        Removal::Retires
    }

    fn ignorable(&self) -> &'static str {
        "last_name, first_name, email, profile, alias, time_zone, locale, language, email_encoding"
    }

    fn never_replaced(&self) -> Option<(&'static str, &'static str)> {
        Some((
            "Salesforce never deletes a user, and its username is never free again",
            "Declare a user under another username, and take this one out.",
        ))
    }

    fn subject(&self, address: &Address) -> Option<Address> {
        Some(address.clone())
    }
}
