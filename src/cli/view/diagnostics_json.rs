//! What is wrong in files, for programs: one document, or SARIF for code hosts.

use serde_json::Value as Json;
use serde_json::json;

use crate::config::Found;

/// Line and column, counted from 1, of a byte.
fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = &text[..byte.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// One document, its format versioned.
pub fn document(found: &Found, resources: usize) -> Json {
    let diagnostics: Vec<Json> = found
        .reported
        .iter()
        .map(|diagnostic| {
            let at = &diagnostic.at;
            let (line, column) = place(&at.source.text, at.span.start);
            let (end_line, end_column) = place(&at.source.text, at.span.end);
            json!({
                "severity": "error",
                "message": diagnostic.message,
                "help": diagnostic.help,
                "file": at.source.path.display().to_string(),
                "line": line,
                "column": column,
                "end_line": end_line,
                "end_column": end_column,
            })
        })
        .collect();
    json!({
        "format_version": 1,
        "valid": found.is_empty(),
        "resources": resources,
        "diagnostics": diagnostics,
        "more": found.more,
    })
}

/// A SARIF log (OASIS, version 2.1.0), which code hosts show beside the lines.
pub fn sarif(found: &Found) -> Json {
    let results: Vec<Json> = found
        .reported
        .iter()
        .map(|diagnostic| {
            let at = &diagnostic.at;
            let (line, column) = place(&at.source.text, at.span.start);
            let (end_line, end_column) = place(&at.source.text, at.span.end);
            let text = match &diagnostic.help {
                Some(help) => format!("{}; {help}", diagnostic.message),
                None => diagnostic.message.clone(),
            };
            let uri = at.source.path.display().to_string().replace('\\', "/");
            json!({
                "ruleId": "configuration",
                "level": "error",
                "message": {"text": text},
                "locations": [{
                    "physicalLocation": {
                        "artifactLocation": {"uri": uri},
                        "region": {
                            "startLine": line,
                            "startColumn": column,
                            "endLine": end_line,
                            "endColumn": end_column,
                        },
                    },
                }],
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "orgform",
                    "version": env!("CARGO_PKG_VERSION"),
                    "rules": [{
                        "id": "configuration",
                        "shortDescription": {"text": "A mistake in a file that orgform reads"},
                    }],
                },
            },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}
