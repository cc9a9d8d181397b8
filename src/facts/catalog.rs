//! What is asked of the catalog that is more than one answer.

use super::Catalog;
use super::Fact;
use super::licenses::LicenseFact;
use crate::model::Condition;

impl Catalog {
    /// Without answers.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the state keeps of a fact: its name and what it says, both as JSON; `None`
    /// where nobody asked.
    pub fn kept(&self, fact: &Fact) -> Option<(String, String)> {
        // A name is a word and a text: it always encodes.
        Some((serde_json::to_string(fact).ok()?, self.encode(fact)?))
    }

    /// Takes in what the state kept of a fact that is wanted; `None` where it is not, or
    /// can't be read, so that it is asked for again.
    pub fn restore(
        &mut self,
        fact: &str,
        answer: &str,
        is_wanted: impl FnOnce(&Fact) -> bool,
    ) -> Option<Fact> {
        let fact: Fact = serde_json::from_str(fact).ok()?;
        (is_wanted(&fact) && self.decode(&fact, answer)).then_some(fact)
    }

    /// A user license by name.
    pub fn user_license(&self, name: &str) -> Option<&LicenseFact> {
        self.user_licenses.get(&()).list().iter().find(|license| license.name == name)
    }

    /// The name under which a profile is known that the org shows as `shown`: one
    /// name for what has several, each in a language.
    pub fn profile_shown_as(&self, shown: &str) -> Option<&str> {
        self.profile
            .from(String::new()..)
            .find(|(_, profile)| profile.shown.as_deref() == Some(shown))
            .map(|(_, profile)| profile.name.as_str())
    }

    /// Whether a condition holds in this org.
    pub fn holds(&self, condition: Condition) -> bool {
        let organization = self.organization.get(&()).is();
        let is_sandbox = organization.is_some_and(|organization| organization.is_sandbox);
        match condition {
            Condition::PersonAccounts => !self.person_accounts.get(&()).list().is_empty(),
            Condition::Sandbox => is_sandbox,
            Condition::Production => !is_sandbox,
        }
    }
}

impl Fact {
    /// The one that tells whether a condition holds.
    pub fn of_condition(condition: Condition) -> Self {
        match condition {
            Condition::PersonAccounts => Self::PersonAccounts,
            Condition::Production | Condition::Sandbox => Self::Organization,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Catalog;
    use crate::facts::Known;

    /// As an earlier version kept them.
    const KEPT: [(&str, &str, bool); 8] = [
        (
            r#""organization""#,
            r#"{"organization":{"id":"00D000000000001AAA","name":"Coconut","edition":"Enterprise Edition","is_sandbox":true,"time_zone":"Europe/Berlin","locale":"de_DE","language":"de"}}"#,
            true,
        ),
        (r#"{"profile":"Robots"}"#, r#""missing""#, false),
        (
            r#"{"fields":"contact"}"#,
            r#"{"fields":{"object":"Contact","fields":[{"name":"Phone","editable":true}]}}"#,
            true,
        ),
        (r#"{"permission_set":"Robot_Access"}"#, r#"{"permission_sets":[]}"#, false),
        (
            r#"{"role":"CEO"}"#,
            r#"{"roles":[{"id":"00E000000000001AAA","name":"CEO","label":"Boss"}]}"#,
            true,
        ),
        (r#"{"permission_set_holders":"Robot_Access"}"#, r#"{"holders":{"usernames":[]}}"#, true),
        (r#"{"grants":"permission_set.Base"}"#, r#"{"grants":{"system":["ApiEnabled"]}}"#, true),
        (r#"{"came_back":"permission_set.Base"}"#, r#"{"access_policies":["Everybody"]}"#, true),
    ];

    #[test]
    fn what_an_earlier_version_kept_is_read_and_kept_alike() {
        let mut catalog = Catalog::new();
        for (fact, answer, is_there) in KEPT {
            let restored = catalog.restore(fact, answer, |_| true).expect(fact);
            assert_eq!(catalog.has(&restored), is_there, "{fact}");
            let (name, kept) = catalog.kept(&restored).expect("it was asked");
            assert_eq!(name, fact);
            assert_eq!(kept, if is_there { answer } else { r#""missing""# });
        }
        assert_eq!(catalog.facts().len(), KEPT.len());
        assert_eq!(catalog.role.get("CTO"), Known::NotAsked);
        assert_eq!(catalog.profile.get("Robots"), Known::Absent);
    }

    #[test]
    fn what_another_version_kept_otherwise_is_asked_for_again() {
        let mut catalog = Catalog::new();
        for (fact, answer) in [
            (r#"{"horoscope":"Robots"}"#, r#""missing""#),
            (r#"{"profile":"Robots"}"#, r#"{"roles":[]}"#),
            (r#"{"profile":"Robots"}"#, "{"),
            ("profile", r#""missing""#),
        ] {
            assert_eq!(catalog.restore(fact, answer, |_| true), None, "{fact} {answer}");
        }
        assert!(catalog.facts().is_empty());
    }
}
