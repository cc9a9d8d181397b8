//! The partner calls that clients still make: records where REST can't make
//! them or can't mail, and passwords.

use serde_json::Value as Json;

use super::Answer;
use super::argument;
use super::crud::errors;
use super::crud::limit;
use crate::local_org::error::ApiError;
use crate::local_org::ids::normal_id;
use crate::local_org::row::Row;
use crate::local_org::rules;
use crate::local_org::rules::Fields;
use crate::local_org::rules::Org;
use crate::local_org::xml::Node;

/// Records of one call (SOAP API Developer Guide, `create()`).
const RECORDS: usize = 200;

/// A record's object and its fields.
fn record(node: &Node) -> (String, Fields) {
    let written = node.child("type").map(|name| name.text.trim().to_owned());
    let object = written.or_else(|| node.xsi_type.clone()).unwrap_or_default();
    let mut fields: Fields = node
        .children
        .iter()
        .filter(|field| !matches!(field.name.as_str(), "type" | "fieldsToNull" | "Id"))
        .map(|field| (field.name.clone(), Json::String(field.text.clone())))
        .collect();
    for field in node.all("fieldsToNull") {
        fields.insert(field.text.trim().to_owned(), Json::Null);
    }
    (object, fields)
}

/// Runs one record of a call; what it did is taken back where it fails.
fn each(org: &mut Org, run: impl FnOnce(&mut Org) -> Result<String, ApiError>) -> Node {
    let savepoint = org.store.savepoint();
    let children = match run(org) {
        Ok(id) => vec![Node::text("id", &id), Node::text("success", "true")],
        Err(error) => {
            org.store.roll_back(savepoint);
            let mut id = Node::text("id", "");
            id.xsi_type = Some("nil".to_owned());
            vec![errors(&error), id, Node::text("success", "false")]
        }
    };
    Node::parent("result", children)
}

/// Answers `create`. A user gets the welcome mail when the header asks for it,
/// which here is only noted as a change of the password.
pub fn create(org: &mut Org, operation: &Node, triggers_user_mail: bool) -> Answer {
    let records: Vec<(String, Fields)> = operation.all("sObjects").map(record).collect();
    limit(records.len(), RECORDS)?;
    let results: Vec<Node> = records
        .iter()
        .map(|(object, fields)| {
            each(org, |org| {
                let id = rules::insert(org, object, fields)?;
                if triggers_user_mail && object.eq_ignore_ascii_case("User") {
                    let mut user = org.store.get("User", &id).cloned().unwrap_or_default();
                    user.set("LastPasswordChangeDate", &org.now);
                    org.store_changed("User", user);
                }
                Ok(id)
            })
        })
        .collect();
    let count = results.len();
    Ok((results, count))
}

/// Answers `update`.
pub fn update(org: &mut Org, operation: &Node) -> Answer {
    let records: Vec<(String, String, Fields)> = operation
        .all("sObjects")
        .map(|node| {
            let (object, fields) = record(node);
            (argument(node, "Id"), object, fields)
        })
        .collect();
    limit(records.len(), RECORDS)?;
    let results: Vec<Node> = records
        .iter()
        .map(|(id, object, fields)| {
            each(org, |org| rules::update(org, object, id, fields).map(|()| normal_id(id)))
        })
        .collect();
    let count = results.len();
    Ok((results, count))
}

/// Answers `delete`.
pub fn delete(org: &mut Org, operation: &Node) -> Answer {
    let ids: Vec<String> = operation.all("ids").map(|id| id.text.trim().to_owned()).collect();
    limit(ids.len(), RECORDS)?;
    let results: Vec<Node> = ids
        .iter()
        .map(|id| {
            each(org, |org| {
                let object = org.schema.object_of_id(id).map(|object| object.name);
                let object = object
                    .ok_or_else(|| ApiError::new("MALFORMED_ID", format!("malformed id {id}")))?;
                rules::delete(org, object, id).map(|()| normal_id(id))
            })
        })
        .collect();
    let count = results.len();
    Ok((results, count))
}

/// Answers `setPassword`.
pub fn set_password(org: &mut Org, operation: &Node) -> Answer {
    let user = normal_id(&argument(operation, "userId"));
    rules::check_password_right(org, &user)?;
    if org.store.get("User", &user).is_none() {
        return Err(ApiError::new("INVALID_ID_FIELD", format!("invalid user id: {user}")));
    }
    let password = operation.child("password").map(|child| child.text.clone()).unwrap_or_default();
    rules::set_password(org, &user, &password)?;
    Ok((vec![Node::text("result", "")], 1))
}

/// Answers `getUserInfo`, in the order of the WSDL.
pub fn user_info(org: &Org, session_seconds: i64) -> (Vec<Node>, usize) {
    let user = org.store.get("User", &org.running_user).cloned().unwrap_or_default();
    let organization = org.store.all("Organization").next().cloned().unwrap_or_default();
    let of = |row: &Row, field: &str| row.text(field).unwrap_or_default().to_owned();
    let has_persons = org
        .schema
        .object("Account")
        .is_some_and(|account| account.field("IsPersonAccount").is_some());
    let texts = [
        ("accessibilityMode", "false".to_owned()),
        ("chatterExternal", "false".to_owned()),
        ("currencySymbol", "$".to_owned()),
        ("orgAttachmentFileSizeLimit", "5242880".to_owned()),
        ("orgDefaultCurrencyIsoCode", "USD".to_owned()),
        ("orgDefaultCurrencyLocale", "en_US".to_owned()),
        ("orgDisallowHtmlAttachments", "false".to_owned()),
        ("orgHasPersonAccounts", has_persons.to_string()),
        ("organizationId", of(&organization, "Id")),
        ("organizationMultiCurrency", "false".to_owned()),
        ("organizationName", of(&organization, "Name")),
        ("profileId", of(&user, "ProfileId")),
        ("roleId", of(&user, "UserRoleId")),
        ("sessionSecondsValid", session_seconds.to_string()),
        ("userDefaultCurrencyIsoCode", String::new()),
        ("userEmail", of(&user, "Email")),
        ("userFullName", of(&user, "Name")),
        ("userId", of(&user, "Id")),
        ("userLanguage", of(&user, "LanguageLocaleKey")),
        ("userLocale", of(&user, "LocaleSidKey")),
        ("userName", of(&user, "Username")),
        ("userTimeZone", of(&user, "TimeZoneSidKey")),
        ("userType", "Standard".to_owned()),
        ("userUiSkin", "Theme3".to_owned()),
    ];
    let children = texts
        .into_iter()
        .map(|(name, text)| {
            let mut node = Node::text(name, &text);
            let may_be_nil = matches!(name, "roleId" | "userDefaultCurrencyIsoCode");
            if may_be_nil && text.is_empty() {
                node.xsi_type = Some("nil".to_owned());
            }
            node
        })
        .collect();
    (vec![Node::parent("result", children)], 1)
}
