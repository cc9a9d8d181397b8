//! The page at `/`: what is in the org, for a person who wants to look and may. Programs
//! that ask for JSON get the org's id.
//!
//! Any page that a browser shows can send it here, and other users of the machine can
//! come by themselves: so it asks for a token, or for the code of the link that was
//! printed when the org was served.

use std::sync::Mutex;

use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::header;
use serde_json::json;

use super::Server;
use super::call::Outcome;
use super::call::Reply;
use super::call::split_uri;
use super::host::is_address;
use super::identity;
use crate::local_org::row::Cell;
use crate::local_org::row::Row;
use crate::local_org::rules;
use crate::local_org::rules::Org;

/// Users of one page; of more only the number is shown.
const SHOWN: usize = 200;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}table{border-collapse:collapse;width:100%;margin:.5rem 0 2rem}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #ddd}th{border-bottom:2px solid #888}td.n{text-align:right}.off{color:#767676}code{font-size:.9em}";

/// Who may see the page: whoever has the link that was printed, once, or a token.
pub struct Entrance {
    /// The code in the link, until it is used.
    code: Mutex<Option<String>>,
    /// What a browser brings along that was let in.
    pass: String,
}

impl Entrance {
    /// One with a code and a pass of its own.
    pub fn new(random: &mut fastrand::Rng) -> Self {
        let mut secret = || std::iter::repeat_with(|| random.alphanumeric()).take(32).collect();
        Self { code: Mutex::new(Some(secret())), pass: secret() }
    }

    /// The code, where nobody has used it.
    pub fn code(&self) -> Option<String> {
        Server::lock(&self.code).clone()
    }

    /// Takes a code, which is good for one use.
    fn admits(&self, code: &str) -> bool {
        let mut held = Server::lock(&self.code);
        let is_it = held.as_deref() == Some(code);
        if is_it {
            *held = None;
        }
        is_it
    }
}

/// Answers `/`.
///
/// # Errors
/// When nothing can be shown now.
pub fn answer(server: &Server, call: &Visit<'_>) -> Outcome {
    let header = |name| call.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    // A page of another site that has this machine's address under a name of its own.
    if header(header::HOST).is_some_and(|host| !is_address(host)) {
        let told = "This page is shown at localhost, or at the address in numbers.";
        return Ok(guarded(Reply::text(403, "text/plain;charset=UTF-8", told)));
    }
    if header(header::ACCEPT).is_some_and(|accepts| accepts.contains("application/json")) {
        return Ok(Reply::json(200, json!({"organization_id": server.org_id, "emulated": true})));
    }
    let code = call.query.iter().find(|(name, _)| name == "code");
    if code.is_some_and(|(_, code)| server.entrance.admits(code)) {
        return Ok(let_in(server));
    }
    let cookie = format!("{}={}", cookie_name(server), server.entrance.pass);
    let cookies = header(header::COOKIE).unwrap_or_default();
    let has_pass = cookies.split(';').any(|held| held.trim() == cookie);
    let calls = server.calls.load(std::sync::atomic::Ordering::Relaxed);
    server.transaction(|org| {
        let is_session = |token: &str| identity::user_of(org, token, (server.clock)()).is_some();
        if call.method == "POST" {
            let is_one = call.token_typed().is_some_and(|token| is_session(&token));
            return if is_one { let_in(server) } else { refused() };
        }
        if !has_pass && !call.token.is_some_and(is_session) {
            return refused();
        }
        rules::count_seats(org);
        let page = page(org, &server.org_id, (calls, server.daily_calls));
        guarded(Reply::text(200, "text/html;charset=UTF-8", page))
    })
}

/// A request for the page.
pub struct Visit<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// What stands behind the question mark.
    pub query: &'a [(String, String)],
    /// The body, which a form fills.
    pub body: &'a [u8],
    /// The token of its `Authorization`.
    pub token: Option<&'a str>,
}

impl Visit<'_> {
    /// The token that a person typed into the form.
    fn token_typed(&self) -> Option<String> {
        let body = std::str::from_utf8(self.body).ok()?;
        let (_, fields) = split_uri(&format!("/?{body}"));
        fields.into_iter().find(|(name, _)| name == "token").map(|(_, token)| token)
    }
}

fn cookie_name(server: &Server) -> String {
    // Browsers don't tell ports of a host apart, and there may be several orgs.
    format!("orgform-{}", server.org_id)
}

fn let_in(server: &Server) -> Reply {
    let cookie = format!(
        "{}={}; Path=/; HttpOnly; SameSite=Strict",
        cookie_name(server),
        server.entrance.pass
    );
    let reply = Reply::text(303, "text/plain;charset=UTF-8", "");
    guarded(reply.header("location", "/").header("set-cookie", cookie))
}

fn refused() -> Reply {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Local org</title><style>{STYLE}</style></head><body><h1>Local org</h1><p>Open the link that <code>orgform local serve</code> printed, which is good for one use, or give a token of the org:</p><form method=\"post\" action=\"/\"><input type=\"password\" name=\"token\" aria-label=\"Token\" autocomplete=\"off\"> <button>Show</button></form></body></html>"
    );
    guarded(Reply::text(401, "text/html;charset=UTF-8", page))
}

/// A page that runs nothing, is shown in no other one, and is kept nowhere.
fn guarded(reply: Reply) -> Reply {
    const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    reply
        .header("content-security-policy", POLICY)
        .header("x-frame-options", "DENY")
        .header("x-content-type-options", "nosniff")
        .header("referrer-policy", "no-referrer")
        .header("cache-control", "no-store")
}

/// A text in which nothing is markup, and what is not seen stands as its number.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\\' => escaped.push('\\'),
            other => escaped.extend(other.escape_debug()),
        }
    }
    escaped
}

fn cell(content: &str) -> String {
    format!("<td>{content}</td>")
}

fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return "<p>None.</p>".to_owned();
    }
    let heads: String = heads.iter().map(|head| format!("<th>{head}</th>")).collect();
    let rows: String = rows
        .iter()
        .map(|row| {
            format!("<tr>{}</tr>", row.iter().map(|content| cell(content)).collect::<String>())
        })
        .collect();
    format!("<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>")
}

fn page(org: &Org, org_id: &str, (calls, daily): (u64, u64)) -> String {
    let users = org.store.all("User").count();
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>Local org {org_id}</title><style>{STYLE}</style></head><body><h1>Local org</h1><p>An emulated Salesforce org, served by orgform on this machine. Nothing here touches Salesforce.</p><p>Id <code>{org_id}</code>, {users} users, {calls} of {daily} API calls made today.</p>"
    );
    page.push_str(&format!("<h2>Users</h2>{}", users_table(org)));
    if users > SHOWN {
        page.push_str(&format!("<p>And {} more.</p>", users - SHOWN));
    }
    page.push_str(&format!("<h2>Permission sets</h2>{}", sets_table(org)));
    page.push_str(&format!("<h2>Permission set groups</h2>{}", groups_table(org)));
    page.push_str(&format!("<h2>Profiles</h2>{}", profiles_table(org)));
    page.push_str(&format!("<h2>Licenses</h2>{}</body></html>", licenses_table(org)));
    page
}

fn users_table(org: &Org) -> String {
    let rows: Vec<Vec<String>> = org
        .store
        .all("User")
        .take(SHOWN)
        .map(|user| {
            let id = user.text_or_empty("Id");
            let mut sets: Vec<String> = org
                .store
                .by("PermissionSetAssignment", "AssigneeId", id)
                .filter_map(|held| {
                    if let Some(group) = org.text(
                        "PermissionSetGroup",
                        held.text_or_empty("PermissionSetGroupId"),
                        "DeveloperName",
                    ) {
                        return Some(format!("{} (group)", escape(group)));
                    }
                    let set =
                        org.store.get("PermissionSet", held.text_or_empty("PermissionSetId"))?;
                    let is_own = set.is_on("IsOwnedByProfile");
                    (!is_own).then(|| escape(&rules::set_full_name(set)))
                })
                .collect();
            sets.sort();
            let mut licenses: Vec<String> = org
                .store
                .by("PermissionSetLicenseAssign", "AssigneeId", id)
                .filter_map(|held| {
                    let id = held.text_or_empty("PermissionSetLicenseId");
                    org.text("PermissionSetLicense", id, "MasterLabel").map(escape)
                })
                .collect();
            licenses.sort();
            let is_active = user.is_on("IsActive");
            let is_frozen =
                org.store.by("UserLogin", "UserId", id).any(|row| row.is_on("IsFrozen"));
            let state = match (is_active, is_frozen) {
                (false, _) => "<span class=\"off\">inactive</span>",
                (true, true) => "frozen",
                (true, false) => "active",
            };
            let profile =
                org.text("Profile", user.text_or_empty("ProfileId"), "Name").unwrap_or_default();
            vec![
                escape(user.text_or_empty("Username")),
                escape(user.text_or_empty("Name")),
                state.to_owned(),
                escape(profile),
                sets.join("<br>"),
                licenses.join("<br>"),
            ]
        })
        .collect();
    table(
        &["Username", "Name", "State", "Profile", "Permission sets", "Permission set licenses"],
        &rows,
    )
}

fn holders(org: &Org, field: &str, id: &str) -> String {
    org.store.count_by("PermissionSetAssignment", field, id).to_string()
}

fn sets_table(org: &Org) -> String {
    let rows: Vec<Vec<String>> = org
        .store
        .all("PermissionSet")
        .filter(|set| !set.is_on("IsOwnedByProfile"))
        .filter(|set| set.text_or_empty("PermissionSetGroupId").is_empty())
        .take(SHOWN)
        .map(|set| {
            let id = set.text_or_empty("Id");
            let system = set
                .iter()
                .filter(|(name, on)| name.starts_with("Permissions") && **on == Cell::Flag(true))
                .count();
            vec![
                escape(&rules::set_full_name(set)),
                escape(set.text_or_empty("Label")),
                system.to_string(),
                org.store.count_by("ObjectPermissions", "ParentId", id).to_string(),
                org.store.count_by("FieldPermissions", "ParentId", id).to_string(),
                holders(org, "PermissionSetId", id),
            ]
        })
        .collect();
    table(&["API name", "Label", "System permissions", "Objects", "Fields", "Assigned to"], &rows)
}

fn groups_table(org: &Org) -> String {
    let rows: Vec<Vec<String>> = org
        .store
        .all("PermissionSetGroup")
        .take(SHOWN)
        .map(|group| {
            let id = group.text_or_empty("Id");
            vec![
                escape(group.text_or_empty("DeveloperName")),
                escape(group.text_or_empty("Status")),
                org.store
                    .count_by("PermissionSetGroupComponent", "PermissionSetGroupId", id)
                    .to_string(),
                holders(org, "PermissionSetGroupId", id),
            ]
        })
        .collect();
    table(&["API name", "Status", "Members", "Assigned to"], &rows)
}

fn profiles_table(org: &Org) -> String {
    let rows: Vec<Vec<String>> = org
        .store
        .all("Profile")
        .take(SHOWN)
        .map(|profile| {
            let license = profile.text_or_empty("UserLicenseId");
            vec![
                escape(profile.text_or_empty("Name")),
                escape(org.text("UserLicense", license, "Name").unwrap_or_default()),
                org.store.count_by("User", "ProfileId", profile.text_or_empty("Id")).to_string(),
            ]
        })
        .collect();
    table(&["Name", "User license", "Users"], &rows)
}

fn licenses_table(org: &Org) -> String {
    let number = |row: &Row, field: &str| row.number(field).unwrap_or(0);
    let mut rows = Vec::new();
    for (object, sort) in
        [("UserLicense", "user license"), ("PermissionSetLicense", "permission set license")]
    {
        rows.extend(org.store.all(object).map(|row| {
            let total = number(row, "TotalLicenses");
            let total = if total < 0 { "unlimited".to_owned() } else { total.to_string() };
            let name = row.text_or_empty("MasterLabel");
            vec![
                escape(name),
                sort.to_owned(),
                format!("{} of {total}", number(row, "UsedLicenses")),
            ]
        }));
    }
    table(&["Name", "Sort", "In use"], &rows)
}
