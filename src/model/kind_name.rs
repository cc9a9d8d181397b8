//! The names of resource kinds, as they stand in addresses, in states and in plans.

use std::fmt;

/// The name of a kind that this version knows. What a state or a plan of another version
/// holds may be of other kinds: an address has its kind as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindName(&'static str);

impl KindName {
    /// A license of a package, given to a user.
    pub const PACKAGE_LICENSE_ASSIGNMENT: Self = Self("package_license_assignment");
    /// A permission set.
    pub const PERMISSION_SET: Self = Self("permission_set");
    /// A permission set, given to a user.
    pub const PERMISSION_SET_ASSIGNMENT: Self = Self("permission_set_assignment");
    /// A permission set group.
    pub const PERMISSION_SET_GROUP: Self = Self("permission_set_group");
    /// A permission set group, given to a user.
    pub const PERMISSION_SET_GROUP_ASSIGNMENT: Self = Self("permission_set_group_assignment");
    /// A permission set license, given to a user.
    pub const PERMISSION_SET_LICENSE_ASSIGNMENT: Self = Self("permission_set_license_assignment");
    /// A profile.
    pub const PROFILE: Self = Self("profile");
    /// A user's membership in a public group.
    pub const PUBLIC_GROUP_MEMBER: Self = Self("public_group_member");
    /// A user's membership in a queue.
    pub const QUEUE_MEMBER: Self = Self("queue_member");
    /// A user.
    pub const USER: Self = Self("user");

    /// A package, to which assignments refer and which nobody declares.
    pub const PACKAGE: Self = Self("package");
    /// A permission set license, to which assignments refer and which nobody declares.
    pub const PERMISSION_SET_LICENSE: Self = Self("permission_set_license");
    /// A public group, to which memberships refer and which nobody declares.
    pub const PUBLIC_GROUP: Self = Self("public_group");
    /// A queue, to which memberships refer and which nobody declares.
    pub const QUEUE: Self = Self("queue");

    /// All of them.
    const ALL: [Self; 14] = [
        Self::PACKAGE,
        Self::PACKAGE_LICENSE_ASSIGNMENT,
        Self::PERMISSION_SET,
        Self::PERMISSION_SET_ASSIGNMENT,
        Self::PERMISSION_SET_GROUP,
        Self::PERMISSION_SET_GROUP_ASSIGNMENT,
        Self::PERMISSION_SET_LICENSE,
        Self::PERMISSION_SET_LICENSE_ASSIGNMENT,
        Self::PROFILE,
        Self::PUBLIC_GROUP,
        Self::PUBLIC_GROUP_MEMBER,
        Self::QUEUE,
        Self::QUEUE_MEMBER,
        Self::USER,
    ];

    /// The name that is spelled so; `None` for one of another version.
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.0 == text)
    }

    /// As it stands in addresses.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl AsRef<str> for KindName {
    fn as_ref(&self) -> &str {
        self.0
    }
}

impl fmt::Display for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl PartialEq<str> for KindName {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<KindName> for str {
    fn eq(&self, other: &KindName) -> bool {
        self == other.0
    }
}

impl PartialEq<&str> for KindName {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl PartialEq<KindName> for &str {
    fn eq(&self, other: &KindName) -> bool {
        *self == other.0
    }
}
