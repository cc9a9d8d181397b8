//! Who gets into the local org, by which flow, and in which words others are
//! refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orgform::local_org::Options;
use orgform::local_org::Seed;
use reqwest::Method;
use ring::signature::RSA_PKCS1_SHA256;
use ring::signature::RsaKeyPair;
use serde_json::Value as Json;
use serde_json::json;

use crate::support::World;
use crate::support::client;

const CERTIFICATE: &str = include_str!("data/app.crt");
const KEY: &[u8] = include_bytes!("data/app.key.der");
const ADMIN: &str = "admin@local.orgform.example";
/// 2026-12-01 09:00:00 UTC, as the tests' orgs have it.
const NOW: i64 = 1_796_115_600;

async fn world() -> World {
    let options = Options { app_certificate: Some(CERTIFICATE.to_owned()), ..Options::new(11) };
    World::serving(options).await
}

/// Asks for a token.
async fn token(world: &World, form: &[(&str, &str)]) -> (u16, Json) {
    let body: Vec<String> = form
        .iter()
        .map(|(name, value)| {
            let value: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            format!("{name}={value}")
        })
        .collect();
    let request = client()
        .post(format!("{}/services/oauth2/token", world.org().instance_url))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.join("&"));
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    (status, serde_json::from_str(&text).expect("JSON"))
}

/// Asks something with a token; the status and the code of a refusal.
async fn ask(world: &World, path: &str, token: &str) -> (u16, String) {
    let request = client().get(format!("{}{path}", world.org().instance_url)).bearer_auth(token);
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    let json: Json = serde_json::from_str(&text).unwrap_or(Json::Null);
    let code = json[0]["errorCode"].as_str().map_or(text, str::to_owned);
    (status, code)
}

fn assertion(header: &Json, claims: &Json) -> String {
    let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let key = RsaKeyPair::from_pkcs8(KEY).expect("a key");
    let mut signature = vec![0; key.public().modulus_len()];
    let random = ring::rand::SystemRandom::new();
    key.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).expect("signs");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

async fn by_assertion(world: &World, assertion: &str) -> (u16, Json) {
    let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    token(world, &[("grant_type", grant), ("assertion", assertion)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jwt_is_let_in_only_as_it_must_be() {
    let world = world().await;
    let rs256 = json!({"alg": "RS256"});
    let good = json!({"iss": world.org().consumer_key, "sub": ADMIN, "aud": "https://login.salesforce.com", "exp": NOW + 180});
    let (status, answer) = by_assertion(&world, &assertion(&rs256, &good)).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["instance_url"], json!(world.org().instance_url));
    assert!(answer.get("refresh_token").is_none(), "this flow gives none");
    let got_in = answer["access_token"].as_str().expect("a token");
    assert_eq!(ask(&world, "/services/data/v66.0/limits", got_in).await.0, 200);

    let changed = |field: &str, value: Json| {
        let mut claims = good.clone();
        claims[field] = value;
        claims
    };
    let own = json!(world.org().instance_url);
    assert_eq!(by_assertion(&world, &assertion(&rs256, &changed("aud", own))).await.0, 200);
    // As the Salesforce CLI counts.
    let milliseconds = changed("exp", json!(NOW * 1000 + 300));
    assert_eq!(by_assertion(&world, &assertion(&rs256, &milliseconds)).await.0, 200);
    for (what, error, description) in [
        (changed("aud", json!("https://example.com")), "invalid_grant", "audience is invalid"),
        (
            changed("sub", json!("nobody@local.orgform.example")),
            "invalid_grant",
            "authentication failure",
        ),
        (changed("iss", json!("3MVG9unknown")), "invalid_client_id", "client identifier invalid"),
        (changed("exp", json!(NOW - 1)), "invalid_grant", "expired authorization code"),
    ] {
        let (status, answer) = by_assertion(&world, &assertion(&rs256, &what)).await;
        assert_eq!(status, 400);
        assert_eq!(answer, json!({"error": error, "error_description": description}));
    }
    let torn = assertion(&rs256, &good).replace('.', "x.");
    let unsigned = assertion(&json!({"alg": "none"}), &good);
    for text in ["nothing", &torn, &unsigned] {
        let (_, answer) = by_assertion(&world, text).await;
        assert_eq!(answer["error_description"], json!("invalid assertion"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_whom_nobody_has_approved_for_the_app_stays_outside() {
    let options = Options {
        app_certificate: Some(CERTIFICATE.to_owned()),
        seed: Seed { users: 1, ..Seed::default() },
        ..Options::new(11)
    };
    let world = World::serving(options).await;
    let user = "user1@local.orgform.example";
    let claims = json!({"iss": world.org().consumer_key, "sub": user, "aud": world.org().instance_url, "exp": NOW + 180});
    let text = assertion(&json!({"alg": "RS256"}), &claims);
    let (_, answer) = by_assertion(&world, &text).await;
    assert_eq!(answer["error"], json!("invalid_app_access"));
    // Approved by a permission set, as an administrator does it.
    let set = world
        .call(Method::POST, "sobjects/PermissionSet", json!({"Name": "Apps", "Label": "Apps"}))
        .await["id"]
        .clone();
    let app = world.id("ConnectedApplication", "Name = 'orgform'").await;
    world
        .call(
            Method::POST,
            "sobjects/SetupEntityAccess",
            json!({"ParentId": set, "SetupEntityId": app}),
        )
        .await;
    let who = world.id("User", &format!("Username = '{user}'")).await;
    world
        .call(
            Method::POST,
            "sobjects/PermissionSetAssignment",
            json!({"AssigneeId": who, "PermissionSetId": set}),
        )
        .await;
    assert_eq!(by_assertion(&world, &text).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn client_credentials_and_refresh_tokens_are_checked_and_refresh_rotates() {
    let world = world().await;
    let (key, secret) = (&world.org().consumer_key, &world.org().consumer_secret);
    let ask_with = async |secret: &str| {
        token(
            &world,
            &[("grant_type", "client_credentials"), ("client_id", key), ("client_secret", secret)],
        )
        .await
    };
    assert_eq!(ask_with(secret).await.0, 200);
    assert_eq!(ask_with("wrong").await.1["error_description"], json!("invalid client credentials"));

    let refresh = async |held: &str| {
        token(
            &world,
            &[
                ("grant_type", "refresh_token"),
                ("client_id", key),
                ("client_secret", secret),
                ("refresh_token", held),
            ],
        )
        .await
    };
    let (status, first) = refresh(&world.org().refresh_token).await;
    assert_eq!(status, 200, "{first}");
    let next = first["refresh_token"].as_str().expect("a new one");
    assert_ne!(next, world.org().refresh_token);
    let (_, dead) = refresh(&world.org().refresh_token).await;
    assert_eq!(dead["error_description"], json!("expired access/refresh token"));
    assert_eq!(refresh(next).await.0, 200);
    let (_, other) = token(&world, &[("grant_type", "password"), ("username", ADMIN)]).await;
    assert_eq!(other["error_description"], json!("authentication failure"));
    let (_, none) = token(&world, &[]).await;
    assert_eq!(none["error"], json!("unsupported_grant_type"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_with_its_session_and_with_its_user() {
    let world = world().await;
    let (key, secret) = (&world.org().consumer_key, &world.org().consumer_secret);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", key.as_str()),
        ("client_secret", secret),
    ];
    let (_, answer) = token(&world, &form).await;
    let session = answer["access_token"].as_str().expect("a token");
    let limits = "/services/data/v66.0/limits";
    assert_eq!(ask(&world, limits, session).await.0, 200);
    world.pass_hours(3);
    assert_eq!(ask(&world, limits, session).await, (401, "INVALID_SESSION_ID".to_owned()));
    let userinfo = "/services/oauth2/userinfo";
    assert_eq!(ask(&world, userinfo, session).await, (403, "Bad_OAuth_Token".to_owned()));
    assert_eq!(ask(&world, userinfo, &world.org().access_token).await.0, 200, "has no end");
    assert_eq!(ask(&world, limits, "00D000000000001!AQforeign").await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_its_own_signs_in_and_may_do_what_its_permissions_say() {
    let world = world().await;
    let make = async |username: &str, profile: &str| {
        let profile = world.id("Profile", &format!("Name = '{profile}'")).await;
        let body = json!({"username": username, "emails": [username], "name": {"familyName": "New"}, "nickName": username, "entitlements": [{"value": profile}]});
        let request = client()
            .post(format!("{}/services/scim/v1/Users", world.org().instance_url))
            .bearer_auth(&world.org().access_token)
            .header("auto-approve-user", "true")
            .json(&body);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 201);
        let refresh = answer.headers()["auto-approve-user"].to_str().expect("a token").to_owned();
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "PlatformCLI"),
            ("refresh_token", &*refresh),
        ];
        let (_, signed) = token(&world, &form).await;
        signed["access_token"].as_str().expect("a token").to_owned()
    };
    let limits = "/services/data/v66.0/limits";
    let plain = make("plain@robots.example", "Minimum Access - Salesforce").await;
    assert_eq!(ask(&world, limits, &plain).await, (403, "API_DISABLED_FOR_ORG".to_owned()));

    let standard = make("standard@robots.example", "Standard User").await;
    assert_eq!(ask(&world, limits, &standard).await.0, 200);
    let request = client()
        .post(format!("{}/services/data/v66.0/sobjects/PermissionSet", world.org().instance_url))
        .bearer_auth(&standard)
        .json(&json!({"Name": "Mine", "Label": "Mine"}));
    let refused = request.send().await.expect("an answer").text().await.expect("a body");
    assert!(refused.contains("INSUFFICIENT_ACCESS_OR_READONLY"), "{refused}");
    // Nor does it approve itself for an app.
    let own = world.id("PermissionSet", "Profile.Name = 'Standard User'").await;
    let app = world.id("ConnectedApplication", "Name = 'orgform'").await;
    let request = client()
        .post(format!(
            "{}/services/data/v66.0/sobjects/SetupEntityAccess",
            world.org().instance_url
        ))
        .bearer_auth(&standard)
        .json(&json!({"ParentId": own, "SetupEntityId": app}));
    let refused = request.send().await.expect("an answer").text().await.expect("a body");
    assert!(refused.contains("INSUFFICIENT_ACCESS_OR_READONLY"), "{refused}");

    let who = world.id("User", "Username = 'standard@robots.example'").await;
    let login = world.id("UserLogin", &format!("UserId = '{who}'")).await;
    world
        .call(Method::PATCH, &format!("sobjects/UserLogin/{login}"), json!({"IsFrozen": true}))
        .await;
    assert_eq!(ask(&world, limits, &standard).await.0, 401, "a frozen user");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_with_a_token_that_ended_says_what_to_do() {
    let world = World::new().await;
    world.set("SF_ACCESS_TOKEN", &format!("{}!AQended", &world.org().org_id[..15]));
    world.write("access.yaml", crate::support::example());
    let ran = world.run(&["plan", "access.yaml"]).await.fails();
    assert!(ran.errors.contains("the org does not accept the session"), "{}", ran.whole());
    assert!(ran.errors.contains("Get a new token"), "{}", ran.whole());
}
