//! What great power asks of who gets it, as notes for whoever reviews a plan.

use crate::kinds;
use crate::model::AccessChange;
use crate::model::Address;
use crate::model::KindName;
use crate::model::Note;
use crate::model::NoteKind;
use crate::model::Right;

/// Who holds one of these logs in with a security key or a built-in authenticator,
/// in production since July 2026 (Salesforce's announcement of phishing-resistant
/// multi-factor authentication for privileged users).
const PRIVILEGED: [&str; 4] =
    ["ModifyAllData", "ViewAllData", "CustomizeApplication", "AuthorApex"];

/// A note for each group of users who get such a permission.
pub fn notes(access: &[AccessChange]) -> Vec<Note> {
    access
        .iter()
        .filter_map(|change| {
            let gained: Vec<String> = PRIVILEGED
                .into_iter()
                .filter(|name| {
                    change
                        .gains
                        .iter()
                        .any(|gain| matches!(&gain.right, Right::System(held) if held == name))
                })
                .map(|name| kinds::permission_label(name).to_owned())
                .collect();
            let first = change.users.first().filter(|_| !gained.is_empty())?;
            let who = match change.users.len() {
                1 => "it gets".to_owned(),
                2 => "it and 1 other user get".to_owned(),
                count => format!("it and {} other users get", count - 1),
            };
            let text = format!(
                "{who} {}: to log in to Salesforce's pages, also by single sign-on, Salesforce asks for a security key or a built-in authenticator then; the API asks for none",
                gained.join(" and ")
            );
            let address = Address::new(KindName::USER, first);
            Some(Note { kind: NoteKind::Remark, address, text })
        })
        .collect()
}
