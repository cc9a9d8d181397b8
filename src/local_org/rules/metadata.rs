//! What there is as metadata, and one way to write, read, list, delete and rename
//! it, whichever type it is of and whether a call or a deploy asks for it.

use super::Org;
use super::files::FileType;
use super::groups;
use super::nodes::no_such;
use super::nodes::text;
use super::profile_document;
use super::rights;
use super::set_document;
use super::sets;
use crate::local_org::error::ApiError;
use crate::local_org::row::Cell;
use crate::local_org::row::Row;
use crate::local_org::shapes;
use crate::local_org::xml::Node;

/// What became of one document.
#[derive(Debug)]
pub struct DocumentOutcome {
    /// Its full name.
    pub full_name: String,
    /// Whether it was made.
    pub created: bool,
    /// Why not.
    pub error: Option<ApiError>,
}

/// What a call means to do with what is there, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// It must not be there.
    Create,
    /// It must be there.
    Update,
    /// Either.
    Upsert,
}

impl Intent {
    /// Whether what is not there is made.
    pub fn may_create(self) -> bool {
        self != Self::Update
    }
}

/// Creates, replaces or overlays documents, each on its own.
///
/// # Errors
/// When the type is none of access.
pub fn write_documents(
    org: &mut Org,
    metadata_type: &str,
    documents: &[Node],
    intent: Intent,
) -> Result<Vec<DocumentOutcome>, ApiError> {
    if FileType::named(metadata_type).is_none() {
        return Err(unknown_type(metadata_type));
    }
    Ok(documents
        .iter()
        .map(|document| {
            let full_name = text(document, "fullName").unwrap_or_default().to_owned();
            let fits = shapes::check(document, metadata_type, &org.version)
                .map_err(|misfit| ApiError::new("INVALID_CROSS_REFERENCE_KEY", misfit.message));
            let written = fits
                .and_then(|()| write_document(org, metadata_type, &full_name, document, intent));
            let (created, error) = match written {
                Ok(created) => (created, None),
                Err(error) => (false, Some(error)),
            };
            DocumentOutcome { full_name, created, error }
        })
        .collect())
}

/// Writes one document; whether it was made. Where it is refused, nothing of
/// it is left.
///
/// # Errors
/// As the document, or who sends it, is refused.
pub fn write_document(
    org: &mut Org,
    metadata_type: &str,
    full_name: &str,
    document: &Node,
    intent: Intent,
) -> Result<bool, ApiError> {
    let write = match metadata_type {
        "MutingPermissionSet" => groups::write_muting,
        "PermissionSet" => set_document::write,
        "PermissionSetGroup" => groups::write_group,
        "Profile" => profile_document::write,
        other => return Err(unknown_type(other)),
    };
    rights::check(org, "metadata")?;
    let is_there = id_of(org, metadata_type, full_name).is_some();
    if intent == Intent::Create && is_there {
        return Err(ApiError::new(
            "DUPLICATE_DEVELOPER_NAME",
            "The name you specified is already in use. Please specify a unique name.",
        )
        .field("fullName"));
    }
    if let Some(row) =
        id_of(org, metadata_type, full_name).and_then(|id| org.store.get(metadata_type, &id))
    {
        org.locks.check(metadata_type, row)?;
    }
    let savepoint = org.store.savepoint();
    let written = write(org, full_name, document, intent.may_create());
    if written.is_err() {
        org.store.roll_back(savepoint);
    }
    written
}

/// The id of what a type has under a full name.
pub fn id_of(org: &Org, metadata_type: &str, full_name: &str) -> Option<String> {
    match metadata_type {
        "Profile" => profile_document::named(org, full_name),
        "PermissionSet" => set_document::named(org, full_name),
        group => groups::id_of(org, group, full_name),
    }
}

fn unknown_type(name: &str) -> ApiError {
    ApiError::new(
        "INVALID_TYPE",
        format!("This type of metadata is not available for this organization: {name}"),
    )
}

/// Full names and rows of what there is of a type; nothing of a type that is
/// none of access.
pub fn rows_of<'a>(org: &'a Org, metadata_type: &str) -> Vec<(String, &'a Row)> {
    let (object, full_name): (&str, fn(&Row) -> String) = match metadata_type {
        "Profile" => ("Profile", profile_document::full_name),
        "PermissionSet" => ("PermissionSet", sets::full_name),
        "MutingPermissionSet" => ("MutingPermissionSet", groups::full_name),
        "PermissionSetGroup" => ("PermissionSetGroup", groups::full_name),
        _ => return Vec::new(),
    };
    org.store
        .all(object)
        .filter(|row| row.get("IsOwnedByProfile").is_none_or(|owned| *owned == Cell::Flag(false)))
        .filter(|row| row.lacks("PermissionSetGroupId"))
        .map(|row| (full_name(row), row))
        .collect()
}

/// The document of a type under a full name.
pub fn document(org: &Org, metadata_type: &str, full_name: &str) -> Option<Node> {
    match metadata_type {
        "PermissionSet" => {
            set_document::named(org, full_name).map(|id| set_document::read(org, full_name, &id))
        }
        "Profile" => profile_document::named(org, full_name)
            .and_then(|id| profile_document::read(org, full_name, &id)),
        "MutingPermissionSet" => groups::muting_document(org, full_name),
        "PermissionSetGroup" => groups::group_document(org, full_name),
        _ => None,
    }
}

/// Reads documents; one that is not there is `None`.
///
/// # Errors
/// When the type is none of access.
pub fn read_documents(
    org: &Org,
    metadata_type: &str,
    full_names: &[String],
) -> Result<Vec<Option<Node>>, ApiError> {
    if FileType::named(metadata_type).is_none() {
        return Err(unknown_type(metadata_type));
    }
    Ok(full_names.iter().map(|full_name| document(org, metadata_type, full_name)).collect())
}

/// Deletes documents, each on its own.
///
/// # Errors
/// When the type is none of access.
pub fn delete_documents(
    org: &mut Org,
    metadata_type: &str,
    full_names: &[String],
) -> Result<Vec<DocumentOutcome>, ApiError> {
    if FileType::named(metadata_type).is_none() {
        return Err(unknown_type(metadata_type));
    }
    Ok(full_names
        .iter()
        .map(|full_name| DocumentOutcome {
            full_name: full_name.clone(),
            created: false,
            error: delete_document(org, metadata_type, full_name).err(),
        })
        .collect())
}

/// Deletes one document. Where that is refused, nothing is changed.
///
/// # Errors
/// When it is not there, or in use.
pub fn delete_document(
    org: &mut Org,
    metadata_type: &str,
    full_name: &str,
) -> Result<(), ApiError> {
    let id =
        id_of(org, metadata_type, full_name).ok_or_else(|| no_such(metadata_type, full_name))?;
    let savepoint = org.store.savepoint();
    let deleted = super::delete(org, metadata_type, &id);
    if deleted.is_err() {
        org.store.roll_back(savepoint);
    }
    deleted
}

/// Gives a document another full name.
///
/// # Errors
/// When it is not there, or the name is taken.
pub fn rename_document(
    org: &mut Org,
    metadata_type: &str,
    from: &str,
    to: &str,
) -> Result<(), ApiError> {
    if FileType::named(metadata_type).is_none() {
        return Err(unknown_type(metadata_type));
    }
    let id = id_of(org, metadata_type, from).ok_or_else(|| no_such(metadata_type, from))?;
    let (field, name) = match metadata_type {
        "Profile" => ("Name", profile_document::unescape(to)),
        "PermissionSet" => ("Name", to.to_owned()),
        _ => ("DeveloperName", to.to_owned()),
    };
    super::update(org, metadata_type, &id, &super::written([(field, &name)]))
}
