//! Writing records: up to 200 of one object in a call.

use reqwest::Method;
use serde::Serialize;
use serde_json::Value as Json;

use super::API_VERSION;
use super::error::OrgError;
use super::error::RecordOutcome;
use super::error::Refusal;
use super::retry::Effect;
use super::transport::Org;
use super::transport::Payload;
use super::transport::refusal_of;
use crate::model::Row;
use crate::model::SalesforceId;

impl Org {
    /// Inserts records of one object, each on its own.
    ///
    /// # Errors
    /// When the call as a whole fails; a refused record is an outcome.
    pub async fn insert_records(
        &self,
        object: &str,
        records: &[&Row],
    ) -> Result<Vec<RecordOutcome>, OrgError> {
        if let [record] = records {
            let path = Self::data_path(&format!("sobjects/{object}"));
            let body = Json::Object((*record).clone());
            return one(self.rest("collections", Method::POST, &path, Some(&body)).await);
        }
        self.collection(Method::POST, "composite/sobjects", typed(object, records)).await
    }

    /// Updates records of one object; each row carries its `Id`.
    ///
    /// # Errors
    /// When the call as a whole fails; a refused record is an outcome.
    pub async fn update_records(
        &self,
        object: &str,
        records: &[&Row],
    ) -> Result<Vec<RecordOutcome>, OrgError> {
        if let [record] = records {
            let mut record = (*record).clone();
            let id = record.remove("Id");
            let id = id.as_ref().and_then(Json::as_str).unwrap_or_default().to_owned();
            let path = Self::data_path(&format!("sobjects/{object}/{id}"));
            let body = Json::Object(record);
            return one(self.rest("collections", Method::PATCH, &path, Some(&body)).await);
        }
        self.collection(Method::PATCH, "composite/sobjects", typed(object, records)).await
    }

    /// Deletes records of one object.
    ///
    /// # Errors
    /// When the call as a whole fails; a refused record is an outcome.
    pub async fn delete_records(
        &self,
        object: &str,
        ids: &[SalesforceId],
    ) -> Result<Vec<RecordOutcome>, OrgError> {
        if let [id] = ids {
            let path = Self::data_path(&format!("sobjects/{object}/{id}"));
            return one(self.rest("collections", Method::DELETE, &path, None).await);
        }
        let list: Vec<&str> = ids.iter().map(SalesforceId::as_str).collect();
        let path = format!("composite/sobjects?allOrNone=false&ids={}", list.join(","));
        let path = Self::data_path(&path);
        let answer = self.rest("collections", Method::DELETE, &path, None).await?;
        outcomes(&answer, ids.len())
    }

    async fn collection(
        &self,
        method: Method,
        path: &str,
        collection: Collection<'_>,
    ) -> Result<Vec<RecordOutcome>, OrgError> {
        let count = collection.records.len();
        let unexpected = |error: serde_json::Error| OrgError::Unexpected {
            call: path.to_owned(),
            reason: error.to_string(),
        };
        let body = serde_json::to_string(&collection).map_err(unexpected)?;
        let payload = Payload::JsonText(&body);
        let path = Self::data_path(path);
        let answer = self.send("collections", &method, &path, payload, Effect::Write).await?;
        outcomes(&answer.json(&method, &path)?, count)
    }

    /// Resets a user's password, which mails the link. The answer holds a
    /// temporary password; it is dropped unread.
    ///
    /// # Errors
    /// When the org refuses it, or the call breaks.
    pub async fn reset_password(&self, user: &SalesforceId) -> Result<(), OrgError> {
        let path = Self::data_path(&format!("sobjects/User/{user}/password"));
        let answer =
            self.send("password", &Method::DELETE, &path, Payload::Nothing, Effect::Write).await?;
        drop(answer);
        Ok(())
    }

    /// Inserts one record over partner SOAP, for objects that REST refuses to
    /// insert (seen for Profile).
    ///
    /// # Errors
    /// When the call as a whole fails; a refused record is an outcome.
    pub async fn insert_record_by_soap(
        &self,
        object: &str,
        record: &Row,
    ) -> Result<RecordOutcome, OrgError> {
        let mut children = Vec::new();
        for (name, value) in record {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            children.push(crate::model::Element::text(name, text));
        }
        let envelope = super::metadata::partner_create(self.token(), object, &children);
        let path = format!("/services/Soap/u/{API_VERSION}");
        let answer = self
            .send("soap", &Method::POST, &path, Payload::Soap(&envelope), Effect::Write)
            .await?;
        super::metadata::read_create_result(&answer.body)
    }
}

/// The body of a call that writes several records, each with its type in front.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Collection<'a> {
    all_or_none: bool,
    records: Vec<Typed<'a>>,
}

#[derive(Serialize)]
struct Typed<'a> {
    attributes: Attributes<'a>,
    #[serde(flatten)]
    fields: &'a Row,
}

#[derive(Clone, Copy, Serialize)]
struct Attributes<'a> {
    r#type: &'a str,
}

fn typed<'a>(object: &'a str, records: &[&'a Row]) -> Collection<'a> {
    let attributes = Attributes { r#type: object };
    let records = records.iter().map(|fields| Typed { attributes, fields }).collect();
    Collection { all_or_none: false, records }
}

fn outcomes(answer: &Json, count: usize) -> Result<Vec<RecordOutcome>, OrgError> {
    let results = answer.as_array().filter(|results| results.len() == count).ok_or_else(|| {
        OrgError::Unexpected {
            call: "composite/sobjects".to_owned(),
            reason: "it has another number of results than were sent".to_owned(),
        }
    })?;
    Ok(results.iter().map(outcome).collect())
}

/// One record's call refused is one record's outcome, unless the call itself
/// is at fault.
fn one(result: Result<Json, OrgError>) -> Result<Vec<RecordOutcome>, OrgError> {
    match result {
        Ok(answer) => {
            let id = answer.get("id").and_then(Json::as_str).and_then(SalesforceId::parse);
            Ok(vec![Ok(id)])
        }
        Err(OrgError::Refused { status, refusal, .. }) if status < 500 => Ok(vec![Err(refusal)]),
        Err(error) => Err(error),
    }
}

fn outcome(result: &Json) -> RecordOutcome {
    if result.get("success").and_then(Json::as_bool) == Some(true) {
        return Ok(result.get("id").and_then(Json::as_str).and_then(SalesforceId::parse));
    }
    let errors = result.get("errors").and_then(Json::as_array);
    let refusals: Vec<Refusal> = errors.into_iter().flatten().filter_map(refusal_of).collect();
    // Several reasons may come at once; none is swallowed.
    match refusals.split_first() {
        Some((first, [])) => Err(first.clone()),
        Some((first, rest)) => {
            let mut joined = first.clone();
            for refusal in rest {
                joined.message = format!("{}; {refusal}", joined.message);
                joined.fields.extend(refusal.fields.iter().cloned());
            }
            Err(joined)
        }
        None => Err(Refusal::new("UNKNOWN_EXCEPTION", "the org gave no reason", Vec::new())),
    }
}
