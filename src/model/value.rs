//! What a resource is made of: ordered paths to a scalar, a set or a reference.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de;

use super::Address;

/// Where in a resource a value stands, for example `fields.Contact.edit`.
pub type Path = Cow<'static, str>;

/// One value of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text, compared exactly.
    Text(String),
    /// A boolean.
    Flag(bool),
    /// Names without order.
    Set(BTreeSet<String>),
    /// Another resource, or a thing of the org that is not managed.
    Reference(Address),
}

impl Value {
    /// A set of the given names.
    pub fn set<I: IntoIterator<Item = S>, S: Into<String>>(names: I) -> Self {
        Self::Set(names.into_iter().map(Into::into).collect())
    }

    /// The text, when it is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The names, when it is a set.
    pub fn as_set(&self) -> Option<&BTreeSet<String>> {
        match self {
            Self::Set(names) => Some(names),
            _ => None,
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Set(names) => serializer.collect_seq(names),
            Self::Reference(address) => serializer.collect_map([("reference", address)]),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;
        impl<'de> de::Visitor<'de> for ValueVisitor {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, a boolean, a list of names or a reference")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(text.to_owned()))
            }
            fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Value, E> {
                Ok(Value::Flag(flag))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
                let mut names = BTreeSet::new();
                while let Some(name) = list.next_element()? {
                    names.insert(name);
                }
                Ok(Value::Set(names))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                match map.next_entry::<String, Address>()? {
                    Some((key, address)) if key == "reference" => Ok(Value::Reference(address)),
                    _ => Err(de::Error::custom("expected `reference`")),
                }
            }
        }
        deserializer.deserialize_any(ValueVisitor)
    }
}

type Values = Vec<(Path, Value)>;

/// The values of one resource, ordered by path, each path once.
///
/// A clone shares them until one of the two is changed: a change of a plan, its
/// ops and the record that comes of it mostly hold the same values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(Option<Arc<Values>>);

impl Attributes {
    /// No values.
    pub const fn new() -> Self {
        Self(None)
    }

    fn values(&self) -> &[(Path, Value)] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }

    fn values_mut(&mut self) -> &mut Values {
        Arc::make_mut(self.0.get_or_insert_default())
    }

    fn find(&self, path: &str) -> Result<usize, usize> {
        self.values().binary_search_by(|(held, _)| held.as_ref().cmp(path))
    }

    /// Sets `path`, replacing what stood there.
    pub fn set(&mut self, path: impl Into<Path>, value: Value) {
        let path = path.into();
        match self.find(&path) {
            Ok(index) => self.values_mut()[index].1 = value,
            Err(index) => self.values_mut().insert(index, (path, value)),
        }
    }

    /// Sets `path` when there is a value.
    pub fn set_some(&mut self, path: impl Into<Path>, value: Option<Value>) {
        if let Some(value) = value {
            self.set(path, value);
        }
    }

    /// Takes `path` out.
    pub fn remove(&mut self, path: &str) -> Option<Value> {
        let index = self.find(path).ok()?;
        let (_, value) = self.values_mut().remove(index);
        self.forget_when_empty();
        Some(value)
    }

    /// Nothing is always held as nothing, so that equal values are equal.
    fn forget_when_empty(&mut self) {
        self.0.take_if(|values| values.is_empty());
    }

    /// The value at `path`.
    pub fn get(&self, path: &str) -> Option<&Value> {
        let index = self.find(path).ok()?;
        Some(&self.values()[index].1)
    }

    /// The text at `path`.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.get(path).and_then(Value::as_text)
    }

    /// The boolean at `path`.
    pub fn flag(&self, path: &str) -> Option<bool> {
        match self.get(path) {
            Some(Value::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// The reference at `path`.
    pub fn reference(&self, path: &str) -> Option<&Address> {
        match self.get(path) {
            Some(Value::Reference(address)) => Some(address),
            _ => None,
        }
    }

    /// The names at `path`; none when there is no set.
    pub fn names(&self, path: &str) -> impl Iterator<Item = &str> {
        self.get(path).and_then(Value::as_set).into_iter().flatten().map(String::as_str)
    }

    /// Paths and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values().iter().map(|(path, value)| (path.as_ref(), value))
    }

    /// The references among the values, with their paths.
    pub fn references(&self) -> impl Iterator<Item = (&str, &Address)> {
        self.iter().filter_map(|(path, value)| match value {
            Value::Reference(address) => Some((path, address)),
            _ => None,
        })
    }

    /// Keeps the paths for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &Value) -> bool) {
        if self.values().iter().all(|(path, value)| keep(path, value)) {
            return;
        }
        self.values_mut().retain(|(path, value)| keep(path, value));
        self.forget_when_empty();
    }

    /// Sets every path of `other`.
    pub fn extend(&mut self, other: &Self) {
        for (path, value) in other.values() {
            self.set(path.clone(), value.clone());
        }
    }

    /// Sets every path of `other`; names are added to those of a set.
    pub fn unite(&mut self, other: &Self) {
        for (path, value) in other.values() {
            let mut value = value.clone();
            if let (Value::Set(names), Some(Value::Set(held))) = (&mut value, self.get(path)) {
                names.extend(held.iter().cloned());
            }
            self.set(path.clone(), value);
        }
    }

    /// Gives back the room that growing left, where nobody shares the values.
    pub fn shrink(&mut self) {
        if let Some(values) = self.0.as_mut().and_then(Arc::get_mut) {
            values.shrink_to_fit();
        }
    }

    /// How many paths there are.
    pub fn len(&self) -> usize {
        self.values().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values().is_empty()
    }

    /// A digest of all paths and values: equal digests mean equal values.
    pub fn digest(&self) -> Digest {
        // One text is hashed much faster than its many small parts.
        let mut bytes = Vec::with_capacity(512);
        let mut text = |tag: u8, text: &str| {
            bytes.push(tag);
            bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        };
        for (path, value) in self.values() {
            text(0, path);
            match value {
                Value::Text(content) => text(1, content),
                Value::Flag(flag) => text(2, if *flag { "true" } else { "false" }),
                Value::Set(names) => {
                    text(3, "");
                    for name in names {
                        text(4, name);
                    }
                }
                Value::Reference(address) => {
                    text(5, address.kind());
                    text(6, address.name());
                }
            }
        }
        Digest::of(&bytes)
    }
}

impl<P: Into<Path>> FromIterator<(P, Value)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (P, Value)>>(values: I) -> Self {
        let mut attributes = Self::new();
        for (path, value) in values {
            attributes.set(path, value);
        }
        attributes
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AttributesVisitor;
        impl<'de> de::Visitor<'de> for AttributesVisitor {
            type Value = Attributes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of paths to values")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Attributes, A::Error> {
                let mut attributes = Attributes::new();
                while let Some((path, value)) = map.next_entry::<String, Value>()? {
                    attributes.set(path, value);
                }
                Ok(attributes)
            }
        }
        deserializer.deserialize_map(AttributesVisitor)
    }
}

/// A 128-bit digest of [`Attributes`], kept in front of a record so that
/// equality is known without decoding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(pub [u8; 16]);

impl Digest {
    /// The digest of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut short = [0; 16];
        short.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
        Self(short)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", u128::from_be_bytes(self.0)))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16)
            .map(|number| Self(number.to_be_bytes()))
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Attributes;
    use super::Value;

    #[test]
    fn neighbours_that_read_alike_have_different_digests() {
        let set: Attributes = [("a", Value::set(["x", "y"]))].into_iter().collect();
        let other: Attributes = [("a", Value::set(["xy"]))].into_iter().collect();
        let text: Attributes = [("a", Value::Text("x".into())), ("y", Value::Text(String::new()))]
            .into_iter()
            .collect();
        assert_ne!(set.digest(), other.digest());
        assert_ne!(set.digest(), text.digest());
    }

    #[test]
    fn values_survive_their_encoding() {
        let attributes: Attributes = [
            ("flag", Value::Flag(true)),
            ("set", Value::set(["b", "a"])),
            ("text", Value::Text("t".into())),
            ("to", Value::Reference(crate::model::Address::new("user", "a.b@c"))),
        ]
        .into_iter()
        .collect();
        let json = serde_json::to_string(&attributes).expect("encodes");
        let back: Attributes = serde_json::from_str(&json).expect("decodes");
        assert_eq!(attributes, back);
        assert_eq!(attributes.digest(), back.digest());
    }
}
