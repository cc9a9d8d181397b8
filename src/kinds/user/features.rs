//! Feature licenses: how Setup names them, and the fields of users that hold them.

/// What paths of feature licenses begin with.
pub const FEATURE: &str = "feature_licenses.";
/// Feature licenses as Setup names them, and the fields that hold them (Object
/// Reference, `User`).
pub const FEATURES: [(&str, &str); 11] = [
    ("CRM Content User", "UserPermissionsSFContentUser"),
    ("Chatter Answers User", "UserPermissionsChatterAnswersUser"),
    ("Flow User", "UserPermissionsInteractionUser"),
    ("Knowledge User", "UserPermissionsKnowledgeUser"),
    ("Live Agent User", "UserPermissionsLiveAgentUser"),
    ("Marketing User", "UserPermissionsMarketingUser"),
    ("Offline User", "UserPermissionsOfflineUser"),
    ("Service Cloud User", "UserPermissionsSupportUser"),
    ("Site.com Contributor User", "UserPermissionsSiteforceContributorUser"),
    ("Site.com Publisher User", "UserPermissionsSiteforcePublisherUser"),
    ("WDC User", "UserPermissionsWorkDotComUserFeature"),
];

/// The field that holds the license of that name.
pub fn field_of(label: &str) -> Option<&'static str> {
    FEATURES.iter().find(|(known, _)| *known == label).map(|(_, field)| *field)
}

/// The license that a field holds.
pub fn held_by(field: &str) -> Option<&'static str> {
    FEATURES.iter().find(|(_, known)| *known == field).map(|(label, _)| *label)
}
