//! Signing in: the token endpoint with its flows, revoking, and who a token
//! is of (Salesforce Help, "OAuth Authorization Flows"; "Use the UserInfo
//! Endpoint"; "Identity URLs").

mod assertion;

use axum::http::HeaderMap;
use axum::http::header;
use base64::Engine as _;
use serde_json::json;

use super::Caller;
use super::Server;
use super::call::Outcome;
use super::call::Reply;
use super::call::split_uri;
use crate::local_org::identity;
use crate::local_org::identity::App;
use crate::local_org::rules::Org;

pub use assertion::is_usable as is_usable_certificate;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A refusal: `error` and `error_description`.
struct Refusal(&'static str, &'static str);

/// What a sign-in ends with.
struct Granted {
    user: String,
    refresh_token: Option<String>,
}

/// Answers `/services/oauth2/...`.
///
/// # Errors
/// When nothing of it was done.
pub fn answer(
    server: &Server,
    caller: &Caller,
    resource: &str,
    headers: &HeaderMap,
    body: &[u8],
    query: &[(String, String)],
) -> Outcome {
    let mut form = query.to_vec();
    form.extend(split_uri(&format!("?{}", String::from_utf8_lossy(body))).1);
    let value =
        |name: &str| form.iter().find(|(held, _)| held == name).map(|(_, value)| value.clone());
    match resource {
        "userinfo" => who(server, caller, None, |org, user| userinfo(server, caller, org, user)),
        "revoke" => server.transaction(|org| {
            if identity::revoke(org, &value("token").unwrap_or_default()) {
                Reply::json(200, json!({}))
            } else {
                refused(&Refusal("invalid_token", "invalid token: token"))
            }
        }),
        "token" => server.transaction(|org| {
            let client = basic(headers).or_else(|| {
                Some((value("client_id")?, value("client_secret").unwrap_or_default()))
            });
            let granted = match value("grant_type").as_deref() {
                Some(JWT_BEARER) => {
                    by_assertion(server, org, caller, &value("assertion").unwrap_or_default())
                }
                Some("client_credentials") => by_secret(org, client),
                Some("refresh_token") => {
                    by_refresh(server, org, client, &value("refresh_token").unwrap_or_default())
                }
                // Blocked in new orgs (Salesforce Help, "OAuth 2.0 Username-Password Flow").
                Some("password") => Err(Refusal("invalid_grant", "authentication failure")),
                _ => Err(Refusal("unsupported_grant_type", "grant type not supported")),
            };
            granted.map_or_else(
                |refusal| refused(&refusal),
                |granted| token(server, caller, org, &granted),
            )
        }),
        _ => Ok(Reply::refused(&crate::local_org::error::ApiError::not_found())),
    }
}

fn refused(Refusal(error, description): &Refusal) -> Reply {
    Reply::json(400, json!({"error": error, "error_description": description}))
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = base64::engine::general_purpose::STANDARD.decode(text.trim()).ok()?;
    let (key, secret) = String::from_utf8(text)
        .ok()?
        .split_once(':')
        .map(|(key, secret)| (key.to_owned(), secret.to_owned()))?;
    Some((key, secret))
}

/// The JWT bearer flow.
fn by_assertion(
    server: &Server,
    org: &Org,
    caller: &Caller,
    text: &str,
) -> Result<Granted, Refusal> {
    let invalid = Refusal("invalid_grant", "invalid assertion");
    let Some(claims) = assertion::claims(text) else { return Err(invalid) };
    let app = identity::app(org, &claims.issuer)
        .ok_or(Refusal("invalid_client_id", "client identifier invalid"))?;
    let is_signed = app.certificate.as_deref().is_some_and(|pem| assertion::is_signed(text, pem));
    if !is_signed {
        return Err(invalid);
    }
    if !assertion::is_for_us(&claims.audience, &caller.instance_url) {
        return Err(Refusal("invalid_grant", "audience is invalid"));
    }
    if claims.expires <= (server.clock)() {
        return Err(Refusal("invalid_grant", "expired authorization code"));
    }
    let user = org.store.ids_by("User", "Username", &claims.subject).into_iter().next();
    let user = user
        .filter(|user| identity::may_sign_in(org, user))
        .ok_or(Refusal("invalid_grant", "authentication failure"))?;
    // Where users approve the app themselves, nobody has: there is no page for it.
    if !identity::is_for_approved(org, &app) {
        return Err(Refusal("invalid_grant", "user hasn't approved this consumer"));
    }
    if !identity::is_approved(org, &user, &app) {
        return Err(Refusal("invalid_app_access", "user is not admin approved to access this app"));
    }
    Ok(Granted { user, refresh_token: None })
}

/// The app that a client says it is, if it knows the app's secret.
fn app_of(org: &Org, client: Option<(String, String)>, needs_secret: bool) -> Result<App, Refusal> {
    let (key, secret) = client.ok_or(Refusal("invalid_request", "must have a client_id"))?;
    let app = identity::app(org, &key)
        .ok_or(Refusal("invalid_client_id", "client identifier invalid"))?;
    let fits = app.secret.as_deref().map_or(!needs_secret, |held| held == secret);
    if !fits {
        return Err(Refusal("invalid_client", "invalid client credentials"));
    }
    Ok(app)
}

/// The client credentials flow.
fn by_secret(org: &Org, client: Option<(String, String)>) -> Result<Granted, Refusal> {
    let app = app_of(org, client, true)?;
    let user = app
        .run_as
        .filter(|user| identity::may_sign_in(org, user))
        .ok_or(Refusal("invalid_grant", "no client credentials user enabled"))?;
    Ok(Granted { user, refresh_token: None })
}

/// The refresh token flow; where the app rotates them, the old one is dead.
fn by_refresh(
    server: &Server,
    org: &mut Org,
    client: Option<(String, String)>,
    held: &str,
) -> Result<Granted, Refusal> {
    let app = app_of(org, client, false)?;
    let dead = || Refusal("invalid_grant", "expired access/refresh token");
    let (user, _) = identity::refresh(org, held)
        .filter(|(user, key)| *key == app.key && identity::may_sign_in(org, user))
        .ok_or_else(dead)?;
    let refresh_token = app.rotates.then(|| {
        identity::revoke(org, held);
        new_refresh_token(server, org, &user, &app.key)
    });
    Ok(Granted { user, refresh_token })
}

/// Makes a refresh token and keeps it.
pub fn new_refresh_token(server: &Server, org: &mut Org, user: &str, app: &str) -> String {
    let token = format!("5Aep861{}", characters(server, 60));
    identity::keep_refresh(org, &token, user, app);
    token
}

fn characters(server: &Server, count: usize) -> String {
    let mut random = Server::lock(&server.random);
    (0..count).map(|_| random.alphanumeric()).collect()
}

/// The answer with a new session.
fn token(server: &Server, caller: &Caller, org: &mut Org, granted: &Granted) -> Reply {
    let now = (server.clock)();
    let token = format!("{}!AQ{}", &server.org_id[..15], characters(server, 60));
    identity::forget_ended(org, now);
    identity::open_session(org, &token, &granted.user, Some(now + server.session_seconds));
    let mut answer = json!({
        "access_token": token,
        "signature": characters(server, 44),
        "scope": "api refresh_token",
        "instance_url": caller.instance_url,
        "id": identity_url(server, caller, &granted.user),
        "token_type": "Bearer",
        "issued_at": (now * 1000).to_string(),
    });
    if let Some(refresh) = &granted.refresh_token {
        answer["refresh_token"] = json!(refresh);
    }
    Reply::json(200, answer).header("cache-control", "no-store")
}

/// Where the identity of a user is answered.
pub fn identity_url(server: &Server, caller: &Caller, user: &str) -> String {
    format!("{}/id/{}/{user}", caller.instance_url, server.org_id)
}

/// Answers about the user of a token. The identity service says a bad token
/// in its own way: 403 and one word (seen by several clients).
fn who(
    server: &Server,
    caller: &Caller,
    wanted: Option<&str>,
    tell: impl FnOnce(&Org, &str) -> Reply,
) -> Outcome {
    let now = (server.clock)();
    server.transaction(|org| {
        let user = caller.token.as_deref().and_then(|token| identity::user_of(org, token, now));
        match user.filter(|user| wanted.is_none_or(|wanted| wanted == user)) {
            Some(user) => tell(org, &user),
            None if caller.token.is_none() => {
                Reply::text(403, "text/html;charset=UTF-8", "Missing_OAuth_Token")
            }
            None => Reply::text(403, "text/html;charset=UTF-8", "Bad_OAuth_Token"),
        }
    })
}

/// Answers the identity URL.
///
/// # Errors
/// When nothing can be told now.
pub fn identity(server: &Server, caller: &Caller, org_id: &str, user: &str) -> Outcome {
    use crate::local_org::ids::normal_id;
    if normal_id(org_id) != server.org_id {
        return Ok(Reply::text(404, "text/html;charset=UTF-8", "Bad_Id"));
    }
    let user = normal_id(user);
    who(server, caller, Some(&user), |org, user| {
        let mut answer = person(server, caller, org, user);
        answer["id"] = json!(identity_url(server, caller, user));
        answer["asserted_user"] = json!(true);
        answer["username"] = answer["preferred_username"].clone();
        answer["display_name"] = answer["name"].clone();
        Reply::json(200, answer)
    })
}

fn userinfo(server: &Server, caller: &Caller, org: &Org, user: &str) -> Reply {
    Reply::json(200, person(server, caller, org, user))
}

fn person(server: &Server, caller: &Caller, org: &Org, user: &str) -> serde_json::Value {
    let row = org.store.get("User", user).cloned().unwrap_or_default();
    let at = |path: &str| format!("{}{path}", caller.instance_url);
    json!({
        "sub": identity_url(server, caller, user),
        "user_id": user,
        "organization_id": server.org_id,
        "preferred_username": row.get("Username"),
        "nickname": row.get("CommunityNickname"),
        "name": row.get("Name"),
        "email": row.get("Email"),
        "email_verified": true,
        "given_name": row.get("FirstName"),
        "family_name": row.get("LastName"),
        "zoneinfo": row.get("TimeZoneSidKey"),
        "locale": row.get("LocaleSidKey"),
        "language": row.get("LanguageLocaleKey"),
        "user_type": "STANDARD",
        "active": row.get("IsActive"),
        "is_app_installed": true,
        "updated_at": row.get("LastModifiedDate"),
        "urls": {
            "metadata": at("/services/Soap/m/{version}/") + &server.org_id,
            "partner": at("/services/Soap/u/{version}/") + &server.org_id,
            "rest": at("/services/data/v{version}/"),
            "sobjects": at("/services/data/v{version}/sobjects/"),
            "query": at("/services/data/v{version}/query/"),
            "tooling_rest": at("/services/data/v{version}/tooling/"),
            "profile": at(&format!("/{user}")),
        },
    })
}
