//! Salesforce's refusals as they stand in answers: REST's array, a bare object, the
//! errors of a collection, a SOAP fault.
//!
//! Only these are refusals. A status that says failure with another body may come
//! from anything on the way, and says nothing of what the org did.

use serde_json::Value as Json;

use super::error::OrgError;
use super::error::Refusal;
use super::error::Refused;
use crate::text::shown;

/// How the identity service, in one word of plain text with status 403, says
/// that a token is of no session (seen by several clients).
const BAD_TOKEN: &str = "Bad_OAuth_Token";
/// As much of an answer as is told of it.
const SHOWN: usize = 120;

/// An answer that is no success, as far as it is understood.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// Method and path.
    pub call: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: &'a str,
    /// Salesforce's id of the request.
    pub request_id: Option<&'a str>,
}

/// What an answer is that is not what the call's contract says: Salesforce's own
/// refusal, or nothing that can be relied on.
pub fn error_of(answer: Answered<'_>) -> OrgError {
    let call = answer.call.to_owned();
    let request_id = answer.request_id.map(str::to_owned);
    let Some(refused) = Some(answer.status).filter(|status| *status >= 400).and_then(|_| {
        if answer.body.trim() == BAD_TOKEN {
            let message = "the identity service does not accept it";
            return Some(Refused::new(Refusal::new(BAD_TOKEN, message, Vec::new())));
        }
        refused_in(answer.body)
    }) else {
        return OrgError::Unexpected {
            call,
            status: Some(answer.status),
            reason: strange(answer.status, answer.body),
            request_id,
        };
    };
    let refused = refused.in_request(request_id);
    match refused.first().code.as_str() {
        "INVALID_SESSION_ID" | BAD_TOKEN | "API_DISABLED_FOR_ORG" | "API_CURRENTLY_DISABLED" => {
            OrgError::Session { call, refused }
        }
        "REQUEST_LIMIT_EXCEEDED" if !refused.first().message.starts_with("Concurrent") => {
            OrgError::DailyLimit { call, refused }
        }
        _ => {
            let status =
                if is_definite_fault(answer, refused.first()) { 400 } else { answer.status };
            OrgError::Refused { call, status, refused }
        }
    }
}

/// An answer that nothing documents, as a person recognizes it.
pub fn strange(status: u16, body: &str) -> String {
    if body.trim().is_empty() {
        return format!("status {status} without a body");
    }
    let shown: String = body.trim().chars().take(SHOWN).collect();
    format!("status {status} with `{}`", shown::line(&shown.replace(['\n', '\r', '\t'], " ")))
}

/// A SOAP fault comes with status 500 whatever it is about; unless it is about
/// the server, it is a definite refusal.
fn is_definite_fault(answer: Answered<'_>, refusal: &Refusal) -> bool {
    let is_xml = answer.body.trim_start().starts_with('<');
    let is_fault = answer.status == 500 && is_xml && answer.body.contains("<faultcode");
    let is_about_server = matches!(
        refusal.code.as_str(),
        "UNKNOWN_EXCEPTION" | "SERVER_UNAVAILABLE" | "UNABLE_TO_LOCK_ROW" | "Server"
    );
    is_fault && !is_about_server
}

/// All reasons that a body gives, if it is one of Salesforce's refusals.
pub fn refused_in(body: &str) -> Option<Refused> {
    if let Ok(json) = serde_json::from_str::<Json>(body) {
        return match &json {
            Json::Array(errors) => {
                Refused::of(errors.iter().map(refusal_of).collect::<Option<Vec<_>>>()?)
            }
            error => refusal_of(error).map(Refused::new),
        };
    }
    let document = roxmltree::Document::parse(body).ok()?;
    let fault = document.descendants().find(|node| node.tag_name().name() == "Fault")?;
    let text = |name: &str| {
        let found = fault.descendants().find(|node| node.tag_name().name() == name);
        found.and_then(|node| node.text()).map(str::trim)
    };
    let code = text("faultcode")?;
    let code = code.rsplit(':').next().unwrap_or(code);
    let message = text("faultstring").unwrap_or_default();
    let message = message.strip_prefix(code).map_or(message, |rest| rest.trim_start_matches(": "));
    Some(Refused::new(Refusal::new(code, message, Vec::new())))
}

/// A refusal in a JSON object: `errorCode` in REST errors, `statusCode` in
/// the results of collections.
pub fn refusal_of(error: &Json) -> Option<Refusal> {
    let code = error.get("errorCode").or_else(|| error.get("statusCode"))?.as_str()?;
    let message = error.get("message").and_then(Json::as_str).unwrap_or_default();
    let fields = error
        .get("fields")
        .and_then(Json::as_array)
        .map(|fields| fields.iter().filter_map(|field| field.as_str().map(str::to_owned)).collect())
        .unwrap_or_default();
    Some(Refusal::new(code, message, fields))
}

#[cfg(test)]
mod tests {
    use super::Answered;
    use super::OrgError;
    use super::error_of;
    use super::refused_in;

    fn answered(status: u16, body: &str) -> Answered<'_> {
        Answered { call: "GET", status, body, request_id: None }
    }

    #[test]
    fn refusals_are_found_in_all_three_shapes() {
        let array =
            r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#;
        assert_eq!(refused_in(array).expect("one").first().code, "INVALID_SESSION_ID");
        let object = r#"{"errorCode":"NOT_FOUND","message":"x"}"#;
        assert_eq!(refused_in(object).expect("one").first().code, "NOT_FOUND");
        let fault = "<e:Envelope xmlns:e='x'><e:Body><e:Fault><faultcode>sf:INVALID_SESSION_ID</faultcode><faultstring>INVALID_SESSION_ID: Invalid Session ID</faultstring></e:Fault></e:Body></e:Envelope>";
        let refused = refused_in(fault).expect("one");
        let refusal = refused.first();
        assert_eq!(
            (refusal.code.as_str(), refusal.message.as_str()),
            ("INVALID_SESSION_ID", "Invalid Session ID")
        );
        assert_eq!(refused_in("<html>Down for maintenance</html>"), None);
    }

    #[test]
    fn the_one_word_of_the_identity_service_is_a_session_that_ended() {
        let error = error_of(answered(403, "Bad_OAuth_Token\n"));
        assert!(matches!(error, OrgError::Session { .. }));
    }

    #[test]
    fn only_salesforces_own_words_are_a_refusal() {
        for (status, body) in [
            (302, ""),
            (404, "<html>not here</html>"),
            (403, "{\"error\":\"blocked by a proxy\"}"),
            (400, "[]"),
            (400, "[{\"errorCode\":\"X\"},{\"else\":1}]"),
            (200, "[{\"errorCode\":\"NOT_FOUND\",\"message\":\"x\"}]"),
        ] {
            let error = error_of(answered(status, body));
            assert!(matches!(error, OrgError::Unexpected { .. }), "{status} {body}: {error}");
            assert!(error.is_unknown());
        }
    }

    #[test]
    fn all_reasons_are_kept_and_what_was_not_taken_up_is_known() {
        let two = r#"[{"errorCode":"A","message":"a"},{"errorCode":"B","message":"b"}]"#;
        let error = error_of(answered(400, two));
        assert_eq!(error.refused().map(|refused| refused.all().count()), Some(2));
        assert!(!error.is_unknown());
        let crowded = r#"[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"ConcurrentRequests (Concurrent API Requests) Limit exceeded."}]"#;
        assert!(!error_of(answered(403, crowded)).is_unknown());
        let busy = r#"[{"errorCode":"SERVER_UNAVAILABLE","message":"busy"}]"#;
        assert!(error_of(answered(503, busy)).is_unknown(), "it may have been done before that");
    }

    #[test]
    fn a_message_from_outside_brings_no_control_characters() {
        let body = "[{\"message\":\"Duplicate Username.<br>\\u001b[31mred\",\"errorCode\":\"DUPLICATE_USERNAME\"}]";
        let shown = refused_in(body).expect("one").to_string();
        assert_eq!(shown, "DUPLICATE_USERNAME: Duplicate Username. \\u{1b}[31mred");
    }
}
