//! Answers that did not fit one page.

use std::collections::VecDeque;

use serde_json::Value as Json;

/// Answers that a user may have open (SOQL and SOSL Reference, "Query
/// Locators").
const OPEN: usize = 10;

/// What is left of an answer after its first page.
#[derive(Debug)]
pub struct Cursor {
    locator: String,
    user: String,
    /// How many rows the first page had.
    pub first: usize,
    /// The rows after it.
    pub rows: Vec<Json>,
}

/// Answers that wait to be fetched; of each user the oldest give way. A page
/// can be fetched again, as long as its answer is there.
#[derive(Debug, Default)]
pub struct Cursors {
    held: VecDeque<Cursor>,
    number: u64,
}

impl Cursors {
    /// Keeps what comes after a first page; what comes back is its locator.
    pub fn keep(&mut self, user: &str, first: usize, rows: Vec<Json>) -> String {
        self.number += 1;
        let locator = format!("01g{:015}", self.number);
        let open = self.held.iter().filter(|cursor| cursor.user == user).count();
        if open >= OPEN
            && let Some(oldest) = self.held.iter().position(|cursor| cursor.user == user)
        {
            self.held.remove(oldest);
        }
        let user = user.to_owned();
        self.held.push_back(Cursor { locator: locator.clone(), user, first, rows });
        locator
    }

    /// The answer of a locator, for the user whose it is.
    pub fn get(&self, user: &str, locator: &str) -> Option<&Cursor> {
        self.held.iter().find(|cursor| cursor.locator == locator && cursor.user == user)
    }
}
