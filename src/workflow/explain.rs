//! What a user has access through, from the org or from what the state remembers.

use super::WorkflowError;
use super::session::Access;
use super::session::Session;
use crate::engine;
use crate::engine::SeenUser;
use crate::facts::Catalog;
use crate::model::Address;
use crate::model::KindName;
use crate::model::SourceName;
use crate::org::API_VERSION;

/// A user with its sources, and those of which it is not known what they grant.
pub type Explained = (SeenUser, Vec<SourceName>);

/// What a user has access through; `None` where there is no such user, or from the state,
/// where nothing is recorded of it.
///
/// # Errors
/// When the org or the state can't be read.
pub async fn explain_user(
    session: &Session,
    username: &str,
    refresh: bool,
) -> Result<Option<Explained>, WorkflowError> {
    if refresh {
        let seen = engine::look_at_user(&session.org, username).await?;
        return Ok(seen.map(|seen| (seen, Vec::new())));
    }
    session
        .with_store("explain user", Access::ToPlan, async |store| {
            let mut catalog = Catalog::new();
            for kept in store.facts(API_VERSION)? {
                catalog.restore(&kept.fact, &kept.answer, |_| true);
            }
            let user = Address::new(KindName::USER, &username.to_lowercase());
            Ok(engine::recall_user(&*store, &catalog, &user)?)
        })
        .await
}
