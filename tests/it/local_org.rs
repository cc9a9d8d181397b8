//! The local org says no as Salesforce does, with its codes.

use reqwest::Method;
use serde_json::Value as Json;
use serde_json::json;

use crate::support::World;
use crate::support::client;

async fn send(world: &World, method: Method, path: &str, body: Json) -> (u16, Json) {
    let org = world.org();
    let mut request = client()
        .request(method, format!("{}{path}", org.instance_url))
        .bearer_auth(&org.access_token);
    if !body.is_null() {
        request = request.json(&body);
    }
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.expect("a body")).unwrap_or(Json::Null))
}

async fn code(world: &World, method: Method, path: &str, body: Json) -> String {
    let (status, answer) = send(world, method, &format!("/services/data/v63.0/{path}"), body).await;
    assert!(status >= 400, "{path}: {status} {answer}");
    answer[0]["errorCode"].as_str().unwrap_or_default().to_owned()
}

fn user(profile: &str) -> Json {
    json!({"Username": "new@robots.example", "LastName": "New", "Email": "n@robots.example", "Alias": "new",
        "TimeZoneSidKey": "Europe/Berlin", "LocaleSidKey": "de_DE", "EmailEncodingKey": "UTF-8",
        "LanguageLocaleKey": "de", "ProfileId": profile})
}

fn changed(record: &Json, field: &str, value: Json) -> Json {
    let mut record = record.clone();
    record[field] = value;
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_refused_with_salesforces_codes_and_never_deleted() {
    let world = World::new().await;
    let profile = world.id("Profile", "Name = 'Minimum Access - API Only Integrations'").await;
    let good = user(&profile);
    for (field, value, expected) in [
        ("Email", json!(null), "REQUIRED_FIELD_MISSING"),
        ("Username", json!("nobody"), "FIELD_INTEGRITY_EXCEPTION"),
        ("Username", json!("admin@local.orgform.example"), "DUPLICATE_USERNAME"),
        ("Username", json!("ADMIN@local.orgform.example"), "DUPLICATE_USERNAME"),
        ("Email", json!("nothing"), "INVALID_EMAIL_ADDRESS"),
        ("Alias", json!("much too long"), "STRING_TOO_LONG"),
        ("TimeZoneSidKey", json!("nowhere"), "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ("ProfileId", json!("00e000000000099"), "INVALID_CROSS_REFERENCE_KEY"),
        ("Nonsense", json!(1), "INVALID_FIELD"),
        ("LastLoginDate", json!("2026-01-01"), "INVALID_FIELD_FOR_INSERT_UPDATE"),
    ] {
        let record = changed(&good, field, value);
        assert_eq!(code(&world, Method::POST, "sobjects/User", record).await, expected, "{field}");
    }
    let admin = world.id("User", "Username = 'admin@local.orgform.example'").await;
    let path = format!("sobjects/User/{admin}");
    assert_eq!(
        code(&world, Method::DELETE, &path, json!(null)).await,
        "INVALID_TYPE_FOR_OPERATION"
    );
    let inactive = json!({"IsActive": false});
    assert_eq!(
        code(&world, Method::PATCH, &path, inactive).await,
        "FIELD_INTEGRITY_EXCEPTION",
        "oneself"
    );
    for number in 0..5 {
        let record = changed(&good, "Username", json!(format!("u{number}@robots.example")));
        world.call(Method::POST, "sobjects/User", record).await;
    }
    assert_eq!(code(&world, Method::POST, "sobjects/User", good).await, "LICENSE_LIMIT_EXCEEDED");
    let seats = world.query("SELECT UsedLicenses, TotalLicenses FROM UserLicense WHERE Name = 'Salesforce Integration'").await;
    assert_eq!((&seats[0]["UsedLicenses"], &seats[0]["TotalLicenses"]), (&json!(5), &json!(5)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_comes_after_the_license_and_leaves_before_it() {
    let world = World::new().await;
    let profile = world.id("Profile", "Name = 'Minimum Access - API Only Integrations'").await;
    let set = world.id("PermissionSet", "Name = 'Coconut_Integration_Config'").await;
    let license =
        world.id("PermissionSetLicense", "DeveloperName = 'SalesforceAPIIntegrationPsl'").await;
    let who = world.call(Method::POST, "sobjects/User", user(&profile)).await["id"].clone();
    let assign = json!({"AssigneeId": who, "PermissionSetId": set});
    assert_eq!(
        code(&world, Method::POST, "sobjects/PermissionSetAssignment", assign.clone()).await,
        "FIELD_INTEGRITY_EXCEPTION"
    );
    let licensed = json!({"AssigneeId": who, "PermissionSetLicenseId": license});
    let held = world
        .call(Method::POST, "sobjects/PermissionSetLicenseAssign", licensed.clone())
        .await["id"]
        .clone();
    assert_eq!(
        code(&world, Method::POST, "sobjects/PermissionSetLicenseAssign", licensed).await,
        "DUPLICATE_VALUE"
    );
    world.call(Method::POST, "sobjects/PermissionSetAssignment", assign.clone()).await;
    assert_eq!(
        code(&world, Method::POST, "sobjects/PermissionSetAssignment", assign).await,
        "DUPLICATE_VALUE"
    );
    let path = format!("sobjects/PermissionSetLicenseAssign/{}", held.as_str().expect("an id"));
    assert_eq!(code(&world, Method::DELETE, &path, json!(null)).await, "FIELD_INTEGRITY_EXCEPTION");
}

#[tokio::test(flavor = "multi_thread")]
async fn sets_and_profiles_are_refused_while_used_or_not_ours() {
    let world = World::new().await;
    let license = world.id("UserLicense", "Name = 'Salesforce Platform'").await;
    let robots = json!({"Name": "Robots", "UserLicenseId": license});
    let profile = world.call(Method::POST, "sobjects/Profile", robots.clone()).await["id"].clone();
    assert_eq!(
        code(&world, Method::POST, "sobjects/Profile", robots).await,
        "FIELD_INTEGRITY_EXCEPTION",
        "twice"
    );
    let profile = profile.as_str().expect("an id");
    let who = world.call(Method::POST, "sobjects/User", user(profile)).await["id"].clone();
    world
        .call(
            Method::PATCH,
            &format!("sobjects/User/{}", who.as_str().expect("an id")),
            json!({"IsActive": false}),
        )
        .await;
    let path = format!("sobjects/Profile/{profile}");
    assert_eq!(
        code(&world, Method::DELETE, &path, json!(null)).await,
        "DELETE_FAILED",
        "an inactive user has it"
    );
    let standard =
        format!("sobjects/Profile/{}", world.id("Profile", "Name = 'Standard User'").await);
    assert_eq!(
        code(&world, Method::DELETE, &standard, json!(null)).await,
        "INSUFFICIENT_ACCESS_OR_READONLY"
    );
    let packaged = format!(
        "sobjects/PermissionSet/{}",
        world.id("PermissionSet", "Name = 'Coconut_Integration_Config'").await
    );
    assert_eq!(
        code(&world, Method::DELETE, &packaged, json!(null)).await,
        "CANNOT_DELETE_MANAGED_OBJECT"
    );
    let lacking = json!({"Name": "S", "Label": "S", "PermissionsViewSetup": true});
    assert_eq!(
        code(&world, Method::POST, "sobjects/PermissionSet", lacking).await,
        "FIELD_INTEGRITY_EXCEPTION"
    );
    let set = world
        .call(Method::POST, "sobjects/PermissionSet", json!({"Name": "S", "Label": "S"}))
        .await["id"]
        .clone();
    let twice = json!({"Name": "s", "Label": "S"});
    assert_eq!(
        code(&world, Method::POST, "sobjects/PermissionSet", twice).await,
        "DUPLICATE_DEVELOPER_NAME"
    );
    let required = json!({"ParentId": set, "SobjectType": "Contact", "Field": "Contact.LastName", "PermissionsRead": true});
    assert_eq!(
        code(&world, Method::POST, "sobjects/FieldPermissions", required).await,
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_takes_one_type_of_setup_object_and_all_or_none_means_it() {
    let world = World::new().await;
    let set =
        |name: &str| json!({"attributes": {"type": "PermissionSet"}, "Name": name, "Label": name});
    let mixed = json!({"allOrNone": false, "records": [set("A"), {"attributes": {"type": "Profile"}, "Name": "P"}]});
    assert_eq!(code(&world, Method::POST, "composite/sobjects", mixed).await, "INVALID_INPUT");
    let all = json!({"allOrNone": true, "records": [set("A"), set("1 bad"), set("B")]});
    let answers = world.call(Method::POST, "composite/sobjects", all).await;
    let codes: Vec<&str> = answers
        .as_array()
        .expect("three")
        .iter()
        .map(|one| one["errors"][0]["statusCode"].as_str().expect("a code"))
        .collect();
    assert_eq!(
        codes,
        ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_FIELD", "ALL_OR_NONE_OPERATION_ROLLED_BACK"]
    );
    assert!(world.query("SELECT Id FROM PermissionSet WHERE Name IN ('A', 'B')").await.is_empty());
    let some = json!({"allOrNone": false, "records": [set("A"), set("1 bad"), set("B")]});
    world.call(Method::POST, "composite/sobjects", some).await;
    assert_eq!(world.query("SELECT Id FROM PermissionSet WHERE Name IN ('A', 'B')").await.len(), 2);
    let parts: Vec<Json> = (0..6)
        .map(|n| json!({"method": "GET", "url": "/services/data/v63.0/query?q=SELECT+Id+FROM+User", "referenceId": format!("q{n}")}))
        .collect();
    let six = json!({"compositeRequest": parts});
    assert_eq!(
        code(&world, Method::POST, "composite", six).await,
        "INVALID_INPUT",
        "five queries at most"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn soql_reads_parents_children_counts_and_orders() {
    let world = World::with(
        orgform::local_org::Seed { users: 5, ..orgform::local_org::Seed::default() },
        orgform::local_org::Doubts::default(),
    )
    .await;
    let rows = world
        .query("SELECT Name, (SELECT Username FROM Users ORDER BY Username DESC LIMIT 2) FROM Profile WHERE Name IN ('Standard User', 'Read Only') ORDER BY Name DESC")
        .await;
    assert_eq!(rows[0]["Name"], json!("Standard User"));
    assert_eq!(rows[0]["Users"]["records"][0]["Username"], json!("user5@local.orgform.example"));
    assert_eq!(rows[1]["Users"], json!(null), "an empty child relationship is null");
    let rows = world
        .query("SELECT Profile.UserLicense.Name FROM User WHERE NOT (Username LIKE 'user%')")
        .await;
    assert_eq!(rows[0]["Profile"]["UserLicense"]["Name"], json!("Salesforce"));
    let (_, counted) = send(
        &world,
        Method::GET,
        "/services/data/v63.0/query/?q=SELECT+COUNT()+FROM+User",
        json!(null),
    )
    .await;
    assert_eq!(counted["totalSize"], json!(6));
    let rows = world.query("SELECT Username FROM User WHERE FirstName = null AND IsActive != false ORDER BY Username LIMIT 2 OFFSET 3").await;
    assert_eq!(rows.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let world = World::bare();
    world.write("access.yaml", crate::support::example());
    world.run(&["apply", "access.yaml", "--auto-approve"]).await.succeeds();
    let again = world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await.succeeds();
    assert!(again.output.contains("6 resources are as declared"), "{}", again.output);
    let log = world.path().join("state/local-org/org.log");
    assert!(log.is_file(), "the local org keeps its data");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_help_of_the_local_org_names_every_setting() {
    let world = crate::support::World::bare();
    let help = world.run(&["org", "serve", "--help"]).await.output;
    let settings = orgform::local_org::SETTINGS.split([',', ' ']).filter(|word| word.contains('_'));
    for setting in settings {
        let name = setting.split('=').next().unwrap_or_default();
        if name.chars().all(|character| character.is_ascii_lowercase() || character == '_') {
            assert!(help.contains(name), "{name}");
        }
    }
}

/// Calls the partner endpoint; the elements below the results, in order.
async fn partner(world: &World, header: &str, body: &str) -> Vec<Vec<String>> {
    let org = world.org();
    let envelope = format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:u=\"urn:partner.soap.sforce.com\"><e:Header><u:SessionHeader><u:sessionId>{}</u:sessionId></u:SessionHeader>{header}</e:Header><e:Body>{body}</e:Body></e:Envelope>",
        org.access_token
    );
    let request = client()
        .post(format!("{}/services/Soap/u/53.0/{}", org.instance_url, org.org_id))
        .header("content-type", "text/xml")
        .body(envelope);
    let text = request.send().await.expect("an answer").text().await.expect("a body");
    let document = roxmltree::Document::parse(&text).expect("XML");
    document
        .descendants()
        .filter(|node| node.tag_name().name() == "result")
        .map(|result| {
            let elements = result.children().filter(roxmltree::Node::is_element);
            elements.map(|element| element.tag_name().name().to_owned()).collect()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn partner_answers_have_the_elements_of_the_wsdl_in_its_order() {
    let world = World::new().await;
    let made = partner(
        &world,
        "",
        "<u:create><u:sObjects><type>PermissionSet</type><Name>By_Soap</Name><Label>By SOAP</Label></u:sObjects><u:sObjects><type>PermissionSet</type><Name>1</Name><Label>Bad</Label></u:sObjects></u:create>",
    )
    .await;
    assert_eq!(made, [vec!["id", "success"], vec!["errors", "id", "success"]]);
    let set = world.id("PermissionSet", "Name = 'By_Soap'").await;
    let changed = format!(
        "<u:update><u:sObjects><type>PermissionSet</type><Id>{set}</Id><Label>New</Label><fieldsToNull>Description</fieldsToNull></u:sObjects></u:update>"
    );
    assert_eq!(partner(&world, "", &changed).await, [vec!["id", "success"]]);
    assert_eq!(
        world.query("SELECT Label FROM PermissionSet WHERE Name = 'By_Soap'").await[0]["Label"],
        json!("New")
    );
    let gone = format!("<u:delete><u:ids>{set}</u:ids><u:ids>nothing</u:ids></u:delete>");
    assert_eq!(
        partner(&world, "", &gone).await,
        [vec!["id", "success"], vec!["errors", "id", "success"]]
    );
    let admin = world.id("User", "Username = 'admin@local.orgform.example'").await;
    let password = format!(
        "<u:setPassword><u:userId>{admin}</u:userId><u:password>a long one</u:password></u:setPassword>"
    );
    assert_eq!(partner(&world, "", &password).await, [Vec::<String>::new()]);
    let told = partner(&world, "", "<u:getUserInfo/>").await;
    assert_eq!(
        told[0],
        [
            "accessibilityMode",
            "chatterExternal",
            "currencySymbol",
            "orgAttachmentFileSizeLimit",
            "orgDefaultCurrencyIsoCode",
            "orgDefaultCurrencyLocale",
            "orgDisallowHtmlAttachments",
            "orgHasPersonAccounts",
            "organizationId",
            "organizationMultiCurrency",
            "organizationName",
            "profileId",
            "roleId",
            "sessionSecondsValid",
            "userDefaultCurrencyIsoCode",
            "userEmail",
            "userFullName",
            "userId",
            "userLanguage",
            "userLocale",
            "userName",
            "userTimeZone",
            "userType",
            "userUiSkin",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_about_the_local_org_names_every_object() {
    let world = World::new().await;
    let told = world.call(Method::GET, "sobjects", json!(null)).await;
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/local-org.md");
    let page = std::fs::read_to_string(path).expect("the page");
    let (_, list) = page.split_once("Objects that are there: ").expect("the list");
    let list = list.split("A real org has").next().unwrap_or_default().replace(" and ", ", ");
    let named: Vec<&str> = list.trim().trim_end_matches('.').split(',').map(str::trim).collect();
    let there: Vec<&str> = told["sobjects"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|object| object["name"].as_str().expect("text"))
        .collect();
    assert_eq!(named, there);
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_by_rows_need_what_permissions_by_documents_need() {
    let world = World::new().await;
    let set = world
        .call(Method::POST, "sobjects/PermissionSet", json!({"Name": "Rows", "Label": "Rows"}))
        .await["id"]
        .clone();
    let on = |object: &str, more: Json| {
        let mut row = json!({"ParentId": set, "SobjectType": object});
        row.as_object_mut().expect("a row").extend(more.as_object().cloned().expect("a row"));
        row
    };
    for (row, what) in [
        (on("Lead", json!({})), "grants nothing"),
        (on("Lead", json!({"PermissionsEdit": true})), "needs reading"),
        (on("Contact", json!({"PermissionsRead": true})), "needs the account"),
    ] {
        let refused = code(&world, Method::POST, "sobjects/ObjectPermissions", row).await;
        assert_eq!(refused, "FIELD_INTEGRITY_EXCEPTION", "{what}");
    }
    let field = on("Lead", json!({"Field": "Lead.Rating", "PermissionsEdit": true}));
    let refused = code(&world, Method::POST, "sobjects/FieldPermissions", field).await;
    assert_eq!(refused, "FIELD_INTEGRITY_EXCEPTION");
    let account = on("Account", json!({"PermissionsRead": true}));
    let account =
        world.call(Method::POST, "sobjects/ObjectPermissions", account).await["id"].clone();
    let contact = on("Contact", json!({"PermissionsRead": true}));
    world.call(Method::POST, "sobjects/ObjectPermissions", contact).await;
    let path = format!("sobjects/ObjectPermissions/{}", account.as_str().expect("an id"));
    let refused = code(&world, Method::DELETE, &path, json!(null)).await;
    assert_eq!(refused, "FIELD_INTEGRITY_EXCEPTION", "the contact needs it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_made_by_rows_and_nobody_gets_a_second_profile() {
    let world = World::new().await;
    let set = json!({"Name": "Rows", "Label": "Rows", "PermissionsApiEnabled": true});
    let set = world.call(Method::POST, "sobjects/PermissionSet", set).await["id"].clone();
    let group = json!({"DeveloperName": "Group", "MasterLabel": "Group"});
    let group = world.call(Method::POST, "sobjects/PermissionSetGroup", group).await["id"].clone();
    let part = json!({"PermissionSetGroupId": group, "PermissionSetId": set});
    world.call(Method::POST, "sobjects/PermissionSetGroupComponent", part.clone()).await;
    let twice = code(&world, Method::POST, "sobjects/PermissionSetGroupComponent", part).await;
    assert_eq!(twice, "DUPLICATE_VALUE");
    let sum = world
        .query("SELECT PermissionsApiEnabled FROM PermissionSet WHERE PermissionSetGroup.DeveloperName = 'Group'")
        .await;
    assert_eq!(sum[0]["PermissionsApiEnabled"], json!(true), "it is added up");
    let admin = world.id("User", "Username = 'admin@local.orgform.example'").await;
    world
        .call(
            Method::POST,
            "sobjects/PermissionSetAssignment",
            json!({"AssigneeId": admin, "PermissionSetGroupId": group}),
        )
        .await;
    let other = world.id("PermissionSet", "Profile.Name = 'Standard User'").await;
    let second = json!({"AssigneeId": admin, "PermissionSetId": other});
    assert_eq!(
        code(&world, Method::POST, "sobjects/PermissionSetAssignment", second).await,
        "FIELD_INTEGRITY_EXCEPTION"
    );
    let dated = json!({"AssigneeId": admin, "PermissionSetId": set, "ExpirationDate": "someday"});
    assert_eq!(
        code(&world, Method::POST, "sobjects/PermissionSetAssignment", dated).await,
        "JSON_PARSER_ERROR"
    );
    let dated = json!({"AssigneeId": admin, "PermissionSetId": set, "ExpirationDate": "2099-01-01T01:00:00+01:00"});
    world.call(Method::POST, "sobjects/PermissionSetAssignment", dated).await;
    let rows = world
        .query(&format!(
            "SELECT ExpirationDate FROM PermissionSetAssignment WHERE PermissionSetId = '{}'",
            set.as_str().expect("an id")
        ))
        .await;
    assert_eq!(rows[0]["ExpirationDate"], json!("2099-01-01T00:00:00.000+0000"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_gets_wrong_is_refused_as_by_a_real_org() {
    let world = World::new().await;
    let admin = world.id("User", "Username = 'admin@local.orgform.example'").await;
    let path = format!("sobjects/User/{admin}");
    let twice = json!({"Id": admin, "Title": "a"});
    assert_eq!(code(&world, Method::PATCH, &path, twice).await, "INVALID_FIELD");
    for (query, expected) in [
        ("SELECT+Id+FROM+User+WHERE+Id='x'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT+Id,Id+FROM+User", "MALFORMED_QUERY"),
        ("SELECT+Id+FROM+User+LIMIT+1+OFFSET+2001", "NUMBER_OUTSIDE_VALID_RANGE"),
    ] {
        let path = format!("query?q={query}");
        assert_eq!(code(&world, Method::GET, &path, json!(null)).await, expected, "{query}");
    }
    let url = format!("{}/services/data/v66.0/{path}", world.org().instance_url);
    let token = &world.org().access_token;
    let text = client().patch(&url).bearer_auth(token).header("content-type", "text/plain");
    assert_eq!(text.body("{}").send().await.expect("an answer").status(), 415);
    let packed = client().patch(&url).bearer_auth(token).header("content-encoding", "gzip");
    assert_eq!(packed.body("x").send().await.expect("an answer").status(), 415);
    let headed = client().head(&url).bearer_auth(token).send().await.expect("an answer");
    assert_eq!(headed.status(), 200);
    let named = client().post(format!("{url}?_HttpMethod=PATCH")).bearer_auth(token);
    let named = named.json(&json!({"Title": "Named"})).send().await.expect("an answer");
    assert_eq!(named.status(), 204);
    for resource in ["composite/graph", "composite/tree/User", "jobs/query"] {
        let request =
            client().post(format!("{}/services/data/v66.0/{resource}", world.org().instance_url));
        let answer = request.bearer_auth(token).json(&json!({})).send().await.expect("an answer");
        assert_eq!(answer.status(), 404, "{resource}");
    }
}
