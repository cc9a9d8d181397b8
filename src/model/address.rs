//! The address of a resource: `kind.name`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::Hash;
use std::hash::Hasher;
use std::sync::Arc;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error as _;

use super::KindName;
use crate::text::shown;

/// Names one resource, everywhere the same: in the plan, in state, in errors.
///
/// Held as the bytes of its state key (`kind`, a zero byte, `name`), so that
/// addresses sort exactly as the keys of the state do, and a clone is a count.
#[derive(Clone)]
pub struct Address {
    key: Arc<str>,
    /// Where the zero byte stands: asked for too often to be looked for.
    split: u32,
}

impl Address {
    /// The address of `name` among the resources of `kind`.
    ///
    /// Neither part may hold a zero byte; one that does is replaced, so that
    /// the key stays decodable whatever was written in the file.
    pub fn new(kind: impl AsRef<str>, name: &str) -> Self {
        let kind = kind.as_ref();
        debug_assert!(!kind.contains('\0'));
        let mut key = String::with_capacity(kind.len() + name.len() + 1);
        key.push_str(kind);
        key.push('\0');
        if name.contains('\0') {
            key.push_str(&name.replace('\0', "\u{fffd}"));
        } else {
            key.push_str(name);
        }
        Self { key: key.into(), split: u32::try_from(kind.len()).unwrap_or(u32::MAX) }
    }

    /// Reads back a state key; `None` when the bytes are no key.
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(key).ok()?;
        let split = key.iter().position(|byte| *byte == 0)?;
        Some(Self { key: text.into(), split: u32::try_from(split).ok()? })
    }

    /// Reads `kind.name`, as a person writes it. Kinds hold no dot, names may.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once('.')?;
        (!kind.is_empty() && !name.is_empty()).then(|| Self::new(kind, name))
    }

    /// `kind.name` exactly, which [`Address::parse`] reads back.
    pub fn text(&self) -> String {
        Exact(self).to_string()
    }

    /// The key of the state, as bytes.
    pub fn key(&self) -> &[u8] {
        self.key.as_bytes()
    }

    /// Its key as it is compared where capitals don't count.
    pub fn folded(&self) -> String {
        self.key.to_lowercase()
    }

    /// The kind's name, for example `permission_set`.
    pub fn kind(&self) -> &str {
        self.key.get(..self.split as usize).unwrap_or_default()
    }

    /// Whether it is of that kind.
    pub fn is(&self, kind: KindName) -> bool {
        self.kind() == kind.as_str()
    }

    /// The resource's name within its kind: Salesforce's natural key.
    pub fn name(&self) -> &str {
        self.key.get(self.split as usize + 1..).unwrap_or_default()
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.key, &other.key) || self.key == other.key
    }
}

impl Eq for Address {}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

/// `kind.name` exactly.
struct Exact<'a>(&'a Address);

impl fmt::Display for Exact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0.kind(), self.0.name())
    }
}

/// As it is shown: what is hidden in the name stands as its number.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind(), shown::line(self.name()))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Exact(self))
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom(format!("`{}` is no address", shown::line(&text))))
    }
}
