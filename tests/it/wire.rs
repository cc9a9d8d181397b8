//! The client at the wire: what it sends, counts, pages and understands.

use std::sync::Arc;

use orgform::local_org::Doubts;
use orgform::local_org::Seed;
use orgform::org::Connection;
use orgform::org::HttpWire;
use orgform::org::InstanceUrl;
use orgform::org::Org;
use orgform::org::OrgError;
use orgform::org::RetryPolicy;
use orgform::org::keyed_queries;
use secrecy::SecretString;

use crate::support::World;
use crate::support::quick_pauses;

fn client(world: &World) -> Org {
    let connection = Connection {
        instance_url: InstanceUrl::parse(&world.org().instance_url).expect("an address"),
        access_token: SecretString::from(world.org().access_token.clone()),
        emulated: true,
    };
    let sleep = quick_pauses();
    Org::new(connection, RetryPolicy::default(), Arc::new(HttpWire::default()), sleep, 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_of_several_pages_loses_and_repeats_no_row() {
    let world =
        World::with(Seed { users: 4500, seats: None, ..Seed::default() }, Doubts::default()).await;
    let org = client(&world);
    let mut names = Vec::new();
    let queries = ["SELECT Username FROM User ORDER BY Username".to_owned()];
    org.query_all(&queries, &mut |_, rows| {
        assert!(rows.len() <= 2000);
        names.extend(rows.iter().map(|row| row["Username"].to_string()));
    })
    .await
    .expect("rows");
    let count = names.len();
    names.dedup();
    assert_eq!((count, names.len()), (4501, 4501));
    assert_eq!(org.usage().total(), 3, "one call a page");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_keys_go_in_few_calls_and_are_all_answered() {
    let world =
        World::with(Seed { users: 1500, seats: None, ..Seed::default() }, Doubts::default()).await;
    let org = client(&world);
    let keys: Vec<String> = (1..=1500).map(|n| format!("user{n}@local.orgform.example")).collect();
    let queries = keyed_queries(
        "User",
        &["Id", "Username"],
        "Username",
        &[],
        keys.iter().map(String::as_str),
    );
    let mut found = 0;
    org.query_all(&queries, &mut |_, rows| found += rows.len()).await.expect("rows");
    assert_eq!(found, 1500);
    assert_eq!(org.usage().total(), queries.len().div_ceil(5) as u64, "five queries a call");
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_of_both_kinds_share_calls_and_a_missing_object_is_no_error() {
    let world = World::new().await;
    let org = client(&world);
    let queries: Vec<String> = (0..7).map(|_| "SELECT Id FROM Profile".to_owned()).collect();
    let mut answered = vec![0; 7];
    let described = org
        .ask(&queries, &["Contact", "Nonsense__c", "Lead"], &|_| false, &mut |index, rows| {
            answered[index] += rows.len();
        })
        .await
        .expect("answers");
    assert!(answered.iter().all(|count| *count > 0), "{answered:?}");
    assert_eq!(described.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(org.usage().total(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_query_names_itself_and_the_reason() {
    let world = World::new().await;
    let org = client(&world);
    for queries in [
        vec!["SELECT Nonsense FROM User".to_owned()],
        vec!["SELECT Id FROM User".to_owned(), "SELECT Nonsense FROM User".to_owned()],
    ] {
        let error = org.query_all(&queries, &mut |_, _| ()).await.expect_err("no such field");
        let refusal = error.refused().expect("a refusal").first();
        assert_eq!(refusal.code, "INVALID_FIELD");
        assert!(refusal.message.contains("No such column 'Nonsense'"), "{refusal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_days_limit_is_read_from_answers_and_asked_for() {
    let world = World::new().await;
    let org = client(&world);
    let (used, limit) = org.limits().await.expect("limits");
    assert_eq!(limit, 100_000);
    assert_eq!(org.usage().today, Some((used, limit)));
    org.read_documents("Profile", &["Admin".into()]).await.expect("a document");
    assert_eq!(org.usage().today, Some((used + 1, limit)), "SOAP tells it too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_and_an_absent_org_are_told_apart_and_the_token_is_never_shown() {
    let world = World::new().await;
    let with = |url: &str, token: &str| {
        let connection = Connection {
            instance_url: InstanceUrl::parse(url).expect("an address"),
            access_token: SecretString::from(token.to_owned()),
            emulated: true,
        };
        let sleep = quick_pauses();
        Org::new(connection, RetryPolicy::default(), Arc::new(HttpWire::default()), sleep, 1)
    };
    let secret = "00D000000000001!VERYSECRET";
    let wrong = with(&world.org().instance_url, secret);
    let error = wrong.limits().await.expect_err("no session");
    assert!(matches!(error, OrgError::Session { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("VERYSECRET"));
    let document =
        wrong.read_documents("Profile", &["Admin".into()]).await.expect_err("no session");
    assert!(matches!(document, OrgError::Session { .. }), "{document}");
    let absent = with("http://127.0.0.1:1", secret);
    let error = absent.limits().await.expect_err("nobody there");
    assert!(matches!(error, OrgError::Unreachable { .. }), "{error}");
    assert_eq!(absent.usage().total(), 5, "it was tried again");
}
