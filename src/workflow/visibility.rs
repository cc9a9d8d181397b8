//! What is not found may only not be seen; a plan made blindly would make things a second
//! time.

use std::collections::BTreeSet;

use super::WorkflowError;
use super::session::Session;
use crate::engine;
use crate::facts::Catalog;
use crate::facts::Fact;
use crate::kinds;
use crate::model::Observation;
use crate::model::Observations;

/// Fails where what was not found may only be hidden.
///
/// # Errors
/// When it is, or the org can't be asked.
pub(super) async fn check(
    session: &Session,
    asked: &BTreeSet<Fact>,
    catalog: &Catalog,
    observations: &Observations,
) -> Result<(), WorkflowError> {
    for kind in kinds::ALL {
        let Some(visibility) = kind.visibility() else { continue };
        let mut facts = asked.iter().filter(|fact| (visibility.is_about)(fact)).peekable();
        // One that is found shows that they can be seen.
        let lacks_fact = facts.peek().is_some() && facts.all(|fact| !catalog.has(fact));
        let lost_something = observations.differing.iter().any(|(address, seen)| {
            address.kind() == kind.name() && matches!(seen, Observation::Gone)
        });
        if (lacks_fact || lost_something) && !engine::sees(&session.org, &visibility).await? {
            return Err(WorkflowError::NotVisible(visibility));
        }
    }
    Ok(())
}
