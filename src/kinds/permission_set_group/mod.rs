//! Permission set groups: their members, and what they mute of what those grant.
//!
//! A group is owned as a whole and written as a metadata document, its muting set as
//! another. The org then adds the members up by itself, which takes a while: a group
//! counts, and can be assigned, once its status is `Updated` (Object Reference,
//! `PermissionSetGroup`).

mod muting;
mod spec;

use crate::facts::Catalog;
use crate::facts::Fact;
use crate::kinds::Comparison;
use crate::kinds::Document;
use crate::kinds::Granting;
use crate::kinds::Holding;
use crate::kinds::Kind;
use crate::kinds::LifecycleRules;
use crate::kinds::Reference;
use crate::kinds::Replacement;
use crate::kinds::Resolved;
use crate::kinds::Scope;
use crate::kinds::Step;
use crate::kinds::StepContext;
use crate::kinds::access_path;
use crate::kinds::access_path::AccessPath;
use crate::kinds::assignment::SETS;
use crate::kinds::assignment::holder_of_group;
use crate::kinds::permission_set;
use crate::kinds::permission_set::PermissionSet;
use crate::kinds::permission_set::object_paths;
use crate::kinds::permission_set::set_object;
use crate::kinds::permissions;
use crate::model::Action;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Awaited;
use crate::model::Change;
use crate::model::Declared;
use crate::model::Element;
use crate::model::FieldValue;
use crate::model::Filter;
use crate::model::Grants;
use crate::model::IdReference;
use crate::model::KeySource;
use crate::model::KindName;
use crate::model::Observed;
use crate::model::Ownership;
use crate::model::PackagedName;
use crate::model::Place;
use crate::model::Problem;
use crate::model::Reason;
use crate::model::RecordEffect;
use crate::model::Row;
use crate::model::RowExt as _;
use crate::model::RowQuery;
use crate::model::SalesforceId;
use crate::model::StepName;
use crate::model::Value;
use crate::model::Write;

/// The kind `permission_set_group`.
pub struct PermissionSetGroup;

/// Its name in addresses.
pub const KIND: KindName = KindName::PERMISSION_SET_GROUP;
const SECTION: &str = "permission_set_groups";
const OBJECT: &str = "PermissionSetGroup";
const MUTING_OBJECT: &str = "MutingPermissionSet";
/// Before the name of a member in its path.
const MEMBER: &str = "permission_sets.";
const ACTIVATION: &str = "activation_required";
const STATUS: &str = "status";
const UPDATED: &str = "Updated";
const FAILED: &str = "Failed";

/// The members, in the order of their names.
fn members(attributes: &Attributes) -> impl Iterator<Item = &Address> {
    let members = attributes.references().filter(|(path, _)| path.starts_with(MEMBER));
    members.map(|(_, member)| member)
}

/// Waits until the org has added a group's members up.
pub fn recalculation(group: &Address, effect: RecordEffect) -> Step {
    recalculation_of(group, &Attributes::new(), effect)
}

fn recalculation_of(group: &Address, attributes: &Attributes, effect: RecordEffect) -> Step {
    let names: Vec<&str> = members(attributes).map(Address::name).collect();
    let look_at = match names.as_slice() {
        [] => format!("{} under Setup > Permission Set Groups", group.name()),
        [only] => format!(
            "its member {only}, and at {} under Setup > Permission Set Groups",
            group.name()
        ),
        several => format!(
            "its members {}, and at {} under Setup > Permission Set Groups",
            several.join(", "),
            group.name()
        ),
    };
    let awaited = Awaited {
        object: OBJECT.into(),
        key: "DeveloperName".into(),
        name: PackagedName::of(group.name()).bare.to_owned(),
        field: "Status".into(),
        until: UPDATED.into(),
        never: FAILED.into(),
        look_at,
    };
    Step::new(StepName::Recalculate, Write::Await(Box::new(awaited)), effect)
}

impl PermissionSetGroup {
    fn resolve_members(
        &self,
        declared: &Declared,
        scope: &dyn Scope,
        catalog: &Catalog,
        into: &mut Attributes,
        problems: &mut Vec<Problem>,
    ) {
        for written in members(&declared.attributes) {
            let place = || self.place(&declared.address, MEMBER).item(written.name());
            match SETS.find_at(written, (declared, &place), scope, catalog) {
                Ok(name) => {
                    let member = Value::Reference(SETS.address(name));
                    into.set(format!("{MEMBER}{name}"), member);
                }
                Err(problem) => problems.push(problem),
            }
        }
    }

    fn resolve_muting(
        &self,
        declared: &Declared,
        catalog: &Catalog,
        into: &mut Attributes,
        problems: &mut Vec<Problem>,
    ) {
        let said = muting::of(&declared.attributes);
        let place = |path: &str| self.place(&declared.address, &access_path::muting(path));
        let mut muted = Attributes::new();
        let system =
            PermissionSet::resolve_system_permissions(declared, &said, &place, catalog, problems);
        if !system.is_empty() {
            muted.set("system_permissions", Value::Set(system));
        }
        let fields = PermissionSet::resolve_fields(declared, &said, &place, catalog, problems);
        for ((object, level), names) in fields {
            muted.set(AccessPath::Fields(&object, level).to_string(), Value::Set(names));
        }
        for (object, accesses) in object_paths(&said) {
            set_object(object, &permissions::with_dependents(&accesses), &mut muted);
        }
        muting::put(&muted, into);
    }

    /// The document, its elements in the order of their names.
    fn body(after: &Attributes, muting_set: Option<&str>, had_description: bool) -> Vec<Element> {
        let mut body = Vec::new();
        match after.text("description") {
            Some(text) => body.push(Element::text("description", text)),
            None if had_description => body.push(Element::text("description", "")),
            None => {}
        }
        let on = after.flag(ACTIVATION) == Some(true);
        body.push(Element::text("hasActivationRequired", if on { "true" } else { "false" }));
        body.push(Element::text("label", after.text("label").unwrap_or_default()));
        body.extend(muting_set.map(|name| Element::text("mutingPermissionSets", name)));
        body.extend(members(after).map(|member| Element::text("permissionSets", member.name())));
        body
    }

    fn removal_steps(change: &Change) -> Vec<Step> {
        let delete = |metadata_type: &'static str, full_name: &str| Write::DeleteDocument {
            metadata_type: metadata_type.into(),
            full_name: full_name.to_owned(),
        };
        let forget = RecordEffect { forget: true, ..RecordEffect::default() };
        let mut steps =
            vec![Step::new(StepName::Delete, delete(OBJECT, change.address.name()), forget)];
        // It leaves with its group, or else is left behind.
        if let Some(name) = change.before.as_ref().and_then(|before| before.text(muting::NAME)) {
            let write = delete(MUTING_OBJECT, name);
            steps.push(Step::new(StepName::DeleteMuting, write, RecordEffect::default()));
        }
        steps
    }
}

impl Kind for PermissionSetGroup {
    fn name(&self) -> KindName {
        KIND
    }

    fn place(&self, address: &Address, path: &str) -> Place {
        let entry = Place::keys([SECTION, address.name()]);
        let mut parts = path.splitn(4, '.');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("muting"), Some("objects" | "fields"), Some(object)) => {
                entry.key("muting").key("objects").key(object)
            }
            (Some("muting"), Some(part), _) => entry.key("muting").key(part),
            (Some(first), _, _) if !first.is_empty() => entry.key(first),
            _ => entry,
        }
    }

    fn facts(&self, declared: &Declared, scope: &dyn Scope, want: &mut dyn FnMut(Fact)) {
        for member in members(&declared.attributes) {
            SETS.facts(member, scope, want);
        }
        let muted = muting::of(&declared.attributes);
        if !muted.is_empty() {
            want(Fact::SystemPermissions);
        }
        for object in permission_set::named_objects(&muted) {
            want(Fact::Fields(object.to_owned()));
        }
    }

    fn resolve<'a>(
        &self,
        declared: &'a Declared,
        scope: &dyn Scope,
        catalog: &Catalog,
    ) -> Result<Resolved<'a>, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut attributes = Attributes::new();
        for path in ["label", "description", ACTIVATION] {
            attributes.set_some(path, declared.attributes.get(path).cloned());
        }
        attributes.set(STATUS, Value::Text(UPDATED.to_owned()));
        self.resolve_members(declared, scope, catalog, &mut attributes, &mut problems);
        self.resolve_muting(declared, catalog, &mut attributes, &mut problems);
        if problems.is_empty() { Ok(Resolved::to(attributes)) } else { Err(problems) }
    }

    fn queries(&self) -> &'static [RowQuery] {
        const QUERIES: [RowQuery; 1] = [RowQuery {
            object: OBJECT,
            fields: &["Id", "DeveloperName", "Status"],
            key: "DeveloperName",
            key_source: KeySource::Name,
            filters: &[Filter::IsNull("NamespacePrefix")],
            supplementary: false,
            piggybacks: false,
        }];
        &QUERIES
    }

    fn query_key(&self, address: &Address) -> String {
        address.name().to_owned()
    }

    fn observe_row(&self, _query: usize, row: &Row) -> Option<(Option<Address>, Observed)> {
        let mut observed =
            Observed { id: SalesforceId::parse(row.text("Id")?), ..Observed::default() };
        let status = row.text("Status").map(|status| Value::Text(status.to_owned()));
        observed.attributes.set_some(STATUS, status);
        Some((Some(Address::new(KIND, row.text("DeveloperName")?)), observed))
    }

    fn steps(&self, change: &Change, _context: &dyn StepContext) -> Result<Vec<Step>, Problem> {
        let name = change.address.name();
        let Some(after) = &change.after else { return Ok(Self::removal_steps(change)) };
        let mut steps = Vec::new();
        if let Reason::Renamed { .. } = &change.reason
            && let Some(id) = change.id()
        {
            steps.push(Step::new(
                StepName::Rename,
                Write::Update {
                    object: OBJECT.into(),
                    id: IdReference::Known(id.clone()),
                    fields: vec![("DeveloperName".into(), FieldValue::Text(name.to_owned()))],
                },
                RecordEffect::default(),
            ));
        }
        let nothing = Attributes::new();
        let before = change.before.as_ref().unwrap_or(&nothing);
        let (muted, was_muted) = (muting::of(after), muting::of(before));
        let mut confirmed = after.clone();
        confirmed.remove(STATUS);
        let mut muting_set = before.text(muting::NAME).map(str::to_owned);
        if muted != was_muted {
            let full_name = muting_set.get_or_insert_with(|| muting::name_for(name));
            let observed = change.observed.as_ref();
            let carried = match (observed, &change.recorded) {
                (Some(observed), _) => observed.carried.as_slice(),
                (None, Some(record)) => record.carried.as_slice(),
                (None, None) => &[],
            };
            let label = observed.and_then(|observed| observed.attributes.text(muting::LABEL));
            let label = label.map_or_else(|| full_name.replace('_', " "), str::to_owned);
            steps.push(Step::new(
                StepName::WriteMuting,
                Write::UpsertDocument {
                    metadata_type: MUTING_OBJECT.into(),
                    full_name: full_name.clone(),
                    body: muting::body(&label, after, change.before.as_ref(), carried),
                },
                RecordEffect::default(),
            ));
        }
        if let Some(name) = &muting_set {
            confirmed.set(muting::NAME, Value::Text(name.clone()));
        }
        let (mut wanted, mut held) = (after.clone(), before.clone());
        for attributes in [&mut wanted, &mut held] {
            attributes.retain(|path, _| path != STATUS && path != muting::NAME);
        }
        // One that failed is worked out anew when it is written again.
        let is_written = wanted != held || before.text(STATUS) == Some(FAILED);
        if is_written {
            let mut withdraw = crate::kinds::withdrawn(change.before.as_ref(), after);
            withdraw.retain(|path| path != muting::NAME);
            withdraw.push(STATUS.into());
            steps.push(Step::new(
                StepName::Write,
                Write::UpsertDocument {
                    metadata_type: OBJECT.into(),
                    full_name: name.to_owned(),
                    body: Self::body(
                        after,
                        muting_set.as_deref(),
                        before.get("description").is_some(),
                    ),
                },
                RecordEffect {
                    confirm: confirmed,
                    withdraw,
                    creates: (change.action == Action::Create).then_some(Ownership::Created),
                    ..RecordEffect::default()
                },
            ));
        }
        let is_recalculated =
            is_written || before.text(STATUS) != Some(UPDATED) || change.member_changes.is_some();
        if is_recalculated {
            let mut confirm = Attributes::new();
            confirm.set_some(STATUS, after.get(STATUS).cloned());
            let effect = RecordEffect { confirm, ..RecordEffect::default() };
            steps.push(recalculation_of(&change.address, after, effect));
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
}

impl Document for PermissionSetGroup {
    fn metadata_type(&self) -> &'static str {
        OBJECT
    }

    fn observe(&self, document: &Element) -> Observed {
        let mut observed = Observed::default();
        let attributes = &mut observed.attributes;
        for path in ["label", "description"] {
            let text = document.child_text(path).map(str::trim).filter(|text| !text.is_empty());
            attributes.set_some(path, text.map(|text| Value::Text(text.to_owned())));
        }
        if document.child_is_true("hasActivationRequired") {
            attributes.set(ACTIVATION, Value::Flag(true));
        }
        for member in document.all("permissionSets") {
            let address = SETS.address(&member.text);
            attributes.set(format!("{MEMBER}{}", member.text), Value::Reference(address));
        }
        let muting_set = document.child_text("mutingPermissionSets");
        attributes.set_some(muting::NAME, muting_set.map(|name| Value::Text(name.to_owned())));
        observed
    }

    fn further(&self, observed: &Observed) -> Option<(&'static str, String)> {
        let name = observed.attributes.text(muting::NAME)?;
        Some((MUTING_OBJECT, name.to_owned()))
    }

    fn observe_further(&self, document: &Element) -> Observed {
        muting::observe(document)
    }
}

impl Comparison for PermissionSetGroup {
    fn comparable(&self, observed: &Attributes, wanted: &Attributes) -> Attributes {
        muting::comparable(observed, wanted)
    }
}

impl LifecycleRules for PermissionSetGroup {
    /// Which muting set it has is found out, not wished.
    fn inherit(&self, wanted: &mut Attributes, recorded: &Attributes) {
        wanted.set_some(muting::NAME, recorded.get(muting::NAME).cloned());
    }

    fn ignorable(&self) -> &'static str {
        "label, description, permission_sets, muting"
    }

    fn ignores(&self, word: &str, path: &str) -> bool {
        let rest = path.strip_prefix(word);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

impl Replacement for PermissionSetGroup {
    /// With a member that is made anew; then who else holds it has to be known.
    fn may_need_replacing(&self, _declared: &Declared) -> bool {
        true
    }
}

impl Granting for PermissionSetGroup {
    fn removal_facts(&self, address: &Address, _recorded: &Attributes) -> Vec<Fact> {
        vec![Fact::PermissionSetGroupHolders(address.name().to_owned())]
    }

    fn combines(&self, attributes: &Attributes) -> Option<(Vec<Address>, Grants)> {
        let muted = PermissionSet::grants_of(&muting::of(attributes));
        Some((members(attributes).cloned().collect(), muted))
    }

    fn holders<'a>(&self, address: &Address, catalog: &'a Catalog) -> Option<Holding<'a>> {
        let holders = catalog.permission_set_group_holders.get(address.name());
        Some(Holding { holders, held_by: holder_of_group })
    }
}

impl Reference for PermissionSetGroup {
    fn known_id(&self, name: &str, catalog: &Catalog) -> Option<SalesforceId> {
        match catalog.permission_set_group.get(name).list() {
            [only] => Some(only.id.clone()),
            _ => None,
        }
    }
}
