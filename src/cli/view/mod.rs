//! Plans, progress and errors as text and as JSON: from values to text, but
//! for progress, which writes while it happens.

pub mod access;
pub mod diagnostics;
pub mod diagnostics_json;
pub mod events;
pub mod findings;
pub mod hints;
mod markdown;
pub mod notices;
pub mod picture;
mod plan_diff;
pub mod plan_json;
pub mod plan_markdown;
mod plan_summary;
mod plan_text;
pub mod plan_view;
mod plan_words;
pub mod progress;
pub mod summary;
mod values;
