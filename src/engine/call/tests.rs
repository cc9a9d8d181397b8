//! What a call makes of answers, refusals and of none.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use serde_json::json;

use super::Caller;
use crate::engine::cause::Cause;
use crate::engine::prepare::prepare;
use crate::engine::report::OpResult;
use crate::engine::report::Report;
use crate::engine::testing::Reply;
use crate::engine::testing::Script;
use crate::model::Address;
use crate::model::ApiCallEstimate;
use crate::model::Changes;
use crate::model::IdReference;
use crate::model::KindName;
use crate::model::Monotonic;
use crate::model::Op;
use crate::model::Ownership;
use crate::model::Plan;
use crate::model::PlanMode;
use crate::model::RecordEffect;
use crate::model::SalesforceId;
use crate::model::StepName;
use crate::model::Summary;
use crate::model::Write;

const OBJECT: &str = "PermissionSetAssignment";

fn address(user: &str) -> Address {
    Address::new(KindName::PERMISSION_SET_ASSIGNMENT, &format!("{user}@x.example/Robots"))
}

fn op(user: &str, step: StepName, write: Write, effect: RecordEffect) -> Op {
    let (after, subject, lane) = (Vec::new(), None, None);
    Op { address: address(user), step, write, after, subject, lane, effect }
}

fn gives(user: &str) -> Op {
    let write = Write::Insert { object: OBJECT.into(), fields: Vec::new() };
    let effect = RecordEffect { creates: Some(Ownership::Created), ..RecordEffect::default() };
    op(user, StepName::Assign, write, effect)
}

fn known(id: &str) -> IdReference {
    IdReference::Known(SalesforceId::parse(id).expect("an id"))
}

/// Sends these in one call to an org that answers so.
async fn sent(script: &Arc<Script>, ops: Vec<Op>) -> Report {
    let plan = Plan {
        mode: PlanMode::Converge,
        org_id: SalesforceId::parse("00D000000000001").expect("an id"),
        changes: Changes::default(),
        ops,
        sync: BTreeMap::new(),
        drift: BTreeMap::new(),
        notes: Vec::new(),
        findings: Vec::new(),
        access: Vec::new(),
        existing: BTreeMap::new(),
        partial: None,
        summary: Summary::default(),
        api_calls: ApiCallEstimate::default(),
    };
    let prepared = plan.ops.iter().enumerate();
    let prepared = prepared.map(|(number, op)| prepare(number, op, &mut |_| None));
    let prepared: Vec<_> = prepared.collect::<Result<_, _>>().expect("all ids are known");
    let monotonic: Monotonic = Arc::new(|| Duration::ZERO);
    let (org, may_be_ours) = (script.org(), HashSet::new());
    let caller =
        Caller { org: &org, plan: &plan, may_be_ours: &may_be_ours, monotonic: &monotonic };
    let shape = plan.ops[0].write.shape();
    let report = caller.send(&shape, prepared).await;
    script.is_over();
    report
}

/// What became of each op, in the order of the plan.
fn told(report: &Report) -> Vec<String> {
    let mut results: Vec<_> = report.results.iter().collect();
    results.sort_by_key(|(op, _)| *op);
    let word = |result: &OpResult| match result {
        OpResult::Done(confirmed) if confirmed.was_there => "was so before".to_owned(),
        OpResult::Done(confirmed) => match &confirmed.id {
            Some(id) => format!("done: {id}"),
            None => "done".to_owned(),
        },
        OpResult::Failed(Cause::Refused(refused)) => format!("refused: {}", refused.first().code),
        OpResult::Failed(Cause::Unknown { .. }) => "unknown".to_owned(),
        other => format!("{other:?}"),
    };
    results.into_iter().map(|(_, result)| word(result)).collect()
}

fn made(id: &str) -> Json {
    json!({"id": id, "success": true, "errors": []})
}

fn refused(code: &str) -> Json {
    json!({"success": false, "errors": [{"statusCode": code, "message": "no", "fields": []}]})
}

/// The answer to a call about one record that is refused.
fn refusal(status: u16, code: &str) -> Reply {
    Reply::Json(status, json!([{"errorCode": code, "message": "no"}]))
}

fn row(user: &str, id: &str) -> Json {
    json!({
        "Id": id,
        "Assignee": {"Username": format!("{user}@x.example")},
        "PermissionSet": {"Name": "Robots", "NamespacePrefix": null},
    })
}

const ONE: &str = "0Pa000000000001CAA";
const TWO: &str = "0Pa000000000002CAA";
const INSERT: &str = "POST http://127.0.0.1:9/services/data/v63.0/composite/sobjects";
const INSERT_ONE: &str =
    "POST http://127.0.0.1:9/services/data/v63.0/sobjects/PermissionSetAssignment";
const LOOK: &str = "FROM PermissionSetAssignment WHERE";

#[tokio::test]
async fn a_row_that_was_held_is_sent_again_and_others_are_not() {
    let script = Script::of([
        (INSERT, Reply::Json(200, json!([made(ONE), refused("UNABLE_TO_LOCK_ROW")]))),
        (INSERT_ONE, Reply::Json(201, made(TWO))),
    ]);
    let report = sent(&script, vec![gives("one"), gives("two")]).await;
    assert_eq!(told(&report), [format!("done: {ONE}"), format!("done: {TWO}")]);
    assert!(report.repeated.is_empty(), "an answer told that it was not done");
}

#[tokio::test]
async fn after_a_call_without_an_answer_only_what_is_not_there_is_sent_again() {
    let script = Script::of([
        (INSERT, Reply::Broken),
        (LOOK, Reply::rows(&[row("one", ONE)])),
        (INSERT_ONE, Reply::Json(201, made(TWO))),
    ]);
    let report = sent(&script, vec![gives("one"), gives("two")]).await;
    assert_eq!(told(&report), [format!("done: {ONE}"), format!("done: {TWO}")]);
    assert_eq!(report.repeated, [1]);
}

#[tokio::test]
async fn what_is_not_there_and_was_sent_again_in_vain_stays_open() {
    let script = Script::of([
        (INSERT_ONE, Reply::Broken),
        (LOOK, Reply::rows(&[])),
        (INSERT_ONE, refusal(400, "INVALID_CROSS_REFERENCE_KEY")),
        (LOOK, Reply::rows(&[])),
    ]);
    let report = sent(&script, vec![gives("one")]).await;
    assert_eq!(told(&report), ["refused: INVALID_CROSS_REFERENCE_KEY"]);
    assert_eq!(report.open, [0], "the first may do it yet");
}

#[tokio::test]
async fn what_is_refused_as_a_duplicate_is_believed_once_it_was_seen() {
    for (rows, became) in
        [(vec![row("one", ONE)], "was so before"), (Vec::new(), "refused: DUPLICATE_VALUE")]
    {
        let script =
            Script::of([(INSERT_ONE, refusal(400, "DUPLICATE_VALUE")), (LOOK, Reply::rows(&rows))]);
        assert_eq!(told(&sent(&script, vec![gives("one")]).await), [became]);
    }
}

#[tokio::test]
async fn what_is_gone_already_is_taken_off() {
    let write = Write::Delete { object: OBJECT.into(), id: known(ONE) };
    let effect = RecordEffect { forget: true, ..RecordEffect::default() };
    let takes = op("one", StepName::Unassign, write, effect);
    let script =
        Script::of([("DELETE", refusal(404, "ENTITY_IS_DELETED")), (LOOK, Reply::rows(&[]))]);
    assert_eq!(told(&sent(&script, vec![takes]).await), ["was so before"]);
}

#[tokio::test]
async fn a_mail_is_never_sent_twice() {
    let write = Write::ResetPassword { id: known("005000000000001AAA") };
    let effect =
        RecordEffect { once: Some("password_email".to_owned()), ..RecordEffect::default() };
    let mails = op("one", StepName::PasswordMail, write, effect);
    let script = Script::of([("DELETE", Reply::Broken)]);
    assert_eq!(told(&sent(&script, vec![mails]).await), ["unknown"]);
}
