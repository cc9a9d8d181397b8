//! Reading describes.

use serde_json::Value as Json;

/// The items of a list of a describe.
pub(super) fn listed<'a>(described: &'a Json, list: &str) -> impl Iterator<Item = &'a Json> {
    described.get(list).and_then(Json::as_array).into_iter().flatten()
}

/// Whether something is said to be so.
pub(super) fn flag(described: &Json, name: &str) -> bool {
    described.get(name).and_then(Json::as_bool).unwrap_or(false)
}
