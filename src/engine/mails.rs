//! Mails that went out before, by what the org shows of their users.
//!
//! A state that was put back from an older copy may not know of a mail. A user who was
//! there before a plan, and has logged in or whose password was reset since it was made,
//! was told already: no second mail goes out. Salesforce keeps both dates on the user
//! (Object Reference, `User`: `LastLoginDate`, `LastPasswordChangeDate`). Only a date
//! after the user's own making counts, since some orgs may set it with that.

use super::EngineError;
use crate::model::Address;
use crate::model::IdReference;
use crate::model::Once;
use crate::model::Plan;
use crate::model::Recorded as _;
use crate::model::RowExt as _;
use crate::model::SalesforceId;
use crate::model::UnixSeconds;
use crate::model::Write;
use crate::org::Org;
use crate::org::keyed_queries;
use crate::state::RecordChange;
use crate::state::Settlement;
use crate::state::Store;

/// How the API writes a time.
const TIME: &str = "%Y-%m-%dT%H:%M:%S%.f%z";

/// Looks at the users whom a plan would mail and who were there before it; records of
/// those who were told already that they were, and gives them.
///
/// # Errors
/// When the org can't be asked, or the state can't be written.
pub async fn mailed_before(
    org: &Org,
    store: &mut Store,
    plan: &Plan,
) -> Result<Vec<Address>, EngineError> {
    let mails: Vec<(&SalesforceId, &Address, &str)> = plan
        .ops
        .iter()
        .filter_map(|op| match (&op.write, &op.effect.once) {
            (Write::ResetPassword { id: IdReference::Known(id) }, Some(once)) => {
                Some((id, &op.address, once.as_str()))
            }
            _ => None,
        })
        .collect();
    if mails.is_empty() {
        return Ok(Vec::new());
    }
    let fields = ["Id", "CreatedDate", "LastLoginDate", "LastPasswordChangeDate"];
    let ids = mails.iter().map(|(id, _, _)| id.as_str());
    let queries = keyed_queries("User", &fields, "Id", &[], ids);
    let mut dated: Vec<(SalesforceId, UnixSeconds)> = Vec::new();
    org.query_all(&queries, &mut |_, rows| {
        for row in rows {
            let time = |field: &str| row.text(field).and_then(seconds);
            let id = row.text("Id").and_then(SalesforceId::parse);
            let (Some(id), Some(made)) = (id, time("CreatedDate")) else { continue };
            let reset = time("LastPasswordChangeDate").filter(|reset| *reset > made);
            if let Some(when) = reset.or_else(|| time("LastLoginDate")) {
                dated.push((id, when));
            }
        }
    })
    .await?;
    let mut settled = Settlement::default();
    let mut before = Vec::new();
    for (id, address, once) in mails {
        let Some((_, when)) = dated.iter().find(|(held, _)| held == id) else { continue };
        let Some(mut record) = store.get(address).map_err(EngineError::Record)? else { continue };
        record.once.insert(once.to_owned(), Once::At(*when));
        settled.changes.push(RecordChange::Put(address.clone(), record));
        before.push(address.clone());
    }
    store.finish(&[settled]).await?;
    Ok(before)
}

fn seconds(text: &str) -> Option<UnixSeconds> {
    Some(UnixSeconds(jiff::Timestamp::strptime(TIME, text).ok()?.as_second()))
}

#[cfg(test)]
mod tests {
    use crate::model::UnixSeconds;

    use super::seconds;

    #[test]
    fn times_of_the_api_are_read() {
        assert_eq!(seconds("2026-12-01T09:00:00.000+0000"), Some(UnixSeconds(1_796_115_600)));
        assert_eq!(seconds("2026-12-01T10:00:00.000+0100"), Some(UnixSeconds(1_796_115_600)));
        assert_eq!(seconds("yesterday"), None);
    }
}
