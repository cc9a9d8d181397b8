//! How questions are merged into queries, and who reads what comes back.

use serde_json::json;

use super::Round;
use crate::facts::Catalog;
use crate::facts::Fact;
use crate::facts::Inquiry;
use crate::facts::Known;
use crate::kinds;
use crate::model::Row;

fn row(value: serde_json::Value) -> Row {
    let serde_json::Value::Object(row) = value else { panic!("a row is an object") };
    row
}

#[test]
fn questions_about_the_same_rows_are_one_query_and_each_reads_its_own() {
    let facts = [
        Fact::Queue("Support".into()),
        Fact::PublicGroup("All_Sales".into()),
        Fact::PermissionSet("coconut__Base".into()),
    ];
    let (mut inquiry, mut catalog) = (Inquiry::about(facts), Catalog::new());
    inquiry.begin(&mut catalog);
    let mut round = Round::of(inquiry.questions(0, &catalog));
    let set = kinds::named("permission_set").expect("the kind");
    assert!(round.piggyback(3, &set.queries()[0], &["Robots".to_owned()]));
    let user = kinds::named("user").expect("the kind");
    assert!(!round.piggyback(9, &user.queries()[0], &["one@x.example".to_owned()]));
    insta::assert_snapshot!(round.texts().join("\n"), @r"
    SELECT Id, Name, NamespacePrefix, Label FROM PermissionSet WHERE IsOwnedByProfile = false AND PermissionSetGroupId = null AND (Name IN ('Base','Robots') OR Label IN ('coconut__Base'))
    SELECT Id, DeveloperName, Name, Type FROM Group WHERE Type IN ('Queue', 'Regular') AND (DeveloperName IN ('Support','All_Sales') OR Name IN ('Support','All_Sales'))
    ");
    let mut of_kind = Vec::new();
    let mut take = |text: usize, rows: &[Row]| {
        round.take_page(text, rows, (&mut inquiry, &mut catalog), &mut |kind, row| {
            of_kind.push((kind, row["Id"].clone()));
        });
    };
    let packaged = json!({"Id": "0PS000000000001", "Name": "Base", "NamespacePrefix": "coconut"});
    let ours = json!({"Id": "0PS000000000002", "Name": "robots", "Label": "Robots"});
    take(0, &[row(packaged), row(ours)]);
    let queue = json!({"Id": "00G000000000001", "DeveloperName": "Support", "Type": "Queue"});
    take(1, &[row(queue)]);
    round.take_rest(&[], &mut inquiry, &mut catalog);
    inquiry.finish(&mut catalog);
    assert_eq!(of_kind, [(3, json!("0PS000000000002"))]);
    assert_eq!(catalog.permission_set.get("coconut__Base").list().len(), 1);
    assert_eq!(catalog.permission_set.get("robots"), Known::NotAsked, "no fact asked for it");
    assert_eq!(catalog.queue.get("Support").list().len(), 1);
    assert_eq!(catalog.public_group.get("All_Sales"), Known::Absent);
}

#[test]
fn what_the_org_refuses_to_say_stays_unknown_and_what_it_lacks_is_absent() {
    let facts = [Fact::Package("coconut".into()), Fact::Role("CEO".into())];
    let (mut inquiry, mut catalog) = (Inquiry::about(facts), Catalog::new());
    let mut round = Round::of(inquiry.questions(0, &catalog));
    assert_eq!(round.texts().len(), 2);
    assert_eq!(round.may_be_refused(), [true, false]);
    round.take_page(1, &[], (&mut inquiry, &mut catalog), &mut |_, _| {});
    round.take_rest(&[], &mut inquiry, &mut catalog);
    inquiry.finish(&mut catalog);
    assert_eq!(catalog.package.get("coconut"), Known::NotAsked);
    assert_eq!(catalog.role.get("CEO"), Known::Absent);
}

#[test]
fn a_kind_asks_for_itself_where_there_are_many() {
    let names = (0..100).map(|number| Fact::Profile(format!("P{number}")));
    let mut inquiry = Inquiry::about(names);
    let mut round = Round::of(inquiry.questions(0, &Catalog::new()));
    let profile = kinds::named("profile").expect("the kind");
    assert!(!round.piggyback(6, &profile.queries()[0], &["Robots".to_owned()]));
}
