//! Users. The platform never deletes one (Object Reference, `User`): what is
//! taken away is frozen, deactivated and moved off the profile; and nobody is
//! brought back unasked, unless our state says that we deactivated them.

mod features;
mod fields;
mod items;
mod spec;
mod steps;
mod table;

use crate::kinds::Columns;
use crate::kinds::Comparison;
use crate::kinds::Feedback;
use crate::kinds::LifecycleRules;
use crate::kinds::Reference;
use crate::kinds::Relation;
use crate::kinds::Replacement;
use crate::kinds::Retirement;
use crate::model::KindName;
use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::facts::Catalog;
use crate::facts::Fact;
use crate::kinds::Kind;
use crate::kinds::Resolved;
use crate::kinds::Scope;
use crate::kinds::Step;
use crate::kinds::StepContext;
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
pub use spec::persona_schema;
pub use spec::read_persona;

/// The kind `user`.
pub struct User;

/// Its name in addresses.
pub const KIND: KindName = KindName::USER;
/// Its section in the YAML.
pub const SECTION: &str = "users";
const PROFILE: &str = "profile";
/// Points to a persona, until all files are read.
pub const PERSONA: &str = "persona";
/// The username of who a persona is declared for.
const NOBODY: &str = "nobody@persona.invalid";

/// Who a persona is declared for, before a user points to it.
pub fn nobody() -> Address {
    Address::new(KIND, NOBODY)
}
const ACTIVE: &str = "active";
const FROZEN: &str = "frozen";
const ROLE: &str = "role";
const MANAGER: &str = "manager";
const EMAIL: &str = "email";
/// The address that the org shows until the new one is confirmed.
const EMAIL_UNTIL_CONFIRMED: &str = "email_until_confirmed";
/// What a sandbox puts behind the addresses of users that it was copied with.
const SANDBOX_EMAIL: &str = ".invalid";
/// Holds once the mail with the link went out.
const PASSWORD: &str = "password";
/// The one-shot thing under which the state remembers the mail.
pub const PASSWORD_EMAIL: &str = "password_email";

impl User {
    /// The role and the manager that a user names are there.
    fn check_people(
        &self,
        declared: &Declared,
        scope: &dyn Scope,
        catalog: &Catalog,
        resolved: &mut Cow<'_, Attributes>,
        problems: &mut Vec<Problem>,
    ) {
        let mut refuse = |path: &str, message: String, hint: String| {
            problems.push(
                Problem::at(declared, self.place(&declared.address, path), message).hint(hint),
            );
        };
        if let Some(written) = declared.attributes.text(ROLE) {
            match catalog.role.get(written).list() {
                [role] if role.name == written => {}
                [role] => resolved.to_mut().set(ROLE, Value::Text(role.name.clone())),
                [] => refuse(
                    ROLE,
                    format!("this org has no role `{written}`"),
                    "write its label or its developer name, as Setup > Roles shows it".to_owned(),
                ),
                several => refuse(
                    ROLE,
                    format!(
                        "the label `{written}` fits the roles {}",
                        several
                            .iter()
                            .map(|role| role.name.as_str())
                            .collect::<Vec<_>>()
                            .join(" and ")
                    ),
                    "write the developer name of the one that is meant".to_owned(),
                ),
            }
        }
        if let Some(manager) = declared.attributes.reference(MANAGER)
            && scope.declared(manager).is_none()
            && catalog.user.get(manager.name()).is().is_none()
        {
            let hint = scope.meant(manager).map_or_else(
                || {
                    "declare it under `users:`, or write the username of one that the org has"
                        .to_owned()
                },
                |meant| format!("did you mean `{meant}`?"),
            );
            let message =
                format!("the manager `{}` is neither declared nor in this org", manager.name());
            refuse(MANAGER, message, hint);
        }
    }
}

/// An alias for a user without one: the username's first letters and digits.
fn default_alias(username: &str) -> String {
    let alias: String = username.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    if alias.is_empty() { "user".to_owned() } else { alias }
}

impl Kind for User {
    fn name(&self) -> KindName {
        KIND
    }

    fn place(&self, address: &Address, path: &str) -> Place {
        let entry = Place::keys([SECTION, address.name()]);
        if let Some(field) = path.strip_prefix(fields::FIELD) {
            return entry.key("fields").key(field);
        }
        if let Some(feature) = path.strip_prefix(features::FEATURE) {
            return entry.key("feature_licenses").item(feature);
        }
        if path.is_empty() { entry } else { entry.key(path) }
    }

    fn facts(&self, declared: &Declared, scope: &dyn Scope, want: &mut dyn FnMut(Fact)) {
        want(Fact::Organization);
        want(Fact::UserLicenses);
        want(Fact::UserFields);
        if let Some(role) = declared.attributes.text(ROLE) {
            want(Fact::Role(role.to_owned()));
        }
        if let Some(manager) = declared.attributes.reference(MANAGER)
            && scope.declared(manager).is_none()
        {
            want(Fact::User(manager.name().to_owned()));
        }
        if let Some(profile) = declared.attributes.reference(PROFILE)
            && scope.declared(profile).is_none()
        {
            want(Fact::Profile(profile.name().to_owned()));
        }
    }

    fn resolve<'a>(
        &self,
        declared: &'a Declared,
        scope: &dyn Scope,
        catalog: &Catalog,
    ) -> Result<Resolved<'a>, Vec<Problem>> {
        let mut attributes = Cow::Borrowed(&declared.attributes);
        if let Some(profile) = declared.attributes.reference(PROFILE)
            && scope.declared(profile).is_none()
            && catalog.profile.get(profile.name()).is().is_none()
        {
            return Err(vec![
                Problem::at(
                    declared,
                    self.place(&declared.address, PROFILE),
                    format!("profile `{}` is neither declared nor in this org", profile.name()),
                )
                .hint(scope.meant(profile).map_or_else(
                    || {
                        "declare it under `profiles:`, or write the name of one that the org has"
                            .to_owned()
                    },
                    |meant| format!("did you mean `{meant}`?"),
                )),
            ]);
        }
        if declared.attributes.flag(ACTIVE) == Some(false)
            && declared.attributes.get(PASSWORD).is_some()
        {
            return Err(vec![
                Problem::at(
                    declared,
                    self.place(&declared.address, PASSWORD),
                    "a user that is not active gets no password mail",
                )
                .hint("take `password` out until the user is active"),
            ]);
        }
        if let Some(profile) = declared.attributes.reference(PROFILE)
            && scope.declared(profile).is_none()
            && let Some(name) = catalog.profile_shown_as(profile.name())
        {
            let known = Address::new(KindName::PROFILE, name);
            attributes.to_mut().set(PROFILE, Value::Reference(known));
        }
        let mut problems = Vec::new();
        fields::check(declared, catalog, &mut attributes, &mut problems);
        self.check_people(declared, scope, catalog, &mut attributes, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        if declared.attributes.flag(ACTIVE) == Some(true)
            && declared.attributes.get(FROZEN).is_none()
        {
            // An active user is one that can be used.
            attributes.to_mut().set(FROZEN, Value::Flag(false));
        }
        Ok(Resolved { attributes, implied: Vec::new() })
    }

    fn defaults(&self, declared: &Declared, _scope: &dyn Scope, catalog: &Catalog) -> Attributes {
        let mut filled_in = Attributes::new();
        let organization = catalog.organization.get(&()).is();
        let defaults = [
            ("alias", Some(default_alias(declared.address.name()))),
            ("email_encoding", Some("UTF-8".to_owned())),
            ("time_zone", organization.map(|organization| organization.time_zone.clone())),
            ("locale", organization.map(|organization| organization.locale.clone())),
            ("language", organization.map(|organization| organization.language.clone())),
        ];
        for (path, value) in defaults {
            if declared.attributes.get(path).is_none() {
                filled_in.set_some(path, value.map(Value::Text));
            }
        }
        filled_in
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
                filters: &[],
                supplementary: false,
                piggybacks: false,
            },
            RowQuery {
                object: "UserLogin",
                fields: &["Id", "UserId", "IsFrozen"],
                key: "UserId",
                key_source: KeySource::RecordId,
                filters: &[],
                supplementary: true,
                piggybacks: false,
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
        fields::observe(row, &mut attributes);
        attributes.set_some(
            ROLE,
            row.text("UserRole.DeveloperName").map(|name| Value::Text(name.to_owned())),
        );
        attributes.set_some(
            MANAGER,
            row.text("Manager.Username")
                .map(|name| Value::Reference(Address::new(KIND, &name.to_lowercase()))),
        );
        attributes.set_some(ACTIVE, row.flag("IsActive").map(Value::Flag));
        attributes.set_some(
            PROFILE,
            row.text("Profile.Name")
                .map(|name| Value::Reference(Address::new(KindName::PROFILE, name))),
        );
        let id = SalesforceId::parse(row.text("Id")?);
        let address = Address::new(KIND, &row.username("Username")?);
        Some((Some(address), Observed { id, attributes, ..Observed::default() }))
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

    fn columns(&self) -> Option<&dyn Columns> {
        Some(self)
    }

    fn comparison(&self) -> &dyn Comparison {
        self
    }

    fn retirement(&self) -> Option<&dyn Retirement> {
        Some(self)
    }

    fn lifecycle_rules(&self) -> &dyn LifecycleRules {
        self
    }

    fn replacement(&self) -> &dyn Replacement {
        self
    }

    fn relation(&self) -> &dyn Relation {
        self
    }

    fn reference(&self) -> &dyn Reference {
        self
    }

    fn feedback(&self) -> &dyn Feedback {
        self
    }
}

impl Columns for User {
    fn wanted(&self, attributes: &Attributes, into: &mut BTreeSet<String>) {
        fields::columns(attributes, into);
    }

    fn has(&self, column: &str, catalog: &Catalog) -> bool {
        let field = match column {
            "UserRole.DeveloperName" => "UserRoleId",
            "Manager.Username" => "ManagerId",
            field => field,
        };
        let known = catalog.user_fields.get(&()).list();
        known.iter().any(|held| held.name.eq_ignore_ascii_case(field))
    }

    fn fact(&self) -> Fact {
        Fact::UserFields
    }
}

impl Comparison for User {
    fn comparable(&self, observed: &Attributes, wanted: &Attributes) -> Attributes {
        let mut comparable = observed.clone();
        comparable.retain(|path, _| wanted.get(path).is_some());
        // A copy of an org has its addresses out of order, so that no mail goes out.
        if let (Some(seen), Some(said)) = (comparable.text(EMAIL), wanted.text(EMAIL))
            && seen.strip_suffix(SANDBOX_EMAIL) == Some(said)
        {
            comparable.set(EMAIL, Value::Text(said.to_owned()));
        }
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
        let is_left_frozen = observed.flag(FROZEN) == Some(true) && wanted.get(FROZEN).is_none();
        is_left_frozen.then(|| {
            "the user is frozen in the org and is left so; `active: true` unfreezes it".to_owned()
        })
    }

    fn milestones(&self) -> &'static [&'static str] {
        &[EMAIL_UNTIL_CONFIRMED]
    }

    fn unobservable(&self) -> &'static [&'static str] {
        &[PASSWORD, EMAIL_UNTIL_CONFIRMED]
    }

    /// A new address counts once it is confirmed; until then the org may show the
    /// one before.
    fn unconfirmed(&self, seen: &Attributes, history: &Attributes) -> Attributes {
        let mut unconfirmed = Attributes::new();
        let is_waiting = history.text(EMAIL_UNTIL_CONFIRMED).is_some_and(|until| {
            seen.text(EMAIL).is_some_and(|seen| seen.eq_ignore_ascii_case(until))
        });
        if is_waiting {
            unconfirmed.set_some(EMAIL, history.get(EMAIL).cloned());
        }
        unconfirmed
    }
}

impl Retirement for User {
    fn revive(&self, wanted: &mut Attributes) {
        if wanted.get(ACTIVE).is_none() {
            wanted.set(ACTIVE, Value::Flag(true));
        }
        wanted.set(FROZEN, Value::Flag(false));
    }

    fn has_left(&self, recorded: &Attributes) -> bool {
        recorded.flag(ACTIVE) == Some(false)
    }
}

impl LifecycleRules for User {
    fn is_left_when_undeclared(&self, path: &str) -> bool {
        path != "first_name" && path != PROFILE && !path.starts_with(features::FEATURE)
    }

    fn inherit(&self, wanted: &mut Attributes, recorded: &Attributes) {
        for path in [PASSWORD, EMAIL_UNTIL_CONFIRMED] {
            if wanted.get(path).is_none() {
                wanted.set_some(path, recorded.get(path).cloned());
            }
        }
    }

    fn must_have(&self) -> &'static [&'static str] {
        &[PROFILE]
    }

    fn ignorable(&self) -> &'static str {
        "last_name, first_name, email, profile, alias, time_zone, locale, language, email_encoding, role, manager, title, department, division, company, employee_number, phone, mobile_phone, federation_id, nickname, currency, feature_licenses, fields, or one field as in fields.Region__c"
    }

    fn may_ignore(&self, word: &str) -> bool {
        let is_known = self.ignorable().split(", ").any(|known| known == word);
        is_known || word.strip_prefix(fields::FIELD).is_some_and(|field| !field.is_empty())
    }

    fn ignores(&self, word: &str, path: &str) -> bool {
        path == word || path.strip_prefix(word).is_some_and(|rest| rest.starts_with('.'))
    }
}

impl Replacement for User {
    fn never_replaced(&self) -> Option<(&'static str, &'static str)> {
        Some((
            "Salesforce never deletes a user, and its username is never free again",
            "Declare a user under another username, and take this one out.",
        ))
    }
}

impl Relation for User {
    fn subject(&self, address: &Address) -> Option<Address> {
        Some(address.clone())
    }
}

impl Reference for User {
    fn known_id(&self, name: &str, catalog: &Catalog) -> Option<SalesforceId> {
        catalog.user.get(name).is().cloned()
    }
}

impl Feedback for User {
    fn remarks(&self, change: &Change, _catalog: &Catalog) -> Vec<String> {
        let (Some(before), Some(after)) = (&change.before, &change.after) else {
            return Vec::new();
        };
        let (was, is) = (before.text(EMAIL), after.text(EMAIL));
        let changes_email = is.is_some() && was.is_some() && was != is;
        changes_email
            .then(|| {
                "Salesforce mails the new address a link to confirm it, and shows the old one until that is done".to_owned()
            })
            .into_iter()
            .collect()
    }
}
