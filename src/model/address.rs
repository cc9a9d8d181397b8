//! The address of a resource: `kind.name`.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error as _;

/// Names one resource, everywhere the same: in the plan, in state, in errors.
///
/// Held as the bytes of its state key (`kind`, a zero byte, `name`), so that
/// addresses sort exactly as the keys of the state do, and a clone is a count.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Arc<str>);

impl Address {
    /// The address of `name` among the resources of `kind`.
    ///
    /// Neither part may hold a zero byte; one that does is replaced, so that
    /// the key stays decodable whatever was written in the file.
    pub fn new(kind: &str, name: &str) -> Self {
        debug_assert!(!kind.contains('\0'));
        let mut key = String::with_capacity(kind.len() + name.len() + 1);
        key.push_str(kind);
        key.push('\0');
        if name.contains('\0') {
            key.push_str(&name.replace('\0', "\u{fffd}"));
        } else {
            key.push_str(name);
        }
        Self(key.into())
    }

    /// Reads back a state key; `None` when the bytes are no key.
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(key).ok()?;
        text.contains('\0').then(|| Self(text.into()))
    }

    /// Reads `kind.name`, as a person writes it. Kinds hold no dot, names may.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once('.')?;
        (!kind.is_empty() && !name.is_empty()).then(|| Self::new(kind, name))
    }

    /// The key of the state, as bytes.
    pub fn key(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The kind's name, for example `permission_set`.
    pub fn kind(&self) -> &str {
        self.0.split_once('\0').map_or("", |(kind, _)| kind)
    }

    /// The resource's name within its kind: Salesforce's natural key.
    pub fn name(&self) -> &str {
        self.0.split_once('\0').map_or("", |(_, name)| name)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind(), self.name())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is no address")))
    }
}
