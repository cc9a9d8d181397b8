//! What a run knows of an org: the answers to facts.

use std::collections::BTreeMap;

use super::Address;
use super::Condition;
use super::Fact;
use super::FactValue;
use super::GrantableField;
use super::LicenseFact;
use super::OrganizationFact;
use super::PackageFact;
use super::PermissionSetFact;
use super::ProfileFact;
use super::RecordTypeFact;
use super::RoleFact;
use super::SalesforceId;
use super::UserField;

/// The answers a run has, from this refresh or from before.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    answers: BTreeMap<Fact, FactValue>,
}

impl Catalog {
    /// Without answers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Remembers an answer.
    pub fn insert(&mut self, fact: Fact, value: FactValue) {
        self.answers.insert(fact, value);
    }

    /// Forgets an answer.
    pub fn remove(&mut self, fact: &Fact) {
        self.answers.remove(fact);
    }

    /// The answer, to be added to.
    pub fn get_mut(&mut self, fact: &Fact) -> Option<&mut FactValue> {
        self.answers.get_mut(fact)
    }

    /// The answer, when it was ever asked for.
    pub fn get(&self, fact: &Fact) -> Option<&FactValue> {
        self.answers.get(fact)
    }

    /// Whether it was ever asked for.
    pub fn knows(&self, fact: &Fact) -> bool {
        self.answers.contains_key(fact)
    }

    /// All answers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Fact, &FactValue)> {
        self.answers.iter()
    }

    /// The org's own settings.
    pub fn organization(&self) -> Option<&OrganizationFact> {
        match self.get(&Fact::Organization) {
            Some(FactValue::Organization(organization)) => Some(organization),
            _ => None,
        }
    }

    /// A user license by name.
    pub fn user_license(&self, name: &str) -> Option<&LicenseFact> {
        match self.get(&Fact::UserLicenses) {
            Some(FactValue::Licenses(licenses)) => {
                licenses.iter().find(|license| license.name == name)
            }
            _ => None,
        }
    }

    /// A permission set license by developer name or label.
    pub fn permission_set_license(&self, name: &str) -> Option<&LicenseFact> {
        match self.get(&Fact::PermissionSetLicense(name.to_owned())) {
            Some(FactValue::License(license)) => Some(license),
            _ => None,
        }
    }

    /// A profile by name.
    pub fn profile(&self, name: &str) -> Option<&ProfileFact> {
        match self.get(&Fact::Profile(name.to_owned())) {
            Some(FactValue::Profile(profile)) => Some(profile),
            _ => None,
        }
    }

    /// The name under which a profile is known that the org shows as `shown`: one
    /// name for what has several, each in a language.
    pub fn profile_shown_as(&self, shown: &str) -> Option<&str> {
        self.answers
            .range(Fact::Profile(String::new())..)
            .take_while(|(fact, _)| matches!(fact, Fact::Profile(_)))
            .find_map(|(_, value)| match value {
                FactValue::Profile(profile) if profile.shown.as_deref() == Some(shown) => {
                    Some(profile.name.as_str())
                }
                _ => None,
            })
    }

    /// The permission sets that fit a name or label.
    pub fn permission_sets(&self, name: &str) -> &[PermissionSetFact] {
        self.sets(&Fact::PermissionSet(name.to_owned()))
    }

    /// The permission set groups that fit a name or label.
    pub fn permission_set_groups(&self, name: &str) -> &[PermissionSetFact] {
        self.sets(&Fact::PermissionSetGroup(name.to_owned()))
    }

    /// The active user access policies, by label.
    pub fn access_policies(&self) -> &[String] {
        self.policies(&Fact::AccessPolicies).unwrap_or_default()
    }

    /// The policies that may have brought something back that was taken off.
    pub fn came_back(&self, address: &Address) -> Option<&[String]> {
        self.policies(&Fact::CameBack(address.clone()))
    }

    fn policies(&self, fact: &Fact) -> Option<&[String]> {
        match self.get(fact) {
            Some(FactValue::AccessPolicies(policies)) => Some(policies),
            _ => None,
        }
    }

    /// The sets or groups that answer a fact.
    pub fn sets(&self, fact: &Fact) -> &[PermissionSetFact] {
        match self.get(fact) {
            Some(FactValue::PermissionSets(sets)) => sets,
            _ => &[],
        }
    }

    /// The fields of an object that can be granted.
    pub fn fields(&self, object: &str) -> Option<&[GrantableField]> {
        match self.get(&Fact::Fields(object.to_owned())) {
            Some(FactValue::Fields { fields, .. }) => Some(fields),
            _ => None,
        }
    }

    /// Fields of an object that the org has and the caller does not see.
    pub fn hidden_fields(&self, object: &str) -> &[String] {
        match self.get(&Fact::Fields(object.to_owned())) {
            Some(FactValue::Fields { hidden, .. }) => hidden,
            _ => &[],
        }
    }

    /// The name of an object as the org spells it.
    pub fn object_name(&self, object: &str) -> Option<&str> {
        match self.get(&Fact::Fields(object.to_owned())) {
            Some(FactValue::Fields { object, .. }) => Some(object),
            _ => None,
        }
    }

    /// The record types of an object, when they were asked for.
    pub fn record_types(&self, object: &str) -> &[RecordTypeFact] {
        match self.get(&Fact::RecordTypes(object.to_owned())) {
            Some(FactValue::RecordTypes(types)) => types,
            _ => &[],
        }
    }

    /// The record types of person accounts; none without the feature.
    pub fn person_record_types(&self) -> &[String] {
        match self.get(&Fact::PersonAccounts) {
            Some(FactValue::PersonAccounts(types)) => types,
            _ => &[],
        }
    }

    /// The fields of users, when they were asked for.
    pub fn user_fields(&self) -> &[UserField] {
        match self.get(&Fact::UserFields) {
            Some(FactValue::UserFields(fields)) => fields,
            _ => &[],
        }
    }

    /// The roles that fit a name or label.
    pub fn roles(&self, name: &str) -> &[RoleFact] {
        match self.get(&Fact::Role(name.to_owned())) {
            Some(FactValue::Roles(roles)) => roles,
            _ => &[],
        }
    }

    /// The id of a user that is there.
    pub fn user(&self, username: &str) -> Option<&SalesforceId> {
        match self.get(&Fact::User(username.to_owned())) {
            Some(FactValue::User(id)) => Some(id),
            _ => None,
        }
    }

    /// Whether a condition holds in this org.
    pub fn holds(&self, condition: Condition) -> bool {
        let is_sandbox = self.organization().is_some_and(|organization| organization.is_sandbox);
        match condition {
            Condition::PersonAccounts => !self.person_record_types().is_empty(),
            Condition::Sandbox => is_sandbox,
            Condition::Production => !is_sandbox,
        }
    }

    /// What the org itself says that a permission needs.
    pub fn prerequisites(&self, permission: &str) -> &[String] {
        match self.get(&Fact::Prerequisites(permission.to_owned())) {
            Some(FactValue::Prerequisites(needed)) => needed,
            _ => &[],
        }
    }

    /// What a refusal of the org taught that a permission needs.
    pub fn learned_prerequisites(&self, permission: &str) -> &[String] {
        match self.get(&Fact::LearnedPrerequisites(permission.to_owned())) {
            Some(FactValue::Prerequisites(needed)) => needed,
            _ => &[],
        }
    }

    /// An installed package by namespace; `None` when it is not installed, or
    /// was not asked.
    pub fn package(&self, namespace: &str) -> Option<&PackageFact> {
        match self.get(&Fact::Package(namespace.to_owned())) {
            Some(FactValue::Package(package)) => Some(package),
            _ => None,
        }
    }

    /// Whether the org was asked for a package and has none of that namespace.
    pub fn lacks_package(&self, namespace: &str) -> bool {
        matches!(self.get(&Fact::Package(namespace.to_owned())), Some(FactValue::Missing))
    }

    /// What the token's user may do, when that was reported.
    pub fn rights(&self) -> Option<&[String]> {
        match self.get(&Fact::Rights) {
            Some(FactValue::Rights(rights)) => Some(rights),
            _ => None,
        }
    }

    /// The permission set groups, by name, that have the thing of a holder fact as a
    /// member.
    pub fn holding_groups(&self, fact: &Fact) -> &[String] {
        match self.get(fact) {
            Some(FactValue::Holders(holders)) => &holders.groups,
            _ => &[],
        }
    }

    /// Who holds the thing a holder fact names.
    pub fn holders(&self, fact: &Fact) -> &[String] {
        match self.get(fact) {
            Some(FactValue::Holders(holders)) => &holders.usernames,
            _ => &[],
        }
    }
}
