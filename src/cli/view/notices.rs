//! What somebody should know of a plan, in words.

use crate::engine::Recovered;
use crate::model::Address;
use crate::workflow::Notice;
use crate::workflow::Planned;

/// The notices of a plan, each a sentence or more.
pub fn of(planned: &Planned) -> Vec<String> {
    planned.notices.iter().map(text).collect()
}

fn text(notice: &Notice) -> String {
    match notice {
        Notice::Said(text) => text.clone(),
        Notice::Suffix(suffix) => format!("Usernames have `{suffix}` behind them in this org."),
        Notice::OpenCalls => "Calls of an earlier run are not answered yet. What they were to make is taken for not there.".to_owned(),
        Notice::Recovered(recovered) => recovery(recovered),
        Notice::AccessPolicies(policies) => format!(
            "This org has active user access policies, which give and take assignments by themselves: {}.",
            policies.join(", ")
        ),
        Notice::Undeclared(others) => format!(
            "Destroy takes away all that orgform made in this org: {others} of these are declared in none of the files you named."
        ),
        Notice::NothingRecorded => "Nothing is recorded of this org, so that what is there already is taken over (adopted) and will not be removed by destroy.".to_owned(),
    }
}

/// What recovery found, in words.
fn recovery(recovered: &Recovered) -> String {
    let listed = |addresses: &[Address]| {
        addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let calls = match recovered.calls {
        1 => "a call".to_owned(),
        calls => format!("{calls} calls"),
    };
    let mut text = format!("An earlier run ended in the middle of {calls}.");
    if !recovered.done.is_empty() {
        text.push_str(&format!(
            " The org shows that this had been done, and it is recorded now: {}.",
            listed(&recovered.done)
        ));
    }
    if !recovered.adopted.is_empty() {
        text.push_str(&format!(
            " This is there, made by somebody else, and adopted: {}.",
            listed(&recovered.adopted)
        ));
    }
    if !recovered.absent.is_empty() {
        text.push_str(&format!(
            " This is not there: {}. Should a call of that run still make it, it is recognized as orgform's own.",
            listed(&recovered.absent)
        ));
    }
    if !recovered.unknown.is_empty() {
        text.push_str(&format!(
            " Whether a password mail went out can't be known, and it will not be sent again: {}.",
            listed(&recovered.unknown.iter().map(|mail| mail.address.clone()).collect::<Vec<_>>())
        ));
    }
    let found = [&recovered.done, &recovered.adopted, &recovered.absent];
    if recovered.unknown.is_empty() && found.iter().all(|list| list.is_empty()) {
        text.push_str(
            " The org shows that nothing of it had happened, or that it can be repeated.",
        );
    }
    text
}
