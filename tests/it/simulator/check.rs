//! What must hold after a seed, whatever struck it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value as Json;
use serde_json::json;

use super::schedule::Shape;
use super::trial::Trial;

/// Assignments of users of ours that no profile makes.
const ASSIGNED: &str = "SELECT Id, Assignee.Username, PermissionSet.Name, PermissionSetGroupId FROM PermissionSetAssignment WHERE Assignee.Username LIKE 'u%@robots.example' AND PermissionSet.IsOwnedByProfile = false ORDER BY Id";

impl Trial {
    /// Each thing is there once.
    pub async fn is_as_declared(&self) {
        let users = self.wire.query("SELECT Id, Username, IsActive, LastName FROM User WHERE Username LIKE 'u%@robots.example' ORDER BY Username").await;
        if users.len() != self.schedule.users {
            self.fail(&format!("{} users, and {} are declared", users.len(), self.schedule.users));
        }
        let rows = self.wire.query(ASSIGNED).await;
        let mut seen = BTreeSet::new();
        for row in &rows {
            if !seen.insert((
                row["Assignee"]["Username"].to_string(),
                row["PermissionSet"]["Name"].to_string(),
            )) {
                self.fail(&format!("something is assigned twice: {row}"));
            }
        }
        let each = if self.schedule.shape == Shape::Group { 3 } else { 2 };
        if rows.len() != users.len() * each {
            self.fail(&format!(
                "{} assignments, and {} are declared",
                rows.len(),
                users.len() * each
            ));
        }
        let profiles = self.wire.query("SELECT Id FROM Profile WHERE Name = 'Robots'").await;
        let sets = self.wire.query("SELECT Id FROM PermissionSet WHERE Name = 'S0'").await;
        if (profiles.len(), sets.len()) != (1, 1) {
            self.fail("a profile or a set is there twice, or not at all");
        }
        self.others_are_untouched().await;
    }

    /// The state says of each record who made it, as it truly was.
    pub async fn owns_what_it_made(&mut self) {
        let listed = self.command(&["state", "list"]).await;
        let addresses: Vec<String> = listed
            .text
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .filter(|word| {
                word.contains('.') && word.contains("robots.example")
                    || word.starts_with("profile.")
            })
            .map(str::to_owned)
            .collect();
        for address in addresses {
            let shown = self.command(&["state", "show", &address, "--json"]).await;
            let Ok(shown) = serde_json::from_str::<Json>(shown.text.trim()) else {
                self.fail(&format!("{address} can't be shown"));
            };
            let record = &shown["record"];
            let Some(id) = record["id"].as_str() else { continue };
            let is_ours = self.wire.seen().made.contains(id);
            let is_said = record["ownership"] == json!("created");
            // What somebody gives while the answer to our own is lost can't be told from
            // ours: assignments do not say who made them.
            let is_doubtful = self.wire.seen().has_given && address.contains("_assignment.");
            if is_ours != is_said && !(is_doubtful && is_said) {
                self.fail(&format!(
                    "{address} ({id}) was made by us: {is_ours}, the state says {}",
                    record["ownership"]
                ));
            }
        }
    }

    /// Each mail went out at most once, and one that did not was told.
    pub async fn told_of_each_mail(&self) {
        let users = self
            .wire
            .query("SELECT Id, Username FROM User WHERE Username LIKE 'u%@robots.example'")
            .await;
        let mails: BTreeMap<String, usize> = self.wire.seen().mails.clone();
        for user in users {
            let (id, name) = (
                user["Id"].as_str().unwrap_or_default(),
                user["Username"].as_str().unwrap_or_default(),
            );
            let sent = mails.get(id).copied().unwrap_or(0);
            if sent > 1 {
                self.fail(&format!("{name} was sent {sent} mails"));
            }
            let is_reported = self.printed.lines().any(|line| {
                line.contains(name)
                    && (line.contains("went out is not known")
                        || line.contains("Whether a password mail went out can't be known"))
            });
            let was_there = self.schedule.adopts && name.starts_with("u0@");
            if sent == 0 && !is_reported && !was_there {
                self.fail(&format!("{name} was sent no mail, and nobody is told"));
            }
        }
    }

    /// After destroy: what was ours is gone or deactivated, and nothing else.
    pub async fn left_what_is_not_ours(&self) {
        if self.wire.seen().has_given {
            return self.others_are_untouched().await;
        }
        let users = self
            .wire
            .query(
                "SELECT Id, Username, IsActive FROM User WHERE Username LIKE 'u%@robots.example'",
            )
            .await;
        for user in users {
            let was_there = self.schedule.adopts && user["Username"] == json!("u0@robots.example");
            if user["IsActive"] != json!(was_there) {
                self.fail(&format!("after destroy: {user}"));
            }
        }
        let assigned = self.wire.query(ASSIGNED).await;
        let licenses = self.wire.query("SELECT Id FROM PermissionSetLicenseAssign WHERE Assignee.Username LIKE 'u%@robots.example'").await;
        if let Some(row) = assigned.iter().chain(&licenses).next() {
            self.fail(&format!("after destroy something is assigned still: {row}"));
        }
        // A user who was there before keeps its profile, and that stays with it.
        if !self.schedule.adopts {
            let left = self.wire.query("SELECT Id FROM Profile WHERE Name = 'Robots'").await;
            let sets = self
                .wire
                .query("SELECT Id FROM PermissionSet WHERE Name IN ('S0', 'S1', 'S2')")
                .await;
            if !left.is_empty() || !sets.is_empty() {
                self.fail("after destroy something of ours is there still");
            }
        }
        self.others_are_untouched().await;
    }

    async fn others_are_untouched(&self) {
        let other = self.wire.query("SELECT LastName, IsActive, Profile.Name FROM User WHERE Username = 'other@robots.example'").await;
        let is_same = other.len() == 1
            && other[0]["LastName"] == json!("other")
            && other[0]["IsActive"] == json!(true)
            && other[0]["Profile"]["Name"] == json!("Standard User");
        let held = self.wire.query("SELECT Id FROM PermissionSetAssignment WHERE Assignee.Username = 'other@robots.example' AND PermissionSet.IsOwnedByProfile = false").await;
        if !is_same || held.len() != 1 {
            self.fail(&format!(
                "somebody else's was touched: {other:?}, {} assignments",
                held.len()
            ));
        }
    }
}
