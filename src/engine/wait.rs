//! Waiting for what the org does by itself: one look at how far it is.

use std::collections::HashMap;
use std::sync::Arc;

use super::cause::Cause;
use super::cause::NotSent;
use super::effect::Confirmed;
use super::report::OpResult;
use super::report::Report;
use crate::model::Awaited;
use crate::model::RowExt as _;
use crate::org::Org;
use crate::org::keyed_queries;

/// Looks at records of one object, all in one query.
pub async fn look(org: &Org, items: Vec<(usize, Awaited)>) -> Report {
    let mut report = Report { results: Vec::with_capacity(items.len()), ..Report::default() };
    let Some((_, first)) = items.first() else { return report };
    let names = items.iter().map(|(_, awaited)| awaited.name.as_str());
    let queries = keyed_queries(&first.object, &[&first.key, &first.field], &first.key, &[], names);
    let mut seen: HashMap<String, String> = HashMap::new();
    let answer = org
        .query_all(&queries, &mut |_, rows| {
            for row in rows {
                if let (Some(name), Some(value)) = (row.text(&first.key), row.text(&first.field)) {
                    seen.insert(name.to_lowercase(), value.to_owned());
                }
            }
        })
        .await;
    if let Err(error) = answer {
        let error = Arc::new(error);
        for (op, _) in &items {
            report.failed(*op, Cause::NotSent(NotSent::Failed(Arc::clone(&error))));
        }
        report.fatal = Some(error.as_ref().clone()).filter(crate::org::OrgError::is_final);
        return report;
    }
    for (op, awaited) in items {
        let result = match seen.get(&awaited.name.to_lowercase()) {
            Some(value) if *value == awaited.until => OpResult::Done(Confirmed::default()),
            Some(value) if *value == awaited.never => OpResult::Failed(Cause::CameToNothing {
                seen: value.clone(),
                until: awaited.until.to_string(),
                look_at: awaited.look_at.clone(),
            }),
            Some(value) => OpResult::Waiting(value.clone()),
            None => {
                let seen = format!("not in the org as {} `{}`", awaited.object, awaited.name);
                let (until, look_at) = (awaited.until.to_string(), awaited.look_at.clone());
                OpResult::Failed(Cause::CameToNothing { seen, until, look_at })
            }
        };
        report.results.push((op, result));
    }
    report
}
