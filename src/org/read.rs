//! Reading: queries in pages, describes, and several of them in one call.

use futures_util::StreamExt as _;
use futures_util::stream;
use reqwest::Method;
use serde_json::Value as Json;
use serde_json::json;

use super::address::OrgPath;
use super::contract::CallKind;
use super::error::OrgError;
use super::error::Refusal;
use super::error::Refused;
use super::refusals::refusal_of;
use super::size::MOST_KEPT;
use super::size::MOST_ROWS;
use super::size::TooLarge;
use super::size::most_pages;
use super::soql::encode;
use super::transport::Call;
use super::transport::Org;
use super::transport::Payload;
use crate::model::Row;
use crate::model::SalesforceId;

/// Takes the pages of several questions as they come: which question, and
/// what came.
pub type Pages<'a> = dyn FnMut(usize, Vec<Row>) + Send + 'a;

/// Subrequests of one composite request, and how many of them may be queries (REST
/// API Developer Guide, "Composite").
const SUBREQUESTS: usize = 25;
const QUERIES: usize = 5;
/// So many calls that only ask are in flight.
pub const IN_FLIGHT: usize = 5;

/// Answers of one call: the first pages of queries by their numbers, and describes.
type Together = (Vec<(usize, Json)>, Vec<Option<Json>>);

impl Org {
    /// Runs queries, up to five in one call and five calls at a time, and hands out
    /// their pages in order.
    ///
    /// # Errors
    /// The first query that the org refuses, or a broken call.
    pub async fn query_all(
        &self,
        queries: &[String],
        pages: &mut Pages<'_>,
    ) -> Result<(), OrgError> {
        let describes: [&str; 0] = [];
        self.ask(queries, &describes, &|_| false, pages).await.map(|_| ())
    }

    /// Runs queries and describes together in as few calls as can be, five of them
    /// at a time. The
    /// describes come back in order, `None` for an object that the org does
    /// not have.
    ///
    /// # Errors
    /// The first question that the org refuses, or a broken call. A query that
    /// `may_be_refused` has no pages then.
    pub async fn ask(
        &self,
        queries: &[String],
        describes: &[&str],
        may_be_refused: &(dyn Fn(usize) -> bool + Sync),
        pages: &mut Pages<'_>,
    ) -> Result<Vec<Option<Json>>, OrgError> {
        let mut queries = queries.iter().enumerate();
        let mut describes = describes.iter();
        let calls = std::iter::from_fn(|| {
            let queries: Vec<(usize, &String)> = queries.by_ref().take(QUERIES).collect();
            let rest = SUBREQUESTS - queries.len();
            let describes: Vec<&str> = describes.by_ref().take(rest).copied().collect();
            (!queries.is_empty() || !describes.is_empty()).then_some((queries, describes))
        });
        let mut answers = stream::iter(calls)
            .map(async |(queries, describes)| {
                self.ask_together(&queries, &describes, may_be_refused).await
            })
            .buffered(IN_FLIGHT);
        let mut described = Vec::new();
        while let Some(answer) = answers.next().await {
            let (answered, some) = answer?;
            described.extend(some);
            for (index, answer) in answered {
                self.follow(index, answer, pages).await?;
            }
        }
        Ok(described)
    }

    /// Asks what fits one call.
    async fn ask_together(
        &self,
        queries: &[(usize, &String)],
        describes: &[&str],
        may_be_refused: &(dyn Fn(usize) -> bool + Sync),
    ) -> Result<Together, OrgError> {
        match (queries, describes) {
            ([(index, query)], []) => {
                let path = OrgPath::data(&format!("query?q={}", encode(query)));
                match self.json(Call::bare(CallKind::Query, Method::GET, &path)).await {
                    Ok(answer) => Ok((vec![(*index, answer)], Vec::new())),
                    Err(error)
                        if may_be_refused(*index)
                            && error.refused().is_some()
                            && !error.is_final() =>
                    {
                        Ok(Together::default())
                    }
                    Err(error) => Err(error),
                }
            }
            ([], [object]) => {
                let path = OrgPath::data(&format!("sobjects/{}/describe", encode(object)));
                match self.json(Call::bare(CallKind::Describe, Method::GET, &path)).await {
                    Ok(answer) => Ok((Vec::new(), vec![Some(answer)])),
                    Err(error) if is_no_such_object(error.refused()) => {
                        Ok((Vec::new(), vec![None]))
                    }
                    Err(error) => Err(error),
                }
            }
            _ => match self.composite(queries, describes, may_be_refused).await {
                Err(OrgError::TooLarge { .. }) => {
                    self.ask_one_by_one(queries, describes, may_be_refused).await
                }
                answered => answered,
            },
        }
    }

    /// Asks each on its own, since together they were too much.
    async fn ask_one_by_one(
        &self,
        queries: &[(usize, &String)],
        describes: &[&str],
        may_be_refused: &(dyn Fn(usize) -> bool + Sync),
    ) -> Result<Together, OrgError> {
        let mut together = Together::default();
        let subrequests = queries.chunks(1).map(|query| (query, &describes[..0]));
        let subrequests =
            subrequests.chain(describes.chunks(1).map(|object| (&queries[..0], object)));
        for (query, object) in subrequests {
            // A future that holds one of its own kind has to be in a box.
            let one = Box::pin(self.ask_together(query, object, may_be_refused)).await?;
            together.0.extend(one.0);
            together.1.extend(one.1);
        }
        Ok(together)
    }

    async fn composite(
        &self,
        queries: &[(usize, &String)],
        describes: &[&str],
        may_be_refused: &(dyn Fn(usize) -> bool + Sync),
    ) -> Result<Together, OrgError> {
        let mut subrequests = Vec::new();
        for (index, query) in queries {
            let url = OrgPath::data(&format!("query?q={}", encode(query)));
            subrequests.push(
                json!({"method": "GET", "url": url.as_str(), "referenceId": format!("q{index}")}),
            );
        }
        for (index, object) in describes.iter().enumerate() {
            let url = OrgPath::data(&format!("sobjects/{}/describe", encode(object)));
            subrequests.push(
                json!({"method": "GET", "url": url.as_str(), "referenceId": format!("d{index}")}),
            );
        }
        let body = json!({"allOrNone": false, "collateSubrequests": false, "compositeRequest": subrequests});
        let path = OrgPath::data("composite");
        let payload = Payload::Json(&body);
        let call = Call::new(CallKind::Composite, Method::POST, &path, payload);
        let mut answer = self.json(call).await?;
        let unexpected = |reason: &str| OrgError::unexpected("POST composite", reason);
        let Some(Json::Array(answers)) = answer.get_mut("compositeResponse").map(Json::take) else {
            return Err(unexpected("it has no compositeResponse"));
        };
        if answers.len() != queries.len() + describes.len() {
            return Err(unexpected("it has another number of subrequests than were asked"));
        }
        let mut bodies = Vec::new();
        for mut answer in answers {
            let status = answer.get("httpStatusCode").and_then(Json::as_u64).unwrap_or(0);
            let body = answer.get_mut("body").map_or(Json::Null, Json::take);
            let refused = match status {
                200 => None,
                400.. => Some(refused_part(&body, status)),
                _ => return Err(unexpected("a part has a status that no document knows")),
            };
            bodies.push((status, refused, body));
        }
        let mut answered = Vec::new();
        let mut described = Vec::new();
        for (place, (status, refused, body)) in bodies.into_iter().enumerate() {
            match refused {
                None if place < queries.len() => answered.push((queries[place].0, body)),
                None => described.push(Some(body)),
                Some(_) if queries.get(place).is_some_and(|(index, _)| may_be_refused(*index)) => {}
                Some(refused) if place >= queries.len() && is_no_such_object(Some(&refused)) => {
                    described.push(None);
                }
                Some(refused) => {
                    let call = match queries.get(place) {
                        Some((_, query)) => {
                            format!("query {}", query.chars().take(120).collect::<String>())
                        }
                        None => format!("describe {}", describes[place - queries.len()]),
                    };
                    let status = u16::try_from(status).unwrap_or(0);
                    return Err(OrgError::Refused { call, status, refused });
                }
            }
        }
        Ok((answered, described))
    }

    /// Hands out a page and fetches those after it: no more rows than the first says
    /// that there are, and no more pages than they fill.
    async fn follow(
        &self,
        index: usize,
        first: Json,
        pages: &mut Pages<'_>,
    ) -> Result<(), OrgError> {
        let too_large =
            |excess| OrgError::TooLarge { call: "query".to_owned(), name: "query", excess };
        let total = first.get("totalSize").and_then(Json::as_u64);
        if let Some(total) = total.filter(|total| *total > MOST_ROWS) {
            return Err(too_large(TooLarge::Rows(total.min(MOST_ROWS))));
        }
        let mut answer = first;
        let (mut pages_read, mut rows_read) = (0, 0);
        loop {
            let page = Page::of(answer)?;
            pages_read += 1;
            rows_read += page.rows.len() as u64;
            if let Some(total) = total.filter(|total| rows_read > *total) {
                return Err(too_large(TooLarge::Rows(total)));
            }
            pages(index, page.rows);
            let Some(next) = page.next else { return Ok(()) };
            let total = total.ok_or_else(|| {
                OrgError::unexpected("query", "it does not say how many rows there are")
            })?;
            if pages_read >= most_pages(total) {
                return Err(too_large(TooLarge::Pages(total)));
            }
            let next = self.followed(&next).ok_or_else(|| {
                OrgError::unexpected("query", "the address of its next page is not of this org")
            })?;
            answer = self.json(Call::bare(CallKind::Query, Method::GET, &next)).await?;
        }
    }

    /// The user whose token is used; `None` when the answer does not say.
    ///
    /// # Errors
    /// When the org refuses it, or the call breaks.
    pub async fn running_user(&self) -> Result<Option<SalesforceId>, OrgError> {
        let path = OrgPath::service("/services/oauth2/userinfo");
        let answer = self.json(Call::bare(CallKind::UserInfo, Method::GET, &path)).await?;
        Ok(answer.get("user_id").and_then(Json::as_str).and_then(SalesforceId::parse))
    }

    /// One record with all fields that the caller can see.
    ///
    /// # Errors
    /// When the org refuses it, or the call breaks.
    pub async fn record(&self, object: &str, id: &SalesforceId) -> Result<Row, OrgError> {
        let path = OrgPath::data(&format!("sobjects/{}/{id}", encode(object)));
        match self.json(Call::bare(CallKind::Record, Method::GET, &path)).await? {
            Json::Object(row) => Ok(row),
            _ => Err(OrgError::unexpected(format!("GET {object}"), "it is no record")),
        }
    }

    /// Runs a Tooling query and returns its rows.
    ///
    /// # Errors
    /// When the org refuses it, or the call breaks.
    pub async fn tooling_query(&self, query: &str) -> Result<Vec<Row>, OrgError> {
        let path = OrgPath::data(&format!("tooling/query?q={}", encode(query)));
        let answer = self.json(Call::bare(CallKind::Tooling, Method::GET, &path)).await?;
        let total = answer.get("totalSize").and_then(Json::as_u64);
        if total.is_some_and(|total| total > MOST_KEPT) {
            let (call, excess) = ("tooling query".to_owned(), TooLarge::Rows(MOST_KEPT));
            return Err(OrgError::TooLarge { call, name: "tooling", excess });
        }
        let mut rows = Vec::new();
        self.follow(0, answer, &mut |_, page| rows.extend(page)).await?;
        Ok(rows)
    }

    /// Calls used today and calls a day.
    ///
    /// # Errors
    /// When the org refuses it, or the call breaks.
    pub async fn limits(&self) -> Result<(u64, u64), OrgError> {
        let path = OrgPath::data("limits");
        let answer = self.json(Call::bare(CallKind::Limits, Method::GET, &path)).await?;
        let number = |name: &str| {
            answer.pointer(&format!("/DailyApiRequests/{name}")).and_then(Json::as_u64).unwrap_or(0)
        };
        let (max, remaining) = (number("Max"), number("Remaining"));
        Ok((max.saturating_sub(remaining), max))
    }
}

/// One page of a query.
struct Page {
    rows: Vec<Row>,
    /// Where the next one is, as the org says; `None` after the last.
    next: Option<String>,
}

impl Page {
    fn of(mut answer: Json) -> Result<Self, OrgError> {
        let unexpected = |reason: &str| OrgError::unexpected("query", reason);
        let Some(Json::Array(records)) = answer.get_mut("records").map(Json::take) else {
            return Err(unexpected("a page has no records"));
        };
        let rows = records.into_iter().map(|record| match record {
            Json::Object(row) => Ok(row),
            _ => Err(unexpected("a row is no record")),
        });
        let rows = rows.collect::<Result<Vec<Row>, OrgError>>()?;
        let is_done = answer.get("done").and_then(Json::as_bool);
        if is_done.ok_or_else(|| unexpected("it does not say whether it is all"))? {
            return Ok(Self { rows, next: None });
        }
        let next = answer.get("nextRecordsUrl").and_then(Json::as_str);
        let next =
            next.ok_or_else(|| unexpected("it is not all, and does not say where the rest is"))?;
        Ok(Self { rows, next: Some(next.to_owned()) })
    }
}

fn refused_part(body: &Json, status: u64) -> Refused {
    let errors = body.as_array().map_or_else(|| std::slice::from_ref(body), Vec::as_slice);
    Refused::of(errors.iter().filter_map(refusal_of).collect())
        .unwrap_or_else(|| Refused::new(Refusal::new(&format!("HTTP_{status}"), "", Vec::new())))
}

fn is_no_such_object(refused: Option<&Refused>) -> bool {
    let is_none = |refusal: &Refusal| matches!(refusal.code.as_str(), "NOT_FOUND" | "INVALID_TYPE");
    refused.is_some_and(|refused| refused.is_wholly(is_none))
}
