//! Opening the org: making a new one, or taking one up again from its folder,
//! with the app and the sessions by which it is entered.

use std::sync::Arc;

use serde_json::json;

use super::StartError;
use super::http::Server;
use super::identity;
use super::identity::App;
use super::ids;
use super::log::Damage;
use super::options::Options;
use super::row::Cell;
use super::row::Row;
use super::row::row;
use super::rules;
use super::schema;
use super::schema::Schema;
use super::seed;
use super::store;
use super::store::Store;
use super::timestamp;

/// Where the org keeps what is about itself.
pub const SETTINGS_TABLE: &str = "Setting";
/// The name of the app that every local org has.
const APP: &str = "orgform";

/// An org that can be served.
pub struct Opened {
    /// The org.
    pub org: rules::Org,
    /// Its id.
    pub org_id: String,
    /// The token of its admin.
    pub access_token: String,
    /// A refresh token of its admin.
    pub refresh_token: String,
    /// A refresh token of its admin for the Salesforce CLI's own app.
    pub cli_refresh_token: String,
    /// Whether it was made just now.
    pub is_new: bool,
    /// The app that programs sign in with.
    pub app: App,
    /// What of its data could not be read.
    pub damage: Option<Damage>,
    /// Calls made today.
    pub calls: u64,
    /// Makes tokens.
    pub random: fastrand::Rng,
}

/// Opens the org of these options at this time.
///
/// # Errors
/// When its data can't be read or written.
pub fn open(options: &Options, now: i64) -> Result<Opened, StartError> {
    let failed = |source| StartError::Data {
        folder: options.data.as_ref().map(|data| data.display().to_string()).unwrap_or_default(),
        source,
    };
    let store::Opened { store, is_new, damage } = match &options.data {
        Some(folder) => Store::open(folder).map_err(failed)?,
        None => store::Opened { store: Store::in_memory(), is_new: true, damage: None },
    };
    if !is_new && store.all(SETTINGS_TABLE).next().is_none() {
        let told = damage.map(|damage| damage.to_string()).unwrap_or_default();
        return Err(failed(std::io::Error::other(format!(
            "what the org is can't be read. {told}"
        ))));
    }
    let mut random = fastrand::Rng::with_seed(options.entropy);
    let mut variations = schema::Variations {
        person_accounts: options.seed.person_accounts,
        custom_fields: options.seed.custom_fields.clone(),
        read_only_fields: options.seed.read_only_fields.clone(),
        unseen_fields: options.seed.unseen_fields.clone(),
        state_codes: options.seed.state_codes,
        german: options.seed.german,
        undescribed: Vec::new(),
    };
    if !options.doubts.uninstalled_apps_described {
        variations.undescribed.push("CanApproveUninstalledApps".to_owned());
    }
    let mut org = rules::Org {
        store,
        schema: Arc::new(Schema::new(&variations)),
        doubts: options.doubts.clone(),
        user_rule: options.seed.user_rule.clone(),
        recalculation: options.seed.recalculation.clone(),
        access_policy: options.seed.access_policy.clone(),
        workflow_user: options.seed.workflow_user.clone(),
        running_user: String::new(),
        now: timestamp(now),
        version: "63.0".to_owned(),
        locks: rules::Locks::default(),
    };
    let (org_id, access_token) = if is_new {
        create(&mut org, options, &mut random)
    } else {
        let setting = org.store.all(SETTINGS_TABLE).next().cloned().unwrap_or_default();
        let text = |name: &str| setting.text(name).unwrap_or_default().to_owned();
        org.running_user = text("running_user");
        if org.store.get("User", &org.running_user).is_none() {
            let told = damage.map(|damage| damage.to_string()).unwrap_or_default();
            return Err(failed(std::io::Error::other(format!("its admin can't be read. {told}"))));
        }
        let list = |name: &str| -> Vec<String> {
            let names = setting.get(name).and_then(Cell::as_array).into_iter().flatten();
            names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
        };
        // What the org is made of stays as it was made.
        variations.person_accounts = setting.is_on("person_accounts");
        variations.german = setting.is_on("german");
        variations.state_codes = setting.is_on("state_codes");
        variations.custom_fields = list("custom_fields");
        variations.read_only_fields = list("read_only_fields");
        variations.unseen_fields = list("unseen_fields");
        org.schema = Arc::new(Schema::new(&variations));
        (text("org_id"), text("access_token"))
    };
    let admin = org.running_user.clone();
    identity::open_session(&mut org, &access_token, &admin, None);
    let app = app(&mut org, &mut random, options.app_certificate.as_deref())?;
    let refresh_token = unused_refresh(&mut org, &mut random, &admin, &app.key);
    let cli_refresh_token = unused_refresh(&mut org, &mut random, &admin, identity::CLI_APP);
    let calls = if is_new { options.seed.calls_today } else { calls_of_today(&org) };
    org.store.commit().map_err(failed)?;
    Ok(Opened {
        org,
        org_id,
        access_token,
        refresh_token,
        cli_refresh_token,
        is_new,
        app,
        damage,
        calls,
        random,
    })
}

/// A refresh token that was not used yet; a new one where there is none.
fn unused_refresh(
    org: &mut rules::Org,
    random: &mut fastrand::Rng,
    user: &str,
    app: &str,
) -> String {
    identity::unused_refresh(org, user, app).unwrap_or_else(|| {
        let token = format!("5Aep861{}", characters(random, 60));
        identity::keep_refresh(org, &token, user, app);
        token
    })
}

fn characters(random: &mut fastrand::Rng, count: usize) -> String {
    (0..count).map(|_| random.alphanumeric()).collect()
}

/// Fills a new org, with an id and a token of its own.
fn create(org: &mut rules::Org, options: &Options, random: &mut fastrand::Rng) -> (String, String) {
    let org_id = ids::with_checksum(&format!("00D000{}", characters(random, 9)));
    let access_token = format!("{}!AQ{}", &org_id[..15], characters(random, 60));
    seed::seed(org, &org_id, &options.seed);
    let setting = row(json!({
        "Id": "setting",
        "org_id": org_id,
        "access_token": access_token,
        "running_user": org.running_user,
        "person_accounts": options.seed.person_accounts,
        "state_codes": options.seed.state_codes,
        "german": options.seed.german,
        "custom_fields": options.seed.custom_fields,
        "read_only_fields": options.seed.read_only_fields,
        "unseen_fields": options.seed.unseen_fields,
    }));
    org.store.put(SETTINGS_TABLE, setting);
    (org_id, access_token)
}

/// The app that programs sign in with; made where there is none, with the
/// admin's profile approved for it. The Salesforce CLI's own app is beside it.
fn app(
    org: &mut rules::Org,
    random: &mut fastrand::Rng,
    certificate: Option<&str>,
) -> Result<App, StartError> {
    if certificate.is_some_and(|certificate| !super::http::is_usable_certificate(certificate)) {
        return Err(StartError::AppCertificate);
    }
    let held = identity::apps(org).into_iter().find(|app| app.key != identity::CLI_APP);
    let mut app = match held {
        Some(app) => app,
        None => {
            rules::seed_entities(org);
            let cli = App {
                key: identity::CLI_APP.to_owned(),
                secret: None,
                certificate: None,
                run_as: None,
                rotates: false,
                row: connected_app(org, "Salesforce CLI"),
            };
            identity::register(org, &cli);
            App {
                key: format!("3MVG9{}", characters(random, 60)),
                secret: Some(characters(random, 64)),
                certificate: None,
                run_as: Some(org.running_user.clone()),
                rotates: true,
                row: connected_app(org, APP),
            }
        }
    };
    if let Some(certificate) = certificate {
        app.certificate = Some(certificate.to_owned());
    }
    // A start that changes nothing writes nothing.
    if identity::app(org, &app.key).as_ref() != Some(&app) {
        identity::register(org, &app);
    }
    Ok(app)
}

/// A row of `ConnectedApplication`, open to the admin's profile.
fn connected_app(org: &mut rules::Org, name: &str) -> String {
    let mut row = Row::new();
    row.set("Name", name);
    row.set("OptionsAllowAdminApprovedUsersOnly", true);
    let id = org.store_new("ConnectedApplication", row);
    let profile = org.text("User", &org.running_user, "ProfileId").unwrap_or_default();
    let set = rules::profile_set(org, profile);
    let mut access = Row::new();
    access.set("ParentId", set);
    access.set("SetupEntityId", &id);
    access.set("SetupEntityType", "ConnectedApplication");
    org.store_new("SetupEntityAccess", access);
    id
}

/// The day of a time, as the platform writes it.
fn day(time: &str) -> &str {
    time.get(..10).unwrap_or_default()
}

/// How many calls were made today before this start.
fn calls_of_today(org: &rules::Org) -> u64 {
    let Some(setting) = org.store.all(SETTINGS_TABLE).next() else { return 0 };
    if setting.text("day") == Some(day(&org.now)) {
        setting.number("calls").and_then(|calls| u64::try_from(calls).ok()).unwrap_or(0)
    } else {
        0
    }
}

/// Writes down how many calls were made today. A count that a kill loses does
/// no harm.
pub fn keep_count(server: &Server) {
    let mut org = Server::lock(&server.org);
    // What a call that panicked left open is not kept.
    org.store.roll_back(0);
    let Some(mut setting) = org.store.all(SETTINGS_TABLE).next().cloned() else { return };
    let today = timestamp((server.clock)());
    setting.set("day", day(&today));
    setting.set("calls", i64::try_from(super::calls_of(server)).unwrap_or(i64::MAX));
    org.store.put(SETTINGS_TABLE, setting);
    let _ = org.store.commit();
}
