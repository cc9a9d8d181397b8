//! How a local org starts, and which way it goes where only a real org can
//! tell how the platform behaves.

use std::path::PathBuf;

use super::time::Time;

/// What a local org is made with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where its data is kept; memory only without it.
    pub data: Option<PathBuf>,
    /// Where it listens; port 0 picks one.
    pub listen: std::net::SocketAddr,
    /// How it is reached by HTTPS; not without it.
    pub tls: Option<Tls>,
    /// Where calls are written down.
    pub request_log: Option<PathBuf>,
    /// The certificate whose key signs assertions of the app, in PEM.
    pub app_certificate: Option<String>,
    /// What calls take their time by.
    pub time: Time,
    /// Waits before each answer, in milliseconds.
    pub latency_ms: u64,
    /// Waits before each answer for each record in it, in milliseconds.
    pub latency_per_record_ms: u64,
    /// What a new org is filled with.
    pub seed: Seed,
    /// Which way the doubtful behaviours go.
    pub doubts: Doubts,
    /// Makes the org's id and token its own.
    pub entropy: u64,
}

impl Options {
    /// An org in memory, of the usual kind, on a port that is picked.
    pub fn new(entropy: u64) -> Self {
        Self {
            data: None,
            listen: std::net::SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            request_log: None,
            app_certificate: None,
            time: Time::default(),
            latency_ms: 0,
            latency_per_record_ms: 0,
            seed: Seed::default(),
            doubts: Doubts::default(),
            entropy,
        }
    }
}

/// How an org is reached by HTTPS.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Where it listens; port 0 picks one.
    pub listen: std::net::SocketAddr,
    /// Where its certificate is kept.
    pub folder: PathBuf,
}

/// How long things may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls a day; 100,000 in a new Enterprise Edition org.
    pub daily_calls: u64,
    /// Seconds that a session lasts; that of the admin's own token has no end.
    pub session_seconds: i64,
    /// Milliseconds that a call waits for another that writes the same rows;
    /// about ten seconds on the platform.
    pub lock_wait_ms: u64,
    /// Milliseconds after which a call counts as long.
    pub long_call_ms: u64,
    /// Long calls that there may be at once; 25 in a production org.
    pub long_calls: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            daily_calls: 100_000,
            session_seconds: 7200,
            lock_wait_ms: 10_000,
            long_call_ms: 20_000,
            long_calls: 25,
        }
    }
}

/// What a new org is filled with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seed {
    /// Ordinary users beside the admin.
    pub users: u32,
    /// Seats of each license that has few: `None` as Salesforce gives them,
    /// negative without limit.
    pub seats: Option<i64>,
    /// Seats of the package `coconut`; without, it has a site license.
    pub package_seats: Option<i64>,
    /// API calls that were made today already.
    pub calls_today: u64,
    /// System permissions that the admin lacks.
    pub admin_lacks: Vec<String>,
    /// The day on which the permission set licenses expire.
    pub licenses_expire: Option<String>,
    /// The org has person accounts.
    pub person_accounts: bool,
    /// The developer name of their record type; `PersonAccount` when empty.
    pub person_record_type: String,
    /// Further record types, as `Object.Name`.
    pub record_types: Vec<String>,
    /// Custom fields, as `Object.Name__c:type`; one of an activity is on both.
    pub custom_fields: Vec<String>,
    /// States and countries of users are lists.
    pub state_codes: bool,
    /// What the org itself says no to, when a user is saved: `validation` or
    /// `trigger`, for users whose title is `Refused`.
    pub user_rule: Option<String>,
    /// A user that can't be deactivated, since it is the default workflow user.
    pub workflow_user: Option<String>,
    /// Fields that keep no grant to edit, though nothing says so.
    pub read_only_fields: Vec<String>,
    /// Fields that the running user does not see.
    pub unseen_fields: Vec<String>,
    /// The admin's language is German, so that what Salesforce names is named in it.
    pub german: bool,
    /// What an active user access policy does: `grant:SET` or `revoke:SET`.
    pub access_policy: Option<String>,
    /// Licenses that the org does not have, by name, with their profiles.
    pub without_licenses: Vec<String>,
    /// Queues, by developer name.
    pub queues: Vec<String>,
    /// Public groups, by developer name.
    pub public_groups: Vec<String>,
    /// How permission set groups are worked out.
    pub recalculation: Recalculation,
    /// The org is a sandbox.
    pub sandbox: bool,
    /// The day on which the org's trial ends, as of a scratch org.
    pub trial_ends: Option<String>,
    /// How long things may take.
    pub limits: Limits,
}

/// How long it takes to work a permission set group out, and what spoils it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recalculation {
    /// Calls that come before it is done; 0 is at once.
    pub calls: u32,
    /// A permission set with which no group can be worked out.
    pub fails_for: Option<String>,
}

/// Behaviours of which only a real org can tell; each can go both ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubts {
    /// REST inserts a Profile; otherwise only SOAP create does.
    pub rest_inserts_profiles: bool,
    /// Updating a permission set's metadata replaces it; otherwise it merges.
    pub sets_are_replaced: bool,
    /// A `UserLogin` row exists before the first login.
    pub login_rows: bool,
    /// Removing a set takes along a license that was assigned by hand.
    pub sets_take_their_license_along: bool,
    /// `PermissionDependency` has rows for Modify All Data and View All Data.
    pub dependencies_of_all_data: bool,
    /// Describe shows `CanApproveUninstalledApps`.
    pub uninstalled_apps_described: bool,
    /// Run Reports needs View Dashboards in Public Folders, and nothing but a
    /// rejection says so.
    pub hidden_dependency: bool,
    /// Who lacks View All Profiles sees only the own profile (Profile
    /// Filtering).
    pub profile_filtering: bool,
    /// A profile's document says of a person account's record type that it is the
    /// default of person accounts, also where it is that of all accounts.
    pub person_default_shown: bool,
    /// A changed e-mail address counts once it is confirmed, which nobody does.
    pub email_changes_wait: bool,
    /// A section of permission sets that is taken and silently not kept.
    pub forgotten_section: Option<String>,
    /// The org knows `ManageNetworks`; a feature that is off makes it unknown.
    pub networks_known: bool,
    /// Who holds the license Salesforce API Integration may hold Modify All Data by a
    /// set without a license; otherwise only by one for that license.
    pub all_data_without_set_license: bool,
}

impl Default for Doubts {
    fn default() -> Self {
        Self {
            rest_inserts_profiles: true,
            sets_are_replaced: true,
            login_rows: true,
            sets_take_their_license_along: false,
            dependencies_of_all_data: false,
            uninstalled_apps_described: true,
            hidden_dependency: false,
            profile_filtering: false,
            email_changes_wait: false,
            forgotten_section: None,
            person_default_shown: false,
            networks_known: true,
            all_data_without_set_license: true,
        }
    }
}

/// A `KEY=VALUE` that is not understood.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownSetting(pub String);

/// The settings that [`set`] understands, for messages.
pub const SETTINGS: &str = "users=N, seats=N|unlimited, package_seats=N, calls_today=N, daily_calls=N, admin_lacks=PERMISSION+PERMISSION, licenses_expire=YYYY-MM-DD, person_record_type=NAME, record_types=OBJECT.NAME+OBJECT.NAME, custom_fields=OBJECT.NAME__c:TYPE, read_only_fields=OBJECT.NAME, unseen_fields=OBJECT.NAME, forgotten_section=NAME, access_policy=grant:SET|revoke:SET, without_licenses=NAME+NAME, queues=NAME+NAME, public_groups=NAME+NAME, recalculation_calls=N, recalculation_fails_for=SET, workflow_user=USERNAME, trial_ends=YYYY-MM-DD, session_seconds=N, lock_wait_ms=N, long_call_ms=N, long_calls=N, user_rule=validation|trigger, email_changes_wait, state_codes, german, person_accounts, sandbox, rest_inserts_profiles, sets_are_replaced, login_rows, sets_take_their_license_along, dependencies_of_all_data, uninstalled_apps_described, hidden_dependency, profile_filtering, person_default_shown, all_data_without_set_license and networks_known (each =true|false)";

/// Applies one `KEY=VALUE`.
///
/// # Errors
/// When the key or the value is not one of [`SETTINGS`].
pub fn set(seed: &mut Seed, doubts: &mut Doubts, setting: &str) -> Result<(), UnknownSetting> {
    let unknown = || UnknownSetting(setting.to_owned());
    let (key, value) = setting.split_once('=').ok_or_else(unknown)?;
    let list = || value.split('+').map(str::to_owned).collect::<Vec<String>>();
    let flag = || value.parse::<bool>().map_err(|_| unknown());
    match key.trim() {
        "users" => seed.users = value.parse().map_err(|_| unknown())?,
        "seats" if value == "unlimited" => seed.seats = Some(-1),
        "seats" => {
            let seats: u32 = value.parse().map_err(|_| unknown())?;
            seed.seats = Some(i64::from(seats));
        }
        "package_seats" => {
            let seats: u32 = value.parse().map_err(|_| unknown())?;
            seed.package_seats = Some(i64::from(seats));
        }
        "daily_calls" => seed.limits.daily_calls = value.parse().map_err(|_| unknown())?,
        "calls_today" => seed.calls_today = value.parse().map_err(|_| unknown())?,
        "admin_lacks" => seed.admin_lacks = list(),
        "licenses_expire" => seed.licenses_expire = Some(value.to_owned()),
        "person_accounts" => seed.person_accounts = flag()?,
        "person_record_type" => value.clone_into(&mut seed.person_record_type),
        "record_types" => seed.record_types = list(),
        "custom_fields" => seed.custom_fields = list(),
        "read_only_fields" => seed.read_only_fields = list(),
        "unseen_fields" => seed.unseen_fields = list(),
        "german" => seed.german = flag()?,
        "sandbox" => seed.sandbox = flag()?,
        "access_policy" => seed.access_policy = Some(value.to_owned()),
        "without_licenses" => seed.without_licenses = list(),
        "queues" => seed.queues = list(),
        "public_groups" => seed.public_groups = list(),
        "recalculation_calls" => {
            seed.recalculation.calls = value.parse().map_err(|_| unknown())?;
        }
        "recalculation_fails_for" => seed.recalculation.fails_for = Some(value.to_owned()),
        "workflow_user" => seed.workflow_user = Some(value.to_owned()),
        "trial_ends" => seed.trial_ends = Some(value.to_owned()),
        "session_seconds" => {
            seed.limits.session_seconds = value.parse().map_err(|_| unknown())?;
        }
        "lock_wait_ms" => seed.limits.lock_wait_ms = value.parse().map_err(|_| unknown())?,
        "long_call_ms" => seed.limits.long_call_ms = value.parse().map_err(|_| unknown())?,
        "long_calls" => seed.limits.long_calls = value.parse().map_err(|_| unknown())?,
        "state_codes" => seed.state_codes = flag()?,
        "user_rule" => seed.user_rule = Some(value.to_owned()),
        "email_changes_wait" => doubts.email_changes_wait = flag()?,
        "forgotten_section" => doubts.forgotten_section = Some(value.to_owned()),
        "person_default_shown" => doubts.person_default_shown = flag()?,
        "rest_inserts_profiles" => doubts.rest_inserts_profiles = flag()?,
        "sets_are_replaced" => doubts.sets_are_replaced = flag()?,
        "login_rows" => doubts.login_rows = flag()?,
        "sets_take_their_license_along" => doubts.sets_take_their_license_along = flag()?,
        "dependencies_of_all_data" => doubts.dependencies_of_all_data = flag()?,
        "uninstalled_apps_described" => doubts.uninstalled_apps_described = flag()?,
        "hidden_dependency" => doubts.hidden_dependency = flag()?,
        "profile_filtering" => doubts.profile_filtering = flag()?,
        "all_data_without_set_license" => doubts.all_data_without_set_license = flag()?,
        "networks_known" => doubts.networks_known = flag()?,
        _ => return Err(unknown()),
    }
    Ok(())
}
