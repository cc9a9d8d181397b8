//! An error in a file, as data: rendered at the edge.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// A file's text.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it is from.
    pub path: PathBuf,
    /// What it says.
    pub text: Arc<str>,
}

impl Source {
    /// A text with its path.
    pub fn new(path: impl Into<PathBuf>, text: &str) -> Self {
        Self { path: path.into(), text: text.into() }
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
