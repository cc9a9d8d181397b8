//! Answers that did not fit one page.

use std::collections::VecDeque;

use serde_json::Value as Json;

/// Rows that wait to be fetched, by locator; the oldest give way.
#[derive(Debug, Default)]
pub struct Cursors {
    held: VecDeque<(String, Vec<Json>)>,
    number: u64,
}

impl Cursors {
    const HELD: usize = 50;

    /// Keeps rows; what comes back is the locator of the next page.
    pub fn keep(&mut self, rows: Vec<Json>) -> String {
        self.number += 1;
        let locator = format!("01g{:015}", self.number);
        self.held.push_back((locator.clone(), rows));
        while self.held.len() > Self::HELD {
            self.held.pop_front();
        }
        locator
    }

    /// The rows of a locator.
    pub fn get(&self, locator: &str) -> Option<&[Json]> {
        self.held.iter().find(|(held, _)| held == locator).map(|(_, rows)| rows.as_slice())
    }
}
