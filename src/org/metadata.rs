//! Metadata over SOAP: read, upsert, update and delete, ten documents a call.
//! Written with an XML writer, so that everything is escaped, and read with a
//! namespace-aware tree.

use quick_xml::Writer;
use quick_xml::events::BytesDecl;
use quick_xml::events::BytesEnd;
use quick_xml::events::BytesStart;
use quick_xml::events::BytesText;
use quick_xml::events::Event;
use reqwest::Method;

use super::API_VERSION;
use super::address::OrgPath;
use super::contract::CallKind;
use super::error::OrgError;
use super::error::RecordOutcome;
use super::error::Refusal;
use super::error::Refused;
use super::transport::Answer;
use super::transport::Call;
use super::transport::Org;
use super::transport::Payload;
use crate::model::Element;
use crate::model::SalesforceId;

/// What became of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentOutcome {
    /// Its full name.
    pub full_name: String,
    /// What an upsert says of whether it made the document.
    pub created: Option<bool>,
    /// Its id, which a deploy tells.
    pub id: Option<SalesforceId>,
    /// Why not, when it was refused.
    pub refused: Option<Refused>,
}

const METADATA: &str = "http://soap.sforce.com/2006/04/metadata";
const PARTNER: &str = "urn:partner.soap.sforce.com";
const SOBJECT: &str = "urn:sobject.partner.soap.sforce.com";
const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

struct Soap {
    writer: Writer<Vec<u8>>,
    /// Stands in front of the names of a document's elements.
    prefix: &'static str,
}

impl Soap {
    fn new() -> Self {
        let mut writer = Writer::new(Vec::new());
        write(&mut writer, Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        Self { writer, prefix: "met:" }
    }

    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let mut start = BytesStart::new(name);
        for attribute in attributes {
            start.push_attribute(*attribute);
        }
        write(&mut self.writer, Event::Start(start));
    }

    fn close(&mut self, name: &str) {
        write(&mut self.writer, Event::End(BytesEnd::new(name)));
    }

    fn text(&mut self, name: &str, text: &str) {
        self.open(name, &[]);
        write(&mut self.writer, Event::Text(BytesText::new(text)));
        self.close(name);
    }

    fn element(&mut self, element: &Element) {
        let name = format!("{}{}", self.prefix, element.name);
        if element.children.is_empty() {
            self.text(&name, &element.text);
            return;
        }
        self.open(&name, &[]);
        for child in &element.children {
            self.element(child);
        }
        self.close(&name);
    }

    fn finish(self) -> String {
        String::from_utf8_lossy(&self.writer.into_inner()).into_owned()
    }
}

/// Writing to memory does not fail.
fn write(writer: &mut Writer<Vec<u8>>, event: Event<'_>) {
    let _ = writer.write_event(event);
}

/// Documents of one readMetadata call (Metadata API Developer Guide).
pub const DOCUMENTS_OF_ONE_CALL: usize = 10;

/// A document as a file of its own.
pub(super) fn document_file(metadata_type: &str, elements: &[Element]) -> String {
    let mut soap = Soap::new();
    soap.prefix = "";
    soap.open(metadata_type, &[("xmlns", METADATA)]);
    for element in elements {
        soap.element(element);
    }
    soap.close(metadata_type);
    soap.finish()
}

fn envelope(token: &str, operation: &str, fill: impl FnOnce(&mut Soap)) -> String {
    let mut soap = Soap::new();
    soap.open(
        "soapenv:Envelope",
        &[("xmlns:soapenv", ENVELOPE), ("xmlns:met", METADATA), ("xmlns:xsi", XSI)],
    );
    soap.open("soapenv:Header", &[]);
    soap.open("met:SessionHeader", &[]);
    soap.text("met:sessionId", token);
    soap.close("met:SessionHeader");
    soap.close("soapenv:Header");
    soap.open("soapenv:Body", &[]);
    let operation = format!("met:{operation}");
    soap.open(&operation, &[]);
    fill(&mut soap);
    soap.close(&operation);
    soap.close("soapenv:Body");
    soap.close("soapenv:Envelope");
    soap.finish()
}

/// The envelope of partner `create` for one record.
pub(super) fn partner_create(token: &str, object: &str, fields: &[Element]) -> String {
    let mut soap = Soap::new();
    soap.open(
        "soapenv:Envelope",
        &[
            ("xmlns:soapenv", ENVELOPE),
            ("xmlns:urn", PARTNER),
            ("xmlns:urn1", SOBJECT),
            ("xmlns:xsi", XSI),
        ],
    );
    soap.open("soapenv:Header", &[]);
    soap.open("urn:SessionHeader", &[]);
    soap.text("urn:sessionId", token);
    soap.close("urn:SessionHeader");
    soap.close("soapenv:Header");
    soap.open("soapenv:Body", &[]);
    soap.open("urn:create", &[]);
    soap.open("urn:sObjects", &[("xsi:type", &format!("urn1:{object}"))]);
    for field in fields {
        soap.text(&format!("urn1:{}", field.name), &field.text);
    }
    soap.close("urn:sObjects");
    soap.close("urn:create");
    soap.close("soapenv:Body");
    soap.close("soapenv:Envelope");
    soap.finish()
}

fn unexpected(call: &str, reason: impl Into<String>) -> OrgError {
    OrgError::unexpected(call, reason)
}

/// The outcome of partner `create` for one record.
pub(super) fn read_create_result(body: &str) -> Result<RecordOutcome, OrgError> {
    let document = roxmltree::Document::parse(body)
        .map_err(|error| unexpected("create", error.to_string()))?;
    let result = document
        .descendants()
        .find(|node| node.tag_name().name() == "result")
        .ok_or_else(|| unexpected("create", "it has no result"))?;
    match child_text(result, "success") {
        Some("true") => match child_text(result, "id").and_then(SalesforceId::parse) {
            Some(id) => Ok(Ok(Some(id))),
            None => Err(unexpected("create", "it has no id")),
        },
        Some("false") => Ok(Err(refused_in(result))),
        _ => Err(unexpected("create", "it does not say whether it is done")),
    }
}

/// The elements of a name that stand in no other of that name: what is nested is part of
/// the outer one, and is not told twice.
fn outermost<'a, 'input>(
    document: &'a roxmltree::Document<'input>,
    name: &str,
) -> Vec<roxmltree::Node<'a, 'input>> {
    let mut found = Vec::new();
    let mut open = vec![document.root()];
    while let Some(node) = open.pop() {
        if node.tag_name().name() == name {
            found.push(node);
        } else {
            let children: Vec<_> = node.children().filter(roxmltree::Node::is_element).collect();
            open.extend(children.into_iter().rev());
        }
    }
    found
}

fn child_text<'a>(node: roxmltree::Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.children().find(|child| child.tag_name().name() == name)?.text().map(str::trim)
}

/// All errors of a result. A refused profile update was seen with no error at all.
fn refused_in(result: roxmltree::Node<'_, '_>) -> Refused {
    let errors = result.children().filter(|child| child.tag_name().name() == "errors");
    let refusals = errors.map(|error| {
        let code = child_text(error, "statusCode").unwrap_or("UNKNOWN_EXCEPTION");
        let message = child_text(error, "message").unwrap_or_default();
        let fields = error.children().filter(|child| child.tag_name().name() == "fields");
        let fields = fields.filter_map(|field| field.text().map(str::to_owned)).collect();
        Refusal::new(code, message, fields)
    });
    Refused::of(refusals.collect()).unwrap_or_else(Refused::without_reason)
}

fn element_of(node: roxmltree::Node<'_, '_>, depth: usize) -> Element {
    let mut element = Element { name: node.tag_name().name().to_owned(), ..Element::default() };
    let has_children = node.children().any(|child| child.is_element());
    if has_children && depth < 32 {
        let children = node.children().filter(roxmltree::Node::is_element);
        element.children = children.map(|child| element_of(child, depth + 1)).collect();
    } else {
        node.text().unwrap_or_default().clone_into(&mut element.text);
    }
    element
}

impl Org {
    async fn metadata(
        &self,
        operation: &str,
        kind: CallKind,
        body: &str,
    ) -> Result<Answer, OrgError> {
        let path = OrgPath::service(&format!("/services/Soap/m/{API_VERSION}"));
        let mut call = Call::new(kind, Method::POST, &path, Payload::Soap(body));
        // A SOAP path says nothing of what was asked: the operation does.
        call.name = Some(operation);
        self.send(call).await
    }

    /// Reads up to ten documents of a type; `None` for one that is not there.
    ///
    /// # Errors
    /// When the org refuses the call, or it breaks.
    pub async fn read_documents(
        &self,
        metadata_type: &str,
        full_names: &[String],
    ) -> Result<Vec<Option<Element>>, OrgError> {
        let body = envelope(self.token(), "readMetadata", |soap| {
            soap.text("met:type", metadata_type);
            for name in full_names {
                soap.text("met:fullNames", name);
            }
        });
        let answer = self.metadata("readMetadata", CallKind::ReadMetadata, &body).await?;
        let document = roxmltree::Document::parse(&answer.body)
            .map_err(|error| unexpected("readMetadata", error.to_string()))?;
        let records: Vec<Element> =
            outermost(&document, "records").into_iter().map(|node| element_of(node, 0)).collect();
        // One that is not there is an empty record without a name, and may be
        // missing altogether: matched by name, never by place.
        Ok(full_names
            .iter()
            .map(|name| {
                records
                    .iter()
                    .find(|record| {
                        record
                            .child_text("fullName")
                            .is_some_and(|held| held.eq_ignore_ascii_case(name))
                    })
                    .cloned()
            })
            .collect())
    }

    /// The documents of a type that the org has: full name and id. An entry
    /// without an id is left out.
    ///
    /// # Errors
    /// When the org refuses the call, or it breaks.
    pub async fn list_documents(
        &self,
        metadata_type: &str,
    ) -> Result<Vec<(String, SalesforceId)>, OrgError> {
        let body = envelope(self.token(), "listMetadata", |soap| {
            soap.open("met:queries", &[]);
            soap.text("met:type", metadata_type);
            soap.close("met:queries");
            soap.text("met:asOfVersion", API_VERSION);
        });
        let answer = self.metadata("listMetadata", CallKind::ReadMetadata, &body).await?;
        let document = roxmltree::Document::parse(&answer.body)
            .map_err(|error| unexpected("listMetadata", error.to_string()))?;
        Ok(outermost(&document, "result")
            .into_iter()
            .map(|node| element_of(node, 0))
            .filter_map(|entry| {
                let id = SalesforceId::parse(entry.child_text("id")?)?;
                Some((entry.child_text("fullName")?.to_owned(), id))
            })
            .collect())
    }

    /// Creates or replaces up to ten documents of a type.
    ///
    /// # Errors
    /// When the call as a whole fails; a refused document is an outcome.
    pub async fn upsert_documents(
        &self,
        metadata_type: &str,
        documents: &[(String, Vec<Element>)],
    ) -> Result<Vec<DocumentOutcome>, OrgError> {
        self.write_documents("upsertMetadata", metadata_type, documents).await
    }

    /// Overlays up to ten documents of a type that are there.
    ///
    /// # Errors
    /// When the call as a whole fails; a refused document is an outcome.
    pub async fn update_documents(
        &self,
        metadata_type: &str,
        documents: &[(String, Vec<Element>)],
    ) -> Result<Vec<DocumentOutcome>, OrgError> {
        self.write_documents("updateMetadata", metadata_type, documents).await
    }

    async fn write_documents(
        &self,
        operation: &str,
        metadata_type: &str,
        documents: &[(String, Vec<Element>)],
    ) -> Result<Vec<DocumentOutcome>, OrgError> {
        let body = envelope(self.token(), operation, |soap| {
            for (full_name, elements) in documents {
                soap.open("met:metadata", &[("xsi:type", &format!("met:{metadata_type}"))]);
                soap.text("met:fullName", full_name);
                for element in elements {
                    soap.element(element);
                }
                soap.close("met:metadata");
            }
        });
        let names: Vec<&str> = documents.iter().map(|(name, _)| name.as_str()).collect();
        let answer = self.metadata(operation, CallKind::WriteMetadata, &body).await?;
        outcomes(operation, &answer, &names)
    }

    /// Deletes up to ten documents of a type.
    ///
    /// # Errors
    /// When the call as a whole fails; a refused document is an outcome.
    pub async fn delete_documents(
        &self,
        metadata_type: &str,
        full_names: &[String],
    ) -> Result<Vec<DocumentOutcome>, OrgError> {
        let body = envelope(self.token(), "deleteMetadata", |soap| {
            soap.text("met:type", metadata_type);
            for name in full_names {
                soap.text("met:fullNames", name);
            }
        });
        let names: Vec<&str> = full_names.iter().map(String::as_str).collect();
        let answer = self.metadata("deleteMetadata", CallKind::WriteMetadata, &body).await?;
        outcomes("deleteMetadata", &answer, &names)
    }
}

/// The results in the order of what was sent, as the API gives them.
fn outcomes(
    operation: &str,
    answer: &Answer,
    names: &[&str],
) -> Result<Vec<DocumentOutcome>, OrgError> {
    let document = roxmltree::Document::parse(&answer.body)
        .map_err(|error| unexpected(operation, error.to_string()))?;
    let results = outermost(&document, "result");
    if results.len() != names.len() {
        return Err(unexpected(operation, "it has another number of results than were sent"));
    }
    let read = results.into_iter().zip(names).map(|(result, name)| {
        let refused = match child_text(result, "success")? {
            "true" => None,
            _ => Some(refused_in(result).in_request(answer.request_id.clone())),
        };
        let created = child_text(result, "created").map(|created| created == "true");
        Some(DocumentOutcome { full_name: (*name).to_owned(), created, id: None, refused })
    });
    let silent = "a result says neither that it is done nor why not";
    read.collect::<Option<Vec<_>>>().ok_or_else(|| unexpected(operation, silent))
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::Answer;
    use super::envelope;
    use super::outcomes;
    use crate::model::Element;

    #[test]
    fn whatever_a_label_holds_stays_a_label() {
        let body = envelope("token", "upsertMetadata", |soap| {
            soap.element(&Element::text("label", "a < b & </met:label>\u{1F4A1}"));
        });
        let document = roxmltree::Document::parse(&body).expect("is XML");
        let label = document
            .descendants()
            .find(|node| node.tag_name().name() == "label")
            .and_then(|node| node.text());
        assert_eq!(label, Some("a < b & </met:label>\u{1F4A1}"));
    }

    #[test]
    fn a_refusal_without_an_error_is_still_a_refusal() {
        let answer = "<r><result><fullName>P</fullName><success>false</success></result></r>";
        let answer = Answer { body: answer.to_owned(), json: Json::Null, request_id: None };
        let outcomes = outcomes("updateMetadata", &answer, &["P"]).expect("outcomes");
        assert!(outcomes[0].refused.is_some());
    }
}
