//! Permission sets: label, description, system, object and field permissions.
//!
//! A set is owned as a whole and written as one metadata document, since a
//! permission set's deploy replaces what it holds (Metadata API Developer
//! Guide, `PermissionSet`, version 40 and later) and since object permission
//! rows become virtual once Modify All Data is on (Object Reference,
//! `ObjectPermissions`).

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;

use super::Kind;
use super::Resolved;
use super::Scope;
use super::Section;
use super::Step;
use super::StepContext;
use super::permissions;
use super::permissions::Unresolved;
use super::spec::ApiName;
use super::spec::Description;
use super::spec::Label80;
use super::spec::Shorthand;
use super::spec::Text;
use super::spec::UniqueMap;
use super::spec::check_api_name;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Catalog;
use crate::model::Change;
use crate::model::Declared;
use crate::model::Element;
use crate::model::Fact;
use crate::model::FieldValue;
use crate::model::IdReference;
use crate::model::Implied;
use crate::model::KeySource;
use crate::model::Observed;
use crate::model::Ownership;
use crate::model::Path;
use crate::model::Place;
use crate::model::Problem;
use crate::model::RecordEffect;
use crate::model::Row;
use crate::model::RowExt;
use crate::model::RowQuery;
use crate::model::SalesforceId;
use crate::model::Value;
use crate::model::Write;

/// The kind `permission_set`.
pub struct PermissionSet;

/// Its name in addresses.
pub const KIND: &str = "permission_set";
const SECTION: &str = "permission_sets";
const SYSTEM: &str = "system_permissions";
const MODIFY_ALL_DATA: &str = "ModifyAllData";
const VIEW_ALL_DATA: &str = "ViewAllData";
/// The metadata sections that this kind models; all others are carried.
const MODELLED: [&str; 6] = [
    "fullName",
    "label",
    "description",
    "userPermissions",
    "objectPermissions",
    "fieldPermissions",
];

/// One entry of `permission_sets:`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermissionSetSpec {
    label: Option<Label80>,
    description: Option<Description>,
    #[serde(default)]
    system_permissions: Vec<Text>,
    #[serde(default)]
    objects: UniqueMap<ObjectName, ObjectSpec>,
    was: Option<ApiName>,
}

/// An object's API name, with a namespace and a suffix where it has them.
/// Compared without case, as Salesforce compares it.
#[derive(Clone)]
struct ObjectName(Text);

impl<'de> Deserialize<'de> for ObjectName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        let is_name = text.0.starts_with(|first: char| first.is_ascii_alphabetic())
            && text
                .0
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || character == '_');
        if is_name {
            return Ok(Self(text));
        }
        Err(serde::de::Error::custom(
            "an object's API name has letters, digits and underscores, for example `Contact` or `Region__c`",
        ))
    }
}

impl ObjectName {
    fn folded(&self) -> String {
        self.0.0.to_lowercase()
    }
}

impl PartialEq for ObjectName {
    fn eq(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }
}

impl Eq for ObjectName {}

impl PartialOrd for ObjectName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ObjectName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.folded().cmp(&other.folded())
    }
}

impl std::fmt::Debug for ObjectName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`", self.0.0)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ObjectSpec {
    access: Option<Shorthand<AllWord, Vec<AccessWord>>>,
    fields: Option<Shorthand<FieldWord, UniqueMap<Text, FieldWord>>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AllWord {
    All,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AccessWord {
    Read,
    Create,
    Edit,
    Delete,
    ViewAll,
    ModifyAll,
    ViewAllFields,
}

impl AccessWord {
    fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::ViewAll => "view_all",
            Self::ModifyAll => "modify_all",
            Self::ViewAllFields => "view_all_fields",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FieldWord {
    Read,
    Edit,
}

impl FieldWord {
    fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Edit => "edit",
        }
    }
}

impl Section for PermissionSet {
    type Spec = PermissionSetSpec;

    fn check_name(name: &str) -> Result<(), String> {
        let is_packaged = name
            .split_once("__")
            .is_some_and(|(namespace, bare)| !namespace.is_empty() && check_api_name(bare).is_ok());
        if is_packaged && check_api_name(name.split("__").next().unwrap_or_default()).is_ok() {
            return Err(format!(
                "`{name}` looks like a package's permission set, which can only be assigned to users"
            ));
        }
        check_api_name(name)
    }

    fn declare(
        name: &str,
        spec: PermissionSetSpec,
        into: &mut dyn FnMut(Address, Attributes, Option<String>),
    ) {
        let mut attributes = Attributes::new();
        let label =
            spec.label.map_or_else(|| name.replace('_', " "), |label| label.0.trim().to_owned());
        attributes.set("label", Value::Text(label));
        attributes.set_some(
            "description",
            spec.description
                .map(|description| description.0.trim().to_owned())
                .filter(|description| !description.is_empty())
                .map(Value::Text),
        );
        if !spec.system_permissions.is_empty() {
            attributes
                .set(SYSTEM, Value::set(spec.system_permissions.into_iter().map(|text| text.0)));
        }
        for (ObjectName(Text(object)), access) in spec.objects.0 {
            let words: Vec<&str> = match access.access {
                None => Vec::new(),
                Some(Shorthand::Word(AllWord::All)) => {
                    permissions::OBJECT_ACCESS.iter().map(|(word, _, _)| *word).collect()
                }
                Some(Shorthand::Long(words)) => words.into_iter().map(AccessWord::word).collect(),
            };
            if !words.is_empty() {
                attributes.set(format!("objects.{object}"), Value::set(words));
            }
            match access.fields {
                None => {}
                Some(Shorthand::Word(word)) => {
                    attributes.set(format!("fields.{object}"), Value::Text(word.word().to_owned()));
                }
                Some(Shorthand::Long(fields)) => {
                    for word in [FieldWord::Edit, FieldWord::Read] {
                        let names: BTreeSet<String> = fields
                            .0
                            .iter()
                            .filter(|(_, held)| **held == word)
                            .map(|(field, _)| field.0.clone())
                            .collect();
                        if !names.is_empty() {
                            let path = format!("fields.{object}.{}", word.word());
                            attributes.set(path, Value::Set(names));
                        }
                    }
                }
            }
        }
        into(Address::new(KIND, name), attributes, spec.was.map(|was| was.0));
    }
}

/// The objects whose fields are named under `fields.`, with what follows.
fn field_paths(attributes: &Attributes) -> impl Iterator<Item = (&str, Option<&str>, &Value)> {
    attributes.iter().filter_map(|(path, value)| {
        let rest = path.strip_prefix("fields.")?;
        Some(match rest.split_once('.') {
            Some((object, level)) => (object, Some(level), value),
            None => (rest, None, value),
        })
    })
}

/// The objects that a declaration names, for access or for fields.
fn named_objects(attributes: &Attributes) -> BTreeSet<&str> {
    let with_access = attributes.iter().filter_map(|(path, _)| path.strip_prefix("objects."));
    with_access.chain(field_paths(attributes).map(|(object, _, _)| object)).collect()
}

/// The atoms that a declaration names; names that nothing fits are left out.
fn named_atoms(declared: &Declared, catalog: &Catalog) -> BTreeSet<String> {
    let mut atoms: BTreeSet<String> = declared
        .attributes
        .names(SYSTEM)
        .filter_map(|written| permissions::api_name(written, catalog).ok())
        .collect();
    for (path, value) in declared.attributes.iter() {
        if let (Some(object), Some(words)) = (path.strip_prefix("objects."), value.as_set()) {
            atoms.extend(words.iter().map(|word| permissions::object_atom(object, word)));
        }
    }
    atoms
}

impl PermissionSet {
    fn problem(
        declared: &Declared,
        place: Place,
        message: String,
        hint: Option<String>,
    ) -> Problem {
        Problem {
            address: declared.address.clone(),
            place: Some(place),
            file: declared.file,
            message,
            hint,
        }
    }

    fn resolve_system_permissions(
        &self,
        declared: &Declared,
        catalog: &Catalog,
        problems: &mut Vec<Problem>,
    ) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for written in declared.attributes.names(SYSTEM) {
            let place = self.place(&declared.address, SYSTEM).item(written);
            match permissions::api_name(written, catalog) {
                Ok(name) if permissions::is_unknown_in_org(&name, catalog) => {
                    problems.push(Self::problem(
                        declared,
                        place,
                        format!("this org has no system permission `{name}`"),
                        Some("the feature or release that brings it may be missing here; take the line out, or write it only for orgs that have it".to_owned()),
                    ));
                }
                Ok(name) => {
                    names.insert(name);
                }
                Err(Unresolved::Ambiguous(fitting)) => problems.push(Self::problem(
                    declared,
                    place,
                    format!("the label `{written}` fits {}", fitting.join(" and ")),
                    Some("write the API name of the one that is meant".to_owned()),
                )),
                Err(Unresolved::Unknown(meant)) => problems.push(Self::problem(
                    declared,
                    place,
                    format!("no system permission has the label or API name `{written}`"),
                    meant.map(|meant| format!("did you mean `{meant}`?")),
                )),
            }
        }
        names
    }

    fn resolve_fields(
        &self,
        declared: &Declared,
        catalog: &Catalog,
        problems: &mut Vec<Problem>,
    ) -> BTreeMap<(String, &'static str), BTreeSet<String>> {
        let mut granted: BTreeMap<(String, &'static str), BTreeSet<String>> = BTreeMap::new();
        for object in named_objects(&declared.attributes) {
            let place = self.place(&declared.address, &format!("objects.{object}")).itself();
            match catalog.object_name(object) {
                Some(name) if name == object => {}
                Some(name) => problems.push(Self::problem(
                    declared,
                    place,
                    format!("the org spells the object `{object}` as `{name}`"),
                    Some(format!("write `{name}`")),
                )),
                None => problems.push(Self::problem(
                    declared,
                    place,
                    format!("this org has no object `{object}`"),
                    Some(
                        "object names are API names, for example `Contact` or `Region__c`"
                            .to_owned(),
                    ),
                )),
            }
        }
        for (object, level, value) in field_paths(&declared.attributes) {
            let place = self.place(&declared.address, &format!("objects.{object}"));
            let Some(fields) = catalog.fields(object) else {
                continue;
            };
            match (level, value) {
                (None, Value::Text(word)) => {
                    for field in fields {
                        let level = if word == "edit" && field.editable { "edit" } else { "read" };
                        granted
                            .entry((object.to_owned(), level))
                            .or_default()
                            .insert(field.name.clone());
                    }
                }
                (Some(level), Value::Set(names)) => {
                    for name in names {
                        let place = place.clone().key("fields").key(name).itself();
                        let Some(field) = fields.iter().find(|field| field.name == *name) else {
                            let meant = super::closest(
                                name,
                                fields.iter().map(|field| field.name.as_str()),
                            );
                            problems.push(Self::problem(
                                declared,
                                place,
                                format!("`{object}` has no field `{name}` whose access can be granted"),
                                Some(meant.map_or_else(
                                    || "required fields, ids and audit fields are always there and can't be granted".to_owned(),
                                    |meant| format!("did you mean `{meant}`?"),
                                )),
                            ));
                            continue;
                        };
                        if level == "edit" && !field.editable {
                            problems.push(Self::problem(
                                declared,
                                place,
                                format!("`{object}.{name}` can be read but never edited"),
                                Some("write `read`".to_owned()),
                            ));
                            continue;
                        }
                        let level = if level == "edit" { "edit" } else { "read" };
                        granted.entry((object.to_owned(), level)).or_default().insert(name.clone());
                    }
                }
                _ => {}
            }
        }
        granted
    }
}

impl Kind for PermissionSet {
    fn name(&self) -> &'static str {
        KIND
    }

    fn place(&self, address: &Address, path: &str) -> Place {
        let entry = Place::keys([SECTION, address.name()]);
        let mut parts = path.splitn(3, '.');
        match (parts.next(), parts.next()) {
            (Some("objects" | "fields"), Some(object)) => entry.key("objects").key(object),
            (Some(first), _) if !first.is_empty() => entry.key(first),
            _ => entry,
        }
    }

    fn facts(&self, declared: &Declared, _scope: &dyn Scope, want: &mut dyn FnMut(Fact)) {
        want(Fact::SystemPermissions);
        permissions::closure_facts(&named_atoms(declared, &Catalog::new()), want);
        for object in named_objects(&declared.attributes) {
            want(Fact::Fields(object.to_owned()));
        }
    }

    fn removal_facts(&self, address: &Address, _recorded: &Attributes) -> Vec<Fact> {
        vec![Fact::PermissionSetHolders(address.name().to_owned())]
    }

    fn resolve(
        &self,
        declared: &Declared,
        _scope: &dyn Scope,
        catalog: &Catalog,
    ) -> Result<Resolved, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut resolved = Resolved::default();
        for path in ["label", "description"] {
            resolved.attributes.set_some(path, declared.attributes.get(path).cloned());
        }
        let mut system = self.resolve_system_permissions(declared, catalog, &mut problems);
        let fields = self.resolve_fields(declared, catalog, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }

        let named = named_atoms(declared, catalog);
        let implied = permissions::closure(&named, catalog);
        let all_data = system.contains(MODIFY_ALL_DATA);
        let mut objects: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (object, word) in named.iter().filter_map(|atom| permissions::object_of_atom(atom)) {
            objects.entry(object).or_default().insert(word);
        }
        for (atom, because) in &implied {
            match permissions::object_of_atom(atom) {
                // With Modify All Data every object is open but for View All
                // Fields: a row for what is not named would be virtual.
                Some((object, _)) if all_data && !objects.contains_key(object) => {}
                Some((object, word)) => {
                    objects.entry(object).or_default().insert(word);
                    resolved.implied.push(Implied {
                        path: format!("objects.{object}"),
                        element: word.to_owned(),
                        because: because.clone(),
                    });
                }
                None => {
                    system.insert(atom.clone());
                    resolved.implied.push(Implied {
                        path: SYSTEM.to_owned(),
                        element: atom.clone(),
                        because: because.clone(),
                    });
                }
            }
        }
        resolved.implied.sort();
        if !system.is_empty() {
            resolved.attributes.set(SYSTEM, Value::Set(system));
        }
        for (object, words) in objects {
            resolved.attributes.set(format!("objects.{object}"), Value::set(words));
        }
        for ((object, level), names) in fields {
            resolved.attributes.set(format!("fields.{object}.{level}"), Value::Set(names));
        }
        Ok(resolved)
    }

    fn queries(&self) -> &'static [RowQuery] {
        const QUERIES: [RowQuery; 1] = [RowQuery {
            object: "PermissionSet",
            fields: &["Id", "Name"],
            key: "Name",
            key_source: KeySource::Name,
            condition: Some("NamespacePrefix = null AND IsOwnedByProfile = false"),
            supplementary: false,
        }];
        &QUERIES
    }

    fn query_key(&self, address: &Address) -> String {
        address.name().to_owned()
    }

    fn observe_row(&self, _query: usize, row: &Row) -> Option<(Option<Address>, Observed)> {
        let observed = Observed { id: SalesforceId::parse(row.text("Id")?), ..Observed::default() };
        Some((Some(Address::new(KIND, row.text("Name")?)), observed))
    }

    fn document_type(&self) -> Option<&'static str> {
        Some("PermissionSet")
    }

    fn observe_document(&self, document: &Element) -> Observed {
        let mut observed = Observed::default();
        let attributes = &mut observed.attributes;
        for path in ["label", "description"] {
            let text = document.child_text(path).map(str::trim).filter(|text| !text.is_empty());
            attributes.set_some(path, text.map(|text| Value::Text(text.to_owned())));
        }
        let system: BTreeSet<String> = document
            .all("userPermissions")
            .filter(|permission| permission.child_is_true("enabled"))
            .filter_map(|permission| permission.child_text("name").map(str::to_owned))
            .collect();
        if !system.is_empty() {
            attributes.set(SYSTEM, Value::Set(system));
        }
        for permission in document.all("objectPermissions") {
            let words: Vec<&str> = permissions::OBJECT_ACCESS
                .iter()
                .filter(|(_, element, _)| permission.child_is_true(element))
                .map(|(word, _, _)| *word)
                .collect();
            if let Some(object) = permission.child_text("object").filter(|_| !words.is_empty()) {
                attributes.set(format!("objects.{object}"), Value::set(words));
            }
        }
        let mut fields: BTreeMap<(&str, &str), BTreeSet<String>> = BTreeMap::new();
        for permission in document.all("fieldPermissions") {
            let level = if permission.child_is_true("editable") {
                "edit"
            } else if permission.child_is_true("readable") {
                "read"
            } else {
                continue;
            };
            if let Some((object, field)) =
                permission.child_text("field").and_then(|field| field.split_once('.'))
            {
                fields.entry((object, level)).or_default().insert(field.to_owned());
            }
        }
        for ((object, level), names) in fields {
            attributes.set(format!("fields.{object}.{level}"), Value::Set(names));
        }
        observed.carried = document
            .children
            .iter()
            .filter(|child| !MODELLED.contains(&child.name.as_str()))
            .filter(|child| !(child.name == "hasActivationRequired" && child.text == "false"))
            .cloned()
            .collect();
        observed
    }

    fn comparable(&self, observed: &Attributes, wanted: &Attributes) -> Attributes {
        let mut comparable = observed.clone();
        if observed.names(SYSTEM).any(|name| name == MODIFY_ALL_DATA) {
            // Modify All Data shows every object as open, whether granted or
            // not; only View All Fields is a grant of its own then.
            comparable.retain(|path, _| !path.starts_with("objects."));
            for (path, value) in wanted.iter().filter(|(path, _)| path.starts_with("objects.")) {
                let mut words: BTreeSet<String> = value.as_set().cloned().unwrap_or_default();
                words.remove("view_all_fields");
                if observed.names(path).any(|word| word == "view_all_fields") {
                    words.insert("view_all_fields".to_owned());
                }
                comparable.set(path.to_owned(), Value::Set(words));
            }
            for (path, value) in observed.iter().filter(|(path, _)| path.starts_with("objects.")) {
                let is_granted =
                    value.as_set().is_some_and(|words| words.contains("view_all_fields"));
                if is_granted && wanted.get(path).is_none() {
                    comparable.set(path.to_owned(), Value::set(["view_all_fields"]));
                }
            }
        }
        let views_all = observed.names(SYSTEM).any(|name| name == VIEW_ALL_DATA);
        if views_all && !observed.names(SYSTEM).any(|name| name == MODIFY_ALL_DATA) {
            // View All Data shows every object as readable, granted or not.
            for (path, value) in observed.iter().filter(|(path, _)| path.starts_with("objects.")) {
                let mut words = value.as_set().cloned().unwrap_or_default();
                for word in ["read", "view_all"] {
                    if !wanted.names(path).any(|held| held == word) {
                        words.remove(word);
                    }
                }
                comparable.remove(path);
                if !words.is_empty() {
                    comparable.set(path.to_owned(), Value::Set(words));
                }
            }
        }
        let open_objects: Vec<&str> = observed
            .iter()
            .filter_map(|(path, value)| {
                let object = path.strip_prefix("objects.")?;
                value.as_set()?.contains("view_all_fields").then_some(object)
            })
            .collect();
        for object in open_objects {
            // View All Fields reads as read access to every field.
            let path = format!("fields.{object}.read");
            comparable.remove(&path);
            comparable.set_some(path.clone(), wanted.get(&path).cloned());
        }
        comparable
    }

    fn steps(&self, change: &Change, _context: &dyn StepContext) -> Result<Vec<Step>, Problem> {
        let name = change.address.name();
        let Some(after) = &change.after else {
            return Ok(vec![Step::new(
                "delete",
                Write::DeleteDocument {
                    metadata_type: "PermissionSet".into(),
                    full_name: name.to_owned(),
                },
                RecordEffect { forget: true, ..RecordEffect::default() },
            )]);
        };
        let mut steps = Vec::new();
        if let crate::model::Reason::Renamed { .. } = &change.reason
            && let Some(id) = change.id()
        {
            steps.push(Step::new(
                "rename",
                Write::Update {
                    object: "PermissionSet".into(),
                    id: IdReference::Known(id.clone()),
                    fields: vec![("Name".into(), FieldValue::Text(name.to_owned()))],
                },
                RecordEffect::default(),
            ));
        }
        if change.before.as_ref() != Some(after) {
            let carried = match (&change.observed, &change.recorded) {
                (Some(observed), _) => observed.carried.as_slice(),
                (None, Some(record)) => record.carried.as_slice(),
                (None, None) => &[],
            };
            let withdraw = withdrawn(change.before.as_ref(), after);
            steps.push(Step::new(
                "write",
                Write::UpsertDocument {
                    metadata_type: "PermissionSet".into(),
                    full_name: name.to_owned(),
                    body: body(after, change.before.as_ref(), carried),
                },
                RecordEffect {
                    confirm: after.clone(),
                    withdraw,
                    creates: (change.action == Action::Create).then_some(Ownership::Created),
                    ..RecordEffect::default()
                },
            ));
        }
        Ok(steps)
    }

    fn holders(&self, address: &Address) -> Option<(Fact, fn(&Address, &str) -> Address)> {
        Some((
            Fact::PermissionSetHolders(address.name().to_owned()),
            super::permission_set_assignment::address_of_holder,
        ))
    }

    fn known_id(&self, name: &str, catalog: &Catalog) -> Option<SalesforceId> {
        match catalog.permission_sets(name) {
            [only] => Some(only.id.clone()),
            _ => None,
        }
    }
}

/// The paths that hold something before and nothing after.
pub fn withdrawn(before: Option<&Attributes>, after: &Attributes) -> Vec<Path> {
    before
        .into_iter()
        .flat_map(Attributes::iter)
        .filter(|(path, _)| after.get(path).is_none())
        .map(|(path, _)| Path::Owned(path.to_owned()))
        .collect()
}

/// The whole document, its elements in the order of the WSDL, which is the
/// order of their names. What is taken out is also said to be off: by the
/// documents a set is replaced, and an org that merges must end alike.
fn body(attributes: &Attributes, before: Option<&Attributes>, carried: &[Element]) -> Vec<Element> {
    let flag = |name: &str, on: bool| Element::text(name, if on { "true" } else { "false" });
    let mut body: Vec<Element> = carried.to_vec();
    let nothing = Attributes::new();
    let before = before.unwrap_or(&nothing);
    if before.get("description").is_some() && attributes.get("description").is_none() {
        body.push(Element::text("description", ""));
    }
    for name in before.names(SYSTEM) {
        if !attributes.names(SYSTEM).any(|kept| kept == name) {
            body.push(Element::parent(
                "userPermissions",
                vec![flag("enabled", false), Element::text("name", name)],
            ));
        }
    }
    for path in ["description", "label"] {
        if let Some(text) = attributes.text(path) {
            body.push(Element::text(path, text));
        }
    }
    for name in attributes.names(SYSTEM) {
        body.push(Element::parent(
            "userPermissions",
            vec![flag("enabled", true), Element::text("name", name)],
        ));
    }
    let no_words = BTreeSet::new();
    let withdrawn = before
        .iter()
        .filter(|(path, _)| path.starts_with("objects.") && attributes.get(path).is_none())
        .map(|(path, _)| (path, &no_words));
    let granted = attributes.iter().filter_map(|(path, value)| Some((path, value.as_set()?)));
    for (path, words) in granted.chain(withdrawn) {
        if let Some(object) = path.strip_prefix("objects.") {
            let mut children: Vec<Element> = permissions::OBJECT_ACCESS
                .iter()
                .map(|(word, element, _)| flag(element, words.contains(*word)))
                .collect();
            children.push(Element::text("object", object));
            children.sort_by(|left, right| left.name.cmp(&right.name));
            body.push(Element::parent("objectPermissions", children));
        }
    }
    let mut fields: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    for (object, _, value) in field_paths(before) {
        for field in value.as_set().into_iter().flatten() {
            fields.insert(format!("{object}.{field}"), (false, false));
        }
    }
    for (object, level, value) in field_paths(attributes) {
        for field in value.as_set().into_iter().flatten() {
            fields.insert(format!("{object}.{field}"), (true, level == Some("edit")));
        }
    }
    for (field, (readable, editable)) in fields {
        body.push(Element::parent(
            "fieldPermissions",
            vec![
                flag("editable", editable),
                Element::text("field", field),
                flag("readable", readable),
            ],
        ));
    }
    body.sort_by(|left, right| left.name.cmp(&right.name));
    body
}
