//! What an org offers, and how it is remembered.

use serde::Deserialize;
use serde::Serialize;

use super::Address;
use super::Condition;
use super::Element;
use super::Grants;
use super::SalesforceId;

/// Something a kind must know about the org before it can resolve what was
/// declared. A fact is named by a kind and answered by the engine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// The org itself: its id, and the defaults it gives to new users.
    Organization,
    /// All user licenses with their seats.
    UserLicenses,
    /// A permission set license with its seats, by developer name or label.
    PermissionSetLicense(String),
    /// A profile that is there, by name.
    Profile(String),
    /// What a clone of this profile starts with.
    ProfileBase(String),
    /// The profiles of a user license, by the license's name.
    ProfilesOfLicense(String),
    /// A permission set that is there, by `namespace__Name`, name or label.
    PermissionSet(String),
    /// A permission set group that is there, by `namespace__Name`, name or label.
    PermissionSetGroup(String),
    /// A queue that is there, by developer name or label.
    Queue(String),
    /// A public group that is there, by developer name or label.
    PublicGroup(String),
    /// The fields of an object that can be granted.
    Fields(String),
    /// How the org's system permissions differ from the shipped table.
    SystemPermissions,
    /// The record types of an object.
    RecordTypes(String),
    /// Whether the org has person accounts, and their record types.
    PersonAccounts,
    /// The fields of users.
    UserFields,
    /// A role, by developer name or label.
    Role(String),
    /// A user that is there, by username.
    User(String),
    /// What a permission needs, by API name, or `Object<verb>`.
    Prerequisites(String),
    /// What a permission needs as a refusal of the org taught.
    LearnedPrerequisites(String),
    /// Who holds a permission set of that name (no namespace).
    PermissionSetHolders(String),
    /// Who holds a permission set group of that name (no namespace).
    PermissionSetGroupHolders(String),
    /// Who has the profile of that name, active or not.
    ProfileHolders(String),
    /// A package by its namespace, with its seats.
    Package(String),
    /// What the token's user may do.
    Rights,
    /// What a profile or permission set that is not managed grants.
    Grants(Address),
    /// The user access policies that are active.
    AccessPolicies,
    /// That something was taken off a user and came back by itself.
    CameBack(Address),
}

impl Fact {
    /// The one that tells whether a condition holds.
    pub fn of_condition(condition: Condition) -> Self {
        match condition {
            Condition::PersonAccounts => Self::PersonAccounts,
            Condition::Production | Condition::Sandbox => Self::Organization,
        }
    }

    /// Whether a plan can be made without it: it only helps to check one.
    pub fn is_for_checks(&self) -> bool {
        matches!(
            self,
            Self::Package(_)
                | Self::Rights
                | Self::Grants(_)
                | Self::AccessPolicies
                | Self::CameBack(_)
                | Self::LearnedPrerequisites(_)
        )
    }

    /// Whether it changes by itself, so that it is asked anew on each refresh.
    pub fn is_volatile(&self) -> bool {
        matches!(
            self,
            Self::UserLicenses
                | Self::PermissionSetLicense(_)
                | Self::PermissionSetHolders(_)
                | Self::PermissionSetGroup(_)
                | Self::PermissionSetGroupHolders(_)
                | Self::ProfileHolders(_)
                | Self::ProfilesOfLicense(_)
                | Self::PermissionSet(_)
                | Self::Package(_)
                | Self::Rights
                | Self::AccessPolicies
        )
    }

    /// Whether it changes by itself and only tells how something new is given, and
    /// whether it can be: a plan without changes is the same whatever it says now.
    pub fn only_matters_to_changes(&self) -> bool {
        matches!(
            self,
            Self::UserLicenses
                | Self::PermissionSetLicense(_)
                | Self::PermissionSet(_)
                | Self::PermissionSetGroup(_)
                | Self::Package(_)
                | Self::Rights
                | Self::AccessPolicies
        )
    }

    /// What a person would call it, as a fragment.
    pub fn describe(&self) -> String {
        match self {
            Self::Organization => "the org's own settings".to_owned(),
            Self::UserLicenses => "the user licenses".to_owned(),
            Self::PermissionSetLicense(name) => format!("permission set license `{name}`"),
            Self::Profile(name) => format!("profile `{name}`"),
            Self::ProfileBase(name) => format!("what profile `{name}` holds"),
            Self::ProfilesOfLicense(name) => format!("profiles of user license `{name}`"),
            Self::PermissionSet(name) => format!("permission set `{name}`"),
            Self::PermissionSetGroup(name) => format!("permission set group `{name}`"),
            Self::Queue(name) => format!("queue `{name}`"),
            Self::PublicGroup(name) => format!("public group `{name}`"),
            Self::PermissionSetGroupHolders(name) => {
                format!("holders of permission set group `{name}`")
            }
            Self::Fields(object) => format!("fields of `{object}`"),
            Self::SystemPermissions => "the org's system permissions".to_owned(),
            Self::RecordTypes(object) => format!("record types of `{object}`"),
            Self::PersonAccounts => "whether it has person accounts".to_owned(),
            Self::UserFields => "the fields of users".to_owned(),
            Self::Role(name) => format!("role `{name}`"),
            Self::User(name) => format!("user `{name}`"),
            Self::Prerequisites(name) => format!("prerequisites of `{name}`"),
            Self::LearnedPrerequisites(name) => format!("learned prerequisites of `{name}`"),
            Self::PermissionSetHolders(name) => format!("holders of permission set `{name}`"),
            Self::ProfileHolders(name) => format!("holders of profile `{name}`"),
            Self::Package(namespace) => format!("package `{namespace}`"),
            Self::Rights => "what the token's user may do".to_owned(),
            Self::Grants(address) => format!("what {address} grants"),
            Self::AccessPolicies => "the active user access policies".to_owned(),
            Self::CameBack(address) => format!("whether {address} came back"),
        }
    }
}

/// The answer to a [`Fact`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactValue {
    /// The org has no such thing.
    Missing,
    /// Answers [`Fact::Organization`].
    Organization(OrganizationFact),
    /// Answers [`Fact::UserLicenses`].
    Licenses(Vec<LicenseFact>),
    /// Answers [`Fact::PermissionSetLicense`].
    License(LicenseFact),
    /// Answers [`Fact::Profile`].
    Profile(ProfileFact),
    /// Answers [`Fact::ProfileBase`]: what it takes over, as metadata.
    ProfileBase(Vec<Element>),
    /// Answers [`Fact::ProfilesOfLicense`].
    Profiles(Vec<ProfileFact>),
    /// Answers [`Fact::PermissionSet`], [`Fact::PermissionSetGroup`], [`Fact::Queue`]
    /// and [`Fact::PublicGroup`]; several when a label fits several.
    PermissionSets(Vec<PermissionSetFact>),
    /// Answers [`Fact::Fields`].
    Fields {
        /// The object's name as the org spells it.
        object: String,
        /// The fields, in the order of names.
        fields: Vec<GrantableField>,
        /// Fields that the org has and the caller does not see.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        hidden: Vec<String>,
    },
    /// Answers [`Fact::SystemPermissions`].
    SystemPermissions {
        /// Names of the shipped table that this org does not know.
        unknown: Vec<String>,
        /// Names and labels that the shipped table lacks.
        additional: Vec<(String, String)>,
    },
    /// Answers [`Fact::RecordTypes`].
    RecordTypes(Vec<RecordTypeFact>),
    /// Answers [`Fact::PersonAccounts`]: developer names of their record types,
    /// with a namespace in front where there is one; none without the feature.
    PersonAccounts(Vec<String>),
    /// Answers [`Fact::UserFields`], in the order of describe.
    UserFields(Vec<UserField>),
    /// Answers [`Fact::Role`]; several when a label fits several.
    Roles(Vec<RoleFact>),
    /// Answers [`Fact::User`].
    User(SalesforceId),
    /// Answers [`Fact::Prerequisites`] and [`Fact::LearnedPrerequisites`].
    Prerequisites(Vec<String>),
    /// Answers the facts about holders.
    Holders(Holders),
    /// Answers [`Fact::Package`].
    Package(PackageFact),
    /// Answers [`Fact::Rights`]: API names of system permissions.
    Rights(Vec<String>),
    /// Answers [`Fact::Grants`].
    Grants(Grants),
    /// Answers [`Fact::AccessPolicies`] and [`Fact::CameBack`]: labels of policies.
    AccessPolicies(Vec<String>),
}

impl FactValue {
    /// Whether it says that there is nothing, which may change any moment.
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Missing => true,
            Self::PermissionSets(sets) => sets.is_empty(),
            Self::Profiles(profiles) => profiles.is_empty(),
            Self::Roles(roles) => roles.is_empty(),
            _ => false,
        }
    }
}

/// The org, and what it gives to new users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrganizationFact {
    /// Its id.
    pub id: SalesforceId,
    /// Its name.
    pub name: String,
    /// Its edition, for example `Enterprise Edition`.
    pub edition: String,
    /// Whether it is a sandbox.
    pub is_sandbox: bool,
    /// Time zone for new users.
    pub time_zone: String,
    /// Locale for new users.
    pub locale: String,
    /// Language for new users.
    pub language: String,
}

/// A license and its seats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LicenseFact {
    /// Its id.
    pub id: SalesforceId,
    /// The name that does not depend on a language.
    pub name: String,
    /// The label in Setup.
    pub label: String,
    /// `Active`, or why not.
    pub status: String,
    /// Seats bought; negative means without limit.
    pub total: i64,
    /// Seats taken.
    pub used: i64,
    /// The last day on which it is in force, as `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// An installed package and its seats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PackageFact {
    /// The id of its license; an older answer has none.
    #[serde(default)]
    pub id: Option<SalesforceId>,
    /// Seats bought; negative for a site license, which needs none.
    pub allowed: i64,
    /// Seats taken.
    pub used: i64,
    /// `Active`, or why not.
    pub status: String,
    /// The last day on which it is in force, as `YYYY-MM-DD`.
    pub expires: Option<String>,
}

/// A profile that is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProfileFact {
    /// Its id.
    pub id: SalesforceId,
    /// Its name.
    pub name: String,
    /// The name that the org shows for it, where that is another: standard profiles
    /// have names in the language of who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<String>,
    /// The id of its user license.
    pub license_id: SalesforceId,
    /// The name of its user license.
    pub license: String,
}

/// A permission set, a group of them, a queue or a public group that is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PermissionSetFact {
    /// Its id.
    pub id: SalesforceId,
    /// Its name; with the namespace in front when it is packaged.
    pub name: String,
    /// The label in Setup.
    pub label: String,
}

/// A field of users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserField {
    /// Its API name.
    pub name: String,
    /// Its type, as describe names it.
    pub kind: String,
    /// The most characters; 0 where there is no limit.
    pub length: usize,
    /// Whether it can be set.
    pub is_writable: bool,
    /// Whether a new user must have it and nothing fills it.
    pub is_required: bool,
    /// Whether it takes no other than its values.
    pub is_restricted: bool,
    /// The values of a list that are in use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// A role that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleFact {
    /// Its id.
    pub id: SalesforceId,
    /// Its developer name.
    pub name: String,
    /// Its label.
    pub label: String,
}

/// A record type that is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordTypeFact {
    /// Its developer name, with a namespace in front where there is one.
    pub name: String,
    /// Its label.
    pub label: String,
    /// Whether it can be used.
    pub is_active: bool,
}

/// A field that a permission set can grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantableField {
    /// Its API name.
    pub name: String,
    /// Whether editing it can be granted too.
    pub editable: bool,
}

/// Who holds something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holders {
    /// Usernames.
    pub usernames: Vec<String>,
    /// Permission set groups, by name, of which it is a member.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}
