//! The JSON Schema of a file, from the same specs that read it: editors check
//! and complete by it.

use schemars::generate::SchemaSettings;
use serde_json::Map;
use serde_json::Value as Json;
use serde_json::json;

use super::RELEASE;
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
        RELEASE.to_owned(),
        json!({
            "description": "Addresses of what is no longer to be managed and not to be touched, for example user.qa@coconut.example; `*` stands for any characters.",
            "type": ["array", "null"],
            "items": {"type": "string"},
        }),
    );
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "orgform: Salesforce user access as code",
        "type": "object",
        "required": ["version"],
        "additionalProperties": false,
        "properties": properties,
        "definitions": generator.take_definitions(true),
    });
    join_lines(&mut schema);
    schema
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
