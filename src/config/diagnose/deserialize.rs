//! A serde deserializer over the tree, whose errors know their node.

use crate::text::words;
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::de;
use serde::de::DeserializeSeed;
use serde::de::Deserializer;
use serde::de::IntoDeserializer;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;

use super::listed;
use crate::config::tree::NodeId;
use crate::config::tree::Tree;
use crate::config::tree::Value;
use crate::kinds::spec::rules::is_seen;
use crate::kinds::spec::text::SCALAR;
use crate::kinds::spec::text::TEXT;
use crate::kinds::spec::text::looks_like_something_else;

/// What is wrong with a node.
#[derive(Debug)]
pub struct ReadError {
    /// The node, once a reader has put its own in.
    pub node: Option<NodeId>,
    /// What is wrong, as a fragment.
    pub message: String,
    /// What to say below the place.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
    /// The key that was probably meant instead.
    pub meant: Option<String>,
    /// The key that is missing, when that is it.
    pub missing: Option<&'static str>,
}

impl ReadError {
    fn new(message: impl Into<String>) -> Self {
        Self {
            node: None,
            message: message.into(),
            label: String::new(),
            help: None,
            meant: None,
            missing: None,
        }
    }

    fn at(mut self, node: NodeId) -> Self {
        self.node.get_or_insert(node);
        self
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(format!("expected {expected}, found {}", described(found)))
    }

    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(format!("expected {expected}, found {}", described(found)))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let error = Self::new(format!("unknown key `{field}`"));
        if field == "<<" {
            return error.help("merge keys are not supported; `*name` as a whole value is");
        }
        match words::closest(field, expected.iter().copied()) {
            Some(meant) => {
                let mut error = error.help(format!("did you mean `{meant}`?"));
                error.meant = Some(meant.to_owned());
                error
            }
            None => error.help(format!("keys here are {}", listed(expected))),
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let error = Self::new(format!("unknown word `{variant}`"));
        match words::closest(variant, expected.iter().copied()) {
            Some(meant) if expected.len() > 1 => error.help(format!("did you mean `{meant}`?")),
            _ if expected.len() == 1 => {
                error.help(format!("expected {}, or the long form", listed(expected)))
            }
            _ => error.help(format!("expected one of {}", listed(expected))),
        }
    }

    fn missing_field(field: &'static str) -> Self {
        let mut error = Self::new(format!("the key `{field}` is missing"));
        error.missing = Some(field);
        error
    }
}

fn described(found: de::Unexpected<'_>) -> String {
    match found {
        de::Unexpected::Str(text) => format!("`{text}`"),
        de::Unexpected::Bool(flag) => format!("`{flag}`, a boolean"),
        de::Unexpected::Signed(number) => format!("`{number}`, a number"),
        de::Unexpected::Unsigned(number) => format!("`{number}`, a number"),
        de::Unexpected::Float(number) => format!("`{number}`, a number"),
        de::Unexpected::Seq => "a list".to_owned(),
        de::Unexpected::Map => "a map".to_owned(),
        de::Unexpected::Unit | de::Unexpected::Option => "nothing".to_owned(),
        other => other.to_string(),
    }
}

/// The text of a scalar that was surely meant as one.
pub fn text_of(tree: &Tree, node: NodeId) -> Result<String, ReadError> {
    let text = meant_as_text(tree, node)?;
    is_seen(&text).map_err(|error| ReadError::new(error.to_string()).at(node))?;
    Ok(text)
}

fn meant_as_text(tree: &Tree, node: NodeId) -> Result<String, ReadError> {
    let found = match &tree.node(node).value {
        Value::Scalar { text, plain: false } => return Ok(text.to_string()),
        Value::Scalar { text, .. } if tree.is_null(node) => {
            let what = if tree.node(node).span().is_empty() {
                "nothing".to_owned()
            } else {
                format!("`{text}`, which means nothing")
            };
            return Err(ReadError::new(format!("expected text, found {what}")).at(node));
        }
        Value::Scalar { text, .. } => {
            if !looks_like_something_else(text) {
                return Ok(text.to_string());
            }
            let quoted =
                if text.contains('\'') { format!("\"{text}\"") } else { format!("'{text}'") };
            let mut error = ReadError::new(format!(
                "expected text, found `{text}`, which can be read as {}",
                kind_of(text)
            ));
            "not quoted".clone_into(&mut error.label);
            return Err(error.help(format!("if it is meant as text, quote it: {quoted}")).at(node));
        }
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
    };
    Err(ReadError::new(format!("expected text, found {found}")).at(node))
}

fn kind_of(text: &str) -> &'static str {
    let lower = text.to_ascii_lowercase();
    if matches!(lower.as_str(), "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n") {
        "a boolean"
    } else if text.len() >= 8 && text.matches(['-', ':']).count() >= 2 {
        "a date or time"
    } else {
        "a number"
    }
}

/// Reads one node.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    pub tree: &'a Tree,
    pub node: NodeId,
    /// Nodes that are known to be wrong and left out.
    pub aside: &'a HashSet<NodeId>,
    /// Keys that are missing from one map and known to be, so that reading
    /// goes on as if something stood there.
    pub invented: (NodeId, &'a [&'static str]),
    /// How many more nodes may be visited.
    pub budget: &'a Cell<usize>,
}

impl<'a> Reader<'a> {
    fn child(self, node: NodeId) -> Self {
        Self { node, ..self }
    }

    fn spend(self) -> Result<(), ReadError> {
        let left = self.budget.get();
        if left == 0 {
            return Err(ReadError::new("the aliases of this file expand too far").at(self.node));
        }
        self.budget.set(left - 1);
        Ok(())
    }

    fn unexpected(self, expected: &dyn de::Expected) -> ReadError {
        let tree = self.tree;
        let found = match &tree.node(self.node).value {
            Value::List(_) => de::Unexpected::Seq,
            Value::Map(_) => de::Unexpected::Map,
            Value::Scalar { .. } if tree.is_null(self.node) => de::Unexpected::Unit,
            Value::Scalar { text, .. } => de::Unexpected::Str(text),
        };
        <ReadError as de::Error>::invalid_type(found, expected).at(self.node)
    }

    fn list<V: Visitor<'a>>(self, items: &'a [NodeId], visitor: V) -> Result<V::Value, ReadError> {
        visitor
            .visit_seq(Items { reader: self, items: items.iter() })
            .map_err(|error| error.at(self.node))
    }

    fn map<V: Visitor<'a>>(
        self,
        entries: &'a [(NodeId, NodeId)],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let invented = if self.invented.0 == self.node { self.invented.1 } else { &[] };
        let access = Entries {
            reader: self,
            entries: entries.iter(),
            value: None,
            invented: invented.iter(),
        };
        visitor.visit_map(access).map_err(|error| error.at(self.node))
    }
}

impl<'a> Deserializer<'a> for Reader<'a> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.spend()?;
        match &self.tree.node(self.node).value {
            Value::List(items) => self.list(items, visitor),
            Value::Map(entries) => self.map(entries, visitor),
            Value::Scalar { text, plain } => {
                let result = if !plain {
                    visitor.visit_str(text)
                } else if self.tree.is_null(self.node) {
                    visitor.visit_unit()
                } else if let Some(flag) = flag_of(text) {
                    visitor.visit_bool(flag)
                } else if let Ok(number) = text.parse::<i64>() {
                    visitor.visit_i64(number)
                } else {
                    visitor.visit_str(text)
                };
                result.map_err(|error: ReadError| error.at(self.node))
            }
        }
    }

    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let flag = self
            .tree
            .scalar(self.node)
            .filter(|(_, plain)| *plain)
            .and_then(|(text, _)| flag_of(text));
        match flag {
            Some(flag) => visitor.visit_bool(flag).map_err(|error: ReadError| error.at(self.node)),
            None => {
                let is_quoted = matches!(
                    self.tree.scalar(self.node),
                    Some((text, false)) if flag_of(text).is_some()
                );
                let error = self.unexpected(&"`true` or `false`");
                Err(if is_quoted { error.help("take the quotes off") } else { error })
            }
        }
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.tree.is_null(self.node) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if name == TEXT {
            self.spend()?;
            return visitor.visit_string(text_of(self.tree, self.node)?);
        }
        if name == SCALAR {
            self.spend()?;
            return match self.tree.scalar(self.node) {
                Some((text, true)) if flag_of(text).is_some() => {
                    visitor.visit_bool(flag_of(text) == Some(true))
                }
                Some((text, true)) if is_plain_number(text) => visitor.visit_bytes(text.as_bytes()),
                Some((text, true)) if is_plain_date(text) => visitor.visit_string(text.to_owned()),
                _ => visitor.visit_string(text_of(self.tree, self.node)?),
            };
        }
        visitor.visit_newtype_struct(self).map_err(|error| error.at(self.node))
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.spend()?;
        match &self.tree.node(self.node).value {
            Value::List(items) => self.list(items, visitor),
            _ if self.tree.is_null(self.node) => self.list(&[], visitor),
            _ => Err(self.unexpected(&"a list")
                .help("write the items in brackets, `[a, b]`, or each on a line of its own with `- ` in front")),
        }
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.spend()?;
        match &self.tree.node(self.node).value {
            Value::Map(entries) => self.map(entries, visitor),
            _ if self.tree.is_null(self.node) => self.map(&[], visitor),
            _ => Err(self.unexpected(&"a map, with a key and a value on each line")),
        }
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.spend()?;
        match self.tree.scalar(self.node) {
            Some((text, _)) if !self.tree.is_null(self.node) => {
                let word: de::value::StrDeserializer<'_, ReadError> = text.into_deserializer();
                visitor.visit_enum(word).map_err(|error| error.at(self.node))
            }
            _ => Err(self.unexpected(&"a word")),
        }
    }

    serde::forward_to_deserialize_any! {
        <W: Visitor<'a>>
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct tuple tuple_struct identifier ignored_any
    }
}

/// Whether digits mean what they show to every reader: `7` and `1.5`, not `007`.
fn is_plain_number(text: &str) -> bool {
    if text.parse::<i64>().is_ok_and(|number| number.to_string() == text) {
        return true;
    }
    text.split_once('.').is_some_and(|(whole, fraction)| {
        let whole = whole.strip_prefix('-').unwrap_or(whole);
        let has_no_zero_in_front = whole == "0" || !whole.starts_with('0');
        let are_digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        has_no_zero_in_front && are_digits(whole) && are_digits(fraction)
    })
}

fn is_plain_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

fn flag_of(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

struct Items<'a> {
    reader: Reader<'a>,
    items: std::slice::Iter<'a, NodeId>,
}

impl<'a> SeqAccess<'a> for Items<'a> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'a>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        for node in self.items.by_ref() {
            if !self.reader.aside.contains(node) {
                return seed
                    .deserialize(self.reader.child(*node))
                    .map(Some)
                    .map_err(|error| error.at(*node));
            }
        }
        Ok(None)
    }
}

struct Entries<'a> {
    reader: Reader<'a>,
    entries: std::slice::Iter<'a, (NodeId, NodeId)>,
    value: Option<NodeId>,
    invented: std::slice::Iter<'a, &'static str>,
}

impl<'a> MapAccess<'a> for Entries<'a> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        for (key, value) in self.entries.by_ref() {
            let is_aside = self.reader.aside.contains(key) || self.reader.aside.contains(value);
            if !is_aside {
                self.value = Some(*value);
                return seed
                    .deserialize(Key(self.reader.child(*key)))
                    .map(Some)
                    .map_err(|error| error.at(*key));
            }
        }
        match self.invented.next() {
            Some(name) => {
                let name: de::value::StrDeserializer<'_, ReadError> = (*name).into_deserializer();
                seed.deserialize(name).map(Some)
            }
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let Some(node) = self.value.take() else {
            return seed.deserialize(Invented);
        };
        seed.deserialize(self.reader.child(node)).map_err(|error| error.at(node))
    }
}

/// Something that every text field takes, also one that may be left out.
struct Invented;

impl<'a> Deserializer<'a> for Invented {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_str("a@b.example")
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_some(self)
    }

    serde::forward_to_deserialize_any! {
        <W: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        newtype_struct unit unit_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

/// Reads a key: a field's name is taken as it is, any other key is a text.
struct Key<'a>(Reader<'a>);

impl<'a> Deserializer<'a> for Key<'a> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.0.tree.scalar(self.0.node) {
            Some((text, _)) => visitor.visit_str(text),
            None => Err(self.0.unexpected(&"a key")),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if name == TEXT {
            return visitor.visit_string(text_of(self.0.tree, self.0.node)?);
        }
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        <W: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
