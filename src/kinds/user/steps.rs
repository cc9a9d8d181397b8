//! The writes about a user: made, changed, taken away as far as it goes.

use crate::kinds::Kind;
use crate::kinds::Step;
use crate::kinds::StepContext;
use crate::kinds::profile;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::FieldValue;
use crate::model::IdReference;
use crate::model::Ownership;
use crate::model::Problem;
use crate::model::Reason;
use crate::model::RecordEffect;
use crate::model::Standing;
use crate::model::Value;
use crate::model::Write;

use super::ACTIVE;
use super::FIELDS;
use super::FROZEN;
use super::PASSWORD;
use super::PASSWORD_EMAIL;
use super::PROFILE;
use super::User;

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

    pub(super) fn create(
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
        let mut withdraw = crate::kinds::withdrawn(Some(before), after);
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

    pub(super) fn retire(
        change: &Change,
        before: &Attributes,
        context: &dyn StepContext,
    ) -> Vec<Step> {
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
    // Of a user that is made anew nothing was done yet.
    let recorded = change.recorded.as_ref().filter(|_| change.exists());
    let is_done = recorded.is_some_and(|record| record.once.contains_key(PASSWORD_EMAIL));
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
