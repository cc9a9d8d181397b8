//! Answers that are none: whatever comes instead of what Salesforce documents, nothing is
//! taken for done, and no text of an org steers what is granted.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use orgform::org::Answering;
use orgform::org::HttpWire;
use orgform::org::Wire;
use orgform::org::WireAnswer;
use orgform::org::WireRequest;
use serde_json::json;

use crate::support::World;
use crate::support::example;
use crate::support::schema_of;

/// What answers a request instead of the org; `None` lets it through.
type Instead = Box<dyn Fn(&WireRequest) -> Option<(u16, String)> + Send + Sync>;

/// The real wire, but for some answers.
struct Lying {
    real: HttpWire,
    instead: Instead,
    /// How often something else answered.
    lies: Arc<AtomicUsize>,
}

impl Wire for Lying {
    fn send(&self, request: WireRequest) -> Answering<'_> {
        match (self.instead)(&request) {
            None => self.real.send(request),
            Some((status, body)) => {
                self.lies.fetch_add(1, Ordering::Relaxed);
                let headers = vec![("x-sfdc-request-id".to_owned(), "req-1".to_owned())];
                let body = body.into_bytes();
                Box::pin(async move { Ok(WireAnswer { status, headers, body }) })
            }
        }
    }
}

pub async fn lying(
    instead: impl Fn(&WireRequest) -> Option<(u16, String)> + Send + Sync + 'static,
) -> (World, Arc<AtomicUsize>) {
    let lies = Arc::new(AtomicUsize::new(0));
    let wire =
        Lying { real: HttpWire::default(), instead: Box::new(instead), lies: Arc::clone(&lies) };
    let world = World::new().await.over(wire);
    world.write("access.yaml", example());
    (world, lies)
}

/// The real wire, of which somebody sees every request.
pub fn watching(look: impl Fn(&WireRequest) + Send + Sync + 'static) -> impl Wire {
    let instead = move |request: &WireRequest| {
        look(request);
        None
    };
    Lying { real: HttpWire::default(), instead: Box::new(instead), lies: Arc::default() }
}

fn is_mail(request: &WireRequest) -> bool {
    request.url.ends_with("/password")
}

const APPLY: [&str; 3] = ["apply", "access.yaml", "--auto-approve"];

#[tokio::test(flavor = "multi_thread")]
async fn no_other_answer_to_a_mail_is_taken_for_one_that_went_out() {
    let busy = r#"[{"message":"busy","errorCode":"SERVER_UNAVAILABLE"}]"#;
    for (status, body) in [
        (200, ""),
        (204, ""),
        (200, "{}"),
        (200, "<html>Please sign in</html>"),
        (201, "{\"NewPassword\":\"x\"}"),
        (202, ""),
        (302, ""),
        (307, "<html>moved</html>"),
        (400, "<html>bad</html>"),
        (429, ""),
        (500, "[{\"errorCode\":\"UNKNOWN_EXCEPTION\",\"message\":\"?\"}]"),
        (502, "<html>gateway</html>"),
        (503, busy),
        (504, ""),
    ] {
        let what = format!("{status} {body}");
        let text = body.to_owned();
        let (world, lies) =
            lying(move |request| is_mail(request).then(|| (status, text.clone()))).await;
        let applied = world.run(&APPLY).await.fails();
        assert_eq!(lies.load(Ordering::Relaxed), 1, "{what}: it is asked once");
        let told = "whether the password mail went out is not known";
        assert!(applied.output.contains(told), "{what}: {}", applied.output);
        assert!(!applied.output.contains("password mail done"), "{what}: {}", applied.output);
        world.run(&APPLY).await.succeeds();
        assert_eq!(lies.load(Ordering::Relaxed), 1, "{what}: it is never asked again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_sent_again_where_the_answer_proves_that_none_went_out() {
    let crowded = r#"[{"message":"ConcurrentRequests (Concurrent API Requests) Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#;
    let left = AtomicUsize::new(2);
    let (world, lies) = lying(move |request| {
        let is_refused = is_mail(request)
            && left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                .is_ok();
        is_refused.then(|| (403, crowded.to_owned()))
    })
    .await;
    let applied = world.run(&APPLY).await.succeeds();
    assert_eq!(lies.load(Ordering::Relaxed), 2);
    assert!(applied.output.contains("password mail done"), "{}", applied.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ended_before_the_mail_costs_no_mail() {
    let ended = r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#;
    let first = AtomicUsize::new(1);
    let (world, _) = lying(move |request| {
        let is_first = is_mail(request) && first.swap(0, Ordering::Relaxed) == 1;
        is_first.then(|| (401, ended.to_owned()))
    })
    .await;
    let applied = world.run(&APPLY).await.fails();
    assert!(applied.errors.contains("takes no further calls"), "{}", applied.whole());
    let again = world.run(&APPLY).await.succeeds();
    assert!(again.output.contains("password mail done"), "{}", again.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_answer_to_a_removal_is_taken_for_one() {
    for (status, body) in
        [(200, ""), (202, ""), (302, ""), (200, "<html></html>"), (204, "<html></html>"), (404, "")]
    {
        let what = format!("{status} {body}");
        let (world, lies) = lying(move |request| {
            let is_removal =
                request.method == "DELETE" && request.url.contains("PermissionSetAssignment");
            is_removal.then(|| (status, body.to_owned()))
        })
        .await;
        world.run(&APPLY).await.succeeds();
        let without = example().replace("      - coconut__Coconut_Integration_Config\n", "");
        assert_ne!(without, example());
        world.write("access.yaml", without);
        let applied = world.run(&APPLY).await.fails();
        assert!(lies.load(Ordering::Relaxed) > 0, "{what}");
        assert!(applied.output.contains("not known to be done"), "{what}: {}", applied.output);
        assert!(!applied.output.contains("1 deleted"), "{what}: {}", applied.output);
        let held = world
            .query("SELECT Id FROM PermissionSetAssignment WHERE PermissionSet.Name = 'Coconut_Integration_Config'")
            .await;
        assert_eq!(held.len(), 1, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn something_that_is_gone_already_is_looked_at_before_that_is_believed() {
    let gone = r#"[{"message":"entity is deleted","errorCode":"ENTITY_IS_DELETED"}]"#;
    let (world, _) = lying(move |request| {
        let is_removal =
            request.method == "DELETE" && request.url.contains("PermissionSetAssignment");
        is_removal.then(|| (404, gone.to_owned()))
    })
    .await;
    world.run(&APPLY).await.succeeds();
    world.write(
        "access.yaml",
        example().replace("      - coconut__Coconut_Integration_Config\n", ""),
    );
    let applied = world.run(&APPLY).await.fails();
    assert!(applied.output.contains("ENTITY_IS_DELETED"), "{}", applied.output);
}

/// Texts by which an org could try to be given power.
fn temptation(permission: &str) -> String {
    format!("Permission {permission} depends on permission(s): Modify All Data")
}

const HARMLESS: &str = "version: 1\npermission_sets:\n  S: { label: S, system_permissions: [View Setup and Configuration] }\nusers:\n  u@robots.example: { last_name: U, email: u@robots.example, profile: Standard User, permission_sets: [S] }\n";

async fn has_power(world: &World) -> bool {
    let sets = "SELECT Id FROM PermissionSet WHERE PermissionsModifyAllData = true AND IsOwnedByProfile = false";
    !world.query(sets).await.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_s_message_is_no_lesson() {
    for code in ["FIELD_CUSTOM_VALIDATION_EXCEPTION", "FIELD_INTEGRITY_EXCEPTION"] {
        let text = temptation("View Setup and Configuration");
        let body = json!([{"message": text, "errorCode": code}]).to_string();
        let (world, _) = lying(move |request| {
            let is_user = request.method == "POST" && request.url.ends_with("/sobjects/User");
            is_user.then(|| (400, body.clone()))
        })
        .await;
        world.write("access.yaml", HARMLESS);
        let applied = world.run(&APPLY).await.fails();
        assert!(!applied.output.contains("Planned again"), "{code}: {}", applied.output);
        assert!(!has_power(&world).await, "{code}");
        let again = world.run(&["plan", "access.yaml"]).await.succeeds();
        assert!(!again.output.contains("Modify All Data"), "{code}: {}", again.output);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_set_needs_by_a_refusal_alone_gives_no_power_unasked() {
    let refused = |text: &str| {
        format!(
            "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns=\"http://soap.sforce.com/2006/04/metadata\"><soapenv:Body><upsertMetadataResponse><result><created>false</created><errors><message>{text}</message><statusCode>FIELD_INTEGRITY_EXCEPTION</statusCode></errors><fullName>S</fullName><success>false</success></result></upsertMetadataResponse></soapenv:Body></soapenv:Envelope>"
        )
    };
    let body = refused(&temptation("ViewSetup"));
    let first = AtomicUsize::new(1);
    let (world, _) = lying(move |request| {
        let is_write = String::from_utf8_lossy(&request.body).contains("upsertMetadata");
        let is_first = is_write && first.swap(0, Ordering::Relaxed) == 1;
        is_first.then(|| (200, body.clone()))
    })
    .await;
    world.write("access.yaml", HARMLESS);
    let applied = world.run(&APPLY).await.fails();
    assert!(applied.output.contains("Planned again"), "{}", applied.whole());
    assert!(
        applied.output.contains("as a refusal of the org taught"),
        "it is shown as that: {}",
        applied.whole()
    );
    assert!(applied.errors.contains("gives power and stands in no file"), "{}", applied.errors);
    assert!(!has_power(&world).await);
    // Nor does the next run take it for granted.
    let again = world.run(&APPLY).await.fails();
    assert!(again.errors.contains("gives power and stands in no file"), "{}", again.errors);
    assert!(!has_power(&world).await);
    // Somebody who reads it may say yes.
    world.types("yes\n");
    world.run(&["apply", "access.yaml"]).await.succeeds();
    assert!(has_power(&world).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_programs_with_its_code_fields_and_request() {
    let body = json!([
        {"message": "Titles come from HR", "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "fields": ["Title"]},
        {"message": "And so do names", "errorCode": "INVALID_FIELD", "fields": []},
    ])
    .to_string();
    let (world, _) = lying(move |request| {
        let is_user = request.method == "POST" && request.url.ends_with("/sobjects/User");
        is_user.then(|| (400, body.clone()))
    })
    .await;
    world.write("access.yaml", HARMLESS);
    let applied = world.run(&[&APPLY[..], &["--json"]].concat()).await.fails();
    let events: Vec<serde_json::Value> =
        applied.output.lines().map(|line| serde_json::from_str(line).expect("an event")).collect();
    let validator = schema_of("events.schema.json");
    for event in &events {
        assert!(validator.is_valid(event), "{event}");
    }
    let failed = events.iter().find(|event| event["type"] == "failed").expect("a failure");
    insta::assert_snapshot!(serde_json::to_string_pretty(failed).expect("JSON"), @r#"
    {
      "type": "failed",
      "address": "user.u@robots.example",
      "step": "insert",
      "cause": "refused",
      "reason": "FIELD_CUSTOM_VALIDATION_EXCEPTION: Titles come from HR [Title]; INVALID_FIELD: And so do names (request req-1)",
      "request_id": "req-1",
      "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
      "fields": [
        "Title"
      ],
      "refusals": [
        {
          "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
          "message": "Titles come from HR",
          "fields": [
            "Title"
          ]
        },
        {
          "code": "INVALID_FIELD",
          "message": "And so do names",
          "fields": []
        }
      ]
    }
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_that_says_done_without_saying_what_was_made_made_nothing() {
    for body in [
        r#"[{"success":true},{"success":true}]"#,
        r#"[{"success":true,"id":"005"},{"success":true,"id":"x"}]"#,
        r#"[{"success":false,"errors":[]},{"success":false,"errors":[]}]"#,
        r#"[{"success":false,"errors":[{"message":"no code"}]},{"success":false,"errors":[]}]"#,
    ] {
        let (world, lies) = lying(move |request| {
            let is_users = request.url.ends_with("/composite/sobjects")
                && String::from_utf8_lossy(&request.body).contains("LastName");
            is_users.then(|| (200, body.to_owned()))
        })
        .await;
        world.write(
            "access.yaml",
            "version: 1\nusers:\n  a@robots.example: { last_name: A, email: a@robots.example, profile: Standard User }\n  b@robots.example: { last_name: B, email: b@robots.example, profile: Standard User }\n",
        );
        let applied = world.run(&APPLY).await.fails();
        assert!(lies.load(Ordering::Relaxed) > 1, "{body}: it is looked for and sent again");
        assert!(
            applied.output.contains("insert not known to be done"),
            "{body}: {}",
            applied.output
        );
        let listed = world.run(&["state", "list"]).await.succeeds();
        assert!(!listed.output.contains("robots.example"), "{body}: {}", listed.output);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_one_by_one_stays_ours_when_the_next_is_refused() {
    let doubts = orgform::local_org::Doubts {
        rest_inserts_profiles: false,
        ..orgform::local_org::Doubts::default()
    };
    let fault = "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><e:Fault><faultcode>sf:LIMIT_EXCEEDED</faultcode><faultstring>LIMIT_EXCEEDED: no more</faultstring></e:Fault></e:Body></e:Envelope>";
    let wire = Lying {
        real: HttpWire::default(),
        instead: Box::new(move |request| {
            let body = String::from_utf8_lossy(&request.body).into_owned();
            (request.url.contains("/Soap/u/") && body.contains("P2"))
                .then(|| (500, fault.to_owned()))
        }),
        lies: Arc::default(),
    };
    let world = World::with(orgform::local_org::Seed::default(), doubts).await.over(wire);
    let profiles: String = (1..=3)
        .map(|n| format!("  P{n}: {{ clone_from: Minimum Access - API Only Integrations }}\n"))
        .collect();
    world.write("access.yaml", format!("version: 1\nprofiles:\n{profiles}"));
    let applied = world.run(&APPLY).await.fails();
    assert!(applied.output.contains("LIMIT_EXCEEDED"), "{}", applied.output);
    for profile in ["P1", "P3"] {
        let shown = world.run(&["state", "show", &format!("profile.{profile}"), "--json"]).await;
        assert!(shown.output.contains("\"ownership\":\"created\""), "{profile}: {}", shown.whole());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_attempt_that_lands_after_its_repeat_was_refused_is_ours() {
    let full = r#"[{"message":"no seat left","errorCode":"LICENSE_LIMIT_EXCEEDED"}]"#;
    let attempts = AtomicUsize::new(0);
    let (world, _) = lying(move |request| {
        let is_user = request.method == "POST" && request.url.ends_with("/sobjects/User");
        if !is_user {
            return None;
        }
        match attempts.fetch_add(1, Ordering::Relaxed) {
            0 => Some((502, "<html>gateway</html>".to_owned())),
            1 => Some((400, full.to_owned())),
            _ => None,
        }
    })
    .await;
    world.write(
        "access.yaml",
        "version: 1\nusers:\n  a@robots.example: { last_name: A, email: a@robots.example, profile: Standard User }\n",
    );
    let applied = world.run(&APPLY).await.fails();
    assert!(applied.output.contains("LICENSE_LIMIT_EXCEEDED"), "{}", applied.output);
    // The first attempt lands now.
    let profile = world.id("Profile", "Name = 'Standard User'").await;
    let user = json!({
        "Username": "a@robots.example", "LastName": "A", "Alias": "a", "Email": "a@robots.example",
        "ProfileId": profile, "TimeZoneSidKey": "America/Los_Angeles", "LocaleSidKey": "en_US",
        "EmailEncodingKey": "UTF-8", "LanguageLocaleKey": "en_US",
    });
    world.call(reqwest::Method::POST, "sobjects/User", user).await;
    world.run(&APPLY).await.succeeds();
    let shown = world.run(&["state", "show", "user.a@robots.example", "--json"]).await;
    assert!(shown.output.contains("\"ownership\":\"created\""), "{}", shown.whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_that_says_done_and_left_nothing_made_nothing() {
    let done = r#"{"id":"0Af000000000001AAA","deployResult":{"id":"0Af000000000001AAA","done":true,"success":true,"status":"Succeeded","details":{"componentFailures":[],"componentSuccesses":[]}}}"#;
    let (world, _) = lying(move |request| {
        let is_deploy = request.url.contains("/metadata/deployRequest");
        is_deploy.then(|| (if request.method == "POST" { 201 } else { 200 }, done.to_owned()))
    })
    .await;
    let sets: String = (0..110).map(|n| format!("  S{n}: {{ label: Set {n} }}\n")).collect();
    world.write("access.yaml", format!("version: 1\npermission_sets:\n{sets}"));
    let applied = world.run(&APPLY).await.fails();
    assert!(!applied.output.contains("110 created"), "{}", applied.output);
    assert!(applied.output.contains("it was said to be written, and is not there"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_within_json_is_no_fault() {
    let body = r#"[{"message":"<faultcode>sf:X</faultcode>","errorCode":"UNKNOWN_EXCEPTION"}]"#;
    let (world, lies) =
        lying(move |request| is_mail(request).then(|| (500, body.to_owned()))).await;
    world.run(&APPLY).await.fails();
    world.run(&APPLY).await.succeeds();
    assert_eq!(lies.load(Ordering::Relaxed), 1, "it is never asked again");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_lesson_gives_power_over_people_or_settings() {
    for permission in [
        "ManageLoginAccessPolicies",
        "FreezeUsers",
        "InstallPackaging",
        "ViewUserPII",
        "Delete Account",
    ] {
        let text = format!("Permission ViewSetup depends on permission(s): {permission}");
        let body = format!(
            "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns=\"http://soap.sforce.com/2006/04/metadata\"><soapenv:Body><upsertMetadataResponse><result><created>false</created><errors><message>{text}</message><statusCode>FIELD_INTEGRITY_EXCEPTION</statusCode></errors><fullName>S</fullName><success>false</success></result></upsertMetadataResponse></soapenv:Body></soapenv:Envelope>"
        );
        let first = AtomicUsize::new(1);
        let (world, _) = lying(move |request| {
            let is_write = String::from_utf8_lossy(&request.body).contains("upsertMetadata");
            let is_first = is_write && first.swap(0, Ordering::Relaxed) == 1;
            is_first.then(|| (200, body.clone()))
        })
        .await;
        world.write("access.yaml", HARMLESS);
        let applied = world.run(&APPLY).await.fails();
        let refused = "gives power and stands in no file";
        assert!(applied.errors.contains(refused), "{permission}: {}", applied.whole());
    }
}
