//! The fast path: serde_yaml straight into the kinds' specs, one entry at a
//! time, no places kept. Whatever it refuses, the diagnosing path decides.

use std::fmt;

use serde::Deserializer;
use serde::de::DeserializeSeed;
use serde::de::Error as _;
use serde::de::MapAccess;
use serde::de::Visitor;

use super::Contents;
use super::RELEASE;
use super::personas::PERSONAS;
use super::suffixes;
use super::suffixes::SUFFIXES;
use crate::kinds;
use crate::kinds::spec::Text;
use crate::kinds::spec::UniqueMap;
use crate::model::Declared;

/// Reads a whole document.
///
/// # Errors
/// The first thing that is refused; only good for "not this way".
pub fn read(text: &str) -> Result<Contents, serde_yaml::Error> {
    let mut contents = Contents::default();
    let deserializer = serde_yaml::Deserializer::from_str(text);
    Document { into: &mut contents }.deserialize(deserializer)?;
    Ok(contents)
}

struct Document<'a> {
    into: &'a mut Contents,
}

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map with `version: 1` and sections")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen: Vec<String> = Vec::new();
        while let Some(Text(key)) = map.next_key()? {
            if seen.contains(&key) {
                return Err(A::Error::custom("a section stands twice"));
            }
            if key == "version" {
                if map.next_value::<u64>()? != 1 {
                    return Err(A::Error::custom("another version"));
                }
            } else if let Some(section) = kinds::SECTIONS.iter().find(|section| **section == key) {
                map.next_value_seed(Section { section, into: &mut self.into.declared })?;
            } else if key == PERSONAS {
                map.next_value_seed(Personas { into: &mut self.into.personas })?;
            } else if key == SUFFIXES {
                let held: Option<UniqueMap<Text, Text>> = map.next_value()?;
                for (Text(org), Text(suffix)) in held.unwrap_or_default().0 {
                    suffixes::check(&suffix).map_err(A::Error::custom)?;
                    self.into.suffixes.insert(org, suffix);
                }
            } else if key == RELEASE {
                for Text(line) in map.next_value::<Option<Vec<Text>>>()?.unwrap_or_default() {
                    self.into.released.push(super::released(&line).map_err(A::Error::custom)?);
                }
            } else {
                return Err(A::Error::custom("an unknown section"));
            }
            seen.push(key);
        }
        if seen.iter().any(|key| key == "version") {
            Ok(())
        } else {
            Err(A::Error::custom("no version"))
        }
    }
}

struct Section<'a> {
    section: &'static str,
    into: &'a mut Vec<Declared>,
}

impl<'de> DeserializeSeed<'de> for Section<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Section<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(name)) = map.next_key()? {
            kinds::check_name(self.section, &name).map_err(A::Error::custom)?;
            map.next_value_seed(Entry { section: self.section, name: &name, into: self.into })?;
        }
        // Names that stand twice are found when all files are put together.
        Ok(())
    }
}

struct Entry<'a> {
    section: &'static str,
    name: &'a str,
    into: &'a mut Vec<Declared>,
}

impl<'de> DeserializeSeed<'de> for Entry<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self { section, name, into } = self;
        kinds::read_entry(section, name, deserializer, &mut |mut declared| {
            // Most are assignments of two values.
            declared.attributes.shrink();
            into.push(declared);
        })
    }
}

struct Personas<'a> {
    into: &'a mut Vec<(String, Vec<Declared>)>,
}

impl<'de> DeserializeSeed<'de> for Personas<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Personas<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(name)) = map.next_key()? {
            let mut gives = Vec::new();
            map.next_value_seed(Persona { into: &mut gives })?;
            self.into.push((name, gives));
        }
        Ok(())
    }
}

struct Persona<'a> {
    into: &'a mut Vec<Declared>,
}

impl<'de> DeserializeSeed<'de> for Persona<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        kinds::read_persona(deserializer, &mut |declared| self.into.push(declared))
    }
}
