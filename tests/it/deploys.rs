//! Deploying to the local org, and what queries show that nobody wrote.

use std::io::Cursor;
use std::io::Write as _;

use reqwest::Method;
use serde_json::Value as Json;
use serde_json::json;
use zip::write::SimpleFileOptions;

use crate::support::World;
use crate::support::client;

const NAMESPACE: &str = "http://soap.sforce.com/2006/04/metadata";

fn set(label: &str, more: &str) -> String {
    format!("<PermissionSet xmlns=\"{NAMESPACE}\"><label>{label}</label>{more}</PermissionSet>")
}

fn archive(members: &[&str], files: &[(&str, String)]) -> Vec<u8> {
    let members: String =
        members.iter().map(|member| format!("<members>{member}</members>")).collect();
    let manifest = format!(
        "<Package xmlns=\"{NAMESPACE}\"><types>{members}<name>PermissionSet</name></types><version>66.0</version></Package>"
    );
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let all = files.iter().map(|(name, text)| (*name, text)).chain([("package.xml", &manifest)]);
    for (name, text) in all {
        writer.start_file(name, SimpleFileOptions::default()).expect("a file");
        writer.write_all(text.as_bytes()).expect("writes");
    }
    writer.finish().expect("a zip").into_inner()
}

/// Deploys by REST, as clients send it; the whole result.
async fn deploy(world: &World, zip: &[u8], options: &Json) -> Json {
    let boundary = "----of-a-client";
    let mut body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"json\"\r\nContent-Type: application/json\r\n\r\n{}\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"deploy.zip\"\r\nContent-Type: application/zip\r\n\r\n",
        json!({"deployOptions": options})
    )
    .into_bytes();
    body.extend_from_slice(zip);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let url = format!("{}/services/data/v66.0/metadata/deployRequest", world.org().instance_url);
    let request = client()
        .post(&url)
        .bearer_auth(&world.org().access_token)
        .header("content-type", format!("multipart/form-data; boundary={boundary}"))
        .body(body);
    let sent = request.send().await.expect("an answer");
    assert_eq!(sent.status(), 201);
    let sent: Json = sent.json().await.expect("JSON");
    assert_eq!(
        (&sent["deployResult"]["status"], &sent["deployResult"]["done"]),
        (&json!("Pending"), &json!(false))
    );
    let id = sent["id"].as_str().expect("an id");
    let request = client().get(format!("{url}/{id}?includeDetails=true"));
    let told = request.bearer_auth(&world.org().access_token).send().await.expect("an answer");
    let told: Json = told.json().await.expect("JSON");
    told["deployResult"].clone()
}

async fn sets(world: &World) -> usize {
    world.query("SELECT Id FROM PermissionSet WHERE Name IN ('Good', 'Bad')").await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_is_all_or_none_unless_told_otherwise_and_a_dry_run_leaves_nothing() {
    let world = World::new().await;
    let good = ("permissionsets/Good.permissionset", set("Good", ""));
    let bad = (
        "permissionsets/Bad.permissionset",
        set("Bad", "<userPermissions><enabled>true</enabled><name>Wonder</name></userPermissions>"),
    );
    let rolled = json!({"rollbackOnError": true, "singlePackage": true});
    let both = archive(&["Good", "Bad"], &[good.clone(), bad]);
    let result = deploy(&world, &both, &rolled).await;
    assert_eq!(result["status"], json!("Failed"));
    let failure = &result["details"]["componentFailures"][0];
    assert_eq!(failure["problem"], json!("Unknown user permission: Wonder"));
    assert_eq!((&failure["fullName"], &failure["problemType"]), (&json!("Bad"), &json!("Error")));
    assert_eq!(sets(&world).await, 0);

    let tried = json!({"rollbackOnError": true, "checkOnly": "true"});
    let one = archive(&["Good"], &[good]);
    assert_eq!(deploy(&world, &one, &tried).await["status"], json!("Succeeded"));
    assert_eq!(sets(&world).await, 0, "a dry run");
    let partly = json!({"rollbackOnError": false});
    assert_eq!(deploy(&world, &both, &partly).await["status"], json!("SucceededPartial"));
    assert_eq!(sets(&world).await, 1);
    let result = deploy(&world, &one, &rolled).await;
    let success = &result["details"]["componentSuccesses"][0];
    assert_eq!((&success["changed"], &success["created"]), (&json!(false), &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_deploy_is_refused_and_a_deploy_that_is_none_is_not_found() {
    let world = World::new().await;
    let url = format!("{}/services/data/v66.0/metadata/deployRequest", world.org().instance_url);
    for (content_type, body, code) in [
        ("application/json", "{}", "MISSING_ARGUMENT"),
        ("text/plain", "{}", "INVALID_MULTIPART_REQUEST"),
        ("multipart/form-data; boundary=x", "--x--\r\n", "INVALID_MULTIPART_REQUEST"),
        ("multipart/form-data; boundary=x", "--x\r\nbroken", "INVALID_MULTIPART_REQUEST"),
    ] {
        let request = client().post(&url).header("content-type", content_type).body(body);
        let answer =
            request.bearer_auth(&world.org().access_token).send().await.expect("an answer");
        assert_eq!(answer.status(), 400, "{body}");
        let refused: Json = answer.json().await.expect("JSON");
        assert_eq!(refused[0]["errorCode"], json!(code), "{body}");
    }
    let request =
        client().get(format!("{url}/0Af000000000099")).bearer_auth(&world.org().access_token);
    assert_eq!(request.send().await.expect("an answer").status(), 404);
    let retrieve = url.replace("deployRequest", "retrieveRequest");
    let request = client().post(retrieve).bearer_auth(&world.org().access_token).body("{}");
    assert_eq!(request.send().await.expect("an answer").status(), 404, "as in real orgs");
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_that_nobody_wrote_are_shown_and_can_not_be_changed() {
    let world = World::new().await;
    let admin = world.id("PermissionSet", "Profile.Name = 'System Administrator'").await;
    let rows = world
        .query(&format!("SELECT Id, SobjectType, PermissionsModifyAllRecords, PermissionsViewAllFields FROM ObjectPermissions WHERE ParentId = '{admin}' ORDER BY SobjectType"))
        .await;
    let objects: Vec<&str> =
        rows.iter().map(|row| row["SobjectType"].as_str().expect("text")).collect();
    assert_eq!(objects, ["Account", "Contact", "Lead"]);
    let holders = world.query("SELECT Profile.Name FROM PermissionSet WHERE Id IN (SELECT ParentId FROM ObjectPermissions WHERE PermissionsModifyAllRecords = true AND SobjectType = 'Account')").await;
    assert_eq!(holders.len(), 1, "an auditor finds who may: {holders:?}");
    for row in &rows {
        assert!(row["Id"].as_str().expect("an id").starts_with("000"));
        assert_eq!(row["PermissionsModifyAllRecords"], json!(true));
        assert_eq!(row["PermissionsViewAllFields"], json!(false), "is not implied");
    }
    let set = world
        .call(Method::POST, "sobjects/PermissionSet", json!({"Name": "Lead_View", "Label": "Lead"}))
        .await["id"]
        .clone();
    let opened = json!({"ParentId": set, "SobjectType": "Lead", "PermissionsRead": true, "PermissionsViewAllFields": true});
    world.call(Method::POST, "sobjects/ObjectPermissions", opened).await;
    let set = set.as_str().expect("an id");
    let fields = world
        .query(&format!(
            "SELECT Field, PermissionsEdit FROM FieldPermissions WHERE ParentId = '{set}'"
        ))
        .await;
    assert!(fields.len() > 10, "{fields:?}");
    assert!(fields.iter().all(|row| row["PermissionsEdit"] == json!(false)));
    let children = world
        .query(&format!(
            "SELECT (SELECT Field FROM FieldPerms) FROM PermissionSet WHERE Id = '{set}'"
        ))
        .await;
    assert_eq!(children[0]["FieldPerms"]["totalSize"], json!(fields.len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_counted_in_groups_by_days_and_by_fields() {
    let world = World::with(
        orgform::local_org::Seed { users: 4, ..Default::default() },
        orgform::local_org::Doubts::default(),
    )
    .await;
    let grouped = world
        .query("SELECT Profile.Name, COUNT(Id) users, MAX(Username) FROM User GROUP BY Profile.Name ORDER BY Profile.Name DESC")
        .await;
    assert_eq!(
        grouped,
        [
            json!({"attributes": {"type": "AggregateResult"}, "Name": "System Administrator", "users": 1, "expr0": "admin@local.orgform.example"}),
            json!({"attributes": {"type": "AggregateResult"}, "Name": "Standard User", "users": 4, "expr0": "user4@local.orgform.example"}),
        ]
    );
    for (condition, count) in [
        ("CreatedDate = TODAY", 5),
        ("CreatedDate < TODAY", 0),
        ("CreatedDate >= LAST_N_DAYS:30", 5),
        ("CreatedDate > TODAY", 0),
        ("CreatedDate = YESTERDAY", 0),
    ] {
        let rows = world.query(&format!("SELECT COUNT(Id) n FROM User WHERE {condition}")).await;
        assert_eq!(rows[0]["n"], json!(count), "{condition}");
    }
    let ordered = "SELECT COUNT(Id) n FROM User GROUP BY ProfileId ORDER BY Nothing";
    let encoded: String = ordered.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let request = client()
        .get(format!("{}/services/data/v66.0/query?q={encoded}", world.org().instance_url))
        .bearer_auth(&world.org().access_token);
    assert_eq!(request.send().await.expect("an answer").status(), 400);
    let children = world.query("SELECT (SELECT FIELDS(STANDARD) FROM Users LIMIT 1) FROM Profile WHERE Name = 'Standard User'").await;
    assert!(children[0]["Users"]["records"][0].get("Alias").is_some(), "{children:?}");
    let all = world.query("SELECT FIELDS(ALL) FROM UserLicense LIMIT 1").await;
    assert!(all[0].get("LicenseDefinitionKey").is_some(), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn view_all_fields_is_there_from_63_on_and_not_before() {
    let world = World::new().await;
    let set = json!({"Name": "Lead_View", "Label": "Lead"});
    let set = world.call(Method::POST, "sobjects/PermissionSet", set).await["id"].clone();
    let opened = json!({"ParentId": set, "SobjectType": "Lead", "PermissionsRead": true, "PermissionsViewAllFields": true});
    world.call(Method::POST, "sobjects/ObjectPermissions", opened).await;
    for (version, is_there) in [("62.0", false), ("63.0", true)] {
        let org = world.org();
        let get = async |path: &str| {
            let url = format!("{}/services/data/v{version}/{path}", org.instance_url);
            let request = client().get(url).bearer_auth(&org.access_token);
            request.send().await.expect("an answer").text().await.expect("a body")
        };
        let described = get("sobjects/ObjectPermissions/describe").await;
        assert_eq!(described.contains("PermissionsViewAllFields"), is_there, "{version}");
        let queried = get("query?q=SELECT+PermissionsViewAllFields+FROM+ObjectPermissions").await;
        assert_eq!(!queried.contains("INVALID_FIELD"), is_there, "{version}: {queried}");
        // What was deleted is not kept, so that both ways of asking answer the same.
        assert_eq!(
            get("queryAll?q=SELECT+Id+FROM+User").await,
            get("query?q=SELECT+Id+FROM+User").await
        );
        let body = format!(
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Header><SessionHeader><sessionId>{}</sessionId></SessionHeader></e:Header><e:Body><readMetadata xmlns=\"{NAMESPACE}\"><type>PermissionSet</type><fullNames>Lead_View</fullNames></readMetadata></e:Body></e:Envelope>",
            org.access_token
        );
        let url = format!("{}/services/Soap/m/{version}", org.instance_url);
        let read = client().post(url).body(body).send().await.expect("an answer");
        let read = read.text().await.expect("a body");
        assert!(read.contains("<allowRead>true</allowRead>"), "{read}");
        assert_eq!(read.contains("viewAllFields"), is_there, "{version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_profiles_go_as_one_deploy_and_are_taken_for_what_they_are() {
    let world = World::new().await;
    let profiles: String = (0..110)
        .map(|n| format!("  P{n}: {{ clone_from: Minimum Access - API Only Integrations }}\n"))
        .collect();
    let applied = world.converges("profiles", &format!("version: 1\nprofiles:\n{profiles}")).await;
    assert!(applied.output.contains("Apply complete: 110 created."), "{}", applied.output);
}
