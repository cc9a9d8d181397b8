//! Many documents as one deploy: begun, waited for once its id is durable, and begun
//! anew without those that were refused.
//!
//! A deploy goes on in the org whatever becomes of us, so that its id is written down
//! before it is waited for, and the next run can wait for its end.

use std::sync::Arc;
use std::time::Duration;

use super::call::Caller;
use super::cause::Cause;
use super::effect::Confirmed;
use super::item::Item;
use super::prepare::Body;
use super::prepare::Prepared;
use super::report::Report;
use crate::model::CallShape;
use crate::model::Element;
use crate::model::SalesforceId;
use crate::org::Org;
use crate::org::OrgError;
use crate::org::Refusal;
use crate::org::Refused;

/// So often the documents that are well are sent again without those that are not.
const ROUNDS: u32 = 5;
/// Longer is no deploy of access waited for; Salesforce itself ends none so soon.
const LONGEST: Duration = Duration::from_secs(2 * 60 * 60);
/// Pauses between looks grow as those between attempts do, up to this one.
const LONGEST_PAUSE: u32 = 5;

/// What comes of sending a batch.
pub enum Came {
    /// All of its ops have a result.
    Back(Box<Report>),
    /// The org deploys it; that goes on once its id is durable.
    Deploying(Box<Deploying>),
}

/// Sends a batch: as a deploy where it holds more than one call of its shape may.
pub async fn send(caller: Caller<'_>, shape: &CallShape, batch: Vec<Prepared>) -> Came {
    let is_deploy = batch.len() > shape.limit()
        && matches!(shape, CallShape::UpsertDocuments(_) | CallShape::UpdateDocuments(_));
    if is_deploy {
        let items = batch.into_iter().map(Item::new).collect();
        return Deploying::start(caller, shape, items).await;
    }
    Came::Back(Box::new(caller.send(shape, batch).await))
}

/// A deploy that the org works on.
pub struct Deploying {
    /// Its id, which is to be durable before it is waited for.
    pub id: SalesforceId,
    sort: Sort,
    items: Vec<Item>,
    report: Report,
    round: u32,
}

/// What sort of documents are deployed.
#[derive(Clone)]
struct Sort {
    metadata_type: String,
    /// Whether they are written whole, so that what the org kept is read back.
    are_whole: bool,
}

impl Deploying {
    /// Begins a deploy of these documents.
    pub async fn start(caller: Caller<'_>, shape: &CallShape, items: Vec<Item>) -> Came {
        let sort = match shape {
            CallShape::UpsertDocuments(name) => {
                Sort { metadata_type: name.to_string(), are_whole: true }
            }
            CallShape::UpdateDocuments(name) => {
                Sort { metadata_type: name.to_string(), are_whole: false }
            }
            _ => return Came::Back(Box::default()),
        };
        let results = Vec::with_capacity(items.len());
        let report = Report { results, ..Report::default() };
        Self::begin(caller, sort, items, report, 1).await
    }

    async fn begin(
        caller: Caller<'_>,
        sort: Sort,
        mut items: Vec<Item>,
        mut report: Report,
        round: u32,
    ) -> Came {
        let mut attempt = 1;
        while !items.is_empty() {
            let documents: Vec<(&str, &[Element])> = items.iter().filter_map(document).collect();
            match caller.org.start_deploy(&sort.metadata_type, &documents).await {
                Ok(id) => {
                    return Came::Deploying(Box::new(Self { id, sort, items, report, round }));
                }
                Err(error) if error.is_unknown() => {
                    items = caller.settle(items, error, attempt, &mut report).await;
                    attempt += 1;
                }
                Err(error) => {
                    for item in &items {
                        item.failed(item.cause(error.clone()), &mut report);
                    }
                    report.fatal = Some(error).filter(OrgError::is_final);
                    break;
                }
            }
        }
        if sort.are_whole {
            caller.read_back(&mut report).await;
        }
        Came::Back(Box::new(report))
    }

    /// Waits for its end, and begins another for what was rolled back with others.
    pub async fn go_on(self, caller: Caller<'_>) -> Came {
        let Self { id, sort, items, mut report, round } = self;
        let names: Vec<&str> = items.iter().filter_map(document).map(|(name, _)| name).collect();
        let ended = wait_for_deploy(caller.org, &id, caller.monotonic).await;
        let outcomes = match ended {
            Ok(Some(result)) => result.outcomes(&sort.metadata_type, &names),
            Ok(None) => {
                for item in &items {
                    report.failed(item.op(), waited(&id));
                }
                return Came::Back(Box::new(report));
            }
            Err(error) => {
                // The deploy goes on: nothing of it is known, whatever the look said.
                let error = Arc::new(error);
                for item in &items {
                    let error = Arc::clone(&error);
                    report.failed(item.op(), Cause::Unknown { error, look_up: None });
                }
                report.fatal = Some(error.as_ref().clone()).filter(OrgError::is_final);
                return Came::Back(Box::new(report));
            }
        };
        let outcomes = match outcomes {
            Ok(outcomes) => outcomes,
            Err(error) => {
                for item in &items {
                    item.failed(item.cause(error.clone()), &mut report);
                }
                return Came::Back(Box::new(report));
            }
        };
        let mut again = Vec::new();
        for (item, outcome) in items.into_iter().zip(outcomes) {
            let Some(outcome) = outcome else {
                again.push(item);
                continue;
            };
            match outcome.refused {
                Some(refused) => item.failed(Cause::Refused(refused), &mut report),
                None => {
                    let was_there = outcome.created == Some(false) && !caller.may_be_own(&item);
                    let confirmed = Confirmed { id: outcome.id, was_there, ..Confirmed::default() };
                    report.done(item.op(), confirmed);
                }
            }
        }
        if round >= ROUNDS {
            for item in again.drain(..) {
                item.failed(Cause::Refused(rolled_back()), &mut report);
            }
        }
        Self::begin(caller, sort, again, report, round + 1).await
    }
}

/// Waits until a deploy has ended; `None` when it takes too long.
///
/// # Errors
/// When the org can't be asked.
pub async fn wait_for_deploy(
    org: &Org,
    id: &SalesforceId,
    monotonic: &crate::model::Monotonic,
) -> Result<Option<crate::org::DeployResult>, OrgError> {
    let begun = monotonic();
    let mut looks = 1;
    loop {
        if let Some(result) = org.look_at_deploy(id).await? {
            return Ok(Some(result));
        }
        if monotonic().saturating_sub(begun) >= LONGEST {
            return Ok(None);
        }
        org.wait_before_retry(looks).await;
        looks = (looks + 1).min(LONGEST_PAUSE);
    }
}

fn document(item: &Item) -> Option<(&str, &[Element])> {
    match &item.prepared.body {
        Body::Document(name, body) => Some((name.as_str(), body.as_slice())),
        _ => None,
    }
}

fn waited(id: &SalesforceId) -> Cause {
    Cause::WaitedInVain {
        seen: "being deployed".to_owned(),
        seconds: LONGEST.as_secs(),
        look_at: format!("Deployment Status in Setup, for {id}"),
    }
}

fn rolled_back() -> Refused {
    let message =
        "it was rolled back again and again, since others of the same deploy were refused";
    Refused::new(Refusal::new("DEPLOY_FAILED", message, Vec::new()))
}
