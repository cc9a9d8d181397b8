//! Permission sets: label, description, system, object and field permissions.
//!
//! A set is owned as a whole and written as one metadata document, since a
//! permission set's deploy replaces what it holds (Metadata API Developer
//! Guide, `PermissionSet`, version 40 and later) and since object permission
//! rows become virtual once Modify All Data is on (Object Reference,
//! `ObjectPermissions`).

pub(in crate::kinds) mod document;
mod resolve;
mod spec;

pub(in crate::kinds) use spec::AccessWord;
pub(in crate::kinds) use spec::AllWord;
pub(in crate::kinds) use spec::FieldWord;
pub(in crate::kinds) use spec::declare_access;
pub(in crate::kinds) use spec::declare_fields;
pub(in crate::kinds) use spec::declare_system_permissions;

use crate::kinds::Comparison;
use crate::kinds::Document;
use crate::kinds::Feedback;
use crate::kinds::Granting;
use crate::kinds::Holding;
use crate::kinds::LifecycleRules;
use crate::kinds::Reference;
use crate::kinds::Replacement;
use crate::kinds::access_path::AccessPath;
use crate::kinds::access_path::FieldLevel;
use crate::model::KindName;
use crate::model::ObjectAccess;
use crate::model::Permission;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::facts::Catalog;
use crate::facts::Fact;
use crate::kinds::Kind;
use crate::kinds::Resolved;
use crate::kinds::Scope;
use crate::kinds::Step;
use crate::kinds::StepContext;
use crate::kinds::permission_set_license_assignment;
use crate::kinds::permissions;
use crate::kinds::settings;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Change;
use crate::model::Declared;
use crate::model::Element;
use crate::model::FieldValue;
use crate::model::Filter;
use crate::model::Grants;
use crate::model::IdReference;
use crate::model::Implied;
use crate::model::KeySource;
use crate::model::Observed;
use crate::model::Ownership;
use crate::model::Place;
use crate::model::Problem;
use crate::model::RecordEffect;
use crate::model::Row;
use crate::model::RowExt;
use crate::model::RowQuery;
use crate::model::SalesforceId;
use crate::model::StepName;
use crate::model::Value;
use crate::model::Write;

/// The kind `permission_set`.
pub struct PermissionSet;

/// Its name in addresses.
pub const KIND: KindName = KindName::PERMISSION_SET;
const SECTION: &str = "permission_sets";
const SYSTEM: &str = "system_permissions";
const MODIFY_ALL_DATA: &str = "ModifyAllData";
const VIEW_ALL_DATA: &str = "ViewAllData";
const LICENSE: &str = "license";
const ACTIVATION: &str = "activation_required";

/// The fields that attributes name, by object and level; every field of an object without
/// one.
fn field_paths(
    attributes: &Attributes,
) -> impl Iterator<Item = (&str, Option<FieldLevel>, &Value)> {
    attributes.iter().filter_map(|(path, value)| match AccessPath::of(path)? {
        AccessPath::Fields(object, level) => Some((object, Some(level), value)),
        AccessPath::EveryField(object) => Some((object, None, value)),
        AccessPath::Object(_) => None,
    })
}

/// The objects that attributes name access to, with which.
pub fn object_paths(
    attributes: &Attributes,
) -> impl Iterator<Item = (&str, BTreeSet<ObjectAccess>)> {
    attributes.iter().filter_map(|(path, value)| {
        let object = AccessPath::object_of(path)?;
        let words = value.as_set()?.iter();
        Some((object, words.filter_map(|word| ObjectAccess::of_word(word)).collect()))
    })
}

/// Sets the access to an object.
pub(in crate::kinds) fn set_object(
    object: &str,
    accesses: &BTreeSet<ObjectAccess>,
    into: &mut Attributes,
) {
    let words = accesses.iter().map(|access| access.word());
    into.set(AccessPath::Object(object).to_string(), Value::set(words));
}

/// The objects that a declaration names, for access or for fields.
pub(in crate::kinds) fn named_objects(attributes: &Attributes) -> BTreeSet<&str> {
    let paths = attributes.iter().filter_map(|(path, _)| AccessPath::of(path));
    paths.map(AccessPath::object).collect()
}

/// The permissions that a declaration names; names that nothing fits are left out.
fn named_permissions(declared: &Declared, catalog: &Catalog) -> BTreeSet<Permission> {
    let system = declared.attributes.names(SYSTEM);
    let system = system.filter_map(|written| permissions::api_name(written, catalog).ok());
    let objects = object_paths(&declared.attributes).flat_map(|(object, accesses)| {
        accesses.into_iter().map(move |access| Permission::object(object, access))
    });
    system.map(Permission::System).chain(objects).collect()
}

impl PermissionSet {
    /// What attributes of a set grant.
    pub(in crate::kinds) fn grants_of(attributes: &Attributes) -> Grants {
        let objects = object_paths(attributes);
        let mut grants = Grants {
            system: attributes.names(SYSTEM).map(str::to_owned).collect(),
            objects: objects.map(|(object, held)| (object.to_owned(), held)).collect(),
            ..Grants::default()
        };
        for (object, level, value) in field_paths(attributes) {
            let fields = grants.fields.entry(object.to_owned()).or_default();
            for name in value.as_set().into_iter().flatten() {
                *fields.entry(name.clone()).or_insert(false) |= level == Some(FieldLevel::Edit);
            }
        }
        grants
    }
}

impl Kind for PermissionSet {
    fn name(&self) -> KindName {
        KIND
    }

    fn place(&self, address: &Address, path: &str) -> Place {
        let entry = Place::keys([SECTION, address.name()]);
        let mut parts = path.splitn(3, '.');
        match (parts.next(), parts.next()) {
            (Some("objects" | "fields"), Some(object)) => entry.key("objects").key(object),
            (Some("record_types"), Some(object)) => entry.key("record_types").key(object),
            (Some(first), _) if !first.is_empty() => entry.key(first),
            _ => entry,
        }
    }

    fn facts(&self, declared: &Declared, _scope: &dyn Scope, want: &mut dyn FnMut(Fact)) {
        want(Fact::SystemPermissions);
        permissions::closure_facts(&named_permissions(declared, &Catalog::new()), want);
        for object in named_objects(&declared.attributes) {
            want(Fact::Fields(object.to_owned()));
        }
        settings::record_type_facts(&declared.attributes, want);
        if let Some(license) = declared.attributes.text(LICENSE) {
            want(Fact::UserLicenses);
            want(Fact::PermissionSetLicense(
                permission_set_license_assignment::developer_name(license).to_owned(),
            ));
        }
    }

    fn resolve<'a>(
        &self,
        declared: &'a Declared,
        _scope: &dyn Scope,
        catalog: &Catalog,
    ) -> Result<Resolved<'a>, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut attributes = Attributes::new();
        let mut follows = Vec::new();
        for path in ["label", "description"] {
            attributes.set_some(path, declared.attributes.get(path).cloned());
        }
        let plain = |path: &str| {
            path.starts_with("tabs.")
                || path == ACTIVATION
                || settings::SECTIONS.iter().any(|(section, _, _, _)| *section == path)
        };
        for (path, value) in declared.attributes.iter().filter(|(path, _)| plain(path)) {
            attributes.set(path.to_owned(), value.clone());
        }
        settings::resolve_record_types(
            declared,
            &|path| self.place(&declared.address, path),
            catalog,
            &mut attributes,
            &mut problems,
        );
        self.resolve_license(declared, catalog, &mut attributes, &mut problems);
        let said = &declared.attributes;
        let place = |path: &str| self.place(&declared.address, path);
        let mut system =
            Self::resolve_system_permissions(declared, said, &place, catalog, &mut problems);
        let fields = Self::resolve_fields(declared, said, &place, catalog, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }

        let named = named_permissions(declared, catalog);
        let implied = permissions::closure(&named, catalog);
        let all_data = system.contains(MODIFY_ALL_DATA);
        let mut objects: BTreeMap<&str, BTreeSet<ObjectAccess>> = BTreeMap::new();
        for permission in &named {
            if let Permission::Object { object, access } = permission {
                objects.entry(object).or_default().insert(*access);
            }
        }
        for (permission, need) in &implied {
            let (path, element) = match permission {
                // With Modify All Data every object is open but for View All
                // Fields: a row for what is not named would be virtual.
                Permission::Object { object, .. }
                    if all_data && !objects.contains_key(object.as_str()) =>
                {
                    continue;
                }
                Permission::Object { object, access } => {
                    objects.entry(object).or_default().insert(*access);
                    (AccessPath::Object(object).to_string(), access.word())
                }
                Permission::System(name) => {
                    system.insert(name.clone());
                    (SYSTEM.to_owned(), name.as_str())
                }
            };
            follows.push(Implied {
                path,
                element: element.to_owned(),
                because: need.because.to_string(),
                learned: need.learned,
            });
        }
        if !system.is_empty() {
            attributes.set(SYSTEM, Value::Set(system));
        }
        for (object, accesses) in objects {
            set_object(object, &accesses, &mut attributes);
        }
        for ((object, level), names) in fields {
            attributes.set(AccessPath::Fields(&object, level).to_string(), Value::Set(names));
        }
        follows.sort();
        Ok(Resolved { implied: follows, ..Resolved::to(attributes) })
    }

    fn queries(&self) -> &'static [RowQuery] {
        const QUERIES: [RowQuery; 1] = [RowQuery {
            object: "PermissionSet",
            fields: &["Id", "Name"],
            key: "Name",
            key_source: KeySource::Name,
            filters: &[
                Filter::IsNull("NamespacePrefix"),
                Filter::IsFalse("IsOwnedByProfile"),
                Filter::IsNull("PermissionSetGroupId"),
            ],
            supplementary: false,
            piggybacks: true,
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

    fn steps(&self, change: &Change, _context: &dyn StepContext) -> Result<Vec<Step>, Problem> {
        let name = change.address.name();
        let Some(after) = &change.after else {
            return Ok(vec![Step::new(
                StepName::Delete,
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
                StepName::Rename,
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
            let withdraw = crate::kinds::withdrawn(change.before.as_ref(), after);
            steps.push(Step::new(
                StepName::Write,
                Write::UpsertDocument {
                    metadata_type: "PermissionSet".into(),
                    full_name: name.to_owned(),
                    body: document::body(after, change.before.as_ref(), carried),
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

    fn document(&self) -> Option<&dyn Document> {
        Some(self)
    }

    fn comparison(&self) -> &dyn Comparison {
        self
    }

    fn lifecycle_rules(&self) -> &dyn LifecycleRules {
        self
    }

    fn replacement(&self) -> &dyn Replacement {
        self
    }

    fn granting(&self) -> &dyn Granting {
        self
    }

    fn reference(&self) -> &dyn Reference {
        self
    }

    fn feedback(&self) -> &dyn Feedback {
        self
    }
}

impl Document for PermissionSet {
    fn metadata_type(&self) -> &'static str {
        "PermissionSet"
    }

    fn observe(&self, document: &Element) -> Observed {
        document::observe(document)
    }
}

impl Comparison for PermissionSet {
    fn comparable(&self, observed: &Attributes, wanted: &Attributes) -> Attributes {
        document::comparable(observed, wanted)
    }
}

impl LifecycleRules for PermissionSet {
    /// A set that carries a license keeps it, whether it is declared or not: the
    /// license is set at creation alone (Object Reference, `PermissionSet`).
    fn inherit(&self, wanted: &mut Attributes, recorded: &Attributes) {
        if wanted.get(LICENSE).is_none() {
            wanted.set_some(LICENSE, recorded.get(LICENSE).cloned());
        }
    }

    fn ignorable(&self) -> &'static str {
        "label, description, system_permissions, objects, or one object as in objects.Contact"
    }

    fn may_ignore(&self, word: &str) -> bool {
        matches!(word, "label" | "description" | SYSTEM | "objects")
            || AccessPath::object_of(word).is_some_and(|object| !object.is_empty())
    }

    /// `objects.Contact` stands for the access to it and to its fields, as one
    /// entry of the file does.
    fn ignores(&self, word: &str, path: &str) -> bool {
        match (AccessPath::of(word), AccessPath::of(path)) {
            (_, Some(_)) if word == "objects" => true,
            (Some(AccessPath::Object(named)), Some(path)) => path.object() == named,
            _ => path == word,
        }
    }
}

impl Replacement for PermissionSet {
    fn may_need_replacing(&self, declared: &Declared) -> bool {
        declared.attributes.get(LICENSE).is_some()
    }

    fn unchangeable(&self, before: &Attributes, after: &Attributes) -> Option<&'static str> {
        let named = |attributes: &Attributes| {
            let name = attributes.text(LICENSE)?;
            Some(permission_set_license_assignment::developer_name(name).to_lowercase())
        };
        let wanted = named(after)?;
        (named(before) != Some(wanted)).then_some(LICENSE)
    }
}

impl Granting for PermissionSet {
    fn removal_facts(&self, address: &Address, _recorded: &Attributes) -> Vec<Fact> {
        vec![Fact::PermissionSetHolders(address.name().to_owned())]
    }

    fn grants(&self, attributes: &Attributes) -> Option<Grants> {
        // Without a label it is no whole set.
        attributes.get("label")?;
        Some(Self::grants_of(attributes))
    }

    fn holders<'a>(&self, address: &Address, catalog: &'a Catalog) -> Option<Holding<'a>> {
        Some(Holding {
            holders: catalog.permission_set_holders.get(address.name()),
            held_by: crate::kinds::assignment::holder_of_set,
        })
    }
}

impl Reference for PermissionSet {
    fn known_id(&self, name: &str, catalog: &Catalog) -> Option<SalesforceId> {
        match catalog.permission_set.get(name).list() {
            [only] => Some(only.id.clone()),
            _ => None,
        }
    }
}

impl Feedback for PermissionSet {
    /// A field that was sent as editable and reads as readable can't be edited:
    /// the org accepts the one and keeps the other (reported of metadata deploys).
    fn learn_from_read_back(
        &self,
        sent: &Attributes,
        kept: &mut Attributes,
        catalog: &mut Catalog,
    ) -> Vec<Fact> {
        let mut learned = Vec::new();
        for (object, level, value) in field_paths(sent) {
            let path = |level| AccessPath::Fields(object, level).to_string();
            let (edit, read) = (path(FieldLevel::Edit), path(FieldLevel::Read));
            let (Some(FieldLevel::Edit), Some(names)) = (level, value.as_set()) else { continue };
            let is_read = |name: &&String| {
                kept.names(&read).any(|held| held == **name)
                    && !kept.names(&edit).any(|held| held == **name)
            };
            let read_only: BTreeSet<&String> = names.iter().filter(is_read).collect();
            let Some(known) = catalog.fields.get_mut(object) else { continue };
            let known = known.fields.iter_mut().filter(|field| read_only.contains(&field.name));
            known.for_each(|field| field.editable = false);
            if !read_only.is_empty() {
                learned.push(Fact::Fields(object.to_owned()));
                kept.set(edit, value.clone());
            }
        }
        learned
    }

    fn invisible(
        &self,
        declared: &Declared,
        before: &Attributes,
        catalog: &Catalog,
    ) -> Vec<Problem> {
        self.invisible_grants(declared, before, catalog)
    }
}
