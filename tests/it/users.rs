//! Users: every field, people and licenses they need, and what an org's own rules
//! say of them.

use reqwest::Method;
use serde_json::json;

use crate::settings::world_with;

const USER: &str = "version: 1
users:
  boss@coconut.example:
    last_name: Boss
    email: boss@coconut.example
    profile: Standard User
    role: CEO
  one@coconut.example:
    last_name: One
    first_name: Ada
    email: one@coconut.example
    profile: Standard User
    role: sales director
    manager: boss@coconut.example
    title: Engineer
    department: Research
    division: North
    company: Coconut
    employee_number: '007'
    phone: '+49 30 1234'
    mobile_phone: '+49 170 1234'
    federation_id: ada
    nickname: ada
    time_zone: Europe/Berlin
    locale: de_DE
    language: de
    feature_licenses: [Marketing User, service cloud user]
    fields:
      Region__c: EMEA
      Level__c: 7
      Quota__c: 12.50
      Since__c: 2026-01-31
      Remote__c: true
      ReceivesInfoEmails: false
";
const FIELDS: &str = "custom_fields=User.Region__c:picklist(EMEA/APAC)+User.Level__c:int+User.Quota__c:double+User.Since__c:date+User.Remote__c:boolean";

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_a_user_is_set_changed_and_left_when_said_no_more() {
    let world = world_with(FIELDS).await;
    let applied = world.converges("all fields", USER).await;
    insta::assert_snapshot!("user_fields", applied.output);
    let fields = "SELECT Title, EmployeeNumber, UserRole.Name, Manager.Username, Region__c, Level__c, Quota__c, UserPermissionsMarketingUser FROM User WHERE Username = 'one@coconut.example'";
    let row = &world.query(fields).await[0];
    assert_eq!(row["Quota__c"], json!(12.5));
    assert_eq!(row["EmployeeNumber"], json!("007"));
    assert_eq!(row["UserRole"]["Name"], json!("Sales Director"));
    assert_eq!(row["UserPermissionsMarketingUser"], json!(true));
    let changed = USER
        .replace("role: sales director", "role: CEO")
        .replace("Quota__c: 12.50", "Quota__c: 13")
        .replace("[Marketing User, service cloud user]", "[service cloud user]")
        .replace("Remote__c: true", "Remote__c: false");
    let applied = world.converges("changed", &changed).await;
    insta::assert_snapshot!("user_fields_changed", applied.output);
    let row = &world.query(fields).await[0];
    assert_eq!(row["UserPermissionsMarketingUser"], json!(false), "a license is taken back");
    let less = changed.replace("    title: Engineer\n", "").replace("      Level__c: 7\n", "");
    world.converges("said no more", &less).await;
    assert_eq!(world.query(fields).await[0]["Title"], json!("Engineer"), "it is left");
    let user = world.id("User", "Username = 'one@coconut.example'").await;
    world.call(Method::PATCH, &format!("sobjects/User/{user}"), json!({"Region__c": "APAC"})).await;
    let planned = world.run(&["plan", "access.yaml"]).await.succeeds();
    assert!(planned.output.contains("\"APAC\" -> \"EMEA\""), "{}", planned.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_the_orgs_own_fields_is_refused_with_what_would() {
    let world = world_with(&format!("{FIELDS},state_codes=true")).await;
    world.write(
        "access.yaml",
        "version: 1
users:
  one@coconut.example:
    last_name: One
    email: one@coconut.example
    profile: Standard User
    time_zone: Europe/Berln
    language: xx
    role: Nobody
    manager: nobody@coconut.example
    currency: EUR
    feature_licenses: [Live Agent User]
    fields:
      Region__c: EMAE
      Regin__c: EMEA
      Level__c: 7.5
      Remote__c: 'yes'
      Since__c: soon
      LastLoginDate: 2026-01-01
      ProfileId: '00e000000000001'
      State: Berlin
      Title: true
",
    );
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    insta::assert_snapshot!("user_fields_refused", refused.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orgs_own_rule_stops_one_user_in_the_orgs_words_and_no_other() {
    for rule in ["validation", "trigger"] {
        let world = world_with(&format!("user_rule={rule}")).await;
        let yaml = "version: 1
users:
  good@coconut.example: { last_name: Good, email: g@coconut.example, profile: Standard User }
  bad@coconut.example: { last_name: Bad, email: b@coconut.example, profile: Standard User, title: Refused }
";
        world.write("access.yaml", yaml);
        let applied = world.run(&["apply", "access.yaml", "--auto-approve"]).await.fails();
        insta::assert_snapshot!(format!("user_rule_{rule}"), applied.whole());
        world.converges("mended", &yaml.replace("Refused", "Engineer")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_the_org_asks_for_is_named_before_the_first_write() {
    let world = world_with("custom_fields=User.Cost_Center__c:string!").await;
    let yaml = "version: 1
users:
  one@coconut.example: { last_name: One, email: o@coconut.example, profile: Standard User }
";
    world.write("access.yaml", yaml);
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    insta::assert_snapshot!("user_field_required", refused.errors);
    let said = yaml.replace("profile:", "fields: { Cost_Center__c: '4711' }, profile:");
    world.converges("said", &said).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_another_license_or_with_a_contact_are_refused_with_what_to_do() {
    let world = world_with("").await;
    let yaml = "version: 1
users:
  one@coconut.example: { last_name: One, email: o@coconut.example, profile: Standard User }
";
    world.converges("made", yaml).await;
    world.write("access.yaml", yaml.replace("Standard User", "Standard Platform User"));
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    insta::assert_snapshot!("user_of_another_license", refused.errors);
    let guest = "version: 1
users:
  guest@coconut.example: { last_name: Guest, email: g@coconut.example, profile: Customer Community User }
";
    world.write("access.yaml", guest);
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    insta::assert_snapshot!("user_with_contact", refused.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_address_is_announced_and_waiting_for_it_is_no_drift() {
    let yaml = "version: 1
users:
  one@coconut.example: { last_name: One, email: o@coconut.example, profile: Standard User }
";
    for waits in [false, true] {
        let world = world_with(&format!("email_changes_wait={waits}")).await;
        world.converges("made", yaml).await;
        let applied = world.converges("changed", &yaml.replace("o@coc", "new@coc")).await;
        assert!(applied.output.contains("Salesforce mails the new address"), "{}", applied.output);
        let user = world.id("User", "Username = 'one@coconut.example'").await;
        if !waits {
            let other = json!({"Email": "somebody@else.example"});
            world.call(Method::PATCH, &format!("sobjects/User/{user}"), other).await;
            let planned = world.run(&["plan", "access.yaml"]).await.succeeds();
            assert!(planned.output.contains("somebody@else.example"), "{}", planned.output);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_a_sandbox_put_out_of_order_is_no_drift() {
    let world = world_with("sandbox=true,users=1").await;
    let yaml = "version: 1
users:
  user1@local.orgform.example:
    last_name: User 1
    email: user1@local.orgform.example
    profile: Standard User
";
    let applied = world.converges("adopted", yaml).await;
    assert!(!applied.output.contains("~ email"), "{}", applied.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn active_and_frozen_are_states_that_a_file_declares() {
    let world = world_with("").await;
    let yaml = "version: 1
users:
  one@coconut.example: { last_name: One, email: o@coconut.example, profile: Standard User }
";
    world.converges("made", yaml).await;
    let frozen = yaml.replace("profile:", "frozen: true, profile:");
    world.converges("frozen", &frozen).await;
    let is_frozen = "SELECT Id FROM UserLogin WHERE IsFrozen = true";
    assert_eq!(world.query(is_frozen).await.len(), 1);
    world.converges("thawed", &yaml.replace("profile:", "frozen: false, profile:")).await;
    assert!(world.query(is_frozen).await.is_empty());
    world.converges("inactive", &yaml.replace("profile:", "active: false, profile:")).await;
    world.converges("active", &yaml.replace("profile:", "active: true, profile:")).await;
    // Frozen from outside, and the file says nothing of it: told, and left so.
    world.converges("nothing said", yaml).await;
    let login =
        world.query("SELECT Id FROM UserLogin WHERE User.Username = 'one@coconut.example'").await;
    let login = login[0]["Id"].as_str().expect("an id").to_owned();
    world
        .call(Method::PATCH, &format!("sobjects/UserLogin/{login}"), json!({"IsFrozen": true}))
        .await;
    let planned = world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await.succeeds();
    assert!(planned.output.contains("frozen in the org and is left so"), "{}", planned.output);
    world.write("access.yaml", frozen.replace("one@", "new@"));
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    assert!(refused.errors.contains("no login to freeze"), "{}", refused.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn items_of_a_users_lists_can_be_for_some_orgs_only() {
    let yaml = "version: 1
permission_sets: { A: {}, B: {} }
users:
  one@coconut.example:
    last_name: One
    email: o@coconut.example
    profile: Standard User
    permission_sets: [A, { name: B, when: [sandbox] }]
";
    for (seed, held) in [("", 1), ("sandbox=true", 2)] {
        let world = world_with(seed).await;
        world.converges("items", yaml).await;
        let rows = world.query("SELECT Id FROM PermissionSetAssignment WHERE PermissionSet.IsOwnedByProfile = false").await;
        assert_eq!(rows.len(), held, "{seed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn licenses_of_packages_come_before_packaged_sets_and_leave_after_them() {
    let yaml = "version: 1
users:
  one@coconut.example:
    last_name: One
    email: o@coconut.example
    profile: Standard User
    package_licenses: [coconut]
    permission_sets: [coconut__Coconut_Integration_Config]
";
    let world = world_with("package_seats=1").await;
    let applied = world.converges("given", yaml).await;
    insta::assert_snapshot!("package_license", applied.output);
    let second = format!("{yaml}{}", yaml["version: 1\nusers:\n".len()..].replace("one@", "two@"));
    world.write("access.yaml", &second);
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    insta::assert_snapshot!("package_license_seats", refused.whole());
    let neither = yaml
        .replace("    package_licenses: [coconut]\n", "")
        .replace("    permission_sets: [coconut__Coconut_Integration_Config]\n", "");
    world.converges("taken off", &neither).await;
    assert!(world.query("SELECT Id FROM UserPackageLicense").await.is_empty());
    let world = world_with("package_seats=1,admin_lacks=ManagePackageLicenses").await;
    world.write("access.yaml", yaml);
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    assert!(refused.output.contains("ManagePackageLicenses"), "{}", refused.whole());
    world.write("access.yaml", yaml.replace("[coconut]", "[mango]"));
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    assert!(refused.errors.contains("is not installed in this org"), "{}", refused.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_ends_on_its_day_and_the_day_can_move() {
    let world = world_with("").await;
    let yaml = "version: 1
permission_sets: { A: {} }
users:
  one@coconut.example:
    last_name: One
    email: o@coconut.example
    profile: Standard User
    permission_sets: [{ name: A, expires: 2026-12-31 }]
";
    world.converges("until a day", yaml).await;
    let applied = world.converges("later", &yaml.replace("2026-12", "2027-01")).await;
    assert!(applied.output.contains("\"2026-12-31\" -> \"2027-01-31\""), "{}", applied.output);
    world.converges("for ever", &yaml.replace("{ name: A, expires: 2026-12-31 }", "A")).await;
    world.converges("until a day again", yaml).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_the_org_keeps_active_is_frozen_moved_and_reported() {
    let world = world_with("workflow_user=integration@coconut.example").await;
    world.converges("the example", &crate::support::example()).await;
    let arguments = ["destroy", "access.yaml", "--auto-approve", "--parallelism", "1"];
    let destroyed = world.run(&arguments).await.fails();
    insta::assert_snapshot!("kept_active", destroyed.whole());
    let user = &world.query("SELECT IsActive, Profile.Name FROM User WHERE Username = 'integration@coconut.example'").await[0];
    assert_eq!(user["IsActive"], json!(true));
    assert_eq!(user["Profile"]["Name"], json!("Minimum Access - API Only Integrations"));
    assert_eq!(world.query("SELECT Id FROM UserLogin WHERE IsFrozen = true").await.len(), 1);
    assert!(
        world.query("SELECT Id FROM Profile WHERE Name = 'Coconut Integration'").await.is_empty()
    );
    let again = world.run(&["destroy", "access.yaml", "--auto-approve"]).await.fails();
    assert!(again.output.contains("deactivate failed"), "{}", again.whole());
    world.converges("wanted again", &crate::support::example()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_is_exclusive_holds_what_is_declared_and_no_more() {
    let world = world_with("").await;
    let yaml = "version: 1
permission_sets: { A: {}, L: { license: Sales Console User } }
users:
  one@coconut.example:
    last_name: One
    email: o@coconut.example
    profile: Standard User
    permission_sets: [A, L]
";
    world.converges("made", yaml).await;
    let user = world.id("User", "Username = 'one@coconut.example'").await;
    let set = world.id("PermissionSet", "Name = 'Coconut_Integration_Config'").await;
    let by_hand = json!({"AssigneeId": user, "PermissionSetId": set});
    world.call(Method::POST, "sobjects/PermissionSetAssignment", by_hand).await;
    let noted = world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await.succeeds();
    assert!(noted.output.contains("is not declared and is"), "{}", noted.output);
    let exclusive =
        yaml.replace("    permission_sets: [A", "    exclusive: all\n    permission_sets: [A");
    let applied = world.converges("exclusive", &exclusive).await;
    insta::assert_snapshot!("exclusive", applied.output);
    let held = world
        .query(
            "SELECT Id FROM PermissionSetAssignment WHERE PermissionSet.IsOwnedByProfile = false",
        )
        .await;
    assert_eq!(held.len(), 2);
    let license = world.query("SELECT Id FROM PermissionSetLicenseAssign").await;
    assert_eq!(license.len(), 1, "the license that came with a set stays");
}

const MEMBER: &str = "version: 1
users:
  one@coconut.example:
    last_name: One
    email: one@coconut.example
    profile: Standard User
    queues: [Support Desk, { name: Returns, when: [production] }]
    public_groups: [Everybody]
";

#[tokio::test(flavor = "multi_thread")]
async fn a_user_joins_queues_and_public_groups_and_leaves_them() {
    let world = world_with("queues=Support_Desk+Returns+Sales,public_groups=Everybody+Sales").await;
    let applied = world.converges("joined", MEMBER).await;
    insta::assert_snapshot!("memberships", applied.output);
    let held = "SELECT Id FROM GroupMember";
    assert_eq!(world.query(held).await.len(), 3);

    let user = world.id("User", "Username = 'one@coconut.example'").await;
    let queue = world.id("Group", "DeveloperName = 'Sales' AND Type = 'Queue'").await;
    let by_hand = json!({"GroupId": queue, "UserOrGroupId": user});
    world.call(Method::POST, "sobjects/GroupMember", by_hand).await;
    let noted = world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await.succeeds();
    assert!(noted.output.contains("left alone: Sales"), "{}", noted.output);
    let exclusive = MEMBER.replace("    queues:", "    exclusive: [queues]\n    queues:");
    world.converges("exclusive", &exclusive).await;
    assert_eq!(world.query(held).await.len(), 3);

    let fewer = exclusive
        .replace("[Support Desk, { name: Returns, when: [production] }]", "[]")
        .replace("    public_groups: [Everybody]\n", "");
    world.converges("left", &fewer).await;
    assert!(world.query(held).await.is_empty());
    world
        .call(
            Method::POST,
            "sobjects/GroupMember",
            json!({"GroupId": queue, "UserOrGroupId": user}),
        )
        .await;
    world.converges("exclusive of all", &fewer).await;
    assert!(world.query(held).await.is_empty(), "what is exclusive is looked for, declared or not");

    std::fs::remove_dir_all(world.state()).expect("the state is there");
    world
        .call(
            Method::POST,
            "sobjects/GroupMember",
            json!({"GroupId": queue, "UserOrGroupId": user}),
        )
        .await;
    let adopted = MEMBER.replace("Support Desk", "Sales");
    world.converges("adopted", &adopted).await;
    world.write("access.yaml", adopted.replace("Everybody", "Evrybody"));
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    insta::assert_snapshot!("membership_unknown", refused.whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_user_access_policy_undoes_is_told_and_not_fought() {
    let yaml = "version: 1
permission_sets: { A: {}, B: {} }
users:
  one@coconut.example:
    last_name: One
    email: one@coconut.example
    profile: Standard User
    exclusive: all
    permission_sets: [A, B]
";
    let world = world_with("access_policy=grant:B").await;
    world.converges("made", yaml).await;
    world.write("access.yaml", yaml.replace("[A, B]", "[A]").replace("A: {}, B: {}", "A: {}"));
    let undone =
        world.run(&["apply", "access.yaml", "--auto-approve", "--parallelism", "1"]).await.fails();
    insta::assert_snapshot!("policy_grants", undone.whole());
    let noted = world.run(&["plan", "access.yaml", "--detailed-exitcode"]).await;
    insta::assert_snapshot!("policy_grants_again", noted.whole());

    let world = world_with("access_policy=revoke:B").await;
    world.write("access.yaml", yaml);
    let undone =
        world.run(&["apply", "access.yaml", "--auto-approve", "--parallelism", "1"]).await.fails();
    assert!(undone.output.contains("it was given and is gone again"), "{}", undone.whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_for_production_finds_the_users_of_a_sandbox_copy() {
    let world = world_with("sandbox=true").await;
    let org = world.org().org_id.clone();
    let profile = world.id("Profile", "Name = 'Standard User'").await;
    let copied = json!({
        "Username": "one@coconut.example.uat", "LastName": "One", "Email": "o@coconut.example.invalid",
        "Alias": "one", "TimeZoneSidKey": "America/Los_Angeles", "LocaleSidKey": "en_US",
        "EmailEncodingKey": "UTF-8", "LanguageLocaleKey": "en_US", "ProfileId": profile,
    });
    world.call(Method::POST, "sobjects/User", copied).await;
    let yaml = format!(
        "version: 1
username_suffixes: {{ {org}: .uat, yourcompany--dev: .dev }}
permission_sets: {{ A: {{}} }}
users:
  one@coconut.example:
    last_name: One
    email: o@coconut.example
    profile: Standard User
    permission_sets: [A]
  two@coconut.example:
    last_name: Two
    email: t@coconut.example
    profile: Standard User
    manager: one@coconut.example
"
    );
    let applied = world.converges("the copy", &yaml).await;
    let output = applied.output.replace(&org, "ORG ID");
    insta::assert_snapshot!("sandbox_copy", output);
    let manager =
        "Username = 'two@coconut.example.uat' AND Manager.Username = 'one@coconut.example.uat'";
    world.id("User", manager).await;
    world.write("access.yaml", yaml.replace("[A]", "[B]"));
    let refused = world.run(&["plan", "access.yaml"]).await.fails();
    assert!(refused.whole().contains("permission_sets: [B]"), "{}", refused.whole());
    world.write("access.yaml", yaml.replace(".dev }", "'@dev' }"));
    let refused = world.run(&["validate", "access.yaml"]).await.fails();
    assert!(refused.whole().contains("can't stand behind a username"), "{}", refused.whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_that_gives_usernames_back_lets_apply_make_new_users() {
    let world = world_with("").await;
    let yaml = "version: 1
users:
  one@coconut.example: { last_name: One, email: o@coconut.example, profile: Standard User }
";
    world.converges("made", yaml).await;
    let arguments =
        ["destroy", "access.yaml", "--auto-approve", "--parallelism", "1", "--rename-usernames"];
    let destroyed = world.run(&arguments).await.succeeds();
    let first = world.id("User", "LastName = 'One' AND IsActive = false").await;
    let output = destroyed.output.replace(&first.to_lowercase(), "USERID");
    insta::assert_snapshot!("usernames_given_back", output);
    let again = world.converges("made anew", yaml).await;
    assert!(again.output.contains("1 created"), "{}", again.output);
    let second = world.id("User", "LastName = 'One' AND IsActive = true").await;
    assert_ne!(first, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_whose_last_day_is_over_is_refused_at_its_line() {
    let world = world_with("").await;
    let yaml = "version: 1
permission_sets: { A: {} }
users:
  one@coconut.example:
    last_name: One
    email: o@coconut.example
    profile: Standard User
    permission_sets: [{ name: A, expires: 2020-01-01 }]
";
    world.write("access.yaml", yaml);
    let refused = world.run(&["apply", "access.yaml", "--auto-approve"]).await.fails();
    assert!(refused.whole().contains("its last day, 2020-01-01, is over"), "{}", refused.whole());
    assert!(refused.whole().contains("access.yaml:8"), "{}", refused.whole());
}
