//! Who is signed in: connected apps, sessions and refresh tokens, each kept
//! with the org's other data, so that a token outlives a restart.

use serde_json::json;

use super::row::Row;
use super::row::row;
use super::rules::Org;

const SESSIONS: &str = "Session";
const REFRESH: &str = "RefreshToken";
const APPS: &str = "App";

/// The app that the Salesforce CLI signs in with; its refresh tokens stay.
pub const CLI_APP: &str = "PlatformCLI";

/// A connected app, by which a program signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Its consumer key, also called client id.
    pub key: String,
    /// Its consumer secret; none where a client can't keep one.
    pub secret: Option<String>,
    /// The certificate whose key signs its assertions, as PEM.
    pub certificate: Option<String>,
    /// The user that the client credentials flow runs as.
    pub run_as: Option<String>,
    /// Whether a refresh token is good for one use only.
    pub rotates: bool,
    /// The row of `ConnectedApplication`.
    pub row: String,
}

fn text(row: &Row, name: &str) -> Option<String> {
    row.text(name).map(str::to_owned)
}

/// Registers an app, or changes it.
pub fn register(org: &mut Org, app: &App) {
    let kept = json!({
        "Id": app.key,
        "Secret": app.secret,
        "Certificate": app.certificate,
        "RunAs": app.run_as,
        "Rotates": app.rotates,
        "Row": app.row,
    });
    org.store.put(APPS, row(kept));
}

/// An app by its consumer key.
pub fn app(org: &Org, key: &str) -> Option<App> {
    let row = org.store.get(APPS, key)?;
    Some(App {
        key: key.to_owned(),
        secret: text(row, "Secret"),
        certificate: text(row, "Certificate"),
        run_as: text(row, "RunAs"),
        rotates: row.is_on("Rotates"),
        row: text(row, "Row").unwrap_or_default(),
    })
}

/// All apps.
pub fn apps(org: &Org) -> Vec<App> {
    let keys: Vec<String> = org.store.all(APPS).filter_map(|row| text(row, "Id")).collect();
    keys.iter().filter_map(|key| app(org, key)).collect()
}

/// Keeps a session; without an end it lasts as long as the org.
pub fn open_session(org: &mut Org, token: &str, user: &str, ends: Option<i64>) {
    if org.store.get(SESSIONS, token).is_some() {
        return;
    }
    org.store.put(SESSIONS, row(json!({"Id": token, "UserId": user, "Ends": ends})));
}

/// Ends a session or a refresh token; false when there is none.
pub fn revoke(org: &mut Org, token: &str) -> bool {
    let table = [SESSIONS, REFRESH].into_iter().find(|table| org.store.get(table, token).is_some());
    if let Some(table) = table {
        org.store.delete(table, token);
    }
    table.is_some()
}

/// Forgets sessions that have ended.
pub fn forget_ended(org: &mut Org, now: i64) {
    let is_over = |row: &&Row| row.number("Ends").is_some_and(|end| end <= now);
    let over: Vec<String> =
        org.store.all(SESSIONS).filter(is_over).filter_map(|row| text(row, "Id")).collect();
    for token in over {
        org.store.delete(SESSIONS, &token);
    }
}

/// The user of a session that goes on, if the user may still be signed in.
pub fn user_of(org: &Org, token: &str, now: i64) -> Option<String> {
    let session = org.store.get(SESSIONS, token)?;
    let is_over = session.number("Ends").is_some_and(|end| end <= now);
    let user = text(session, "UserId")?;
    (!is_over && may_sign_in(org, &user)).then_some(user)
}

/// Whether a user is active and not frozen.
pub fn may_sign_in(org: &Org, user: &str) -> bool {
    let is = |row: &Row, field: &str| row.is_on(field);
    let is_frozen = org.store.by("UserLogin", "UserId", user).any(|row| is(row, "IsFrozen"));
    org.store.get("User", user).is_some_and(|row| is(row, "IsActive")) && !is_frozen
}

/// Keeps a refresh token.
pub fn keep_refresh(org: &mut Org, token: &str, user: &str, app: &str) {
    org.store.put(REFRESH, row(json!({"Id": token, "UserId": user, "App": app})));
}

/// A refresh token of a user for an app that is not used yet.
pub fn unused_refresh(org: &Org, user: &str, app: &str) -> Option<String> {
    let is = |row: &Row, field: &str, value: &str| row.text(field) == Some(value);
    let row = org.store.all(REFRESH).find(|row| is(row, "UserId", user) && is(row, "App", app))?;
    text(row, "Id")
}

/// The user and the app of a refresh token.
pub fn refresh(org: &Org, token: &str) -> Option<(String, String)> {
    let row = org.store.get(REFRESH, token)?;
    Some((text(row, "UserId")?, text(row, "App")?))
}

/// Whether only those get into an app whom an administrator has approved.
pub fn is_for_approved(org: &Org, app: &App) -> bool {
    let row = org.store.get("ConnectedApplication", &app.row);
    row.is_some_and(|row| row.is_on("OptionsAllowAdminApprovedUsersOnly"))
}

/// Whether an administrator has approved a user for an app: by the profile,
/// or by a permission set (Salesforce Help, "Manage Access to a Connected
/// App").
pub fn is_approved(org: &Org, user: &str, app: &App) -> bool {
    org.store.by("PermissionSetAssignment", "AssigneeId", user).any(|held| {
        text(held, "PermissionSetId").is_some_and(|set| {
            org.store
                .by("SetupEntityAccess", "ParentId", &set)
                .any(|access| text(access, "SetupEntityId").as_deref() == Some(app.row.as_str()))
        })
    })
}
