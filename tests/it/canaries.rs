//! Secrets that are planted wherever one can come from, and looked for in everything that
//! is printed and written.

use std::path::Path;

use crate::support::Ran;
use crate::support::World;
use crate::support::example;

const PASSWORD: &str = "Canary-Password-1!";
const TEMPORARY: &str = "canaryTemporary9";

/// Every text of a folder, but for what the local org keeps of itself.
fn written(folder: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            written(&path, into);
        } else if !path.ends_with("secret.yaml") {
            into.push((path.display().to_string(), std::fs::read(&path).expect("reads")));
        }
    }
}

struct Canaries(Vec<String>);

impl Canaries {
    fn of(world: &World) -> Self {
        let org = world.org();
        let token = org.access_token.split_once('!').expect("a token").1.to_owned();
        let secrets = [token, org.refresh_token.clone(), org.consumer_secret.clone()];
        let planted = [PASSWORD.to_owned(), TEMPORARY.to_owned()];
        Self(secrets.into_iter().chain(planted).collect())
    }

    #[track_caller]
    fn are_not_in(&self, what: &str, ran: &Ran) {
        for secret in &self.0 {
            let text = ran.whole();
            assert!(!text.contains(secret.as_str()), "{what} shows {secret}: {text}");
        }
    }

    #[track_caller]
    fn are_not_below(&self, folder: &Path) {
        let mut files = Vec::new();
        written(folder, &mut files);
        for (path, bytes) in files {
            for secret in &self.0 {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{path} holds {secret}");
            }
        }
    }
}

const COMMANDS: [&str; 17] = [
    "plan access.yaml",
    "plan access.yaml --json",
    "plan access.yaml --markdown",
    "plan access.yaml --out saved.plan",
    "show saved.plan --json",
    "graph access.yaml --format svg",
    "apply access.yaml --auto-approve --json --json-into events.jsonl",
    "apply access.yaml --auto-approve",
    "apply saved.plan",
    "explain user integration@coconut.example",
    "explain user integration@coconut.example --json",
    "state list",
    "state check --json",
    "state show user.integration@coconut.example",
    "validate access.yaml",
    "destroy access.yaml --auto-approve --json",
    "destroy access.yaml --auto-approve",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_command_shows_or_writes_a_secret_however_the_org_answers() {
    let busy = r#"[{"errorCode":"SERVER_UNAVAILABLE","message":"ECHO"}]"#;
    for (status, body) in [
        (0, String::new()),
        (200, "ECHO".to_owned()),
        (400, r#"[{"errorCode":"X_ECHO","message":"ECHO","fields":["ECHO"]}]"#.to_owned()),
        (401, r#"[{"errorCode":"INVALID_SESSION_ID","message":"ECHO"}]"#.to_owned()),
        (500, "<e:Envelope><faultcode>ECHO</faultcode><Fault><faultcode>x</faultcode><faultstring>ECHO</faultstring></Fault></e:Envelope>".to_owned()),
        (502, "<html>ECHO</html>".to_owned()),
        (503, busy.to_owned()),
    ] {
        let answer = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
        let held = std::sync::Arc::clone(&answer);
        let (world, _) = crate::answers::lying(move |_| {
            (status > 0).then(|| (status, body.replace("ECHO", &held.lock().expect("no panic"))))
        })
        .await;
        *answer.lock().expect("no panic") = world.org().access_token.clone();
        let canaries = Canaries::of(&world);
        for command in COMMANDS {
            let words = command.split(' ').chain(["--verbose", "--log", "run.log"]);
            let ran = world.run(&words.collect::<Vec<_>>()).await;
            canaries.are_not_in(&format!("`{command}` at {status}"), &ran);
        }
        canaries.are_not_below(world.path());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_password_in_a_strange_answer_is_not_told() {
    for (status, body) in [
        (201, format!("{{\"NewPassword\":\"{TEMPORARY}\"}}")),
        (200, format!("[{{\"newPassword\": \"{TEMPORARY}\"}}]")),
        (200, format!("{{\"NewPasswort\": \"{TEMPORARY}\"}}")),
        (200, TEMPORARY.to_owned()),
        (500, format!("{{\"NewPassword\": \"{TEMPORARY}\"")),
    ] {
        let (world, _) = crate::answers::lying(move |request| {
            request.url.ends_with("/password").then(|| (status, body.clone()))
        })
        .await;
        let canaries = Canaries::of(&world);
        for json in [&["--json"][..], &[]] {
            let mut arguments = vec!["apply", "access.yaml", "--auto-approve"];
            arguments.extend(json);
            canaries.are_not_in(&format!("{status}"), &world.run(&arguments).await);
        }
        canaries.are_not_below(world.path());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_in_an_address_or_a_file_is_not_repeated() {
    let world = World::new().await;
    world.write("access.yaml", example());
    let canaries = Canaries::of(&world);
    for address in [
        format!("https://me:{PASSWORD}@coconut.my.salesforce.com"),
        format!("https://{PASSWORD}@coconut.my.salesforce.com/x"),
        format!("http://coconut.my.salesforce.com/{PASSWORD}"),
        format!("https://coconut.my.salesforce.com?token={PASSWORD}"),
        format!("{PASSWORD}://x"),
    ] {
        world.set("SF_INSTANCE_URL", &address);
        for command in ["plan access.yaml", "apply access.yaml --auto-approve --json", "state list"]
        {
            let ran = world.run(&command.split(' ').collect::<Vec<_>>()).await.fails();
            canaries.are_not_in(&format!("{command} with {address}"), &ran);
        }
    }
    let user = "users:\n  a@x.example:\n    last_name: X\n    email: a@x.example\n    profile: Standard User\n";
    for line in [
        format!("password: {PASSWORD}"),
        format!("password: \"{PASSWORD}\""),
        format!("password:\n      {PASSWORD}"),
        format!("password: {{ new: {PASSWORD} }}"),
        format!("Password: {PASSWORD}"),
        format!("token: {PASSWORD}"),
        format!("fields: {{ Password: {PASSWORD}, Secret__c: {PASSWORD} }}"),
        format!("title: [1, 2], password: {PASSWORD}"),
    ] {
        world.write("secret.yaml", format!("version: 1\n{user}    {line}\n"));
        for command in ["validate", "validate --json", "validate --sarif", "plan", "fmt --check"] {
            let command = format!("{command} secret.yaml");
            let words = command.split(' ').chain(["--verbose", "--log", "run.log"]);
            let ran = world.run(&words.collect::<Vec<_>>()).await;
            canaries.are_not_in(&format!("{command} of {line}"), &ran);
        }
    }
}
