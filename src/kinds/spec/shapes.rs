//! How entries are put together: maps that refuse a repeated key, shorthands, a map of
//! which only some keys may be there, and the lifecycle that every kind has.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use schemars::json_schema;
use serde::Deserialize;
use serde::Deserializer;
use serde::de;
use serde::de::Error as _;
use serde::de::IntoDeserializer;

use super::text::Text;
use crate::model::Lifecycle;

/// How far it is held to what the file says.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct LifecycleSpec {
    /// Never take it away: what would is reported and left out.
    #[serde(default)]
    prevent_destroy: bool,
    /// What is set at creation and left as it is afterwards, for example
    /// `email`, or `objects.Contact` of a permission set.
    #[serde(default)]
    ignore_changes: Vec<Text>,
}

impl From<LifecycleSpec> for Lifecycle {
    fn from(spec: LifecycleSpec) -> Self {
        Self {
            prevent_destroy: spec.prevent_destroy,
            ignore_changes: spec.ignore_changes.into_iter().map(|word| word.0).collect(),
            exclusive: std::collections::BTreeSet::new(),
        }
    }
}

/// A map whose keys stand once.
#[derive(Clone, Debug, PartialEq)]
pub struct UniqueMap<K, V>(pub BTreeMap<K, V>);

impl<K, V> Default for UniqueMap<K, V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<'de, K, V> Deserialize<'de> for UniqueMap<K, V>
where
    K: Deserialize<'de> + Ord + fmt::Debug,
    V: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapVisitor<K, V>(PhantomData<(K, V)>);
        impl<'de, K, V> de::Visitor<'de> for MapVisitor<K, V>
        where
            K: Deserialize<'de> + Ord + fmt::Debug,
            V: Deserialize<'de>,
        {
            type Value = UniqueMap<K, V>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of names")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut held = BTreeMap::new();
                while let Some(key) = map.next_key::<K>()? {
                    let value = map.next_value()?;
                    if held.contains_key(&key) {
                        return Err(A::Error::custom(format!(
                            "{key:?} stands here twice (Salesforce ignores case)"
                        )));
                    }
                    held.insert(key, value);
                }
                Ok(UniqueMap(held))
            }
        }
        deserializer.deserialize_map(MapVisitor(PhantomData))
    }
}

impl<K, V: JsonSchema> JsonSchema for UniqueMap<K, V> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("MapOf{}", V::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<V>();
        json_schema!({"type": "object", "additionalProperties": value})
    }
}

/// Either one word or the long form: the one visitor behind all shorthands.
#[derive(Clone, Debug, PartialEq)]
pub enum Shorthand<W, L> {
    /// The short form.
    Word(W),
    /// The long form, a list or a map.
    Long(L),
}

impl<'de, W, L> Deserialize<'de> for Shorthand<W, L>
where
    W: Deserialize<'de>,
    L: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EitherVisitor<W, L>(PhantomData<(W, L)>);
        impl<'de, W, L> de::Visitor<'de> for EitherVisitor<W, L>
        where
            W: Deserialize<'de>,
            L: Deserialize<'de>,
        {
            type Value = Shorthand<W, L>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word, or the long form")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                W::deserialize(text.into_deserializer()).map(Shorthand::Word)
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                L::deserialize(de::value::SeqAccessDeserializer::new(list)).map(Shorthand::Long)
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                L::deserialize(de::value::MapAccessDeserializer::new(map)).map(Shorthand::Long)
            }
        }
        deserializer.deserialize_any(EitherVisitor(PhantomData))
    }
}

impl<W: JsonSchema, L: JsonSchema> JsonSchema for Shorthand<W, L> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}Or{}", W::schema_name(), L::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (word, long) = (generator.subschema_for::<W>(), generator.subschema_for::<L>());
        json_schema!({"anyOf": [word, long]})
    }
}

/// Reads a struct from a map of which only some of its keys may be there; any other is
/// refused as one that the struct does not have.
pub struct OnlyKeys<D> {
    /// What reads the map.
    pub inner: D,
    /// The keys that may be there.
    pub keys: &'static [&'static str],
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for OnlyKeys<D> {
    type Error = D::Error;

    fn deserialize_any<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_map(OnlyKeysVisitor { inner: visitor, keys: self.keys })
    }

    fn deserialize_struct<V: de::Visitor<'de>>(
        self,
        name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = OnlyKeysVisitor { inner: visitor, keys: self.keys };
        self.inner.deserialize_struct(name, self.keys, visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        option unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier
        ignored_any
    }
}

struct OnlyKeysVisitor<V> {
    inner: V,
    keys: &'static [&'static str],
}

impl<'de, V: de::Visitor<'de>> de::Visitor<'de> for OnlyKeysVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(OnlyKeysMap { inner: map, keys: self.keys })
    }
}

struct OnlyKeysMap<A> {
    inner: A,
    keys: &'static [&'static str],
}

impl<'de, A: de::MapAccess<'de>> de::MapAccess<'de> for OnlyKeysMap<A> {
    type Error = A::Error;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        self.inner.next_key_seed(OnlyKeysSeed { inner: seed, keys: self.keys })
    }

    fn next_value_seed<S: de::DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(seed)
    }
}

struct OnlyKeysSeed<K> {
    inner: K,
    keys: &'static [&'static str],
}

impl<'de, K: de::DeserializeSeed<'de>> de::DeserializeSeed<'de> for OnlyKeysSeed<K> {
    type Value = K::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<K::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'de, K: de::DeserializeSeed<'de>> de::Visitor<'de> for OnlyKeysSeed<K> {
    type Value = K::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<K::Value, E> {
        if !self.keys.contains(&key) {
            return Err(E::unknown_field(key, self.keys));
        }
        self.inner.deserialize(key.into_deserializer())
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize as _;

    use super::OnlyKeys;

    #[test]
    fn only_the_keys_that_may_be_there_are_read() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Both {
            one: Option<u8>,
            two: Option<u8>,
        }
        let read = |json: &str| {
            let mut inner = serde_json::Deserializer::from_str(json);
            Both::deserialize(OnlyKeys { inner: &mut inner, keys: &["two"] })
        };
        let both = read(r#"{"two": 2}"#).expect("two may be there");
        assert_eq!((both.one, both.two), (None, Some(2)));
        let refused = read(r#"{"two": 2, "one": 1}"#).expect_err("one may not").to_string();
        assert!(refused.starts_with("unknown field `one`, expected `two`"), "{refused}");
    }
}
