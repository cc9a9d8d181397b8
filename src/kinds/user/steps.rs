//! The writes about a user: made, changed, taken away as far as it goes.

use super::ACTIVE;
use super::EMAIL;
use super::EMAIL_UNTIL_CONFIRMED;
use super::FROZEN;
use super::MANAGER;
use super::PASSWORD;
use super::PASSWORD_EMAIL;
use super::PROFILE;
use super::ROLE;
use super::User;
use super::features;
use super::fields;
use super::table;
use super::table::Column;
use crate::kinds::Kind;
use crate::kinds::Step;
use crate::kinds::StepContext;
use crate::kinds::group_member::LANE;
use crate::kinds::profile;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::FieldValue;
use crate::model::IdReference;
use crate::model::KindName;
use crate::model::Ownership;
use crate::model::Problem;
use crate::model::Reason;
use crate::model::RecordEffect;
use crate::model::SalesforceId;
use crate::model::Standing;
use crate::model::StepName;
use crate::model::Value;
use crate::model::Write;
use std::borrow::Cow;

/// User licenses whose users belong to a contact (Salesforce Help, "Experience
/// Cloud User Licenses"); each also as `… Login`.
const WITH_CONTACT: [&str; 12] = [
    "Authenticated Website",
    "Channel Account",
    "Customer Community",
    "Customer Community Plus",
    "Customer Portal Manager Custom",
    "Customer Portal Manager Standard",
    "External Apps",
    "External Apps Plus",
    "External Identity",
    "Gold Partner",
    "High Volume Customer Portal",
    "Partner Community",
];

impl User {
    fn problem(&self, change: &Change, path: &str, message: &str, hint: &str) -> Problem {
        Problem::new(&change.address, message.to_owned())
            .place(self.place(&change.address, path))
            .hint(hint.to_owned())
    }

    /// The user license that a profile gives, after the plan or before it.
    fn license_of(profile: &Address, context: &dyn StepContext) -> Option<String> {
        let managed = context.attributes_after(profile).or_else(|| context.attributes(profile));
        let license = managed.and_then(|held| held.text("user_license").map(str::to_owned));
        license
            .or_else(|| Some(context.catalog().profile.get(profile.name()).is()?.license.clone()))
    }

    /// What the org would refuse for every new user of that sort.
    fn refuse_what_cannot_be_made(
        &self,
        change: &Change,
        after: &Attributes,
        context: &dyn StepContext,
    ) -> Result<(), Problem> {
        let license =
            after.reference(PROFILE).and_then(|profile| Self::license_of(profile, context));
        if let Some(license) = &license
            && WITH_CONTACT.contains(&license.trim_end_matches(" Login"))
        {
            return Err(self.problem(
                change,
                PROFILE,
                &format!("users with the license `{license}` belong to a contact, which orgform does not make"),
                "enable the contact as a user in Salesforce; orgform takes it over when it is declared then",
            ));
        }
        if after.flag(FROZEN) == Some(true) {
            return Err(self.problem(
                change,
                FROZEN,
                "a user that is not there yet has no login to freeze",
                "declare `active: false`, or leave the line out until it is there",
            ));
        }
        let required = fields::required(context.catalog(), after);
        if required.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = required.iter().map(|field| format!("`{}`", field.name)).collect();
        Err(self.problem(
            change,
            "",
            &format!("this org asks for {} of every user", names.join(" and ")),
            &format!("add `fields: {{ {}: … }}`", required[0].name),
        ))
    }

    /// A profile of another license would change what the user may hold at all.
    fn refuse_another_license(
        &self,
        change: &Change,
        before: &Attributes,
        after: &Attributes,
        context: &dyn StepContext,
    ) -> Result<(), Problem> {
        let license = |attributes: &Attributes| {
            let profile = attributes.reference(PROFILE)?;
            Self::license_of(profile, context)
        };
        match (license(before), license(after)) {
            (Some(was), Some(is)) if was != is => Err(self.problem(
                change,
                PROFILE,
                &format!("the user has the license `{was}`, and that profile is for users with `{is}`"),
                "declare a user under another username for it, or change the license in Setup first: sets that the user holds may not fit the other license",
            )),
            _ => Ok(()),
        }
    }

    /// Role, manager and all fields that are not needed to make a user, where they
    /// differ.
    fn further(
        &self,
        change: &Change,
        before: Option<&Attributes>,
        after: &Attributes,
        context: &dyn StepContext,
    ) -> Result<Vec<(Cow<'static, str>, FieldValue)>, Problem> {
        let mut written = Vec::new();
        let differs = |path: &str| before.is_none_or(|before| before.get(path) != after.get(path));
        for (path, value) in after.iter().filter(|(path, _)| differs(path)) {
            let is_always = table::column(path).is_some_and(|column| column.is_always);
            if let Some(field) = fields::field_of(path).filter(|_| !is_always) {
                let value = fields::sent(path, value, context.catalog());
                written.push((field.to_owned().into(), value));
            }
        }
        // Of what is declared no more only licenses are taken back.
        for (path, _) in before.into_iter().flat_map(Attributes::iter) {
            if path.starts_with(features::FEATURE)
                && after.get(path).is_none()
                && let Some(field) = fields::field_of(path)
            {
                written.push((field.to_owned().into(), FieldValue::Flag(false)));
            }
        }
        if let Some(role) = after.text(ROLE).filter(|_| differs(ROLE)) {
            let [role] = context.catalog().role.get(role).list() else {
                return Err(self.problem(
                    change,
                    ROLE,
                    "the id of its role is not known",
                    "run plan again",
                ));
            };
            let id = FieldValue::Id(IdReference::Known(role.id.clone()));
            written.push(("UserRoleId".into(), id));
        }
        if let Some(manager) = after.reference(MANAGER).filter(|_| differs(MANAGER)) {
            let Some(id) = context.id(manager) else {
                return Err(self.problem(
                    change,
                    MANAGER,
                    "the id of its manager is not known",
                    "run plan again",
                ));
            };
            written.push(("ManagerId".into(), FieldValue::Id(id)));
        }
        Ok(written)
    }

    fn profile_id(
        &self,
        change: &Change,
        attributes: &Attributes,
        context: &dyn StepContext,
    ) -> Result<IdReference, Problem> {
        attributes.reference(PROFILE).and_then(|profile| context.id(profile)).ok_or_else(|| {
            Problem::new(&change.address, "the id of its profile is not known")
                .place(self.place(&change.address, PROFILE))
                .hint("run plan again; the state may be behind the org")
        })
    }

    pub(super) fn create(
        &self,
        change: &Change,
        after: &Attributes,
        context: &dyn StepContext,
    ) -> Result<Vec<Step>, Problem> {
        let mut fields =
            vec![("Username".into(), FieldValue::Text(change.address.name().to_owned()))];
        for Column { key, api_name, .. } in table::always() {
            if let Some(text) = after.text(key).or_else(|| change.defaults.text(key)) {
                fields.push((api_name.into(), FieldValue::Text(text.to_owned())));
            }
        }
        self.refuse_what_cannot_be_made(change, after, context)?;
        fields.extend(self.further(change, None, after, context)?);
        fields.push(("ProfileId".into(), FieldValue::Id(self.profile_id(change, after, context)?)));
        if let Some(active) = after.flag(ACTIVE) {
            fields.push(("IsActive".into(), FieldValue::Flag(active)));
        }
        let mut confirm = after.clone();
        confirm.remove(PASSWORD);
        let mut insert = Step::new(
            StepName::Insert,
            Write::Insert { object: "User".into(), fields },
            RecordEffect { confirm, creates: Some(Ownership::Created), ..RecordEffect::default() },
        );
        insert.lane = after.get(ROLE).map(|_| LANE);
        let mut steps = vec![insert];
        steps.extend(password_step(change, after, IdReference::Of(change.address.clone())));
        Ok(steps)
    }

    pub(super) fn update(
        &self,
        change: &Change,
        before: &Attributes,
        after: &Attributes,
        context: &dyn StepContext,
    ) -> Result<Vec<Step>, Problem> {
        let Some(id) = change.id().cloned().map(IdReference::Known) else {
            return Ok(Vec::new());
        };
        let fields = self.changed_fields(change, before, after, context)?;
        let revives = matches!(change.reason, Reason::DeactivatedByUs);
        let mut steps = Vec::new();
        if !fields.is_empty() {
            let write = Write::Update { object: "User".into(), id: id.clone(), fields };
            let name = if revives { StepName::Reactivate } else { StepName::Update };
            let mut step = Step::new(name, write, confirms(change, before, after));
            let moves = before.get(ROLE) != after.get(ROLE);
            step.lane = moves.then_some(LANE);
            steps.push(step);
        }
        steps.extend(self.login_step(change, before, after)?);
        if let [first, _] = steps.as_mut_slice() {
            // Until the login is written the state says what it was.
            first.effect.confirm.remove(FROZEN);
            first.effect.withdraw.retain(|path| path != FROZEN);
        }
        if revives && let Some(last) = steps.last_mut() {
            last.effect.standing = Some(Standing::Live);
        }
        if before.get(PASSWORD).is_none() && change.action != Action::Adopt {
            steps.extend(password_step(change, after, id));
        }
        Ok(steps)
    }

    /// The fields of the row that differ.
    fn changed_fields(
        &self,
        change: &Change,
        before: &Attributes,
        after: &Attributes,
        context: &dyn StepContext,
    ) -> Result<Vec<(Cow<'static, str>, FieldValue)>, Problem> {
        let mut fields = Vec::new();
        if matches!(change.reason, Reason::Renamed { .. }) {
            fields.push(("Username".into(), FieldValue::Text(change.address.name().to_owned())));
        }
        for Column { key, api_name, .. } in table::always() {
            if before.get(key) == after.get(key) {
                continue;
            }
            match after.text(key) {
                Some(text) => fields.push((api_name.into(), FieldValue::Text(text.to_owned()))),
                // What is declared no more is left as it is, but for the
                // first name, the only one of these that may be empty.
                None if key == "first_name" => fields.push((api_name.into(), FieldValue::Null)),
                None => {}
            }
        }
        fields.extend(self.further(change, Some(before), after, context)?);
        if before.get(PROFILE) != after.get(PROFILE) {
            self.refuse_another_license(change, before, after, context)?;
            let profile = self.profile_id(change, after, context)?;
            fields.push(("ProfileId".into(), FieldValue::Id(profile)));
        }
        let active = after.flag(ACTIVE).filter(|active| before.flag(ACTIVE) != Some(*active));
        fields.extend(active.map(|active| ("IsActive".into(), FieldValue::Flag(active))));
        Ok(fields)
    }

    /// Freezes or unfreezes the login, where that is wanted.
    fn login_step(
        &self,
        change: &Change,
        before: &Attributes,
        after: &Attributes,
    ) -> Result<Option<Step>, Problem> {
        let was_frozen = before.flag(FROZEN) == Some(true);
        match (after.flag(FROZEN), change.companion_id()) {
            (Some(true), Some(login)) if !was_frozen => {
                Ok(Some(freezing(login, true, confirm(FROZEN, Value::Flag(true)))))
            }
            (Some(true), None) if !was_frozen => Err(self.problem(
                change,
                FROZEN,
                "it has never logged in, and what can be frozen is its login",
                "declare `active: false` instead",
            )),
            (Some(false), Some(login)) if was_frozen => {
                let mut step = freezing(login, false, Attributes::new());
                if change.transient.iter().any(|path| path == FROZEN) {
                    step.effect.withdraw.push(FROZEN.into());
                } else {
                    step.effect.confirm.set(FROZEN, Value::Flag(false));
                }
                Ok(Some(step))
            }
            _ => Ok(None),
        }
    }

    pub(super) fn retire(
        change: &Change,
        before: &Attributes,
        context: &dyn StepContext,
    ) -> Vec<Step> {
        let Some(id) = change.id().cloned().map(IdReference::Known) else {
            return Vec::new();
        };
        let retired = |confirm: Attributes| RecordEffect {
            confirm,
            standing: Some(Standing::Retired),
            ..RecordEffect::default()
        };
        let mut steps = Vec::new();
        if before.flag(FROZEN) != Some(true)
            && let Some(login) = change.companion_id()
        {
            let mut frozen = confirm(FROZEN, Value::Flag(true));
            if before.flag(ACTIVE) == Some(false) {
                frozen.set(ACTIVE, Value::Flag(false));
            }
            steps
                .push(Step { effect: retired(frozen), ..freezing(login, true, Attributes::new()) });
        }
        steps.extend(moved_off(before, &id, context));
        if before.flag(ACTIVE) != Some(false) {
            let mut inactive = confirm(ACTIVE, Value::Flag(false));
            if before.flag(FROZEN) == Some(true) {
                inactive.set(FROZEN, Value::Flag(true));
            }
            let write = written(&id, "IsActive", FieldValue::Flag(false));
            steps.push(Step::new(StepName::Deactivate, write, retired(inactive)));
        }
        if context.renames_usernames()
            && let IdReference::Known(known) = &id
        {
            let username = given_back(change.address.name(), known);
            let confirm = confirm("username", Value::Text(username.clone()));
            let write = written(&id, "Username", FieldValue::Text(username));
            let effect = RecordEffect { confirm, forget: true, ..RecordEffect::default() };
            steps.push(Step::new(StepName::Rename, write, effect));
        }
        steps
    }
}

/// What the state says once the row is written.
fn confirms(change: &Change, before: &Attributes, after: &Attributes) -> RecordEffect {
    let mut confirm = after.clone();
    confirm.remove(PASSWORD);
    if before.get(EMAIL) != after.get(EMAIL) {
        confirm.set_some(EMAIL_UNTIL_CONFIRMED, before.get(EMAIL).cloned());
    }
    let mut withdraw = crate::kinds::withdrawn(Some(before), after);
    for path in &change.transient {
        confirm.remove(path);
        withdraw.push(path.clone());
    }
    RecordEffect { confirm, withdraw, ..RecordEffect::default() }
}

fn confirm(path: &'static str, value: Value) -> Attributes {
    [(path, value)].into_iter().collect()
}

/// One field of a user.
fn written(id: &IdReference, field: &'static str, value: FieldValue) -> Write {
    Write::Update { object: "User".into(), id: id.clone(), fields: vec![(field.into(), value)] }
}

fn freezing(login: &SalesforceId, frozen: bool, confirm: Attributes) -> Step {
    let name = if frozen { StepName::Freeze } else { StepName::Unfreeze };
    let write = Write::Update {
        object: "UserLogin".into(),
        id: IdReference::Known(login.clone()),
        fields: vec![("IsFrozen".into(), FieldValue::Flag(frozen))],
    };
    Step::new(name, write, RecordEffect { confirm, ..RecordEffect::default() })
}

/// Moves a user off a profile that goes. First of all: a user that the org keeps active,
/// since something depends on it, does not keep the profile too.
fn moved_off(before: &Attributes, id: &IdReference, context: &dyn StepContext) -> Option<Step> {
    let profile = before.reference(PROFILE).filter(|profile| context.is_deleted(profile))?;
    let held = context.attributes(profile)?;
    let license = held.text("user_license")?;
    // Not one that is ours: it may go next.
    let may_be_used =
        |name: &str| context.attributes(&Address::new(KindName::PROFILE, name)).is_none();
    let to = profile::fallback(license, context.catalog(), &may_be_used)?;
    let target = Value::Reference(Address::new(KindName::PROFILE, &to.name));
    let write = written(id, "ProfileId", FieldValue::Id(IdReference::Known(to.id.clone())));
    let effect = RecordEffect { confirm: confirm(PROFILE, target), ..RecordEffect::default() };
    Some(Step::new(StepName::Move, write, effect))
}

/// The username of a user that gives its own back: unique in all orgs by the
/// user's id, and no longer than the part before the `@` may be.
fn given_back(username: &str, id: &SalesforceId) -> String {
    const LONGEST: usize = 64;
    let id = id.to_string().to_lowercase();
    let (local, domain) = username.split_once('@').unwrap_or((username, ""));
    let kept: String = local.chars().take(LONGEST - id.len() - 1).collect();
    format!("{}.{id}@{domain}", kept.trim_end_matches('.'))
}

/// The mail with the link to set a password, once. REST has no header for the
/// mail of a new user; deleting the password mails the reset link (REST API
/// Developer Guide, "sObject User Password").
fn password_step(change: &Change, after: &Attributes, id: IdReference) -> Option<Step> {
    let wish = after.get(PASSWORD)?;
    // Of a user that is made anew nothing was done yet.
    let recorded = change.recorded.as_ref().filter(|_| change.exists());
    let is_done = recorded.is_some_and(|record| record.once.contains_key(PASSWORD_EMAIL));
    if is_done {
        return None;
    }
    let confirm = [(PASSWORD, wish.clone())].into_iter().collect();
    let mut step = Step::new(
        StepName::PasswordMail,
        Write::ResetPassword { id },
        RecordEffect { confirm, once: Some(PASSWORD_EMAIL.to_owned()), ..RecordEffect::default() },
    );
    step.last = true;
    Some(step)
}
