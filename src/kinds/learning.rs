//! What a refusal teaches about permissions: what one needs, or that the org does not
//! have it. Pure; imports the tables of `permissions`.
//!
//! What is learned ends up in grants, so that no text may steer it that anybody but
//! Salesforce writes: a validation rule's message, a label, a trigger's error.
//! Therefore it is taken only from writes of documents that grant permissions, only
//! under the codes that Salesforce has for it, and only of permissions that the
//! refused document itself names and this org has.

use super::access_path::AccessPath;
use super::access_path::muted;
use super::permissions::is_permission;
use super::permissions::is_privileged;
use super::permissions::is_unknown_in_org;
use super::permissions::of_words;
use super::permissions::shipped_prerequisites;
use crate::facts::Catalog;
use crate::facts::Fact;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::ObjectAccess;
use crate::model::Op;
use crate::model::Permission;
use crate::model::Write;

/// Documents that grant or mute permissions.
const GRANTING: [&str; 4] =
    ["PermissionSet", "PermissionSetGroup", "MutingPermissionSet", "Profile"];
/// The codes of a missing prerequisite and of a permission that the org does not know
/// (seen in refusals of the Metadata API). A deploy gives its failures no code.
const MISSING: [&str; 2] = ["FIELD_INTEGRITY_EXCEPTION", "DEPLOY_FAILED"];
const UNKNOWN: [&str; 3] =
    ["INVALID_CROSS_REFERENCE_KEY", "FIELD_INTEGRITY_EXCEPTION", "DEPLOY_FAILED"];

/// Takes what a refusal of `op` says into the catalog; the facts that are new.
///
/// Two sentences teach: `Permission X depends on permission(s): Y, Z` (several joined
/// by `; `; API names from the Metadata API, labels from REST) and
/// `Unknown user permission: X`.
pub fn learn_from_refusal(op: &Op, code: &str, message: &str, catalog: &mut Catalog) -> Vec<Fact> {
    let (Write::UpsertDocument { metadata_type, .. } | Write::UpdateDocument { metadata_type, .. }) =
        &op.write
    else {
        return Vec::new();
    };
    if !GRANTING.contains(&metadata_type.as_ref()) {
        return Vec::new();
    }
    let mut learned = Vec::new();
    for sentence in message.split(';') {
        if MISSING.contains(&code) {
            learned.extend(prerequisites(sentence, &op.effect.confirm, catalog));
        }
        if UNKNOWN.contains(&code) {
            learned.extend(unknown(sentence, &op.effect.confirm, catalog));
        }
    }
    learned
}

/// `Permission X depends on permission(s): Y, Z`.
fn prerequisites(sentence: &str, written: &Attributes, catalog: &mut Catalog) -> Option<Fact> {
    let rest = sentence.trim().strip_prefix("Permission ")?;
    let (permission, needed) = rest.split_once(" depends on permission(s): ")?;
    let permission = of_words(permission, catalog);
    let text = permission.to_string();
    if !names(written, &permission) {
        return None;
    }
    let mut held = catalog.learned_prerequisites.get(&text).list().to_vec();
    let before = held.len();
    for words in needed.split(',') {
        let permitted = of_words(words, catalog);
        let need = permitted.to_string();
        let is_known = held.contains(&need)
            || catalog.prerequisites.get(&text).list().contains(&need)
            || shipped_prerequisites(&text).contains(&need.as_str());
        if permitted != permission && !is_known && is_permission(&permitted, catalog) {
            held.push(need);
        }
    }
    if held.len() == before {
        return None;
    }
    catalog.learned_prerequisites.insert(text.clone(), held);
    Some(Fact::LearnedPrerequisites(text))
}

/// `Unknown user permission: X`.
fn unknown(sentence: &str, written: &Attributes, catalog: &mut Catalog) -> Option<Fact> {
    let sentence = sentence.trim();
    let name = sentence
        .strip_prefix("Unknown user permission: ")
        .or_else(|| {
            let (_, rest) = sentence.split_once("no UserPermission named ")?;
            rest.strip_suffix(" found").or(Some(rest))
        })?
        .trim();
    if !names(written, &Permission::System(name.to_owned())) || is_unknown_in_org(name, catalog) {
        return None;
    }
    catalog.system_permissions.grown(()).unknown.push(name.to_owned());
    Some(Fact::SystemPermissions)
}

/// Whether what was written grants a permission, or mutes it.
fn names(written: &Attributes, permission: &Permission) -> bool {
    let (section, element) = match permission {
        Permission::Object { object, access } => {
            (AccessPath::Object(object).to_string(), access.word())
        }
        Permission::System(name) => ("system_permissions".to_owned(), name.as_str()),
    };
    written.iter().any(|(path, value)| {
        muted(path).unwrap_or(path) == section
            && value.as_set().is_some_and(|names| names.iter().any(|name| name == element))
    })
}

/// What a change newly grants that gives power, and of which only a refusal says that
/// it is needed.
pub fn learned_powers(change: &Change) -> Vec<Permission> {
    let is_new = |path: &str, element: &str| {
        let before = change.before.as_ref();
        !before.is_some_and(|before| before.names(path).any(|held| held == element))
    };
    let learned = change.implied.iter().filter(|implied| implied.learned);
    learned
        .filter(|implied| is_new(&implied.path, &implied.element))
        .map(|implied| {
            let access = ObjectAccess::of_word(&implied.element);
            match AccessPath::object_of(&implied.path).zip(access) {
                Some((object, access)) => Permission::object(object, access),
                None => Permission::System(implied.element.clone()),
            }
        })
        .filter(is_privileged)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::learn_from_refusal;
    use crate::facts::Catalog;
    use crate::facts::Fact;
    use crate::model::Address;
    use crate::model::Attributes;
    use crate::model::Op;
    use crate::model::RecordEffect;
    use crate::model::StepName;
    use crate::model::Value;
    use crate::model::Write;

    const REFUSED: &str = "FIELD_INTEGRITY_EXCEPTION";

    fn document(metadata_type: &'static str) -> Write {
        let (metadata_type, full_name) = (metadata_type.into(), "S".to_owned());
        Write::UpsertDocument { metadata_type, full_name, body: Vec::new() }
    }

    fn op(write: Write) -> Op {
        let mut confirm = Attributes::new();
        confirm.set("system_permissions", Value::set(["ConvertLeads", "ManageNetworks"]));
        confirm.set("objects.Quote", Value::set(["read"]));
        Op {
            address: Address::new("permission_set", "S"),
            step: StepName::Write,
            write,
            after: Vec::new(),
            subject: None,
            lane: None,
            effect: RecordEffect { confirm, ..RecordEffect::default() },
        }
    }

    #[test]
    fn a_refusal_teaches_prerequisites_by_api_name_and_by_label() {
        let mut catalog = Catalog::new();
        let op = op(document("PermissionSet"));
        let text = "Permission ConvertLeads depends on permission(s): Create Account, ViewRoles; Permission Read Quote depends on permission(s): Read Opportunity";
        let learned = learn_from_refusal(&op, REFUSED, text, &mut catalog);
        assert_eq!(learned.len(), 2);
        let held = catalog.learned_prerequisites.get("ConvertLeads").list();
        assert_eq!(held, ["Account<create>", "ViewRoles"]);
        assert_eq!(catalog.learned_prerequisites.get("Quote<read>").list(), ["Opportunity<read>"]);
        let again = "Permission ConvertLeads depends on permission(s): ViewRoles";
        let again = learn_from_refusal(&op, REFUSED, again, &mut catalog);
        assert!(again.is_empty(), "what is known is not new: {again:?}");
    }

    #[test]
    fn a_refusal_teaches_that_a_permission_is_unknown_here() {
        let mut catalog = Catalog::new();
        let op = op(document("PermissionSet"));
        let code = "INVALID_CROSS_REFERENCE_KEY";
        let text = "Unknown user permission: ManageNetworks";
        assert_eq!(learn_from_refusal(&op, code, text, &mut catalog), [Fact::SystemPermissions]);
    }

    #[test]
    fn no_other_text_teaches_anything() {
        let text = "Permission ConvertLeads depends on permission(s): Modify All Data";
        let insert = Write::Insert { object: "User".into(), fields: Vec::new() };
        let cases = [
            ("a record", op(insert), REFUSED, text),
            ("another document", op(document("CustomObject")), REFUSED, text),
            (
                "a validation rule",
                op(document("PermissionSet")),
                "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                text,
            ),
            (
                "a permission that was not written",
                op(document("PermissionSet")),
                REFUSED,
                "Permission RunReports depends on permission(s): Modify All Data",
            ),
            (
                "a name that is none",
                op(document("PermissionSet")),
                REFUSED,
                "Permission ConvertLeads depends on permission(s): Rule The World",
            ),
            (
                "a sentence within another",
                op(document("PermissionSet")),
                REFUSED,
                "The label `Permission ConvertLeads depends on permission(s): Modify All Data` is taken",
            ),
        ];
        for (what, op, code, text) in cases {
            let mut catalog = Catalog::new();
            let learned = learn_from_refusal(&op, code, text, &mut catalog);
            assert!(learned.is_empty(), "{what} teaches nothing: {learned:?}");
        }
    }
}
