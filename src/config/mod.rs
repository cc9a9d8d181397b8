//! YAML text to what is declared.
//!
//! Read on two paths: a fast one, serde straight into the kinds' typed specs,
//! which keeps no places; and, only when that fails or a message needs a
//! place, a diagnosing one, which reads parser events into a tree with places
//! and finds all errors of a file at once. Both end in the same specs, so that
//! what one accepts the other accepts. Imports `model`, `kinds` and `graph`.

mod check;
mod cut;
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

use crate::text::words::counted;
use std::path::PathBuf;

use cut::Cut;

use crate::kinds;
use crate::model::AddressPattern;
use crate::model::Declared;

pub use diagnostic::Diagnostic;
pub use diagnostic::Found;
pub use diagnostic::Labelled;
pub use diagnostic::Source;
pub use files::find as find_files;
pub use files::read as read_file;
pub use format::FormatError;
pub use format::format;
pub use locate::Locator;
pub use reach::FilesError;
pub use reach::Reach;
pub use schema::schema;
pub use suffixes::Suffixes;
pub use suffixes::of as suffix_of;
pub use suffixes::with as with_suffix;

/// More than this is not declared at once: a slip in a loop makes it.
const MOST_DECLARED: usize = 2_000_000;

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
    #[error("{} in the configuration", counted(.0.len(), "error"))]
    Diagnostics(Found),
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
    let mut diagnostics = Found::default();
    for (number, reading) in readings.into_iter().enumerate() {
        match reading? {
            Ok(contents) => {
                let file = u32::try_from(number).unwrap_or(u32::MAX);
                let mut declared = contents.declared;
                for entry in &mut declared {
                    entry.file = file;
                }
                if config.declared.is_empty() {
                    // Not copied: there may be a million.
                    config.declared = declared;
                } else {
                    config.declared.append(&mut declared);
                }
                let personas = contents.personas.into_iter();
                config.personas.extend(personas.map(|(name, gives)| (name, gives, file)));
                config.suffixes.extend(contents.suffixes);
                config.released.extend(contents.released.into_iter().map(|held| (held, file)));
            }
            Err(found) => diagnostics.append(found),
        }
    }
    let count = personas::declared_in_all(&config);
    if count > MOST_DECLARED {
        let file = files.first().cloned().unwrap_or_default();
        let message =
            format!("{count} resources are declared, and at most {MOST_DECLARED} at once");
        diagnostics.push(
            Diagnostic::new(&Source::new(file, ""), 0..0, message)
                .help("cut them into several sets of files"),
        );
    }
    if diagnostics.is_empty() {
        let unknown = personas::expand(&mut config);
        diagnostics = check::check(&config, &unknown);
    }
    if diagnostics.is_empty() {
        return Ok(config);
    }
    Err(ConfigError::Diagnostics(diagnostics.map(Diagnostic::without_secrets)))
}

/// Reads one text, a large one in pieces.
fn read_one(reach: &Reach, source: &Source) -> Result<Contents, Found> {
    if let Some(diagnostic) = scan::refuse(source) {
        return Err(diagnostic.into());
    }
    match cut::cut(source)? {
        None => read_whole(reach, source),
        Some(cut) => read_pieces(reach, source, cut),
    }
}

/// Reads one text on the fast path, and where that fails on the diagnosing one,
/// which has the last word. What is too large for the fast one takes less on the other.
fn read_whole(reach: &Reach, source: &Source) -> Result<Contents, Found> {
    if scan::may_hold_aliases(&source.text) || source.text.len() > 4 * cut::PIECE {
        return diagnose::read(reach, source);
    }
    fast::read(&source.text).or_else(|_| diagnose::read(reach, source))
}

fn read_pieces(reach: &Reach, source: &Source, cut: Cut) -> Result<Contents, Found> {
    let mut all = Contents::default();
    let mut found = Found::default();
    if !cut.has_version {
        found.push(diagnose::no_version(source));
    }
    found.append(cut.found.into());
    for piece in &cut.pieces {
        match read_whole(reach, &piece.document(source)) {
            Ok(contents) if found.is_empty() => {
                if all.declared.is_empty() {
                    // One piece holds about as many as another; growing takes all twice.
                    all.declared.reserve_exact(contents.declared.len() * cut.pieces.len());
                }
                all.declared.extend(contents.declared);
                all.personas.extend(contents.personas);
                all.released.extend(contents.released);
                all.suffixes.extend(contents.suffixes);
            }
            Ok(_) => {}
            Err(wrong) => found.append(wrong.map(|wrong| piece.placed_in(source, wrong))),
        }
    }
    if found.is_empty() { Ok(all) } else { Err(found) }
}

/// The key of what is no longer to be managed.
const RELEASE: &str = "release";

/// A line of `release` that is no address.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no address; one looks like `user.qa@coconut.example`, and kinds are {kinds}", kinds = kind_names())]
struct NoAddress(String);

fn kind_names() -> String {
    let names: Vec<&str> = kinds::ALL.iter().map(|kind| kind.name().as_str()).collect();
    names.join(", ")
}

/// One line of `release`.
///
/// # Errors
/// When it is no address, nor a pattern of some.
fn released(text: &str) -> Result<AddressPattern, NoAddress> {
    let no_address = || NoAddress(text.to_owned());
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
        fast::read(&source.text).map_err(|_| Found::default())
    });
    let held = readings.iter().flatten().flatten();
    held.map(|contents| contents.declared.len()).sum()
}

/// Both readings of one text, for the test that holds them to each other.
#[doc(hidden)]
pub fn both_readings(text: &str) -> (Option<Contents>, Result<Contents, Found>) {
    let source = Source::new("test.yaml", text);
    if let Some(diagnostic) = scan::refuse(&source) {
        return (None, Err(diagnostic.into()));
    }
    let reach = Reach::default();
    (fast::read(text).ok(), diagnose::read(&reach, &source))
}
