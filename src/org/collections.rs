//! Writing records: up to 200 of one object in a call.

use reqwest::Method;
use serde::Serialize;
use serde_json::Value as Json;

use super::API_VERSION;
use super::address::OrgPath;
use super::contract::CallKind;
use super::error::OrgError;
use super::error::RecordOutcome;
use super::error::Refusal;
use super::error::Refused;
use super::refusals::refusal_of;
use super::soql::encode;
use super::transport::Answer;
use super::transport::Call;
use super::transport::Org;
use super::transport::Payload;
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
            let path = OrgPath::data(&format!("sobjects/{}", encode(object)));
            let body = Json::Object((*record).clone());
            let payload = Payload::Json(&body);
            let call = Call::new(CallKind::InsertRecord, Method::POST, &path, payload);
            return one(self.json(call).await.and_then(|answer| inserted(&answer).map(Some)));
        }
        let kind = CallKind::InsertRecords;
        self.collection(kind, Method::POST, "composite/sobjects", typed(object, records)).await
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
            let path = OrgPath::data(&format!("sobjects/{}/{id}", encode(object)));
            let body = Json::Object(record);
            let payload = Payload::Json(&body);
            let call = Call::new(CallKind::UpdateRecord, Method::PATCH, &path, payload);
            return one(self.json(call).await.map(|_| None));
        }
        let kind = CallKind::UpdateRecords;
        self.collection(kind, Method::PATCH, "composite/sobjects", typed(object, records)).await
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
            let path = OrgPath::data(&format!("sobjects/{}/{id}", encode(object)));
            let call = Call::bare(CallKind::DeleteRecord, Method::DELETE, &path);
            return one(self.json(call).await.map(|_| None));
        }
        let list: Vec<&str> = ids.iter().map(SalesforceId::as_str).collect();
        let path = format!("composite/sobjects?allOrNone=false&ids={}", list.join(","));
        let path = OrgPath::data(&path);
        let call = Call::bare(CallKind::DeleteRecords, Method::DELETE, &path);
        outcomes(self.send(call).await?, ids.len(), false)
    }

    async fn collection(
        &self,
        kind: CallKind,
        method: Method,
        path: &str,
        collection: Collection<'_>,
    ) -> Result<Vec<RecordOutcome>, OrgError> {
        let count = collection.records.len();
        let body = serde_json::to_string(&collection)
            .map_err(|error| OrgError::unexpected(path, error.to_string()))?;
        let path = OrgPath::data(path);
        let call = Call::new(kind, method, &path, Payload::JsonText(&body));
        outcomes(self.send(call).await?, count, kind == CallKind::InsertRecords)
    }

    /// Resets a user's password, which mails the link. The answer holds a
    /// temporary password; it is dropped unread.
    ///
    /// # Errors
    /// When the org refuses it, or the call breaks.
    pub async fn reset_password(&self, user: &SalesforceId) -> Result<(), OrgError> {
        let path = OrgPath::data(&format!("sobjects/User/{user}/password"));
        let call = Call::bare(CallKind::ResetPassword, Method::DELETE, &path);
        drop(self.json(call).await?);
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
        let path = OrgPath::service(&format!("/services/Soap/u/{API_VERSION}"));
        let payload = Payload::Soap(&envelope);
        let call = Call::new(CallKind::SoapCreate, Method::POST, &path, payload);
        super::metadata::read_create_result(&self.send(call).await?.body)
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

/// The results of a collection, in the order of what was sent (REST API Developer
/// Guide, "sObject Collections").
fn outcomes(answer: Answer, count: usize, makes: bool) -> Result<Vec<RecordOutcome>, OrgError> {
    let unexpected = |reason: &str| OrgError::unexpected("composite/sobjects", reason);
    let results = answer
        .json
        .as_array()
        .filter(|results| results.len() == count)
        .ok_or_else(|| unexpected("it has another number of results than were sent"))?;
    let read = results.iter().map(|result| outcome(result, makes)).collect::<Option<Vec<_>>>();
    let read =
        read.ok_or_else(|| unexpected("a result says neither that it is done nor why not"))?;
    let in_request = |outcome: RecordOutcome| {
        outcome.map_err(|refused| refused.in_request(answer.request_id.clone()))
    };
    Ok(read.into_iter().map(in_request).collect())
}

/// The id in the answer to a single insert, which says that it is done.
fn inserted(answer: &Json) -> Result<SalesforceId, OrgError> {
    let is_done = answer.get("success").and_then(Json::as_bool) == Some(true);
    let id = answer.get("id").and_then(Json::as_str).and_then(SalesforceId::parse);
    id.filter(|_| is_done).ok_or_else(|| OrgError::unexpected("insert", "it has no id"))
}

/// One record's call refused is one record's outcome, unless the call itself
/// is at fault.
fn one(result: Result<Option<SalesforceId>, OrgError>) -> Result<Vec<RecordOutcome>, OrgError> {
    match result {
        Ok(id) => Ok(vec![Ok(id)]),
        Err(error) if error.is_unknown() => Err(error),
        Err(OrgError::Refused { refused, .. }) => Ok(vec![Err(refused)]),
        Err(error) => Err(error),
    }
}

/// What a result says; `None` where it says nothing that the documents know: what was
/// made has an id, and what was refused a reason.
fn outcome(result: &Json, makes: bool) -> Option<RecordOutcome> {
    let errors = result.get("errors").and_then(Json::as_array);
    let errors = errors.map_or(&[] as &[Json], Vec::as_slice);
    if result.get("success").and_then(Json::as_bool)? {
        let id = result.get("id").and_then(Json::as_str).and_then(SalesforceId::parse);
        return (errors.is_empty() && (id.is_some() || !makes)).then_some(Ok(id));
    }
    let refusals = errors.iter().map(refusal_of).collect::<Option<Vec<Refusal>>>()?;
    Refused::of(refusals).map(Err)
}
