//! A plan for a program: one document, its format versioned.

use serde_json::Map;
use std::path::Path;

use serde_json::Value as Json;
use serde_json::json;

use super::findings::finding_json;
use crate::config::Diagnostic;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::OrgIdentity;
use crate::model::Plan;
use crate::plan::ContentDigest;

/// The version of this document's format. It grows by keys; a key that goes or
/// changes makes it 2.
const FORMAT_VERSION: u32 = 1;

/// The whole plan.
pub fn render(plan: &Plan, org: &OrgIdentity, notices: &[String], located: &[Diagnostic]) -> Json {
    let changes: Vec<Json> = plan.changes.iter().map(change_json).collect();
    let drift: Vec<Json> =
        plan.drift.iter().map(|(address, pair)| drift_json(address, pair)).collect();
    let mut document = json!({
        "format_version": FORMAT_VERSION,
        "org": {"id": org.id, "instance_url": org.instance_url, "emulated": org.emulated},
        "mode": named(&json!(plan.mode)).0,
        "changes": changes,
        "drift": drift,
        "notes": plan.notes,
        "notices": notices,
        "access": plan.access,
        "findings": findings_json(plan, located),
        "summary": plan.summary,
        "api_calls": {
            "estimated": plan.api_calls.writes + plan.api_calls.reads,
            "writes": plan.api_calls.writes,
            "reads": plan.api_calls.reads,
        },
    });
    if let Some(partial) = &plan.partial {
        document["partial"] = json!(partial);
    }
    document
}

/// What the checks found.
pub fn findings_json(plan: &Plan, located: &[Diagnostic]) -> Vec<Json> {
    let findings = plan.findings.iter().enumerate();
    findings.map(|(index, finding)| finding_json(finding, located.get(index))).collect()
}

/// One change.
pub fn change_json(change: &Change) -> Json {
    let (reason, detail) = named(&json!(change.reason));
    let mut shown = json!({
        "address": change.address,
        "kind": change.address.kind(),
        "action": change.action,
        "reason": reason,
        "before": change.before,
        "after": change.after,
        "implied": change.implied,
    });
    if let Some(detail) = detail {
        shown["reason_detail"] = detail;
    }
    if !change.defaults.is_empty() {
        shown["set_once"] = json!(change.defaults);
    }
    shown
}

/// One thing that was changed outside.
pub fn drift_json(address: &Address, pair: &(Attributes, Option<Attributes>)) -> Json {
    let (recorded, observed) = pair;
    json!({"address": address, "kind": address.kind(), "recorded": recorded, "observed": observed})
}

/// The name of an enum's value, and what it holds.
fn named(value: &Json) -> (Json, Option<Json>) {
    match value {
        Json::Object(held) => {
            let held: &Map<String, Json> = held;
            match held.iter().next() {
                Some((name, detail)) => (json!(name), Some(detail.clone())),
                None => (Json::Null, None),
            }
        }
        other => (other.clone(), None),
    }
}

/// Where a plan is kept, and its digest.
pub fn saved(file: &Path, digest: ContentDigest) -> Json {
    json!({"file": file, "digest": digest})
}
