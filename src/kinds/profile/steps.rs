//! The writes about a profile: the row, and what is laid over it.

use super::CLONE_FROM;
use super::CLONED;
use super::LICENSE;
use super::Profile;
use super::clone;
use super::is_setting;
use super::restrictions;
use crate::facts::profile_full_name;
use crate::kinds::Kind as _;
use crate::kinds::Step;
use crate::kinds::StepContext;
use crate::kinds::settings;
use crate::kinds::withdrawn;
use crate::model::Action;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Element;
use crate::model::FieldValue;
use crate::model::IdReference;
use crate::model::Ownership;
use crate::model::Path;
use crate::model::Problem;
use crate::model::Reason;
use crate::model::RecordEffect;
use crate::model::StepName;
use crate::model::Value;
use crate::model::Write;

fn refuse(change: &Change, message: String, hint: &str) -> Problem {
    Problem::new(&change.address, message)
        .place(Profile.place(&change.address, CLONE_FROM))
        .hint(hint.to_owned())
}

/// The attributes that the row carries, and those that its document does.
fn split(attributes: &Attributes) -> (Attributes, Attributes) {
    let (mut row, mut settings) = (attributes.clone(), attributes.clone());
    row.retain(|path, _| !is_setting(path) && path != CLONED);
    settings.retain(|path, _| is_setting(path));
    (row, settings)
}

impl Profile {
    pub(super) fn write(
        change: &Change,
        after: &Attributes,
        context: &dyn StepContext,
    ) -> Result<Vec<Step>, Problem> {
        let (row, _) = split(after);
        let mut steps = match &change.before {
            None => vec![Self::insert(change, row, context)?],
            Some(before) => Self::update(change, before, row)?.into_iter().collect(),
        };
        steps.extend(Self::overlay(change, after, context));
        Ok(steps)
    }

    fn insert(
        change: &Change,
        row: Attributes,
        context: &dyn StepContext,
    ) -> Result<Step, Problem> {
        let base = change.defaults.text(CLONE_FROM).unwrap_or_default();
        let Some(base) = context.catalog().profile.get(base).is() else {
            return Err(refuse(
                change,
                format!("the profile to clone, `{base}`, is not known"),
                "run plan again without --refresh=false",
            ));
        };
        let mut fields = vec![
            ("Name".into(), FieldValue::Text(change.address.name().to_owned())),
            ("UserLicenseId".into(), FieldValue::Id(IdReference::Known(base.license_id.clone()))),
        ];
        if let Some(text) = row.text("description") {
            fields.push(("Description".into(), FieldValue::Text(text.to_owned())));
        }
        Ok(Step::new(
            StepName::Insert,
            Write::Insert { object: "Profile".into(), fields },
            RecordEffect {
                confirm: row,
                creates: Some(Ownership::Created),
                ..RecordEffect::default()
            },
        ))
    }

    fn update(
        change: &Change,
        before: &Attributes,
        row: Attributes,
    ) -> Result<Option<Step>, Problem> {
        let (was, will_be) = (before.text(LICENSE), row.text(LICENSE));
        if was != will_be {
            return Err(refuse(
                change,
                format!(
                    "the profile has the user license `{}`, and a profile's license can't be changed to `{}`",
                    was.unwrap_or("?"),
                    will_be.unwrap_or("?")
                ),
                "declare a new profile under another name and move its users there",
            ));
        }
        let mut fields = Vec::new();
        if matches!(change.reason, Reason::Renamed { .. }) {
            let name = change.address.name().to_owned();
            fields.push(("Name".into(), FieldValue::Text(name)));
        }
        if before.get("description") != row.get("description") {
            let description = row
                .text("description")
                .map_or(FieldValue::Null, |text| FieldValue::Text(text.to_owned()));
            fields.push(("Description".into(), description));
        }
        let Some(id) = change.id().filter(|_| !fields.is_empty()) else { return Ok(None) };
        let (before, _) = split(before);
        Ok(Some(Step::new(
            StepName::Update,
            Write::Update { object: "Profile".into(), id: IdReference::Known(id.clone()), fields },
            RecordEffect {
                withdraw: withdrawn(Some(&before), &row),
                confirm: row,
                ..RecordEffect::default()
            },
        )))
    }

    /// What is laid over the row: once all that the base has, and each time what
    /// differs of what is declared.
    fn overlay(change: &Change, after: &Attributes, context: &dyn StepContext) -> Option<Step> {
        let (_, settings) = split(after);
        let before = change.before.as_ref().map(|before| split(before).1).unwrap_or_default();
        let is_half_made = change.before.as_ref().is_none_or(|before| before.get(CLONED).is_none());
        let clones = is_half_made && change.action != Action::Adopt;
        let base: Vec<Element> = if clones {
            let name = change.defaults.text(CLONE_FROM).unwrap_or_default();
            context.catalog().profile_base.get(name).list().to_vec()
        } else {
            Vec::new()
        };
        let mut seen = Attributes::new();
        settings::observe(
            settings::Holder::Profile,
            &Element::parent("base", base.clone()),
            &mut seen,
        );
        if let Some(observed) = &change.observed {
            seen.extend(&observed.attributes);
        }
        let mut changed = settings::differing(&before, &settings, &seen);
        changed.extend(restrictions::differing(&before, &settings));
        if changed.is_empty() && !clones {
            return None;
        }
        let mut body = vec![Element::text("custom", "true")];
        body.extend(clone::laid_under(&base, changed));
        let withdraw: Vec<Path> = withdrawn(Some(&before), &settings);
        let mut confirm = settings;
        if clones {
            confirm.set(CLONED, Value::Flag(true));
        }
        Some(Step::new(
            StepName::Overlay,
            Write::UpdateDocument {
                metadata_type: "Profile".into(),
                full_name: profile_full_name(change.address.name()),
                body,
            },
            RecordEffect { confirm, withdraw, ..RecordEffect::default() },
        ))
    }
}
