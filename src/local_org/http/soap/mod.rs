//! The SOAP endpoints: Metadata (`/services/Soap/m`) and partner
//! (`/services/Soap/u`). A call is known by the element in its body, since
//! real clients send any SOAPAction, any prefix and any address below the
//! version.

mod crud;
mod files;
mod partner;

use quick_xml::Writer;
use std::sync::atomic::Ordering;

use super::Caller;
use super::Server;
use super::call::Outcome;
use super::call::Reply;
use super::rest::is_served;
use crate::local_org::error::ApiError;
use crate::local_org::rules::Org;
use crate::local_org::shapes::METADATA;
use crate::local_org::xml::DECLARATION;
use crate::local_org::xml::Node;

const CONTENT_TYPE: &str = "text/xml;charset=UTF-8";
const PARTNER: &str = "urn:partner.soap.sforce.com";

/// What an operation answers: its elements, and how many records it touched.
type Answer = Result<(Vec<Node>, usize), ApiError>;

/// Answers a SOAP call.
///
/// # Errors
/// When nothing of it was done.
pub fn answer(
    server: &Server,
    caller: &Caller,
    endpoint: &str,
    version: &str,
    body: &[u8],
) -> Outcome {
    let namespace = if endpoint == "m" { METADATA } else { PARTNER };
    let call = match Envelope::read(body) {
        Ok(call) => call,
        Err(error) => return Ok(fault(namespace, &error)),
    };
    if !matches!(endpoint, "m" | "u") || !is_served(version) {
        let message = format!("Invalid Api version specified on URL: {version}");
        return Ok(fault(namespace, &ApiError::new("UNSUPPORTED_API_VERSION", message)));
    }
    if call.operation.name == "login" {
        return Ok(fault(namespace, &login_refusal(version)));
    }
    let caller = Caller { token: call.token.clone(), ..caller.clone() };
    server.transaction(|org| {
        let answered = server.enter(org, &caller).map_err(as_soap).and_then(|()| {
            version.clone_into(&mut org.version);
            run(server, org, endpoint, &call)
        });
        match answered {
            Ok((results, records)) => {
                let name = format!("{}Response", call.operation.name);
                envelope(server, namespace, &Node::parent(&name, results)).touching(records)
            }
            Err(error) => {
                org.store.roll_back(0);
                fault(namespace, &error)
            }
        }
    })
}

/// A refusal of a call that was not looked into.
pub fn refused(endpoint: &str, error: &ApiError) -> Reply {
    fault(if endpoint == "m" { METADATA } else { PARTNER }, error)
}

/// A call as it was read.
struct Envelope {
    token: Option<String>,
    all_or_none: bool,
    triggers_user_mail: bool,
    operation: Node,
}

impl Envelope {
    fn read(body: &[u8]) -> Result<Self, ApiError> {
        let text = std::str::from_utf8(body)
            .map_err(|error| ApiError::new("INVALID_INPUT", error.to_string()))?;
        let document = Node::parse(text.trim_start_matches('\u{feff}'))
            .map_err(|error| ApiError::new("INVALID_INPUT", error.message))?;
        let header = document.child("Header").cloned().unwrap_or_default();
        let of_header = |header_name: &str, name: &str| {
            let value = header.child(header_name)?.child(name)?;
            Some(value.text.trim().to_owned())
        };
        let says = |header_name: &str, name: &str| {
            of_header(header_name, name).is_some_and(|value| value == "true")
        };
        let operation = document
            .child("Body")
            .and_then(|body| body.children.first())
            .cloned()
            .ok_or_else(|| ApiError::new("INVALID_INPUT", "the body is empty"))?;
        Ok(Self {
            token: of_header("SessionHeader", "sessionId"),
            all_or_none: says("AllOrNoneHeader", "allOrNone"),
            triggers_user_mail: says("EmailHeader", "triggerUserEmail"),
            operation,
        })
    }
}

/// `login()` is gone from version 65 on, and off in new orgs before
/// (Salesforce Help, "SOAP API login() Call Is Being Retired").
fn login_refusal(version: &str) -> ApiError {
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major >= 65) {
        return ApiError::new("UNKNOWN_EXCEPTION", "No operation available for request login");
    }
    ApiError::new("INVALID_OPERATION", "SOAP API login() is disabled by default in this org.")
}

/// The refusals of the endpoint in the words that SOAP has for them.
fn as_soap(error: ApiError) -> ApiError {
    match error.code {
        "INVALID_SESSION_ID" => ApiError::new(
            "INVALID_SESSION_ID",
            "Invalid Session ID found in SessionHeader: Illegal Session",
        ),
        _ => error,
    }
}

fn run(server: &Server, org: &mut Org, endpoint: &str, call: &Envelope) -> Answer {
    let operation = &call.operation;
    let savepoint = org.store.savepoint();
    let (results, records) = match (endpoint, operation.name.as_str()) {
        ("m", "createMetadata" | "updateMetadata" | "upsertMetadata") => {
            crud::write(org, operation)
        }
        ("m", "readMetadata") => crud::read(org, operation),
        ("m", "deleteMetadata") => crud::delete(org, operation),
        ("m", "renameMetadata") => Ok(crud::rename(org, operation)),
        ("m", "listMetadata") => crud::list(org, operation),
        ("m", "describeMetadata") => Ok(crud::describe()),
        ("m", "deploy") => files::deploy(org, operation),
        ("m", "checkDeployStatus") => files::deploy_status(org, operation),
        ("m", "deployRecentValidation") => files::deploy_validated(org, operation),
        ("m", "cancelDeploy") => files::cancel(org, operation),
        ("m", "retrieve") => files::retrieve(org, operation),
        ("m", "checkRetrieveStatus") => files::retrieve_status(org, operation),
        ("u", "create") => partner::create(org, operation, call.triggers_user_mail),
        ("u", "update") => partner::update(org, operation),
        ("u", "delete") => partner::delete(org, operation),
        ("u", "setPassword") => partner::set_password(org, operation),
        ("u", "getUserInfo") => Ok(partner::user_info(org, server.session_seconds)),
        (_, other) => Err(ApiError::new(
            "UNKNOWN_EXCEPTION",
            format!("No operation available for request {other}"),
        )),
    }?;
    let failed = results
        .iter()
        .any(|result| result.child("success").is_some_and(|success| success.text == "false"));
    if failed && call.all_or_none {
        org.store.roll_back(savepoint);
        return Ok((results.into_iter().map(rolled_back).collect(), records));
    }
    Ok((results, records))
}

/// What a record is told that would have been written had not another failed.
fn rolled_back(mut result: Node) -> Node {
    if result.child("success").is_none_or(|success| success.text != "true") {
        return result;
    }
    let error = ApiError::new(
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "Record rolled back because not all records were valid and the request was using AllOrNone header",
    );
    let is_upsert = result.child("created").is_some();
    for child in &mut result.children {
        match child.name.as_str() {
            "success" | "created" => "false".clone_into(&mut child.text),
            "id" => {
                child.text.clear();
                child.xsi_type = Some("nil".to_owned());
            }
            _ => {}
        }
    }
    result.children.insert(usize::from(is_upsert), crud::errors(&error));
    result
}

/// The text of an argument; empty without one.
fn argument(operation: &Node, name: &str) -> String {
    operation.child(name).map(|child| child.text.trim().to_owned()).unwrap_or_default()
}

/// A fault. Its own elements are in no namespace, and written so that clients
/// find the code in the text: jsforce looks for
/// `<faultcode>sf:INVALID_SESSION_ID</faultcode>`.
fn fault(namespace: &str, error: &ApiError) -> Reply {
    let fault = Node::parent(
        "soapenv:Fault",
        vec![
            Node::text("faultcode", &format!("sf:{}", error.code)),
            Node::text("faultstring", &format!("{}: {}", error.code, error.message)),
        ],
    );
    let codes = match namespace {
        PARTNER => "urn:fault.partner.soap.sforce.com",
        namespace => namespace,
    };
    let text = format!(
        "{DECLARATION}<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:sf=\"{codes}\"><soapenv:Body>{}</soapenv:Body></soapenv:Envelope>",
        written(&fault)
    );
    Reply::text(500, CONTENT_TYPE, text)
}

fn written(node: &Node) -> String {
    let mut writer = Writer::new(Vec::new());
    // Writing to memory does not fail.
    let _ = node.write(&mut writer);
    String::from_utf8_lossy(&writer.into_inner()).into_owned()
}

fn envelope(server: &Server, namespace: &str, content: &Node) -> Reply {
    let (used, daily) = (server.calls.load(Ordering::Relaxed), server.daily_calls);
    let content = written(content);
    let text = format!(
        "{DECLARATION}<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns=\"{namespace}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Header><LimitInfoHeader><limitInfo><current>{used}</current><limit>{daily}</limit><type>API REQUESTS</type></limitInfo></LimitInfoHeader></soapenv:Header><soapenv:Body>{content}</soapenv:Body></soapenv:Envelope>"
    );
    Reply::text(200, CONTENT_TYPE, text)
}
