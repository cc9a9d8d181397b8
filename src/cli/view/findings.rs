//! What the checks of a plan found, with its places: for a person as rustc
//! shows errors, for a program with file, line and column.

use serde_json::Value as Json;
use serde_json::json;

use super::diagnostics::Level;
use super::diagnostics::render_as;
use crate::cli::painter::Painter;
use crate::config::Diagnostic;
use crate::config::Locator;
use crate::config::Source;
use crate::model::Finding;
use crate::model::Severity;
use crate::workflow::Declarations;

/// The findings with their places; files that are not there any more give none.
pub fn located(findings: &[Finding], declarations: &Declarations) -> Vec<Diagnostic> {
    let mut locator = Locator::new(&declarations.reach);
    findings
        .iter()
        .map(|finding| {
            let file = declarations.files.get(finding.file as usize);
            let found = finding
                .place
                .as_ref()
                .and_then(|place| file.and_then(|file| locator.find(file, place)));
            let (source, span) = found.unwrap_or_else(|| (Source::new("", ""), 0..0));
            let message = match &finding.address {
                Some(address) => format!("{address}: {}", finding.message),
                None => finding.message.clone(),
            };
            let diagnostic = Diagnostic::new(&source, span, message);
            match &finding.hint {
                Some(hint) => diagnostic.help(hint).without_secrets(),
                None => diagnostic.without_secrets(),
            }
        })
        .collect()
}

/// All of them for a person, and what they mean for applying the plan.
pub fn render(findings: &[Finding], located: &[Diagnostic], painter: Painter) -> String {
    let mut text = String::new();
    for (finding, diagnostic) in findings.iter().zip(located) {
        let level = match finding.severity {
            Severity::Error => Level::Error,
            Severity::Guard => Level::Guard,
            Severity::Warning => Level::Warning,
        };
        text.push_str(&render_as(diagnostic, level, painter));
        text.push_str("\n\n");
    }
    let count = |severity| findings.iter().filter(|held| held.severity == severity).count();
    let errors = match count(Severity::Error) {
        0 => None,
        1 => Some("1 error".to_owned()),
        count => Some(format!("{count} errors")),
    };
    let guards = match count(Severity::Guard) {
        0 => None,
        1 => Some("1 guard".to_owned()),
        count => Some(format!("{count} guards")),
    };
    let reasons: Vec<String> = errors.into_iter().chain(guards).collect();
    if !reasons.is_empty() {
        text.push_str(&format!(
            "This plan will not be applied as it is: {}.\n",
            reasons.join(", ")
        ));
    }
    text
}

/// One of them for a program.
pub fn finding_json(finding: &Finding, diagnostic: Option<&Diagnostic>) -> Json {
    let at = diagnostic.map(|diagnostic| &diagnostic.at).filter(|at| !at.source.text.is_empty());
    let (line, column) = at.map_or((None, None), |at| {
        let before = &at.source.text[..at.span.start.min(at.source.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (Some(line), Some(column))
    });
    json!({
        "severity": finding.severity,
        "check": finding.check,
        "address": finding.address,
        "message": finding.message,
        "hint": finding.hint,
        "file": at.map(|at| at.source.path.display().to_string()),
        "line": line,
        "column": column,
    })
}
