//! Questions to an org as data, and what comes back. Imports `model` alone.

use serde_json::Value as Json;

use crate::model::Element;
use crate::model::Filter;
use crate::model::Row;
use crate::model::SalesforceId;

/// What becomes of an inquiry when the org refuses a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnRefusal {
    /// It fails: no plan can be made without the answer.
    Fail,
    /// The facts that it is about stay unknown.
    Unknown,
    /// The refusal says that there is nothing of the sort.
    Nothing,
}

/// One question. One about rows is asked together with others about the same rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Rows of an object.
    Rows(Rows),
    /// Rows of an object of the Tooling API, by a key.
    ToolingRows(Rows),
    /// What describe says of an object.
    Describe {
        /// The object.
        object: String,
        /// Whether other questions may be about the same description: such come after all
        /// that name an object for itself.
        is_shared: bool,
    },
    /// Full names and ids of all metadata of a type.
    List {
        /// The metadata type.
        metadata_type: &'static str,
        /// What a refusal means.
        on_refusal: OnRefusal,
    },
    /// Metadata documents by their full names.
    Documents {
        /// The metadata type.
        metadata_type: &'static str,
        /// Full names; the answers come in their order.
        names: Vec<String>,
    },
    /// One row whole, with all fields that there are.
    Record {
        /// The object.
        object: &'static str,
        /// The row's id.
        id: SalesforceId,
    },
}

/// A question about rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The object.
    pub object: &'static str,
    /// The columns, parent paths included.
    pub columns: &'static [&'static str],
    /// By what they are found.
    pub by: By,
    /// What holds of all of them besides.
    pub filters: &'static [Filter],
    /// What a refusal means.
    pub on_refusal: OnRefusal,
}

/// By what rows are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// All there are.
    All,
    /// Those with one of these values in a column.
    Key {
        /// The column.
        column: &'static str,
        /// The values.
        keys: Vec<String>,
    },
    /// Those with one of these names in a column, or with one of these labels in another.
    NameOrLabel {
        /// The column of names, in which a namespace is not part of the name.
        name: &'static str,
        /// The column of labels.
        label: &'static str,
        /// The names and labels as somebody wrote them.
        written: Vec<String>,
    },
}

impl Rows {
    /// All rows of an object; the org must answer.
    pub fn all(object: &'static str, columns: &'static [&'static str]) -> Self {
        Self { object, columns, by: By::All, filters: &[], on_refusal: OnRefusal::Fail }
    }

    /// The rows with one of these values in a column; the org must answer.
    pub fn keyed<'a>(
        object: &'static str,
        columns: &'static [&'static str],
        column: &'static str,
        keys: impl IntoIterator<Item = &'a String>,
    ) -> Self {
        let by = By::Key { column, keys: keys.into_iter().cloned().collect() };
        Self { by, ..Self::all(object, columns) }
    }

    /// The rows with one of these names or labels; the org must answer.
    pub fn named<'a>(
        object: &'static str,
        columns: &'static [&'static str],
        (name, label): (&'static str, &'static str),
        written: impl IntoIterator<Item = &'a String>,
    ) -> Self {
        let by = By::NameOrLabel { name, label, written: written.into_iter().cloned().collect() };
        Self { by, ..Self::all(object, columns) }
    }

    /// The same where all this holds besides.
    #[must_use]
    pub fn filtered(self, filters: &'static [Filter]) -> Self {
        Self { filters, ..self }
    }

    /// The same, which the org may refuse.
    #[must_use]
    pub fn on_refusal(self, on_refusal: OnRefusal) -> Self {
        Self { on_refusal, ..self }
    }

    /// As a list of questions: none, where no key is asked for.
    pub fn questions(self) -> Vec<Question> {
        let is_empty = match &self.by {
            By::All => false,
            By::Key { keys, .. } => keys.is_empty(),
            By::NameOrLabel { written, .. } => written.is_empty(),
        };
        if is_empty { Vec::new() } else { vec![Question::Rows(self)] }
    }
}

/// What came for a question.
#[derive(Debug)]
pub enum Answer<'a> {
    /// One of its rows.
    Row(&'a Row),
    /// It is answered whole: no row comes any more.
    End,
    /// What describe says; `None` for an object that the org does not have.
    Described(Option<&'a Json>),
    /// Full names and ids.
    Listed(&'a [(String, SalesforceId)]),
    /// A document by its place among the names that were asked for; `None` for one that
    /// the org does not have.
    Document(usize, Option<Element>),
}
