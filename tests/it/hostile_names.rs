//! Names that mean harm: whatever the org has, the files say or the arguments hold,
//! nothing that is shown moves a cursor, turns the direction of writing, hides a letter
//! or begins a line of its own.

use orgform::org::Answering;
use orgform::org::HttpWire;
use orgform::org::Wire;
use orgform::org::WireRequest;
use orgform::text::shown::is_hidden;
use serde_json::json;

use crate::support::Ran;
use crate::support::World;

/// What stands in the org, and what it looks like to orgform.
const PLAIN: &str = "EVIL";
const HOSTILE: &str = "E\u{1b}[8m\u{202e}\u{200b}\u{9b}1A\nFORGED + all is well\n";

/// A way to the org on which one name is another.
#[derive(Default)]
struct Renaming(HttpWire);

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

impl Wire for Renaming {
    fn send(&self, mut request: WireRequest) -> Answering<'_> {
        // What orgform asks by the name that it was told.
        let quoted = HOSTILE.replace('\n', "\\n");
        for part in [quoted, HOSTILE.to_owned()] {
            let part: String = part
                .bytes()
                .map(|byte| match byte {
                    b if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) => {
                        char::from(b).to_string()
                    }
                    b => format!("%{b:02X}"),
                })
                .collect();
            request.url = request.url.replace(&part, &encoded(PLAIN));
        }
        Box::pin(async move {
            let mut answer = self.0.send(request).await?;
            let text = String::from_utf8(answer.body).expect("text");
            let hostile = if text.starts_with('<') {
                HOSTILE.replace(['\u{1b}', '\u{9b}'], "").replace('\n', "&#10;")
            } else {
                let quoted = serde_json::to_string(HOSTILE).expect("JSON");
                quoted.trim_matches('"').to_owned()
            };
            answer.body = text.replace(PLAIN, &hostile).into_bytes();
            Ok(answer)
        })
    }
}

/// Fails where something of it would be obeyed or not seen.
#[track_caller]
fn is_clean(what: &str, ran: &Ran) {
    for text in [&ran.output, &ran.errors] {
        let hidden = text.chars().find(|held| is_hidden(*held) && *held != '\n');
        assert_eq!(hidden, None, "{what}: {}", ran.whole());
        let forged = text.lines().find(|line| line.trim_start().starts_with("FORGED"));
        assert_eq!(forged, None, "{what}: {}", ran.whole());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_org_has_is_shown_and_not_obeyed() {
    let world = World::new().await;
    world.write("access.yaml", YAML);
    world.run(&["apply", "access.yaml", "--auto-approve"]).await.succeeds();
    let world_ref = &world;
    let post = async |object: &str, row| {
        world_ref.call(reqwest::Method::POST, &format!("sobjects/{object}"), row).await
    };
    let set = post("PermissionSet", json!({"Name": "EVIL_Set", "Label": "EVIL"})).await;
    let user = world.id("User", "Username = 'qa@coconut.example'").await;
    let role = post("UserRole", json!({"Name": "EVIL role", "DeveloperName": "EVIL_role"})).await;
    post("PermissionSetAssignment", json!({"AssigneeId": user, "PermissionSetId": set["id"]}))
        .await;
    let changed = json!({"UserRoleId": role["id"], "Title": "EVIL\nEVIL", "FirstName": "EVIL"});
    let path = format!("sobjects/User/{user}");
    world.call(reqwest::Method::PATCH, &path, changed).await;
    world
        .call(
            reqwest::Method::PATCH,
            &format!("sobjects/PermissionSet/{}", world.id("PermissionSet", "Name = 'Ours'").await),
            json!({"Label": "EVIL", "Description": "EVIL"}),
        )
        .await;
    let world = world.over(Renaming::default());
    world.write("exclusive.yaml", YAML.replace("    profile", "    exclusive: all\n    profile"));
    let mut seen = 0;
    for arguments in [
        "plan access.yaml",
        "plan access.yaml --view full",
        "plan access.yaml --json",
        "plan access.yaml --markdown",
        "plan access.yaml --refresh-only",
        "plan exclusive.yaml",
        "plan exclusive.yaml --json",
        "plan exclusive.yaml --markdown",
        "plan exclusive.yaml --view summary",
        "plan exclusive.yaml --out saved.plan",
        "show saved.plan",
        "show saved.plan --json",
        "graph exclusive.yaml --format mermaid",
        "graph exclusive.yaml --format dot",
        "graph exclusive.yaml --format svg",
        "explain user qa@coconut.example",
        "explain user qa@coconut.example --json",
        "apply exclusive.yaml --auto-approve",
        "apply access.yaml --auto-approve --json",
        "state list",
        "state check",
        "destroy access.yaml --auto-approve",
    ] {
        let ran = world.run(&arguments.split(' ').collect::<Vec<_>>()).await;
        is_clean(arguments, &ran);
        seen += usize::from(ran.whole().contains("FORGED"));
    }
    assert!(seen >= 10, "shown in {seen}");
}

const YAML: &str = "version: 1
permission_sets:
  Ours: { label: Ours, description: Ours }
users:
  qa@coconut.example:
    first_name: Qa
    last_name: Qa
    email: qa@coconut.example
    title: QA
    profile: Minimum Access - Salesforce
    permission_sets: [Ours]
";

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_shown_and_not_obeyed() {
    let refusal = json!([{"errorCode": HOSTILE, "message": HOSTILE, "fields": [HOSTILE]}]);
    let refusal = refusal.to_string();
    for json in [false, true] {
        for status in [400, 500] {
            for place in ["/sobjects", "/query", "/composite"] {
                let text = refusal.clone();
                let (world, _) = crate::answers::lying(move |request| {
                    request.url.contains(place).then(|| (status, text.clone()))
                })
                .await;
                let mut arguments = vec!["apply", "access.yaml", "--auto-approve"];
                arguments.extend(json.then_some("--json"));
                let ran = world.run(&arguments).await.fails();
                is_clean(&format!("{status} at {place}"), &ran);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_argument_is_shown_and_not_obeyed() {
    let world = World::new().await;
    world.write("access.yaml", YAML);
    for arguments in [
        vec![HOSTILE],
        vec!["plan", HOSTILE],
        vec!["plan", "--org", HOSTILE],
        vec!["plan", "--target", HOSTILE, "access.yaml"],
        vec!["plan", "--view", HOSTILE],
        vec!["plan", "--state-dir", HOSTILE, "access.yaml"],
        vec!["apply", HOSTILE],
        vec!["show", HOSTILE],
        vec!["state", "show", HOSTILE],
        vec!["state", "restore", HOSTILE],
        vec!["explain", "user", HOSTILE],
        vec!["fmt", HOSTILE],
        vec!["validate", HOSTILE],
        vec!["graph", HOSTILE],
        vec!["org", "serve", "--seed-org", HOSTILE],
        vec!["apply", "access.yaml", "--auto-approve", "--json-into", HOSTILE],
    ] {
        let ran = world.run(&arguments).await;
        is_clean(&format!("{arguments:?}"), &ran);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_hidden_characters_is_refused_with_its_place() {
    let world = World::bare();
    let user = |key: &str, value: &str| {
        format!(
            "version: 1\nusers:\n  qa@coconut.example:\n    last_name: Qa\n    email: qa@coconut.example\n    profile: Minimum Access - Salesforce\n    {key}: \"{value}\"\n"
        )
    };
    for (yaml, place) in [
        (user("title", "a\\u202Eb"), "7:12"),
        (user("first_name", "a\\u200Bb"), "7:17"),
        (user("alias", "a\\u200Db"), "7:12"),
        (user("title", "a\\u001Bb"), "7:12"),
        (user("title", "a\\u0085b"), "7:12"),
        (user("role", "a\\u2066b"), "7:11"),
        (user("title", "a\u{202e}b"), "7:14"),
        (
            "version: 1\nprofiles:\n  \"P\\u200B\": { clone_from: Standard User }\n".to_owned(),
            "3:3",
        ),
        ("version: 1\npermission_sets:\n  A: { label: \"A\\u200D\" }\n".to_owned(), "3:15"),
        ("version: 1\npermission_sets:\n  A: { label: \"A\\nB\" }\n".to_owned(), "3:15"),
        ("version: 1 # \u{202e}1 :noisrev\n".to_owned(), "1:14"),
        ("version: 1\nrelease: [\"user.a\\u202Eb\"]\n".to_owned(), "2:11"),
        ("version: 1\npersonas:\n  \"A\\u202EB\": { profile: X }\n".to_owned(), "3:3"),
    ] {
        world.write("access.yaml", &yaml);
        let ran = world.run(&["validate", "access.yaml"]).await.fails();
        is_clean(&yaml, &ran);
        let told = ran.errors.contains("U+") || ran.errors.contains("line end");
        assert!(told, "{yaml}: {}", ran.whole());
        assert!(ran.errors.contains(&format!("access.yaml:{place}")), "{yaml}: {}", ran.whole());
    }
    // Joiners and several lines are what some texts need.
    world.write(
        "access.yaml",
        "version: 1\npermission_sets:\n  A: { label: A, description: \"می\u{200c}خواهم 👩\u{200d}💻\\nb\" }\n",
    );
    world.run(&["validate", "access.yaml"]).await.succeeds();
}
