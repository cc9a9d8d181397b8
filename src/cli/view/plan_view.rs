//! A plan in the view that was asked for.

use super::plan_diff;
use super::plan_summary;
use super::plan_text;
use crate::cli::arguments::View;
use crate::cli::painter::Painter;
use crate::model::Plan;

/// The plan; without a view, whole, or grouped where there is much of it.
pub fn render(plan: &Plan, painter: Painter, view: Option<View>) -> String {
    match view {
        Some(View::Summary) => plan_summary::render(plan, painter),
        Some(View::Diff) => plan_diff::render(plan, painter),
        Some(View::Full) => plan_text::render(plan, painter, true),
        None => plan_text::render(plan, painter, false),
    }
}
