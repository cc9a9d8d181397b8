//! What `--verbose` and `--log` say: each call and each decision that somebody would ask
//! for who helps, and nothing that must not be said.

use crate::support::World;
use crate::support::example;

#[tokio::test(flavor = "multi_thread")]
async fn calls_and_decisions_are_said_on_standard_error_and_in_a_private_file() {
    let world = World::new().await;
    world.write("access.yaml", example());
    let arguments = ["apply", "access.yaml", "--auto-approve", "-v", "--log", "run.log"];
    let ran = world.run(&arguments).await.succeeds();
    let log = std::fs::read_to_string(world.path().join("run.log")).expect("the log");
    for text in [&ran.errors, &log] {
        for words in [
            "orgform begins version=",
            "asks fact=\"profile `Minimum Access - API Only Integrations`\" policy=KeptForADay",
            "call leaves method=POST path=\"/services/data/v63.0/composite\" bytes=",
            "answer came call=\"POST /services/data/v63.0/composite\" attempt=1 milliseconds=",
            "status=200",
            "plans a change address=user.integration@coconut.example action=Create",
            "sends a batch shape=\"insert User\" ops=1 intent=",
            "a batch is back shape=\"insert User\" ops=1 intent=",
        ] {
            assert!(text.contains(words), "{words} in {text}");
        }
        let token = world.org().access_token.split_once('!').expect("a token").1;
        assert!(!text.contains(token));
        assert!(!text.contains("hyper"), "libraries say nothing");
    }
    assert_eq!(ran.errors.lines().count(), log.lines().count());
    let quiet = world.run(&["plan", "access.yaml"]).await.succeeds();
    assert_eq!(quiet.errors, "", "nothing is said unasked");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let file = std::fs::metadata(world.path().join("run.log")).expect("the log");
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_org_says_stays_on_its_line_and_a_repeat_is_said() {
    let busy = r#"[{"message":"busy","errorCode":"SERVER_UNAVAILABLE"}]"#;
    let left = std::sync::atomic::AtomicUsize::new(1);
    let (world, _) = crate::answers::lying(move |_| {
        let is_first = left.swap(0, std::sync::atomic::Ordering::Relaxed) == 1;
        is_first.then(|| (503, busy.to_owned()))
    })
    .await;
    let ran = world.run(&["plan", "access.yaml", "--log", "run.log"]).await.succeeds();
    let log = std::fs::read_to_string(world.path().join("run.log")).expect("the log");
    assert!(log.contains("status=503") && log.contains("request_id=\"req-1\""), "{log}");
    assert!(log.contains("waits to send it again") && log.contains("attempt=2"), "{log}");
    assert!(!log.contains('\u{1b}'), "{}", ran.whole());
    for line in log.lines() {
        assert!(line.contains(" s DEBUG orgform"), "{line} is a line of its own");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_can_not_be_written_is_said_before_anything_is_done() {
    let world = World::new().await;
    world.write("access.yaml", example());
    let ran = world.run(&["apply", "access.yaml", "--auto-approve", "--log", "no/where.log"]).await;
    let ran = ran.fails();
    assert!(ran.errors.contains("the log can't be written"), "{}", ran.whole());
    assert_eq!(ran.output, "");
}
