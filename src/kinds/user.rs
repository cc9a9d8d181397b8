//! Users. The platform never deletes one (Object Reference, `User`): what is
//! taken away is frozen, deactivated and moved off the profile; and nobody is
//! brought back unasked, unless our state says that we deactivated them.

use serde::Deserialize;

use super::Kind;
use super::Removal;
use super::Resolved;
use super::Scope;
use super::Section;
use super::Step;
use super::StepContext;
use super::permission_set_assignment;
use super::permission_set_license_assignment;
use super::profile;
use super::spec::Alias;
use super::spec::Email;
use super::spec::Name40;
use super::spec::Name80;
use super::spec::ProfileName;
use super::spec::Text;
use super::spec::Username;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Catalog;
use crate::model::Change;
use crate::model::Declared;
use crate::model::Fact;
use crate::model::FieldValue;
use crate::model::IdReference;
use crate::model::KeySource;
use crate::model::Observed;
use crate::model::Ownership;
use crate::model::Place;
use crate::model::Problem;
use crate::model::Reason;
use crate::model::RecordEffect;
use crate::model::Row;
use crate::model::RowExt;
use crate::model::RowQuery;
use crate::model::SalesforceId;
use crate::model::Standing;
use crate::model::Value;
use crate::model::Write;

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

/// One entry of `users:`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserSpec {
    last_name: Name80,
    first_name: Option<Name40>,
    email: Email,
    profile: ProfileName,
    alias: Option<Alias>,
    time_zone: Option<Text>,
    locale: Option<Text>,
    language: Option<Text>,
    email_encoding: Option<Text>,
    active: Option<bool>,
    password: Option<PasswordWord>,
    #[serde(default)]
    permission_set_licenses: Vec<Text>,
    #[serde(default)]
    permission_sets: Vec<Text>,
    was: Option<Username>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PasswordWord {
    EmailResetLink,
}

impl Section for User {
    type Spec = UserSpec;

    fn check_name(name: &str) -> Result<(), String> {
        use serde::de::IntoDeserializer;
        let deserializer: serde::de::value::StrDeserializer<'_, serde::de::value::Error> =
            name.into_deserializer();
        Username::deserialize(deserializer).map(|_| ()).map_err(|error| error.to_string())
    }

    fn declare(
        name: &str,
        spec: UserSpec,
        into: &mut dyn FnMut(Address, Attributes, Option<String>),
    ) {
        let text = |text: String| Value::Text(text.trim().to_owned());
        let mut attributes = Attributes::new();
        attributes.set("last_name", text(spec.last_name.0));
        attributes.set("email", text(spec.email.0));
        attributes.set(PROFILE, Value::Reference(Address::new(profile::KIND, &spec.profile.0)));
        attributes.set_some("first_name", spec.first_name.map(|name| text(name.0)));
        attributes.set_some("alias", spec.alias.map(|alias| text(alias.0)));
        attributes.set_some("time_zone", spec.time_zone.map(|zone| text(zone.0)));
        attributes.set_some("locale", spec.locale.map(|locale| text(locale.0)));
        attributes.set_some("language", spec.language.map(|language| text(language.0)));
        attributes.set_some("email_encoding", spec.email_encoding.map(|name| text(name.0)));
        attributes.set_some(ACTIVE, spec.active.map(Value::Flag));
        attributes.set_some(
            PASSWORD,
            spec.password
                .map(|PasswordWord::EmailResetLink| Value::Text("email_reset_link".into())),
        );
        into(Address::new(KIND, name), attributes, spec.was.map(|was| was.0));
        for license in spec.permission_set_licenses {
            let license = permission_set_license_assignment::developer_name(&license.0);
            let (address, attributes) = permission_set_license_assignment::declare(name, license);
            into(address, attributes, None);
        }
        for set in spec.permission_sets {
            let (address, attributes) = permission_set_assignment::declare(name, &set.0);
            into(address, attributes, None);
        }
    }
}

/// An alias for a user without one: the username's first letters and digits.
fn default_alias(username: &str) -> String {
    username.chars().filter(char::is_ascii_alphanumeric).take(8).collect()
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
            "the user is frozen in the org and is left so; unfreeze it in Setup > Users".to_owned()
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

    fn subject(&self, address: &Address) -> Option<Address> {
        Some(address.clone())
    }
}

impl User {
    fn profile_id(
        &self,
        change: &Change,
        attributes: &Attributes,
        context: &dyn StepContext,
    ) -> Result<IdReference, Problem> {
        attributes.reference(PROFILE).and_then(|profile| context.id(profile)).ok_or_else(|| {
            Problem {
                address: change.address.clone(),
                place: Some(self.place(&change.address, PROFILE)),
                file: 0,
                message: "the id of its profile is not known".to_owned(),
                hint: Some("run plan again; the state may be behind the org".to_owned()),
            }
        })
    }

    fn create(
        &self,
        change: &Change,
        after: &Attributes,
        context: &dyn StepContext,
    ) -> Result<Vec<Step>, Problem> {
        let mut fields =
            vec![("Username".into(), FieldValue::Text(change.address.name().to_owned()))];
        for (path, field) in FIELDS {
            if let Some(text) = after.text(path).or_else(|| change.defaults.text(path)) {
                fields.push((field.into(), FieldValue::Text(text.to_owned())));
            }
        }
        fields.push(("ProfileId".into(), FieldValue::Id(self.profile_id(change, after, context)?)));
        if let Some(active) = after.flag(ACTIVE) {
            fields.push(("IsActive".into(), FieldValue::Flag(active)));
        }
        let mut confirm = after.clone();
        confirm.remove(PASSWORD);
        let mut steps = vec![Step::new(
            "insert",
            Write::Insert { object: "User".into(), fields },
            RecordEffect { confirm, creates: Some(Ownership::Created), ..RecordEffect::default() },
        )];
        steps.extend(password_step(change, after, IdReference::Of(change.address.clone())));
        Ok(steps)
    }

    fn update(
        &self,
        change: &Change,
        before: &Attributes,
        after: &Attributes,
        context: &dyn StepContext,
    ) -> Result<Vec<Step>, Problem> {
        let Some(id) = change.id().cloned().map(IdReference::Known) else {
            return Ok(Vec::new());
        };
        let mut fields = Vec::new();
        if matches!(change.reason, Reason::Renamed { .. }) {
            fields.push(("Username".into(), FieldValue::Text(change.address.name().to_owned())));
        }
        for (path, field) in FIELDS {
            if before.get(path) == after.get(path) {
                continue;
            }
            match after.text(path) {
                Some(text) => fields.push((field.into(), FieldValue::Text(text.to_owned()))),
                // What is declared no more is left as it is, but for the
                // first name, the only one of these that may be empty.
                None if path == "first_name" => fields.push((field.into(), FieldValue::Null)),
                None => {}
            }
        }
        if before.get(PROFILE) != after.get(PROFILE) {
            fields.push((
                "ProfileId".into(),
                FieldValue::Id(self.profile_id(change, after, context)?),
            ));
        }
        if let Some(active) =
            after.flag(ACTIVE).filter(|active| before.flag(ACTIVE) != Some(*active))
        {
            fields.push(("IsActive".into(), FieldValue::Flag(active)));
        }
        let mut confirm = after.clone();
        confirm.remove(PASSWORD);
        let mut withdraw = super::permission_set::withdrawn(Some(before), after);
        let revives = matches!(change.reason, Reason::DeactivatedByUs);
        for path in &change.transient {
            confirm.remove(path);
            withdraw.push(path.clone());
        }
        let effect = RecordEffect { confirm, withdraw, ..RecordEffect::default() };
        let mut steps = Vec::new();
        if !fields.is_empty() {
            let write = Write::Update { object: "User".into(), id: id.clone(), fields };
            steps.push(Step::new(if revives { "reactivate" } else { "update" }, write, effect));
        }
        if after.flag(FROZEN) == Some(false)
            && before.flag(FROZEN) == Some(true)
            && let Some(login) = change.companion_id()
        {
            let mut effect = RecordEffect::default();
            if change.transient.iter().any(|path| path == FROZEN) {
                effect.withdraw.push(FROZEN.into());
            } else {
                effect.confirm.set(FROZEN, Value::Flag(false));
            }
            steps.push(Step::new(
                "unfreeze",
                Write::Update {
                    object: "UserLogin".into(),
                    id: IdReference::Known(login.clone()),
                    fields: vec![("IsFrozen".into(), FieldValue::Flag(false))],
                },
                effect,
            ));
            // Until it is unfrozen the state says so.
            if let [first, _] = steps.as_mut_slice() {
                first.effect.confirm.remove(FROZEN);
                first.effect.withdraw.retain(|path| path != FROZEN);
            }
        }
        if revives && let Some(last) = steps.last_mut() {
            last.effect.standing = Some(Standing::Live);
        }
        if before.get(PASSWORD).is_none() && change.action != Action::Adopt {
            steps.extend(password_step(change, after, id));
        }
        Ok(steps)
    }

    fn retire(change: &Change, before: &Attributes, context: &dyn StepContext) -> Vec<Step> {
        let Some(id) = change.id().cloned().map(IdReference::Known) else {
            return Vec::new();
        };
        let confirm =
            |path: &'static str, value: Value| [(path, value)].into_iter().collect::<Attributes>();
        let mut steps = Vec::new();
        if before.flag(FROZEN) != Some(true)
            && let Some(login) = change.companion_id()
        {
            let mut frozen = confirm(FROZEN, Value::Flag(true));
            if before.flag(ACTIVE) == Some(false) {
                frozen.set(ACTIVE, Value::Flag(false));
            }
            steps.push(Step::new(
                "freeze",
                Write::Update {
                    object: "UserLogin".into(),
                    id: IdReference::Known(login.clone()),
                    fields: vec![("IsFrozen".into(), FieldValue::Flag(true))],
                },
                RecordEffect {
                    confirm: frozen,
                    standing: Some(Standing::Retired),
                    ..RecordEffect::default()
                },
            ));
        }
        if before.flag(ACTIVE) != Some(false) {
            let mut inactive = confirm(ACTIVE, Value::Flag(false));
            if before.flag(FROZEN) == Some(true) {
                inactive.set(FROZEN, Value::Flag(true));
            }
            steps.push(Step::new(
                "deactivate",
                Write::Update {
                    object: "User".into(),
                    id: id.clone(),
                    fields: vec![("IsActive".into(), FieldValue::Flag(false))],
                },
                RecordEffect {
                    confirm: inactive,
                    standing: Some(Standing::Retired),
                    ..RecordEffect::default()
                },
            ));
        }
        if let Some(profile) = before.reference(PROFILE)
            && context.is_deleted(profile)
            && let Some(held) = context.attributes(profile)
            && let Some(license) = held.text("user_license")
        {
            // Not one that is ours: it may go next.
            let may_be_used =
                |name: &str| context.attributes(&Address::new(profile::KIND, name)).is_none();
            if let Some(to) = profile::fallback(license, context.catalog(), &may_be_used) {
                let target = Value::Reference(Address::new(profile::KIND, &to.name));
                steps.push(Step::new(
                    "move",
                    Write::Update {
                        object: "User".into(),
                        id,
                        fields: vec![(
                            "ProfileId".into(),
                            FieldValue::Id(IdReference::Known(to.id.clone())),
                        )],
                    },
                    RecordEffect { confirm: confirm(PROFILE, target), ..RecordEffect::default() },
                ));
            }
        }
        steps
    }
}

/// The mail with the link to set a password, once. REST has no header for the
/// mail of a new user; deleting the password mails the reset link (REST API
/// Developer Guide, "sObject User Password").
fn password_step(change: &Change, after: &Attributes, id: IdReference) -> Option<Step> {
    let wish = after.get(PASSWORD)?;
    let is_done =
        change.recorded.as_ref().is_some_and(|record| record.once.contains_key(PASSWORD_EMAIL));
    if is_done {
        return None;
    }
    let confirm = [(PASSWORD, wish.clone())].into_iter().collect();
    let mut step = Step::new(
        "password mail",
        Write::ResetPassword { id },
        RecordEffect { confirm, once: Some(PASSWORD_EMAIL.to_owned()), ..RecordEffect::default() },
    );
    step.last = true;
    Some(step)
}
