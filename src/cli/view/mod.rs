//! Plans, progress and errors as text and as JSON. Pure: from values to text.

pub mod diagnostics;
pub mod plan_json;
pub mod plan_text;
pub mod progress;
pub mod summary;
mod values;
