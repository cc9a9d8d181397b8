//! YAML text to what is declared.
//!
//! Read on two paths: a fast one, serde straight into the kinds' typed specs,
//! which keeps no places; and, only when that fails or a message needs a
//! place, a diagnosing one, which reads parser events into a tree with places
//! and finds all errors of a file at once. Both end in the same specs, so that
//! what one accepts the other accepts. Imports `model`, `kinds` and `graph`.

mod check;
mod diagnose;
mod diagnostic;
mod each;
mod fast;
mod files;
mod format;
mod locate;
mod personas;
mod reach;
mod scan;
mod schema;
mod secrets;
mod suffixes;
mod tree;

use std::path::PathBuf;

use crate::kinds;
use crate::model::AddressPattern;
use crate::model::Declared;

pub use diagnostic::Diagnostic;
pub use diagnostic::Source;
pub use files::FilesError;
pub use files::find as find_files;
pub use files::read as read_file;
pub use format::FormatError;
pub use format::format;
pub use locate::Locator;
pub use reach::Reach;
pub use schema::schema;
pub use suffixes::Suffixes;
pub use suffixes::of as suffix_of;
pub use suffixes::with as with_suffix;

/// After so many errors the rest are not looked for.
pub const MOST_ERRORS: usize = 100;

/// What the files declare.
#[derive(Debug, Default)]
pub struct Config {
    /// From where the files were named, and where they may be read.
    pub reach: Reach,
    /// The files, in the order of [`Declared::file`].
    pub files: Vec<PathBuf>,
    /// The declarations, in the order of files.
    pub declared: Vec<Declared>,
    /// Personas: name, what each gives, and in which file it stands.
    pub personas: Vec<(String, Vec<Declared>, u32)>,
    /// What is no longer to be managed, and in which file that stands.
    pub released: Vec<(AddressPattern, u32)>,
    /// What stands behind usernames in some orgs.
    pub suffixes: Suffixes,
}

/// What one file says.
#[derive(Debug, Default, PartialEq)]
pub struct Contents {
    /// The declarations, in order.
    pub declared: Vec<Declared>,
    /// Personas: name, and what each gives.
    pub personas: Vec<(String, Vec<Declared>)>,
    /// What is no longer to be managed.
    pub released: Vec<AddressPattern>,
    /// What stands behind usernames in some orgs.
    pub suffixes: Suffixes,
}

/// Why the files can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file can't be found or read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// What they say is wrong, each thing with its place.
    #[error("{} in the configuration", if .0.len() == 1 { "1 error".to_owned() } else { format!("{} errors", .0.len()) })]
    Diagnostics(Vec<Diagnostic>),
}

/// Reads files and folders, named from where they are in reach; without any,
/// `orgform.yaml` or else the YAML files there.
///
/// # Errors
/// Everything that is wrong, of all files at once.
pub fn load(paths: &[PathBuf], reach: &Reach) -> Result<Config, ConfigError> {
    let files = files::find(paths, reach.here())?;
    let readings = files::read_in_parallel(reach, &files, |source| read_one(reach, source));
    let mut config = Config { reach: reach.clone(), files: files.clone(), ..Config::default() };
    let mut diagnostics = Vec::new();
    for (number, reading) in readings.into_iter().enumerate() {
        match reading? {
            Ok(contents) => {
                let file = u32::try_from(number).unwrap_or(u32::MAX);
                let declared = contents.declared.into_iter();
                config.declared.extend(declared.map(|entry| Declared { file, ..entry }));
                let personas = contents.personas.into_iter();
                config.personas.extend(personas.map(|(name, gives)| (name, gives, file)));
                config.suffixes.extend(contents.suffixes);
                config.released.extend(contents.released.into_iter().map(|held| (held, file)));
            }
            Err(found) => diagnostics.extend(found),
        }
    }
    if diagnostics.is_empty() {
        let unknown = personas::expand(&mut config);
        diagnostics = check::check(&config, &unknown);
    }
    if diagnostics.is_empty() {
        return Ok(config);
    }
    let told = diagnostics.into_iter().map(Diagnostic::without_secrets);
    Err(ConfigError::Diagnostics(told.collect()))
}

/// Reads one text on the fast path, and where that fails on the diagnosing one,
/// which has the last word.
fn read_one(reach: &Reach, source: &Source) -> Result<Contents, Vec<Diagnostic>> {
    if let Some(diagnostic) = scan::refuse(source) {
        return Err(vec![diagnostic]);
    }
    if scan::may_hold_aliases(&source.text) {
        return diagnose::read(reach, source);
    }
    fast::read(&source.text).or_else(|_| diagnose::read(reach, source))
}

/// The key of what is no longer to be managed.
const RELEASE: &str = "release";

/// One line of `release`.
///
/// # Errors
/// What is wrong with it, as a fragment.
fn released(text: &str) -> Result<AddressPattern, String> {
    let no_address = || {
        let kinds: Vec<&str> = kinds::ALL.iter().map(|kind| kind.name()).collect();
        format!(
            "`{text}` is no address; one looks like `user.qa@coconut.example`, and kinds are {}",
            kinds.join(", ")
        )
    };
    let pattern = AddressPattern::new(text).ok_or_else(no_address)?;
    let kind = text.trim().split('.').next().unwrap_or_default();
    let is_one = kinds::named(kind).is_some() || kind.contains(['*', '?']);
    if is_one && (text.contains('.') || kind.contains('*')) {
        Ok(pattern)
    } else {
        Err(no_address())
    }
}

/// Reads files on the fast path and does nothing else with them; how many
/// declarations they hold. What all else is measured against.
#[doc(hidden)]
pub fn read_only(files: &[PathBuf], here: &std::path::Path) -> usize {
    let reach = Reach::new(here, files, &[]);
    let readings = files::read_in_parallel(&reach, files, |source| {
        fast::read(&source.text).map_err(|_| Vec::new())
    });
    let held = readings.iter().flatten().flatten();
    held.map(|contents| contents.declared.len()).sum()
}

/// Both readings of one text, for the test that holds them to each other.
#[doc(hidden)]
pub fn both_readings(text: &str) -> (Result<Contents, String>, Result<Contents, Vec<Diagnostic>>) {
    let source = Source::new("test.yaml", text);
    if let Some(diagnostic) = scan::refuse(&source) {
        return (Err(diagnostic.message.clone()), Err(vec![diagnostic]));
    }
    let reach = Reach::default();
    (fast::read(text), diagnose::read(&reach, &source))
}
