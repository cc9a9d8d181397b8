//! An error in a file, as data: rendered at the edge.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::MOST_ERRORS;

/// A file's text.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it is from.
    pub path: PathBuf,
    /// What it says.
    pub text: Arc<String>,
}

impl Source {
    /// A text with its path.
    pub fn new(path: impl Into<PathBuf>, text: &str) -> Self {
        Self::of(path, text.to_owned())
    }

    /// The same without a copy.
    pub fn of(path: impl Into<PathBuf>, text: String) -> Self {
        Self { path: path.into(), text: Arc::new(text) }
    }
}

/// A place in a file, with what to say there.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// The file.
    pub source: Source,
    /// Which bytes.
    pub span: Range<usize>,
    /// What is said below them; may be empty.
    pub label: String,
}

/// One error: what, where, and what to do.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// What is wrong, as a fragment.
    pub message: String,
    /// Where.
    pub at: Labelled,
    /// Other places that belong to it.
    pub related: Vec<Labelled>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn new(source: &Source, span: Range<usize>, message: impl Into<String>) -> Self {
        let at = Labelled { source: source.clone(), span, label: String::new() };
        Self { message: message.into(), at, related: Vec::new(), help: None }
    }

    /// The same with words below the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.at.label = label.into();
        self
    }

    /// The same with what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with another place.
    #[must_use]
    pub fn related(
        mut self,
        source: &Source,
        span: Range<usize>,
        label: impl Into<String>,
    ) -> Self {
        self.related.push(Labelled { source: source.clone(), span, label: label.into() });
        self
    }
}

/// All that is wrong: as much of it as is reported, and how much more there is.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// What is reported, at most [`MOST_ERRORS`].
    pub reported: Vec<Diagnostic>,
    /// How many more were found.
    pub more: usize,
}

impl Found {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.add(|| diagnostic);
    }

    /// Adds one, which is only made where it is reported.
    pub fn add(&mut self, make: impl FnOnce() -> Diagnostic) {
        if self.reported.len() < MOST_ERRORS {
            self.reported.push(make());
        } else {
            self.more += 1;
        }
    }

    /// Adds all of another.
    pub fn append(&mut self, other: Self) {
        for diagnostic in other.reported {
            self.push(diagnostic);
        }
        self.more += other.more;
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.reported.is_empty()
    }

    /// How much is wrong.
    pub fn len(&self) -> usize {
        self.reported.len() + self.more
    }

    /// The same with every diagnostic made another.
    #[must_use]
    pub fn map(self, change: impl Fn(Diagnostic) -> Diagnostic) -> Self {
        Self { reported: self.reported.into_iter().map(change).collect(), more: self.more }
    }
}

impl From<Vec<Diagnostic>> for Found {
    fn from(found: Vec<Diagnostic>) -> Self {
        let mut all = Self::default();
        for diagnostic in found {
            all.push(diagnostic);
        }
        all
    }
}

impl From<Diagnostic> for Found {
    fn from(found: Diagnostic) -> Self {
        Self { reported: vec![found], more: 0 }
    }
}
