//! What a file may say of a profile, and what it declares by that.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::CLONE_FROM;
use super::KIND;
use super::Profile;
use super::restrictions::Day;
use super::restrictions::Hours;
use super::restrictions::IpRange;
use super::restrictions::LOGIN_HOURS;
use super::restrictions::LOGIN_IP_RANGES;
use crate::kinds::Section;
use crate::kinds::settings;
use crate::kinds::settings::Condition;
use crate::kinds::settings::ObjectName;
use crate::kinds::settings::RECORD_TYPES;
use crate::kinds::settings::Tab;
use crate::kinds::settings::with_settings;
use crate::kinds::spec::Description;
use crate::kinds::spec::LifecycleSpec;
use crate::kinds::spec::ProfileName;
use crate::kinds::spec::Text;
use crate::kinds::spec::TextError;
use crate::kinds::spec::UniqueMap;
use crate::kinds::spec::rules::check_profile_name;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Declared;
use crate::model::Value;

with_settings! {
    /// A profile, under its name.
    pub struct ProfileSpec with tabs of Tab {
        /// The profile that it is made from, once: its user license, its system
        /// permissions and its other settings.
        clone_from: ProfileName,
        /// What it is for, at most 255 characters.
        description: Option<Description>,
        /// The app that opens first.
        default_app: Option<Text>,
        /// Record types that users may choose, by object, and which are the
        /// defaults: developer names, or `person account`.
        #[serde(default)]
        record_types: UniqueMap<ObjectName, RecordTypesSpec>,
        /// When users may log in, by day, in whole hours of the org's time zone.
        login_hours: Option<UniqueMap<Day, Hours>>,
        /// The addresses from which users may log in.
        #[serde(default)]
        login_ip_ranges: Vec<IpRange>,
        /// What it also has in orgs with person accounts.
        if_person_accounts: Option<ProfileSettingsSpec>,
        /// The only orgs that it is for.
        #[serde(default)]
        when: Vec<Condition>,
        /// The name that it had, when it is to be renamed.
        was: Option<ProfileName>,
        /// How far it is held to what the file says.
        #[serde(default)]
        lifecycle: LifecycleSpec,
    }
}

with_settings! {
    /// Settings of a profile.
    struct ProfileSettingsSpec with tabs of Tab {
        /// The app that opens first.
        default_app: Option<Text>,
        /// Record types that users may choose, by object, and which are the
        /// defaults: developer names, or `person account`.
        #[serde(default)]
        record_types: UniqueMap<ObjectName, RecordTypesSpec>,
    }
}

/// Record types of one object.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct RecordTypesSpec {
    /// Those that users may choose.
    assigned: Vec<Text>,
    /// The one that is chosen when nothing is said.
    default: Option<Text>,
    /// Of Account: the default for business accounts.
    business_account_default: Option<Text>,
    /// Of Account: the default for person accounts.
    person_account_default: Option<Text>,
}

impl Section for Profile {
    type Spec = ProfileSpec;

    fn check_name(name: &str) -> Result<(), TextError> {
        check_profile_name(name)
    }

    fn declare(name: &str, mut spec: ProfileSpec, into: &mut dyn FnMut(Declared)) {
        let mut attributes = Attributes::new();
        attributes.set(CLONE_FROM, Value::Reference(Address::new(KIND, &spec.clone_from.0)));
        attributes.set_some(
            "description",
            spec.description
                .take()
                .map(|description| description.0.trim().to_owned())
                .filter(|description| !description.is_empty())
                .map(Value::Text),
        );
        spec.declare_settings(&mut attributes);
        declare_more(spec.default_app, spec.record_types, &mut attributes);
        if let Some(hours) = spec.login_hours {
            let days: BTreeSet<String> =
                hours.0.into_iter().map(|(day, hours)| format!("{day} {hours}")).collect();
            attributes.set(LOGIN_HOURS, Value::Set(days));
        }
        if !spec.login_ip_ranges.is_empty() {
            let ranges = spec.login_ip_ranges.iter().map(ToString::to_string);
            attributes.set(LOGIN_IP_RANGES, Value::set(ranges));
        }
        let mut with_person_accounts = Attributes::new();
        if let Some(mut more) = spec.if_person_accounts {
            more.declare_settings(&mut with_person_accounts);
            declare_more(more.default_app, more.record_types, &mut with_person_accounts);
        }
        let when = spec.when.into_iter().map(Into::into).collect();
        let declared = Declared {
            was: spec.was.map(|was| was.0),
            lifecycle: spec.lifecycle.into(),
            ..Declared::new(Address::new(KIND, name), attributes)
        };
        into(
            declared
                .only_when(&when)
                .saying_besides(crate::model::Condition::PersonAccounts, with_person_accounts),
        );
    }
}

fn declare_more(
    default_app: Option<Text>,
    record_types: UniqueMap<ObjectName, RecordTypesSpec>,
    into: &mut Attributes,
) {
    into.set_some("default_app", default_app.map(|app| Value::Text(app.0)));
    for (ObjectName(Text(object)), types) in record_types.0 {
        settings::declare_record_types(&object, types.assigned, into);
        let defaults = [
            ("default", types.default),
            ("business_account_default", types.business_account_default),
            ("person_account_default", types.person_account_default),
        ];
        for (which, name) in defaults {
            let path = format!("{RECORD_TYPES}{object}.{which}");
            into.set_some(path, name.map(|name| Value::Text(name.0)));
        }
    }
}
