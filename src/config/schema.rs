//! The JSON Schema of a file, from the same specs that read it: editors check
//! and complete by it.

use schemars::generate::SchemaSettings;
use serde_json::Map;
use serde_json::Value as Json;
use serde_json::json;

use super::RELEASE;
use super::each::FOR_EACH;
use super::personas::PERSONAS;
use super::suffixes::SUFFIXES;
use crate::kinds;

/// The schema of a whole file, in draft 7, which editors know best.
pub fn schema() -> Json {
    let mut generator = SchemaSettings::draft07().into_generator();
    let mut properties = Map::new();
    properties.insert(
        "version".to_owned(),
        json!({"description": "The version of this format.", "const": 1}),
    );
    for section in kinds::SECTIONS {
        let Some(entry) = kinds::entry_schema(section, &mut generator) else { continue };
        let words = section.replace('_', " ");
        properties.insert(
            (*section).to_owned(),
            json!({
                "description": format!("The {words} that the org should have, by name."),
                "type": ["object", "null"],
                "additionalProperties": entry,
            }),
        );
    }
    properties.insert(
        PERSONAS.to_owned(),
        json!({
            "description": "What users of one sort have in common, by a name that users point to with `persona`.",
            "type": ["object", "null"],
            "additionalProperties": kinds::persona_schema(&mut generator),
        }),
    );
    properties.insert(
        RELEASE.to_owned(),
        json!({
            "description": "Addresses of what is no longer to be managed and not to be touched, for example user.qa@coconut.example; `*` stands for any characters.",
            "type": ["array", "null"],
            "items": {"type": "string"},
        }),
    );
    properties.insert(
        SUFFIXES.to_owned(),
        json!({
            "description": "What stands behind usernames in some orgs, by an org's id or the name in front of its address, for example yourcompany--uat.",
            "type": ["object", "null"],
            "additionalProperties": {"type": "string"},
        }),
    );
    let mut definitions = generator.take_definitions(true);
    for entry in ["UserSpec", "ProfileSpec", "PermissionSetSpec", "PermissionSetGroupSpec"] {
        if let Some(held) = definitions.get_mut(entry)
            && let Some(properties) = held.get_mut("properties").and_then(Json::as_object_mut)
        {
            properties.insert(FOR_EACH.to_owned(), for_each());
        }
    }
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "orgform: Salesforce user access as code",
        "type": "object",
        "required": ["version"],
        "additionalProperties": false,
        "properties": properties,
        "definitions": definitions,
    });
    join_lines(&mut schema);
    schema
}

/// The key that makes one entry stand for many.
fn for_each() -> Json {
    json!({
        "description": "Makes the entry stand for many, with `${…}` in its texts: `${n}` counts, `${value}` is an item of a list, and a column of a CSV file has its own name.",
        "oneOf": [
            {
                "type": "object",
                "additionalProperties": false,
                "required": ["count"],
                "properties": {"count": {"type": "integer", "minimum": 0, "maximum": 100_000}},
            },
            {
                "type": "object",
                "additionalProperties": false,
                "required": ["csv"],
                "properties": {"csv": {"type": "string", "description": "A file beside this one."}},
            },
            {"type": "array", "items": {"type": ["string", "number", "boolean", "object"]}},
        ],
    })
}

/// Descriptions are wrapped where they are written, and not where they are read.
fn join_lines(schema: &mut Json) {
    match schema {
        Json::Object(held) => {
            for (key, value) in held {
                match value {
                    Json::String(text) if key == "description" => *text = text.replace('\n', " "),
                    other => join_lines(other),
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(join_lines),
        _ => {}
    }
}
